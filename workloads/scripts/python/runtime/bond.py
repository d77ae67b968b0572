"""What workers share: counters, locks, the lists that they hand over, the ends of their echoes. Workers of
one interpreter share objects; workers that are apart (processes, subinterpreters) share memory and pipes."""
import os
import threading
from array import array

try:
    import mmap
except ImportError:  # Jython
    mmap = None

NUMBER = array("I").itemsize  # four bytes
WORD = 8


class Bond(object):
    """Of workers in one interpreter."""

    apart = False

    def __init__(self, plan, echoes, port=None, make_lock=threading.Lock):
        self.counters, self.locks = [0] * plan.counters, [make_lock() for _ in range(plan.locks)]
        self.echoes, self.lists, self.port = echoes, {}, port

    def offer(self, index, start, values):
        self.lists[index] = values

    def send(self, index, values):
        pass

    def take(self, index, start, end):
        return self.lists.pop(index)


class PipeLock(object):
    """A byte in a pipe: whoever has read it has the lock. For interpreters, that share no other."""

    def __init__(self, ends=None):
        self.ends = ends
        if ends is None:
            self.ends = os.pipe()
            os.write(self.ends[1], b"x")

    def __enter__(self):
        os.read(self.ends[0], 1)

    def __exit__(self, *exception):
        os.write(self.ends[1], b"x")


class Apart(object):
    """Of workers in processes or subinterpreters: memory that all see, and pipes."""
    apart = True

    def __init__(self, plan, echoes, port, pipes, locks, memory):
        self.plan, self.echoes, self.port = plan, echoes, port
        self.pipes, self.locks, self.memory = pipes, locks, memory
        self.counters = numbers_of(memory, plan.counters, plan.kind) if plan.counters else []

    def offer(self, index, start, values):
        """In the phase before the one in which it is taken."""
        if self.plan.handing == "shared":
            data, at = to_bytes(array("I", values)), self.place_of(start)
            self.memory[at:at + len(data)] = data

    def send(self, index, values):
        """In the phase in which it is taken."""
        if self.plan.handing == "pipe":
            write_all(self.pipes[index][1], to_bytes(array("I", values)))

    def place_of(self, start):
        return WORD * self.plan.counters + NUMBER * start

    def take(self, index, start, end):
        if self.plan.handing == "pipe":
            data = read_all(self.pipes[index][0], NUMBER * (end - start))
        else:
            data = self.memory[self.place_of(start):self.place_of(end)]
        return array("I", data).tolist()


def memory_bytes(plan):
    return WORD * plan.counters + (NUMBER * plan.numbers if plan.handing == "shared" else 0)


def to_bytes(values):
    return values.tobytes() if hasattr(values, "tobytes") else values.tostring()


def numbers_of(memory, count, kind):
    """Memory as numbers that can be read and set."""
    try:
        return memoryview(memory)[:WORD * count].cast(kind)
    except (TypeError, AttributeError):  # Python 2
        import ctypes
        return ({"q": ctypes.c_longlong, "Q": ctypes.c_ulonglong}[kind] * count).from_buffer(memory)


def write_all(fd, data):
    data = memoryview(data)
    while len(data):
        data = data[os.write(fd, data):]


def read_all(fd, size):
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            raise EOFError("the other end of a pipe is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
