#!/usr/bin/python3
"""What the runtime adds to what a workload measures: the workload and a plain C program that does the same, in
turns, in an order that alternates. plain_speed.py WORKLOADS PLAIN [ROUNDS [WORD...]]: PLAIN is the folder of the plain
programs; rows whose name has one of the words. Prints medians and ratios; exits 1 when a ratio misses its goal."""
import json
import os
import statistics
import subprocess
import sys

WORKLOADS, PLAIN = sys.argv[1:3]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 21
WORDS = sys.argv[4:]
GOAL = 0.15  # how much more or less the workload may measure
PRIMITIVES = ["lock", "rlock", "semaphore", "event", "condition", "barrier"]


# Each row: its name, the workload's words, the plain program's words. A tick is an interpreter's work, and costs nothing.
ROWS = [(f"sync {primitive}, {workers}",
         f"sync --mode threads --tick-spins 0 --primitive {primitive} --workers {workers} --size {size}",
         f"plain {primitive} {workers} {size}")
        for primitive in PRIMITIVES
        for workers, size in ((1, 1000000), (2, 1000000 if primitive in PRIMITIVES[:3] else 100000))]
ROWS += [(f"ipc {via}, {message}",
          f"ipc --mode threads --tick-spins 0 --via {via} --message {message} --size {size}",
          f"plain_ipc {via} {message} {size}")
         for via in ("pipe", "queue", "socketpair", "shared") for message, size in ((64, 10000), (100000, 500))]
ROWS += [(f"spawn {what}", f"spawn --mode threads --tick-spins 0 --workers 1 --what {what} --size 200",
          f"plain_ipc {program} 0 200")
         for what, program in (("thread", "thread"), ("process", "process"),
                               ("exec", os.path.join(WORKLOADS, "helpers/moment")))]


def workload(words):
    """Figures as the plain program has them: ns for each operation, and percentiles of latencies if there are any."""
    words = words.split()
    got = json.loads(subprocess.run([os.path.join(WORKLOADS, words[0]), *words[1:], "--json"], check=True,
                                    stdout=subprocess.PIPE).stdout)
    latency = got["latency"] or {}
    return {"op": got["elapsed_ns"] / got["size"], **{name: latency[name] for name in ("p50", "p90") if name in latency}}


def plain(words):
    program, *words = words.split()
    text = subprocess.run([os.path.join(PLAIN, program), *words], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def measure(ours, theirs):
    """The figures of all rounds, in pairs."""
    pairs = []
    for number in range(ROUNDS):
        if number % 2:
            there = plain(theirs)
            pairs.append((workload(ours), there))
        else:
            here = workload(ours)
            pairs.append((here, plain(theirs)))
    return pairs


def show(name, figure, pairs):
    """A line of the table; false: the goal is missed. It is one for latencies: an operation has a tick more."""
    pairs = [(here[figure], there[figure]) for here, there in pairs if figure in here and figure in there]
    if len(pairs) <= ROUNDS // 2:
        print(f"{name:20}{figure:6}  nobody waited in {ROUNDS - len(pairs)} of {ROUNDS} rounds")
        return True
    here, there = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
    good = figure == "op" or abs(ratio - 1) <= GOAL
    print(f"{name:20}{figure:6}{there:12.1f}{here:12.1f}{ratio:8.2f}{'' if good else '  MISSED'}")
    return good


print(f"medians of {ROUNDS} rounds, ns; goal: latencies within {GOAL:.0%} of the plain program's")
print(f"{'':26}{'plain':>12}{'workload':>12}{'ratio':>8}")
missed = 0
for row, ours, theirs in ROWS:
    if WORDS and not any(word in row for word in WORDS):
        continue
    measured = measure(ours, theirs)
    show(row, "op", measured)
    # Alone nobody waits for anybody.
    missed += not row.endswith(", 1") and not show(row, "p50", measured)
sys.exit(missed > 0)
