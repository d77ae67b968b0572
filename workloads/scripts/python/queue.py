"""Producers and consumers with a bounded queue between them, in the three ways of the textbooks: a lock and two
conditions, with consumers that know how many items will come; the library's queue, which the last producer ends
with a sentinel for each consumer; and its joinable one, with poison pills when every item was told done."""
import sys

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("kind", "choice", "condition", choices=["condition", "sentinel", "joinable"], value="KIND",
                  help="how the consumers come to an end"),
    runtime.Param("bound", "number", "20", 1, 10 ** 9, value="N", help="how many items the queue holds at most"),
    runtime.Param("producers", "number", "0", 0, 1023, value="K",
                  help="how many of the workers produce (0: half of them); the others consume"),
]
# Of the shared numbers: producers that have ended, and what the ring of 'condition' is.
ENDED, FIRST, FILLED, TAKEN, FULL_WAITS, EMPTY_WAITS, MOST, PLACES = range(8)


def producers_of(count, params):
    return params["producers"] or max(1, count // 2)


def ring_items(size, params):
    return min(params["bound"], size) if params["kind"] == "condition" else 0


def plan(count, size, params):
    producers = producers_of(count, params)
    if producers >= count:
        raise runtime.Refusal(2, "--producers %d leaves no consumer of %d; give more --workers or fewer "
                              "--producers" % (producers, count))
    # Of each worker the items that it got, then the ring: number and moment of each item.
    return runtime.Plan(counters=PLACES + count + 2 * ring_items(size, params), locks=1, loop="closed",
                        together=True, refuses={"subinterpreters": "the library's queues are of one interpreter"})


class Ring(object):
    """A bounded queue made of a lock and two conditions; it holds what the consumers may still get."""

    def __init__(self, run):
        library, self.items, self.size = run.library(), ring_items(run.size, run.params), run.size
        self.places = PLACES + run.shares
        self.lock = library.Lock()
        self.not_full, self.not_empty = library.Condition(self.lock), library.Condition(self.lock)

    def put(self, shared, number, put_ns):
        with self.lock:
            shared[FULL_WAITS] += shared[FILLED] == self.items
            while shared[FILLED] == self.items:
                self.not_full.wait()
            at = self.places + 2 * ((shared[FIRST] + shared[FILLED]) % self.items)
            shared[at], shared[at + 1] = number, put_ns
            shared[FILLED] += 1
            shared[MOST] = max(shared[MOST], shared[FILLED])
            self.not_empty.notify()

    def get(self, shared):
        """None: there are no more, and will not be."""
        with self.lock:
            shared[EMPTY_WAITS] += shared[FILLED] == 0 and shared[TAKEN] < self.size
            while shared[FILLED] == 0 and shared[TAKEN] < self.size:
                self.not_empty.wait()
            if shared[FILLED] == 0:
                return None
            at = self.places + 2 * shared[FIRST]
            item = shared[at], shared[at + 1]
            shared[FIRST] = (shared[FIRST] + 1) % self.items
            shared[FILLED] -= 1
            shared[TAKEN] += 1
            if shared[TAKEN] == self.size:
                self.not_empty.notify_all()
            self.not_full.notify()
            return item


def setup(run):
    if run.params["kind"] == "condition":
        return Ring(run)
    joinable = run.params["kind"] == "joinable"
    return runtime.make_queue(run, run.params["bound"], joinable)


def is_last_to_end(w, producers):
    with w.bond.locks[0]:
        w.bond.counters[ENDED] += 1
        return w.bond.counters[ENDED] == producers


def produce(w, producers):
    shared, queue, kind = w.bond.counters, w.given, w.params["kind"]
    start, end = w.share(count=producers)
    w.role = "produces"
    w.did(end - start)
    for number in range(start, end):
        if kind == "condition":
            queue.put(shared, number, runtime.now_ns())
        else:
            queue.put((number, runtime.now_ns()))
    if kind == "condition" or not is_last_to_end(w, producers):
        return
    if kind == "joinable":
        queue.join()
    for _ in range(producers, w.count):
        queue.put(None)


def get(w, producers):
    """The next item, or None at the end."""
    shared, queue = w.bond.counters, w.given
    if w.params["kind"] == "condition":
        return queue.get(shared)
    item = queue.get()
    # A process puts through a thread of its own: what another has put before may come behind the sentinel.
    while item is None and w.bond.apart and w.params["kind"] == "sentinel" \
            and sum(shared[PLACES + i] for i in range(producers, w.count)) < w.size:
        queue.put(None)
        item = queue.get()
    return item


def consume(w, producers):
    total = items = 0
    w.role = "consumes"
    item = get(w, producers)
    while item:
        number, put_ns = item
        w.latency(runtime.now_ns() - put_ns)
        total += runtime.mix(number)
        items += 1
        w.bond.counters[PLACES + w.index] = items
        if w.params["kind"] == "joinable":
            w.given.task_done()
        item = get(w, producers)
    w.did(items)
    return total


def work(w, phase):
    producers = producers_of(w.count, w.params)
    if w.index >= producers:
        return consume(w, producers)
    produce(w, producers)
    return 0


def check(w):
    shared = w.bond.counters
    if w.index > 0:
        return 0
    taken = sum(shared[PLACES + i] for i in range(w.count))
    if taken != w.size:
        w.fail("%d items were taken, not each of the %d once" % (taken, w.size))
    # The library's queues tell none of it.
    if w.params["kind"] == "condition":
        w.tell("full_waits", shared[FULL_WAITS])
        w.tell("empty_waits", shared[EMPTY_WAITS])
        w.tell("most", shared[MOST])
    return 0


WORKLOAD = runtime.Workload(
    name="queue",
    summary="producers and consumers with a bounded queue between them: an item's time in it",
    size_unit="items", size_default="10k", size_low=1, size_high=10 ** 12, workers="4",
    params=PARAMS, plan=plan, setup=setup, work=work, check=check,
    counts=["full_waits", "empty_waits", "most"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
