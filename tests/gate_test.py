#!/usr/bin/python3
"""gilscope gate, end to end: gate_test.py BUILD.

The two builds are folders of made-up workloads (fake_workload.c) that say what a plan tells them to: so every
verdict is known beforehand, and nothing is measured. Speaks TAP."""
import itertools
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree

BUILD = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
GILSCOPE = os.path.join(BUILD, "gilscope")
FAKE = os.path.join(BUILD, "tests", "fake_workload")
TIMEOUT = 240
PASS, FAIL, ERROR, INCONCLUSIVE, NOT_COMPARABLE, SKIPPED = 0, 1, 2, 3, 4, 77
FILES = {"verdict.json", "junit.xml", "summary.md", "pairs.tsv"}
count = failures = 0
# Whoever runs the tests may be a runner of GitHub's; the gate would speak to it.
for word in "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY":
    os.environ.pop(word, None)


def constant(name):
    with open(os.path.join(ROOT, "bench/gate/decide.h"), encoding="utf-8") as file:
        return int(re.search(rf"^#define {name} (\d+)$", file.read(), re.M)[1])


LOOK, CONFIRM, MOST = (constant("DECIDE_" + name) for name in ("LOOK", "CONFIRM", "MOST"))
# Runs of the baseline before its first pair: the ticks are calibrated on it, then one to warm up.
BEFORE = {"baseline": 9 + 1, "candidate": 1}


def report(good, sentence, *notes):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)
    for note in [] if good else notes:
        print("# " + str(note)[:600].replace("\n", "\n# "))


def skip(sentence, reason):
    global count
    count += 1
    print(f"ok {count} - {sentence} # SKIP {reason}", flush=True)


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key twice: {keys}"
    return dict(pairs)


def strict(text):
    return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=once)


def line(elapsed=1000000, checksum="5", params=None, latency=None, **gil):
    """A result line; 'gil' are counts of the lock, of which the rest is 0."""
    counts = {"takes": 0, "contended": 0, "drops_forced": 0, "switches": 0, **gil} if gil else None
    return json.dumps({"workload": "countdown", "params": {"tick-spins": 100, **(params or {})}, "elapsed_ns": elapsed,
                       "checksum": checksum, "per_worker": [{"nvcsw": 0, "nivcsw": 0, "cpu_ns": 5}],
                       "gil_counts": counts, "latency": latency})


def latency(p50=1000, p99=2000, n=100):
    return {"n": n, "min": p50, "max": p99, "p50": p50, "p90": p50, "p99": p99, "p999": p99}


class Builds:
    """Makes folders of made-up workloads."""

    def __init__(self, tmp):
        self.tmp, self.made = tmp, 0

    def folder(self):
        self.made += 1
        path = os.path.join(self.tmp, str(self.made))
        os.makedirs(path)
        return path

    def make(self, *plan, workload="countdown", modes=("sequential", "threads", "gil"), build=(), refuse=None, **plans):
        """A build of one workload. A keyword of 'plans' is a word of the command line, with '__' for '='."""
        folder = self.folder()
        self.add(folder, *plan, workload=workload, modes=modes, build=build, refuse=refuse, **plans)
        return folder

    @staticmethod
    def add(folder, *plan, workload="countdown", modes=("sequential", "threads", "gil"), build=(), refuse=None,
            **plans):
        os.makedirs(os.path.join(folder, "workloads"), exist_ok=True)
        path = os.path.join(folder, "workloads", workload)
        shutil.copy(FAKE, path)
        built = {"version": "0", "revision": "0123456789ab", "compiler": "gcc 12.2.0", "buildtype": "release",
                 "optimization": "3", "sanitize": "none", **dict(build)}
        says = {"workload": workload, "build": built, "options": [{"name": "size"}], "params": [],
                "modes": [{"name": name, "params": []} for name in modes],
                "gils": [{"name": "cpython3", "params": [{"name": "interval"}]}]}
        words = {"": plan, **{"." + word.replace("__", "="): lines for word, lines in plans.items()}}
        for word, lines in words.items():
            with open(f"{path}{word}.plan", "w", encoding="utf-8") as file:
                file.write("\n".join(lines or [line()]) + "\n")
        with open(path + ".describe", "w", encoding="utf-8") as file:
            file.write(json.dumps(says) + "\n")
        if refuse:
            with open(path + ".refuse", "w", encoding="utf-8") as file:
                file.write(refuse + "\n")

    def pair(self, baseline, candidate):
        return self.make(*baseline), self.make(*candidate)


CELL = ("--workload", "countdown", "--mode", "sequential")


def run(*words, **more):
    return subprocess.run([GILSCOPE, *words], **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                                 "stderr": subprocess.PIPE, "text": True, "timeout": TIMEOUT, **more})


def gate(baseline, candidate, *words, cell=CELL, **more):
    """Its status and outputs, and the verdict; the budget is never over."""
    done = run("gate", "--baseline", baseline, "--candidate", candidate, *cell, "--workers", "2", "--size", "7",
               "--budget", "3600s", "--json", *words, **more)
    return done, strict(done.stdout) if done.stdout.startswith("{") else None


def judged(verdict, metric, cell=0):
    return verdict["cells"][cell]["judgements"][metric]


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


def outputs(builds):
    sides = builds.pair([line()], [line(1500000)])
    folder = os.path.join(builds.tmp, "out")
    done, verdict = gate(*sides, "-o", folder)
    with open(folder + "/verdict.json", encoding="utf-8") as file:
        written = file.read()
    report(done.returncode == FAIL and done.stdout == written and verdict["schema"] == "gilscope.verdict/1",
           "what_is_printed_as_json_is_what_is_written", done)
    made = set(os.listdir(folder))
    report(FILES <= made and not [name for name in made if "part" in name],
           "a_gate_that_has_failed_leaves_all_files", made)
    done = run("gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers", "2", "--size", "7")
    report(done.returncode == FAIL and done.stdout.startswith("FAIL: ") and not re.search(r"\033|\r", done.stderr),
           "people_read_the_verdict_first_and_a_log_has_no_terminals_codes", done)
    # Nothing was measured before it is known that the result can be kept.
    def untouched(path, name, words, **more):
        fresh = builds.pair([line()], [line()])
        done, _ = gate(*fresh, "-o", path, **more)
        ran = [n for side in fresh for n in os.listdir(side + "/workloads") if n.endswith(".runs")]
        report(done.returncode == ERROR and words in done.stderr and done.stderr.count("\n") == 1 and not ran,
               name, done, ran)
    untouched(os.path.join(sides[0], "workloads", "countdown"), "a_file_in_place_of_the_output_folder_is_refused", "")
    untouched("", "an_output_folder_without_a_name_is_refused", "empty")
    untouched("/proc/self/nothing", "an_output_folder_that_cannot_be_made_is_refused", "")
    full(builds, sides)
    github(builds, sides)
    folders(builds, sides)
    waiting(builds, sides)


def full(builds, sides):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    folder = os.path.join(builds.tmp, "full")
    done, _ = gate(*sides, "-o", folder, preexec_fn=small, restore_signals=False)
    report(done.returncode == ERROR and "nothing was written" in done.stderr and os.listdir(folder) == [],
           "a_disk_that_is_full_leaves_no_file", done, os.listdir(folder))
    with open("/dev/full", "w", encoding="utf-8") as to:
        for words in (), ("--json",):
            done = run("gate", "--baseline", sides[0], "--candidate", sides[0], *CELL, "--workers", "2", "--size", "7",
                       *words, stdout=to)
            report(done.returncode == ERROR and done.stderr.startswith("gilscope: cannot write the output"),
                   f"an_output_that_cannot_be_written_is_no_pass{'_'.join(words).replace('--', '_as_')}", done)


def github(builds, sides):
    summary = os.path.join(builds.tmp, "step")
    words = ("gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers", "2", "--size", "7")
    done = run(*words, env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary})
    with open(summary, encoding="utf-8") as file:
        text = file.read()
    report(done.returncode == FAIL and done.stdout.startswith("FAIL: ") and "\n::error " in done.stdout
           and "countdown/sequential/2" in text and "FAIL" in text,
           "on_github_the_verdict_stands_beside_the_change", done, text)
    os.unlink(summary)
    done = run(*words, "--json", env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary})
    with open(summary, encoding="utf-8") as file:
        again = file.read()
    report(done.returncode == FAIL and strict(done.stdout)["verdict"] == "FAIL" and re.search("^::error ", done.stderr, re.M)
           and again.startswith("### gilscope gate: FAIL"), "and_not_less_when_it_is_printed_as_json", done, again)
    done = run(*words, env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/nonexistent/step"})
    report(done.returncode == ERROR and done.stdout.startswith("FAIL: ") and "/nonexistent/step" in done.stderr,
           "a_summary_that_cannot_be_written_is_an_error", done)


def waiting(builds, sides):
    """A gnuplot that does not end."""
    tools = builds.folder()
    started = os.path.join(tools, "started")
    with open(tools + "/gnuplot", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\necho $$ > {started}.part && mv {started}.part {started}\nexec sleep 1000\n")
    os.chmod(tools + "/gnuplot", 0o755)
    process = subprocess.Popen([GILSCOPE, "gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers",
                                "2", "--size", "7", "-o", tools], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True,
                               env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    first = process.stdout.readline()
    while process.poll() is None and not os.path.exists(started):
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=TIMEOUT)
    with open(started, encoding="utf-8") as file:
        left = os.path.exists("/proc/" + file.read().strip())
    report(first.startswith("FAIL: ") and process.returncode == -signal.SIGTERM and not left
           and FILES <= set(os.listdir(tools)), "a_chart_that_does_not_get_done_keeps_nobody_waiting", first,
           process.returncode, left)


def folders(builds, sides):
    """Of gates one after the other, and of two at once."""
    same = sides[0], builds.make()
    folder = os.path.join(builds.tmp, "again")
    gate(*sides, "-o", folder)
    done, _ = gate(*same, "-o", folder, "--inject", "conflicts=5")
    report(done.returncode == ERROR and os.listdir(folder) == [],
           "a_gate_that_comes_to_nothing_leaves_no_verdict_of_an_earlier_one", done, os.listdir(folder))
    endless = subprocess.Popen([GILSCOPE, "gate", "--baseline-command", "sleep 1000", "--candidate-command", "true",
                                "-o", folder, "--limit", "1000s"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not [name for name in os.listdir(folder) if "part" in name]:
        time.sleep(0.01)
    done, _ = gate(*same, "-o", folder)
    endless.terminate()
    report(done.returncode == ERROR and "another run is writing" in done.stderr
           and endless.wait() == -signal.SIGTERM and os.listdir(folder) == [],
           "two_gates_do_not_write_to_one_folder", done, os.listdir(folder))


def nasty(builds):
    """What a program says is shown, and does nothing else."""
    folder = os.path.join(builds.tmp, "nasty")
    words = r"""printf '\033[31mred\001 <&]]> "\377 \r::error::no\n' >&2; exit 3"""
    # Bytes that are no text; codes of terminals; what is more than text in XML, Markdown and to GitHub.
    done = subprocess.run([GILSCOPE, "gate", "--baseline-command", b"true '\xff\xfe<&\"'", "--candidate-command", words,
                           "-o", folder], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                          env={**os.environ, "GITHUB_ACTIONS": "true"})
    with open(folder + "/verdict.json", encoding="utf-8") as file:
        verdict = strict(file.read())
    xml.etree.ElementTree.parse(folder + "/junit.xml")
    seen = done.stdout + done.stderr
    report(done.returncode == FAIL and "[31mred" in verdict["cells"][0]["reason"]
           and not re.search(rb"[\0-\t\v-\x1f]", seen) and not re.search(rb"^::error::no", seen, re.M),
           "words_of_a_program_do_nothing_in_the_files_and_on_a_terminal", seen)


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


def traced(builds):
    """Programs of two threads, of which the candidate's take the interpreter's lock a thousand times more."""
    python = "/usr/bin/python3"
    sentence = "the_lock_of_a_traced_command_is_watched"
    if not os.path.exists(python):
        skip(sentence, f"no {python}")
        return
    def script(naps):
        path = os.path.join(builds.tmp, f"naps-{naps}.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write("import threading, time\n"
                       f"def nap():\n    for _ in range({naps}):\n        time.sleep(0)\n"
                       "threads = [threading.Thread(target=nap) for _ in range(2)]\n"
                       "[thread.start() for thread in threads]\n[thread.join() for thread in threads]\n")
        return f"{python} -I -S {path}"
    done = run("gate", "--trace", "--baseline-command", script(1), "--candidate-command", script(1000), "--budget",
               "100ms", "--json")
    verdict = strict(done.stdout) if done.stdout.startswith("{") else None
    told = judged(verdict, "takes") if verdict else None
    report(told and done.returncode == INCONCLUSIVE and told["known"] and told["candidate"] >= told["baseline"] + 1998
           and judged(verdict, "wait_share")["known"] and judged(verdict, "hold_p99")["known"]
           and judged(verdict, "cpu")["known"], sentence, done)
    slow = script(1).replace("naps-1.py", "slow.py")
    with open(slow.split()[-1], "w", encoding="utf-8") as file:
        file.write(f"import os, time\nexec(open({script(1).split()[-1]!r}).read())\n"
                   "time.sleep(1 if 'LD_PRELOAD' in os.environ else 0)\n")
    done, verdict = of_commands(slow, slow, "--budget", "100ms")
    report(verdict and done.returncode == INCONCLUSIVE and judged(verdict, "takes")["known"]
           and judged(verdict, "time")["candidate"] < 1e9, "the_time_of_a_traced_command_has_not_the_tracers_in_it", done)
    done, verdict = of_commands(script(1), f"[ -z \"$LD_PRELOAD\" ] || kill -SEGV $$; {script(1)}")
    report(verdict and done.returncode == FAIL and "the candidate exited with status 139" in verdict["headline"],
           "a_command_that_crashes_when_it_is_traced_fails", done)


def of_commands(baseline, candidate, *words, **more):
    done = run("gate", "--trace", "--baseline-command", baseline, "--candidate-command", candidate, "--json", *words,
               **more)
    return done, strict(done.stdout) if done.stdout.startswith("{") else None


def untraced(builds):
    """What the tracer cannot do says nothing of the candidate."""
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done, verdict = of_commands("true", "true", preexec_fn=small, restore_signals=False)
    report(verdict and done.returncode == ERROR
           and "could not be measured: gilscope trace exited with status 3: gilscope: " in verdict["headline"],
           "a_tracer_that_has_no_room_is_an_error_of_its_own", done)
    done, verdict = of_commands("true", "true")
    report(verdict and done.returncode == ERROR and re.search(
        "the (baseline|candidate) could not be measured: no interpreter's lock was found in its trace; leave out --trace",
        verdict["headline"]), "a_command_without_a_lock_is_told_to_be_gated_without_the_tracer", done)
    # Every second run is traced.
    done, verdict = gate(*builds.pair([line()], [line(), line(checksum="6")] * MOST), "--trace")
    report(verdict and done.returncode == FAIL and "the candidate has the checksum 6, 5 expected" in verdict["headline"],
           "another_checksum_in_the_traced_run_fails", done)
    done, verdict = gate(*builds.pair([line()], [line(), "signal 11"] * MOST), "--trace")
    report(verdict and done.returncode == ERROR
           and "the candidate could not be measured: under the tracer: exited with status 139" in verdict["headline"],
           "a_crash_in_the_traced_run_is_an_error", done)


def traced_workloads(builds):
    """A second run of each is traced; here nothing in it is sanitized, or it could not be."""
    sentence = "the_futex_calls_of_workloads_are_counted_in_traced_runs_of_their_own"
    done, verdict = gate(*builds.pair(["futex 5 " + line()], ["futex 905 " + line()]), "--trace", "--budget", "100ms")
    if verdict and verdict["build"]["sanitize"] != "none":
        skip(sentence, "built with sanitizers")
        return
    told = judged(verdict, "futex") if verdict else None
    report(told and done.returncode == INCONCLUSIVE and told["known"] and told["candidate"] - told["baseline"] == 900
           and judged(verdict, "time")["baseline"] == 1000000, sentence, done)
    done, verdict = gate(*builds.pair([line()], [line()]))
    report(done.returncode == PASS and not judged(verdict, "futex")["known"] and not judged(verdict, "futex")["gated"],
           "without_a_trace_futex_calls_are_not_known_and_not_asked_for", done)


def terminal(builds):
    sides = builds.pair([line()], [line()])
    ours, theirs = pty.openpty()
    done = subprocess.run([GILSCOPE, "gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers", "2",
                           "--size", "7"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=TIMEOUT,
                          env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass  # so ends a terminal that nobody has open
    os.close(ours)
    report(done.returncode == PASS and b"countdown/sequential/2" in seen and seen.endswith(b"\r\033[K")
           and b"PASS" not in seen, "progress_is_shown_on_a_terminal_and_removed_at_the_end", seen, done)


def misuse(builds):
    build = builds.make()
    both = ("--baseline", build, "--candidate", build)
    commands = ("--baseline-command", "true", "--candidate-command", "true")
    cases = {
        (): "nothing to compare",
        ("--baseline", build): "nothing to compare",
        ("--candidate", build): "nothing to compare",
        ("--baseline-command", "true"): "nothing to compare",
        (*both, "--baseline-command", "true"): "--baseline has no place beside --baseline-command",
        (*both, "rest"): "unexpected word 'rest'",
        ("--baselin", build): "did you mean '--baseline'?",
        (*both, "--workload", "countdwn"): "did you mean 'countdown'?",
        (*both, "--runtime", "pypi3"): "did you mean 'pypy3'?",
        (*both, "--threshold", "tim=5%"): "did you mean 'time'?",
        (*both, "--threshold", "time"): "should be a metric and what is allowed",
        (*both, "--threshold", "time=5"): "'5' is no percentage",
        (*both, "--threshold", "time=-5%"): "'-5%' is no percentage",
        (*both, "--threshold", "time=0%"): "'0%' is no percentage",
        (*both, "--threshold", "time="): "'' is no percentage",
        (*both, "--delta", "nan%"): "'nan%' is no percentage",
        (*both, "--delta", "1001%"): "'1001%' is no percentage",
        (*both, "--delta", "5"): "'5' is no percentage",
        (*both, "--inconclusive", "passs"): "did you mean 'pass'?",
        (*both, "--budget", "1ms"): "--budget",
        (*both, "--budget", "long"): "--budget",
        (*both, "--seed", "-1"): "--seed",
        (*both, "--seed", "9007199254740993"): "--seed",
        ("--baseline-command", "true", "--candidate-command", ""): "--candidate-command is empty",
        ("--baseline-command", " ", "--candidate-command", "true"): "--baseline-command is empty",
        ("--self-test", "--candidate", build, "--delta", "25%"): "has no place beside --self-test",
        ("--self-test", "--candidate", build, "--workers", "1"): "has no place beside --self-test",
        (*both, "--limit", "0"): "--limit",
        (*both, "--sample", "0"): "--sample",
        (*both, "--workers", "0"): "--workers",
        (*both, "--workers", "two"): "--workers",
        (*both, "--gil", "cpython3", "--mode", "threads"): "needs --mode gil",
        (*both, "--set", "interval"): "is not NAME=VALUE",
        (*both, "--sweep", "interval"): "is not NAME=VALUE",
        (*both, "--inject", "slowdown"): "should be slowdown=P%",
        (*both, "--inject", "slowdown=20"): "should be slowdown=P%",
        (*both, "--inject", "conflicts=1"): "should be slowdown=P%",
        (*both, "--inject", "slowdown=-20%"): "should be slowdown=P%",
        (*both, "--self-test"): "needs one build",
        ("--self-test",): "needs one build",
        ("--calibrate",): "needs one build",
        (*commands, "--calibrate"): "needs one build",
        ("--self-test", "--calibrate", "--candidate", build): "has no place beside --self-test",
        ("--self-test", "--candidate", build, "--json"): "has no place beside --self-test",
        ("--self-test", "--candidate", build, "--inject", "slowdown=20%"): "has no place",
        (*commands, "--workload", "countdown"): "has no place beside --baseline-command",
        (*commands, "--size", "7"): "has no place beside --baseline-command",
        (*commands, "--inject", "slowdown=20%"): "has no place beside --baseline-command",
        ("--baseline", build, "--candidate", "/nonexistent"): "/nonexistent",
        ("--baseline", "/nonexistent", "--candidate", build): "/nonexistent",
        ("--baseline", build, "--candidate", builds.tmp): "has no workloads",
    }
    wrong = []
    for words, sentence in cases.items():
        free = "command" in str(words) or "--self-test" in words
        cell = () if free or "--workload" in words else ("--workload", "countdown")
        size = () if free or "--size" in words else ("--size", "7")
        done = run("gate", *cell, *size, *words)
        if (done.returncode != ERROR or sentence not in done.stderr or done.stdout or done.stderr.count("\n") != 1
                or not done.stderr.startswith("gilscope: ")):
            wrong.append((words, done))
    report(not wrong, "words_that_are_wrong_get_one_sentence_and_status_2", *wrong)


def commands(builds):
    def of(baseline, candidate, *words, **more):
        done = run("gate", "--baseline-command", baseline, "--candidate-command", candidate, "--json", *words, **more)
        return done, strict(done.stdout) if done.stdout.startswith("{") else None

    marker = os.path.join(builds.tmp, "seen")
    cases = {
        "a_command_that_fails_fails": ("true", "echo out of luck >&2; exit 3", FAIL, "exited with status 3: out of luck"),
        "a_command_that_is_killed_fails": ("true", "kill -SEGV $$", FAIL, "was killed by signal 11"),
        "a_command_that_hangs_fails": ("true", "sleep 1000", FAIL, "did not end within 1 s"),
        "a_command_that_is_not_there_fails": ("true", "/nonexistent/program", FAIL, "exited with status 127"),
        "a_baseline_command_that_fails_is_an_error": ("exit 3", "true", ERROR, "the baseline exited with status 3"),
        "a_command_that_fails_later_fails":
            ("true", f"echo >>{marker}; test $(wc -l <{marker}) -lt 4", FAIL, "exited with status 1"),
    }
    for name, (before, after, status, words) in cases.items():
        done, verdict = of(before, after, "--limit", "1s", "--budget", "3600s")
        report(verdict and done.returncode == status and words in verdict["cells"][0]["reason"], name, done)
    # Asked before the first look: what times are here is no question of the test.
    done, verdict = of("sleep 0.01", "sleep 0.01", "--budget", "100ms")
    report(verdict and done.returncode == INCONCLUSIVE and verdict["cells"][0]["id"] == "command"
           and judged(verdict, "time")["known"] and verdict["baseline"]["command"] == "sleep 0.01"
           and judged(verdict, "time")["baseline"] >= 1e7, "commands_are_compared_by_their_times", done)
    # Many times as long is longer on any machine.
    done, verdict = of("true", "sleep 0.05", "--budget", "3600s")
    report(verdict and done.returncode == FAIL and judged(verdict, "time")["confirming"]["pairs"] == CONFIRM,
           "a_command_that_has_become_much_slower_fails", done)


def main():
    with tempfile.TemporaryDirectory(prefix="gilscope-test-") as tmp:
        builds = Builds(tmp)
        for test in (verdicts, ends, confirmations, comparable, priorities, thresholds, order, injections, outputs,
                     terminal, misuse, commands, nasty, chosen, of_one_build, traced,
                     untraced, traced_workloads):
            try:
                test(builds)
            except (AttributeError, IndexError, KeyError, TypeError):
                # There was no verdict to look at.
                report(False, f"all_of_{test.__name__}_has_run", traceback.format_exc())
    print(f"1..{count}")
    sys.exit(failures > 0)


main()
