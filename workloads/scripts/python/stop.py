"""Stopping what computes: a thread that looks at a flag now and then, a process that is sent a signal. Latency is
from the flag, or the signal, to the end of the join."""
import os
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("what", "choice", "thread", choices=["thread", "process"], value="WHAT",
                  help="what is stopped: a thread by a flag, or a process by SIGTERM"),
    runtime.Param("look", "number", "1k", 1, 10 ** 9, value="N",
                  help="iterations of an empty loop between two looks at the flag"),
]
# So long it computes before it is stopped.
RUN_NS = 1000000


def plan(count, size, params):
    refuses = {}
    if params["what"] == "process":
        refuses["subinterpreters"] = "an interpreter beside others may not fork"
    return runtime.Plan(loop="closed", refuses=refuses)


def setup(run):
    """Whoever started the run may have had it ignore or block the signal."""
    if run.params["what"] == "process":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def compute(flag, look):
    while not flag.is_set():
        for _ in range(look):
            pass


def compute_apart(parent, flag, look):
    runtime.die_with(parent)
    compute(flag, look)


class Runner(object):
    """A thread, or a process, that computes."""

    def __init__(self, w):
        self.w, self.flag, look = w, threading.Event(), w.params["look"]
        self.is_thread = w.params["what"] == "thread"
        if self.is_thread:
            self.runner = threading.Thread(target=compute, args=(self.flag, look))
        else:
            self.runner = runtime.multiprocessing().Process(target=compute_apart,
                                                            args=(os.getpid(), self.flag, look))
        self.runner.start()

    def stop(self):
        told_ns = runtime.now_ns()
        if self.is_thread:
            self.flag.set()
        else:
            self.runner.terminate()
        self.runner.join()
        self.w.latency(runtime.now_ns() - told_ns)
        if not self.is_thread and self.runner.exitcode not in (-signal.SIGTERM, None):
            self.w.fail("a process ended with %d instead of by SIGTERM" % self.runner.exitcode)


def work(w, phase):
    start, end = w.share()
    w.did(end - start)
    for _ in range(start, end):
        one = Runner(w)
        time.sleep(RUN_NS / 1e9)
        one.stop()
    return sum(runtime.mix(op) for op in range(start, end))


WORKLOAD = runtime.Workload(
    name="stop",
    summary="stops threads by a flag and processes by a signal: how long until they ended",
    size_unit="stops", size_default="100", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, setup=setup, work=work, waits=True)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
