#!/usr/bin/python3
"""gilscope report --hazards of real programs: those that hang, those that could, and those that are right.
hazards_run_test.py GILSCOPE PROGRAMS WORKLOADS [full]. Speaks TAP."""
import json
import os
import sys

from tracing import GILSCOPE, Folder, finish, program, report, run

WORKLOADS = os.path.realpath(sys.argv[3])
FULL = sys.argv[4:] == ["full"]
SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "traced")
# Debian's: from 3.14 on locks leave no record.
PYTHON = "/usr/bin/python3"


def workload(name, *options):
    return [os.path.join(WORKLOADS, name), *options]


def hazards_of(folder, words, **more):
    """The object, the text, and the status of the program."""
    got, trace = folder.trace(words, ["--quiet"], **more)
    text = run([GILSCOPE, "report", trace.path, "--hazards"])
    made = run([GILSCOPE, "report", trace.path, "--hazards", "--json"])
    if text.returncode or made.returncode or text.stderr or made.stderr:
        raise ValueError(f"{words}: {text.stderr}{made.stderr}")
    return json.loads(made.stdout), text.stdout, got.returncode


def counts(hazards):
    return {name: len(hazards[name]) for name in ("deadlocks", "cycles", "livelocks", "waiting_at_end")}


def differs(hazards, text, **wanted):
    got = counts(hazards)
    wanted = {**dict.fromkeys(got, 0), **wanted}
    if got != wanted:
        yield f"{got}, not {wanted}:\n{text}"


def names(link):
    """The two locks of a link: what is held, and what is waited for."""
    return link["held"]["name"].split(" ")[0], link["taken"]["name"].split(" ")[0]


def the_order_of_a_run_that_ended_well_is_named(folder):
    hazards, text, status = hazards_of(folder, [program("orders"), "lucky"])
    yield from differs(hazards, text, cycles=1)
    links = hazards["cycles"][0]["links"] if hazards["cycles"] else []
    if status or sorted(map(names, links)) != [("lock_a", "lock_b"), ("lock_b", "lock_a")]:
        yield f"exit {status}, {text}"
    if len({link["thread"]["number"] for link in links}) != 2:
        yield f"the links are of the same thread: {text}"


def a_program_that_hung_is_told_with_both_threads_and_both_locks(folder):
    hazards, text, status = hazards_of(folder, [program("orders"), "hang"])
    yield from differs(hazards, text, deadlocks=1, cycles=1)
    waits = hazards["deadlocks"][0] if hazards["deadlocks"] else []
    if status != 137 or sorted(wait["lock"]["name"].split(" ")[0] for wait in waits) != ["lock_a", "lock_b"]:
        yield f"exit {status}, {text}"
    for wait, other in zip(waits, reversed(waits)):
        if [by["thread"]["number"] for by in wait["held_by"]] != [other["thread"]["number"]]:
            yield f"held by another: {text}"


def a_thread_that_takes_its_lock_twice_is_told(folder):
    hazards, text, _ = hazards_of(folder, [program("orders"), "self"])
    yield from differs(hazards, text, deadlocks=1)
    if "waited for a lock that it held itself" not in text:
        yield text


def a_lock_whose_holder_has_ended_is_told(folder):
    hazards, text, _ = hazards_of(folder, [program("orders"), "left"])
    yield from differs(hazards, text, waiting_at_end=1)
    if " had ended at " not in text:
        yield text


def orders_that_cannot_meet_are_none(folder):
    for what in "joined", "gated", "tried", "read":
        hazards, text, status = hazards_of(folder, [program("orders"), what])
        yield from differs(hazards, text)
        if status:
            yield f"{what}: exit {status}"


def locks_of_python(folder):
    script = os.path.join(SOURCES, "orders.py")
    for what, wanted in (("lucky", {"cycles": 1}), ("joined", {}), ("hang", {"deadlocks": 1, "cycles": 1}),
                         ("self", {"deadlocks": 1}), ("condition", {"waiting_at_end": 1})):
        hazards, text, _ = hazards_of(folder, [PYTHON, script, what])
        # The main thread had been killed while it slept: only others may wait.
        yield from (f"{what}: {complaint}" for complaint in differs(hazards, text, **wanted))


def the_three_deadlocks_of_the_workload(folder):
    for kind, mode in (("opposite", "threads"), ("opposite", "gil"), ("self", "gil"), ("gil", "gil")):
        words = workload("deadlock", "--kind", kind, "--mode", mode)
        hazards, text, status = hazards_of(folder, words)
        yield from (f"{kind} {mode}: {complaint}" for complaint in differs(
            hazards, text, **({} if kind == "self" else {"cycles": 1})))
        if status:
            yield f"{kind} {mode}: exit {status}"
        if kind == "gil" and "the GIL of process 1" not in text:
            yield text
        hazards, text, _ = hazards_of(folder, ["timeout", "-s", "KILL", "5", *words, "--timing", "unlucky"])
        if not hazards["deadlocks"]:
            yield f"{kind} {mode}, unlucky: {text}"
        if kind == "gil" and not any(wait["lock"]["type"] == "gil" for ring in hazards["deadlocks"] for wait in ring):
            yield text


def a_livelock_is_told_from_progress(folder):
    hazards, text, _ = hazards_of(folder, workload("livelock", "--mode", "threads"))
    if len(hazards["livelocks"]) != 1 or hazards["livelocks"][0]["turns"] < 10 or hazards["cycles"]:
        yield text
    hazards, text, _ = hazards_of(folder, workload("livelock", "--mode", "threads", "--backoff", "random"))
    if hazards["cycles"] or hazards["deadlocks"]:
        yield text


def clean_workloads_have_none(folder):
    for words in (["countdown", "--size", "100000"], ["mergesort", "--size", "1000"], ["iosleep", "--size", "20"],
                  ["convoy", "--size", "5"], ["bank", "--lock", "each"], ["queue", "--workers", "4", "--size", "1000"],
                  ["sync", "--size", "1000"], ["sync", "--primitive", "condition", "--size", "200"]):
        for mode in "threads", "gil", "processes":
            hazards, text, status = hazards_of(folder, workload(*words, "--mode", mode))
            if status == 3:
                continue
            yield from (f"{words} {mode}: {complaint}" for complaint in differs(hazards, text))


def cpythons_tests_have_none(folder):
    hazards, text, _ = hazards_of(folder, [PYTHON, "-m", "test", "test_queue", *FULL * ["test_threading"]], timeout=600)
    if hazards["cycles"] or hazards["deadlocks"] or hazards["lost"]:
        yield text


def has_tests():
    return run([PYTHON, "-c", "import test.test_queue"]).returncode == 0


with Folder() as FOLDER:
    for act in (the_order_of_a_run_that_ended_well_is_named,
                a_program_that_hung_is_told_with_both_threads_and_both_locks,
                a_thread_that_takes_its_lock_twice_is_told, a_lock_whose_holder_has_ended_is_told,
                orders_that_cannot_meet_are_none, the_three_deadlocks_of_the_workload,
                a_livelock_is_told_from_progress, clean_workloads_have_none):
        report(act(FOLDER), act.__name__.replace("_", " "))
    for act, has in (locks_of_python, os.path.exists(PYTHON)), (cpythons_tests_have_none, has_tests()):
        report(act(FOLDER) if has else [], act.__name__.replace("_", " "),
               None if has else "Debian's Python and its tests are not here")
finish()
