#!/usr/bin/python3
"""gilscope compare, on made-up results: compare_test.py BUILD.

Medians, ratios, intervals and effect sizes are computed once more here, by going over all pairs. Speaks TAP."""
import copy
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

GILSCOPE = os.path.join(os.path.realpath(sys.argv[1]), "gilscope")
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TIMEOUT = 60
# For 8 and 6 values the critical value of Mann and Whitney's U at 5 %, two-sided, is 8.
CRITICAL = 8
count = failures = 0


def report(good, sentence, *notes):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)
    for note in [] if good else notes:
        print("# " + str(note)[:900].replace("\n", "\n# "))


def made_up():
    """A complete result of three cells with eight samples each."""
    with open(os.path.join(ROOT, "tests", "data", "result.json"), encoding="utf-8") as file:
        result = json.load(file)
    result.update(partial=False, partial_reason=None)
    result["build"]["c_args"] = ""
    result["cells"] = [cell for cell in result["cells"] if cell["id"] in (
        "countdown/threads/2", "countdown/gil:cpython3/2", "convoy/gil:cpython3/2/cpu=1")]
    for cell in result["cells"]:
        first = cell["samples"][0]
        cell["samples"] = [copy.deepcopy(first) for _ in range(8)]
        for i, sample in enumerate(cell["samples"]):
            sample["elapsed_ns"] = first["elapsed_ns"] * (100 + i * i) // 100
    return result


def changed(times=(101, 107, 122, 123, 130, 145)):
    """The same with six samples, some slower; forced switches are 0 in some samples, futex calls in all."""
    result = made_up()
    for cell in result["cells"]:
        first = cell["samples"][0]["elapsed_ns"]
        cell["samples"] = cell["samples"][:len(times)]
        for i, (percent, sample) in enumerate(zip(times, cell["samples"])):
            sample["elapsed_ns"] = first * percent // 100
            if sample["gil"]:
                sample["gil"]["drops_forced"] = i % 3
                sample["gil"]["takes"] += i
    return result


def compare(folder, old, new, *words):
    for name, result in ("old", old), ("new", new):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(os.path.join(folder, name, "result.json"), "w", encoding="utf-8") as file:
            json.dump(result, file)
    return subprocess.run([GILSCOPE, "compare", "old", "new", *words], cwd=folder, text=True, capture_output=True,
                          timeout=TIMEOUT)


def expected(old, new):
    """Ratio, interval and effect size, over all pairs."""
    larger = sum((b > a) + (b == a) / 2 for a, b in itertools.product(old, new)) / (len(old) * len(new))
    if min(old + new) <= 0:
        return None, None, larger
    ratios = sorted(b / a for a, b in itertools.product(old, new))
    ratio = math.exp(statistics.median(math.log(each) for each in ratios))
    return ratio, [ratios[CRITICAL], ratios[-CRITICAL - 1]], larger


def is_near(a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(is_near(x, y) for x, y in zip(a, b))
    return a == b or None not in (a, b) and abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def figures(folder):
    old, new = made_up(), changed()
    got = compare(folder, old, new, "--json")
    told = json.loads(got.stdout, parse_constant=lambda word: 1 / 0)
    report(got.returncode == 0 and told["schema"] == "gilscope.compare/1" and len(told["cells"]) == 3,
           "cells of both are compared", got)
    for cell, before, after in zip(told["cells"], old["cells"], new["cells"]):
        by_name = {quantity["name"]: quantity for quantity in cell["quantities"]}
        for name, value in {"time": lambda sample: sample["elapsed_ns"],
                            "takes": lambda sample: sample["gil"]["takes"],
                            "forced": lambda sample: sample["gil"]["drops_forced"],
                            "p50": lambda sample: sample["latency"]["p50"]}.items():
            if before["samples"][0]["gil"] is None and name in ("takes", "forced") or \
                    before["samples"][0]["latency"] is None and name == "p50":
                report(name not in by_name, f"{cell['id']}: {name} is not there where it is not known", by_name)
                continue
            a, b = [[value(sample) for sample in side["samples"]] for side in (before, after)]
            row, (ratio, ci95, larger) = by_name[name], expected(a, b)
            report(is_near(row["old_median"], statistics.median(a)) and is_near(row["new_median"], statistics.median(b))
                   and is_near(row["ratio"], ratio) and is_near(row["ci95"], ci95) and is_near(row["larger"], larger)
                   and (row["reason"] is None) == (ratio is not None) and (row["old_n"], row["new_n"]) == (8, 6),
                   f"{cell['id']}: {name} is what all pairs come to", row, (ratio, ci95, larger))


def words(folder):
    got = compare(folder, made_up(), changed())
    first = " ".join(got.stdout.split("\n")[:2])
    report(got.returncode == 0 and "decides nothing" in first and "gilscope gate" in first and "11 to 34" in first,
           "the first sentence says what such a comparison is worth", got)
    row = re.search(r"^  time +(\S+ ms) +(\S+ ms) +([\d.]+) \(([\d.]+) to ([\d.]+)\) +(\d+) %$", got.stdout, re.M)
    report(row and float(row[4]) < float(row[3]) < float(row[5]), "a row has medians, ratio, interval and effect", got)
    report(not re.search(r"\b(PASS|FAIL|regression|significant)", got.stdout), "no verdict is claimed", got.stdout)
    report(max(map(len, got.stdout.splitlines())) <= 100, "no line is longer than 100 columns", got.stdout)
    got = compare(folder, made_up(), made_up())
    report(got.stdout.count("1.000 (") == 3 and got.returncode == 0, "a result beside itself is not told apart", got)
    got = compare(folder, made_up(), changed((100,)), "--json")
    row = json.loads(got.stdout)["cells"][0]["quantities"][0]
    report(row["ci95"] is None and row["reason"] == "too few runs for an interval", "one run has no interval", row)


def alone(folder):
    old, new = made_up(), made_up()
    gone, old["cells"][0]["id"] = old["cells"][0]["id"], "countdown/threads/3"
    got = compare(folder, old, new)
    report(got.returncode == 4 and f"in the new one alone: {gone}" in got.stdout and
           "in the old one alone: countdown/threads/3" in got.stdout,
           "cells of one result alone are listed, and one that is gone is not compared", got)
    report(compare(folder, old, new, "--anyway").returncode == 0, "unless that was asked for", got)
    del old["cells"][0]
    report(compare(folder, old, new).returncode == 0, "a cell that is new is in nobody's way", got)
    old["cells"].insert(0, {**new["cells"][0], "id": "countdown/threads/3"})
    told = json.loads(compare(folder, old, new, "--json").stdout)
    report(sorted(cell["in"] for cell in told["cells"]) == ["both", "both", "new", "old"], "in JSON as well", told)


def put(*path):
    *way, last, value = path

    def change(result):
        at = result
        for step in way:
            at = at[step]
        at[last] = value
    return change


def refusals(folder):
    """What makes all of it, or a cell, not comparable; with --anyway it is said first."""
    whole = {
        "of different machines: cpu_model was": [put("host", "fingerprint", "4567"), put("host", "cpu_model", "6502")],
        "of different machines: the fingerprint": [put("host", "fingerprint", "4567")],
        "of a build without optimization (0)": [put("build", "optimization", "0")],
        "of a build with sanitizers (address)": [put("build", "sanitize", "address")],
        "different kinds of builds: optimization was 2": [put("build", "optimization", "3")],
        "different kinds of builds: c_args was '' and is '-march=native'": [put("build", "c_args", "-march=native")],
    }
    for sentence, changes in whole.items():
        new = changed()
        for change in changes:
            change(new)
        got = compare(folder, made_up(), new)
        report(got.returncode == 4 and sentence in got.stderr and "--anyway" in got.stderr and not got.stdout,
               f"not comparable: {sentence}", got)
        got = compare(folder, made_up(), new, "--anyway")
        report(got.returncode == 0 and got.stdout.startswith("NOT COMPARABLE:") and
               sentence in " ".join(got.stdout.split()) and "  time" in got.stdout, "and with --anyway that comes first", got)
    cells = {
        "other work: size was 4000000 and is 5; give both runs --size N": put("cells", 0, "size", 5),
        "other work: the checksum was": put("cells", 0, "checksum", "00"),
        "other work: tick-spins was 25 and is 9; give both runs --set": put("cells", 0, "params", "tick-spins", 9),
        "other work: chunk was unknown and is 3": put("cells", 0, "params", "chunk", 3),
        "the new one is failed: it crashed": lambda result: result["cells"][0].update(status="failed", reason="it crashed"),
        "the new one is missing": lambda result: result["cells"][0].update(status="missing", summary=None, samples=[]),
        "the new one has 6 of 8 samples": put("partial", True),
    }
    for sentence, change in cells.items():
        new = changed()
        change(new)
        if new["partial"]:
            new["cells"][1]["samples"] += new["cells"][1]["samples"][:2]
        got = compare(folder, made_up(), new)
        report(got.returncode == 4 and "not comparable: countdown/threads/2: " + sentence in got.stdout and
               "  time" in got.stdout, f"other cells are compared, and one is not: {sentence}", got)
        got = compare(folder, made_up(), new, "--anyway")
        report(got.returncode == 0 and "not comparable:" in got.stdout, "and with --anyway that is said", got)
    new = changed()
    for cell in new["cells"]:
        cell["size"] += 1
    got = compare(folder, made_up(), new)
    report(got.returncode == 4 and not got.stdout and got.stderr.count("\n") == 1, "no comparable cell is one sentence", got)
    new["cells"] = []
    got = compare(folder, made_up(), new, "--anyway")
    report(got.returncode == 4 and "no cell in common" in got.stderr, "no common cell is not comparable at all", got)


def warnings(folder):
    # As distributions build: the level is in other flags.
    new = changed()
    new["build"]["optimization"] = "plain"
    got = compare(folder, made_up(), new, "--json")
    report(got.returncode == 0 and json.loads(got.stdout)["warnings"] ==
           ["how far the build of the new one was optimized is not known"],
           "a build whose optimization is not known is compared with a warning", got)
    new = changed()
    new["build"]["compiler"] = "clang 14"
    old = made_up()
    old["runtimes"] = [{"name": "python3", "version": "CPython 3.11.2", "reason": None}]
    new["runtimes"] = [{"name": "python3", "version": "CPython 3.12.1", "reason": None}]
    told = json.loads(compare(folder, old, new, "--json").stdout)
    report(told["warnings"] == ["the compiler was gcc 12.2.0 and is clang 14",
                                "python3 was CPython 3.11.2 and is CPython 3.12.1"],
           "another compiler or interpreter is a warning", told["warnings"])


def misuse(folder):
    compare(folder, made_up(), changed())
    for given, sentence in ((["old"], "give two results, the old one first"), (["old", "new", "new"], "is one word too many"),
                            (["old", "nowhere"], "cannot read 'nowhere': No such file or directory"),
                            (["old", "new", "--sure"], "unknown option '--sure'")):
        got = subprocess.run([GILSCOPE, "compare", *given], cwd=folder, text=True, capture_output=True, timeout=TIMEOUT)
        report(got.returncode == 2 and sentence in got.stderr and not got.stdout, f"misuse: {sentence}", got)


def document(folder):
    """The names in results/README.md are those in the JSON."""
    told = json.loads(compare(folder, made_up(), changed(), "--json").stdout)
    with open(os.path.join(ROOT, "results", "README.md"), encoding="utf-8") as file:
        text = file.read().split("## Two results beside each other")[1].split("\n## ")[0]
    names = set(told) | set(told["old"]) | set(told["cells"][0]) | set(told["cells"][0]["quantities"][0])
    missing = sorted(name for name in names if f"`{name}`" not in text)
    report(not missing, "every field is in results/README.md", missing)
    named = {name for cell in told["cells"] for name in (quantity["name"] for quantity in cell["quantities"])}
    missing = sorted(name for name in named if f"`{name}`" not in text)
    report(not missing, "and every quantity", missing)


for part in (figures, words, alone, refusals, warnings, misuse, document):
    with tempfile.TemporaryDirectory(prefix="gilscope-compare-") as made:
        part(made)
print(f"1..{count}")
sys.exit(1 if failures else 0)
