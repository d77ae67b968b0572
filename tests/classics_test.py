#!/usr/bin/python3
"""What is true of the workloads about locks, by their own counts and in the reports on their traces:
classics_test.py GILSCOPE FOLDER. Speaks TAP."""
import json
import subprocess

from tracing import GILSCOPE, Folder, finish, program, report, run

GILS = ["threads", "gil --gil cpython2", "gil --gil cpython3", "nogil", "processes"]
TRIES = 20  # of what is left to chance, and nearly certain each time


def result(line):
    """What a run printed, as JSON; fails with what it said."""
    words = line.split()
    got = run([program(words[0]), *words[1:], "--json"], timeout=120)
    if got.returncode or got.stderr:
        raise ValueError(f"{line}: exit {got.returncode} {got.stderr}")
    return json.loads(got.stdout)


def wrong(line, **true):
    """Complaints about what is not true of a run's result."""
    try:
        got = result(line)
    except ValueError as why:
        return [str(why)]
    return [f"{line}: not {name}: {got['counts']} {got['notes']}" for name, test in true.items() if not test(got)]


def ever(line, test):
    """A complaint when no run of some is so."""
    for _ in range(TRIES):
        got = result(line)
        if test(got):
            return []
    return [f"{line}: never in {TRIES} runs; the last had {got['counts']}"]


def refused(line, code, words):
    got = run([program(line.split()[0]), *line.split()[1:]])
    return [] if got.returncode == code and words in got.stderr and not got.stdout else \
        [f"{line}: exit {got.returncode} {got.stdout}{got.stderr}"]


def test_bank():
    slow = "bank --mode gil --gil cpython2 --workers 4 --size 200 --sleep 50us"
    report(ever(slow, lambda got: got["counts"]["drift"] > 0 and not got["notes"]),
           "bank loses its sum when the lock of CPython 2 is let go of between reading and writing")
    report(ever("bank --mode processes --size 50k", lambda got: got["counts"]["drift"] > 0),
           "bank loses its sum between processes")
    complaints = []
    for mode in GILS:
        for lock in "one", "each":
            for more in "--size 20k", "--workers 4 --size 100 --sleep 50us":
                complaints += wrong(f"bank --mode {mode} --lock {lock} {more}",
                                    drift_0=lambda got: got["counts"]["drift"] == 0,
                                    explained=lambda got: "a lock protects each" in got["notes"][0])
    report(complaints, "bank keeps its sum behind one lock, and behind each account's own")
    report(wrong("bank --mode gil --gil cpython3 --size 50k", drift_0=lambda got: got["counts"]["drift"] == 0,
                 explained=lambda got: "backward jumps" in got["notes"][0]),
           "bank keeps its sum under CPython 3's lock, and says why")


def test_sync():
    complaints = []
    for mode in GILS:
        for primitive in "lock", "rlock", "semaphore":
            complaints += wrong(f"sync --mode {mode} --primitive {primitive} --size 2000 --hold 10 --workers 3",
                                all_takes=lambda got: got["counts"]["handovers"] + got["counts"]["repeats"] == 1999,
                                a_run=lambda got: got["counts"]["longest_run"] < 2000)
        for primitive, latencies in ("event", 1000), ("condition", 1000), ("barrier", 999):
            complaints += wrong(f"sync --mode {mode} --primitive {primitive} --size 1001 --workers 3",
                                unknown=lambda got: set(got["counts"].values()) == {None},
                                all_latencies=lambda got, n=latencies: got["latency"]["n"] == n)
    report(complaints, "sync counts every take, and has the latency of every token and meeting")


def test_queue():
    complaints = []
    for mode in GILS:
        for kind in "condition", "sentinel", "joinable":
            for more in "--bound 1", "--bound 7 --producers 1 --workers 5", "--producers 3":
                complaints += wrong(
                    f"queue --mode {mode} --kind {kind} --size 500 {more}",
                    bounded=lambda got: 1 <= got["counts"]["most"] <= got["params"]["bound"],
                    all_made=lambda got: sum(one["units"] for one in got["per_worker"]
                                             if one["role"] == "produces") == 500,
                    all_had=lambda got: sum(one["units"] for one in got["per_worker"]
                                            if one["role"] == "consumes") == 500)
    report(complaints, "queue never holds more than its bound, and every item is put and got")
    report(refused("queue --mode threads --workers 2 --producers 2", 2, "leaves no consumer"),
           "queue without a consumer is refused")


def hangs(line):
    """A hang that says nothing; who is killed for it may have been slow, and is never wrong."""
    words = line.split()
    with subprocess.Popen([program(words[0]), *words[1:]], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        try:
            out, _ = process.communicate(timeout=1)
            return [f"{line}: ended with {process.returncode}: {out}"]
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
            return [f"{line}: said {out}"] if out else []


def test_deadlock():
    complaints = []
    for mode in GILS:
        for kind in ("opposite", "self", "gil") if mode.startswith("gil") else ("opposite", "self"):
            line = f"deadlock --mode {mode} --kind {kind} --size 3"
            complaints += wrong(f"{line} --timing lucky", none=lambda got: got["counts"]["given_up"] == 0)
            # At least one of two, in each round; of a lock that is one's own, both.
            complaints += wrong(f"{line} --timing timeout --limit 1ms", some=lambda got, own=kind == "self":
                                got["counts"]["given_up"] == 6 if own else got["counts"]["given_up"] >= 3)
    report(complaints, "deadlock ends when it is lucky, and when it gives up")
    report([complaint for line in ("threads --kind opposite", "processes --kind opposite", "threads --kind self",
                                   "gil --kind gil", "gil --gil cpython2 --kind opposite")
            for complaint in hangs(f"deadlock --mode {line} --timing unlucky")],
           "deadlock hangs and says nothing when it is unlucky")
    report(refused("deadlock --mode threads --kind gil", 3, "must share an interpreter's lock")
           + refused("deadlock --mode threads --workers 3", 2, "--workers 3: two workers take two locks; give 2")
           + refused("deadlock --mode thread-pool --tasks 5", 2, "--tasks 5: two workers take two locks; give 2"),
           "deadlock needs two workers, and for its kind 'gil' a lock that they share")


LOCKS = ["make_first_lock", "make_second_lock"]


def named(words, verdict, locks):
    """Complaints about the report on a trace of a run, by what it does not name."""
    with Folder() as folder:
        _, trace = folder.trace(words, ["--quiet"])
        got = run([GILSCOPE, "report", "--hazards", trace.path])
    text = " ".join((got.stdout + got.stderr).split())
    return [f"no '{word}' in {text}" for word in (verdict, "worker 0", "worker 1", *locks) if word not in text]


def named_when_killed(line, locks):
    """The same of one that hangs, when the time was enough to come to where it does."""
    for limit in "1", "4", "16":
        complaints = named(["timeout", "-s", "KILL", limit, program("deadlock"), "--timing", "unlucky", *line.split()],
                           "DEADLOCK", locks)
        if not complaints:
            break
    return complaints


def test_reports():
    report(named_when_killed("--mode threads", LOCKS)
           + named_when_killed("--mode gil --kind gil", ["make_first_lock", "GIL of process"]),
           "the report on a deadlock that was killed names both threads and both locks")
    report(named([program("deadlock"), "--mode", "threads"], "COULD DEADLOCK", LOCKS)
           + named([program("deadlock"), "--mode", "gil", "--kind", "gil"], "COULD DEADLOCK",
                   ["make_first_lock", "GIL of process"]),
           "the report on a deadlock that did not happen names both threads and both locks")
    report(named([program("livelock"), "--mode", "threads"], "LIVELOCK", LOCKS),
           "the report on a livelock names both threads and both locks")


def test_livelock():
    complaints = []
    for mode in GILS:
        for backoff in "none", "random":
            complaints += wrong(f"livelock --mode {mode} --backoff {backoff}",
                                adds_up=lambda got: got["counts"]["tries"] ==
                                got["counts"]["failed_tries"] + got["counts"]["progress"] <= 1000,
                                ended=lambda got: got["counts"]["progress"] == 10 or got["counts"]["tries"] == 1000)
        complaints += ever(f"livelock --mode {mode} --patience 200",
                           lambda got: got["counts"]["progress"] < 10 and got["counts"]["failed_tries"] > 150
                           and "gave up" in got["notes"][0])
        complaints += ever(f"livelock --mode {mode} --backoff random",
                           lambda got: got["counts"]["progress"] == 10 and not got["notes"])
    complaints += wrong("livelock", at_once=lambda got: got["counts"] == {"tries": 10, "failed_tries": 0, "progress": 10})
    report(complaints, "livelock makes all steps with random pauses, gives up without, and alone tries once each")


def test_starvation():
    complaints = []
    for mode in GILS:
        complaints += wrong(f"starvation --mode {mode} --lock ticket --size 10",
                            in_order=lambda got: got["counts"]["most_overtakes"] <= 3,
                            all_waits=lambda got: got["latency"]["n"] == 10 and
                            got["latency"]["max"] == got["counts"]["longest_wait_ns"],
                            roles=lambda got: [one["role"] for one in got["per_worker"]] == ["meek"] + ["greedy"] * 3)
    complaints += ever("starvation --mode threads --lock plain --workers 8",
                       lambda got: got["counts"]["most_overtakes"] > 7)
    complaints += ever("starvation --mode threads --size 2 --hold 5ms --patience 1ms",
                       lambda got: got["counts"]["rescues"] > 0 and "stood back" in got["notes"][0])
    report(complaints, "starvation: tickets are served in order, a plain lock is not, and a wait that is too long ends")


def test_inversion():
    sentence = "inversion: the medium worker is through before the high one has the lock, unless its holder inherits"
    about = json.loads(run([program("inversion"), "--describe"]).stdout)
    if about["modes"][0]["reason"].startswith("needs"):
        report([], sentence, skip=about["modes"][0]["reason"])
        return
    complaints = []
    for mode in "threads", "nogil", "processes":
        complaints += wrong(f"inversion --mode {mode} --size 5 --medium 1ms",
                            each=lambda got: got["counts"]["inversions"] == got["latency"]["n"] == 5)
        complaints += wrong(f"inversion --mode {mode} --size 5 --medium 1ms --protocol inherit",
                            none=lambda got: got["counts"]["inversions"] == 0)
    report(complaints, sentence)


for test in test_bank, test_sync, test_queue, test_deadlock, test_livelock, test_starvation, test_inversion, test_reports:
    test()
finish()
