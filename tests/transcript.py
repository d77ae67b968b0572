#!/usr/bin/python3
"""Runs transcripts: transcript.py [--quick] BUILD FILE... - in .t files, and in the fenced blocks of documents.

'$ ' starts a command for sh, run in an empty folder with the built programs in PATH. Behind it is what it
must print, to both outputs; '...' stands for any text in a line, alone for any lines; a last line '[N]' is
the exit status if it is not 0. All other text, up to a blank line or '# ' after the output, is prose.
'#? COMMAND' before a command skips it where COMMAND fails. --quick: what a document measures is made small, so
that its commands are run in seconds: sizes of so many M are as many k, and there is one run. Speaks TAP."""
import difflib
import os
import re
import subprocess
import sys
import tempfile

QUICK = sys.argv[1] == "--quick"
BUILD = os.path.realpath(sys.argv[1 + QUICK])
TIMEOUT = 120
count = failures = 0


def cases(path):
    """Yields (line number, condition, command, expected lines)."""
    condition, case = None, None
    fenced = not path.endswith(".md")
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if path.endswith(".md") and line.startswith("```"):
            fenced = not fenced
            line = ""
        if not fenced:
            continue
        if line.startswith("$ "):
            if case:
                yield case
            case, condition = (number, condition, line[2:], []), None
        elif line.startswith("#? "):
            condition = line[3:]
        elif case and (line == "" or line.startswith("# ")):
            yield case
            case = None
        elif case:
            case[3].append(line)
    if case:
        yield case


def pattern(lines):
    made = ""
    for line in lines:
        if line == "...":
            # Any lines, but a failure is one only where it is written down.
            made += r"(?:(?!\[\d+\]\n\Z)[^\n]*\n)*?"
        else:
            made += r"[^\n]*?".join(re.escape(part) for part in line.split("...")) + r"\n"
    return made


def run(command, folder):
    # No locale, no terminal, no colours: what is printed is the same everywhere.
    environment = {"PATH": f"{BUILD}:{BUILD}/workloads:/usr/local/bin:/usr/bin:/bin", "HOME": folder,
                   "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    for name in os.environ:
        if name.endswith("SAN_OPTIONS"):
            environment[name] = os.environ[name]
    got = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
    text = got.stdout.decode(errors="backslashreplace")
    if text and not text.endswith("\n"):
        text += "\n"
    return text + (f"[{got.returncode}]\n" if got.returncode else "")


def made_small(command):
    command = re.sub(r"(--size[ =]\d+)M\b", r"\1k", command)
    return re.sub(r"(gilscope bench.*)--runs \d+", r"\1--runs 1 --warmup 0", command)


def report(name, complaint, skip=None):
    global count, failures
    count += 1
    failures += bool(complaint)
    print(f"{'not ok' if complaint else 'ok'} {count} - {name}{f' # SKIP {skip}' if skip else ''}")
    for line in complaint:
        print(f"# {line}")
    sys.stdout.flush()


for path in sys.argv[2 + QUICK:]:
    with tempfile.TemporaryDirectory(prefix="gilscope-transcript-") as folder:
        for number, condition, command, expected in cases(path):
            # TAP gives '#' in a description a meaning.
            name = f"{os.path.basename(path)}:{number}: {command.replace('#', '+')}"
            if condition and subprocess.run(["sh", "-c", condition], cwd=folder, capture_output=True,
                                            timeout=TIMEOUT).returncode:
                report(name, [], f"here fails: {condition}")
                continue
            got = run(made_small(command) if QUICK else command, folder)
            good = re.fullmatch(pattern(expected), got)
            report(name, [] if good else difflib.unified_diff(
                expected, got.splitlines(), "expected", "printed", lineterm=""))
print(f"1..{count}")
sys.exit(1 if failures else 0)
