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
    """What a workload asks for. 'counters': so many whole numbers that all workers see, signed ("q") or not
    ("Q") of 64 bits; 'locks': so many of them. 'handing': how workers that are apart hand lists over,
    "shared" (memory of so many numbers) or "pipe"; None: they do not. 'loop' of the latencies: "open" (from
    the intended start) or "closed". 'together': the workers wait for one another. 'refuses': modes that it
    cannot run in, each with the reason. 'serve': a function that a process of its own calls with a socket
    that listens, at bond.port."""

    def __init__(self, phases=1, counters=0, kind="q", locks=0, handing=None, numbers=0, echo=None, loop=None,
                 together=False, refuses=None, serve=None):
        self.phases, self.counters, self.kind, self.locks = phases, counters, kind, locks
        self.handing, self.numbers, self.echo, self.loop = handing, numbers, echo, loop
        self.together, self.refuses, self.serve = together, refuses or {}, serve


class Workload(object):
    """'setup' gets the run, before there are workers, and returns what they are given; where they are
    interpreters each has its own. 'counts' names the workload's own results. One that waits has the same
    work as a coroutine in events/, for the mode of that name: 'waits'."""

    def __init__(self, name, summary, size_unit, size_default, size_low, size_high, work, params=(),
                 plan=None, setup=None, check=None, workers="2", counts=(), waits=False):
        self.name, self.summary, self.params = name, summary, list(params)
        self.size_unit, self.size_default = size_unit, size_default
        self.size_low, self.size_high = size_low, size_high
        self.plan, self.setup = plan or no_plan, setup or no_setup
        self.work, self.check = work, check or no_check
        self.workers, self.counts, self.waits = workers, list(counts), waits


def no_plan(count, size, params):
    return Plan()


def no_setup(run):
    return None


def no_check(w):
    return 0


def sentence(why):
    """An exception in one line."""
    text = str(why).split("\n")[0]
    return text if isinstance(why, EOFError) else type(why).__name__ + (": " + text if text else "")


class Worker(object):
    """One worker. 'given' is what the workload's setup made; 'bond' is what the workers share
    (runtime/bond.py)."""

    def __init__(self, index, run, given, bond):
        self.index, self.count, self.size, self.params = index, run.shares, run.size, run.params
        self.given, self.bond, self.run = given, bond, run
        self.values = None  # the workload's own
        self.checksum = self.units = 0
        self.role, self.failure, self.latencies = "cpu", None, Histogram()
        self.counts, self.notes = {}, []
        self.start_ns = self.finish_ns = None
        self.elapsed_ns = 0
        self.spent = [0, 0, 0, 0]

    def share(self, index=None, count=None, of=None):
        """From (inclusive) to (exclusive) of a worker's share; shares differ by 1 at most."""
        index = self.index if index is None else index
        each, rest = divmod(self.size if of is None else of, self.count if count is None else count)
        start = each * index + min(index, rest)
        return start, start + each + (index < rest)

    def did(self, units):
        self.units += units

    def fail(self, text):
        self.failure = self.failure or text

    def tell(self, name, n):
        """Adds to a result of the workload's own; one that nobody tells is null."""
        self.counts[name] = self.counts.get(name, 0) + n

    def note(self, text):
        """What explains a result: a sentence without its end."""
        if text not in self.notes:
            self.notes.append(text)

    def alone(self, waits=False):
        """Why no other worker comes between two steps of this one, where no call is in between; None: others
        may. 'waits': this one waits between them."""
        return self.run.alone(waits)

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
                "spent": self.spent, "latency": self.latencies.state(), "counts": self.counts,
                "notes": self.notes}


def role_of(parts):
    roles = set(part["role"] for part in parts)
    return "mixed" if len(roles) > 1 else roles.pop() if roles else "cpu"


def add_up(parts):
    """The results of several shares as that of one worker, which did one after the other; of none, too."""
    latencies, notes, counts = Histogram(), [], {}
    for part in parts:
        latencies.merge(Histogram(part["latency"]))
        notes += [note for note in part["notes"] if note not in notes]
        for name, n in part["counts"].items():
            counts[name] = counts.get(name, 0) + n
    spent = [None if None in one else sum(one) for one in zip(*[part["spent"] for part in parts])]
    return {"checksum": sum(part["checksum"] for part in parts), "units": sum(part["units"] for part in parts),
            "role": role_of(parts), "failure": None,
            "elapsed_ns": sum(part["elapsed_ns"] for part in parts), "spent": spent or [0, 0, 0, 0],
            "latency": latencies.state(), "counts": counts, "notes": notes}
