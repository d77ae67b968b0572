#!/usr/bin/python3
"""The verdicts of gilscope gate, on made-up builds: gate_test.py BUILD. Speaks TAP."""
import itertools
import os
import re
import sys

from gate_made import (BEFORE, CELL, CONFIRM, ERROR, FAIL, INCONCLUSIVE, LOOK, MOST, NOT_COMPARABLE, PASS, SKIPPED,
                       gate, judged, latency, line, report, run, run_tests, strict)


def verdicts(builds):
    """Each cause of a verdict by itself: what the candidate does, the status, and words of the reason."""
    slow = [line(1500000)]
    counts = {"takes": 100, "contended": 10, "drops_forced": 10}
    cases = {
        "builds_that_do_the_same_pass": ([line()], [line()], PASS, "time"),
        "what_is_slower_by_a_little_more_than_allowed_fails": ([line()], [line(1051000)], FAIL, "time"),
        "what_is_slower_but_not_by_more_than_allowed_passes": ([line()], [line(1049000)], PASS, "time"),
        "what_is_slower_fails": ([line()], slow, FAIL, "time"),
        "what_is_faster_passes": (slow, [line()], PASS, "time"),
        "more_takes_that_wait_fail_in_the_same_time":
            ([line(**counts)], [line(**{**counts, "contended": 40})], FAIL, "contended"),
        "more_takes_fail_in_the_same_time":
            ([line(**counts)], [line(**{**counts, "takes": 200})], FAIL, "takes"),
        "more_forced_switches_fail_in_the_same_time":
            ([line(**counts)], [line(**{**counts, "drops_forced": 40})], FAIL, "forced"),
        "a_few_events_more_are_no_regression":
            ([line(**counts)], [line(**{**counts, "contended": 13})], PASS, "time"),
        "a_higher_median_latency_fails_in_the_same_time":
            ([line(latency=latency())], [line(latency=latency(p50=1500))], FAIL, "p50"),
        "rare_long_latencies_fail_in_the_same_time":
            ([line(latency=latency())], [line(latency=latency(p99=5000))], FAIL, "p99"),
        "what_never_happened_and_happens_now_fails":
            ([line(takes=0)], [line(contended=3)], FAIL, "contended"),
        "what_never_happened_and_happens_once_is_allowed":
            ([line(takes=0)], [line(contended=1)], PASS, "time"),
    }
    for name, (before, after, status, metric) in cases.items():
        done, verdict = gate(*builds.pair(before, after))
        alone = verdict and [m for m, one in verdict["cells"][0]["judgements"].items() if one["verdict"] == "FAIL"]
        report(verdict and done.returncode == verdict["exit_status"] == status
               and alone == ([metric] if status == FAIL else [])
               and judged(verdict, metric)["known"] and judged(verdict, metric)["pairs"] == LOOK, name, done)


def ends(builds):
    """What ends a cell at once: failures of a process, and work that is not the same."""
    late = [line()] * 12
    cases = {
        "another_checksum_fails": ([line(checksum="6")], FAIL, "has the checksum 6, 5 expected"),
        "one_wrong_checksum_of_many_fails": (late + [line(checksum="6"), line()], FAIL, "has the checksum 6, 5 expected"),
        "a_check_that_went_wrong_fails": (late + ["exit 1 not sorted", line()], FAIL, "exited with status 1: not sorted"),
        "a_crash_fails": (late + ["signal 11", line()], FAIL, "was killed by signal 11"),
        "a_crash_of_the_first_sample_fails": (["signal 6"], FAIL, "was killed by signal 6"),
        "a_hang_fails": (late + ["hang", line()], FAIL, "did not end within 1 s and was killed"),
        "a_line_that_is_no_result_fails": (late + ["{}", line()], FAIL, "without elapsed_ns"),
        "an_empty_checksum_fails": ([line(checksum="")], FAIL, "without elapsed_ns, checksum"),
        "a_checksum_that_cannot_be_kept_fails": ([line(checksum="5" * 24)], FAIL, "without elapsed_ns, checksum"),
        "an_empty_line_fails": (late + ["", line()], FAIL, "printed no result line"),
        "no_time_at_all_fails": (late + [line(0), line()], FAIL, "without elapsed_ns"),
    }
    for name, (plan, status, words) in cases.items():
        done, verdict = gate(*builds.pair([line()], plan), "--limit", "1s")
        report(verdict and done.returncode == status and verdict["verdict"] == "FAIL"
               and "the candidate " in verdict["cells"][0]["reason"] and words in verdict["cells"][0]["reason"]
               and words in verdict["headline"], "of_the_candidate_" + name, done)
        plan = [line()] * BEFORE["baseline"] + plan
        done, verdict = gate(*builds.pair(plan, [line()]), "--limit", "1s")
        report(verdict and done.returncode == ERROR and verdict["verdict"] == "ERROR"
               and "the baseline " in verdict["cells"][0]["reason"] and words in verdict["cells"][0]["reason"],
               "of_the_baseline_" + re.sub("_fails?$", "_is_an_error", name), done)
    done, verdict = gate(*builds.pair(["signal 11"], [line()]))
    report(verdict and done.returncode == ERROR and "was killed by signal 11" in verdict["cells"][0]["reason"],
           "a_baseline_that_cannot_be_calibrated_is_an_error", done)
    done, verdict = gate(*builds.pair([line(params={"depth": 1})], [line(params={"depth": 2})]))
    report(verdict and done.returncode == NOT_COMPARABLE and verdict["verdict"] == "NOT COMPARABLE"
           and "the candidate does other work: depth is 2, and 1 in the baseline" == verdict["cells"][0]["reason"],
           "other_work_is_not_compared", done)
    done, verdict = gate(*builds.pair([line()], [line(params={"depth": 2})]))
    report(done.returncode == PASS, "a_parameter_that_the_baseline_does_not_know_yet_is_no_other_work", done)


def confirmations(builds):
    slow = line(1500000)
    noticed = [slow] * (BEFORE["candidate"] + LOOK)
    done, verdict = gate(*builds.pair([line()], [slow]))
    told = judged(verdict, "time")
    report(told["failed"] and told["verdict"] == "FAIL" and told["confirming"]["pairs"] == CONFIRM
           and told["pairs"] == LOOK and abs(told["ratio"] - 1.5) < 1e-9 and told["ci99"] == [told["ratio"]] * 2
           and len(verdict["cells"][0]["confirming"]) == CONFIRM and len(verdict["cells"][0]["pairs"]) == LOOK,
           "what_fails_is_confirmed_by_fresh_pairs", told)
    unconfirmed = builds.make(*noticed, line())
    baseline = builds.make()
    for way, status in ((), INCONCLUSIVE), (("tell",), INCONCLUSIVE), (("pass",), PASS), (("fail",), FAIL):
        remake(unconfirmed)
        done, verdict = gate(baseline, unconfirmed, *(word for one in way for word in ("--inconclusive", one)))
        told = judged(verdict, "time")
        report(done.returncode == verdict["exit_status"] == status and verdict["verdict"] == "INCONCLUSIVE"
               and told["failed"] and told["verdict"] == "INCONCLUSIVE" and told["confirming"]["pairs"] == CONFIRM
               and f"and not again in {CONFIRM} fresh ones" in told["reason"],
               f"a_failure_that_does_not_come_again_is_inconclusive_{'_'.join(way) or 'by_itself'}", done)
    both = noticed + [slow] * (CONFIRM // 2)
    done, verdict = gate(*builds.pair([line()], both + ["signal 11"]))
    report(verdict and done.returncode == FAIL and "was killed by signal 11" in verdict["cells"][0]["reason"],
           "a_crash_while_it_is_confirmed_fails", done)
    crash = [line()] * (BEFORE["baseline"] + LOOK + CONFIRM // 2) + ["signal 11"]
    done, verdict = gate(*builds.pair(crash, [slow]))
    report(verdict and done.returncode == ERROR
           and "the baseline was killed by signal 11" in verdict["cells"][0]["reason"],
           "a_baseline_that_crashes_while_a_failure_is_confirmed_is_an_error", done)
    # Faster as often as slower, by much: nothing is worse, and nothing is proved.
    swings = [line(1500000), line(700000)] * (MOST // 2 + 1)
    done, verdict = gate(*builds.pair([line()], swings))
    told = judged(verdict, "time")
    report(done.returncode == INCONCLUSIVE and told["pairs"] == MOST and not told["failed"]
           and told["confirming"] is None and told["smallest"] > 1.05 and "are the most that are taken" in told["reason"],
           "what_cannot_be_decided_in_all_pairs_is_inconclusive", done.returncode, told)
    done, verdict = gate(*builds.pair(["sleep 20 " + line()], [line()]), "--budget", "100ms")
    told = judged(verdict, "time")
    report(done.returncode == INCONCLUSIVE and told["pairs"] < LOOK
           and f"{LOOK} pairs, the fewest for a look" in told["reason"]
           and re.search(r"\b0\.1 s\b.*--budget", told["reason"]),
           "a_budget_that_ends_before_the_first_look_is_inconclusive", done)


def remake(folder):
    """As if none of its workloads had run."""
    for name in os.listdir(os.path.join(folder, "workloads")):
        if name.endswith(".runs"):
            os.unlink(os.path.join(folder, "workloads", name))


def comparable(builds):
    plain = builds.make()
    cases = {
        "a_build_for_debugging_is_not_compared": {"optimization": "0", "buildtype": "debug"},
        "a_build_with_sanitizers_is_not_compared": {"sanitize": "address,undefined"},
        "a_build_that_is_optimized_otherwise_is_not_compared": {"optimization": "2"},
    }
    for name, build in cases.items():
        other = builds.make(build=build)
        for sides in (plain, other), (other, plain):
            done, verdict = gate(*sides)
            report(verdict and done.returncode == NOT_COMPARABLE and verdict["verdict"] == "NOT COMPARABLE"
                   and verdict["reason"] and not verdict["cells"]
                   and not [n for side in sides for n in os.listdir(side + "/workloads") if n.endswith(".runs")],
                   name + ("_as_candidate" if sides[1] == other else "_as_baseline"), done)
    done, _ = gate(plain, builds.make(build={"compiler": "clang 14.0.6"}))
    text = run("gate", "--baseline", plain, "--candidate", builds.make(build={"compiler": "clang 14.0.6"}), *CELL,
               "--workers", "2", "--size", "7")
    report(done.returncode == PASS == text.returncode and "is built by gcc 12.2.0" in " ".join(text.stdout.split()),
           "another_compiler_is_told_and_compared", done, text.stdout)
    cases = {
        "a_cell_that_the_candidate_refuses_is_not_compared":
            ({}, {"refuse": "2 no such mode"}, NOT_COMPARABLE, "no such mode"),
        "a_cell_that_the_baseline_refuses_is_not_compared":
            ({"refuse": "2 no such mode"}, {}, NOT_COMPARABLE, "no such mode"),
        "a_cell_that_cannot_run_in_the_candidate_is_not_compared":
            ({}, {"refuse": "3 no device"}, NOT_COMPARABLE, "no device"),
        "a_cell_that_cannot_run_in_either_is_skipped":
            ({"refuse": "3 no device"}, {"refuse": "3 no device"}, SKIPPED, "no device"),
    }
    for name, (before, after, status, words) in cases.items():
        done, verdict = gate(builds.make(**before), builds.make(**after))
        report(verdict and done.returncode == status and words in verdict["cells"][0]["reason"], name, done)
    done, _ = gate(builds.make(refuse="2 countdown: no"), builds.make(refuse="2 countdown: no"))
    report(done.returncode == ERROR and done.stderr == "gilscope: countdown: no\n",
           "a_cell_that_both_refuse_as_misuse_is_misuse", done)
    lacking = builds.make()
    builds.add(lacking, workload="mergesort")
    os.unlink(lacking + "/workloads/countdown")
    done, verdict = gate(plain, lacking)
    report(verdict and done.returncode == NOT_COMPARABLE
           and "the candidate does not have it" in verdict["cells"][0]["reason"],
           "a_workload_that_the_candidate_lacks_is_not_compared", done)
    done, verdict = gate(lacking, plain)
    report(done.returncode in (ERROR, NOT_COMPARABLE) and "countdown" in done.stderr + str(verdict),
           "a_workload_that_the_baseline_lacks_is_no_pass", done)
    cases = {
        "counts_that_the_candidate_does_not_tell_are_not_compared":
            (line(takes=1), line(), (), "the baseline tells it, the candidate does not"),
        "counts_that_the_baseline_does_not_tell_are_not_compared":
            (line(), line(takes=1), (), "the candidate tells it, the baseline does not"),
        "what_was_asked_for_and_neither_side_tells_is_no_pass":
            (line(), line(), ("--threshold", "takes=5%"), "neither side tells it"),
    }
    for name, (before, after, words, reason) in cases.items():
        done, verdict = gate(*builds.pair([before], [after]), *words)
        report(verdict and done.returncode == NOT_COMPARABLE and judged(verdict, "takes")["reason"] == reason
               and judged(verdict, "takes")["ratio"] is None, name, done)
    done, _ = gate(plain, plain, "--runtime", "pypy3", env={**os.environ, "PATH": "/nonexistent"})
    report(done.returncode == SKIPPED and "there is no pypy3" in done.stdout and not done.stderr,
           "what_is_not_on_this_machine_is_skipped", done)


def priorities(builds):
    """Of two cells the more urgent verdict is the gate's."""
    slow = line(1500000)
    # In the order of urgency, each with a workload of its own.
    kinds = [
        ("SKIPPED", SKIPPED, "queue", {"refuse": "3 no"}, {"refuse": "3 no"}),
        ("PASS", PASS, "countdown", {}, {}),
        ("INCONCLUSIVE", INCONCLUSIVE, "bank", {}, {"plan": [slow] * (BEFORE["candidate"] + LOOK) + [line()]}),
        ("NOT COMPARABLE", NOT_COMPARABLE, "race", {}, {"refuse": "2 no"}),
        ("ERROR", ERROR, "spawn", {"plan": ["exit 1 broken"]}, {}),
        ("FAIL", FAIL, "stop", {}, {"plan": [slow]}),
    ]
    wrong, sums = [], []
    for number, (less, more) in enumerate(itertools.combinations(kinds, 2)):
        first, second = (less, more) if number % 2 else (more, less)
        sides = builds.folder(), builds.folder()
        for _, _, workload, *plans in less, more:
            for side, said in zip(sides, plans):
                said = dict(said)
                builds.add(side, *said.pop("plan", []), workload=workload, **said)
        done, verdict = gate(*sides, cell=("--workload", f"{first[2]},{second[2]}", "--mode", "sequential"))
        told = {cell["verdict"] for cell in verdict["cells"]} if verdict else None
        if done.returncode != more[1] or not verdict or verdict["verdict"] != more[0] or told != {less[0], more[0]}:
            wrong.append((less[0], more[0], done))
        sums.append(told)
    report(not wrong and len(sums) == 15, "the_most_urgent_verdict_of_a_cell_is_that_of_the_gate", *wrong)


def thresholds(builds):
    """Of one pair of builds: slower by a half, with more switches and waits."""
    sides = builds.pair([line(takes=100, contended=10, switches=10)],
                        [line(1500000, takes=100, contended=40, switches=40)])
    cases = [
        ((), FAIL, {"time", "contended"}),
        (("--delta", "60%"), FAIL, {"contended"}),
        (("--threshold", "time=60%,contended=off"), PASS, set()),
        (("--threshold", "time=60%", "--threshold", "contended=400%"), PASS, set()),
        (("--threshold", "time=off", "--threshold", "contended=off"), PASS, set()),
        (("--threshold", "time=off,contended=off,switches=20%"), FAIL, {"switches"}),
        (("--threshold", "time=49.9%,contended=off"), FAIL, {"time"}),
    ]
    wrong = []
    for words, status, failed in cases:
        done, verdict = gate(*sides, *words)
        told = verdict and {m for m, one in verdict["cells"][0]["judgements"].items() if one["verdict"] == "FAIL"}
        if done.returncode != status or told != failed:
            wrong.append((words, told, done))
    report(not wrong, "thresholds_are_what_is_allowed_and_off_decides_nothing", *wrong)
    done, verdict = gate(*sides, "--threshold", ",".join(f"{m}=off" for m in
                                                         ("time", "takes", "contended", "forced", "futex", "p50", "p99")))
    report(done.returncode == ERROR and "nothing of it is gated" in verdict["cells"][0]["reason"],
           "a_gate_that_watches_nothing_is_no_pass", done)


def order(builds):
    sides = builds.pair([line()], [line()])
    log = os.path.join(builds.tmp, "log")
    logs, firsts, told = [], [], []
    for seed in "1", "1", "2":
        if os.path.exists(log):
            os.unlink(log)
        done, verdict = gate(*sides, "--seed", seed, cell=("--workload", "countdown", "--mode", "sequential,threads"),
                             env={**os.environ, "FAKE_LOG": log})
        with open(log, encoding="utf-8") as file:
            logs.append(file.read().replace(sides[0], "old").replace(sides[1], "new").split())
        firsts.append([[pair["first"] for pair in cell["pairs"]] for cell in verdict["cells"]])
        told.append((done.returncode, verdict["run"]["seed"]))
    report(told == [(PASS, 1), (PASS, 1), (PASS, 2)], "the_seed_is_told", told)
    report(logs[0] == logs[1] and firsts[0] == firsts[1] and logs[0] != logs[2] and firsts[0] != firsts[2],
           "a_seed_gives_the_same_order_again_and_another_another", logs)
    mixed = {tuple(cell[at:at + 2]) for run_ in firsts for cell in run_ for at in range(0, len(cell), 2)}
    report(mixed == set(itertools.product(("baseline", "candidate"), repeat=2)),
           "which_side_comes_first_is_tossed_for_each_pair", firsts)
    pairs = [tuple(name.split("/")[0] for name in logs[0][at:at + 2])
             for at in range(len(logs[0]) % 2, len(logs[0]), 2)][-2 * LOOK:]
    report(all(set(pair) == {"old", "new"} for pair in pairs), "the_two_of_a_pair_come_one_after_the_other", logs[0])


def injections(builds):
    """Both sides are one build, whose workload does as it is told."""
    # More work has a checksum of its own.
    slow = builds.make(line(), **{"120": [line(1200000, checksum="6")]})
    done, verdict = gate(slow, slow, "--size", "100", "--inject", "slowdown=20%")
    report(verdict and done.returncode == FAIL and judged(verdict, "time")["verdict"] == "FAIL"
           and verdict["injected"] == "slowdown=20%" and abs(judged(verdict, "time")["ratio"] - 1.2) < 1e-9,
           "an_injected_slowdown_fails", done)
    told = {"takes": 100, "drops_forced": 10, "params": {"interval": 5000000}}
    more = line(contended=50, **{**told, "params": {"interval": 1000000}})
    many = builds.make(line(contended=10, **told), **{"interval__1000000": [more]})
    done, verdict = gate(many, many, "--inject", "conflicts=5", cell=("--workload", "countdown", "--mode", "gil"))
    report(verdict and done.returncode == FAIL and judged(verdict, "contended")["verdict"] == "FAIL"
           and judged(verdict, "time")["verdict"] == "PASS" and verdict["injected"] == "conflicts=5",
           "injected_conflicts_fail", done)
    done, _ = gate(slow, slow, "--inject", "conflicts=5")
    report(done.returncode == ERROR and "no cell has a lock model" in done.stderr,
           "conflicts_that_cannot_be_injected_are_misuse", done)
    done, _ = gate(slow, slow, "--size", "1", "--inject", "slowdown=20%")
    report(done.returncode == ERROR and "no cell has work that could be made more" in done.stderr,
           "a_slowdown_that_cannot_be_injected_is_misuse", done)
    done, verdict = gate(slow, slow)
    report(done.returncode == PASS and verdict["injected"] is None, "what_is_not_injected_is_not_told", done)


def chosen(builds):
    """What was asked for is what is gated."""
    modes = ("sequential", "threads", "gil", "processes")
    told = {"countdown/gil:cpython2/2": ("--gil", "cpython2"), "countdown/gil:cpython3/4/interval=1ms": ("--workers", "4"),
            "countdown/gil:cpython3/3/interval=1ms": ("--mode", "gil", "--workers", "3"),
            "countdown/gil:cpython3/2/interval=2ms": ("--mode", "gil", "--set", "interval=2ms")}
    build = builds.make(line(), modes=modes)
    for cell, words in told.items():
        done = run("gate", "--baseline", build, "--candidate", build, "--workload", "countdown", "--size", "7", "--json",
                   *words)
        report(f'"id": "{cell}"' in done.stdout, f"{' '.join(words)}: {cell} is gated", done)
    sides = builds.make(line(), modes=modes, mode__gil=[line(contended=10)])
    done = run("gate", "--baseline", sides, "--candidate", sides, "--workload", "countdown", "--size", "7", "--threshold",
               "contended=30%")
    report(done.returncode == PASS, "a_threshold_is_for_the_cells_that_have_the_metric", done)


def of_one_build(builds):
    """The gates of the self-test. That of a slow-down finds how much work a sample is: the first sample is of 10, takes
    as long as it should and makes it 11, of which a fifth more is 13."""
    modes = ("sequential", "threads", "gil", "processes")
    counts = {"elapsed": 10000000, "takes": 100, "drops_forced": 10, "params": {"interval": 1000000}}
    plain = line(contended=10, **counts)
    worse = line(contended=50, **{**counts, "params": {"interval": 200000}})
    more = line(contended=10, **{**counts, "elapsed": 12000000, "checksum": "6"})
    words = ("--workers", "2", "--budget", "3600s")
    blind = builds.make(plain, modes=modes)
    own = ("--budget", "3600s")
    done = run("gate", "--self-test", "--candidate", blind, *own)
    report(done.returncode == FAIL and "SELF-TEST FAILED" in done.stdout and done.stdout.count("BROKEN") == 2
           and "ok     beside itself" in done.stdout, "a_self_test_of_a_gate_that_cannot_go_red_fails", done)
    done = run("gate", "--self-test", "--candidate",
               builds.make(plain, modes=modes, **{"13": [more], "interval__200000": [worse]}), *own)
    report(done.returncode == PASS and "SELF-TEST PASSED" in done.stdout and done.stdout.count("ok  ") == 3,
           "a_self_test_of_a_gate_that_goes_red_passes", done)
    broken = builds.make("signal 11", modes=modes)
    done = run("gate", "--self-test", "--candidate", broken, *own, "--inconclusive", "pass")
    report(done.returncode == ERROR and "signal 11" in done.stdout + done.stderr,
           "a_self_test_of_what_crashes_does_not_pass", done)
    done = run("gate", "--self-test", "--inconclusive", "pass", "--candidate",
               builds.make(plain, modes=modes, **{"13": [more], "interval__200000": ["signal 11"]}), *own)
    report(done.returncode == FAIL and "signal 11" in done.stdout and "BROKEN with five" in done.stdout,
           "a_self_test_of_what_crashes_in_one_of_its_gates_fails", done)
    crashing = builds.make("signal 11", modes=modes)
    done = run("gate", "--calibrate", "--candidate", crashing, *words, "--workload", "countdown", "--size", "7")
    report(done.returncode == ERROR, "a_calibration_of_what_crashes_is_an_error", done)
    folder = os.path.join(builds.tmp, "noise")
    done = run("gate", "--calibrate", "--candidate", blind, *words, "--workload", "countdown", "--mode", "gil", "--size",
               "7", "--json", "-o", folder)
    noise = strict(done.stdout) if done.returncode == PASS else {"cells": [{"metrics": {}}]}
    told = noise["cells"][0]["metrics"].get("time")
    with open(folder + "/calibration.json", encoding="utf-8") as file:
        report(told and told["noise"] == 0 and told["threshold"] == 0.03 and file.read() == done.stdout
               and noise["cells"][0]["pairs"] == MOST, "calibration_says_what_equal_pairs_let_the_gate_see", done)


sys.exit(run_tests((verdicts, ends, confirmations, comparable, priorities, thresholds, order, injections, chosen,
                    of_one_build)))
