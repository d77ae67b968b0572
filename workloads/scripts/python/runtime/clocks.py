"""Clocks, what the kernel says of a thread, and where a thread runs: whatever of it this interpreter has.
What it does not have is None, never 0."""
import os
import sys
import time

try:
    import resource
except ImportError:  # Jython
    resource = None

# What another program has to print to tell the same clock.
PRINT_NOW = "import time; print(int(time.time() * 1e9))"

if hasattr(time, "monotonic_ns"):
    PRINT_NOW = "import time; print(time.monotonic_ns())"
    now_ns = time.monotonic_ns
elif hasattr(time, "monotonic"):
    PRINT_NOW = "import time; print(int(time.monotonic() * 1e9))"

    def now_ns():
        return int(time.monotonic() * 1e9)
elif sys.platform.startswith("java"):
    from java.io import FileDescriptor, FileOutputStream, IOException
    from java.lang import String, System
    now_ns = System.nanoTime
else:
    # CPython 2.7 has no other that is as cheap: microseconds, of a clock that can be set.
    def now_ns():
        return int(time.time() * 1e9)

# Of Linux; Python 2 has no name for it, but passes it on.
RUSAGE_THREAD = 1
CPUS_MAX = 1024


def cpu_ns():
    """Of this thread."""
    if hasattr(time, "thread_time_ns"):
        return time.thread_time_ns()
    if resource is None:
        return None
    used = resource.getrusage(RUSAGE_THREAD)
    return int((used.ru_utime + used.ru_stime) * 1e9)


def switches():
    """Of this thread: voluntary and involuntary ones."""
    if resource is None:
        return None, None
    used = resource.getrusage(RUSAGE_THREAD)
    return used.ru_nvcsw, used.ru_nivcsw


def run_delay_ns(begins=False):
    """How long this thread has waited for a processor. A kernel that does not account for it says that the
    thread has not run, either; so it does of one that 'begins'."""
    if resource is None:
        return None  # a thread of a virtual machine is not this file's
    try:
        with open("/proc/thread-self/schedstat") as file:
            ran, waited = file.read().split()[:2]
            return int(waited) if int(ran) or begins else None
    except (IOError, OSError, ValueError):
        return None


def write_out(data):
    """To the standard output; returns how much. Jython's descriptors are not the system's."""
    if resource is not None:
        return os.write(1, data)
    try:
        FileOutputStream(FileDescriptor.out).write(String(data).getBytes("ASCII"))
    except IOException as why:
        raise IOError(0, why.getMessage())
    return len(data)


def sleep_until(ns):
    """Never less: Python 2 sleeps whole microseconds."""
    left = ns - now_ns()
    while left > 0:
        time.sleep(left / 1e9)
        left = ns - now_ns()


def libc():
    """The C library, or None where foreign functions cannot be called."""
    try:
        import ctypes
        return ctypes.CDLL(None, use_errno=True)
    except (ImportError, OSError, TypeError):
        return None


def allowed_cpus():
    """What this process may use, in order; none when that is not known."""
    cpus = []
    try:
        with open("/proc/self/status") as file:
            lists = [line.split()[1] for line in file if line.startswith("Cpus_allowed_list")]
    except (IOError, OSError):
        lists = []
    for part in lists[0].split(",") if lists else []:
        first, _, last = part.partition("-")
        cpus += range(int(first), int(last or first) + 1)
    return cpus


def can_place():
    return hasattr(os, "sched_setaffinity") or (resource is not None and libc() is not None)


def place(cpus):
    """Confines the calling thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
        return
    import ctypes
    mask = (ctypes.c_ubyte * (CPUS_MAX // 8))()
    for cpu in cpus:
        mask[cpu // 8] |= 1 << cpu % 8
    libc().sched_setaffinity(0, len(mask), mask)
