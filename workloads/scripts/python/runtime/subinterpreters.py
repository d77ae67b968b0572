"""Every worker is a thread in an interpreter of its own, with a lock of its own: PEP 684. The interpreters
share no objects; their workers are as far apart as processes, in one address space."""
import os
import sys
import threading

from runtime import FOLDER, bond
from runtime.attend import Link, attend
from runtime.options import IMPOSSIBLE, Refusal

try:
    import _interpreters as interpreters  # 3.13
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        interpreters = None
if sys.version_info < (3, 12):
    interpreters = None  # they have one lock together

START = """
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, %(folder)r)
from runtime.subinterpreters import live
live(%(module)r, %(words)r, %(index)r, %(ends)r, %(bond)r)
"""


def lack(name):
    if interpreters is None:
        return "mode 'subinterpreters' needs CPython 3.12 or later: this is %s" % name


def execute(source):
    """In a new interpreter; returns what went wrong, or None."""
    interpreter = interpreters.create()
    try:
        if hasattr(interpreters, "exec"):
            wrong = getattr(interpreters, "exec")(interpreter, source)
            return wrong and getattr(wrong, "formatted", str(wrong))
        interpreters.run_string(interpreter, source)
    except Exception as why:
        return str(why)
    finally:
        interpreters.destroy(interpreter)


def run(run):
    shared, fd = run.apart_bond_with_fd()
    links, failures = [Link(i) for i in range(run.count)], {}
    descriptors = (shared.echoes, shared.port, shared.pipes, [lock.ends for lock in shared.locks], fd)

    def body(link):
        try:
            failures[link.index] = execute(START % {
                "folder": FOLDER, "module": run.workload.name, "words": run.words,
                "index": link.index, "ends": (link.up, link.down), "bond": descriptors})
        finally:
            link.close_far()

    def reap(index):
        started[index].join()
        wrong = failures.get(index)
        return wrong and "worker %d: %s" % (index, wrong.split("\n")[0])

    started = [threading.Thread(target=body, args=(link,)) for link in links]
    from runtime.modes import start_all
    start_all(run, started)
    try:
        # The others wait for one that is gone; they end with the process.
        return attend(links, lambda: None, reap)
    except Refusal as why:
        run.die(why)


def live(module, words, index, ends, descriptors):
    """In the worker's own interpreter."""
    import mmap

    from runtime.main import Run
    from runtime.modes import run_worker
    from runtime.work import Worker

    run = Run(__import__(module).WORKLOAD, words).prepare()
    echoes, port, pipes, locks, fd = descriptors
    size = bond.memory_bytes(run.plan)
    memory = mmap.mmap(fd, size) if size else None
    shared = bond.Apart(run.plan, echoes, port, pipes, [bond.PipeLock(ends) for ends in locks], memory)
    link = Link(index, ends)
    w = Worker(index, run, run.workload.setup(run), shared)
    run_worker(w, run, link.wait)
    link.report(w.result())


def memory_fd(size):
    try:
        fd = os.memfd_create("gilscope")
        os.ftruncate(fd, size)
        return fd
    except OSError as why:
        raise Refusal(IMPOSSIBLE, "cannot make shared memory: %s" % why.strerror)
