#!/usr/bin/python3
"""gilscope export, on a stored result with failed and missing cells: export_test.py BUILD [--write].

Each format is compared with its golden file in tests/data/export/ (--write makes them anew: look at what has
changed), and with the rules of the tools that read it. Speaks TAP."""
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

GILSCOPE = os.path.join(os.path.realpath(sys.argv[1]), "gilscope")
DATA = os.path.join(os.path.dirname(os.path.realpath(__file__)), "data")
RESULT = os.path.join(DATA, "result.json")
CELL = "convoy/gil:cpython3/2/cpu=1"
TIMEOUT = 60
GOLDEN = {"pyperf": "pyperf.json", "gobench": "gobench.txt", "customSmallerIsBetter": "smaller.json",
          "hgrm": "latency.hgrm"}
count = failures = 0


def report(good, sentence, *notes):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)
    for note in [] if good else notes:
        print("# " + str(note)[:600].replace("\n", "\n# "))


def export(*words, **more):
    return subprocess.run([GILSCOPE, "export", *words], text=True, capture_output=True, timeout=TIMEOUT, **more)


def words_for(name):
    return [RESULT, "--format", name, *(["--cell", CELL] if name == "hgrm" else [])]


def no_null(pairs):
    """pyperf's reader takes no null and no empty text."""
    assert all(value is not None and value != "" for _, value in pairs), pairs
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def as_pyperf(text):
    suite = json.loads(text, object_pairs_hook=no_null, parse_constant=lambda word: 1 / 0)
    assert suite["version"] == "1.0" and suite["metadata"]["unit"] == "second"
    names = [benchmark["metadata"]["name"] for benchmark in suite["benchmarks"]]
    assert len(set(names)) == len(names) == 9, names
    with open(RESULT, encoding="utf-8") as file:
        cells = {cell["id"]: cell for cell in json.load(file)["cells"]}
    for benchmark in suite["benchmarks"]:
        assert all(isinstance(tag, str) and tag for tag in benchmark["metadata"]["tags"])
        values = [value for run in benchmark["runs"] for value in run["values"]]
        assert all(isinstance(value, float) and value > 0 for value in values)
        taken = [sample["elapsed_ns"] / 1e9 for sample in cells[benchmark["metadata"]["name"]]["samples"]]
        assert all(abs(a - b) < 1e-11 for a, b in zip(values, taken)) and len(values) == len(taken)
        for metadata in [benchmark["metadata"], *(run["metadata"] for run in benchmark["runs"]), suite["metadata"]]:
            assert not any("\n" in value for value in metadata.values() if isinstance(value, str))


def as_gobench(text):
    """The grammar of golang.org/design/14313-benchmark-format; other lines are comments."""
    samples, units = {}, set()
    for line in text.splitlines():
        if re.fullmatch(r"[a-z]\S*: .+|# .*", line):
            continue
        unit = re.fullmatch(r"Unit (\S+) better=lower", line)
        if unit:
            units.add(unit[1])
            continue
        fields = line.split("\t")
        assert re.fullmatch(r"Benchmark[A-Z][a-z_]*(/[a-z-]+=[^\s/]+)*-2", fields[0]), line
        assert fields[1] == "1"
        pairs = [re.fullmatch(r"(\d+(?:\.\d+)?(?:e\+\d+)?) (\S+)", field).groups() for field in fields[2:]]
        assert {name for _, name in pairs} <= units | {"ns/op"}, line
        samples.setdefault(fields[0], []).append(dict((name, float(value)) for value, name in pairs))
    assert len(samples) == 9 and all(len(lines) == 2 for lines in samples.values())
    convoy = samples["BenchmarkConvoy/mode=gil/gil=cpython3/workers=2/cpu=1/size=30-2"][0]
    assert convoy["switches/op"] == 62 and convoy["ns/op"] == 194507246 and "p99-ns" not in convoy
    # The revision is no configuration: two revisions would not stand in one table.
    assert not re.search(r"^[a-z]\S*: .*0acbb2a4d1c2", text, re.M)


def as_smaller(text):
    points = json.loads(text, parse_constant=lambda word: 1 / 0)
    assert len({point["name"] for point in points}) == len(points)
    for point in points:
        assert isinstance(point["name"], str) and isinstance(point["unit"], str)
        assert isinstance(point["value"], (int, float)) and not isinstance(point["value"], bool)
        assert all(isinstance(point[name], str) for name in {"range", "extra"} & set(point))
        assert set(point) <= {"name", "unit", "value", "range", "extra"}
    by_name = {point["name"]: point for point in points}
    assert by_name["countdown/gil:cpython3/2"]["unit"] == "ms"
    assert abs(by_name["countdown/gil:cpython3/2"]["value"] - (45.718739 + 42.898428) / 2) < 1e-6
    assert by_name["countdown/gil:cpython3/2 takes"] == {
        **by_name["countdown/gil:cpython3/2 takes"], "unit": "events", "value": 10}


def as_hgrm(text):
    head, *lines = text.splitlines()
    assert head.split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"] and lines[0] == ""
    rows = [[float(field) for field in line.split()] for line in lines if line and not line.startswith("#")]
    for before, after in zip(rows, rows[1:]):
        assert all(a <= b for a, b in zip(before[:3], after[:3])) and before[1] < after[1]
    assert rows[0][1] == 0 and rows[-1][1:] == [1, 240] and len(rows[-1]) == 3
    assert all(abs(1 / (1 - row[1]) - row[3]) < 0.01 for row in rows[:-1])
    median = next(row for row in rows if row[1] == 0.5)
    with open(RESULT, encoding="utf-8") as file:
        latency = next(cell for cell in json.load(file)["cells"] if cell["id"] == CELL)["latency"]
    seen = itertools.accumulate(number for _, number in latency["counts"])
    bucket = next(bucket for (bucket, _), so_far in zip(latency["counts"], seen) if so_far >= 120)
    high = ((bucket + 1) % 1024 + 1024 << (bucket + 1) // 1024 - 1) - 1
    assert abs(median[0] - high / 1e6) < 0.0006 and abs(rows[-1][0] - latency["max"] / 1e6) < 0.0006
    assert re.fullmatch(r"#\[Mean +=\s+\d+\.\d{3}, StdDeviation +=\s+\d+\.\d{3}\]", lines[-3])
    assert re.fullmatch(r"#\[Max +=\s+\d+\.\d{3}, Total count +=\s+240\]", lines[-2])
    assert re.fullmatch(r"#\[Buckets =\s+\d+, SubBuckets +=\s+2048\]", lines[-1])


def formats():
    for name, rules in {"pyperf": as_pyperf, "gobench": as_gobench, "customSmallerIsBetter": as_smaller,
                        "hgrm": as_hgrm}.items():
        got = export(*words_for(name))
        path = os.path.join(DATA, "export", GOLDEN[name])
        if "--write" in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(got.stdout)
        with open(path, encoding="utf-8") as file:
            report(got.returncode == 0 and got.stdout == file.read(), f"{name} is as its golden file", got)
        try:
            rules(got.stdout)
            wrong = None
        except (AssertionError, LookupError, TypeError, ValueError, ArithmeticError) as error:
            wrong = error
        report(wrong is None, f"{name} keeps the rules of its readers", repr(wrong))


def files(folder):
    path = os.path.join(folder, "out.json")
    got = export(RESULT, "--format", "pyperf", "-o", path)
    with open(os.path.join(DATA, "export", "pyperf.json"), encoding="utf-8") as golden, \
            open(path, encoding="utf-8") as file:
        report(got.stdout == "" and golden.read() == file.read(), "a file has what standard output would have", got)
    report("left out: countdown/processes/2 is failed" in got.stderr and "ended early" in got.stderr,
           "cells that are left out are named, and a run that was ended early", got.stderr)
    got = export(RESULT, "--format", "hgrm", "-o", path)
    with open(path, encoding="utf-8") as file:
        report(got.returncode == 2 and file.read().startswith("{") and os.listdir(folder) == ["out.json"],
               "what cannot be exported leaves the file of before", got)
    got = export(RESULT, "--format", "pyperf", "-o", os.path.join(folder, "none", "out.json"))
    report(got.returncode == 3 and "No such file" in got.stderr, "a file that cannot be written is named", got)
    got = export(RESULT, "--format", "pyperf", "-o", "/dev/full")
    report(got.returncode == 3 and "No space left" in got.stderr and not os.path.isfile("/dev/full"),
           "a full device is told, and stays a device", got)
    got = export(RESULT, "--format", "pyperf", stdin=subprocess.DEVNULL, cwd=folder)
    report(os.listdir(folder) == ["out.json"], "standard output leaves no file", os.listdir(folder))
    shutil.copy(RESULT, os.path.join(folder, "result.json"))
    got = export("--format=gobench", folder, "--cell", CELL)
    report(got.returncode == 0 and got.stdout.count("\nBenchmark") == 2 and got.stderr == "",
           "a folder is a result, and a cell can be chosen", got)


def listed():
    """What can be named is in the list and in the document."""
    told = json.loads(subprocess.run([GILSCOPE, "list", "formats", "--json"], text=True, capture_output=True,
                                     timeout=TIMEOUT).stdout)
    names = [row["name"] for row in told["formats"] if row["of"] == "export"]
    with open(os.path.join(os.path.dirname(DATA), os.pardir, "results", "README.md"), encoding="utf-8") as file:
        text = file.read().split("## In other tools' formats")[1].split("\n## ")[0]
    report(sorted(names) == sorted(GOLDEN) and all(f"`{name}`" in text for name in names),
           "every format is listed, described and tested", names)


def sentences():
    for words, code, sentence in (
            ([RESULT], 2, "no format given; give --format with one of pyperf, gobench, customSmallerIsBetter, hgrm"),
            ([RESULT, "--format", "pyprf"], 2, "unknown format 'pyprf'; did you mean 'pyperf'?"),
            (["--format", "pyperf"], 2, "give one result: the folder of a 'gilscope bench -o' or 'gate -o'"),
            ([RESULT, RESULT, "--format", "pyperf"], 2, "is one word too many"),
            (["nowhere", "--format", "pyperf"], 2, "cannot read 'nowhere': No such file or directory"),
            ([RESULT, "--format", "pyperf", "--cell", "countdown/thread/2"], 2,
             "unknown cell 'countdown/thread/2'; did you mean 'countdown/threads/2'?"),
            ([RESULT, "--format", "pyperf", "--cell", "countdown/processes/2"], 1, "has no cell with samples"),
            ([RESULT, "--format", "hgrm"], 2, "3 cells have latencies, and the format has room for one"),
            ([RESULT, "--format", "hgrm", "--cell", "countdown/threads/2"], 2, "there are no latencies"),
            ([RESULT, "--format", "pyperf", "-o", ""], 2, "the file's name is empty or too long")):
        got = export(*words)
        report(got.returncode == code and sentence in got.stderr and got.stderr.count("\n") == 1 and not got.stdout,
               f"one sentence for: export {' '.join(words).replace(DATA, '')}", got)


def damage(folder):
    """Changes one place in the result; the sentence names it."""
    with open(RESULT, encoding="utf-8") as file:
        text = file.read()
    path = os.path.join(folder, "damaged.json")
    for before, after, sentence in (
            ('"elapsed_ns":43350877,"wall', '"wall', "cells[0].samples[0].elapsed_ns is missing"),
            ('"elapsed_ns":43350877,"wall', '"elapsed_ns":0,"wall', "cells[0].samples[0].elapsed_ns is not above 0"),
            ('"wall_ns":44250877', '"wall_ns":"x"', "cells[0].samples[0].wall_ns is not a number"),
            ('"takes":1,', '"takes":-1,', "cells[2].samples[0].gil.takes is below 0"),
            ('"gil":{"takes"', '"gil":[],"x":{"takes"', "cells[2].samples[0].gil is not an object"),
            ('"fingerprint":"0123",', '', "host.fingerprint is missing"),
            ('"checksum":"00000746a5470480"', '"checksum":7', "cells[0].checksum is neither a text nor null")):
        assert before in text
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(before, after, 1))
        got = export(path, "--format", "gobench")
        report(got.returncode == 2 and sentence in got.stderr and not got.stdout, f"damage is named: {sentence}", got)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace('"takes":1,', '"takes":null,', 1))
    got = export(path, "--format", "gobench", "--cell", "countdown/gil:cpython3/1")
    report("contended/op" in got.stdout and " takes/op\t" not in got.stdout,
           "what one sample does not know is not exported, and never 0", got.stdout)


def verdict(folder):
    """One side of a gate, of a workload and of a pair of commands."""
    with open(RESULT, encoding="utf-8") as file:
        host = json.load(file)["host"]
    unknown = {"reason": None, "checksum": None, "gil": None}
    made = {
        "schema": "gilscope.verdict/1", "run": {"started_utc": "2026-11-22T02:00:00Z"}, "host": host,
        "baseline": {"revision": "1234567", "compiler": "gcc 12.2.0", "buildtype": "release"},
        "candidate": {"revision": None, "compiler": None, "buildtype": None},
        "cells": [
            {"id": "countdown/threads/2", "workload": "countdown", "mode": "threads", "workers": 2, "size": 1000, **unknown,
             "pairs": [{"first": "baseline", "baseline": {"time": 1000 + i, "cpu": 7, "wait_share": 0.5},
                        "candidate": {"time": 2000 + i, **({} if i else {"cpu": 9})}} for i in range(3)],
             "confirming": [{"first": "candidate", "baseline": {"time": 1, "cpu": 3}, "candidate": {"time": 2}}]},
            {"id": "command", "workload": None, "mode": None, "workers": None, "size": None, **unknown, "confirming": [],
             "pairs": [{"first": "candidate", "baseline": {"time": 5e6}, "candidate": {"time": 6e6}}]},
            {"id": "nothing", "workload": None, "mode": None, "workers": None, "size": None, **unknown,
             "reason": "it crashed", "confirming": [], "pairs": []},
            {"id": "ended", "workload": None, "mode": None, "workers": None, "size": None, **unknown, "confirming": [],
             "reason": "the candidate was killed",
             "pairs": [{"first": "candidate", "baseline": {"time": 5e6}, "candidate": {"time": 6e6}}]}]}
    path = os.path.join(folder, "verdict.json")

    def write():
        with open(path, "w", encoding="utf-8") as file:
            json.dump(made, file)
    write()
    sides = {side: export(folder, "--side", side, "--format", "gobench") for side in ("baseline", "candidate")}
    lines = {side: [line.split("\t") for line in got.stdout.splitlines() if line.startswith("Benchmark")]
             for side, got in sides.items()}
    report([line[2] for line in lines["baseline"]] == ["1000 ns/op", "1001 ns/op", "1002 ns/op", "1 ns/op", "5000000 ns/op"]
           and [line[2] for line in lines["candidate"]] == ["2000 ns/op", "2001 ns/op", "2002 ns/op", "2 ns/op", "6000000 ns/op"],
           "each side of a gate has its samples of all pairs in their order", lines)
    report([line[0] for line in lines["baseline"]] == [line[0] for line in lines["candidate"]] and
           {line[0] for line in lines["baseline"]} == {"BenchmarkCountdown/mode=threads/workers=2/size=1000-2",
                                                       "BenchmarkCommand-2"}, "both sides have the same names", lines)
    report(lines["baseline"][0][3] == "7 cpu-ns/op" and len(lines["candidate"][0]) == 3,
           "what one sample of a side lacks is not exported", lines)
    report("left out: nothing is without samples: it crashed" in sides["baseline"].stderr,
           "a cell without pairs is named", sides["baseline"])
    report(all("left out: ended is failed: the candidate was killed" in got.stderr for got in sides.values()),
           "a cell that was ended by a crash is left out and named", sides)
    suite = json.loads(export(path, "--side", "candidate", "--format", "pyperf").stdout, object_pairs_hook=no_null)
    report([len(benchmark["runs"]) for benchmark in suite["benchmarks"]] == [4, 1] and
           "gilscope_revision" not in suite["metadata"] and "workers" not in suite["benchmarks"][1]["metadata"],
           "what is not known of a side is not in its file", suite)
    got = export(path, "--side", "candidate", "--format", "customSmallerIsBetter", "--cell", "command")
    report('"value": 6,' in got.stdout and "size" not in got.stdout, "a command has no size", got)
    for words, sentence in (([folder, "--format", "pyperf"], "is of a gate; give a result, or one side"),
                            ([RESULT, "--side", "baseline", "--format", "pyperf"], "its schema is 'gilscope.result/1'"),
                            (["none", "--side", "baseline", "--format", "pyperf"], "a folder that 'gilscope gate -o' wrote"),
                            ([folder, "--side", "both", "--format", "pyperf"], "give baseline or candidate"),
                            ([folder, "--side", "baseline", "--format", "hgrm"], "there are no latencies")):
        got = export(*words)
        report(got.returncode == 2 and sentence in got.stderr and not got.stdout, f"of a gate: {sentence}", got)
    made["cells"][0]["confirming"][0]["baseline"]["time"] = 0
    write()
    got = export(path, "--side", "baseline", "--format", "gobench")
    report("cells[0].confirming[0].baseline.time is not above 0" in got.stderr, "damage in a verdict is named", got)


formats()
listed()
sentences()
for part in (files, damage, verdict):
    with tempfile.TemporaryDirectory(prefix="gilscope-export-") as made:
        part(made)
print(f"1..{count}")
sys.exit(1 if failures else 0)
