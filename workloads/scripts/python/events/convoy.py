"""As ../convoy.py, in coroutines: of I/O workers alone."""
import runtime
from runtime import events


async def work(w, phase):
    start, end = w.share()
    echoes, total = w.params["io"] != "sleep", 0
    w.role = "io"
    w.did(end - start)
    for op in range(start, end):
        byte = op & 255
        issued = runtime.now_ns()
        if echoes:
            byte = await events.echo(w, byte)
        else:
            await events.sleep_until(issued + w.params["sleep"])
        w.latency(runtime.now_ns() - issued)
        total += runtime.mix((op << 8) | byte)
    return total
