"""As ../bank.py, in coroutines: they give way in their sleeps."""
import asyncio
import contextlib

import bank
import runtime


def locks_of(w, source, target):
    if w.params["lock"] == "one":
        return [w.bond.locks[0]]
    if w.params["lock"] == "each":
        return [w.bond.locks[min(source, target)], w.bond.locks[max(source, target)]]
    return []


async def work(w, phase):
    start, end = w.share()
    balances, pause = w.bond.counters, w.params["sleep"] / 1e9
    w.did(end - start)
    for op in range(start, end):
        source, target, amount = bank.transfer(w.params, op)
        async with contextlib.AsyncExitStack() as held:
            for lock in locks_of(w, source, target):
                await held.enter_async_context(lock)
            left, right = balances[source], balances[target]
            if pause:
                await asyncio.sleep(pause)
            balances[source] = left - amount
            balances[target] = right + amount
    return sum(runtime.mix(op) for op in range(start, end))
