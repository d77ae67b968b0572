#!/usr/bin/python3
"""What happens when there is no room: in /dev/shm, on the disk of the output, in a folder that is gone, or
because the launcher sleeps. The program runs to its own end, and what is recorded and what is lost are all
that it did. full_test.py GILSCOPE PROGRAMS. Speaks TAP."""
import os
import shutil
import signal
import struct
import subprocess
import time

from tracing import GILSCOPE, TIMEOUT, Folder, Trace, finish, program, report, run

LOCK, UNLOCK = "mutex-acquire", "mutex-release"
NOBODY = 65534
STATUS = 7  # counter's own


def why_no_mounts():
    """The reason why this test cannot mount anything; None: it can."""
    got = run(["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/dev/shm"])
    return None if got.returncode == 0 else "no mounts here: " + got.stderr.strip().partition("\n")[0]


NO_MOUNTS = why_no_mounts()


def with_mounts(sizes, words):
    """The command with a tmpfs of so many megabytes over each folder."""
    mounts = " && ".join(f"mount -t tmpfs -o size={size},mode=1777 tmpfs {folder}" for folder, size in sizes.items())
    return ["unshare", "-m", "sh", "-c", mounts + ' && exec "$@"', "sh", *words]


def operations(counts):
    """How many each thread of counter did, by its tid."""
    with open(counts, "rb") as file:
        data = file.read()
    rows = [struct.unpack_from("<5Q", data, at) for at in range(64, len(data), 64)]
    return {row[1]: row[3] for row in rows if row[1]}


def events(trace):
    return sum(trace.kinds().values())


def operations_there(trace):
    return sum(len(thread.only(LOCK, UNLOCK)) for thread in trace.threads())


class Run:
    """counter under gilscope trace: each thread with a mutex of its own, so the number of events is known."""

    def __init__(self, folder, threads, pairs, spins="0", output=None, **more):
        self.counts = folder.new("counts")
        self.trace = Trace(output or folder.new())
        self.words = [GILSCOPE, "trace", "-o", self.trace.path, "--syscalls", "off", "--", program("counter"),
                      self.counts, threads, pairs, spins, "alone"]
        self.expected = int(threads) * int(pairs) * 2
        self.more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True,
                     **more}

    def start(self, mounts=None):
        words = with_mounts(mounts, self.words) if mounts else self.words
        self.process = subprocess.Popen(words, **self.more)
        return self

    def wait_for_its_start(self):
        while self.process.poll() is None:
            try:
                if operations(self.counts):
                    return
            except (OSError, struct.error):
                pass  # not there yet
            time.sleep(0.0005)

    def end(self):
        self.err = self.process.communicate(timeout=TIMEOUT)[1]
        return self

    def ran_to_its_end(self):
        did = sum(operations(self.counts).values())
        if self.process.returncode != STATUS or did != self.expected:
            yield f"exit {self.process.returncode}, {did} operations of {self.expected}: {self.err}"

    def loss_is_said(self, lost):
        if not self.err.startswith(f"gilscope: LOST {lost} "):
            yield f"{lost} were lost, but it says first: {self.err}"


def nothing_else_is_missing(one, reference):
    """What is there and what is lost are all events."""
    facts = one.trace.facts()
    if not facts["finished"]:
        yield "the trace is not finished"
    if facts["lost"] == 0:
        yield "nothing was lost: that proves nothing"
    if events(one.trace) + facts["lost"] != reference:
        yield f"{events(one.trace)} events are there, {facts['lost']} lost, {reference} were made"
    yield from one.loss_is_said(facts["lost"])
    yield from one.trace.readable()


def reference(folder, threads, pairs):
    one = Run(folder, threads, pairs).start().end()
    if list(one.ran_to_its_end()) or one.trace.facts()["lost"]:
        raise ValueError(f"the reference run failed: {one.err}")
    return events(one.trace)


def the_output_disk_is_full(folder):
    sentence = "a full output disk: the program ends as it should, recorded and lost are all events"
    if NO_MOUNTS:
        return report([], sentence, NO_MOUNTS)
    wanted, complaints = reference(folder, "3", "100000"), []
    for size in "300k", "1m", "5m":
        place = folder.new("disk")
        os.mkdir(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        try:
            one = Run(folder, "3", "100000", output=os.path.join(place, "trace")).start().end()
            complaints += [*one.ran_to_its_end(), *nothing_else_is_missing(one, wanted)]
        finally:
            subprocess.run(["umount", place], check=True)
    return report(complaints, sentence)


def shared_memory_is_full(folder):
    sentence = "/dev/shm has no room for all rings: the program ends as it should, recorded and lost are all operations"
    if NO_MOUNTS:
        return report([], sentence, NO_MOUNTS)
    complaints = []
    for size in "9m", "12m":
        one = Run(folder, "240", "300").start({"/dev/shm": size}).end()
        complaints += one.ran_to_its_end()
        facts = one.trace.facts()
        there = operations_there(one.trace)
        # The start and the exit of a thread that got no ring are lost too.
        kinds = one.trace.kinds()
        ringless = kinds["thread-create"] - kinds["thread-start"]
        if there + facts["lost"] != one.expected + 2 * ringless or facts["lost"] == 0:
            complaints.append(f"{there} operations of {one.expected} are there, {facts['lost']} events lost, "
                              f"{ringless} threads had no ring")
        complaints += [*one.loss_is_said(facts["lost"]), *one.trace.readable()]
    return report(complaints, sentence)


def there_is_room_elsewhere(folder):
    sentence = "without room in /dev/shm the records travel elsewhere, and none is lost"
    if NO_MOUNTS:
        return report([], sentence, NO_MOUNTS)
    one = Run(folder, "3", "10000").start({"/dev/shm": "1m"}).end()
    complaints = [*one.ran_to_its_end(), *one.trace.readable()]
    if one.trace.facts()["lost"] or operations_there(one.trace) != one.expected:
        complaints.append(f"{operations_there(one.trace)} operations are there: {one.err}")
    return report(complaints, sentence)


def there_is_no_room_at_all(folder):
    sentence = "without room anywhere the command is not run, and one sentence says so"
    if NO_MOUNTS:
        return report([], sentence, NO_MOUNTS)
    place = folder.new("disk")
    os.mkdir(place)
    # The output is not in /tmp, which is covered.
    environment = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "XDG_RUNTIME_DIR")}
    words = [GILSCOPE, "trace", "-o", "/var/tmp/" + os.path.basename(folder.path), "--", "sh", "-c", "echo ran"]
    if GILSCOPE.startswith("/tmp/"):
        return report([], sentence, "gilscope itself is in /tmp")
    got = run(with_mounts({"/tmp": "1m", "/dev/shm": "1m"}, words), env=environment)
    shutil.rmtree(words[3], ignore_errors=True)
    return report([] if got.returncode == 3 and got.stderr.count("\n") == 1 and "no room" in got.stderr and not got.stdout
                  else [f"exit {got.returncode}: {got.stderr}{got.stdout}"], sentence)


def the_folder_cannot_be_written(folder):
    """As nobody, for root may write everywhere."""
    sentence = "a folder that becomes unwritable: the program ends as it should, recorded and lost are all events"
    if os.geteuid() != 0:
        return report([], sentence, "only root can become nobody")
    wanted, complaints = reference(folder, "100", "1000"), []
    one = Run(folder, "100", "1000", user=NOBODY, group=NOBODY, extra_groups=[]).start()
    threads = os.path.join(one.trace.path, "threads")
    while not os.path.exists(threads):
        time.sleep(0.0001)
    os.chmod(threads, 0o555)
    one.end()
    facts, complaints = one.trace.facts(), list(one.ran_to_its_end())
    there = events(one.trace) if one.trace.threads() else 0
    if there + facts["lost"] != wanted or facts["lost"] == 0:
        complaints.append(f"{there} events are there, {facts['lost']} lost, {wanted} were made")
    complaints += one.loss_is_said(facts["lost"])
    return report(complaints, sentence)


def the_folder_is_removed(folder):
    one = Run(folder, "3", "100000", "100").start()
    one.wait_for_its_start()
    shutil.rmtree(one.trace.path, ignore_errors=True)
    one.end()
    complaints = list(one.ran_to_its_end())
    if not one.err.startswith("gilscope: LOST "):
        complaints.append(f"it says first: {one.err}")
    return report(complaints, "a folder that is removed: the program ends as it should, and the loss is said first")


def the_launcher_sleeps(folder):
    one = Run(folder, "3", "300000", "100").start()
    one.wait_for_its_start()
    one.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    one.process.send_signal(signal.SIGCONT)
    one.end()
    facts, complaints = one.trace.facts(), list(one.ran_to_its_end())
    if facts["lost"] or operations_there(one.trace) != one.expected:
        complaints.append(f"{operations_there(one.trace)} of {one.expected} operations are there: {one.err}")
    if facts["stalls"] == 0 or facts["stalls"] != sum(thread.stalls for thread in one.trace.threads()):
        complaints.append(f"{facts['stalls']} stalls were counted")
    return report(complaints, "a launcher that sleeps for a second loses nothing, and the threads' waiting is counted")


with Folder() as folder_:
    for test in (the_output_disk_is_full, shared_memory_is_full, there_is_room_elsewhere, there_is_no_room_at_all,
                 the_folder_cannot_be_written, the_folder_is_removed, the_launcher_sleeps):
        test(folder_)
finish()
