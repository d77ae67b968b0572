"""As ../race.py, in coroutines: they give way in their sleeps, and an update is lost where one is in it."""
import asyncio
import contextlib

import race
import runtime


async def pause(params, n):
    if params["sleep"]:
        await asyncio.sleep(race.pause_s(params, n))


async def work(w, phase):
    start, end = w.share()
    counter, total = w.bond.counters, 0
    w.did(end - start)
    for op in range(start, end):
        await pause(w.params, 2 * op)
        async with w.bond.locks[0] if w.params["lock"] == "lock" else contextlib.AsyncExitStack():
            value = counter[0]
            await pause(w.params, 2 * op + 1)
            counter[0] = value + 1
        total += runtime.mix(op)
    return total
