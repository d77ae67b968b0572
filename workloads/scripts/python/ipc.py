"""Messages between pairs of workers: one sends numbers and waits until they come back, the other answers with
the same. What carries them is the library's pipe or queue, a pair of sockets, or shared memory; and they can be
pickled on the way, which costs its own."""
import pickle
import socket
import struct
import sys

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("via", "choice", "pipe", choices=["pipe", "queue", "socketpair", "shared"], value="WHAT",
                  help="what carries the messages"),
    runtime.Param("message", "number", "64", 8, 16 * 10 ** 6, value="BYTES", help="the length of a message"),
    runtime.Param("serialize", "choice", "no", choices=["no", "yes"], value="WHETHER",
                  help="pickle the numbers of a message on each side"),
]
LENGTH = struct.Struct("=Q")


def plan(count, size, params):
    if count % 2:
        raise runtime.Refusal(2, "--workers %d: messages go between two; give an even number" % count)
    if params["via"] == "pipe":
        runtime.need_multiprocessing("--via 'pipe'")
    apart = "the library's connections and semaphores are of one interpreter"
    return runtime.Plan(together=True, loop="closed", refuses={"subinterpreters": apart})


class Piped(object):
    """The library sends the length first."""

    def __init__(self, source, to):
        self.get, self.put = source.recv_bytes, to.send_bytes


class Queued(object):
    def __init__(self, source, to):
        self.get, self.put = source.get, to.put


class Socket(object):
    def __init__(self, end):
        self.end = end

    def put(self, message):
        self.end.sendall(LENGTH.pack(len(message)) + message)

    def read(self, size):
        parts = []
        while size:
            part = self.end.recv(min(size, 1 << 20))
            if not part:
                raise EOFError("the other end of a socket is gone")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def get(self):
        return self.read(LENGTH.unpack(self.read(LENGTH.size))[0])


class Shared(object):
    """One message at a time: whoever has it may write it."""

    def __init__(self, memory, arrived, sent):
        self.memory, self.arrived, self.sent = memory, arrived, sent

    def put(self, message):
        self.memory[:LENGTH.size] = LENGTH.pack(len(message))
        self.memory[LENGTH.size:LENGTH.size + len(message)] = message
        self.sent.release()

    def get(self):
        self.arrived.acquire()
        length = LENGTH.unpack(self.memory[:LENGTH.size])[0]
        return self.memory[LENGTH.size:LENGTH.size + length]


def pair(run):
    """Both ends of what connects two workers."""
    via = run.params["via"]
    if via == "pipe":
        multiprocessing = runtime.multiprocessing()
        there, back = multiprocessing.Pipe(False), multiprocessing.Pipe(False)
        return Piped(back[0], there[1]), Piped(there[0], back[1])
    if via == "queue":
        there, back = runtime.make_queue(run), runtime.make_queue(run)
        return Queued(back, there), Queued(there, back)
    if via == "socketpair":
        ours, theirs = socket.socketpair()
        return Socket(ours), Socket(theirs)
    import mmap  # Jython has none
    there, back = run.library().Semaphore(0), run.library().Semaphore(0)
    # Pickled, a number of 64 bits takes 11 bytes at most, and the list a few.
    memory = mmap.mmap(-1, LENGTH.size + 2 * run.params["message"] + 64)
    return Shared(memory, back, there), Shared(memory, there, back)


def setup(run):
    ends = []
    for _ in range(run.shares // 2):
        ends += pair(run)
    return ends


class Coder(object):
    """Numbers to a message and back."""

    def __init__(self, w):
        self.w, self.words, self.pickles = w, w.params["message"] // 8, w.params["serialize"] == "yes"
        self.plain = struct.Struct("=%dQ%dx" % (self.words, w.params["message"] % 8))

    def encode(self, numbers):
        since = runtime.now_ns()
        message = pickle.dumps(numbers, pickle.HIGHEST_PROTOCOL)
        self.w.tell("serialize_ns", runtime.now_ns() - since)
        return message

    def decode(self, message):
        since = runtime.now_ns()
        numbers = pickle.loads(message)
        self.w.tell("deserialize_ns", runtime.now_ns() - since)
        return numbers


def exchange(w, coder, numbers, plain):
    """A message there and back; returns what came."""
    end = w.given[w.index]
    message = coder.encode(numbers) if coder.pickles else plain
    w.tell("bytes", len(message))
    end.put(message)
    answer = end.get()
    return coder.decode(answer) if coder.pickles else answer


def send_all(w, coder, start, end):
    total = 0
    w.did(end - start)
    for k in range(start, end):
        numbers = [runtime.mix(k * coder.words + i) for i in range(coder.words)]
        plain = coder.plain.pack(*numbers)
        sent_ns = runtime.now_ns()
        answer = exchange(w, coder, numbers, plain)
        w.latency(runtime.now_ns() - sent_ns)
        if answer != (numbers if coder.pickles else plain):
            w.fail("message %d came back as another" % k)
        total += (answer if coder.pickles else coder.plain.unpack(answer))[0]
    return total


def answer_all(w, coder, times):
    end = w.given[w.index]
    for _ in range(times):
        message = end.get()
        end.put(coder.encode(coder.decode(message)) if coder.pickles else message)


def work(w, phase):
    coder = Coder(w)
    start, end = w.share(index=w.index // 2, count=w.count // 2)
    for name in WORKLOAD.counts:
        w.tell(name, 0)
    w.role = "answers" if w.index % 2 else "sends"
    if w.index % 2 == 0:
        return send_all(w, coder, start, end)
    answer_all(w, coder, end - start)
    return 0


WORKLOAD = runtime.Workload(
    name="ipc",
    summary="messages between pairs of workers, there and back, and what encoding them costs",
    size_unit="messages", size_default="10k", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, setup=setup, work=work,
    counts=["bytes", "serialize_ns", "deserialize_ns"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
