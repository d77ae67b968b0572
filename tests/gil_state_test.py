#!/usr/bin/python3
"""What is recorded of the state of GILs: of structs like CPython's, of the lock model that has the same struct, and
of CPython itself. gil_state_test.py GILSCOPE PROGRAMS COUNTDOWN. Speaks TAP."""
import os
import sys

from tracing import Folder, finish, program, report

COUNTDOWN = os.path.realpath(sys.argv[3])
# Debian's; other installations may be scripts that start it.
PYTHON = "/usr/bin/python3"
SCRIPT = """
import sys, threading
sys.setswitchinterval({interval})
def count():
    n = {turns}
    while n:
        n -= 1
threads = [threading.Thread(target=count) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def states(folder, words):
    """The states of a program's GILs, with the kind of record before each in its thread."""
    got, trace = folder.trace(words, ["--quiet"])
    if got.returncode or got.stderr:
        raise ValueError(f"{words}: exit {got.returncode}: {got.stderr}")
    before, found = {}, []
    for event in trace.dump()[1]:
        if event["kind"] == "lock-state":
            found.append({**event, "before": before.get(event["thread"])})
        before[event["thread"]] = event
    return got.stdout.splitlines(), found


def the_states_of_structs_like_that_of_a_gil_are_those_that_the_program_tells(folder):
    told, found = states(folder, [program("odd"), "gil-states", "-"])
    got = [f"{state['condition']} {state['interval']} {state['holder']} {state['locked']} {state['switches']}"
           for state in found]
    # A parent and its child at once: the child is told where it forked.
    if sorted(got) != sorted(told):
        yield f"{len(got)} states are there, {len(told)} are right"
        yield from (f"{line} is {'missing' if line in told else 'too much'}" for line in sorted(set(told) ^ set(got)))


def of_one_lock(found, intervals):
    """Complaints about the states of a program that has one GIL, and has switched often."""
    if len(found) < 3:
        return [f"{len(found)} states are there"]
    complaints = [f"{len({state['condition'] for state in found})} conditions have states"
                  for _ in range(len({state["condition"] for state in found}) != 1)]
    complaints += [f"an interval of {state['interval']}" for state in found if state["interval"] not in intervals]
    complaints += [f"locked is {state['locked']}" for state in found if state["locked"] not in (0, 1)]
    switches = [state["switches"] for state in found]
    if switches != sorted(switches) or switches[-1] <= switches[0]:
        complaints.append(f"the numbers of switches are {switches}")
    # But for the last, at the end, each is behind a wait for that condition.
    complaints += [f"one is behind {state['before']}" for state in found[:-1]
                   if (state["before"]["kind"], state["before"].get("condition")) != ("cond-return", state["condition"])]
    return complaints


def the_lock_model_of_cpython_shows_its_interval_and_its_switches(folder):
    return of_one_lock(states(folder, [COUNTDOWN, "--mode", "gil", "--gil", "cpython3"])[1], [5000])


def so_does_cpython_which_can_change_the_interval(folder):
    complaints = []
    for interval in 0.005, 0.001:
        script = SCRIPT.format(interval=interval, turns=1000000)
        complaints += of_one_lock(states(folder, [PYTHON, "-c", script])[1], [round(interval * 1e6)])
    return complaints


with Folder() as folder_:
    for test in (the_states_of_structs_like_that_of_a_gil_are_those_that_the_program_tells,
                 the_lock_model_of_cpython_shows_its_interval_and_its_switches,
                 so_does_cpython_which_can_change_the_interval):
        needs = test == so_does_cpython_which_can_change_the_interval and not os.path.exists(PYTHON)
        report([] if needs else test(folder_), test.__name__.replace("_", " "), skip=f"no {PYTHON}" if needs else None)
finish()
