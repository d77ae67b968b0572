#!/usr/bin/python3
"""What gilscope report --gil tells of the lock models from outside is what they have counted themselves, to the
one; real interpreters' locks are found, and programs without one have none.
recogniser_test.py GILSCOPE WORKLOADS [RUNS]. Speaks TAP."""
import collections
import json
import os
import shutil
import sys

from tracing import GILSCOPE, Folder, finish, program, report, run

RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 1
WORKLOADS = {
    "countdown": ["--size", "300k"],
    "mergesort": ["--size", "20k"],
    "iosleep": ["--size", "60"],
    "convoy": ["--size", "20", "--cpu", "1"],
}
# So that the slices of a short run are many; the model must have the option.
SHORT = {"interval": "300us", "quantum": "2ms", "tick": "1ms"}
COUNTS = ["takes", "contended", "timeouts", "requests", "switches", "drops_forced", "drops_voluntary", "drops_requested",
          "forced_waits"]
# What cannot be seen from outside.
HIDDEN = {"pypy": {"takes", "switches", "drops_forced", "drops_voluntary", "drops_requested", "requests",
                   "forced_waits"}}


def models():
    described = json.loads(run([program("countdown"), "--describe"]).stdout)
    return {gil["name"]: [param["name"] for param in gil["params"]] for gil in described["gils"]}


def trace(folder, *command, **more):
    """The program's own output, and what --gil reports of it."""
    shutil.rmtree(folder, ignore_errors=True)
    traced = run([GILSCOPE, "trace", "-o", folder, "--", *command], **more)
    told = run([GILSCOPE, "report", folder, "--gil", "--json"])
    return traced, told


def differences(own, told, names):
    for name in names:
        if own.get(name) != told.get(name):
            yield f"{name}: {own.get(name)} by its own count, {told.get(name)} seen"


def counts_agree(folder, model, params, workload, workers):
    options = [word for name, value in SHORT.items() if name in params for word in (f"--{name}", value)]
    words = [program(workload), "--mode", "gil", "--gil", model, "--workers", str(workers), "--json",
             *WORKLOADS[workload], *options]
    traced, told = trace(folder, *words)
    if traced.returncode or told.returncode:
        yield f"{' '.join(words)}: {traced.stderr}{told.stderr}"
        return
    gils = json.loads(told.stdout)["gils"]
    if [gil["kind"] for gil in gils] != [KINDS.get(model, model)]:
        yield f"{workload} {model} {workers}: found {[gil['kind'] for gil in gils]}"
        return
    names = [name for name in COUNTS if name not in HIDDEN.get(model, ())]
    for complaint in differences(json.loads(traced.stdout)["gil_counts"], gils[0], names):
        yield f"{workload} {model} {workers}: {complaint}"
    if any(gils[0]["checks"].values()):
        yield f"{workload} {model} {workers}: {gils[0]['checks']}"


# Locks that look the same from outside.
KINDS = {"cpython313": "cpython3"}


def main():
    with Folder() as place:
        folder = os.path.join(place.path, "trace")
        for model, params in models().items():
            complaints = collections.Counter()
            for _ in range(RUNS):
                for workload in WORKLOADS:
                    for workers in (2, 4):
                        for complaint in counts_agree(folder, model, params, workload, workers):
                            complaints[complaint] += 1
            report(complaints, f"what is seen of {model} is what it counts itself")
    finish()


if __name__ == "__main__":
    main()
