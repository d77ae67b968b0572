"""Forking, and ending with one's parent."""
import errno
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


def is_reaped(pid):
    """Whether a child of this process has been waited for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except OSError as why:
        return why.errno == errno.ECHILD
    return False


def told(index, status):
    """How a worker ended, when not well."""
    return told_code(index, -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def told_code(index, code):
    """The same of an exit status, or the number of a signal below 0."""
    if code < 0:
        return "worker %d was killed by signal %d (%s)" % (index, -code, signal_name(-code))
    return "worker %d exited with status %d" % (index, code)


def signal_name(number):
    if hasattr(signal, "strsignal"):
        return signal.strsignal(number)
    import ctypes
    strsignal = ctypes.CDLL(None).strsignal
    strsignal.restype = ctypes.c_char_p
    return strsignal(number).decode("ascii")
