"""A server of the workload's own on 127.0.0.1, in a process outside of any lock, until the run ends."""
import os
import signal

from runtime import processes
from runtime.options import IMPOSSIBLE, Refusal


class Server(object):
    def __init__(self, serve):
        self.pid = self.port = None
        if serve:
            self.start(serve)

    def start(self, serve):
        import socket  # large, in Jython; here it is needed
        try:
            listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listening.bind(("127.0.0.1", 0))
            listening.listen(1024)
        except (socket.error, OSError) as why:
            raise Refusal(IMPOSSIBLE, "cannot listen on 127.0.0.1: %s" % why.strerror)
        self.port = listening.getsockname()[1]
        parent = os.getpid()
        self.pid = processes.fork("the server")
        if self.pid == 0:
            try:
                processes.die_with(parent)
                serve(listening)
            finally:
                os._exit(1)
        listening.close()

    def stop(self):
        """Waited for, so that its time is counted."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
