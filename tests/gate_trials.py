#!/usr/bin/python3
"""How often is the gate wrong on this machine? gate_trials.py GILSCOPE BUILD LOG [EQUAL [SLOWER [OPTION...]]]:
gates a build beside itself EQUAL times (200), and with 10 % more work SLOWER times (50), four
cells each; appends a line per gate to LOG, and prints what all lines of LOG come to. Takes an hour; what was
done is kept, so that it can be done in parts."""
import json
import os
import subprocess
import sys
import tempfile

GILSCOPE, BUILD, LOG = sys.argv[1:4]
EQUAL = int(sys.argv[4]) if len(sys.argv) > 4 else 200
SLOWER = int(sys.argv[5]) if len(sys.argv) > 5 else 50
KINDS = {"equal": [], "slower": ["--inject", "slowdown=10%"]}


def gate(kind):
    with tempfile.TemporaryDirectory() as folder:
        got = subprocess.run(
            [GILSCOPE, "gate", "--baseline", BUILD, "--candidate", BUILD, "--workload", "countdown",
             "--json", "-o", folder, *KINDS[kind], *sys.argv[6:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if got.returncode not in (0, 1, 3):
        sys.exit(f"gate ended with {got.returncode}: {got.stderr}{got.stdout[:500]}")
    return json.loads(got.stdout)


def line_of(kind, verdict):
    """What is kept of a gate: its verdict, and of each cell verdict, pairs, seconds, how much slower, and what
    failed before it was confirmed."""
    cells = {}
    for cell in verdict["cells"]:
        judged = cell["judgements"]
        cells[cell["id"]] = {
            "verdict": cell["verdict"], "spent_s": cell["spent_ns"] / 1e9, "pairs": judged["time"]["pairs"],
            "ratio": judged["time"]["ratio"], "time": judged["time"]["verdict"],
            "failed": [name for name, one in judged.items() if one["failed"]]}
    return {"kind": kind, "verdict": verdict["verdict"], "duration_s": verdict["run"]["duration_ns"] / 1e9,
            "load": verdict["host"]["load_average"], "seed": verdict["run"]["seed"], "cells": cells}


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else float("nan")


def show(lines):
    for kind in KINDS:
        mine = [line for line in lines if line["kind"] == kind]
        if not mine:
            continue
        count = {name: sum(line["verdict"] == name for line in mine) for name in ("PASS", "FAIL", "INCONCLUSIVE")}
        print(f"{kind}: {len(mine)} gates: {count['PASS']} PASS, {count['FAIL']} FAIL, {count['INCONCLUSIVE']} "
              f"INCONCLUSIVE; {median([line['duration_s'] for line in mine]):.1f} s each (median), longest "
              f"{max(line['duration_s'] for line in mine):.1f} s; load {median([line['load'] for line in mine]):.2f}")
        for name in mine[0]["cells"]:
            cells = [line["cells"][name] for line in mine if name in line["cells"]]
            verdicts = [cell["verdict"] for cell in cells]
            print(f"  {name:40} {verdicts.count('PASS')} PASS, {verdicts.count('FAIL')} FAIL, "
                  f"{verdicts.count('INCONCLUSIVE')} INCONCLUSIVE; failed before it was confirmed "
                  f"{sum(bool(cell['failed']) for cell in cells)}; median {median([c['pairs'] for c in cells])} pairs, "
                  f"{median([c['spent_s'] for c in cells]):.2f} s, ratio {median([c['ratio'] for c in cells]):.3f}")


def read():
    if not os.path.exists(LOG):
        return []
    with open(LOG, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


for kind, wanted in (("equal", EQUAL), ("slower", SLOWER)):
    while sum(line["kind"] == kind for line in read()) < wanted:
        verdict = gate(kind)
        with open(LOG, "a", encoding="utf-8") as file:
            file.write(json.dumps(line_of(kind, verdict)) + "\n")
show(read())
