"""What the tests of the recorder share: running programs under gilscope trace, reading what came out,
and speaking TAP."""
import collections
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

GILSCOPE = os.path.realpath(sys.argv[1])
PROGRAMS = os.path.realpath(sys.argv[2])  # the folder of the programs to be traced
TIMEOUT = 60
# Who looks at locks looks through system calls: how many libc makes is its own affair.
OF_SYSCALLS = {"syscall", "futex", "syscall-exit", "syscall-missed", "syscalls", "sites"}
HEADER, RECORD = 256, 16

count = failures = 0


def report(complaints, sentence, skip=None):
    """One line of TAP, and the first complaints."""
    global count, failures
    count += 1
    complaints = list(complaints)
    failures += bool(complaints)
    print(f"{'not ok' if complaints else 'ok'} {count} - {sentence}{' # SKIP ' + skip if skip else ''}", flush=True)
    for complaint in complaints[:8]:
        print("# " + str(complaint).replace("\n", "\n# "), flush=True)


def finish():
    print(f"1..{count}")
    sys.exit(failures > 0)


def program(name):
    return os.path.join(PROGRAMS, name)


def run(words, **more):
    """As subprocess.run, with the output as text and a limit of time."""
    return subprocess.run(words, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                    "text": True, "timeout": TIMEOUT, **more})


def numbers_of_kinds():
    with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tracer/format.h"), encoding="utf-8") as file:
        return {name: number for number, name in enumerate(re.findall(r'^\tX\(\w+, "([\w-]+)", "', file.read(), re.M), 1)}


KIND = numbers_of_kinds()


class Thread:
    """A thread's file, read without gilscope (docs/trace-format.md): large ones are read at once."""

    def __init__(self, path):
        with open(path, "rb") as file:
            # A launcher may be killed before it has written the header.
            self.bytes = file.read() or bytes(HEADER)
        self.flags, self.number, self.process, self.parent, self.pid, self.tid = struct.unpack_from("<6I", self.bytes, 68)
        self.lost, = struct.unpack_from("<Q", self.bytes, 56)
        self.stalls, = struct.unpack_from("<Q", self.bytes, 168)
        # The lowest byte of each record: its kind.
        self.kinds = self.bytes[HEADER::RECORD]

    def only(self, *names):
        """The sequence of these kinds."""
        keep = bytes(KIND[name] for name in names)
        return self.kinds.translate(None, bytes(set(range(256)) - set(keep)))


class Trace:
    """A folder, and what gilscope tells about it."""

    def __init__(self, path):
        self.path = path

    def facts(self):
        with open(os.path.join(self.path, "trace.json"), encoding="utf-8") as file:
            return json.load(file)

    def dump(self):
        """The head and the events that are not system calls."""
        got = run([GILSCOPE, "dump", "--json", self.path])
        if got.returncode or got.stderr:
            raise ValueError(f"dump: exit {got.returncode} {got.stderr}")
        lines = [json.loads(line) for line in got.stdout.splitlines()]
        return lines[0], [event for event in lines[1:] if event["kind"] not in OF_SYSCALLS]

    def kinds(self):
        """How many events of each kind there are that are not system calls, 'arg' and 'module' apart: fast, for
        large traces."""
        got = run(["awk", "!/^#/ { n[$3]++ } END { for (k in n) print k, n[k] }"],
                  stdin=subprocess.Popen([GILSCOPE, "dump", self.path], stdout=subprocess.PIPE).stdout)
        return collections.Counter({kind: int(number) for kind, number in map(str.split, got.stdout.splitlines())
                                    if kind not in OF_SYSCALLS})

    def threads(self):
        folder = os.path.join(self.path, "threads")
        return [Thread(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]

    def readable(self):
        """Complaints when dump or report cannot read it, or find it damaged."""
        for words in ["dump"], ["report"]:
            got = run([GILSCOPE, *words, self.path], stdout=subprocess.DEVNULL)
            if got.returncode or got.stderr:
                yield f"{' '.join(words)}: exit {got.returncode} {got.stderr}"


class Folder:
    """A place for traces that is removed at the end."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="gilscope-test-")
        # Programs that drop their privileges write here too.
        os.chmod(self.path, 0o777)
        self.used = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)

    def new(self, name="trace"):
        self.used += 1
        return os.path.join(self.path, f"{name}-{self.used}")

    def trace(self, words, options=(), **more):
        """Runs a command traced; returns what became of it and the trace."""
        path = self.new()
        got = run([GILSCOPE, "trace", "-o", path, *options, "--", *words], **more)
        return got, Trace(path)


def both(folder, words, options=(), **more):
    """What a command does traced and not: exit status and output must be the same."""
    native = run(words, **more)
    traced, trace = folder.trace(words, ["--quiet", *options], **more)
    complaints = [f"{words}: {what}: {a!r} natively, {b!r} traced" for what, a, b in
                  (("exit", native.returncode, traced.returncode), ("stdout", native.stdout, traced.stdout),
                   ("stderr", native.stderr, traced.stderr)) if a != b]
    return complaints, trace


def differences(wanted, got):
    for name in sorted({*wanted, *got}):
        if wanted.get(name, 0) != got.get(name, 0):
            yield f"{name}: {wanted.get(name, 0)} are right, {got.get(name, 0)} are there"
