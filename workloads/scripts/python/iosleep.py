"""Workers that wait most of the time: timers that fall due, or bytes echoed by a pipe or a peer, one every
period. The loop is open, as in workloads/iosleep.c: an operation is due by the clock, whether or not the one
before has ended, and its latency counts from that moment."""
import sys

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("io", "choice", "sleep", choices=["sleep", "pipe", "socketpair"], value="KIND",
                  help="an operation: a timer, a byte through one's own pipe, or one echoed by a peer"),
    runtime.Param("period", "time", "1ms", 1000, 10 ** 10, value="TIME",
                  help="from one operation of a worker to its next"),
    runtime.Param("blocking", "number", "0", 0, 10 ** 9, value="N",
                  help="every N-th operation of worker 0 waits in a call that blocks; 0: none"),
]


def plan(count, size, params):
    return runtime.Plan(echo=params["io"], loop="open")


def blocks(w, number):
    """Whether a worker's operation waits in a call that nobody made for an event loop: elsewhere it is a sleep
    like any other."""
    return w.index == 0 and w.params["blocking"] > 0 and number % w.params["blocking"] == 0


def work(w, phase):
    period, echoes = w.params["period"], w.params["io"] != "sleep"
    due, total = runtime.now_ns(), 0
    start, end = w.share()
    w.role = "io"
    w.did(end - start)
    for op in range(start, end):
        byte = op & 255
        due += period
        w.sleep_until(due)
        if echoes:
            byte = w.echo(byte)
        w.latency(runtime.now_ns() - due)
        total += runtime.mix((op << 8) | byte)
    return total


WORKLOAD = runtime.Workload(
    name="iosleep",
    summary="waits for timers or byte echoes, one a period: latency from the intended start",
    size_unit="operations", size_default="200", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work, waits=True)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
