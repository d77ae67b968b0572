#!/usr/bin/python3
"""Real programs do traced what they do untraced, and nothing of it is lost. suites_test.py GILSCOPE PROGRAMS [full [PYTHON...]];
'full' is all there is, with these interpreters as well, and takes a quarter of an hour. Speaks TAP."""
import concurrent.futures
import os
import re
import shutil
import sys
import xml.etree.ElementTree as xml

from tracing import Folder, finish, report, run

FULL = sys.argv[3:4] == ["full"]
OTHERS = sys.argv[4:]  # more interpreters
SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "traced")
LIMIT = 1500 if FULL else 100
PYTHON = "/usr/bin/python3"
MODULES = ["test_thread", "test_queue", "test_fork1", "test_threadsignals"] + FULL * [
    "test_threading", "test_subprocess", "test_concurrent_futures", "test_multiprocessing_fork", "test_signal",
    "test_faulthandler", "test_os", "test_posix", "test_socket", "test_select", "test_asyncio"]
STRESSORS = [["mutex", "sem", "fork"]] + FULL * [[name] for name in (
    "mutex", "sem", "fork", "pthread", "vfork", "clone", "cyclic", "futex", "daemon", "zombie", "resched", "wait",
    "kill", "switch", "procfs")]


def source(name):
    return os.path.join(SOURCES, name)


def alike_programs(folder):
    """A sentence, the words to run, and whether what they print on stderr is always the same."""
    standard = os.path.join(folder.path, "standard")
    cxx = shutil.which("g++") or shutil.which("clang++")
    if cxx:
        cxx = run([cxx, "-std=c++17", "-O2", "-pthread", source("standard.cc"), "-o", standard]).returncode == 0
    yield "the locks of C++'s standard library", [standard] if cxx else ["g++"], True
    yield "threads of CPython", [PYTHON, source("threads.py")], True
    yield "threads of PyPy", ["pypy3", source("threads.py")], True
    yield "threads of Ruby", ["ruby", source("threads.rb")], True
    yield "forks of Perl", ["perl", "-e", "for (1..5) { my $p = fork; exit $_ unless $p; waitpid $p, 0; print $? >> 8 }"
                            " print `echo hi`; exec 'sh', '-c', 'echo end; kill -9 $$'"], True
    if not FULL:
        return
    for python in OTHERS:
        # 3.12 warns of a fork beside a thread that has been joined and has not ended yet: now and then.
        yield "threads of " + python, [python, "-W", "ignore", source("threads.py")], True
    for python in PYTHON, "pypy3":
        yield "pools of processes of " + python, [python, source("pools.py")], True
    yield "git", ["git", "-C", SOURCES, "grep", "--threads", "4", "-c", "include"], True
    yield "gcc", ["gcc", "-O2", "-pipe", "-x", "c", "-S", "-o", "-", "-D_GNU_SOURCE", "-I", SOURCES + "/../..",
                  source("schedule.c")], True
    yield "node", ["node", "-e", "new (require('worker_threads').Worker)('process.exit(3)', {eval: true})"
                   ".on('exit', code => { console.log(code, String(require('child_process').execSync('echo hi')));"
                   " require('crypto').pbkdf2('a', 'b', 1000, 16, 'sha1', (_, key) => process.exit(key[0])) })"], True
    yield "chromium", ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="
                       + folder.new("chromium"), "--dump-dom", "data:text/html,<p>hello</p>"], False


def complaints_of(trace):
    facts = trace.facts()
    if facts["lost"] or facts["abandoned"] or not facts["records"]:
        yield f"{facts['records']} records, {facts['lost']} lost, {facts['abandoned']} abandoned"


def own_words(stderr):
    return "\n".join(line for line in stderr.split("\n") if not line.startswith("gilscope: "))


def at_once(*acts):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]


def programs_do_the_same(folder):
    for sentence, words, judge_stderr in alike_programs(folder):
        if not shutil.which(words[0]):
            report([], f"{sentence}: the same", f"no {words[0]} here")
            continue
        plain = run(words, timeout=LIMIT)
        traced, trace = folder.trace(words, timeout=LIMIT)
        complaints = list(complaints_of(trace))
        # What a shell makes of a signal is what gilscope makes of it.
        status = plain.returncode if plain.returncode >= 0 else 128 - plain.returncode
        if traced.returncode != status:
            complaints.append(f"status {traced.returncode}, untraced {status}: {traced.stderr}")
        if traced.stdout != plain.stdout:
            complaints.append(f"prints '{traced.stdout}', untraced '{plain.stdout}'")
        if judge_stderr and own_words(traced.stderr) != own_words(plain.stderr):
            complaints.append(f"says '{own_words(traced.stderr)}', untraced '{own_words(plain.stderr)}'")
        report(complaints, f"{sentence}: the same")


def outcomes(file):
    """What came of each test: nothing, 'skipped', 'failure' or 'error'."""
    return {case.get("name"): " ".join(child.tag for child in case if not child.tag.startswith("system"))
            for case in xml.parse(file).iter("testcase")}


def cpython_tests(folder, modules):
    """The outcomes, untraced and traced, and complaints about the trace."""
    def words(file):
        # A virtual machine's sockets answer on some hosts, and wait for ever on others.
        return [PYTHON, "-m", "test", "--ignore", "*VSOCK*", "--junit-xml", file, *modules]

    plain, traced = folder.new("plain"), folder.new("traced")
    _, (_, trace) = at_once(lambda: run(words(plain), timeout=LIMIT),
                            lambda: folder.trace(words(traced), timeout=LIMIT))
    return outcomes(plain), outcomes(traced), list(complaints_of(trace))


def cpython_passes_its_tests(folder):
    sentence = f"CPython's own tests come out the same: {' '.join(MODULES)}"
    if not os.path.exists(PYTHON) or not run([PYTHON, "-c", "import test.test_thread"]).returncode == 0:
        report([], sentence, "no libpython3.11-testsuite here")
        return
    plain, traced, complaints = cpython_tests(folder, MODULES)
    odd = {name for name in {*plain, *traced} if plain.get(name) != traced.get(name)}
    if odd:
        # Some tests depend on time; what comes out differently by itself is no matter of tracing.
        plain_again, traced_again, more = cpython_tests(folder, MODULES)
        complaints += more + [f"{name}: '{traced.get(name)}', untraced '{plain.get(name)}'" for name in sorted(odd)
                              if plain.get(name) == plain_again.get(name) != traced_again.get(name)]
    print(f"# {len(plain)} tests, {sum(not outcome for outcome in plain.values())} passed, {len(odd)} differed once")
    report(complaints, sentence)


def bogus_operations(stderr):
    return {name: float(rate) for name, rate in re.findall(r"metrc: \[\d+\] ([\w-]+) +(?:[\d.]+ +){4}([\d.]+)", stderr)}


def stress_ng_is_content(folder):
    for names in STRESSORS:
        sentence = f"stress-ng finds nothing wrong: {' '.join(names)}"
        if not shutil.which("stress-ng"):
            report([], sentence, "no stress-ng here")
            continue
        words = ["stress-ng", "--verify", "--metrics", "--timeout", "5s" if FULL else "2s"]
        if not FULL and os.geteuid() == 0:
            # Other tests run beside this one: no real-time priorities.
            words = ["setpriv", "--bounding-set", "-sys_nice", *words]
        for name in names:
            words += ["--" + name, "2"]
        plain = run(words, timeout=LIMIT)
        traced, trace = folder.trace(words, timeout=LIMIT)
        complaints = list(complaints_of(trace)) + [line for line in traced.stderr.split("\n")
                                                   if re.search(r"stress-ng: (fail|error|warn)", line)]
        if traced.returncode != plain.returncode:
            complaints.append(f"status {traced.returncode}, untraced {plain.returncode}: {traced.stderr}")
        facts = trace.facts()
        print(f"# {facts['records']} records, {facts['threads']} threads; operations a second untraced "
              f"{bogus_operations(plain.stderr)}, traced {bogus_operations(traced.stderr)}")
        report(complaints, sentence)


with Folder() as everything:
    programs_do_the_same(everything)
    stress_ng_is_content(everything)
    cpython_passes_its_tests(everything)
finish()
