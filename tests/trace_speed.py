#!/usr/bin/python3
"""What tracing adds to lock operations: the same program traced and not, in turns, in one run.
trace_speed.py GILSCOPE PROGRAM [ROUNDS [SECONDS]]. Prints the table of docs/design.md; exits 1 when a goal
is missed."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

GILSCOPE, PROGRAM = sys.argv[1:3]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 7
SECONDS = sys.argv[4] if len(sys.argv) > 4 else "10"
FOLDER = tempfile.mkdtemp(prefix="gilscope-speed-")
# Nanoseconds added, at most; the fight: the ratio.
# A long fight is bound by what the launcher can write: 50 million records a second on two CPUs that are busy.
GOALS = {"mutex_pair": 20, "semaphore_pair": 20, "read_pair": 20, "signal": 10, "fight": 1.5, "fight_long": None}
failed = False


def figures(words):
    text = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def traced(words, syscalls="off"):
    trace = os.path.join(FOLDER, "trace")
    shutil.rmtree(trace, ignore_errors=True)
    got = figures([GILSCOPE, "trace", "--quiet", "--syscalls", syscalls, "-o", trace, "--", *words])
    with open(os.path.join(trace, "trace.json"), encoding="utf-8") as file:
        facts = json.load(file)
    if facts["lost"]:
        sys.exit(f"{facts['lost']} events were lost")
    return got, facts


rows = {name: [] for name in GOALS}
for _ in range(ROUNDS):
    native = figures([PROGRAM])
    recorded, facts = traced([PROGRAM])
    for name in GOALS:
        rows[name].append((native[name], recorded[name]))
print(f"medians of {ROUNDS} rounds; reading the counter takes {facts['cost']['counter_ns']:.1f} ns")
print(f"{'':16}{'native':>9}{'traced':>9}{'added':>9}{'ratio':>7}  goal")
for name, pairs in rows.items():
    native, recorded = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    added = statistics.median(pair[1] - pair[0] for pair in pairs)
    ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
    good = not GOALS[name] or (ratio if name == "fight" else added) <= GOALS[name]
    goal = f"ratio {GOALS[name]}" if name == "fight" else f"+{GOALS[name]} ns" if GOALS[name] else "-"
    failed |= not good
    print(f"{name:16}{native:9.1f}{recorded:9.1f}{added:+9.1f}{ratio:7.2f}  {goal}{'' if good else ': MISSED'}")

CALL_GOALS = {"patch": 20, "patch,audit": 45, "dispatch": None}
calls = {mode: [] for mode in CALL_GOALS}
for _ in range(ROUNDS):
    native = figures([PROGRAM, "calls"])
    for mode in CALL_GOALS:
        calls[mode].append((native, traced([PROGRAM, "calls"], mode)[0]))
print(f"\nsystem calls, entry and exit recorded\n{'':24}{'native':>9}{'traced':>9}{'added':>9}  goal")
for mode, pairs in calls.items():
    for name in pairs[0][0]:
        native, recorded = (statistics.median(pair[side][name] for pair in pairs) for side in (0, 1))
        added = statistics.median(pair[1][name] - pair[0][name] for pair in pairs)
        goal = CALL_GOALS[mode]
        good = goal is None or added <= goal
        failed |= not good
        print(f"{mode + ' ' + name:24}{native:9.1f}{recorded:9.1f}{added:+9.1f}  "
              f"{f'+{goal} ns' if goal else '-'}{'' if good else ': MISSED'}")

print(f"\npthread_mutex_lock at 2 million pairs a second for {SECONDS} s, ns")
native = figures([PROGRAM, "paced", SECONDS])
recorded, facts = traced([PROGRAM, "paced", SECONDS])
print(f"{'':16}{'native':>9}{'traced':>9}")
for name in native:
    print(f"{name:16}{native[name]:9.0f}{recorded[name]:9.0f}")
good = recorded["p99.99"] < 20000
failed |= not good
print(f"p99.99 under 20,000{'' if good else ': MISSED'}; {facts['records']} records, "
      f"{facts['stalls']} waits for space, {facts['lost']} lost")
shutil.rmtree(FOLDER)
sys.exit(failed)
