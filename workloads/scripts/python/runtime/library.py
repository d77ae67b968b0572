"""Which interpreter this is, and what of its library it has."""
import sys

from runtime import clocks
from runtime.options import IMPOSSIBLE, Refusal


def name_of_this():
    language = "%d.%d.%d" % sys.version_info[:3]
    if hasattr(sys, "pypy_version_info"):
        return "PyPy %d.%d.%d, Python %s" % (sys.pypy_version_info[:3] + (language,))
    if sys.platform.startswith("java"):
        return "Jython %s" % language
    free = hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled()
    return "CPython %s%s" % (language, " free-threaded" if free else "")


def has_lock():
    """Whether one thread runs at a time."""
    return not sys.platform.startswith("java") and "free-threaded" not in name_of_this()


def looks_up_rarely():
    """Whether a thread keeps the lock between two statements with no call or jump back in them: CPython looks
    up from its work there alone since 3.10."""
    return has_lock() and not hasattr(sys, "pypy_version_info") and sys.version_info >= (3, 10)


def has_multiprocessing():
    try:
        import _multiprocessing  # noqa: F401
    except ImportError:
        return False
    return True


def need_multiprocessing(what):
    if not has_multiprocessing():
        raise Refusal(IMPOSSIBLE, "%s needs multiprocessing, which %s does not have" % (what, name_of_this()))


def multiprocessing():
    """The library, whose processes are forked ones."""
    import multiprocessing as library
    # Who forks has what its children need: to load it in each would take longer than the child lives.
    clocks.libc()
    return library.get_context("fork") if hasattr(library, "get_context") else library


def make_queue(run, bound=0, joinable=False):
    """Of threads or of processes; without a bound it holds whatever is put."""
    if run.is_apart():
        return (multiprocessing().JoinableQueue if joinable else multiprocessing().Queue)(bound)
    try:
        from queue import Queue
    except ImportError:  # Python 2
        from Queue import Queue
    return Queue(bound)
