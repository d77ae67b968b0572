"""Two workers that can wait for each other for ever, as workloads/deadlock.c: each takes a lock and then the
other's, or its own again, or one holds a lock and wants the interpreter's while the other waits for that lock in a
call that does not let go of the interpreter's."""
import ctypes
import errno
import sys
import time

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("kind", "choice", "opposite", choices=["opposite", "self", "gil"], value="KIND",
                  help="two locks in opposite order, one lock twice, or a lock and the interpreter's"),
    runtime.Param("timing", "choice", "lucky", choices=["lucky", "unlucky", "timeout"], value="HOW",
                  help="the workers never meet, always do and hang for ever, or give up after --limit"),
    runtime.Param("limit", "time", "10ms", 1000, 10 ** 10, value="TIME",
                  help="how long to wait for the second lock, with --timing timeout"),
]
APART = "the library's locks are of one interpreter"
NO_LIMIT = "locks of threads take no time limit before Python 3.2"


def reasons(params):
    refuses = {"subinterpreters": APART}
    if params["kind"] == "gil":
        for mode in ("sequential", "processes", "subinterpreters", "process-pool", "events"):
            refuses[mode] = "its workers must share an interpreter's lock"
    elif params["timing"] == "timeout" and sys.version_info < (3, 2):
        for mode in ("sequential", "threads", "thread-pool"):
            refuses[mode] = NO_LIMIT
    return refuses


def plan(count, size, params):
    if count != 2:
        raise runtime.Refusal(2, "--%s %d: two workers take two locks; give 2" % (
            "tasks" if "tasks" in params else "workers", count))
    if params["kind"] == "gil" and not runtime.name_of_this().startswith("CPython"):
        raise runtime.Refusal(3, "--kind 'gil' needs a call that keeps the interpreter's lock, which %s does not "
                              "have" % runtime.name_of_this())
    meet = params["kind"] != "self" and params["timing"] != "lucky"
    return runtime.Plan(together=meet, refuses=reasons(params))


class CallLock(object):
    """A semaphore of the C library. CDLL lets go of the interpreter's lock around a call, PyDLL does not."""

    class Moment(ctypes.Structure):
        _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

    def __init__(self):
        self.semaphore = ctypes.create_string_buffer(64)
        self.polite, self.clinging = ctypes.CDLL(None), ctypes.PyDLL(None, use_errno=True)
        self.polite.sem_init(self.semaphore, 0, 1)

    def acquire(self):
        self.polite.sem_wait(self.semaphore)

    def release(self):
        self.polite.sem_post(self.semaphore)

    def cling(self, limit_ns):
        """Waits for ever, or so long; the time is that of the other clock."""
        if limit_ns is None:
            return self.clinging.sem_wait(self.semaphore) == 0
        until = int(time.time() * 1e9) + limit_ns
        moment = self.Moment(until // 10 ** 9, until % 10 ** 9)
        while self.clinging.sem_timedwait(self.semaphore, ctypes.byref(moment)) != 0:
            if ctypes.get_errno() == errno.ETIMEDOUT:
                return False
        return True


class Locks(object):
    def __init__(self, library, kind):
        self.first = CallLock() if kind == "gil" else library.Lock()
        self.second = library.Lock()
        # Of each worker: the other has come to where both meet.
        self.met = [library.Semaphore(0), library.Semaphore(0)]
        # The first worker is through, by luck; it has the lock; the interpreter's will not be let go of.
        self.alone, self.taken, self.clinging = [library.Semaphore(0) for _ in range(3)]

    def meet(self, index):
        self.met[1 - index].release()
        self.met[index].acquire()


def setup(run):
    return Locks(run.library(), run.params["kind"])


def pause(w, turn):
    """Up to the limit."""
    w.tell("given_up", 1)
    time.sleep(runtime.mix(turn << 1 ^ w.index) % w.params["limit"] / 1e9)


def take_opposite(w, timing):
    """Both have their own before either asks for the other's, and both have ended before a round begins."""
    locks, turn = w.given, 0
    own, other = (locks.first, locks.second) if w.index == 0 else (locks.second, locks.first)
    own.acquire()
    if timing != "lucky":
        locks.meet(w.index)
    if timing != "timeout":
        other.acquire()
    while timing == "timeout" and not other.acquire(True, w.params["limit"] / 1e9):
        own.release()
        pause(w, turn)
        turn += 1
        own.acquire()
    other.release()
    own.release()
    if timing != "lucky":
        locks.meet(w.index)


def take_again(w, timing):
    """As a function that takes a lock and is called by another that has it: by luck it has not."""
    own, again = (w.given.first, w.given.second)[w.index], True
    own.acquire()
    if timing == "lucky":
        own.release()
    if timing == "timeout":
        again = own.acquire(True, w.params["limit"] / 1e9)
    else:
        own.acquire()
    w.tell("given_up", not again)
    own.release()


def come_back_with_lock(w, timing):
    """Has the lock, and lets go of the interpreter's while it waits; to go on it needs that again."""
    locks = w.given
    locks.first.acquire()
    if timing == "lucky":
        time.sleep(0)
    else:
        locks.taken.release()
        locks.clinging.acquire()
    locks.first.release()
    if timing != "lucky":
        locks.meet(w.index)


def cling(w, timing):
    """Waits for the lock and keeps the interpreter's, as an extension does that forgets to let go."""
    locks, turn = w.given, 0
    if timing != "lucky":
        locks.taken.acquire()
        locks.clinging.release()
    while not locks.first.cling(w.params["limit"] if timing == "timeout" else None):
        pause(w, turn)
        turn += 1
    locks.first.release()
    if timing != "lucky":
        locks.meet(w.index)


def take_both(w, kind, timing):
    if kind == "opposite":
        take_opposite(w, timing)
    elif kind == "self":
        take_again(w, timing)
    elif w.index == 0:
        come_back_with_lock(w, timing)
    else:
        cling(w, timing)


def work(w, phase):
    kind, timing = w.params["kind"], w.params["timing"]
    in_turn = timing == "lucky" and kind != "self"
    w.tell("given_up", 0)
    if in_turn and w.index == 1:
        w.given.alone.acquire()
    for _ in range(w.size):
        take_both(w, kind, timing)
    if in_turn and w.index == 0:
        w.given.alone.release()
    w.did(w.size)
    return sum(runtime.mix(2 * turn + w.index) for turn in range(w.size))


def check(w):
    if w.index == 0 and w.params["kind"] != "self" and w.params["timing"] == "lucky":
        w.note("it did not hang because one worker was through before the other began: they take two locks in "
               "opposite order")
    return 0


WORKLOAD = runtime.Workload(
    name="deadlock",
    summary="workers that take two locks in opposite order, and hang unless they are lucky",
    size_unit="rounds", size_default="1", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, setup=setup, work=work, check=check, counts=["given_up"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
