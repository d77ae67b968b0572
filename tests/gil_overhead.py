#!/usr/bin/python3
"""What tracing costs an interpreter: two threads that count down, and echoes beside a CPU-bound thread and alone,
traced with system calls and not, in turns, in one run. gil_overhead.py GILSCOPE SCRIPTS [ROUNDS [PYTHON]]. Exits 1 when a goal is missed."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

GILSCOPE, SCRIPTS = sys.argv[1:3]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
PYTHON = sys.argv[4] if len(sys.argv) > 4 else "/usr/bin/python3"
FOLDER = tempfile.mkdtemp(prefix="gilscope-overhead-")
# Traced by untraced: the time at most so much; for the echoes the operations per second at least so much.
CASES = {
    "countdown": (["countdown.py", "--mode", "threads", "--workers", "2", "--size", "4M"], "time", 1.01),
    "echoes": (["convoy.py", "--mode", "threads", "--workers", "2", "--cpu", "1", "--io", "pipe", "--size", "10k"],
               "rate", 0.97),
    # Two system calls each, or four, and the lock let go of around each.
    "pipe": (["convoy.py", "--mode", "threads", "--workers", "1", "--cpu", "0", "--io", "pipe", "--size", "200k"],
             "rate", 0.95),
    "socketpair": (["convoy.py", "--mode", "threads", "--workers", "1", "--cpu", "0", "--io", "socketpair", "--size",
                    "50k"], "rate", 0.95),
}


def elapsed_ns(words, traced):
    trace = os.path.join(FOLDER, "trace")
    shutil.rmtree(trace, ignore_errors=True)
    words = [PYTHON, os.path.join(SCRIPTS, words[0]), *words[1:], "--json"]
    if traced:
        words = [GILSCOPE, "trace", "--quiet", "-o", trace, "--", *words]
    line = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    if traced:
        with open(os.path.join(trace, "trace.json"), encoding="utf-8") as file:
            if json.load(file)["lost"]:
                sys.exit("events were lost")
    return json.loads(line)["elapsed_ns"]


missed = False
print(f"medians of {ROUNDS} pairs; {PYTHON}")
for name, (words, what, goal) in CASES.items():
    ratios = []
    for turn in range(ROUNDS):
        # The one that begins changes, so that what the machine does meanwhile cancels.
        first = elapsed_ns(words, turn % 2 == 1)
        second = elapsed_ns(words, turn % 2 == 0)
        native, traced = (first, second) if turn % 2 == 0 else (second, first)
        ratios.append(traced / native if what == "time" else native / traced)
    ratios.sort()
    median = statistics.median(ratios)
    good = median <= goal if what == "time" else median >= goal
    missed |= not good
    print(f"{name:10} traced/untraced {what}: {median:.3f} (quartiles {ratios[ROUNDS // 4]:.3f}, "
          f"{ratios[-1 - ROUNDS // 4]:.3f}); goal at {'most' if what == 'time' else 'least'} {goal}"
          f"{'' if good else ': MISSED'}")
shutil.rmtree(FOLDER)
sys.exit(missed)
