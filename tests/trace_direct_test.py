#!/usr/bin/python3
"""Programs that make system calls in odd ways do recorded what they do untraced, however their calls are recorded,
and those calls are in the trace. trace_direct_test.py GILSCOPE PROGRAMS [full] [WORD]: only tests whose
sentences have the word; 'full' has programs that take longer. Speaks TAP."""
import collections
import os
import re
import shutil
import subprocess
import sys
import time

import beside
from tracing import GILSCOPE, Folder, both, finish, program, report, run

FULL = sys.argv[3:4] == ["full"]
WORD = (sys.argv[4 if FULL else 3:] or [""])[0]
MODES = ["dispatch", "patch", "patch,audit"]
PLUGIN = program("libdirect_plugin.so")
GETPID, GETPPID, GETPGID, CLOCK_GETTIME = 39, 110, 121, 228
SIGSYS_IS_KEPT = "dispatch keeps SIGSYS to itself"
DISPATCHING = {"dispatch", "patch,audit"}


class Row:
    """A program of direct.c; how often calls of some numbers must be in its trace; in which modes it is known to see
    a difference, and why."""

    def __init__(self, sentence, name, word=None, calls=None, loses=False, differs=(), why=None):
        self.sentence, self.name, self.word, self.calls = sentence, name, word, calls or {}
        self.loses, self.differs, self.why = loses, differs, why


ROWS = [
    Row("children by clone, with and without memory, storage and stack of their own", "clones"),
    Row("children by clone3, and all that it refuses", "clone3s"),
    Row("a thread on storage that libc did not make runs, and what is lost of it is counted", "bare-thread",
        loses=True),
    Row("children by vfork that end, execute, fail to, are killed, or call vfork again", "vforks"),
    Row("children by posix_spawn, also those that cannot be executed", "spawns"),
    Row("forks from threads, by fork and _Fork, beside each other", "forks"),
    Row("programs that are executed, also from a thread and by a descriptor, and those that cannot be", "execs",
        word="FILE"),
    Row("threads that end alone, last, and while others block", "ends"),
    Row("calls that a handler interrupts end or go on as they should", "interrupts"),
    Row("a thread that is cancelled in a call runs clean-up handlers and ends of scopes", "cancels"),
    Row("a handler that interrupts a call can tell its callers", "backtraces"),
    Row("a handler on a small alternate stack makes calls", "alternate"),
    Row("a handler jumps out of a call that it interrupts", "jumps"),
    Row("a program's own SIGSYS is sent, blocked, ignored, handled once, and ends it", "sigsys"),
    Row("a pending SIGSYS is taken by who waits for it", "waits-for-sigsys", differs=DISPATCHING, why=SIGSYS_IS_KEPT),
    Row("masks are read as they were set, in threads and children too", "masks"),
    Row("masks of handlers are read as they were set", "masks-in-handlers", differs=DISPATCHING, why=SIGSYS_IS_KEPT),
    Row("actions are read as they were set", "actions"),
    Row("a program that is executed inherits what is blocked and ignored", "inherits"),
    Row("calls that set a mask for their time do", "temporary-masks"),
    Row("a filter of seccomp that refuses a call, set by prctl", "refuses", word="prctl"),
    Row("a filter of seccomp that refuses a call, set by seccomp", "refuses"),
    Row("a filter of seccomp that sends SIGSYS", "traps"),
    Row("a program that must not call anything else does not", "allows-little", calls={GETPPID: 50000}),
    Row("a program that must not even return from a handler does not", "allows-less", differs={"dispatch"},
        why="dispatch is a signal"),
    Row("a program that uses dispatch itself has it", "dispatches"),
    Row("a program that lets no code be changed opens a library", "denies-writing", word=PLUGIN),
    Row("results are what they are, those too that look like errors", "results"),
    Row("the calls of the kernel's own library are recorded", "clocks", calls={CLOCK_GETTIME: 1001}),
    Row("150,000 calls change no register", "registers"),
    Row("a call changes no flag", "flags", differs=DISPATCHING, why="a stub keeps no flags"),
    Row("a library that is opened later is recorded from its constructor on", "opens", word=PLUGIN,
        calls={GETPPID: 2000, GETPGID: 10}),
    Row("a library that is opened 2,000 times is recorded each time", "reopens", word=PLUGIN,
        calls={GETPPID: 4000, GETPGID: 20000}),
    Row("a library in a namespace of its own is recorded, and its libc", "namespaces", word=PLUGIN,
        calls={GETPPID: 600, GETPGID: 30}),
    Row("a million calls of 64 threads are recorded, beside forks", "million", calls={GETPID: 1000001, GETPPID: 20000}),
]
# Programs of odd.c.
ODD = ["errno", "calls", "strict", "state"] + FULL * ["many-ends", "fork-beside-threads", "detached"]


def trace_complaints(row, mode, trace):
    facts = trace.facts()
    if facts["still_running"] or bool(facts["lost"]) != row.loses:
        yield f"lost {facts['lost']}, still running {facts['still_running']}"
    yield from trace.readable()
    if not row.calls:
        return
    streams = beside.trace_streams(trace)
    counts = collections.Counter(call.number for stream in streams for call in stream.calls)
    for number, wanted in row.calls.items():
        if counts[number] != wanted:
            yield f"call {number}: {wanted} are right, {counts[number]} are there"
    missed = [call for stream in streams for call in stream.missed if call[1] != beside.RT_SIGRETURN]
    if missed:
        yield f"{len(missed)} calls were missed by patches, the first is {missed[0][1]} at {missed[0][0]:x}"


def does_the_same(folder, row, mode):
    word = folder.new("file") if row.word == "FILE" else row.word
    complaints, trace = both(folder, [program("direct"), row.name, *([word] if word else [])], ["--syscalls", mode])
    sentence = f"{mode}: {row.sentence}"
    if complaints and mode in row.differs:
        report([], sentence, f"known to differ: {row.why}")
        return
    report(complaints + list(trace_complaints(row, mode, trace)), sentence)


def debugger_sees(folder, mode):
    """The program's own functions in a backtrace of a thread that is blocked in a call; None: no debugger may look."""
    words = [GILSCOPE, "trace", "--quiet", "-o", folder.new(), "--syscalls", mode, "--"] if mode else []
    with subprocess.Popen([*words, program("direct"), "blocks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        pid = int(process.stdout.readline())
        # It is blocked when it waits for descriptor 0 to be read.
        while not open(f"/proc/{pid}/syscall", encoding="utf-8").read().startswith("0 0x0 "):
            time.sleep(0.01)
        got = run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "backtrace"],
                  env={**os.environ, "DEBUGINFOD_URLS": ""})
        process.communicate("x")
    functions = re.findall(r"^#\d+ .*?(\w+) \(", got.stdout, re.M)
    return [name for name in functions if name.startswith("direct_") or name == "main"]


def debuggers_see_the_callers(folder, mode):
    sentence = f"{mode}: a debugger sees the callers of a call that blocks"
    native = debugger_sees(folder, None) if shutil.which("gdb") else None
    if not native:
        report([], sentence, "no gdb here" if native is None else "gdb may not look at a program here")
        return
    traced = debugger_sees(folder, mode)
    report([] if traced == native else [f"{traced}, untraced {native}"], sentence)


with Folder() as everything:
    for mode_ in MODES:
        reason = beside.why_not(everything, mode_)
        if reason:
            report([], f"{mode_}: programs do what they do untraced", reason)
            continue
        for row_ in ROWS:
            if WORD in f"{mode_}: {row_.sentence}":
                does_the_same(everything, row_, mode_)
        for name_ in ODD:
            if WORD in f"{mode_}: odd {name_}":
                report(both(everything, [program("odd"), name_, "-"], ["--syscalls", mode_])[0],
                       f"{mode_}: the program '{name_}' of odd.c does what it does untraced")
        if WORD in f"{mode_}: a debugger":
            debuggers_see_the_callers(everything, mode_)
finish()
