"""Forking, and ending with one's parent."""
import os
import signal

from runtime import clocks
from runtime.options import IMPOSSIBLE, Refusal

PR_SET_PDEATHSIG = 1


def fork(what):
    try:
        return os.fork()
    except OSError as why:
        raise Refusal(IMPOSSIBLE, "cannot fork %s: %s" % (what, why.strerror))


def die_with(parent):
    """Never outlive the parent, not even one that was killed just now."""
    libc = clocks.libc()
    if libc:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def told(index, status):
    """How a worker ended, when not well."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "worker %d was killed by signal %d (%s)" % (index, number, signal_name(number))
    return "worker %d exited with status %d" % (index, os.WEXITSTATUS(status))


def signal_name(number):
    if hasattr(signal, "strsignal"):
        return signal.strsignal(number)
    import ctypes
    strsignal = ctypes.CDLL(None).strsignal
    strsignal.restype = ctypes.c_char_p
    return strsignal(number).decode("ascii")
