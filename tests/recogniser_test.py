#!/usr/bin/python3
"""What gilscope report --gil tells of the lock models from outside is what they have counted themselves, to the
one; real interpreters' locks are found, and programs without one have none.
recogniser_test.py GILSCOPE WORKLOADS [RUNS]. Speaks TAP."""
import collections
import json
import os
import shutil
import sys

from tracing import GILSCOPE, Folder, finish, program, report, run

RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 1
WORKLOADS = {
    "countdown": ["--size", "5M"],
    "mergesort": ["--size", "100k"],
    "iosleep": ["--size", "60"],
    "convoy": ["--size", "20", "--cpu", "1"],
}
# So that the slices of a short run are many; the model must have the option.
SHORT = {"interval": "300us", "quantum": "2ms", "tick": "1ms"}
# Their interval is the time limit of a wait, which is short already.
AS_IT_IS = {"pypy"}
COUNTS = ["takes", "contended", "timeouts", "requests", "switches", "drops_forced", "drops_voluntary", "drops_requested",
          "forced_waits"]
# What cannot be seen from outside.
HIDDEN = {"pypy": {"takes", "switches", "drops_forced", "drops_voluntary", "drops_requested", "requests",
                   "forced_waits"}}


# Runs in which the threads happened to run one after another: a lock that nobody had to wait for, or hardly ever, may
# not be told from others. So many waits are hardly any.
HARDLY = 3
unfought = []
compared = collections.Counter()


def models():
    described = json.loads(run([program("countdown"), "--describe"]).stdout)
    return {gil["name"]: [param["name"] for param in gil["params"]] for gil in described["gils"]}


def trace(folder, *command, **more):
    """The program's own output, and what --gil reports of it."""
    shutil.rmtree(folder, ignore_errors=True)
    traced = run([GILSCOPE, "trace", "-o", folder, "--", *command], **more)
    told = run([GILSCOPE, "report", folder, "--gil", "--json"])
    return traced, told


def differences(own, told, names):
    for name in names:
        # What a lock does not do cannot be seen of it.
        if told.get(name) is None and f"{name}_reason" in told and own[name] == 0:
            continue
        if own[name] != told[name]:
            yield f"{name}: {own.get(name)} by its own count, {told.get(name)} seen"


def counts_agree(folder, model, params, workload, workers):
    options = [word for name, value in SHORT.items() if name in params and model not in AS_IT_IS for word in (f"--{name}", value)]
    words = [program(workload), "--mode", "gil", "--gil", model, "--workers", str(workers), "--json",
             *WORKLOADS[workload], *options]
    traced, told = trace(folder, *words)
    own = json.loads(traced.stdout)["gil_counts"] if traced.returncode == 0 else {}
    if own.get("contended", HARDLY + 1) <= HARDLY and told.returncode == 1:
        unfought.append(f"{workload} {model} {workers}")
        return
    if traced.returncode or told.returncode:
        yield f"{' '.join(words)}: {traced.stderr}{told.stderr}"
        return
    gils = json.loads(told.stdout)["gils"]
    if [gil["kind"] for gil in gils] != [KINDS.get(model, model)]:
        yield f"{workload} {model} {workers}: found {[gil['kind'] for gil in gils]}"
        return
    names = [name for name in COUNTS if name not in HIDDEN.get(model, ())]
    for complaint in differences(own, gils[0], names):
        yield f"{workload} {model} {workers}: {complaint}"
    compared[workload] += 1
    if gils[0]["checks"] and any(gils[0]["checks"].values()):
        yield f"{workload} {model} {workers}: {gils[0]['checks']}"


# Locks that look the same from outside.
KINDS = {"cpython313": "cpython3"}

THREADS = """
import threading
def count(n):
    while n > 0: n -= 1
threads = [threading.Thread(target=count, args=(1000000,)) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
SLEEPER = """
import threading, time
over = []
def count():
    n = 0
    while not over: n += 1
def sleep():
    for _ in range(20): time.sleep(0.001)
    over.append(True)
threads = [threading.Thread(target=count), threading.Thread(target=sleep)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
FORK = """
import os, threading
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
pid = os.fork()
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
if pid: os.waitpid(pid, 0)
"""
# Longer than a quantum of 100 ms, so that the threads have to fight for the lock.
RUBY = """
[1, 2].map { Thread.new { n = 8_000_000; n -= 1 while n > 0; sleep 0.001 } }.each(&:join)
"""


def gils_of(folder, command):
    traced, told = trace(folder, *command)
    return json.loads(told.stdout)["gils"] if traced.returncode == 0 and told.stdout else []


def is_whole(gil):
    """What must be of every trace."""
    if gil["takes"] is None:
        return
    if any(gil["checks"].values()):
        yield str(gil["checks"])
    if gil["takes"] - gil["drops_forced"] - gil["drops_voluntary"] not in (0, 1):
        yield f"{gil['takes']} takes, {gil['drops_forced']} and {gil['drops_voluntary']} drops"
    if gil["held_ns"] > gil["span_ns"] or gil["wait"]["n"] != gil["contended"]:
        yield f"held {gil['held_ns']} of {gil['span_ns']} ns; {gil['wait']['n']} waits of {gil['contended']}"
    for thread in gil["threads"]:
        blamed = sum(row["wait_ns"] for row in thread["blame"]["by_thread"]) + thread["blame"]["nobody_ns"]
        if abs(blamed - thread["wait"]["sum_ns"] - thread["unfinished_wait_ns"]) > 1000:
            yield f"thread {thread['thread']} waited {thread['wait']['sum_ns']} ns, {blamed} are accounted for"


def python_threads(folder, python):
    gils = gils_of(folder, [python, "-c", THREADS])
    if [gil["kind"] for gil in gils] != ["cpython3"]:
        yield f"found {[gil['kind'] for gil in gils]}"
        return
    yield from is_whole(gils[0])
    if gils[0]["interval_ns"] != 5000000:
        yield f"the switch interval is {gils[0]['interval_ns']} ns"
    account = gils[0]["own_account"]
    if not account or account["disagreed"]:
        yield f"the interpreter's own account: {account}"


def python_convoy(folder, python):
    for gil in gils_of(folder, [python, "-c", SLEEPER]):
        convoys = [thread for thread in gil["threads"] if thread["returns"]["convoy"]]
        if len(convoys) != 1 or convoys[0]["returns"]["count"] < 20:
            yield f"{len(convoys)} threads are in a convoy"
        elif "a convoy" not in gil["verdict"] or "clock_nanosleep" not in gil["verdict"]:
            yield gil["verdict"]
        return
    yield "no lock was found"


def python_fork(folder, python):
    gils = gils_of(folder, [python, "-c", FORK])
    if sorted((gil["kind"], gil["process"]) for gil in gils) != [("cpython3", 1), ("cpython3", 2)]:
        yield f"found {[(gil['kind'], gil['process']) for gil in gils]}"
    for gil in gils:
        yield from is_whole(gil)


def pypy_threads(folder, pypy):
    gils = gils_of(folder, [pypy, "-c", THREADS.replace("1000000", "30000000")])
    if [gil["kind"] for gil in gils] != ["pypy"] or gils[0]["takes"] is not None or "PyPy" not in gils[0]["takes_reason"]:
        yield f"found {gils}"


def ruby_threads(folder, ruby):
    gils = gils_of(folder, [ruby, "-e", RUBY])
    if [gil["kind"] for gil in gils] not in (["ruby"], ["ruby33"]):
        yield f"found {[gil['kind'] for gil in gils]}"
    for gil in gils:
        yield from is_whole(gil)


INTERPRETERS = [
    ("/usr/bin/python3", python_threads, "python3's lock is found, and its own account of switches agrees"),
    ("/usr/bin/python3", python_convoy, "a thread of python3 that sleeps beside a busy one is named as a convoy"),
    ("/usr/bin/python3", python_fork, "a forked python3 has a lock of its own"),
    ("pypy3", pypy_threads, "PyPy's lock is found, and what cannot be seen is null with the reason"),
    ("ruby", ruby_threads, "Ruby's lock is found"),
]


def none_is_found(folder):
    words = [program("countdown"), "--mode", "threads", "--size", "1000"]
    traced, told = trace(folder, *words)
    if traced.returncode != 0 or told.returncode != 1 or "no GIL was found" not in told.stderr:
        yield f"status {told.returncode}: {told.stderr}"
    if json.loads(told.stdout)["gils"] or not json.loads(told.stdout)["none_found"]:
        yield told.stdout


def main():
    with Folder() as place:
        folder = os.path.join(place.path, "trace")
        for model, params in models().items():
            complaints = collections.Counter()
            for _ in range(RUNS):
                for workload in WORKLOADS:
                    for workers in (2, 4):
                        complaints.update(counts_agree(folder, model, params, workload, workers))
            # Only contended takes of PyPy's lock are seen, and a thread that mostly waits may meet none.
            for workload in ("countdown",) if model == "pypy" else WORKLOADS:
                if not compared[workload]:
                    complaints[f"{workload}: no run could be compared"] += 1
            compared.clear()
            report(complaints, f"what is seen of {model} is what it counts itself")
            for run_of in unfought:
                print(f"# hardly anybody waited, and no lock was told: {run_of}", flush=True)
            unfought.clear()
        for interpreter, check, sentence in INTERPRETERS:
            path = shutil.which(interpreter)
            report(check(folder, path) if path else [], sentence, skip=None if path else f"{interpreter} is not here")
        report(none_is_found(folder), "a program without such a lock has none, and the status says so")
    finish()


if __name__ == "__main__":
    main()
