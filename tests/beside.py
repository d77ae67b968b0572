"""The system calls of a trace beside those that a witness saw in the same run: which a trace must have is told by the
addresses of their instructions."""
import bisect
import collections
import json
import os
import re
import struct
import subprocess

import witness
from tracing import GILSCOPE, HEADER, KIND, RECORD, run
from witness import CLONES, EXECS, EXIT, EXIT_GROUP, FUTEX, RT_SIGACTION, RT_SIGRETURN, SIGSYS, Call

LIBRARY = os.path.join(os.path.dirname(GILSCOPE), "tracer/preload/libgilscope-preload.so")
# Calls that the recorder makes for the program, and the functions that do: what enters seccomp's strict mode, and
# where dispatch is armed what takes masks of signals.
LOOKED_AT = {13, 14, 59, 127, 130, 157, 270, 271, 281, 317, 322, 441}
LOOKERS = {"stub_look", "dispatch_look", "enter_strict_mode", "look_at_prctl", "look_at_action", "look_at_exec",
           "look_at_mask", "look_at_pending", "look_at_wait", "look_at_pselect"}
# What keeps SIGSYS for itself.
DISPATCHING = "dispatch", "patch,audit"


class Library:
    """The recorder's code, by the symbols of its file; the stubs' sizes are those of stubs.h."""

    def __init__(self, path=LIBRARY):
        rows = [line.split() for line in run(["nm", "-S", "--defined-only", path]).stdout.splitlines()]
        places = {row[-1]: int(row[0], 16) for row in rows}
        self.functions = sorted((int(row[0], 16), row[3]) for row in rows if len(row) == 4 and row[2] in "tT")
        self.starts = [start for start, _ in self.functions]
        folder = os.path.dirname(os.path.realpath(__file__))
        with open(os.path.join(folder, "../tracer/preload/stubs.h"), encoding="utf-8") as file:
            sizes = {name: int(size) for name, size in re.findall(r"^#define (STUB\w*) (\d+)", file.read(), re.M)}
        self.stubs = [range(places[name], places[name] + sizes["STUBS"] * sizes[size])
                      for name, size in (("stub_code", "STUB_BYTES"), ("stub_cold", "STUB_COLD_BYTES"))]
        head = run(["readelf", "-lW", path]).stdout
        self.size = max(int(row[0], 16) + int(row[1], 16) for row in
                        re.findall(r"LOAD +\S+ 0x(\w+) \S+ \S+ 0x(\w+)", head))

    def what(self, offset, call):
        """Whose call an instruction of the library makes: 'recorded' ones are the program's."""
        if any(offset in stubs for stubs in self.stubs):
            return "recorded"
        at = bisect.bisect_right(self.starts, offset) - 1
        looks = call.number in LOOKED_AT and self.functions[at][1].partition(".")[0] in LOOKERS
        return "recorded" if looks and not is_about_sigsys(call) else "own"


def images_of(trace):
    """Where the recorder lay in the images of each pid, and how the calls of each image were recorded."""
    lines = subprocess.Popen([GILSCOPE, "dump", "--json", trace.path], stdout=subprocess.PIPE)
    kept = run(["grep", "-E", '"kind":"(process-start|module|syscalls)"'], stdin=lines.stdout).stdout
    pids, bases, modes = {}, collections.defaultdict(list), []
    for event in map(json.loads, kept.splitlines()):
        if event["kind"] == "process-start":
            pids[event["process"]] = event["pid"]
        elif event["kind"] == "module" and event["path"].endswith("/" + os.path.basename(LIBRARY)):
            bases[pids[event["process"]]].append(int(event["base"], 16))
        elif event["kind"] == "syscalls":
            modes.append((event["mode"], event.get("reason")))
    return bases, modes


def why_not(folder, mode):
    """Why this machine does not let calls be recorded so; None: it does, or that it does not is a fault."""
    _, trace = folder.trace(["true"], ["--quiet", "--syscalls", mode])
    _, told = images_of(trace)
    reasons = {str(reason) for got, reason in told if got != mode}
    return next((reason for reason in reasons if re.search("architecture|kernel|policy", reason)), None)


class Stream:
    """What a trace has of a thread, or of a child while it has its parent's memory."""

    def __init__(self, tid):
        self.tid, self.begin, self.calls, self.pending, self.missed = tid, None, [], [], []


def trace_streams(trace):
    """A stream for each thread and each such child; whose it is, is known when its parent goes on."""
    streams = []
    for thread in trace.threads():
        streams += thread_streams(thread)
    return [stream for stream in streams if stream.calls]


def thread_streams(thread):
    stream, around, missed = Stream(thread.tid), [], None
    streams = [stream]
    kinds = {KIND[name]: name for name in ("syscall", "futex", "syscall-exit", "syscall-missed")}
    pattern = b"[" + b"".join(re.escape(bytes([kind])) for kind in kinds) + b"]"
    for at in (match.start() for match in re.finditer(pattern, thread.kinds, re.S)):
        head, operand = struct.unpack_from("<QQ", thread.bytes, HEADER + RECORD * at)
        name = kinds[head & 255]
        if name == "syscall-missed":
            missed = operand
        elif name != "syscall-exit":
            stream.begin = stream.begin or head >> 8
            call = trace_call(name, operand)
            stream.calls.append(call)
            if missed:
                stream.missed.append((missed, call.number))
                missed = None
            if call.number not in (RT_SIGRETURN, EXIT, EXIT_GROUP):
                stream.pending.append(call)
        else:
            result = operand - (1 << 64) if operand >> 63 else operand
            if stream.pending and stream.pending[-1].number in CLONES and result == 0:
                around.append(stream)
                stream = Stream(None)
                streams.append(stream)
            elif around and is_parents(stream, result):
                stream.tid = result
                stream = around.pop()
                stream.pending.pop().result = result
            elif stream.pending:
                stream.pending.pop().result = result
    return streams


def is_parents(child, result):
    """Whether this is the second return of the call that made the child: it has ended, or is another program."""
    return result > 0 and (not child.pending or child.pending[-1].number in EXECS)


def trace_call(name, operand):
    if name == "futex":
        return Call(FUTEX, argument=operand & ((1 << 56) - 1), operation=operand >> 56)
    return Call(operand & 0xffffffff, argument=operand >> 32)


class Verdict:
    """What came of a comparison: complaints, and everything that was told apart, counted."""

    def __init__(self):
        self.complaints, self.explained = [], collections.Counter()
        # By the call's number.
        self.before, self.own, self.recorded = collections.Counter(), collections.Counter(), collections.Counter()
        self.left = collections.Counter()  # not recorded, and not missed
        self.images, self.processes, self.threads = set(), set(), 0

    def sentence(self):
        recorded, before, own = (sum(counts.values()) for counts in (self.recorded, self.before, self.own))
        return (f"{len(self.processes)} processes, {self.threads} threads, {recorded} calls recorded; "
                f"{before} before, {own} the recorder's own"
                + "".join(f", {number} {what}" for what, number in sorted(self.explained.items()) if number))


class Comparison:
    """Of a trace that was recorded in a mode with a witness's events."""

    def __init__(self, library, mode):
        self.library, self.mode, self.verdict = library, mode, Verdict()

    def judge(self, events, trace):
        verdict = self.verdict
        bases, modes = images_of(trace)
        streams = self.streams_by_tid(trace)
        verdict.complaints += [f"calls are recorded by {got}" for got in {*modes} if got != (self.mode, None)]
        for life in witness.lives_of(events):
            if life.image.launcher:
                continue
            verdict.images.add(life.image)
            if bases[life.image.pid]:
                self.look_at(life, self.sort_out(life, bases[life.image.pid]), streams[life.tid])
            else:
                verdict.complaints.append(f"{life.image.path} ran unrecorded as {life.image.pid}")
        for tid in witness.unseen(events):
            verdict.explained["of children with CLONE_UNTRACED"] += sum(len(one.calls) for one in streams.pop(tid, []))
        for tid, rest in streams.items():
            verdict.complaints += [f"{tid}: {len(stream.calls)} calls are in the trace alone, from {stream.calls[0]} on"
                                   for stream in rest]
        return verdict

    def streams_by_tid(self, trace):
        streams = collections.defaultdict(list)
        for stream in sorted(trace_streams(trace), key=lambda stream: stream.begin):
            streams[stream.tid].append(stream)
            for at, number in stream.missed:
                if number == RT_SIGRETURN:
                    self.verdict.explained["rt_sigreturn caught by the audit"] += 1
                else:
                    self.verdict.complaints.append(f"{stream.tid}: {number} missed by patches at {at:x}")
        return streams

    def sort_out(self, life, bases):
        """The calls of a life that must be in the trace."""
        recorded, signalled, verdict = [], False, self.verdict
        for call in life.calls:
            signalled |= call.after_signal
            offset = next((call.ip - base for base in bases if base <= call.ip < base + self.library.size), None)
            what = self.library.what(offset, call) if offset is not None else None
            life.image.began |= what is not None
            if what == "recorded":
                recorded.append(call)
                call.after_signal, signalled = signalled, False
            elif what == "own":
                verdict.own[call.number] += 1
            elif not life.image.began:
                verdict.before[call.number] += 1
            elif call.number == RT_SIGRETURN and self.mode == "patch":
                verdict.left[call.number] += 1
                verdict.explained["rt_sigreturn left alone"] += 1
            else:
                verdict.complaints.append(f"missed: {life.tid} calls {call} at {call.ip:x}")
        verdict.explained["made again by the kernel"] += life.restarted
        return recorded

    def is_kept(self, call):
        """The action for SIGSYS, which dispatch keeps: what it asks the kernel for is its own."""
        return self.mode in DISPATCHING and is_about_sigsys(call)

    def look_at(self, life, seen, streams):
        """A life and its stream, which is the first of the thread's."""
        verdict = self.verdict
        if not streams:
            if seen:
                verdict.complaints.append(f"{life.tid} is not in the trace: {len(seen)} calls from {seen[0]} on")
            return
        if not seen and not self.is_kept(streams[0].calls[0]):
            return
        verdict.processes.add(life.process)
        verdict.threads += 1
        self.compare(life, seen, streams.pop(0).calls)

    def compare(self, life, seen, told):
        """A thread's calls in one image, side by side."""
        i, verdict = 0, self.verdict
        for call in told:
            if self.is_kept(call) and not (i < len(seen) and same(seen[i], call)):
                verdict.explained["rt_sigaction of SIGSYS kept"] += 1
                verdict.left[call.number] += 1
                continue
            verdict.explained["made after a handler that came behind its record"] += put_back(seen, i, call)
            if i < len(seen) and same(seen[i], call):
                verdict.recorded[call.number] += 1
                i += 1
                self.compare_results(life, seen, i, call)
            elif i == len(seen) and call is told[-1] and life.killed:
                verdict.explained["killed before the call"] += 1
            else:
                verdict.complaints.append(f"{life.tid}: call {i}: {seen[i] if i < len(seen) else 'no more'} was seen, "
                                          f"the trace has {call}")
                return
        if i < len(seen):
            verdict.complaints.append(f"{life.tid}: the trace lacks {len(seen) - i} calls from {seen[i]} on")

    def compare_results(self, life, seen, end, told):
        """Of the call before 'end'."""
        call, verdict = seen[end - 1], self.verdict
        if call.result == told.result or call.number in NEVER_RETURN:
            return
        last, behind = end == len(seen), seen[end] if end < len(seen) else None
        if told.result is None and (last and life.killed or behind and behind.after_signal):
            verdict.explained["killed, or left by a handler, at the call's end"] += 1
        elif call.number in EXECS and told.result is None and last:
            return
        elif call.result is None and last and life.killed:
            verdict.explained["cut off"] += 1
        else:
            verdict.complaints.append(f"{life.tid}: call {end - 1}: {call} was seen, the trace has {told}")


def is_about_sigsys(call):
    return call.number == RT_SIGACTION and call.argument == SIGSYS


NEVER_RETURN = {RT_SIGRETURN, EXIT, EXIT_GROUP}


def same(seen, told):
    """Whether the trace tells of the call as it was seen."""
    if seen.number != told.number:
        return False
    if seen.argument is None or seen.number in EXECS:
        return True
    if seen.number == FUTEX:
        return seen.argument == told.argument and seen.operation & 0xff == told.operation
    return seen.argument & 0xffffffff == told.argument


def put_back(seen, i, call):
    """A call is recorded, and then made: a handler's calls may come between, which were seen before it."""
    if i == len(seen) or same(seen[i], call) or not seen[i].after_signal:
        return 0
    for k in range(i + 1, len(seen)):
        if same(seen[k], call):
            seen.insert(i, seen.pop(k))
            return 1
    return 0


def report_complaints(trace):
    """What gilscope report --syscalls counts, beside our own reading: each process's calls by their names."""
    got = run([GILSCOPE, "report", "--syscalls", "--json", trace.path])
    if got.returncode:
        return [f"report: exit {got.returncode}: {got.stderr}"]
    told = json.loads(got.stdout)
    names = {row["number"]: row["name"] for row in told["calls"]}
    own, reported = collections.Counter(), collections.Counter()
    for thread in trace.threads():
        for stream in thread_streams(thread):
            pid = thread.pid if stream.tid == thread.tid else stream.tid
            own.update((pid, names.get(call.number, str(call.number))) for call in stream.calls)
    for process in told["processes"]:
        reported.update({(process["pid"], name): number for name, number in process["by_call"].items()})
    return [f"report: {name} of {pid}: {reported[pid, name]}, in the trace {own[pid, name]}"
            for pid, name in {*own, *reported} if own[pid, name] != reported[pid, name]]
