"""A call that may never return, given a limit: it runs in a process, which is killed and joined when its time is
up. Latency is of the calls that ran out: from the deadline to where the caller can go on."""
import errno
import os
import signal
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("limit", "time", "10ms", 1000, 10 ** 10, value="TIME", help="how long a call may take"),
    runtime.Param("seed", "number", "1", 0, 2 ** 63 - 1, value="N", help="seed of which calls return"),
]


def plan(count, size, params):
    return runtime.Plan(loop="closed", refuses={"subinterpreters": "an interpreter beside others may not fork"})


def call(parent, answer, op, quick):
    """In a process of its own."""
    runtime.die_with(parent)
    if quick:
        answer.send(runtime.mix(op))
    while not quick:
        time.sleep(3600)


class Call(object):
    """One that has been started."""

    def __init__(self, w, op):
        multiprocessing = runtime.multiprocessing()
        self.w, self.op, self.quick = w, op, runtime.mix(w.params["seed"] ^ op) & 1 == 1
        self.deadline_ns = runtime.now_ns() + w.params["limit"]
        self.answer, theirs = multiprocessing.Pipe(False)
        self.process = multiprocessing.Process(target=call, args=(os.getpid(), theirs, op, self.quick))
        self.process.start()
        theirs.close()

    def left_s(self):
        return max(0, self.deadline_ns - runtime.now_ns()) / 1e9

    def take_answer(self):
        if self.answer.recv() != runtime.mix(self.op) or not self.quick:
            self.w.fail("call %d was answered wrongly" % self.op)
        self.w.tell("in_time", 1)
        self.process.join()

    def kill(self):
        try:
            os.kill(self.process.pid, signal.SIGKILL)
        except OSError as why:
            # It was late, has ended since, and the library waits for such when it starts another.
            if why.errno != errno.ESRCH:
                raise

    def give_up(self):
        self.kill()
        self.process.join()
        self.w.latency(runtime.now_ns() - self.deadline_ns)
        self.w.tell("killed", 1)
        self.w.tell("late", self.quick)

    def end(self):
        self.answer.close()
        if not runtime.is_reaped(self.process.pid):
            self.w.fail("the process of call %d was not reaped" % self.op)


def begin(w):
    start, end = w.share()
    w.did(end - start)
    for name in WORKLOAD.counts:
        w.tell(name, 0)
    return start, end


def work(w, phase):
    start, end = begin(w)
    for op in range(start, end):
        one = Call(w, op)
        if one.answer.poll(one.left_s()):
            one.take_answer()
        else:
            one.give_up()
        one.end()
    return sum(runtime.mix(op) for op in range(start, end))


WORKLOAD = runtime.Workload(
    name="timeout",
    summary="calls with a limit, each in a process that is killed when its time is up",
    size_unit="calls", size_default="20", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work, waits=True, counts=["in_time", "killed", "late"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
