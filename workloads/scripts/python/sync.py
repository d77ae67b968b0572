"""Handing over: workers take turns at a lock, pass a token round, meet at a barrier, or raise a number of their
own. As workloads/sync.c, with what the library has for it."""
import sys
import threading

sys.dont_write_bytecode = True

import runtime  # noqa: E402

TURNS = ["lock", "rlock", "semaphore"]
PARAMS = [
    runtime.Param("primitive", "choice", "lock",
                  choices=["lock", "rlock", "event", "condition", "semaphore", "barrier", "local"],
                  value="WHAT", help="what the workers take, wait for or write"),
    runtime.Param("hold", "number", "0", 0, 10 ** 9, value="N",
                  help="iterations of an empty loop while it is held"),
]
# Of the shared numbers: written by the lock's holder.
LAST, RELEASED, HANDOVERS, REPEATS, RUN, LONGEST, TURN, PLACES = range(8)
# Of each worker's place: that it wants the lock, when it was given the token, when it came to the barrier, in
# a round and in the next.
ASKING, GIVEN, ARRIVED, PLACE = 0, 1, 2, 4


def plan(count, size, params):
    primitive, refuses = params["primitive"], {}
    if primitive == "barrier" and not hasattr(threading, "Barrier"):
        raise runtime.Refusal(3, "--primitive 'barrier' needs Python 3.2 or later: this is %s"
                              % runtime.name_of_this())
    if primitive != "local":
        refuses["subinterpreters"] = "the library's locks are of one interpreter"
    return runtime.Plan(counters=PLACES + PLACE * count, loop=None if primitive == "local" else "closed",
                        refuses=refuses, together=primitive in ("event", "condition", "barrier"))


class Primitives(object):
    """Of threads or of processes: 'library' has both by the same names."""

    def __init__(self, primitive, count, library):
        self.lock = {"rlock": library.RLock, "semaphore": library.Semaphore}.get(primitive, library.Lock)()
        self.events = [library.Event() for _ in range(count if primitive == "event" else 0)]
        self.conditions = [library.Condition(self.lock)
                           for _ in range(count if primitive == "condition" else 0)]
        self.barrier = library.Barrier(count) if primitive == "barrier" else None
        for event in self.events[:1]:
            event.set()


def setup(run):
    return Primitives(run.params["primitive"], run.shares, run.library())


def place(index):
    return PLACES + PLACE * index


def hold(times):
    for _ in range(times):
        pass


def count_take(w, asked_ns):
    """Called by the holder. True: it has the lock from another, whose release it has waited for."""
    shared = w.bond.counters
    shared[place(w.index) + ASKING] = 0
    alone = not any(shared[place(i) + ASKING] for i in range(w.count))
    again, first = shared[LAST] == w.index + 1, shared[LAST] == 0
    shared[LAST] = w.index + 1
    shared[REPEATS] += again
    shared[HANDOVERS] += not again and not first
    shared[RUN] = 0 if alone else shared[RUN] + 1 if again else 1
    shared[LONGEST] = max(shared[LONGEST], shared[RUN])
    return not again and asked_ns < shared[RELEASED]


def take_turns(w, times):
    shared, lock, ticks = w.bond.counters, w.given.lock, w.params["hold"]
    twice, asking = w.params["primitive"] == "rlock", place(w.index) + ASKING
    for _ in range(times):
        shared[asking] = 1
        asked_ns = runtime.now_ns()
        with lock:
            if twice:
                lock.acquire()
            taken_ns = runtime.now_ns()
            handed = count_take(w, asked_ns)
            waited_ns = taken_ns - shared[RELEASED]
            hold(ticks)
            if twice:
                lock.release()
            shared[RELEASED] = runtime.now_ns()
        if handed:
            w.latency(waited_ns)


def got_token(w, got_ns):
    """Writes down how long it took, and returns who is next."""
    given_ns = w.bond.counters[place(w.index) + GIVEN]
    if given_ns:
        w.latency(got_ns - given_ns)
    hold(w.params["hold"])
    return (w.index + 1) % w.count


def pass_by_events(w, times):
    shared, events = w.bond.counters, w.given.events
    for _ in range(times):
        events[w.index].wait()
        got_ns = runtime.now_ns()
        events[w.index].clear()
        following = got_token(w, got_ns)
        shared[place(following) + GIVEN] = runtime.now_ns()
        events[following].set()


def pass_by_conditions(w, times):
    shared, conditions = w.bond.counters, w.given.conditions
    for _ in range(times):
        with w.given.lock:
            while shared[TURN] != w.index:
                conditions[w.index].wait()
            following = got_token(w, runtime.now_ns())
            shared[TURN] = following
            shared[place(following) + GIVEN] = runtime.now_ns()
            conditions[following].notify()


def meet(w, rounds):
    """The moments of one round are read while those of the next are written."""
    shared, barrier = w.bond.counters, w.given.barrier
    for turn in range(rounds):
        hold(w.params["hold"])
        at = ARRIVED + turn % 2
        shared[place(w.index) + at] = runtime.now_ns()
        barrier.wait()
        left_ns = runtime.now_ns()
        w.latency(left_ns - max(shared[place(i) + at] for i in range(w.count)))


def raise_own(w, times):
    own = threading.local()
    own.number = 0
    for _ in range(times):
        own.number += 1
    if own.number != times:
        w.fail("a number of the thread's own was raised by %d and not by %d" % (own.number, times))


def work(w, phase):
    primitive = w.params["primitive"]
    start, end = w.share()
    if primitive in TURNS:
        take_turns(w, end - start)
    elif primitive == "event":
        pass_by_events(w, end - start)
    elif primitive == "condition":
        pass_by_conditions(w, end - start)
    elif primitive == "barrier":
        meet(w, w.size // w.count)
    else:
        raise_own(w, end - start)
    w.did(end - start)
    return sum(runtime.mix(op) for op in range(start, end))


def check(w):
    shared = w.bond.counters
    if w.index > 0 or w.params["primitive"] not in TURNS:
        return 0
    w.tell("handovers", shared[HANDOVERS])
    w.tell("repeats", shared[REPEATS])
    w.tell("longest_run", shared[LONGEST])
    takes = 1 + shared[HANDOVERS] + shared[REPEATS]
    if takes != w.size:
        w.fail("%d takes were counted of %d" % (takes, w.size))
    return 0


WORKLOAD = runtime.Workload(
    name="sync",
    summary="workers hand over a lock or a token, or meet: how long it takes, and who gets it",
    size_unit="hand-overs", size_default="10k", size_low=1, size_high=10 ** 12,
    params=PARAMS, plan=plan, setup=setup, work=work, check=check,
    counts=["handovers", "repeats", "longest_run"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
