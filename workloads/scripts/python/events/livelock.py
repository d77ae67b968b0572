"""As ../livelock.py, in coroutines: they give way while they have their own lock."""
import asyncio

import livelock


def count_try(w):
    """Nobody comes in between: it does not give way."""
    turn = w.bond.counters[0]
    if turn >= w.params["patience"]:
        return None
    w.bond.counters[0] = turn + 1
    w.tell("tries", 1)
    return turn


async def make_step(w):
    own, other = w.bond.locks[w.index], w.bond.locks[1 - w.index]
    while True:
        async with own:
            await asyncio.sleep(livelock.LOOK_S)
            turn = count_try(w)
            if turn is None:
                return False
            if not other.locked():
                return True
        w.tell("failed_tries", 1)
        await asyncio.sleep(livelock.backoff_s(w, turn))


async def work(w, phase):
    start, stop = livelock.begin(w)
    made = 0
    for _ in range(start, stop):
        made += await make_step(w)
    return livelock.end(w, start, stop, made)
