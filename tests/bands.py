#!/usr/bin/python3
"""Benchmark: are the workloads and the lock models where the interpreters are? Measures pinned, 31 runs per
cell, and holds the medians of ratios against the bands that are known of interpreters; prints each figure.
Meaningful on a quiet machine with two CPUs."""
import json
import os
import subprocess
import sys
import tempfile

GILSCOPE = sys.argv[1]
RUNS = "31"
outside = 0


def bench(*words):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([GILSCOPE, "bench", "--runs", RUNS, "-o", folder, *words], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
            return {cell["id"]: cell for cell in json.load(file)["cells"]}


def show(what, value, low, high, unit=""):
    global outside
    if value is None:
        print(f"{what:58} not known here")
        return
    good = low <= value <= high
    outside += not good
    print(f"{what:58} {value:9.3f}{unit}  {'in' if good else 'OUTSIDE'} {low:g} to {high:g}", flush=True)


def countdown():
    cells = bench("--workload", "countdown", "--workers", "2")
    bands = {"threads/2": (0.45, 0.65), "processes/2": (0.45, 0.65), "gil:cpython3/2": (0.97, 1.06),
             "gil:cpython2/2": (1.3, 1.6), "gil:cpython2/2/cpus=1": (0.97, 1.08)}
    for name, (low, high) in bands.items():
        show(f"countdown {name} against sequential",
             cells["countdown/" + name]["summary"]["relative"]["median"], low, high)
    old, new = cells["countdown/gil:cpython2/2"], cells["countdown/gil:cpython3/2"]
    per_release = [s["counters"]["syscalls:sys_enter_futex"]["value"] / s["gil"]["takes"]
                   for s in old["counted"]]
    show("cpython2: futex calls per release", sorted(per_release)[len(per_release) // 2]
         if per_release else None, 0.85, 1.15)
    switches = sorted(s["gil"]["switches"] / s["elapsed_ns"] * 1e9 for s in new["samples"])
    show("cpython3: switches per second", switches[len(switches) // 2], 180, 210)


def convoy():
    for interval in (1, 5, 20):
        cells = bench("--workload", "convoy", "--workers", "2", "--mode", "gil", "--gil", "cpython3",
                      "--set", f"cpu=1,interval={interval}ms", "--counters", "none")
        (cell,) = cells.values()
        show(f"convoy cpython3, interval {interval} ms: median latency", cell["latency"]["p50"] / 1e6,
             1 + interval, 1 + interval + 0.3, " ms")
    cells = bench("--workload", "convoy", "--workers", "2", "--mode", "gil", "--gil", "cpython2",
                  "--set", "cpu=1", "--counters", "none")
    (cell,) = cells.values()
    show("convoy cpython2: median latency", cell["latency"]["p50"] / 1e6, 1, 1.5, " ms")


countdown()
convoy()
print(f"{outside} outside")
sys.exit(outside > 0)
