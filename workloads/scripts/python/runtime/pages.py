"""The server of crawl's pages: HTTP/1.0, a connection each. Page i is answered latency * spread^u after it was
asked for, u = (mix(i) >> 11) / 2^53; byte j of its body is 'a' + ((i + j) % 26). One thread, one select."""
import errno
import heapq
import select

from runtime.clocks import now_ns
from runtime.work import mix

LETTERS = b"abcdefghijklmnopqrstuvwxyz"
# What select can look at; the others wait until they are accepted.
VISITORS_MAX = 900


def body(page, length):
    first = page % len(LETTERS)
    return (LETTERS * ((first + length) // len(LETTERS) + 1))[first:first + length]


def delay_ns(page, latency_ns, spread):
    return int(latency_ns * float(spread) ** ((mix(page) >> 11) / 2.0 ** 53))


class Visitor(object):
    def __init__(self, socket):
        socket.setblocking(False)
        self.socket, self.asked, self.left, self.page = socket, b"", None, None


class Pages(object):
    def __init__(self, listening, latency_ns, spread, length):
        listening.setblocking(False)
        self.listening, self.latency_ns, self.spread, self.length = listening, latency_ns, spread, length
        self.visitors, self.due = {}, []

    def look(self):
        """Waits for whatever comes next."""
        reading = [fd for fd, one in self.visitors.items() if one.page is None]
        writing = [fd for fd, one in self.visitors.items() if one.left is not None]
        if len(self.visitors) < VISITORS_MAX:
            reading.append(self.listening.fileno())
        wait = max(0, self.due[0][0] - now_ns()) / 1e9 if self.due else None
        readable, writable, _ = select.select(reading, writing, [], wait)
        for fd in readable:
            if fd == self.listening.fileno():
                self.accept()
            else:
                self.read(self.visitors[fd])
        for fd in writable:
            self.write(self.visitors[fd])
        while self.due and self.due[0][0] <= now_ns():
            self.answer(self.visitors[heapq.heappop(self.due)[1]])

    def accept(self):
        visitor = Visitor(self.listening.accept()[0])
        self.visitors[visitor.socket.fileno()] = visitor

    def read(self, visitor):
        data = visitor.socket.recv(4096)
        visitor.asked += data
        if not data:
            self.leave(visitor)
        elif b"\r\n\r\n" in visitor.asked:
            visitor.page = int(visitor.asked.split()[1][1:])
            due_ns = now_ns() + delay_ns(visitor.page, self.latency_ns, self.spread)
            heapq.heappush(self.due, (due_ns, visitor.socket.fileno()))

    def answer(self, visitor):
        header = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % self.length
        visitor.left = memoryview(header.encode("ascii") + body(visitor.page, self.length))
        self.write(visitor)

    def write(self, visitor):
        try:
            visitor.left = visitor.left[visitor.socket.send(visitor.left):]
        except (OSError, IOError) as why:
            if why.errno != errno.EAGAIN:
                raise
        if not len(visitor.left):
            self.leave(visitor)

    def leave(self, visitor):
        del self.visitors[visitor.socket.fileno()]
        visitor.socket.close()


def serve(listening, latency_ns, spread, length):
    pages = Pages(listening, latency_ns, spread, length)
    while True:
        pages.look()
