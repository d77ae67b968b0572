#!/usr/bin/python3
"""The gate's own test of itself, in its short form: gate_self_test.py BUILD. What a machine is too noisy for is
not shown in a few seconds, and no failure. Speaks TAP."""
import os
import subprocess
import sys

GILSCOPE = os.path.join(os.path.realpath(sys.argv[1]), "gilscope")
SENTENCE = "a gate beside itself does not fail, made slower or made to conflict it does not pass"
PASSED, UNDECIDED = 0, 3

done = subprocess.run([GILSCOPE, "gate", "--self-test", "--candidate", sys.argv[1], "--budget", "3s"],
                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
for line in done.stdout.splitlines() + ([] if done.returncode in (PASSED, UNDECIDED) else done.stderr.splitlines()):
    print("# " + line)
good = done.returncode in (PASSED, UNDECIDED)
print(f"{'ok' if good else 'not ok'} 1 - {SENTENCE}" + (" # SKIP too noisy" if done.returncode == UNDECIDED else ""))
print("1..1")
sys.exit(not good)
