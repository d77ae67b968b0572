#!/usr/bin/python3
"""System calls in a trace against what strace saw of the same run: each call of each thread, in order, with its result;
and what was not recorded, told apart by the addresses of the calls' instructions; what that can be is in
docs/design.md. What a program calls is also compared with what it calls untraced. syscalls_truth.py GILSCOPE
WORKLOADS [full] [WORD]: only sentences that have the word; 'full' is all programs, and the kernel's tracepoints as a
second witness where they may be read, in a quarter of an hour. Speaks TAP."""
import collections
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import beside
import witness
from tracing import GILSCOPE, Folder, Trace, finish, program, report, run

FULL = sys.argv[3:4] == ["full"]
WORD = (sys.argv[4 if FULL else 3:] or [""])[0]
SOURCES = os.path.dirname(os.path.realpath(__file__))
SCRIPTS = os.path.join(SOURCES, "../workloads/scripts")
PYTHON = "/usr/bin/python3"
MODES = ["dispatch", "patch", "patch,audit"]
LIMIT = 1800 if FULL else 120
LIBRARY = beside.Library()


class Row:
    """A program: what is to be run, and what more is known of it."""

    def __init__(self, sentence, words, drive=None, alike=False, full=False, needs=()):
        self.sentence, self.words, self.full = sentence, words, full
        self.needs = [words[0], *needs]  # programs
        self.drive = drive  # is called while it runs, with its process
        self.alike = alike  # it makes the same calls each time


EVERYTHING = """
import ctypes, os, signal, subprocess, threading, time
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
def work():
    for _ in range(20): time.sleep(0.001)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
subprocess.run(['true'], close_fds=False)
subprocess.run(['true'], preexec_fn=os.getpid)
subprocess.run('exit 3', shell=True)
os.waitpid(os.posix_spawn('/bin/true', ['true'], os.environ), 0)
try: os.posix_spawn('/no/such', ['such'], os.environ)
except FileNotFoundError: pass
pid = os.fork()
if pid == 0: os.execv('/bin/sh', ['sh', '-c', 'kill -9 $$'])
os.waitpid(pid, 0)
for thread in threads: thread.join()
signal.setitimer(signal.ITIMER_REAL, 0)
"""
# Of the workloads, what is not for the full form alone.
SHORT = "countdown in mode gil, lock cpython2", "mergesort in mode processes", "convoy in mode gil, lock cpython3"
SMALL = {"countdown": "20k", "mergesort": "2k", "iosleep": "20", "convoy": "10"}
STRESSORS = {"clone": 20, "fork": 20, "vfork": 20, "futex": 200, "sem": 200, "signal": 200}


def workloads():
    for workload, size in SMALL.items():
        described = json.loads(run([program(workload), "--describe"]).stdout)
        for mode in (mode["name"] for mode in described["modes"]):
            locks = [gil["name"] for gil in described["gils"]] if mode == "gil" else [None]
            for lock in locks:
                yield (f"{workload} in mode {mode}{f', lock {lock}' if lock else ''}",
                       [program(workload), "--mode", mode, *(["--gil", lock] if lock else []), "--workers", "3",
                        "--size", size, "--tick-ns", "0", "--json"])


def interpreters():
    for python in PYTHON, "pypy3":
        yield f"countdown of {os.path.basename(python)} in threads", [
            python, os.path.join(SCRIPTS, "python/countdown.py"), "--mode", "threads", "--size", "300k"]
    yield "countdown of ruby in threads", [
        "ruby", os.path.join(SCRIPTS, "ruby/countdown.rb"), "--mode", "threads", "--size", "300k"]


def nginx(folder, requests):
    """A master and a worker, asked for a page by ab, and told to end when it is done."""
    place = folder.new("nginx")
    os.makedirs(os.path.join(place, "html"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(os.path.join(place, "html/page"), "w", encoding="utf-8") as file:
        file.write("a page\n" * 100)
    temporary = "".join(f"{name}_temp_path {place}/{name};" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(os.path.join(place, "conf"), "w", encoding="utf-8") as file:
        file.write(f"{'user root;' if os.geteuid() == 0 else ''} daemon off; worker_processes 1; pid {place}/pid;"
                   f" error_log {place}/errors; events {{ }}"
                   f" http {{ access_log {place}/log; sendfile on; {temporary}"
                   f" server {{ listen 127.0.0.1:{port}; root {place}/html; }} }}")

    def drive(process):
        address = f"http://127.0.0.1:{port}/page"
        while process.poll() is None and run(["ab", "-n", "1", address]).returncode:
            time.sleep(0.1)
        got = run(["ab", "-k", "-c", "4", "-n", str(requests), address], timeout=LIMIT)
        if f"Complete requests:      {requests}\n" not in got.stdout or "Failed requests:        0\n" not in got.stdout:
            raise ValueError(f"ab: {got.stdout}{got.stderr}")
        with open(os.path.join(place, "pid"), encoding="utf-8") as file:
            os.kill(int(file.read()), signal.SIGQUIT)

    return Row(f"nginx that serves {requests:,} requests", [
        shutil.which("nginx") or "/usr/sbin/nginx", "-p", place, "-e", f"{place}/errors", "-c", f"{place}/conf"], drive,
        needs=["ab"])


def programs(folder):
    yield Row("python3 that does nothing", [PYTHON, "-c", "pass"], alike=True)
    yield Row("python3 with threads, children and a signal every 10 ms", [PYTHON, "-c", EVERYTHING])
    for sentence, words in workloads():
        yield Row(sentence, words, full=sentence not in SHORT)
    for sentence, words in interpreters():
        yield Row(sentence, words, full=PYTHON not in words)
    yield Row("bash with pipes", ["bash", "-c", "echo one two | tr o 0 | (cat; exit 3) | sort; echo $(echo $?); wait"],
              alike=True)
    yield Row("git log", ["git", "-C", SOURCES, "--no-pager", "log", "-n", "20", "--stat", "--oneline"], alike=True)
    yield Row("sqlite3", ["sqlite3", folder.new("database"), "drop table if exists t; create table t(a, b);"
                          " insert into t values (1, 2), (3, 4); create index i on t(a); select sum(b) from t; vacuum"])
    yield Row("curl --version", ["curl", "--version"], alike=True)
    yield nginx(folder, 10000 if FULL else 200)
    # When one of its threads is done, sem waits for the time to be up.
    stress = ["stress-ng", "--timeout", "3"]
    for name, operations in STRESSORS.items():
        yield Row(f"stress-ng, {name}", [*stress, f"--{name}", "1", f"--{name}-ops", str(operations)], full=True)
    yield Row("stress-ng, some of each", stress + [word for name in STRESSORS for word in (
        f"--{name}", "1", f"--{name}-ops", "5")])


def run_row(row, words):
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        if row.drive:
            row.drive(process)
        out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, err


def observe(folder, row, mode, tool):
    """A traced run under a witness: the events that it saw, the trace, and what was said."""
    log, path = folder.new(tool.name), folder.new()
    words = [GILSCOPE, "trace", "--quiet", "-o", path, "--syscalls", mode, "--"] if mode else []
    _, _, err = run_row(row, [*tool.words(log), *words, *row.words])
    if tool.lost(log):
        raise Lost(f"{tool.name} lost {tool.lost(log)} events")
    events = list(tool.events(log))
    os.remove(log)
    return events, Trace(path), err


class Lost(Exception):
    """The witness did not see everything."""


def agrees(folder, row, mode, tool):
    """The verdict, when there is one."""
    sentence = f"{mode}: {row.sentence}, beside {tool.name}"
    try:
        events, trace, err = observe(folder, row, mode, tool)
    except Lost as why:
        report([], sentence, str(why))
        return None
    if not os.path.exists(trace.path):
        report([f"no trace: {err}"], sentence)
        return None
    verdict = beside.Comparison(LIBRARY, mode).judge(events, trace)
    facts = trace.facts()
    if facts["lost"] or facts["still_running"]:
        verdict.complaints.append(f"lost {facts['lost']}, still running {facts['still_running']}: {err}")
    verdict.complaints += beside.report_complaints(trace)
    report(verdict.complaints, sentence)
    print(f"# {verdict.sentence()}", flush=True)
    shutil.rmtree(trace.path)
    return verdict


def untraced(folder, row):
    """How often each call is made without gilscope."""
    events, _, _ = observe(folder, row, None, witness.Strace)
    return collections.Counter(call.number for life in witness.lives_of(events) for call in life.calls)


def additions(folder, mode):
    """What the loader and libc do more in each image, because there is a library more and an arena."""
    row = Row("nothing", ["/bin/true"])
    events, trace, _ = observe(folder, row, mode, witness.Strace)
    verdict = beside.Comparison(LIBRARY, mode).judge(events, trace)
    more = verdict.recorded + verdict.before
    more.subtract(untraced(folder, row))
    return more


# Where the heap and the loader's first pages end depends on what little was allocated before.
DEPENDS_ON_MEMORY = {9: "mmap", 12: "brk"}


def makes_the_same_calls(folder, row, mode, verdict, more):
    """As many as untraced, and in each image what the library and the arena take."""
    sentence = f"{mode}: {row.sentence}, as many calls as untraced"
    plain, complaints = untraced(folder, row), []
    traced = verdict.recorded + verdict.before + verdict.left
    for number in sorted({*plain, *traced}):
        wanted = plain[number] + len(verdict.images) * more[number]
        if traced[number] == wanted:
            continue
        if number in DEPENDS_ON_MEMORY:
            print(f"# {DEPENDS_ON_MEMORY[number]}: {traced[number]}, {wanted} were to be expected")
        else:
            complaints.append(f"call {number}: {traced[number]}, {wanted} were to be expected")
    report(complaints, sentence)


def why_not(folder, mode):
    """Why strace cannot look on, or calls cannot be recorded so."""
    if not shutil.which("strace"):
        return "no strace here"
    got = run(["strace", "-f", "-o", folder.new("probe"), "true"])
    if got.returncode:
        return f"strace may not trace here: {got.stderr.strip()}"
    return beside.why_not(folder, mode)


def perf_is_here(folder):
    data = folder.new("perf")
    return shutil.which("perf") and run([*witness.perf_words(data), "true"]).returncode == 0 and any(
        isinstance(event, witness.Entered) for event in witness.perf_events(data))


def all_of(folder, mode):
    more = None
    for row in programs(folder):
        if WORD not in f"{mode}: {row.sentence}" or row.full and not FULL and not WORD:
            continue
        absent = [name for name in row.needs if not shutil.which(name)]
        if absent:
            report([], f"{mode}: {row.sentence}", f"no {' and no '.join(absent)} here")
            continue
        verdict = agrees(folder, row, mode, witness.Strace)
        if row.alike and verdict:
            more = more or additions(folder, mode)
            makes_the_same_calls(folder, row, mode, verdict, more)
        if FULL and PERF:
            agrees(folder, row, mode, witness.Perf)


with Folder() as everything:
    PERF = FULL and perf_is_here(everything)
    if FULL and not PERF:
        report([], "the kernel's tracepoints agree", "perf cannot record them here")
    for mode_ in MODES:
        reason = why_not(everything, mode_)
        if reason:
            report([], f"{mode_}: calls are in the trace as strace sees them", reason)
        else:
            all_of(everything, mode_)
finish()
