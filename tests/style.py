#!/usr/bin/python3
"""Checks what compilers do not: who includes whom, headers that compile alone, files in no list,
labels of memory orders, and the small rules of text. style.py [BUILD [ROOT]]: BUILD has the made headers;
without it headers are not compiled. Speaks TAP; a test per rule."""
import os
import re
import subprocess
import sys

ROOT = os.path.realpath(sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(__file__) + "/..")
BUILD = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else None
COLUMNS, TAB = 100, 8

# Folder: what its files may include of ours besides their own folder's headers. The longest folder
# that fits a file counts. "config.h" is for everyone; folders below tests/ are not checked.
MAY_INCLUDE = {
    "base": ["revision.h"],
    "workloads": ["base/param.h", "workloads/workload.h", "workloads/primitives.h", "workloads/children.h"],
    "workloads/gil": ["base/param.h", "base/clock.h", "workloads/workload.h"],  # for struct tick
    "workloads/runtime": ["base/", "workloads/workload.h", "workloads/primitives.h", "workloads/children.h", "workloads/gil/gil.h"],
    "workloads/helpers": ["base/clock.h"],
    "bench": ["base/", "command/command.h", "command/format.h", "workload_list.h"],
    "bench/gate": ["base/", "bench/", "command/command.h", "plots/draw.h"],
    "bench/stored": ["base/", "command/command.h", "command/format.h"],
    "plots": ["base/", "command/command.h", "bench/stored/"],
    "tracer/preload": ["tracer/format.h", "tracer/arena.h", "base/clock.h"],
    "tracer/export": ["base/", "tracer/format.h", "tracer/trace.h"],
    "tracer/launcher": ["base/", "tracer/format.h", "tracer/arena.h", "tracer/trace.h", "tracer/read.h",
                        "tracer/report/report.h", "tracer/gil/show.h", "tracer/sites/sites.h", "command/command.h"],
    "tracer/sites": ["base/", "tracer/format.h", "tracer/arena.h"],
    "tracer/report": ["base/", "tracer/format.h", "tracer/trace.h", "tracer/event.h", "tracer/syscalls.h", "tracer/words.h",
                      "tracer/gil/show.h", "command/command.h"],
    "tracer/gil": ["base/", "tracer/format.h", "tracer/trace.h", "tracer/report/family.h", "tracer/report/spread.h",
                   "tracer/report/nest.h", "tracer/report/symbol.h", "tracer/syscalls.h", "tracer/words.h"],
    "tracer": ["base/", "tracer/format.h", "tracer/trace.h", "command/command.h"],
    "command": ["base/"],
}
STRONG = r"memory_order_(?:acquire|release|acq_rel|seq_cst|consume)"
IMPLICIT = r"\batomic_(?:load|store|exchange|fetch_\w+|compare_exchange_\w+)\b(?<!_explicit)\("


def sources():
    for folder in [*MAY_INCLUDE, "tests"]:
        path = os.path.join(ROOT, folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            if name.endswith((".c", ".h")):
                with open(os.path.join(path, name), encoding="utf-8") as file:
                    yield folder, f"{folder}/{name}", file.read()


def each_folder_includes_only_what_it_may():
    for folder, path, text in FILES:
        may = MAY_INCLUDE.get(folder)
        for name in re.findall(r'^#include "(.+)"', text, re.M):
            own = name.startswith(folder + "/") and "/" not in name[len(folder) + 1:]
            if may is not None and not own and name != "config.h" and not any(
                    name == m or m.endswith("/") and name.startswith(m) for m in may):
                yield f"{path}: includes '{name}'; {folder}/ may include {', '.join(may)}"


def each_header_compiles_alone():
    for _, path, _ in FILES if BUILD else []:
        if path.endswith(".h"):
            got = subprocess.run(
                ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror", "-x", "c",
                 "-include", os.path.join(ROOT, path), "-I", ROOT, "-I", BUILD,
                 "-I", os.path.join(BUILD, os.path.dirname(path)), "/dev/null"],
                capture_output=True, text=True)
            if got.returncode:
                yield f"{path}: does not compile alone: " + "".join(
                    line for line in got.stderr.splitlines() if " error: " in line)[:300]


def each_source_is_in_its_folders_list():
    for folder, path, _ in FILES:
        stem = os.path.basename(path)[:-2]
        with open(os.path.join(ROOT, folder if folder != "command" else "", "meson.build")) as file:
            names = re.findall(r"'(?:command/)?([\w-]+?)(?:\.c)?'", file.read())
        if path.endswith(".c") and stem not in names and stem.removesuffix("_test") not in names:
            yield f"{path}: is not in the meson.build of its folder"


def each_strong_memory_order_has_a_label_on_both_sides():
    seen = {}
    for _, path, text in FILES:
        lines = text.split("\n")
        for i, line in enumerate(lines):
            if re.search(STRONG, line) and path != "tests/gil_test.c":
                near = [part for part in lines[max(0, i - 6):i + 1]
                        if re.search(r"/?\*.*\[[a-z][\w-]*\]", part)]
                if not near:
                    yield f"{path}:{i + 1}: a stronger order than relaxed, and no [label] above it"
                for label in re.findall(r"\[([a-z][\w-]*)\]", near[-1]) if near else []:
                    seen.setdefault(label, []).append(f"{path}:{i + 1}")
            if re.search(IMPLICIT, line) or re.search(r"\bvolatile\b", re.sub(
                    r"__asm__ (__)?volatile|volatile sig_atomic_t|/?\*.*|\".*\"", "", line)):
                yield f"{path}:{i + 1}: an atomic without its order, or volatile"
    for label, places in seen.items():
        if len(places) < 2:
            yield f"{places[0]}: [{label}] has one side only"


def each_file_opens_with_a_comment():
    for _, path, text in FILES:
        if not text.startswith("/* "):
            yield f"{path}: does not say at its top what it hides"


def no_line_is_too_long_or_ends_in_blanks():
    for _, path, text in FILES:
        for i, line in enumerate(text.split("\n")):
            if len(line.expandtabs(TAB)) > COLUMNS:
                yield f"{path}:{i + 1}: {len(line.expandtabs(TAB))} columns, {COLUMNS} are allowed"
            if line != line.rstrip():
                yield f"{path}:{i + 1}: blanks at the end"
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{path}: must end in one newline"


FILES = list(sources())
RULES = [each_folder_includes_only_what_it_may, each_header_compiles_alone,
         each_source_is_in_its_folders_list, each_strong_memory_order_has_a_label_on_both_sides,
         each_file_opens_with_a_comment, no_line_is_too_long_or_ends_in_blanks]
failed = 0
print(f"1..{len(RULES)}")
for number, rule in enumerate(RULES, 1):
    complaints = list(rule())
    failed += bool(complaints)
    for complaint in complaints:
        print(f"# {complaint}", file=sys.stderr)
    print(f"{'not ok' if complaints else 'ok'} {number} - {rule.__name__}")
sys.exit(1 if failed else 0)
