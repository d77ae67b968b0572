"""A pool of threads or of processes takes the shares as tasks, first come first served: multiprocessing's
ThreadPool and Pool. A task that is done in several phases takes its worker's values with it."""
import os
import struct
import threading
from collections import OrderedDict

from runtime import bond, clocks, processes
from runtime.library import multiprocessing
from runtime.line import Histogram
from runtime.options import CHOICE, FAILED, IMPOSSIBLE, NUMBER, Param, Refusal
from runtime.work import Worker, add_up, sentence

TASKS_MAX, TASKS_LISTED = 100000, 64
# How often a pool is looked at, whose processes might have been killed: it would wait for their results.
WATCH_MS = 200

PARAMS = [
    Param("tasks", NUMBER, None, 1, TASKS_MAX, value="N",
          help="shares of the work; without it as many as workers"),
    Param("results", CHOICE, "ordered", choices=["ordered", "completed"], value="HOW",
          help="in which order results are received"),
]


class House(object):
    """What the workers of a pool find: its threads share it, its processes inherit it."""

    def __init__(self, run, shared, apart):
        self.run, self.bond, self.apart, self.parent = run, shared, apart, os.getpid()
        self.given = run.workload.setup(run)
        self.trouble, self.numbers = os.pipe(), os.pipe()
        self.started, self.own = run.library().Semaphore(0), threading.local()
        for i in range(run.count):
            os.write(self.numbers[1], struct.pack("H", i))


HERE = None


def begin():
    """In each thread or process of the pool, before it takes tasks."""
    if HERE.apart:
        processes.die_with(HERE.parent)
        # The library allows a daemon no children.
        multiprocessing().current_process().daemon = False
    HERE.own.number = take_number()
    HERE.run.place(HERE.own.number)
    HERE.started.release()


def take_number():
    """One that the library puts in the place of another, which has ended, finds none."""
    import select
    poll = select.poll()
    poll.register(HERE.numbers[0], select.POLLIN)
    if not poll.poll(0):
        fail("a process of the pool has ended before its work was done")
    return struct.unpack("H", os.read(HERE.numbers[0], 2))[0]


def do_task(task):
    phase, index, values, submitted_ns = task
    w = Worker(index, HERE.run, HERE.given, HERE.bond)
    w.values = values
    try:
        delay_ns = clocks.run_delay_ns(begins=True)
        since = w.clock_start(delay_ns)
        w.checksum = HERE.run.workload.work(w, phase)
        w.clock_stop(since)
    except BaseException as why:
        fail("worker %d: %s" % (index, sentence(why)))
    return HERE.own.number, index, w.values, w.result(), submitted_ns


def fail(text):
    """Others may wait for this task: only the end of the run ends them."""
    if not HERE.apart:
        HERE.run.die(Refusal(FAILED, text))
    os.write(HERE.trouble[1], text.encode("ascii", "replace"))
    os._exit(1)


def watch(originals):
    """Ends the run when a process of the pool has ended, which the library puts another one in the place of."""
    import select
    poll = select.poll()
    poll.register(HERE.trouble[0], select.POLLIN)
    trouble, run = HERE.trouble[0], HERE.run
    while True:
        told = poll.poll(WATCH_MS)
        if HERE is None:
            return
        for i, process in enumerate(originals):
            # One that failed has told why.
            if process.exitcode and process.exitcode < 0:
                run.die(Refusal(FAILED, processes.told_code(i, process.exitcode)))
        if told:
            run.die(Refusal(FAILED, os.read(trouble, 4096).decode("ascii")))


def make(run):
    if not HERE.apart:
        from multiprocessing.pool import ThreadPool
        return ThreadPool(run.count, begin)
    pool = multiprocessing().Pool(run.count, begin)
    watcher = threading.Thread(target=watch, args=(list(pool._pool),))
    watcher.daemon = True
    watcher.start()
    return pool


class Phase(object):
    """Submits the tasks of a phase and receives all of them."""

    def __init__(self, run, number, values):
        self.run, self.number, self.given = run, number, values
        self.parts, self.values, self.latency = [], [None] * run.shares, Histogram()

    def tasks(self):
        for index in range(self.run.shares):
            yield self.number, index, self.given[index], clocks.now_ns()

    def receive(self, pool):
        ordered = self.run.params["results"] == "ordered"
        for got in (pool.imap if ordered else pool.imap_unordered)(do_task, self.tasks()):
            received_ns = clocks.now_ns()
            number, index, self.values[index], part, submitted_ns = got
            self.latency.add(received_ns - submitted_ns)
            self.parts.append((number, index, part))

    def order(self):
        """Of completion."""
        return [index for _, index, _ in sorted(self.parts, key=lambda one: (one[2]["finish_ns"], one[1]))]


def inversions(order):
    """Tasks that completed after one with a higher number."""
    highest, found = -1, 0
    for index in order:
        found += index < highest
        highest = max(highest, index)
    return found


def run_in(run, shared, apart):
    global HERE
    HERE = House(run, shared, apart)
    try:
        pool = make(run)
    except Exception as why:  # the library's threads may have been started
        run.die(Refusal(IMPOSSIBLE, "cannot start a pool of %d: %s" % (run.count, sentence(why))))
    for _ in range(run.count):
        HERE.started.acquire()
    phases, values, begin_ns = [], [None] * run.shares, clocks.now_ns()
    for number in range(run.plan.phases):
        phases.append(Phase(run, number, values))
        phases[-1].receive(pool)
        values = phases[-1].values
    run.window = begin_ns, clocks.now_ns()
    given, HERE = HERE.given, None
    pool.close()
    pool.join()
    run.pool = summary(run, phases)
    return parts_of(run, phases, [checked(Worker(i, run, given, shared), values[i])
                                  for i in range(run.shares)])


def checked(w, values):
    w.values = values
    w.checksum = w.run.workload.check(w)
    return w.result()


def parts_of(run, phases, checks):
    """A part per thread or process of the pool, with all that it did."""
    rows = [[] for _ in range(run.count)]
    for phase in phases:
        for number, index, part in phase.parts:
            if part["failure"]:
                raise Refusal(FAILED, "worker %d: %s" % (index, part["failure"]))
            rows[number].append(part)
    for index, part in enumerate(checks):
        if part["failure"]:
            raise Refusal(FAILED, "worker %d: %s" % (index, part["failure"]))
    parts = [add_up(row) for row in rows]
    parts[0] = dict(add_up([parts[0]] + checks), role=parts[0]["role"])
    if run.plan.loop is None:
        for phase in phases:
            parts[0] = dict(parts[0], latency=both(parts[0]["latency"], phase.latency))
        run.plan.loop = "closed"
    return parts


def both(state, latency):
    added = Histogram(state)
    added.merge(latency)
    return added.state()


def summary(run, phases):
    orders = [phase.order() for phase in phases]
    return OrderedDict([("tasks", run.shares), ("results", run.params["results"]),
                        ("order", orders[-1] if run.shares <= TASKS_LISTED else None),
                        ("inversions", sum(inversions(order) for order in orders))])


def threads(run):
    return run_in(run, run.bond(), apart=False)


def forked(run):
    return run_in(run, run.apart_bond(), apart=True)
