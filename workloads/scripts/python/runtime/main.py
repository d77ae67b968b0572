"""The main of every workload: options in, one result out. The only place that prints errors and exits."""
import gc
import os
import signal
import sys
import threading
from collections import OrderedDict

from runtime import bond, clocks, line, modes, subinterpreters
from runtime.echo import Echoes
from runtime.library import multiprocessing, name_of_this
from runtime.options import (FAILED, FLAG, IMPOSSIBLE, MISUSE, NUMBER, TEXT, Param, Refusal, help_lines,
                             look_ahead, parse, unknown)
from runtime.server import Server
from runtime.work import sentence

WORKERS_MAX = 1024


def common(workload):
    return [
        Param("mode", TEXT, "sequential", value="MODE", help="how the workers run beside each other"),
        Param("workers", NUMBER, workload.workers, 1, WORKERS_MAX, value="N", help="shares of the work"),
        Param("size", NUMBER, workload.size_default, workload.size_low, workload.size_high, value="N",
              help=workload.size_unit + " in all"),
        Param("pin", TEXT, value="CPUS", help="place worker i on the i-th of these CPUs: 0,1 or 0-3"),
        Param("cpus", NUMBER, None, 1, clocks.CPUS_MAX, value="N",
              help="confine all workers to the first N CPUs that are allowed"),
        Param("json", FLAG, help="print one JSON object on one line"),
        Param("describe", FLAG, help="print what this workload is and takes, as JSON"),
        Param("help", FLAG, help="print this"),
    ]


def find_mode(name):
    for mode in modes.MODES:
        if mode.name == name:
            if mode.lack:
                raise Refusal(IMPOSSIBLE, mode.lack)
            return mode
    if name in modes.ELSEWHERE:
        raise Refusal(MISUSE, modes.ELSEWHERE[name])
    raise unknown("mode", name, [mode.name for mode in modes.MODES if not mode.lack])


def explain_unknown(words, mode):
    """An option of another mode, or of the C workloads, deserves a better answer than "unknown"."""
    given = [word.partition("=")[0] for word in words]
    own = [row.name for row in mode.params]
    for other in modes.MODES:
        for row in other.params:
            if row.name not in own and "--" + row.name in given:
                raise Refusal(MISUSE, "option '--%s' belongs to --mode %s" % (row.name, other.name))
    for name, why in (("--gil", "the interpreter has its own lock"),
                      ("--tick-ns", "a tick is as long as the interpreter makes it"),
                      ("--tick-spins", "a tick is as long as the interpreter makes it")):
        if name in given:
            raise Refusal(MISUSE, "option '%s' is of the C workloads: %s" % (name, why))


def read_pins(text, allowed):
    """ "0,2-3" to CPUs, in that order; each must be one that this process may use."""
    pins = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
            raise Refusal(MISUSE, "--pin '%s' is not a list of CPUs; give 0,1 or 0-3" % text)
        for cpu in range(int(first), min(int(last), int(first) + clocks.CPUS_MAX) + 1):
            if cpu not in allowed:
                raise Refusal(MISUSE, "--pin '%s': CPU %d is not one this process may use" % (text, cpu))
            pins.append(cpu)
    return pins


class Run(object):
    """What the options said."""

    def __init__(self, workload, words):
        self.workload, self.words = workload, words
        self.echoes = self.server = None
        self.mode = find_mode(look_ahead(words, "--mode") or "sequential")
        self.rows = common(workload) + workload.params + self.mode.params
        try:
            self.params = parse(words, self.rows)
        except Refusal:
            explain_unknown(words, self.mode)
            raise
        self.count, self.size = self.params["workers"], self.params["size"]
        if "tasks" in self.params and self.params["tasks"] is None:
            self.params["tasks"] = self.count
        # Of the work: in a pool a share is a task.
        self.shares = self.params.get("tasks", self.count)
        self.pins, self.window, self.pool, self.loop = [], None, None, None
        self.confine()
        self.plan = self.workload.plan(self.shares, self.size, self.params)

    def prepare(self):
        """Refuses what cannot be run."""
        self.check_mode()
        self.check_echo()
        return self

    def reason(self, mode):
        """Why the workload cannot run in a mode, or None."""
        if mode.name in self.plan.refuses:
            return self.plan.refuses[mode.name]
        if self.plan.together and mode.name in ("sequential", "events"):
            return "its workers wait for one another, so all must run at once"
        return None

    def check_mode(self):
        reason = self.reason(self.mode)
        if reason:
            raise Refusal(IMPOSSIBLE, "mode '%s' cannot run this: %s" % (self.mode.name, reason))
        # Chunks through pipes: who takes one waits for who sends it.
        waits = self.plan.together or (self.mode.name == "process-pool" and self.plan.handing == "pipe")
        if waits and self.shares > self.count:
            raise Refusal(MISUSE, "--tasks %d: the tasks wait for one another; give at most --workers (%d)" % (
                self.shares, self.count))

    def alone(self, waits):
        return modes.alone(self, waits)

    def library(self):
        """Where the workers' locks, events, queues come from: threads and processes have the same by the same
        names."""
        return multiprocessing() if self.is_apart() else threading

    def is_apart(self):
        """Whether the workers are processes."""
        return "process" in self.mode.name

    def confine(self):
        """Where threads cannot be placed, the options are accepted, and null in the result."""
        pin, cpus = self.params["pin"], self.params["cpus"]
        if pin is None and cpus is None:
            return
        allowed = clocks.allowed_cpus()
        if not allowed or not clocks.can_place():
            self.params["pin"] = self.params["cpus"] = None
            return
        if cpus is not None and cpus > len(allowed):
            raise Refusal(MISUSE, "--cpus %d: only %d CPUs are allowed here" % (cpus, len(allowed)))
        if cpus is not None:
            allowed = allowed[:cpus]
            clocks.place(allowed)
        if pin is not None:
            self.pins = read_pins(pin, allowed)

    def check_echo(self):
        needs = {"pipe": "pipe", "socketpair": "fork"}.get(self.plan.echo)
        if needs and not hasattr(os, needs):
            raise Refusal(IMPOSSIBLE, "--io '%s' needs %s, which %s does not have" % (
                self.plan.echo, needs, name_of_this()))

    def place(self, index):
        if self.pins:
            clocks.place([self.pins[index % len(self.pins)]])

    def bond(self, make_lock=threading.Lock):
        """For workers of one interpreter."""
        return bond.Bond(self.plan, self.echoes.ends, self.server.port, make_lock)

    def pipes(self):
        if self.plan.handing != "pipe":
            return None
        try:
            return [os.pipe() for _ in range(self.shares)]
        except OSError as why:
            raise Refusal(IMPOSSIBLE, "cannot open %d pipes: %s" % (self.shares, why.strerror))

    def make_bond(self, memory, make_lock):
        try:
            locks = [make_lock() for _ in range(self.plan.locks)]
        except OSError as why:
            raise Refusal(IMPOSSIBLE, "cannot make %d locks: %s" % (self.plan.locks, why.strerror))
        return bond.Apart(self.plan, self.echoes.ends, self.server.port, self.pipes(), locks, memory)

    def apart_bond(self):
        """For processes, that inherit memory and locks."""
        size = bond.memory_bytes(self.plan)
        make_lock = self.library().Lock if self.plan.locks else None
        return self.make_bond(bond.mmap.mmap(-1, size) if size else None, make_lock)

    def apart_bond_with_fd(self):
        """For interpreters, that map the memory each for itself."""
        size = bond.memory_bytes(self.plan)
        fd = subinterpreters.memory_fd(size) if size else None
        return self.make_bond(bond.mmap.mmap(fd, size) if size else None, bond.PipeLock), fd

    def run(self):
        modes.set_lock(self.params)
        self.echoes, self.server = Echoes(self.plan.echo, self.shares), Server(self.plan.serve)
        gc.collect()
        parts = self.mode.run(self)
        self.echoes.stop()
        self.server.stop()
        for i, part in enumerate(parts):
            if part["failure"]:
                raise Refusal(FAILED, "worker %d: %s" % (i, part["failure"]))
        return line.Result(self, parts)

    def die(self, refusal):
        """From any thread; nothing is waited for."""
        tell(self.workload.name, refusal)
        os._exit(refusal.code)


def describe_params(rows):
    return [OrderedDict([("name", row.name), ("default", row.fallback), ("help", row.help)]) for row in rows]


def describe(run):
    workload = run.workload
    size = OrderedDict([("unit", workload.size_unit), ("default", workload.size_default),
                        ("low", workload.size_low), ("high", workload.size_high)])
    name, _, version = name_of_this().partition(" ")
    lacks = dict((mode.name, mode.lack) for mode in modes.MODES if mode.lack)
    if not clocks.can_place():
        lacks["pin"] = lacks["cpus"] = "%s cannot place threads on CPUs" % name
    return line.to_json(OrderedDict([
        ("workload", workload.name), ("summary", workload.summary),
        ("runtime", OrderedDict([("name", name), ("version", version), ("lacks", lacks)])),
        ("size", size), ("options", describe_params(common(workload))),
        ("params", describe_params(workload.params)), ("counts", workload.counts),
        ("modes", [OrderedDict([("name", mode.name), ("summary", mode.summary), ("takes_gil", False),
                                ("reason", run.reason(mode)), ("params", describe_params(mode.params))])
                   for mode in modes.MODES if not mode.lack]),
        ("gils", [])])) + "\n"


def help_text(run):
    workload = run.workload
    yield "usage: %s.py [--mode MODE] [--workers N] [--size N] [--json] ..." % workload.name
    yield "\n%s: %s\n" % (workload.name, workload.summary)
    for row in help_lines(common(workload)):
        yield row
    if workload.params:
        yield "\nof this workload:"
    for row in help_lines(workload.params):
        yield row
    yield "\nmodes:"
    for mode in modes.MODES:
        reason = run.reason(mode)
        yield "  %-24s %s" % (mode.name, mode.lack or (reason and "not here: " + reason) or mode.summary)
        for row in help_lines(mode.params):
            yield "  " + row


def tell(name, refusal):
    sys.stderr.write("%s: %s\n" % (name, refusal.text))
    sys.stderr.flush()


def start_safely():
    """Closed standard descriptors become /dev/null, so that no pipe takes their place."""
    if not hasattr(os, "fork"):
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            # The wrong way round, so that using it still fails as it should.
            os.open(os.devnull, os.O_RDONLY if fd else os.O_WRONLY)


def put(text):
    """Past the interpreter's own buffers: what cannot be written is known here."""
    data = text.encode("ascii")
    try:
        while data:
            data = data[clocks.write_out(data):]
    except (OSError, IOError) as why:
        raise Refusal(IMPOSSIBLE, "cannot write the result: %s" % why.strerror)


def run_main(workload, words):
    run = Run(workload, words)
    if run.params["help"]:
        return "".join(text + "\n" for text in help_text(run))
    if run.params["describe"]:
        # What it can run in must be told where it cannot.
        if look_ahead(words, "--mode"):
            run.check_mode()
        return describe(run)
    result = run.prepare().run()
    return result.json_line() if run.params["json"] else "".join(text + "\n" for text in result.text())


def main(workload):
    start_safely()
    status = 0
    try:
        put(run_main(workload, sys.argv[1:]))
    except Refusal as refusal:
        tell(workload.name, refusal)
        status = refusal.code
    except MemoryError:
        tell(workload.name, Refusal(IMPOSSIBLE, "not enough memory"))
        status = IMPOSSIBLE
    except Exception as why:
        tell(workload.name, Refusal(FAILED, sentence(why)))
        status = FAILED
    sys.exit(status)
