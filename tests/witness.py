"""What others saw of a run, strace or the kernel's tracepoints by perf: each call with the address of its instruction,
by thread and image, in order, with its result as the program got it."""
import collections
import errno
import re

from tracing import run

RT_SIGACTION, RT_SIGRETURN, EXIT, EXIT_GROUP, RESTART_SYSCALL, FUTEX = 13, 15, 60, 231, 219, 202
CLONES = {56, 57, 58, 435}
EXECS = {59, 322}
CLONE_THREAD, CLONE_UNTRACED = 0x10000, 0x800000
SIGSYS = 31
# A result that no program sees: the call is to be made again, perhaps. The kernel's own errors that say so are
# ERESTARTSYS and its kin.
AGAIN, RESTARTS = "again", {512, 513, 514, 516}


class Call:
    __slots__ = "number", "ip", "arguments", "result", "argument", "operation", "after_signal"

    def __init__(self, number, ip=0, arguments="", result=None, argument=None, operation=None):
        self.number, self.ip, self.arguments, self.result = number, ip, arguments, result
        # The first argument, as much of it as a trace has; the operation of a futex.
        self.argument, self.operation = argument, operation
        self.after_signal = False  # one came since the call before

    def __str__(self):
        return f"{self.number}({'' if self.argument is None else hex(self.argument)}) = {self.result}"


# What a witness tells, in order; the first of a child's may come before its Forked. 'begun': the number of the event
# with which the call began that made it.
Entered = collections.namedtuple("Entered", "tid number ip arguments words")
Left = collections.namedtuple("Left", "tid result")
Forked = collections.namedtuple("Forked", "tid child flags begun")
Executed = collections.namedtuple("Executed", "tid was path")
Signalled = collections.namedtuple("Signalled", "tid by_dispatch")
Ended = collections.namedtuple("Ended", "tid")


def strace_words(log):
    """What is to be put before a command's words."""
    # Plain numbers, but for what must be told of.
    return ["strace", "-f", "-n", "-i", "-q", "-s", "0", "-e", "raw=!execve,execveat,clone3", "-o", log]


LINE = re.compile(r"(\d+) +\[ *(-?\d+|\?+)\] \[([0-9a-f?]+)\] (.*)")
RESULT = re.compile(r"\)? += (\?|-?0x[0-9a-f]+|-?\d+)(?: (E[A-Z0-9]+)| \((?:errno|Unknown error) (\d+)\))?[^=]*$")


def strace_result(text):
    got = RESULT.search(text)
    if not got:
        raise ValueError(f"no result in '{text}'")
    word, name, number = got.groups()
    if "ERESTART" in text[got.start():]:
        return AGAIN
    if word == "?":
        return None
    if name:
        return -getattr(errno, name) if hasattr(errno, name) else None
    if number:
        return -int(number)
    value = int(word, 16 if "x" in word else 10)
    return value - (1 << 64) if value >> 63 else value


def first_words(arguments):
    """The first two as numbers; fewer where there are, or they are not told so."""
    return [int(word, 16) for word in re.findall(r"(?:^|, )(0x[0-9a-f]+|0)(?=,|\)|$)", arguments)[:2]]


def strace_events(log):
    """In order; a call's two halves may be apart."""
    begun = {}  # by tid: the text so far, the number of the event, the call's number
    count = 0
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            got = LINE.match(line)
            if not got:
                raise ValueError(f"strace says '{line}'")
            number = int(got[2]) if "?" not in got[2] else None
            for event in strace_line(int(got[1]), number, got[3], got[4], begun, count):
                count += 1
                yield event


def strace_line(tid, number, ip, text, begun, count):
    if text.startswith("+++ superseded by"):
        begun[tid] = begun.pop(int(re.search(r"in pid (\d+)", text)[1]))
        return
    if text.startswith("+++"):
        begun.pop(tid, None)
        yield Ended(tid)
        return
    if text.startswith("---"):
        if text.startswith("--- SIG"):
            yield Signalled(tid, "SYS_USER_DISPATCH" in text)
        return
    if text.startswith("???"):
        # Killed as it was entered: it is not known what it was.
        begun[tid] = None
        return
    if text.startswith("<..."):
        if not begun[tid]:
            del begun[tid]
            return
        started, at, number, was = begun.pop(tid)
        text = started + text.partition(" resumed>")[2]
    else:
        at, was = count, tid
        arguments = text.partition("(")[2].removesuffix(" <unfinished ...>")
        words = first_words(RESULT.sub("", arguments))
        yield Entered(tid, number, int(ip, 16), RESULT.sub("", arguments).rstrip(")"), words)
        if text.endswith(" <unfinished ...>"):
            begun[tid] = text.removesuffix(" <unfinished ...>"), at, number, tid
            return
    result = strace_result(text)
    if number in EXECS and result == 0:
        yield Executed(tid, was, re.search(r'"([^"]*)"', text)[1])
    yield Left(tid, result)
    if number in CLONES and result not in (None, AGAIN) and result > 0:
        yield Forked(tid, result, clone_flags(number, text), at)


def clone_flags(number, text):
    """Those that are asked for below."""
    if number == 56:
        return int(text[len("clone("):].partition(",")[0], 16) & (CLONE_THREAD | CLONE_UNTRACED)
    return CLONE_THREAD * ("CLONE_THREAD" in text) | CLONE_UNTRACED * ("CLONE_UNTRACED" in text)


PERF_EVENTS = ["raw_syscalls:sys_enter", "raw_syscalls:sys_exit", "signal:signal_deliver", "sched:sched_process_fork",
               "sched:sched_process_exec", "sched:sched_process_exit"]
PERF_LINE = re.compile(r" *(\d+)/(\d+) +\w+:(\w+): (.*?) ABI:2 +IP:0x([0-9a-f]+) *$")


def perf_words(data):
    """The same. What comes while its rings are full the kernel loses: they are large."""
    return ["perf", "record", "-q", "-m", "8192", "--user-regs=ip", "-o", data,
            *(word for event in PERF_EVENTS for word in ("-e", event)), "--"]


def perf_lost(data):
    """How many events the kernel has lost."""
    got = run(["perf", "script", "-i", data, "--show-lost-events", "-F", "pid,event"])
    return sum(int(number) for number in re.findall(r"PERF_RECORD_LOST\w* lost (\d+)", got.stdout))


def perf_events(data):
    """As of strace; but it is told of a fork when it happens, and who is of whose process."""
    got = run(["perf", "script", "-i", data, "-F", "pid,tid,event,trace,uregs"])
    rows = [PERF_LINE.match(line) for line in got.stdout.splitlines()]
    rows = [(int(row[1]), int(row[2]), *row.groups()[2:]) for row in rows if row]
    threads = {tid for pid, tid, *_ in rows if pid != tid}
    for at, (_, tid, what, text, ip) in enumerate(rows):
        if what == "sys_enter":
            number, _, arguments = text.removeprefix("NR ").partition(" ")
            words = [int(word, 16) for word in arguments.strip("()").split(", ")[:2]]
            yield Entered(tid, int(number), int(ip, 16), arguments, words)
        elif what == "sys_exit":
            result = int(text.partition(" = ")[2])
            yield Left(tid, AGAIN if -result in RESTARTS else result)
        elif what == "signal_deliver":
            yield Signalled(tid, text.startswith(f"sig={SIGSYS} ") and " code=2 " in text)
        elif what == "sched_process_fork":
            child = int(re.search(r"child_pid=(\d+)", text)[1])
            yield Forked(tid, child, CLONE_THREAD * (child in threads), at)
        elif what == "sched_process_exec":
            path, old = re.search(r"filename=(.*) pid=\d+ old_pid=(\d+)", text).groups()
            yield Executed(tid, int(old), path)
        else:
            yield Ended(tid)


class Image:
    """A program in memory: of an exec, and of all that are forked from it."""

    def __init__(self, pid, path, launcher):
        self.pid, self.path, self.launcher = pid, path, launcher
        self.began = False


class Life:
    """Of a thread, in one image."""

    def __init__(self, tid, process, image):
        self.tid, self.process, self.image = tid, process, image
        self.calls, self.pending, self.dispatching = [], [], 0
        self.open = self.last = None  # the call it is in; the last that it was in
        self.killed = True  # until it ends by a call of its own
        self.restarted = 0
        self.signalled = False

    def enter(self, event):
        if self.is_again(event):
            self.restarted += 1
            self.open = self.last = self.pending.pop()
            return
        words = event.words
        self.open = Call(event.number, event.ip, event.arguments, None, words[0] if words else None,
                         words[1] if len(words) > 1 else None)
        self.last = self.open
        self.open.after_signal, self.signalled = self.signalled, False
        self.calls.append(self.open)
        self.killed = event.number not in (EXIT, EXIT_GROUP)

    def is_again(self, event):
        """The kernel makes the call once more: at once, or when a handler has returned to the instruction."""
        top = self.pending[-1] if self.pending else None
        if not top or top.ip != event.ip:
            return False
        if event.number == RESTART_SYSCALL:
            return True
        returned = self.last.number == RT_SIGRETURN and self.last.result == top.number
        return (self.last is top or returned) and (event.number, event.arguments) == (top.number, top.arguments)

    def leave(self, result):
        call, self.open = self.open, None
        if not call:
            return
        call.result = result
        if result == AGAIN:
            self.pending.append(call)
        elif call.number == RT_SIGRETURN and self.dispatching:
            self.dispatching -= 1
        elif call.number == RT_SIGRETURN and result == -errno.EINTR and self.pending:
            self.pending.pop().result = -errno.EINTR


def unseen(events):
    """Children that asked not to be seen."""
    return {event.child for event in events if isinstance(event, Forked) and event.flags & CLONE_UNTRACED}


def lives_of(events):
    """All threads' lives, in the order in which they began."""
    makers = collections.defaultdict(list)
    for event in events:
        if isinstance(event, Forked):
            makers[event.child].append(event)
    now, lives, made_by = {}, [], {}
    for at, event in enumerate(events):
        tid = event.tid
        if isinstance(event, Executed):
            # The call is the old image's; what it leaves is not asked.
            now.pop(event.was, None)
            launcher = not lives or event.path.endswith("/gilscope-calibrate")
            now[tid] = Life(tid, tid, Image(tid, event.path, launcher))
            lives.append(now[tid])
        elif isinstance(event, Ended):
            now.pop(tid, None)
        elif isinstance(event, Forked):
            made_by.setdefault(at, now.get(tid))
            continue
        elif tid not in now and makers[tid]:
            fork = [fork for fork in makers[tid] if fork.begun < at][-1]
            maker = made_by[fork.begun]
            now[tid] = Life(tid, maker.process if fork.flags & CLONE_THREAD else tid, maker.image)
            lives.append(now[tid])
        life = now.get(tid)
        if not life:
            continue
        if isinstance(event, Entered):
            life.enter(event)
            made_by[at] = life
        elif isinstance(event, Left):
            life.leave(event.result)
        elif isinstance(event, Signalled):
            life.dispatching += event.by_dispatch
            life.signalled |= not event.by_dispatch
    return lives


class Strace:
    name = "strace"
    words, events = staticmethod(strace_words), staticmethod(strace_events)

    @staticmethod
    def lost(_):
        return 0


class Perf:
    name = "perf"
    words, events, lost = staticmethod(perf_words), staticmethod(perf_events), staticmethod(perf_lost)
