#!/usr/bin/python3
"""Sums up test runs: tally.py PASSED FAILED SKIPPED TESTLOG.json... - the first three count what is in no log.

Meson's log has an object per line and test; a test that speaks TAP counts each of its lines."""
import json
import re
import sys

passed, failed, skipped = map(int, sys.argv[1:4])
bad_ones = []
for log in sys.argv[4:]:
    for line in open(log, encoding="utf-8", errors="replace"):
        test = json.loads(line)
        bad = test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
        tap = re.findall(r"^(ok|not ok)\b(.*)$", test.get("stdout", ""), re.M)
        skips = sum(1 for _, rest in tap if re.search(r"# SKIP\b", rest, re.I))
        fails = sum(1 for verdict, rest in tap if verdict == "not ok" and not re.search(r"# (SKIP|TODO)\b", rest, re.I))
        if not tap:
            skips, fails, tap = int(test["result"] == "SKIP"), int(bad), [()]
        # A program that died has said nothing of it on its lines.
        died = int(bad and fails == 0)
        passed += len(tap) - skips - fails
        skipped += skips
        failed += fails + died
        # What is printed last is what a log that is cut still shows.
        told = [line for line in test.get("stdout", "").splitlines() if re.match(r"not ok\b|#", line)]
        if bad:
            bad_ones += [f"{test['name']}: {line}"[:400] for line in told[-20:] or [test["result"]]]
print(*bad_ones, sep="\n", end="\n" if bad_ones else "")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
