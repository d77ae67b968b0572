"""Money moved at random between accounts must keep its sum: both balances are read, then both are written, and
without a lock a transfer that comes in between is undone in part. How far the sum has gone is the result."""
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

MASK = 2 ** 64 - 1
BALANCE = 1000

PARAMS = [
    runtime.Param("accounts", "number", "10", 2, 10 ** 6, value="N", help="between which money is moved"),
    runtime.Param("lock", "choice", "none", choices=["none", "one", "each"], value="HOW",
                  help="what protects a transfer: one lock, or those of both accounts, lower number first"),
    runtime.Param("sleep", "time", "0", 0, 10 ** 10, value="TIME",
                  help="between reading balances and writing them"),
    runtime.Param("seed", "number", "1", 0, 2 ** 63 - 1, value="N", help="seed of the transfers"),
]


def plan(count, size, params):
    locks = {"none": 0, "one": 1, "each": params["accounts"]}[params["lock"]]
    return runtime.Plan(counters=params["accounts"], locks=locks)


def transfer(params, op):
    """From where, to where, how much."""
    accounts, x = params["accounts"], 3 * (params["seed"] << 32 ^ op)
    source = runtime.mix(x & MASK) % accounts
    target = (source + 1 + runtime.mix(x + 1 & MASK) % (accounts - 1)) % accounts
    return source, target, 1 + runtime.mix(x + 2 & MASK) % 100


def move(balances, source, target, amount, pause):
    left, right = balances[source], balances[target]
    if pause:
        time.sleep(pause)
    balances[source] = left - amount
    balances[target] = right + amount


def work(w, phase):
    start, end = w.share()
    # A balance is what was added to the first one.
    balances, locks, pause, how = w.bond.counters, w.bond.locks, w.params["sleep"] / 1e9, w.params["lock"]
    w.did(end - start)
    for op in range(start, end):
        source, target, amount = transfer(w.params, op)
        if how == "none":
            move(balances, source, target, amount, pause)
        elif how == "one":
            with locks[0]:
                move(balances, source, target, amount, pause)
        else:
            with locks[min(source, target)], locks[max(source, target)]:
                move(balances, source, target, amount, pause)
    return sum(runtime.mix(op) for op in range(start, end))


def explain(w):
    alone = w.alone(waits=w.params["sleep"] > 0)
    if w.params["lock"] != "none":
        return "no update can be lost: a lock protects each"
    if alone:
        return "no update can be lost: " + alone
    return "updates can be lost here; the sum is what it was"


def check(w):
    if w.index > 0:
        return 0
    balances = [BALANCE + moved for moved in w.bond.counters]
    before, after = BALANCE * len(balances), sum(balances)
    w.tell("sum_before", before)
    w.tell("sum_after", after)
    w.tell("drift", abs(after - before))
    if before == after:
        w.note(explain(w))
    if w.params["lock"] == "none":
        return 0
    if before != after:
        w.fail("the sum went from %d to %d behind a lock" % (before, after))
    return sum(runtime.mix(i << 32 ^ balance & 0xffffffff) for i, balance in enumerate(balances))


WORKLOAD = runtime.Workload(
    name="bank",
    summary="transfers between accounts: whether the sum of all balances stays what it was",
    size_unit="transfers", size_default="100k", size_low=1, size_high=10 ** 12,
    params=PARAMS, plan=plan, work=work, check=check, waits=True,
    counts=["sum_before", "sum_after", "drift"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
