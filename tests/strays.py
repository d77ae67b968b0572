"""What tests of programs that are killed share: TAP, and all processes that come from a test, by a variable that
it gives them."""
import contextlib
import os
import signal
import time

# A process that is still there after so long stays for ever: all that are made here would.
PATIENCE = 60
NAME, VALUE = "STRAYS_TEST", str(os.getpid())
MARK = f"{NAME}={VALUE}"
MARKED = {**os.environ, NAME: VALUE}
count = failures = 0


def report(good, sentence, *notes):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)
    for note in [] if good else notes:
        print("# " + str(note)[:600].replace("\n", "\n# "))


def finish():
    print(f"1..{count}")
    return 1 if failures else 0


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def ours():
    """Pid and name of all that run and have the variable, or its text as a word."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if MARK.encode() in read(f"/proc/{pid}/environ") or MARK.encode() in read(f"/proc/{pid}/cmdline"):
            found[int(pid)] = read(f"/proc/{pid}/comm").decode().strip()
    return found


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def nothing_is_left(sentence, *notes):
    gone = until(lambda: not ours())
    left = ours()
    report(gone, sentence, left, *notes)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
