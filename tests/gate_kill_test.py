#!/usr/bin/python3
"""A gate that is ended by a signal, at any moment: gate_kill_test.py BUILD [RUNS [SEED]]. Nothing that it started
stays, a file that is there under its name is whole, and there is a verdict only when all the others are. Speaks TAP."""
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from strays import MARKED, finish, ours, report, until

BUILD = os.path.realpath(sys.argv[1])
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGKILL
FILES = {"verdict.json", "junit.xml", "summary.md", "pairs.tsv"}
DESCRIBE = {"workload": "countdown", "options": [{"name": "size"}], "params": [], "modes": [{"name": "threads"}],
            "gils": [], "build": {"optimization": "2", "sanitize": "none"}}
LINE = {"workload": "countdown", "params": {"tick-spins": 3}, "elapsed_ns": 1000, "checksum": "1",
        "per_worker": [{"nvcsw": 0, "nivcsw": 0}], "gil_counts": None, "latency": None}


def start(*words):
    return subprocess.Popen([os.path.join(BUILD, "gilscope"), "gate", *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=MARKED)


def half_written(folder):
    """Complaints about files that are not whole, or not all there."""
    there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    if "verdict.json" in there:
        if not FILES <= there:
            yield f"a verdict, and of the others {there}"
        with open(os.path.join(folder, "verdict.json"), encoding="utf-8") as file:
            if json.load(file)["schema"] != "gilscope.verdict/1":
                yield "no verdict in verdict.json"
    if "junit.xml" in there:
        xml.etree.ElementTree.parse(os.path.join(folder, "junit.xml"))
    for name in {"pairs.tsv", "summary.md"} & there:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            if not file.read().endswith("\n"):
                yield f"{name} ends in the middle"


def end(words, moment, number):
    """Complaints of a gate that gets a signal, and whether it came too late."""
    folder = tempfile.mkdtemp(prefix="gilscope-test-")
    output = os.path.join(folder, "out")
    process = start(*words, "-o", output)
    time.sleep(moment)
    process.send_signal(number)
    status = process.wait()
    complaints = []
    if not until(lambda: not ours()):
        complaints.append(f"left behind: {ours()}")
        for pid in ours():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if status not in (-number, 0, 3):
        complaints.append(f"ended with {status}")
    try:
        complaints += half_written(output)
    except (ValueError, OSError, xml.etree.ElementTree.ParseError) as error:
        complaints.append(error)
    rest = os.listdir(output) if os.path.isdir(output) else []
    # What nobody can remove is all that SIGKILL may leave.
    if number != signal.SIGKILL and [name for name in rest if "part" in name]:
        complaints.append(f"left behind: {rest}")
    shutil.rmtree(folder)
    return [f"{number.name} after {moment:.3f} s: {complaint}" for complaint in complaints], status != -number


def fake(folder):
    path = os.path.join(folder, "workloads", "countdown")
    os.makedirs(os.path.dirname(path))
    for name, what in ("describe", DESCRIBE), ("plan", LINE):
        with open(f"{path}.{name}", "w", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")
    shutil.copy(os.path.join(BUILD, "tests", "fake_workload"), path)
    return folder


def main():
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    with tempfile.TemporaryDirectory(prefix="gilscope-test-") as tmp:
        build = fake(os.path.join(tmp, "fake"))
        quick = ["--baseline", build, "--candidate", build, "--workload", "countdown", "--mode", "threads", "--workers",
                 "2", "--size", "7"]
        begun = time.monotonic()
        start(*quick, "-o", os.path.join(tmp, "out")).wait()
        # To its end, files and chart and all.
        whole = time.monotonic() - begun
        real = ["--baseline", BUILD, "--candidate", BUILD, "--workers", "2", "--size", "300000", "--budget", "3600s"]
        child = "sleep 1000 & sleep 1000 & sleep 0.01"
        kinds = {
            "a gate of made-up workloads, to its end": (quick, whole * 1.1),
            "a gate of threads and processes": ([*real, "--workload", "countdown", "--mode", "processes,gil,threads"], 1.5),
            "a gate of programs that start programs": ([*real, "--workload", "spawn", "--mode", "processes,threads"], 1.5),
            "a gate of commands that leave children": (["--baseline-command", child, "--candidate-command", child,
                                                        "--budget", "3600s"], 0.8),
            "a gate of commands that wait for children": (["--baseline-command", "sleep 1000 & wait",
                                                           "--candidate-command", "true"], 0.3),
        }
        for what, (words, length) in kinds.items():
            complaints, late = [], 0
            for run in range(RUNS):
                number = SIGNALS[run % len(SIGNALS)]
                more, was_late = end(words, chance.random() * length, number)
                complaints += more
                late += was_late
            if late == RUNS:
                complaints.append("every signal came too late")
            report(not complaints, f"{what} leaves nothing and no half verdict, {RUNS} times ({late} had ended)",
                   *complaints)
    return finish()


sys.exit(main())
