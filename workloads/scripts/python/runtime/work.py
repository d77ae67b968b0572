"""What a workload is, and one worker as it sees itself: workloads/workload.h in Python. There are no ticks:
the interpreter looks up from its work by itself."""
import os

from runtime import clocks
from runtime.line import Histogram

BYTES = [bytes(bytearray((i,))) for i in range(256)]
MASK = 2 ** 64 - 1


def mix(x):
    """splitmix64, as worker_mix."""
    x = (x + 0x9e3779b97f4a7c15) & MASK
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb & MASK
    return x ^ (x >> 31)


class Plan(object):
    """What a workload asks for. 'counters': so many small numbers that all workers see. 'handing': how
    workers that are apart hand lists over, "shared" (memory of so many numbers) or "pipe"; None: they do
    not. 'loop' of the latencies: "open" (from the intended start) or "closed"."""

    def __init__(self, phases=1, counters=0, handing=None, numbers=0, echo=None, loop=None):
        self.phases, self.counters, self.echo, self.loop = phases, counters, echo, loop
        self.handing, self.numbers = handing, numbers


class Workload(object):
    def __init__(self, name, summary, size_unit, size_default, size_low, size_high, work, params=(),
                 plan=None, setup=None, check=None):
        self.name, self.summary, self.params = name, summary, list(params)
        self.size_unit, self.size_default = size_unit, size_default
        self.size_low, self.size_high = size_low, size_high
        self.plan, self.setup = plan or no_plan, setup or no_setup
        self.work, self.check = work, check or no_check


def no_plan(count, size, params):
    return Plan()


def no_setup(size, params):
    return None


def no_check(w):
    return 0


class Worker(object):
    """One worker. 'given' is what the workload's setup made; 'bond' is what the workers share
    (runtime/bond.py)."""

    def __init__(self, index, run, given, bond):
        self.index, self.count, self.size, self.params = index, run.count, run.size, run.params
        self.given, self.bond = given, bond
        self.values = None  # the workload's own
        self.checksum = self.units = 0
        self.role, self.failure, self.latencies = "cpu", None, Histogram()
        self.start_ns = self.finish_ns = None
        self.elapsed_ns = 0
        self.spent = [0, 0, 0, 0]

    def share(self, index=None):
        """From (inclusive) to (exclusive) of a worker's share; shares differ by 1 at most."""
        index = self.index if index is None else index
        each, rest = divmod(self.size, self.count)
        start = each * index + min(index, rest)
        return start, start + each + (index < rest)

    def did(self, units):
        self.units += units

    def fail(self, text):
        self.failure = self.failure or text

    def latency(self, ns):
        self.latencies.add(ns)

    def sleep_until(self, ns):
        clocks.sleep_until(ns)

    def echo(self, byte):
        to, source = self.bond.echoes[self.index]
        os.write(to, BYTES[byte])
        answer = os.read(source, 1)
        if not answer:
            raise EOFError("the other end of the echo is gone")
        return ord(answer)

    def clock_start(self, run_delay_ns):
        """The cheap ones only: others may have started already."""
        switches, now = clocks.switches(), clocks.now_ns()
        if self.start_ns is None:
            self.start_ns = now
        return now, (clocks.cpu_ns(), run_delay_ns) + switches

    def clock_stop(self, since):
        cpu_ns, now = clocks.cpu_ns(), clocks.now_ns()
        self.finish_ns = now
        self.elapsed_ns += now - since[0]
        switches = clocks.switches()
        after = (cpu_ns, clocks.run_delay_ns()) + switches
        self.spent = [None if None in (spent, last, first) else spent + last - first
                      for spent, last, first in zip(self.spent, after, since[1])]

    def result(self):
        """All of it in plain values, for a pipe."""
        return {"checksum": self.checksum, "units": self.units, "role": self.role, "failure": self.failure,
                "start_ns": self.start_ns, "finish_ns": self.finish_ns, "elapsed_ns": self.elapsed_ns,
                "spent": self.spent, "latency": self.latencies.state()}


now_ns = clocks.now_ns
