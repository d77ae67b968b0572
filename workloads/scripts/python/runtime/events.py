"""One thread and one loop around epoll; the workers are coroutines of asyncio, which give way where they wait
and nowhere else. Imported by Python 3.7 and later alone: others could not read it."""
import asyncio
import importlib
import os
import selectors
from collections import OrderedDict

from runtime import clocks
from runtime.options import FAILED, Refusal
from runtime.work import BYTES, Worker, sentence


class CountingSelector(selectors.EpollSelector):
    """What runs between two looks at epoll is a turn: it keeps all others waiting."""

    def __init__(self):
        super().__init__()
        self.restart()

    def restart(self):
        self.turns = self.longest_ns = self.waits = 0
        self.since = clocks.now_ns()

    def end_turn(self):
        self.turns += 1
        self.longest_ns = max(self.longest_ns, clocks.now_ns() - self.since)

    def select(self, timeout=None):
        self.end_turn()
        self.waits += timeout is None or timeout > 0
        ready = super().select(timeout)
        self.since = clocks.now_ns()
        return ready


async def sleep_until(ns):
    """Gives way, and comes back at or after that moment."""
    left = ns - clocks.now_ns()
    while left > 0:
        await asyncio.sleep(left / 1e9)
        left = ns - clocks.now_ns()


async def sleep(ns):
    await sleep_until(clocks.now_ns() + ns)


async def readable(fd, limit_s=None):
    """Gives way until there is something to read; False: the time was up before."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, tell, ready)
    try:
        await asyncio.wait_for(ready, limit_s)
        return True
    except asyncio.TimeoutError:
        return False
    finally:
        loop.remove_reader(fd)


def tell(future):
    if not future.done():
        future.set_result(None)


async def echo(w, byte):
    to, source = w.bond.echoes[w.index]
    os.write(to, BYTES[byte])
    await readable(source)
    answer = os.read(source, 1)
    if not answer:
        raise EOFError("the other end of the echo is gone")
    return ord(answer)


def find_work(workload):
    """A workload that never waits is a coroutine that never gives way."""
    if workload.waits:
        return importlib.import_module("events." + workload.name).work

    async def work(w, phase):
        return workload.work(w, phase)
    return work


async def live(w, phase, work):
    start_ns = clocks.now_ns()
    if w.start_ns is None:
        w.start_ns = start_ns
    try:
        w.checksum += await work(w, phase)
    except Exception as why:
        w.run.die(Refusal(FAILED, "worker %d: %s" % (w.index, sentence(why))))
    w.finish_ns = clocks.now_ns()
    w.elapsed_ns += w.finish_ns - start_ns


async def live_all(run, workers, work, selector):
    # Made in the loop: to Python 3.9 they belong to the one that runs.
    shared = run.bond(asyncio.Lock)
    for w in workers:
        w.bond = shared
    selector.restart()
    for phase in range(run.plan.phases):
        await asyncio.gather(*[live(w, phase, work) for w in workers])
    selector.end_turn()


def run(run):
    given, work = run.workload.setup(run), find_work(run.workload)
    workers = [Worker(i, run, given, None) for i in range(run.count)]
    for w in workers:
        w.spent = [None, None, None, None]  # the thread's are those of all
    run.place(0)
    selector = CountingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    try:
        loop.run_until_complete(live_all(run, workers, work, selector))
    finally:
        loop.close()
    run.loop = OrderedDict([("turns", selector.turns), ("longest_turn_ns", selector.longest_ns),
                            ("waits", selector.waits)])
    for w in workers:
        w.checksum += run.workload.check(w)
    return [w.result() for w in workers]
