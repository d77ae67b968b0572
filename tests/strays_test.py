#!/usr/bin/python3
"""The runner is killed by SIGKILL, at any moment: strays_test.py BUILD [RUNS [SEED]]. Nothing that it started
may stay, whatever it was doing. Speaks TAP."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from strays import MARK, MARKED, finish, nothing_is_left, ours, report, until

BUILD = os.path.realpath(sys.argv[1])
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 15
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
DESCRIBE = ('{"workload":"countdown","options":[{"name":"size"}],"params":[],'
            '"modes":[{"name":"threads"}],"gils":[]}')
LINE = ('{"workload":"countdown","params":{"tick-spins":3},"elapsed_ns":1000,"checksum":"1",'
        '"per_worker":[{"nvcsw":0,"nivcsw":0}],"gil_counts":null,"latency":null}')


def start(gilscope, *words):
    return subprocess.Popen([gilscope, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env={**MARKED, "TMPDIR": TEMPORARY})


def is_whole(path):
    """Not there, or all of it: it may have come to its end before it was killed."""
    if not os.path.exists(path):
        return True
    with open(path, encoding="utf-8") as file:
        try:
            return bool(json.load(file))
        except ValueError:
            return False


def real(folder):
    """Real workloads; the moment is random, from before the first process to the middle of many."""
    chance = random.Random(SEED)
    bench = ["bench", "--workload", "countdown", "--size", "3000000", "--runs", "50"]
    gate = ["gate", "--baseline", BUILD, "--candidate", BUILD, "--workload", "countdown"]
    kinds = [[*bench, "--mode", "processes,process-pool,threads"], [*bench, "--workload", "spawn", "--size", "500"],
             [*bench, "--mode", "processes", "--trace"], [*gate, "--mode", "processes,gil"],
             [*gate, "--mode", "process-pool", "--trace"]]
    for number in range(RUNS):
        words = kinds[number % len(kinds)]
        output = os.path.join(folder, f"real{number}")
        process = start(os.path.join(BUILD, "gilscope"), *words, "--workers", "2", "-o", output)
        time.sleep(chance.random() ** 2 * 3)
        at_work = len(ours())
        process.kill()
        process.wait()
        nothing_is_left(f"run {number}: nothing is left of {words[0]} {' '.join(words[-4:])}", f"seed {SEED}",
                        f"{at_work} processes")
        report(all(is_whole(os.path.join(output, name)) for name in ("result.json", "verdict.json")),
               f"run {number}: there is no half result")
        report(not os.listdir(TEMPORARY), f"run {number}: there are no temporary files", os.listdir(TEMPORARY))


def fake(folder, script):
    """A gilscope whose workload is this script."""
    os.makedirs(os.path.join(folder, "workloads"))
    os.makedirs(os.path.join(folder, "plots"))
    shutil.copy(os.path.join(BUILD, "gilscope"), folder)
    path = os.path.join(folder, "workloads", "countdown")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\ncase \"$*\" in *--describe*) echo '{DESCRIBE}'; exit;; esac\n{script}\n")
    os.chmod(path, 0o755)
    return os.path.join(folder, "gilscope")


def sleepers():
    return sum(name == "sleep" for name in ours().values())


def made_up(folder):
    """Programs that would stay for ever; the runner is killed when they are all there."""
    emptied = f"env -i bash -c 'exec -a {MARK} sleep 1000'"
    scripts = {
        "children in the background": ("sleep 1000 & sleep 1000 & wait", 2),
        "a child in a session of its own": ("setsid sleep 1000 & wait", 1),
        "a daemon": ("setsid -f sleep 1000; sleep 1000", 2),
        "what ignores signals": ("trap '' TERM HUP INT; sleep 1000 & wait", 1),
        "what empties its environment": (f"{emptied} & wait", 1),
    }
    for number, (what, (script, sleeping)) in enumerate(scripts.items()):
        gilscope = fake(os.path.join(folder, f"fake{number}"), script)
        for kill in (signal.SIGKILL, signal.SIGTERM):
            process = start(gilscope, "bench", "--workload", "countdown", "--size", "12", "--runs", "1", "-o", os.path.join(folder, "out"))
            there = until(lambda count=sleeping: sleepers() == count)
            process.send_signal(kill)
            process.wait()
            nothing_is_left(f"{kill.name} leaves nothing of {what}")
            report(there, f"{kill.name} came when all of {what} was there")


def asked(folder):
    """What left the group is asked to end as well, before it is killed."""
    told = os.path.join(folder, "told")
    gilscope = fake(os.path.join(folder, "asked"),
                    f"setsid sh -c 'trap \"touch {told}; exit\" TERM; sleep 1000 & wait' & wait")
    process = start(gilscope, "bench", "--workload", "countdown", "--size", "12", "--runs", "1", "-o", os.path.join(folder, "out"))
    there = until(lambda: sleepers() == 1)
    process.kill()
    process.wait()
    nothing_is_left("nothing is left of what is asked to end")
    report(there and os.path.exists(told), "who left the group may put away what is its own")


def without_guard(folder):
    """The first sample sees the guard killed, the second one would stay for ever."""
    first, go = os.path.join(folder, "first"), os.path.join(folder, "go")
    gilscope = fake(os.path.join(folder, "unguarded"),
                    f"[ -e {first} ] && exec setsid -w sleep 1000\n"
                    f"touch {first}; until [ -e {go} ]; do sleep 0.01; done; echo '{LINE}'")
    process = start(gilscope, "bench", "--workload", "countdown", "--size", "12", "--runs", "3", "-o", os.path.join(folder, "out"))
    until(lambda: os.path.exists(first))
    guards = [pid for pid, name in ours().items() if name == "gilscope-guard"]
    report(len(guards) == 1, "one guard stands by", guards)
    for pid in guards:
        os.kill(pid, signal.SIGKILL)
    open(go, "w").close()
    there = until(lambda: sleepers() == 1)
    process.kill()
    process.wait()
    nothing_is_left("a guard that was killed is replaced when the next process is started")
    report(there, "the next process was there")


with tempfile.TemporaryDirectory() as tmp:
    TEMPORARY = os.path.join(tmp, "temporary")
    os.mkdir(TEMPORARY)
    made_up(tmp)
    asked(tmp)
    without_guard(tmp)
    real(tmp)
sys.exit(finish())
