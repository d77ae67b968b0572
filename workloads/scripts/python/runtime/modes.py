"""The ways in which workers run beside each other. A row says whether this interpreter has it."""
import os
import sys
import threading

from runtime import clocks, pools, processes, subinterpreters
from runtime.attend import Link, attend
from runtime.library import has_lock, has_multiprocessing, looks_up_rarely, name_of_this
from runtime.options import FAILED, IMPOSSIBLE, NUMBER, TIME, Param, Refusal
from runtime.work import Worker, sentence


class Mode(object):
    """'beside': what may come between two steps of a worker, "nothing", "threads", "waits" (others come on
    where it waits) or "all"."""

    def __init__(self, name, summary, run, beside, lack=None, params=()):
        self.name, self.summary, self.run, self.lack = name, summary, run, lack
        self.beside, self.params = beside, list(params)
        self.in_turn, self.pool = name == "sequential", name.endswith("-pool")


class Barrier(object):
    """Of threads; Python 2 has none."""

    def __init__(self, parties):
        self.parties, self.waiting, self.turn = parties, 0, 0
        self.condition = threading.Condition()

    def wait(self):
        with self.condition:
            self.waiting += 1
            if self.waiting == self.parties:
                self.waiting = 0
                self.turn += 1
                self.condition.notify_all()
                return
            turn = self.turn
            while turn == self.turn:
                self.condition.wait()


def run_worker(w, run, wait):
    """All that one worker does when workers run at the same time."""
    run.place(w.index)
    delay_ns = clocks.run_delay_ns(begins=True)
    wait()
    since = w.clock_start(delay_ns)
    for phase in range(run.plan.phases):
        if phase > 0:
            wait()
        w.checksum += run.workload.work(w, phase)
    w.clock_stop(since)
    wait()
    w.checksum += run.workload.check(w)


def sequential(run):
    shared, given = run.bond(), run.workload.setup(run)
    workers = [Worker(i, run, given, shared) for i in range(run.count)]
    for phase in range(run.plan.phases):
        for w in workers:
            run.place(w.index)
            since = w.clock_start(clocks.run_delay_ns(begins=True))
            w.checksum += run.workload.work(w, phase)
            w.clock_stop(since)
    for w in workers:
        w.checksum += run.workload.check(w)
    return [w.result() for w in workers]


def threads(run):
    shared, given, barrier = run.bond(), run.workload.setup(run), Barrier(run.count)
    workers = [Worker(i, run, given, shared) for i in range(run.count)]

    def body(w):
        try:
            run_worker(w, run, barrier.wait)
        except BaseException as why:
            # The others wait at the barrier: only the end of the process ends them.
            run.die(Refusal(FAILED, "worker %d: %s" % (w.index, sentence(why))))

    started = [threading.Thread(target=body, args=(w,)) for w in workers]
    start_all(run, started)
    for thread in started:
        thread.join()
    return [w.result() for w in workers]


def start_all(run, started):
    for i, thread in enumerate(started):
        try:
            thread.start()
        except Exception as why:
            run.die(Refusal(IMPOSSIBLE, "cannot start thread %d of %d: %s" % (i + 1, len(started), why)))


def forked(run):
    shared, given = run.apart_bond(), run.workload.setup(run)
    parent, links, pids = os.getpid(), [], {}
    for i in range(run.count):
        # One by one: a worker must not keep another's end open.
        link = Link(i)
        try:
            pids[i] = processes.fork("worker %d of %d" % (i + 1, run.count))
        except Refusal:
            kill_all(pids)
            raise
        if pids[i] == 0:
            processes.die_with(parent)
            live(link, run, given, shared)
        link.close_far()
        links.append(link)
    return attend(links, lambda: kill_all(pids), lambda index: reap(pids, index))


def live(link, run, given, shared):
    """A worker's process, to its end."""
    status = 1
    try:
        w = Worker(link.index, run, given, shared)
        run_worker(w, run, link.wait)
        link.report(w.result())
        status = 0
    except BaseException as why:
        link.report({"failure": sentence(why)})
    finally:
        os._exit(status)


def kill_all(pids):
    for pid in pids.values():
        try:
            os.kill(pid, 9)
        except OSError:
            pass  # ended already


def reap(pids, index):
    status = os.waitpid(pids[index], 0)[1]
    return processes.told(index, status) if status else None


def can_fork(mode="processes"):
    if not hasattr(os, "fork") or clocks.resource is None:
        return "mode '%s' needs fork, which %s does not have" % (mode, name_of_this())


def can_pool(mode):
    """With threads or with processes, it is the same library."""
    if not has_multiprocessing():
        return "mode '%s' needs multiprocessing, which %s does not have" % (mode, name_of_this())
    return can_fork(mode)


def can_loop():
    if sys.version_info < (3, 7):
        return "mode 'events' needs asyncio of Python 3.7 or later: this is %s" % name_of_this()


def in_events(run):
    from runtime import events  # others could not read it
    return events.run(run)


def alone(run, waits):
    """Why no other worker comes between two steps of one, or None."""
    if min(run.count, run.shares) == 1:
        return "there is one worker"
    if run.mode.beside == "nothing":
        return "the workers run one after the other"
    if run.mode.beside == "waits" and not waits:
        return "coroutines give way only where they wait"
    if run.mode.beside == "threads" and looks_up_rarely() and not waits:
        return ("the lock changes hands at backward jumps and calls alone, and the read and the write have none "
                "between them")


def lock_params():
    """How often the lock changes hands can be set, in the interpreter's own unit."""
    if not has_lock():
        return []
    if hasattr(sys, "pypy_version_info") or not hasattr(sys, "setswitchinterval"):
        if not hasattr(sys, "setcheckinterval"):
            return []
        return [Param("check-interval", NUMBER, str(sys.getcheckinterval()), 1, 10 ** 9, value="N",
                      help="bytecodes between two offers of the lock")]
    return [Param("interval", TIME, "%dus" % round(sys.getswitchinterval() * 1e6), 1000, 10 ** 11,
                  value="TIME", help="how long a waiting thread waits before it asks for the lock")]


def set_lock(params):
    """The default is the interpreter's own: not touched."""
    if params.get("interval") is not None:
        if params["interval"] != round(sys.getswitchinterval() * 1e9):
            sys.setswitchinterval(params["interval"] / 1e9)
    elif params.get("check-interval") is not None:
        if params["check-interval"] != sys.getcheckinterval():
            sys.setcheckinterval(params["check-interval"])


MODES = [
    Mode("sequential", "one thread, one share after the other", sequential, "nothing"),
    Mode("threads", "a thread per worker, " + ("with the interpreter's own lock" if has_lock() else
                                               "in an interpreter without a lock"),
         threads, "threads", params=lock_params()),
    Mode("processes", "a forked process per worker", forked, "all", lack=can_fork()),
    Mode("subinterpreters", "a thread per worker, each with an interpreter and a lock of its own",
         subinterpreters.run, "all", lack=subinterpreters.lack(name_of_this())),
    Mode("thread-pool", "as many threads as workers take tasks from a queue", pools.threads, "threads",
         lack=can_pool("thread-pool"), params=pools.PARAMS + lock_params()),
    Mode("process-pool", "as many forked processes as workers take tasks from a queue", pools.forked, "all",
         lack=can_pool("process-pool"), params=pools.PARAMS),
    Mode("events", "one thread, a loop around epoll: workers give way where they wait", in_events, "waits",
         lack=can_loop()),
]
# What the C workloads have and an interpreter cannot be asked for.
ELSEWHERE = {
    "gil": "mode 'gil' is of the C workloads; %s has %s: give threads" % (
        name_of_this(), "a lock of its own" if has_lock() else "no lock"),
    "nogil": "mode 'nogil' is of the C workloads; give threads to a free-threaded interpreter",
}
