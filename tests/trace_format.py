#!/usr/bin/python3
"""docs/trace-format.md against tracer/format.h, and its example against the reader. trace_format.py BUILD. Speaks TAP."""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.dirname(__file__) + "/..")
GILSCOPE = os.path.join(os.path.realpath(sys.argv[1]), "gilscope")
SIZES = {"u32": 4, "uint32_t": 4, "u64": 8, "uint64_t": 8, "u8": 1, "uint8_t": 1, "char": 1}
with open(ROOT + "/docs/trace-format.md", encoding="utf-8") as file:
    DOCUMENT = file.read()
with open(ROOT + "/tracer/format.h", encoding="utf-8") as file:
    HEADER = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


def table(first):
    """The rows of the table whose head begins with these columns."""
    for line in DOCUMENT[DOCUMENT.index(first):].split("\n")[2:]:
        if not line.startswith("|"):
            return
        yield [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]


def fixed_args(text, detail):
    """How many ARGs a row promises in any case."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return len([name for name in names if not name.startswith(("[deadline]", "text: ", "build-id"))]), (
        "[deadline]" in names) == (detail == "timeout")


def the_table_of_kinds_is_that_of_the_header():
    kinds = re.findall(r'X\(\w+, "([^"]*)", "([^"]*)",\s*"([^"]*)", (\d+)\)', HEADER)
    rows = list(table("| number | name | value |"))
    if len(rows) != len(kinds):
        yield f"{len(rows)} rows, {len(kinds)} kinds"
    for number, (row, (name, value, detail, args)) in enumerate(zip(rows, kinds), 1):
        if row[:4] != [str(number), name, value, detail]:
            yield f"{row[:4]} should be {[str(number), name, value, detail]}"
        if fixed_args(row[4], detail) != (int(args), True):
            yield f"{name}: ARGs '{row[4]}', format.h has {args} and detail '{detail}'"


def the_list_of_calls_is_that_of_the_header():
    calls = re.findall(r'^\tX\(\w+, "(\w+)"\)', HEADER, re.M)
    told = re.findall(r"(\d+)\s`(\w+)`", DOCUMENT[DOCUMENT.index("\n`call` is"):DOCUMENT.index("\n`lock-state` is")])
    if not calls or told != [(str(number), name) for number, name in enumerate(calls, 1)]:
        yield f"{told} should be {calls}"


def each_kind_of_detail_is_explained():
    used = {row[3] for row in table("| number | name | value |")}
    for name in used - {row[0] for row in table("| detail | is |")} - {""}:
        if not name.startswith("1: ") and name != "length of the build-id":
            yield f"detail '{name}' is not explained"


def the_table_of_the_header_is_its_struct():
    at, names = 0, []
    for byte, kind, name, _ in table("| byte | type | name |"):
        base, count = re.fullmatch(r"(\w+?)(?:\[(\d+)\])?", kind).groups()
        names.append(name.split()[0])
        if int(byte) != at:
            yield f"{name} is at byte {byte}, it should be {at}"
        at += SIZES[base] * int(count or 1)
    if at != 256:
        yield f"the table has {at} bytes"
    struct = re.search(r"struct trace_file \{(.*?)\};", HEADER, re.S).group(1)
    members = [re.sub(r"\[.*", "", name.strip()) for line in struct.split(";") if line.strip()
               for name in re.sub(r"^\s*(struct )?\w+\s", "", line).split(",")]
    if names != members:
        yield f"{names} should be {members}"


def starred_fields_are_those_of_the_header():
    with open(ROOT + "/tracer/format.h", encoding="utf-8") as file:
        struct = re.search(r"struct trace_file \{(.*?)\n\};", file.read(), re.S).group(1)
    starred = {name for name in re.findall(r"(\w+)(?:\[\w+\])?;\s*/\* \*", struct)}
    starred |= {"end"} if "end: *" in struct else set()
    told = {row[2].split()[0] for row in table("| byte | type | name |") if row[2].endswith("*")}
    if told != starred:
        yield f"{sorted(told)} should be {sorted(starred)}"


def blocks():
    return re.findall(r"```(?:json)?\n(.*?)```", DOCUMENT[DOCUMENT.index("## Example"):], re.S)


def unhexdump(text):
    """The bytes that hexdump -C shows; '*' repeats the line before."""
    data, line = b"", b""
    for row in text.strip().split("\n"):
        if row != "*":
            at, *rest = row.split("|")[0].split()
            data += line * ((int(at, 16) - len(data)) // 16)
            line = bytes.fromhex("".join(rest))
            data += line
    return data


def the_example_is_read_as_it_says():
    json, dump, lines = blocks()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/threads")
        with open(folder + "/trace.json", "w", encoding="utf-8") as file:
            file.write(json)
        with open(folder + "/threads/00001.gst", "wb") as file:
            file.write(unhexdump(dump))
        got = subprocess.run([GILSCOPE, "dump", folder], capture_output=True, text=True)
    if got.stdout + got.stderr != lines:
        yield got.stdout + got.stderr


RULES = [the_table_of_kinds_is_that_of_the_header, the_list_of_calls_is_that_of_the_header, each_kind_of_detail_is_explained,
         the_table_of_the_header_is_its_struct, starred_fields_are_those_of_the_header,
         the_example_is_read_as_it_says]
failed = 0
print(f"1..{len(RULES)}")
for number, rule in enumerate(RULES, 1):
    complaints = list(rule())
    failed += bool(complaints)
    for complaint in complaints:
        print(f"# {complaint}", file=sys.stderr)
    print(f"{'not ok' if complaints else 'ok'} {number} - {rule.__name__}")
sys.exit(1 if failed else 0)
