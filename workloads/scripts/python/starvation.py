"""One meek worker wants a lock now and then; greedy ones take it again as soon as they have given it back. The
library's lock has no order; tickets are served in the order of arrival. As workloads/starvation.c, the greedy ones
stand back when the meek one has waited too long."""
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("lock", "choice", "plain", choices=["plain", "ticket"], value="KIND",
                  help="a lock without an order, or one that serves in the order of arrival"),
    runtime.Param("hold", "time", "100us", 1000, 10 ** 10, value="TIME",
                  help="how long a greedy worker sleeps with the lock held, and the meek one without"),
    runtime.Param("patience", "time", "50ms", 1000, 10 ** 10, value="TIME",
                  help="after such a wait of the meek worker the greedy ones stand back"),
]
# Of the shared numbers. ASKED: since when the meek worker waits, 0: it does not.
TICKET, SERVING, GREEDY_TAKES, ASKED, THROUGH, NUMBERS = range(6)


def plan(count, size, params):
    return runtime.Plan(counters=NUMBERS, loop="closed", refuses={
        "subinterpreters": "the library's locks are of one interpreter",
        "events": "a lock of asyncio serves in the order of arrival, and nobody starves"})


class Plain(object):
    """Takes are counted with the lock held."""

    def __init__(self, library):
        self.lock = library.Lock()

    def take(self, w):
        """Returns how often greedy workers took it between one's asking and one's turn."""
        shared = w.bond.counters
        before = shared[GREEDY_TAKES]
        self.lock.acquire()
        overtakes = shared[GREEDY_TAKES] - before
        shared[GREEDY_TAKES] += w.index > 0
        return overtakes

    def give(self, w):
        self.lock.release()


class Tickets(object):
    def __init__(self, library):
        self.served = library.Condition()

    def take(self, w):
        shared = w.bond.counters
        with self.served:
            ticket, before = shared[TICKET], shared[GREEDY_TAKES]
            shared[TICKET] += 1
            while shared[SERVING] != ticket:
                self.served.wait()
            overtakes = shared[GREEDY_TAKES] - before
            shared[GREEDY_TAKES] += w.index > 0
            return overtakes

    def give(self, w):
        with self.served:
            w.bond.counters[SERVING] += 1
            self.served.notify_all()


def setup(run):
    return (Tickets if run.params["lock"] == "ticket" else Plain)(run.library())


def be_meek(w):
    shared, lock, hold_s, patience_ns = w.bond.counters, w.given, w.params["hold"] / 1e9, w.params["patience"]
    longest_ns = most = rescues = 0
    for _ in range(w.size):
        asked_ns = shared[ASKED] = runtime.now_ns()
        overtakes = lock.take(w)
        waited_ns = runtime.now_ns() - asked_ns
        shared[ASKED] = 0
        lock.give(w)
        w.latency(waited_ns)
        longest_ns, most = max(longest_ns, waited_ns), max(most, overtakes)
        rescues += waited_ns > patience_ns
        time.sleep(hold_s)
    shared[THROUGH] = 1
    w.did(w.size)
    for name, count in ("longest_wait_ns", longest_ns), ("most_overtakes", most), ("rescues", rescues):
        w.tell(name, count)
    if w.params["lock"] == "ticket" and most >= w.count:
        w.fail("greedy workers took the lock %d times before a ticket was served" % most)
    if rescues:
        w.note("the greedy workers stood back %d times: else the meek one would have waited longer" % rescues)
    return sum(runtime.mix(op) for op in range(w.size))


def be_greedy(w):
    shared, lock, hold_s, patience_ns = w.bond.counters, w.given, w.params["hold"] / 1e9, w.params["patience"]
    takes = 0
    while not shared[THROUGH]:
        asked_ns = shared[ASKED]
        if asked_ns and runtime.now_ns() > asked_ns + patience_ns:
            time.sleep(hold_s)
            continue
        lock.take(w)
        time.sleep(hold_s)
        lock.give(w)
        takes += 1
    w.did(takes)
    w.tell("greedy_takes", takes)


def work(w, phase):
    w.role = "greedy" if w.index else "meek"
    w.tell("greedy_takes", 0)
    if w.index == 0:
        return be_meek(w)
    be_greedy(w)
    return 0


WORKLOAD = runtime.Workload(
    name="starvation",
    summary="a meek worker wants a lock that greedy ones take again at once: how long it waits",
    size_unit="takes", size_default="20", size_low=1, size_high=10 ** 9, workers="4",
    params=PARAMS, plan=plan, setup=setup, work=work,
    counts=["greedy_takes", "longest_wait_ns", "most_overtakes", "rescues"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
