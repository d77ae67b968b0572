#!/usr/bin/python3
"""gilscope experiment, end to end and small: experiment_test.py BUILD. Table, rows and JSON say the same, the counts
are what the lock makes them, and what cannot be measured is told. Speaks TAP."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
GILSCOPE = os.path.join(BUILD, "gilscope")
TIMEOUT = 240
# Itself, not the first in $PATH: that may be a script that looks for one.
PYTHON = os.path.realpath(sys.executable)
# C programs start with so few; an interpreter reads its library.
FEW = {"model": 300, "interpreter": 5000}
WAYS = ["sequential", "threads", "processes"]
count = failures = 0


def report(complaints, sentence, *notes):
    global count, failures
    complaints = list(complaints)
    count += 1
    failures += bool(complaints)
    print(f"{'not ok' if complaints else 'ok'} {count} - {sentence}", flush=True)
    for note in [*complaints[:8], *notes] if complaints else []:
        print("# " + str(note)[:600].replace("\n", "\n# "))


def skip(sentence, reason):
    global count
    count += 1
    print(f"ok {count} - {sentence} # SKIP {reason}", flush=True)


def run(*words, **more):
    return subprocess.run([GILSCOPE, "experiment", *words], text=True, capture_output=True, timeout=TIMEOUT, **more)


def load(folder):
    with open(os.path.join(folder, "experiment.json"), encoding="utf-8") as file:
        return json.load(file, parse_constant=lambda word: 1 / 0)


def load_tsv(folder):
    with open(os.path.join(folder, "experiment.tsv"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    names = lines[2].removeprefix("# ").split("\t")
    return names, [dict(zip(names, line.split("\t"))) for line in lines[3:]]


def points(result, row):
    return {(point["mode"], point["cpus"]): point for point in row["points"]}


def documented_columns():
    with open(os.path.join(ROOT, "results", "README.md"), encoding="utf-8") as file:
        part = file.read().partition("## experiment.tsv")[2]
    return set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in part.splitlines()
                                              if line.startswith("| `"))))


def same_number(text, value):
    return text == "NaN" if value is None else text != "NaN" and abs(float(text) - value) <= 1e-6 * abs(value)


def the_files_say_the_same(folder, result):
    names, lines = load_tsv(folder)
    complaints = []
    if set(names) != documented_columns():
        complaints.append(set(names) ^ documented_columns())
    at = iter(lines)
    for row in result["rows"]:
        known = points(result, row)
        for mode in WAYS:
            for cpus in 1, 2:
                line, point = next(at), known.get((mode, cpus), {})
                same = (line["name"], line["mode"], line["cpus"]) == (row["name"], mode, str(cpus))
                same &= same_number(line["steps"], row["steps"])
                for name in "syscalls", "futex", "per_million_steps", "per_s", "time_ns", "relative":
                    same &= same_number(line[name], point.get(name))
                if not same:
                    complaints.append(f"{line} {point}")
    if next(at, None):
        complaints.append("there are more lines than points")
    report(complaints, "rows_and_json_say_the_same")


def say(value):
    """As the table does."""
    if value is None:
        return "-"
    for least, unit, name in (999500000, 1e9, "G"), (999500, 1e6, "M"), (9995, 1e3, "k"):
        if value >= least:
            return f"{value / unit:.3g}{name}"
    return f"{value:.0f}" if value >= 99.95 or value == int(value) else f"{value:.3g}"


def the_table_says_the_same(text, result):
    calls, per_million, times = (text.partition("\n" + title)[2].split("\n\n" + end)[0] for title, end in (
        ("system calls: ", "of these futex"), ("per million steps: ", "time: "), ("time: ", "\n\n\n\n")))
    complaints = []
    order = [("sequential", 1), ("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2)]
    for row in result["rows"]:
        if row["group"] == "published" or row["reason"]:
            continue
        known = points(result, row)
        label = re.escape(row["name"]) + (r" \(.*?\)" if row["group"] == "interpreter" else "")
        for block, name in (calls, "syscalls"), (per_million, "per_million_steps"):
            found = re.search(rf"^{label} +{say(row['steps'])} +(.*)$", block, re.M)
            shown = re.sub(r" ±\d+%", "", found[1]).split() if found else None
            if shown != [say(known[place][name]) for place in order]:
                complaints.append(f"{row['name']}, {name}: {shown}")
        found = re.search(rf"^{label} +\S+ +(.*)$", times, re.M)
        shown = re.sub(r" ±\d+%", "", found[1]).split() if found else []
        if shown[2:] != [f"{known[place]['relative']:.2f}" if known[place]["relative"] is not None else "-"
                         for place in order[1:]]:
            complaints.append(f"{row['name']}, times: {shown}")
    report(complaints, "the_table_says_the_same", text)


def the_work_is_the_same(result):
    sums = {}
    for cell in result["cells"]:
        sums.setdefault(cell["size"], set()).add(cell["checksum"])
    report([sums] if any(len(of_size) != 1 or None in of_size for of_size in sums.values()) else [],
           "all_do_the_same_work")
    bad = [cell["id"] for cell in result["cells"] if len(cell["samples"]) != result["run"]["runs"]
           or not cell["traced"] or cell["traced"]["syscalls"] and len(cell["traced"]["syscalls"]) != 1]
    report(bad, "each_cell_has_its_timed_samples_and_its_traced_one")


def the_counts_are_the_locks(result):
    sentences = ["one_after_the_other_asks_little_of_the_kernel", "the_lock_of_cpython_2_asks_more",
                 "futex_calls_are_among_the_system_calls"]
    reasons = {cell["traced"]["reason"] for cell in result["cells"]} - {None}
    if reasons and all("not recorded" in reason for reason in reasons):
        for sentence in sentences:
            skip(sentence, min(reasons))
        return
    report(reasons, "all_system_calls_are_known")
    rows = {row["name"]: row for row in result["rows"]}
    few, more, futex = [], [], []
    for row in result["rows"]:
        if row["group"] == "published" or row["reason"]:
            continue
        known = points(result, row)
        calls = known["sequential", 1]["syscalls"]
        if calls is None or not 10 < calls < FEW[row["group"]]:
            few.append(f"{row['name']}: {calls}")
        futex += [f"{row['name']}: {point}" for point in known.values() if point["syscalls"] is not None
                  and not 0 <= point["futex"] <= point["syscalls"]]
    two = points(result, rows["cpython2"])
    for cpus in 1, 2:
        alone, threads = two["sequential", cpus], two["threads", cpus]
        if alone["syscalls"] is not None and not threads["syscalls"] > alone["syscalls"] + 5:
            more.append(f"{cpus} CPUs: {alone['syscalls']}, {threads['syscalls']}")
    # Starting two threads is not all: they fight.
    free = points(result, rows["no lock"])["threads", 2]
    if free["syscalls"] is not None and not two["threads", 2]["futex"] > free["futex"]:
        more.append(f"no lock: {free['futex']}, {two['threads', 2]['futex']}")
    for complaints, sentence in zip((few, more, futex), sentences):
        report(complaints, sentence)


def small(tmp):
    folder = os.path.join(tmp, "small")
    done = run("--quick", "--runtime", f"c,python3={PYTHON},jython", "--gil", "cpython2,cpython3", "--runs", "2", "-o", folder,
               env={**os.environ, "PATH": "/usr/bin:/bin"})
    report([] if done.returncode == 0 else [done.stderr], "a_small_experiment_succeeds")
    result = load(folder)
    first = done.stdout.splitlines()[0]
    row = [row for row in result["rows"] if row["name"] == "jython"][0]
    report([] if first.startswith("NOT MEASURED: there is no jython: ") and row["reason"] and row["points"] == []
           and row["steps"] is None else [first, row], "a_runtime_that_is_not_here_is_a_row_with_the_reason")
    groups = [row["group"] for row in result["rows"]]
    names = [row["name"] for row in result["rows"]]
    report([] if groups == sorted(groups, key=["published", "interpreter", "model"].index)
           and names[2:] == ["python3", "jython", "no lock", "cpython2", "cpython3"]
           and result["rows"][0]["source"] and result["schema"] == "gilscope.experiment/1" else [groups, names],
           "what_was_published_stands_beside_interpreters_and_models")
    the_work_is_the_same(result)
    the_counts_are_the_locks(result)
    the_files_say_the_same(folder, result)
    the_table_says_the_same(done.stdout, result)
    drawn = {"experiment.svg", "experiment.png"} <= set(os.listdir(folder))
    report([] if drawn == bool(shutil.which("gnuplot")) else [done.stdout, os.listdir(folder)],
           "the_chart_is_drawn_where_there_is_gnuplot")
    left = [name for name in os.listdir(folder) if name.endswith(".part")]
    report(left, "no_part_of_a_file_is_left")


def one_cpu(tmp):
    folder = os.path.join(tmp, "one")
    cpu = min(os.sched_getaffinity(0))
    done = run("--runtime", "c", "--gil", "cpython2", "--size", "20k", "--runs", "1", "-o", folder,
               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    result = load(folder) if done.returncode == 0 else {"rows": [], "cells": [{"id": done.stderr}], "places": [0, 0]}
    told = [point for row in result["rows"] if not row["source"] for point in row["points"] if point["cpus"] == 2]
    reason = f"this process may use one CPU, {cpu}"
    report([] if told and all(point["time_reason"] == reason and point["time_ns"] is None and point["syscalls"] is None
                              for point in told)
           and result["places"][1] == {"cpus": 2, "list": None, "reason": reason}
           and not [cell for cell in result["cells"] if "cpus=2" in cell["id"]] else [done.stderr, told],
           "on_one_cpu_the_other_column_is_null_with_the_reason")


def made_up(tmp):
    """An interpreter that writes down where it runs, and has no processes."""
    speak = ('{"workload":"countdown","runtime":{"name":"Fake","version":"1.2","lacks":{"processes":"cannot fork"}},'
             '"options":[{"name":"size"}],"params":[],"modes":[{"name":"sequential"},{"name":"threads"}],"gils":[]}')
    line = ('{"workload":"countdown","params":{},"elapsed_ns":1000,"checksum":"5","per_worker":[{"nvcsw":0,"nivcsw":0}],'
            '"gil_counts":null,"latency":null}')
    program, seen, folder = (os.path.join(tmp, name) for name in ("fake", "seen", "made-up"))
    with open(program, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\ncase \"$*\" in *--describe*) echo '{speak}'; exit;; esac\n"
                   f"grep -q libgilscope-preload /proc/$$/maps; echo \"$(nproc) $? $*\" >> {seen}\necho '{line}'\n")
    os.chmod(program, 0o755)
    done = run("--runtime", f"mine={program}", "--size", "7", "--runs", "2", "-o", folder)
    places = [1, 2] if len(os.sched_getaffinity(0)) > 1 else [1]
    expected = sorted((cpus, untraced, mode) for cpus in places for mode in WAYS[:2]
                      for untraced in [0, 0, 0, 1, 1])
    with open(seen, encoding="utf-8") as file:
        ran = sorted((int(words[0]), int(words[1]), re.search(r"--mode=(\w+)", words[2])[1])
                     for words in (row.split(None, 2) for row in file))
    report([] if done.returncode == 0 and ran == expected else [done.stderr, ran],
           "each_cell_runs_on_its_cpus_and_is_traced_or_timed")
    row = load(folder)["rows"][-1]
    told = [point for point in row["points"] if point["mode"] == "processes" and point["cpus"] == 1]
    report([] if row["name"] == "mine" and told[0]["time_reason"] == told[0]["syscalls_reason"] == "cannot fork"
           and "NOT KNOWN: all of mine, processes, on one CPU" in done.stdout else [row, done.stdout],
           "a_mode_that_a_runtime_does_not_have_is_told_in_its_own_words")


def without_gnuplot(tmp):
    folder, empty = os.path.join(tmp, "plain"), os.path.join(tmp, "empty")
    os.makedirs(empty)
    done = run("--runtime", "c", "--gil", "cpython2", "--size", "20k", "--runs", "1", "-o", folder,
               env={**os.environ, "PATH": empty})
    report([] if done.returncode == 0 and "no chart: " in done.stdout and "gnuplot is not installed" in done.stdout
           and load(folder)["rows"] and load_tsv(folder)[1] else [done.stdout, done.stderr],
           "without_gnuplot_the_tables_are_there")


def mistakes(tmp):
    wrong = {
        ("--gil", "cpython33"): (2, "unknown lock model 'cpython33'; did you mean 'cpython3'?"),
        ("--gil", ""): (2, "unknown lock model ''"),
        ("--gil", "cpython2", "--runtime", f"python3={PYTHON}"): (2, "--gil 'cpython2' is a model of the C workloads"),
        ("--runtime", "pypi3"): (2, "unknown runtime 'pypi3'; did you mean 'pypy3'?"),
        ("--runtime", "jython"): (3, "nothing to measure: there is no jython: "),
        ("--runtime", "x=/bin/true"): (3, "runs none of the scripts"),
        ("--runs", "0"): (2, "--runs '0' is out of range"),
        ("--time", "soon"): (2, "--time 'soon' is not a time"),
        ("everything",): (2, "unexpected word 'everything'; experiment takes only options"),
        ("-o", "/dev/null/x", "--runtime", "c"): (3, "cannot make the folder '/dev/null/x'"),
    }
    complaints = []
    for words, (code, why) in wrong.items():
        done = run(*words, *([] if "-o" in words else ["-o", os.path.join(tmp, "wrong")]),
                   env={**os.environ, "PATH": "/bin"})
        if done.returncode != code or why not in done.stderr or done.stderr.count("\n") != 1 or done.stdout:
            complaints.append(f"{words}: {done.returncode} {done.stdout}{done.stderr}")
    report(complaints, "a_mistake_is_told_in_one_sentence")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        small(tmp)
        one_cpu(tmp)
        made_up(tmp)
        without_gnuplot(tmp)
        mistakes(tmp)
    print(f"1..{count}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
