"""A map over a range, in chunks: each result is stored by its number. In the modes with pools the chunks are
tasks, whose results come back in order or as they are completed."""
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("item-ticks", "number", "2000", 0, 10 ** 9, value="N",
                  help="what an item costs: iterations of an empty loop"),
    runtime.Param("sleep", "time", "0", 0, 10 ** 10, value="TIME",
                  help="how long an item waits besides"),
    runtime.Param("spread", "choice", "even", choices=["even", "wide"], value="HOW",
                  help="every item costs that, or from none to 7 quarters of it"),
]


def plan(count, size, params):
    return runtime.Plan(counters=size, kind="Q")


def quarters(params, item):
    """Of the cost of an item."""
    return runtime.mix(item) % 8 if params["spread"] == "wide" else 4


def compute(item, ticks, pause):
    for _ in range(ticks):
        pass
    if pause:
        time.sleep(pause)
    return runtime.mix(item)


def work(w, phase):
    start, end = w.share()
    results, ticks, pause = w.bond.counters, w.params["item-ticks"], w.params["sleep"] / 1e9
    w.did(end - start)
    total = 0
    for item in range(start, end):
        cost = quarters(w.params, item)
        results[item] = compute(item, ticks * cost // 4, pause * cost / 4)
        total += results[item]
    return total


def check(w):
    for item, result in enumerate(w.bond.counters) if w.index == 0 else ():
        if result != runtime.mix(item):
            w.fail("the result of item %d is not in its place" % item)
            break
    return 0


WORKLOAD = runtime.Workload(
    name="poolmap",
    summary="computes every item of a range and puts its result in its place",
    size_unit="items", size_default="1k", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work, check=check, waits=True)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
