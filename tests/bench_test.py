#!/usr/bin/python3
"""gilscope bench and plot, end to end: bench_test.py BUILD.

Real workloads once, small; then workloads that crash, hang, lie or print nonsense, by a gilscope that is
copied beside made-up ones. Whatever happens, the result is whole or not there. Speaks TAP."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

BUILD = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TIMEOUT = 240
count = failures = 0

# What a made-up workload says: enough for one mode, and no lock model.
DESCRIBE = ('{"workload":"countdown","options":[{"name":"size"},{"name":"cpus"}],"params":[],'
            '"modes":[{"name":"threads"}],"gils":[]}')
# What a made-up interpreter says: it has a mode less, and its lock has a parameter.
SPEAK = ('{"workload":"countdown","runtime":{"name":"Fake","version":"1.2","lacks":{"pin":"is not placed"}},'
         '"options":[{"name":"size"},{"name":"cpus"}],"params":[{"name":"depth"}],"modes":[{"name":"sequential","params":[]},'
         '{"name":"threads","params":[{"name":"interval"}]}],"gils":[]}')
LINE = ('{"workload":"countdown","params":{"tick-spins":3},"elapsed_ns":%s,"checksum":"%s",'
        '"per_worker":[{"nvcsw":0,"nivcsw":0}],"gil_counts":null,"latency":null}')


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


def run(gilscope, *words, **more):
    return subprocess.run([gilscope, *words], text=True, capture_output=True, timeout=TIMEOUT, **more)


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def load(folder):
    with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
        return json.load(file, parse_constant=refuse_constant)


def write_program(path, script):
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + script + "\n")
    os.chmod(path, 0o755)
    return path


def fake(folder, script, recorder=False):
    """A gilscope whose workloads are one shell script; with the recorder it can trace them."""
    os.makedirs(os.path.join(folder, "workloads"))
    os.makedirs(os.path.join(folder, "plots"), exist_ok=True)
    shutil.copy(os.path.join(BUILD, "gilscope"), folder)
    if recorder:
        os.symlink(os.path.join(BUILD, "tracer"), os.path.join(folder, "tracer"))
    write_program(os.path.join(folder, "workloads", "countdown"),
                  f"case \"$*\" in *--describe*) echo '{DESCRIBE}'; exit;; esac\n{script}")
    return os.path.join(folder, "gilscope")


def documented_fields():
    """The fields of each table of results/README.md, by the place of the table: file, cell, sample, and others."""
    tables, fields = [], None
    with open(os.path.join(ROOT, "results", "README.md"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("| field"):
                fields = set()
                tables.append(fields)
            elif line.startswith("| `") and fields is not None:
                fields.update(re.findall(r"`(\w+)`", line.split("|")[1]))
            elif not line.startswith("|"):
                fields = None
    return tables


def real(tmp):
    gilscope = os.path.join(BUILD, "gilscope")
    folder = os.path.join(tmp, "real")
    done = run(gilscope, "bench", "--workload", "countdown,convoy", "--workers", "2", "--size", "12",
               "--set", "interval=1ms", "--runs", "6", "-o", folder)
    report(done.returncode == 0, "a_small_run_succeeds", done.stderr)
    result = load(folder)
    cells = {cell["id"]: cell for cell in result["cells"]}
    file_fields, cell_fields, sample_fields, *_ = documented_fields()
    report(set(result) == file_fields, "a_result_has_the_documented_fields", set(result) ^ file_fields)
    report(all(set(cell) == cell_fields for cell in cells.values()),
           "a_cell_has_the_documented_fields", set(result["cells"][0]) ^ cell_fields)
    report(all(set(sample) == sample_fields for cell in cells.values() for sample in cell["samples"]),
           "a_sample_has_the_documented_fields", set(result["cells"][0]["samples"][0]) ^ sample_fields)
    report(all(len(cell["samples"]) == 6 and cell["status"] == "ok" for cell in cells.values()),
           "each_cell_has_its_samples")
    order = sorted((s["seq"], s["round"]) for cell in cells.values()
                   for s in cell["samples"] + cell["counted"])
    report([s for s, _ in order] == list(range(len(order))), "samples_are_numbered_in_the_order_taken")
    for workload in ("countdown", "convoy"):
        sums = {cell["checksum"] for cell in cells.values() if cell["workload"] == workload}
        report(len(sums) == 1, f"checksums_of_{workload}_are_equal_in_all_modes", sums)
    with_interval = [name for name in cells if "interval=1ms" in name]
    report(sorted(with_interval) == sorted(name for name in cells if "cpython3" in name),
           "a_setting_goes_to_the_model_that_takes_it", with_interval)
    missing = [c["name"] for c in result["counters"] if c["source"] is None and not c["reason"]]
    report(not missing, "a_counter_without_source_has_a_reason", missing)
    values = [(counter, value) for cell in cells.values() for sample in cell["samples"]
              for counter, value in sample["counters"].items()]
    unknown = {c["name"] for c in result["counters"] if c["source"] is None}
    report(all(value["value"] is None for counter, value in values if counter in unknown),
           "what_was_not_counted_is_null")
    rows = open(os.path.join(folder, "samples.tsv"), encoding="utf-8").read().splitlines()
    widths = {len(row.split("\t")) for row in rows}
    report(len(rows) == 1 + len(order) and len(widths) == 1, "samples_tsv_has_a_row_per_sample", widths)
    rows = open(os.path.join(folder, "cells.tsv"), encoding="utf-8").read().splitlines()
    widths = {len(row.split("\t")) for row in rows}
    report(len(rows) == 1 + len(cells) and len(widths) == 1, "cells_tsv_has_a_row_per_cell", widths)
    plot(gilscope, folder, tmp)


def plot(gilscope, folder, tmp):
    empty = os.path.join(tmp, "empty")
    os.makedirs(empty)
    done = run(gilscope, "plot", folder, env={**os.environ, "PATH": empty})
    report(done.returncode == 3 and done.stderr.count("\n") == 1 and "gnuplot" in done.stderr
           and os.path.exists(os.path.join(folder, "index.html"))
           and os.path.exists(os.path.join(folder, "modes.tsv")),
           "without_gnuplot_the_tables_and_the_page_are_there", done.returncode, done.stderr)
    if not shutil.which("gnuplot"):
        skip("charts_and_page_are_made", "no gnuplot")
        return
    done = run(gilscope, "plot", folder)
    made = sorted(os.listdir(folder))
    report(done.returncode == 0 and "index.html" in made and not [n for n in made if "part" in n]
           # switches is left out when nothing switched, as may be in so short a run.
           and {f"{n}.{e}" for n in ("modes", "latency") for e in ("svg", "png", "tsv")}
           <= set(made), "charts_and_page_are_made", done.stderr, made)


def made_up(tmp):
    def bench(name, script, *words):
        gilscope = fake(os.path.join(tmp, name), script)
        folder = os.path.join(tmp, name, "out")
        done = run(gilscope, "bench", "--workload", "countdown", "--mode", "threads", "--workers", "1,2",
                   "--runs", "3", "--counters", "none", "-o", folder, *words)
        return done, load(folder)["cells"] if os.path.exists(folder + "/result.json") else []

    done, cells = bench("good", "echo '%s'" % (LINE % (1000000, "5")), "--size", "7")
    report(done.returncode == 0 and cells[1]["summary"]["median_ns"] == 1000000,
           "a_made_up_workload_runs_as_the_real_ones", done.stdout + done.stderr)
    cases = {
        "a_crash_fails_the_cell": ("kill -SEGV $$", "signal 11"),
        "a_failure_is_told_in_the_workloads_words": ("echo 'out of luck' >&2; exit 1", "out of luck"),
        "no_result_line_fails_the_cell": ("echo hello", "printed no result line"),
        "an_empty_object_fails_the_cell": ("echo '{}'", "without elapsed_ns"),
        "a_hang_fails_the_cell": ("sleep 1000", "did not end within 0.3 s"),
        "a_broken_histogram_fails_the_cell":
            ("echo '%s'" % (LINE % (1, "5")).replace('"latency":null',
                                                     '"latency":{"n":1,"counts":[[999999,1]]}'),
             "histogram"),
    }
    for name, (script, words) in cases.items():
        done, cells = bench(name, script, "--size", "7", "--limit", "300ms")
        report(done.returncode == 1 and len(cells) > 1
               and all(c["status"] == "failed" and words in c["reason"] for c in cells),
               name, done.stdout + done.stderr)
    done, cells = bench("own", "echo '%s'" % (LINE % (1000, "5")), "--set", "workers=3")
    report(done.returncode == 2 and "give --workers to bench itself" in done.stderr,
           "what_the_runner_sets_itself_is_no_setting", done.stderr)
    done, cells = bench("zero", "echo '%s'" % (LINE % (0, "5")), "--size", "7")
    report(done.returncode == 1 and all(c["status"] == "failed" for c in cells),
           "no_time_at_all_is_no_result", done.stderr)
    done, cells = bench("liar", "case \"$*\" in *'--workers 2'*) s=6;; *) s=5;; esac\necho '%s'"
                        % (LINE % (1000, "'$s'")), "--size", "7")
    status = {c["workers"]: c["status"] for c in cells}
    report(done.returncode == 1 and status == {1: "ok", 2: "failed"}
           and "checksum 6 differs from 5" in cells[1]["reason"],
           "another_checksum_fails_the_cell_and_the_rest_goes_on", done.stdout, done.stderr)


def interpreter(path, script):
    """A program that takes the place of one; it answers to the scripts of Python."""
    return write_program(path, f"""case "$*" in
*--mode=gil*) echo 'countdown: no lock to choose' >&2; exit 2;;
*.py*--describe*) echo '{SPEAK}'; exit;;
*--describe*) exit 1;;
esac
{script}""")


def runtimes(tmp):
    home = os.path.join(tmp, "runtimes")
    gilscope = fake(home, "echo '%s'" % (LINE % (1000, "5")))
    os.makedirs(home + "/workloads/scripts/python")
    open(home + "/workloads/scripts/python/countdown.py", "w", encoding="utf-8").close()
    os.makedirs(home + "/bin")
    mine = interpreter(home + "/bin/pypy3", f"echo \"$*\" >> {home}/words\necho '%s'"
                       % (LINE % (3000, "5")).replace('"nvcsw":0,"nivcsw":0', '"nvcsw":null,"nivcsw":null'))
    folder = home + "/out"

    def bench(*words):
        shutil.rmtree(folder, ignore_errors=True)
        done = run(gilscope, "bench", "--workload", "countdown", "--runs", "2", "--size", "7",
                   "--counters", "none", "-o", folder, *words, env={**os.environ, "PATH": home + "/bin:/bin"})
        return done, load(folder) if os.path.exists(folder + "/result.json") else None

    done, result = bench("--runtime", f"c,mine={mine} -x  -y", "--mode", "sequential,threads",
                         "--workers", "2")
    cells = {cell["id"]: cell for cell in result["cells"]}
    own = cells.get("mine:countdown/threads/2")
    with open(home + "/words", encoding="utf-8") as file:
        first = file.readline().split()
    report(done.returncode == 0 and own and own["runtime"] == "mine"
           and own["summary"]["relative"]["to"] == "mine:countdown/sequential/2"
           and cells["countdown/threads/2"]["summary"]["relative"]["to"] == "countdown/sequential/2"
           and first[:2] == ["-x", "-y"] and first[2].endswith("scripts/python/countdown.py")
           and not [word for word in first if "tick" in word],
           "an_interpreter_given_by_its_command_stands_beside_the_workloads_in_c", done.stderr, first)
    report(own and own["summary"]["nvcsw"] is None and own["samples"][0]["workers"][0]["nvcsw"] is None,
           "switches_that_an_interpreter_does_not_know_are_null")
    rows = {row["name"]: row for row in result["runtimes"]}
    report(rows["mine"]["version"] == "Fake 1.2" and rows["mine"]["command"] == [mine, "-x", "-y"]
           and rows["mine"]["lacks"] == {"pin": "is not placed"} and rows["mine"]["reason"] is None
           and rows["c"]["command"] is None, "a_result_says_what_ran_it", rows)
    done, result = bench("--runtime", "c,pypy3,jython", "--workers", "2")
    ids = [cell["id"] for cell in result["cells"]]
    report(done.returncode == 0 and "NOT MEASURED: there is no jython: " in done.stdout
           and not [name for name in ids if name.startswith("jython")]
           and [row["reason"] is None for row in result["runtimes"]] == [True, True, False],
           "a_runtime_that_is_not_here_is_a_row_with_its_reason", done.stdout, done.stderr)
    report({name for name in ids if name.startswith("pypy3:")}
           == {"pypy3:countdown/sequential/2", "pypy3:countdown/threads/2",
               "pypy3:countdown/sequential/2/cpus=1", "pypy3:countdown/threads/2/cpus=1"},
           "modes_that_an_interpreter_does_not_have_are_no_cells", ids)
    wrong = {
        "jython": (3, "nothing to measure: there is no jython: 'jython' is not in $PATH"),
        "pypi3": (2, "unknown runtime 'pypi3'; did you mean 'pypy3'?"),
        "pypy3,pypy3": (2, "'pypy3' is given twice"),
        "c=/bin/true": (2, "c is the C workloads"),
        "a b=/bin/true": (2, "'a b=...' is no name"),
        "x=./nothing": (3, "cannot run './nothing': No such file or directory"),
        "x=": (2, "there is no command"),
        "x=/bin/true": (3, "'x=/bin/true' runs none of the scripts"),
    }
    wrong = {word: why for word, why in wrong.items() if bench("--runtime", word)[0].returncode != why[0]
             or why[1] not in bench("--runtime", word)[0].stderr}
    report(not wrong, "a_runtime_that_cannot_be_is_refused_in_one_sentence", wrong)
    done, _ = bench("--runtime", "pypy3", "--mode", "gil")
    report(done.returncode == 2 and done.stderr == "gilscope: countdown: no lock to choose\n",
           "a_mode_that_was_asked_for_is_refused_in_the_interpreters_own_words", done.stderr)
    liar = interpreter(home + "/bin/liar", "echo '%s'" % (LINE % (3000, "6")))
    done, result = bench("--runtime", f"c,liar={liar}", "--mode", "threads", "--workers", "2")
    status = {cell["runtime"]: cell["status"] for cell in result["cells"]}
    report(done.returncode == 1 and sorted(status.values()) == ["failed", "ok"]
           and "differs from" in [cell["reason"] for cell in result["cells"] if cell["reason"]][0],
           "the_work_of_one_runtime_is_checked_against_that_of_another", done.stdout)
    sweeps(bench)


def likes(tmp):
    """Times that follow from size and spins: a tick of 100 is 90 spins and 10 that it takes anyway."""
    read = ("size=1; spins=0\nfor word; do\n"
            "case $last in --size) size=$word;; --tick-spins) spins=$word;; esac\n"
            "last=$word; done\n")
    times = LINE.replace('"nvcsw":0', '"cpu_ns":%s,"nvcsw":0')
    home = os.path.join(tmp, "likes")
    gilscope = fake(home, read + "t=$((size * (10 + spins)))\necho '%s'" % (times % ("'$t'", "5", "'$t'")))
    # What waits lasts as long whatever the tick is.
    write_program(home + "/workloads/iosleep",
                  f"case \"$*\" in *--describe*) echo '{DESCRIBE}'; exit;; esac\n" + read + "echo '%s'"
                  % (LINE % ("'$((size * 1000))'", "6")).replace("}]", ",\"spins\":'$spins'}]"))
    os.makedirs(home + "/workloads/scripts/python")
    for name in "countdown", "iosleep":
        open(f"{home}/workloads/scripts/python/{name}.py", "w", encoding="utf-8").close()
    mine = interpreter(home + "/mine", read + "t=$((size * 100)); c=$t; sum=5\n"
                       "case \"$*\" in *iosleep*) c=$((t / 9)); sum=6;; esac\n"
                       "echo '%s'" % (times % ("'$t'", "'$sum'", "'$c'")))
    folder = home + "/out"
    words = ["bench", "--runs", "1", "--warmup", "0", "--counters", "none", "--workers", "2", "-o", folder]
    done = run(gilscope, *words, "--workload", "countdown,iosleep", "--mode", "sequential,threads",
               "--runtime", f"c,mine={mine}", "--like", "mine")
    result = load(folder) if done.returncode == 0 else {"calibration": [], "cells": []}
    found = {row["workload"]: row for row in result["calibration"]}
    like = found.get("countdown", {}).get("like")
    report(like and found["countdown"]["tick_spins"] == 90 and like["ratio"] == 1 and like["ci95"] == [1, 1]
           and like["runtime"] == "mine" and like["c_ns"] == like["interpreter_ns"],
           "a_tick_is_made_as_long_as_an_interpreters", done.stdout, done.stderr, found)
    sizes = {}
    for cell in result["cells"]:
        sizes.setdefault(cell["workload"], set()).add(cell["size"])
    report(sizes and all(len(of_one) == 1 for of_one in sizes.values())
           and len({cell["runtime"] for cell in result["cells"]}) == 2,
           "c_and_the_interpreter_that_it_is_like_do_the_same_work", sizes)
    waits = [cell for cell in result["cells"] if cell["id"] == "iosleep/threads/2"]
    report(waits and found["iosleep"]["tick_spins"] == 90
           and found["iosleep"]["like"]["workload"] == "countdown"
           and waits[0]["samples"][0]["workers"][0]["spins"] == 90,
           "what_mostly_waits_has_the_tick_of_countdown", found.get("iosleep"), waits)
    wrong = {
        ("--like", "c"): (2, "'c': give an interpreter"),
        ("--like", "jython"): (3, "'jython': 'jython' is not in $PATH"),
        ("--like", f"a={mine},b={mine}"): (2, "give one runtime"),
        ("--like", "mine", "--runtime", f"mine={mine}"): (2, "--like is for the C workloads"),
    }
    for more, (code, why) in list(wrong.items()):
        done = run(gilscope, *words, "--workload", "countdown", *more, env={**os.environ, "PATH": "/bin"})
        if done.returncode == code and why in done.stderr:
            del wrong[more]
    report(not wrong, "what_nothing_can_be_like_is_refused_in_one_sentence", wrong, done.stderr)


def sweeps(bench):
    done, result = bench("--runtime", "c,pypy3", "--mode", "sequential,threads", "--workers", "2",
                         "--sweep", "interval=1ms,5ms,1ms", "--sweep=depth=3,4")
    ids = [cell["id"] for cell in result["cells"] if "cpus" not in cell["id"]]
    report(done.returncode == 0 and ids == [
        "countdown/sequential/2", "countdown/threads/2",
        "pypy3:countdown/sequential/2/depth=3", "pypy3:countdown/sequential/2/depth=4",
        *[f"pypy3:countdown/threads/2/depth={d}/interval={i}" for i in ("1ms", "5ms") for d in (3, 4)]],
           "a_sweep_is_a_cell_per_value_where_it_is_taken_and_two_are_their_product", done.stderr, ids)
    wrong = {
        "interval": "'interval' is not NAME=VALUE",
        "interval=": "'interval=' is not NAME=VALUE",
        "interval=1,,2": "a value is empty",
        "intrval=1ms": "'intrval': no cell takes it",
        "workers=1,2": "give --workers to bench itself",
    }
    wrong = {word: why for word, why in wrong.items()
             if bench("--runtime", "pypy3", "--sweep", word)[0].returncode != 2
             or why not in bench("--runtime", "pypy3", "--sweep", word)[0].stderr}
    report(not wrong, "a_sweep_that_cannot_be_is_refused_in_one_sentence", wrong)


def traced(tmp):
    """Rounds under the tracer: of real workloads, and of made-up ones that notice it."""
    folder = os.path.join(tmp, "traced")
    words = ["bench", "--workload", "countdown", "--workers", "2", "--runs", "2", "--counters", "none"]
    done = run(os.path.join(BUILD, "gilscope"), *words, "--mode", "sequential,gil", "--gil", "cpython2", "--size", "300k",
               "--trace", "-o", folder)
    result = load(folder) if done.returncode == 0 else {"cells": [], "run": {}}
    told = {cell["id"]: cell["traced"] for cell in result["cells"]}
    reasons = {one["reason"] for one in told.values()}
    sentence = "system_calls_are_counted_in_three_rounds_more"
    if told and None not in reasons:
        skip(sentence, min(reasons))
    else:
        alone, locked = (told.get(name) or {} for name in ("countdown/sequential/2", "countdown/gil:cpython2/2"))
        report(done.returncode == 0 and reasons == {None} and result["run"]["traced"] == 3
               and all(len(one["syscalls"]) == len(one["futex"]) == 3 for one in told.values())
               and all(0 <= f <= s for one in told.values() for s, f in zip(one["syscalls"], one["futex"]))
               and max(alone["syscalls"]) < min(locked["syscalls"]) and sum(alone["futex"]) < sum(locked["futex"])
               and all(len(cell["samples"]) == 2 for cell in result["cells"]), sentence, done.stderr, told)
        rows = open(os.path.join(folder, "cells.tsv"), encoding="utf-8").read().splitlines()
        names = rows[0].removeprefix("# ").split("\t")
        rows = {row["cell"]: row for row in (dict(zip(names, row.split("\t"))) for row in rows[1:])}
        shown = re.search(r"^countdown/sequential/2 .* (\d+) / (\d+)$", done.stdout, re.M)
        report(shown and [int(shown[1]), int(shown[2])] == [sorted(alone[name])[1] for name in ("syscalls", "futex")]
               and int(rows["countdown/sequential/2"]["syscalls"]) == sorted(alone["syscalls"])[1]
               and int(rows["countdown/gil:cpython2/2"]["syscalls"]) == sorted(locked["syscalls"])[1],
               "table_and_rows_have_the_median_of_the_system_calls", done.stdout, rows)

    notice = "grep -q libgilscope-preload /proc/$$/maps"
    # What it does otherwise when it is traced, and what becomes of it.
    cases = {
        "a_cell_that_cannot_be_traced_keeps_its_times_and_says_why":
            (f"{notice} && {{ echo not so >&2; exit 9; }}; s=5", 0, "ok", "exited with status 9: not so"),
        "other_work_under_the_tracer_fails_the_cell": (f"s=5; {notice} && s=6", 1, "failed", None),
    }
    for name, (script, status, word, reason) in cases.items():
        gilscope = fake(os.path.join(tmp, name), script + "\necho '%s'" % (LINE % (1000, "'$s'")), recorder=True)
        done = run(gilscope, *words, "--mode", "threads", "--size", "7", "--trace", "-o", folder)
        cell = load(folder)["cells"][0]
        report(done.returncode == status and cell["status"] == word and len(cell["samples"]) == 2
               and (reason is None or cell["traced"] == {"syscalls": None, "futex": None, "reason": reason}
                    and f"NOT COUNTED: system calls of countdown/threads/2: {reason}\n" in done.stdout),
               name, done.stdout, done.stderr, cell)
    home = os.path.join(tmp, "seldom")
    gilscope = fake(home, f"{notice} && echo x >> {home}/seen\necho '%s'" % (LINE % (1000, "5")), recorder=True)
    run(gilscope, *words, "--mode", "threads", "--size", "7", "-o", folder)
    untraced = not os.path.exists(home + "/seen") and load(folder)["cells"][0]["traced"] is None
    run(gilscope, *words, "--mode", "threads", "--size", "7", "--trace", "-o", folder)
    with open(home + "/seen", encoding="utf-8") as file:
        seen = len(file.read().split())
    report(untraced and seen == 3, "no_sample_is_traced_that_is_timed", untraced, seen)


def stopped(tmp):
    for number, name in ((signal.SIGTERM, "sigterm"), (signal.SIGINT, "sigint")):
        gilscope = fake(os.path.join(tmp, name), f"echo x >> {tmp}/{name}/runs\n"
                        f"[ $(wc -l < {tmp}/{name}/runs) -ge 13 ] && : > {tmp}/{name}/now && sleep 1000\n"
                        "echo '%s'" % (LINE % (1000, "5")))
        folder = os.path.join(tmp, name, "out")
        process = subprocess.Popen([gilscope, "bench", "--workload", "countdown", "--mode", "threads",
                                    "--workers", "1", "--size", "7", "--counters", "none",
                                    "--warmup", "0", "-o", folder], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        # The thirteenth run waits for the signal: nine calibrate, three are samples.
        while not os.path.exists(f"{tmp}/{name}/now"):
            if process.poll() is not None:
                break
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
        result = load(folder)
        report(process.returncode == -number and result["partial"] and result["partial_reason"]
               and len(result["cells"][0]["samples"]) == 3
               and not [n for n in os.listdir(folder) if n.endswith(".part")],
               f"after_{name}_the_finished_samples_are_there_and_marked_partial",
               process.returncode, errors, len(result["cells"][0]["samples"]))


def beside(tmp):
    """Two runs into one folder; a run with closed descriptors."""
    gilscope = fake(os.path.join(tmp, "two"), f"mkfifo {tmp}/two/hold 2>/dev/null && : > {tmp}/two/now && "
                    f"cat {tmp}/two/hold\necho '%s'" % (LINE % (1000, "5")))
    folder = os.path.join(tmp, "two", "out")
    words = ["bench", "--workload", "countdown", "--mode", "threads", "--workers", "1", "--size", "7",
             "--counters", "none", "--runs", "2", "-o", folder]
    with subprocess.Popen([gilscope, *words], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as first:
        while not os.path.exists(f"{tmp}/two/now") and first.poll() is None:
            pass
        second = run(gilscope, *words)
        with open(f"{tmp}/two/hold", "w", encoding="utf-8"):
            pass
    report(first.returncode == 0 and second.returncode == 3 and "another run" in second.stderr
           and len(load(folder)["cells"][0]["samples"]) == 2,
           "two_runs_do_not_write_the_same_files", second.stderr, first.returncode)
    done = run("sh", "-c", '"$@" <&- >&- 2>&-', "sh", gilscope, *words)
    rows = open(os.path.join(folder, "samples.tsv"), encoding="utf-8").read().splitlines()
    report(done.returncode == 3 and rows[0].startswith("# cell") and len(rows) == 3
           and load(folder)["schema"], "closed_descriptors_do_not_become_result_files",
           done.returncode, rows[:2])


def no_room(tmp):
    gilscope = fake(os.path.join(tmp, "full"), "echo '%s'" % (LINE % (1000, "5")))
    words = ["bench", "--workload", "countdown", "--mode", "threads", "--workers", "1", "--size", "7",
             "--counters", "none", "--runs", "2"]
    done = run(gilscope, *words, "-o", "/proc/nowhere")
    report(done.returncode == 3 and done.stderr.count("\n") == 1 and "/proc/nowhere" in done.stderr,
           "a_folder_that_cannot_be_made_is_known_before_anything_is_measured", done.stderr)
    inside = ("mount -t tmpfs -o size=8k none /mnt && \"$@\" -o /mnt 2>/dev/stdout >/dev/null; "
              "echo \"status $?\"; ls -A /mnt")
    done = run("unshare", "-m", "sh", "-c", inside, "sh", gilscope, *words)
    sentence = "a_full_disk_leaves_nothing_behind"
    if "status" not in done.stdout or "mount" in done.stderr:
        skip(sentence, "no right to mount a small file system")
        return
    lines = [line for line in done.stdout.splitlines() if "% done" not in line]
    report(len(lines) == 2 and "No space left on device" in lines[0] and lines[1] == "status 3",
           sentence, done.stdout, done.stderr)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        real(tmp)
        made_up(tmp)
        runtimes(tmp)
        likes(tmp)
        traced(tmp)
        stopped(tmp)
        beside(tmp)
        no_room(tmp)
    print(f"1..{count}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
