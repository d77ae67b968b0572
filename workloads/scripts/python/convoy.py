"""I/O workers beside CPU-bound ones: the convoy (Beazley, bpo-7946). The fixed work is the I/O operations;
the CPU-bound workers compute until these are done. A closed loop, as in workloads/convoy.c."""
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("cpu", "number", "1", 0, 1023, value="K",
                  help="how many of the workers are CPU-bound; the others do I/O"),
    runtime.Param("io", "choice", "sleep", choices=["sleep", "pipe", "socketpair"], value="KIND",
                  help="an operation: a sleep, a byte through one's own pipe, or one echoed by a peer"),
    runtime.Param("sleep", "time", "1ms", 1000, 10 ** 10, value="TIME", help="how long a sleep is"),
]


def plan(count, size, params):
    if params["cpu"] >= count:
        raise runtime.Refusal(2, "--cpu %d leaves no I/O worker of %d; give more --workers or less --cpu"
                              % (params["cpu"], count))
    computing = "a worker that computes until the others are done would keep them waiting for ever"
    return runtime.Plan(counters=1, locks=1, echo=params["io"], loop="closed",
                        refuses={"events": computing} if params["cpu"] else {})


def io_workers(w):
    return w.count - w.params["cpu"]


def do_io(w):
    workers, pause = io_workers(w), w.params["sleep"] / 1e9
    start, end = w.size * w.index // workers, w.size * (w.index + 1) // workers
    echoes, total = w.params["io"] != "sleep", 0
    for op in range(start, end):
        byte = op & 255
        issued = runtime.now_ns()
        if echoes:
            byte = w.echo(byte)
        else:
            time.sleep(pause)
        w.latency(runtime.now_ns() - issued)
        total += runtime.mix((op << 8) | byte)
    w.did(end - start)
    # Counts those that have ended, so that 0 needs no preparation.
    with w.bond.locks[0]:
        w.bond.counters[0] += 1
    return total


def compute(w):
    ended, workers, ticks = w.bond.counters, io_workers(w), 0
    while ended[0] < workers:
        ticks += 1
    w.did(ticks)


def work(w, phase):
    does_io = w.index < io_workers(w)
    w.role = "io" if does_io else "cpu"
    if does_io:
        return do_io(w)
    compute(w)
    return 0


WORKLOAD = runtime.Workload(
    name="convoy",
    summary="I/O workers beside CPU-bound ones: operations per second and their latency",
    size_unit="operations", size_default="30", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work, waits=True)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
