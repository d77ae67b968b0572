"""Lost updates: workers raise one counter by one. "counter += 1" reads it, adds and writes it back, and where
another worker comes in between, one of the two updates is lost. How many is the result, not a failure."""
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("lock", "choice", "none", choices=["none", "lock"], value="HOW",
                  help="what protects an update"),
    runtime.Param("sleep", "time", "0", 0, 10 ** 10, value="TIME",
                  help="the longest sleep before an update, and between its read and its write"),
    runtime.Param("seed", "number", "1", 0, 2 ** 63 - 1, value="N", help="seed of the sleeps"),
]


def plan(count, size, params):
    return runtime.Plan(counters=1, locks=1)


def pause_s(params, n):
    """Of the n-th sleep; operation op has the 2 * op-th before it, and the next one in it."""
    return runtime.mix(params["seed"] ^ n) % params["sleep"] / 1e9


def add(counter, times):
    for _ in range(times):
        counter[0] += 1


def add_locked(counter, lock, times):
    for _ in range(times):
        with lock:
            counter[0] += 1


def add_slowly(counter, start, end, params):
    for op in range(start, end):
        time.sleep(pause_s(params, 2 * op))
        value = counter[0]
        time.sleep(pause_s(params, 2 * op + 1))
        counter[0] = value + 1


def add_slowly_locked(counter, lock, start, end, params):
    for op in range(start, end):
        time.sleep(pause_s(params, 2 * op))
        with lock:
            value = counter[0]
            time.sleep(pause_s(params, 2 * op + 1))
            counter[0] = value + 1


def work(w, phase):
    start, end = w.share()
    counter, lock = w.bond.counters, w.bond.locks[0]
    w.did(end - start)
    if w.params["sleep"] and w.params["lock"] == "lock":
        add_slowly_locked(counter, lock, start, end, w.params)
    elif w.params["sleep"]:
        add_slowly(counter, start, end, w.params)
    elif w.params["lock"] == "lock":
        add_locked(counter, lock, end - start)
    else:
        add(counter, end - start)
    return sum(runtime.mix(op) for op in range(start, end))


def explain(w):
    alone = w.alone(waits=w.params["sleep"] > 0)
    if w.params["lock"] == "lock":
        return "no update can be lost: a lock protects each"
    if alone:
        return "no update can be lost: " + alone
    return "updates can be lost here; none was in this run"


def check(w):
    if w.index > 0:
        return 0
    found = w.bond.counters[0]
    lost = w.size - found
    w.tell("expected", w.size)
    w.tell("found", found)
    w.tell("lost_updates", lost)
    if lost and w.params["lock"] == "lock":
        w.fail("%d updates were lost behind a lock" % lost)
    if not lost:
        w.note(explain(w))
    return 0


WORKLOAD = runtime.Workload(
    name="race",
    summary="workers raise one counter, each step read and written: how many updates are lost",
    size_unit="updates", size_default="1k", size_low=1, size_high=10 ** 12, workers="10",
    params=PARAMS, plan=plan, work=work, check=check, waits=True,
    counts=["expected", "found", "lost_updates"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
