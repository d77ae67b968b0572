"""Two polite workers, each of which needs both locks: it takes its own, tries the other's, and when that is held
gives its own back and begins again. As workloads/livelock.c."""
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("backoff", "choice", "none", choices=["none", "random"], value="HOW",
                  help="begin again at once, or after a pause of up to a millisecond"),
    runtime.Param("patience", "number", "1000", 1, 10 ** 9, value="N", help="tries in all before both give up"),
]
# How long one has its own lock before it tries the other's; and the longest pause.
LOOK_S, BACKOFF_NS = 0.0001, 1000000
# The third lock protects the number of tries.
TRIES_LOCK = 2


def plan(count, size, params):
    if count != 2:
        raise runtime.Refusal(2, "--%s %d: two workers take two locks; give 2" % (
            "tasks" if "tasks" in params else "workers", count))
    return runtime.Plan(counters=1, locks=3,
                        refuses={"subinterpreters": "interpreters share no lock that can be tried"})


def backoff_s(w, turn):
    return runtime.mix(turn << 1 ^ w.index) % BACKOFF_NS / 1e9 if w.params["backoff"] == "random" else 0


def count_try(w):
    """Its number, or None when all have been made."""
    with w.bond.locks[TRIES_LOCK]:
        turn = w.bond.counters[0]
        if turn >= w.params["patience"]:
            return None
        w.bond.counters[0] = turn + 1
    w.tell("tries", 1)
    return turn


def make_step(w):
    """One step, for which both locks are needed. False: the patience has ended."""
    own, other = w.bond.locks[w.index], w.bond.locks[1 - w.index]
    while True:
        with own:
            time.sleep(LOOK_S)
            turn = count_try(w)
            if turn is None:
                return False
            if other.acquire(False):
                other.release()
                return True
        w.tell("failed_tries", 1)
        time.sleep(backoff_s(w, turn))


def begin(w):
    for name in WORKLOAD.counts:
        w.tell(name, 0)
    return w.share()


def end(w, start, stop, made):
    """The checksum is of the steps that were worked at: which of them are made is the result."""
    w.tell("progress", made)
    w.did(made)
    if made < stop - start:
        w.note("the workers gave up: each gave its own lock back when it found the other's held, and took it "
               "again")
    return sum(runtime.mix(step) for step in range(start, stop))


def work(w, phase):
    start, stop = begin(w)
    return end(w, start, stop, sum(make_step(w) for _ in range(start, stop)))


WORKLOAD = runtime.Workload(
    name="livelock",
    summary="polite workers that give way to each other, and do not get on",
    size_unit="steps", size_default="10", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work, waits=True, counts=["tries", "failed_tries", "progress"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
