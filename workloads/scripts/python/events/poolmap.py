"""As ../poolmap.py, in coroutines: they give way in their sleeps, not while they compute."""
import asyncio

import poolmap


async def work(w, phase):
    start, end = w.share()
    results, ticks, pause = w.bond.counters, w.params["item-ticks"], w.params["sleep"] / 1e9
    w.did(end - start)
    total = 0
    for item in range(start, end):
        cost = poolmap.quarters(w.params, item)
        if pause * cost:
            await asyncio.sleep(pause * cost / 4)
        results[item] = poolmap.compute(item, ticks * cost // 4, 0)
        total += results[item]
    return total
