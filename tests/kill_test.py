#!/usr/bin/python3
"""Programs and launchers that are killed by SIGKILL at random moments: kill_test.py GILSCOPE PROGRAMS [RUNS
[SEED]]. Half of the runs kill the program, a quarter the launcher, a quarter both. Speaks TAP."""
import ctypes
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

from tracing import GILSCOPE, KIND, TIMEOUT, Folder, Trace, finish, program, report, run

RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
PR_SET_CHILD_SUBREAPER = 36
WINDOW = 0.04
# Between pairs, and how many pairs there are when the program ends by itself: as fast as possible, and slowly
# enough that the launcher sleeps now and then.
SPINS = {"0": "200000", "300": "100000", "3000": "20000"}
ENDLESS = "1000000000"
LOCK, UNLOCK = "mutex-acquire", "mutex-release"


def slots(path):
    """What counter wrote: of the program, and of each thread."""
    with open(path, "rb") as file:
        data = file.read()
    rows = [struct.unpack_from("<5Q", data, at) for at in range(0, len(data), 64)]
    whole = dict(zip(("pid", "tid", "begun", "done", "ended"), rows[0])) if rows else {"pid": 0}
    return whole, [dict(zip(("pid", "tid", "begun", "done", "ended"), row)) for row in rows[1:] if row[1]]


def threads_are_gapless(trace):
    for thread in trace.threads():
        got = thread.only(LOCK, UNLOCK)
        if got != (bytes([KIND[LOCK], KIND[UNLOCK]]) * (len(got) // 2 + 1))[:len(got)]:
            yield f"thread {thread.number}: locks and unlocks do not alternate"
        if thread.flags & 1 and b"\0" in thread.kinds:
            yield f"thread {thread.number}: an empty slot"


def all_but_one_is_there(trace, threads, may_lose=False):
    """'may_lose': with the launcher the space ends; then what is not there is counted, if anybody counts."""
    files = {thread.tid: thread for thread in trace.threads()}
    for slot in threads:
        thread = files.get(slot["tid"])
        there = len(thread.only(LOCK, UNLOCK)) if thread else 0
        if there > slot["begun"]:
            yield f"thread {slot['tid']}: began {slot['begun']} operations, {there} are there"
        if not may_lose and there < slot["done"]:
            yield f"thread {slot['tid']}: did {slot['done']} operations, {there} are there"


def start(folder, pairs, spins):
    path, counts = folder.new(), folder.new("counts")
    words = [GILSCOPE, "trace", "-o", path, "--", program("counter"), counts, "3", pairs, spins, "fork"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while True:
        try:
            whole, _ = slots(counts)
            if whole["pid"]:
                return process, Trace(path), counts, whole["pid"]
        except (OSError, struct.error):
            pass  # not there yet
        if process.poll() is not None:
            raise ValueError(f"ended too early: {process.communicate()[1]}")
        time.sleep(0.0005)


def wait_for_orphans(limit=TIMEOUT):
    """Their statuses, by pid."""
    ends, until = {}, time.monotonic() + limit
    while time.monotonic() < until:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ends
        if pid:
            ends[pid] = status
        else:
            time.sleep(0.001)
    raise TimeoutError("the program does not end")


def wait_for_the_end_of(counts):
    """The program is at its end; while its launcher lives it is not ours to wait for."""
    while not slots(counts)[0]["ended"]:
        time.sleep(0.001)


def kill_program(folder, moment, spins):
    process, trace, counts, pid = start(folder, ENDLESS, spins)
    time.sleep(moment)
    os.killpg(pid, signal.SIGKILL)
    err = process.communicate(timeout=TIMEOUT)[1]
    yield trace
    if process.returncode != 128 + signal.SIGKILL:
        yield f"exit {process.returncode}"
    if "none lost" not in err:
        yield err
    if not trace.facts()["finished"]:
        yield "the trace is not finished"
    yield from all_but_one_is_there(trace, slots(counts)[1])


def recover(trace):
    got = run([GILSCOPE, "recover", trace.path])
    if got.returncode or got.stderr:
        yield f"recover: exit {got.returncode} {got.stderr}"
    if not trace.facts()["finished"]:
        yield "the recovered trace is not finished"
    yield from trace.readable()


def kill_launcher(folder, moment, spins):
    """The program must come to its own end."""
    process, trace, counts, pid = start(folder, SPINS[spins], spins)
    time.sleep(moment)
    process.kill()
    process.communicate()
    ended = wait_for_orphans()
    yield trace
    whole, threads = slots(counts)
    # It may have ended before.
    if ended.get(pid, 7 << 8) != 7 << 8 or not whole["ended"]:
        yield f"the program ended with status {ended.get(pid)}"
    if any(slot["done"] != 2 * int(SPINS[spins]) or not slot["ended"] for slot in threads) or len(threads) != 6:
        yield f"threads did not come to their end: {threads}"
    if not trace.facts()["finished"]:
        # Killed early, it has not made a thread's file, or not written its header.
        yield from trace.readable() if any(thread.number for thread in trace.threads()) else []
        yield from recover(trace)
    yield from all_but_one_is_there(trace, threads, may_lose=True)
    there = sum(len(thread.only(LOCK, UNLOCK)) for thread in trace.threads())
    lost = trace.facts().get("lost", 0)
    if there + lost < sum(slot["done"] for slot in threads):
        yield f"{there} are there, {lost} lost, of {sum(slot['done'] for slot in threads)}"


def kill_both(folder, moment, spins):
    """The program first: then nothing that it did is lost."""
    process, trace, counts, pid = start(folder, ENDLESS, spins)
    time.sleep(moment)
    os.killpg(pid, signal.SIGKILL)
    process.kill()
    process.communicate()
    wait_for_orphans()
    yield trace
    if not trace.facts()["finished"]:
        # Killed early, it has not made a thread's file, or not written its header.
        yield from trace.readable() if any(thread.number for thread in trace.threads()) else []
        yield from recover(trace)
    yield from all_but_one_is_there(trace, slots(counts)[1])


def a_launcher_is_killed_before_it_has_written(folder):
    """It had made files, with nothing in them; the program has ended since."""
    # Few operations, for nobody drains them, and slow ones, so that it has not ended when its launcher is stopped.
    process, trace, counts, _ = start(folder, "1000", "30000")
    process.send_signal(signal.SIGSTOP)
    wait_for_the_end_of(counts)
    process.kill()
    process.communicate()
    wait_for_orphans()
    numbers = {thread.number for thread in trace.threads()}
    for number in range(1, 9):
        if number not in numbers:
            with open(os.path.join(trace.path, "threads", f"{number:05}.gst"), "wb"):
                pass
    report([*recover(trace), *all_but_one_is_there(trace, slots(counts)[1]), *threads_are_gapless(trace)],
           "files that a killed launcher left empty are made anew by recover")


def attempts(folder, kill, runs, draw):
    complaints, read, done = [], [], 0
    for number in range(1, runs + 1):
        steps = kill(folder, draw.random() * WINDOW, draw.choice([*SPINS]))
        trace = next(steps)
        complaints += [f"run {number}: {complaint}" for complaint in steps]
        read += [f"run {number}: {complaint}" for complaint in
                 [*trace.readable(), *threads_are_gapless(trace)]]
        done += sum(len(thread.kinds) for thread in trace.threads())
        for arena in [trace.facts()["arena"]] if trace.facts()["arena"] else []:
            shutil.rmtree(arena, ignore_errors=True)
        shutil.rmtree(trace.path)
    print(f"# {runs} runs, {done} records")
    return complaints, read


def main():
    draw = random.Random(SEED)
    print(f"# seed {SEED}")
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        report([], "orphans can be waited for", skip="no PR_SET_CHILD_SUBREAPER here")
        return
    with Folder() as folder:
        a_launcher_is_killed_before_it_has_written(folder)
        for kill, runs, what in (
                (kill_program, (RUNS + 1) // 2, "a killed program leaves all its operations but the one in flight"),
                (kill_launcher, (RUNS + 3) // 4, "a program comes to its own end when the launcher is killed"),
                (kill_both, (RUNS + 3) // 4, "what program and launcher leave when both are killed is recovered")):
            complaints, read = attempts(folder, kill, runs, draw)
            report(complaints, f"{what}, {runs} times")
            report(read, f"{what}: and the trace is readable and without gaps")


main()
finish()
