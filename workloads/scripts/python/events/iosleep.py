"""As ../iosleep.py, in coroutines: they give way in all sleeps but those that block."""
import iosleep
import runtime
from runtime import events


async def work(w, phase):
    period, echoes = w.params["period"], w.params["io"] != "sleep"
    due, total = runtime.now_ns(), 0
    start, end = w.share()
    w.role = "io"
    w.did(end - start)
    for op in range(start, end):
        byte = op & 255
        due += period
        if iosleep.blocks(w, op - start + 1):
            w.sleep_until(due)
        else:
            await events.sleep_until(due)
        if echoes:
            byte = await events.echo(w, byte)
        w.latency(runtime.now_ns() - due)
        total += runtime.mix((op << 8) | byte)
    return total
