#!/usr/bin/python3
"""The files of made-up gates, read by others: JSON and XML of Python, gnuplot; and held against
docs/gate-verdict.md. gate_files_test.py GATE_FILES GILSCOPE. Speaks TAP."""
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

GATE_FILES, GILSCOPE = sys.argv[1:3]
ROOT = os.path.realpath(os.path.dirname(__file__) + "/..")
NAMES = ["many", "nasty", "pass", "none", "crowd"]
ELEMENTS = {"FAIL": "failure", "ERROR": "error", "NOT COMPARABLE": "error", "INCONCLUSIVE": "skipped",
            "SKIPPED": "skipped", "PASS": None}
# The attributes that the schemas of Ant and of Jenkins want or know of a suite, and the order of its children.
SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}
CHILDREN = r"properties( testcase)+ system-out system-err"
count = 0


def report(complaints, name):
    global count
    count += 1
    for complaint in complaints:
        print(f"# {complaint}", file=sys.stderr)
    print(f"{'not ok' if complaints else 'ok'} {count} - {name}")


def documented(part, heading):
    """The first columns of the tables of that part, a set each."""
    with open(os.path.join(ROOT, "docs", "gate-verdict.md"), encoding="utf-8") as file:
        text = file.read().partition(f"## {part}\n")[2].partition("\n## ")[0]
    return [set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.split("\n")[1:]
                                               if line.startswith("| `"))))
            for table in text.split(f"| {heading} |")[1:]]


def unique(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"twice the same name in {names}")
    return dict(pairs)


def refuse(word):
    raise ValueError(f"{word} is not JSON")


def load(folder):
    with open(os.path.join(folder, "verdict.json"), encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=unique, parse_constant=refuse)


def table(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8", errors="strict") as file:
        lines = file.read().splitlines()
    head = max(i for i, line in enumerate(lines) if line.startswith("# "))
    names = lines[head][2:].split("\t")
    return names, [dict(zip(names, line.split("\t"), strict=True)) for line in lines[head + 1:]]


def fields_are_the_documented_ones(folder, verdict):
    top, cell, judgement = documented("verdict.json", "field")
    complaints = [f"the file: {set(verdict) ^ top}"] if set(verdict) != top else []
    for one in verdict["cells"]:
        if set(one) != cell:
            complaints.append(f"{one['id']}: {set(one) ^ cell}")
        for name, found in one["judgements"].items():
            if set(found) != judgement:
                complaints.append(f"{one['id']}, {name}: {set(found) ^ judgement}")
    for file in "pairs.tsv", "gate.tsv":
        columns = documented(file, "column")[0]
        if set(table(folder, file)[0]) != columns:
            complaints.append(f"{file}: {set(table(folder, file)[0]) ^ columns}")
    return complaints


def null_has_a_reason(folder, verdict):
    for cell in verdict["cells"]:
        for name, judgement in cell["judgements"].items():
            if judgement["known"] == (judgement["baseline"] is None):
                yield f"{cell['id']}, {name}: known is {judgement['known']}"
            if not judgement["known"] and not judgement["reason"]:
                yield f"{cell['id']}, {name}: no reason"
        if cell["decisive"] is None and not cell["reason"]:
            yield f"{cell['id']}: neither a metric nor a reason"


def number(text):
    return None if text == "NaN" else float(text)


def pairs_and_json_say_the_same(folder, verdict):
    rows = iter(table(folder, "pairs.tsv")[1])
    metrics = [metric["name"] for metric in verdict["metrics"]]
    for cell in verdict["cells"]:
        for metric in metrics:
            for confirming, pairs in (0, cell["pairs"]), (1, cell["confirming"]):
                for nth, pair in enumerate(pairs):
                    values = pair["baseline"].get(metric), pair["candidate"].get(metric)
                    if values == (None, None):
                        continue
                    row = next(rows)
                    same = (row["cell"], row["metric"], row["pair"], row["confirming"], row["first"]) == (
                        cell["id"], metric, str(nth), str(confirming), pair["first"])
                    for side, value in zip(("baseline", "candidate"), values):
                        same &= math.isclose(number(row[side]), value, rel_tol=1e-9)
                    ratio = number(row["log_ratio"])
                    same &= (ratio is None) == (min(values) == 0)
                    same &= ratio is None or math.isclose(ratio, math.log(values[1] / values[0]), abs_tol=1e-8)
                    if not same:
                        yield f"{row} {pair}"
    for row in rows:
        yield f"too many rows: {row}"


def junit_is_what_the_schemas_want(folder, verdict):
    root = ElementTree.parse(os.path.join(folder, "junit.xml")).getroot()
    suite = root[0]
    cases = suite.findall("testcase")
    found = {"failure": 0, "error": 0, "skipped": 0}
    if root.tag != "testsuites" or root.attrib or len(root) != 1 or set(suite.attrib) != SUITE:
        yield f"{root.tag} {root.attrib} {suite.attrib}"
    if not re.fullmatch(CHILDREN, " ".join(child.tag for child in suite)):
        yield f"children: {[child.tag for child in suite]}"
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")):
        yield f"timestamp {suite.get('timestamp')}"
    wanted = [ELEMENTS[cell["verdict"]] for cell in verdict["cells"]] or [ELEMENTS[verdict["verdict"]]]
    for case, element in zip(cases, wanted, strict=True):
        if [child.tag for child in case] != ([element] if element else []):
            yield f"{case.get('name')}: {[child.tag for child in case]}, not {element}"
        for child in case:
            found[child.tag] += 1
            if set(child.attrib) != {"type", "message"} or not child.text or len(child):
                yield f"{case.get('name')}: {child.attrib}"
        if set(case.attrib) != {"classname", "name", "time"} or float(case.get("time")) < 0:
            yield f"{case.attrib}"
    numbers = {"failures": found["failure"], "errors": found["error"], "skipped": found["skipped"],
               "tests": len(cases)}
    for name, value in numbers.items():
        if int(suite.get(name)) != value:
            yield f"{name} is {suite.get(name)}, not {value}"
    if not suite.find("system-out").text.startswith(verdict["verdict"] + ": "):
        yield "the table is not in system-out"


def the_summary_is_one_table_and_no_more_html_than_ours(folder, verdict):
    with open(os.path.join(folder, "summary.md"), encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    if not text.startswith(f"### gilscope gate: {verdict['verdict']}\n\n"):
        yield text[:100]
    if len(rows) < len(verdict["cells"]):
        yield f"{len(rows)} rows"
    for row in rows:
        if len(re.findall(r"(?<!\\)\|", row)) != 10:
            yield row
    tags = re.findall(r"<[^>]*>", text)
    if tags != ["<details>", "<summary>", "</summary>", "</details>"]:
        yield f"{tags}"


def the_most_urgent_cells_have_the_panels(folder, verdict):
    urgency = ["SKIPPED", "PASS", "INCONCLUSIVE", "NOT COMPARABLE", "ERROR", "FAIL"]
    rows = table(folder, "gate.tsv")[1]
    with_pairs = [cell for cell in verdict["cells"] if cell["pairs"]]
    wanted = sorted(with_pairs, key=lambda cell: -urgency.index(cell["verdict"]))[:12]
    if [cell["id"] for cell in wanted] != list(dict.fromkeys(row["cell"] for row in rows)):
        yield f"{[cell['id'] for cell in wanted]}"
    for panel, cell in enumerate(wanted):
        own = [row for row in rows if row["cell"] == cell["id"]]
        if {row["panel"] for row in own} != {str(panel)}:
            yield f"{cell['id']} is not panel {panel}"
        measured = [pair for pair in cell["pairs"] + cell["confirming"] if cell["decisive"] in pair["baseline"]]
        if len(own) != len(measured):
            yield f"{cell['id']}: {len(own)} dots"
        for row in own:
            if not float(row["from"]) <= float(row["shown"]) <= float(row["to"]):
                yield f"{row}"


def charts_are_drawn(folder, verdict):
    if not any(cell["pairs"] for cell in verdict["cells"]):
        return
    done = subprocess.run([GILSCOPE, "plot", folder], capture_output=True, text=True)
    if done.returncode or done.stderr:
        yield done.stderr
    for name in "gate.svg", "gate.png":
        if not os.path.exists(os.path.join(folder, name)):
            yield f"no {name}"


CHECKS = [fields_are_the_documented_ones, null_has_a_reason, pairs_and_json_say_the_same,
          junit_is_what_the_schemas_want, the_summary_is_one_table_and_no_more_html_than_ours,
          the_most_urgent_cells_have_the_panels]
if shutil.which("gnuplot"):
    CHECKS.append(charts_are_drawn)
print(f"1..{len(CHECKS) * len(NAMES)}")
with tempfile.TemporaryDirectory() as folders:
    for name in NAMES:
        place = os.path.join(folders, name)
        subprocess.run([GATE_FILES, name, place], check=True, stdout=subprocess.DEVNULL)
        content = load(place)
        for check in CHECKS:
            report(list(check(place, content)), f"of_the_gate_{name}_{check.__name__}")
