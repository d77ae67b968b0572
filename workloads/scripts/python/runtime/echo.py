"""The ends of echoes: a pipe to oneself, or a pair of sockets whose other end a peer process serves, outside
of any lock."""
import os

from runtime import processes
from runtime.options import IMPOSSIBLE, Refusal


class Echoes(object):
    def __init__(self, kind, count):
        self.ends, self.peer, self.sockets = [], None, []
        if kind == "pipe":
            self.open(self.open_pipe, count)
        elif kind == "socketpair":
            self.open(self.open_pair, count)
            self.start_peer()

    def open(self, one, count):
        for i in range(count):
            try:
                one()
            except (OSError, IOError) as why:
                raise Refusal(IMPOSSIBLE, "cannot open pipe %d of %d: %s" % (i + 1, count, why.strerror))

    def open_pipe(self):
        source, to = os.pipe()
        self.ends.append((to, source))

    def open_pair(self):
        import socket  # large, in Jython; here it is needed
        try:
            ours, theirs = socket.socketpair()
        except socket.error as why:  # in Python 2 no OSError
            raise OSError(*why.args)
        self.sockets.append((ours, theirs))
        self.ends.append((ours.fileno(), ours.fileno()))

    def start_peer(self):
        parent = os.getpid()
        self.peer = processes.fork("the echo peer")
        if self.peer == 0:
            processes.die_with(parent)
            for ours, _ in self.sockets:
                ours.close()
            serve([theirs.fileno() for _, theirs in self.sockets])
            os._exit(0)
        for _, theirs in self.sockets:
            theirs.close()

    def stop(self):
        """The peer ends when its last socket closes; waited for, so that its time is counted."""
        for ours, _ in self.sockets:
            ours.close()
        if self.peer:
            os.waitpid(self.peer, 0)


def serve(fds):
    import select
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    left = len(fds)
    while left:
        for fd, _ in poll.poll():
            data = os.read(fd, 256)
            if data:
                os.write(fd, data)
            else:
                poll.unregister(fd)
                left -= 1
