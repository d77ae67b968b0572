"""Made-up builds for tests of gilscope gate: folders of workloads (fake_workload.c) that say what a plan tells them to,
so that every verdict is known beforehand and nothing is measured; and TAP."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

BUILD = os.path.realpath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
GILSCOPE = os.path.join(BUILD, "gilscope")
FAKE = os.path.join(BUILD, "tests", "fake_workload")
TIMEOUT = 240
PASS, FAIL, ERROR, INCONCLUSIVE, NOT_COMPARABLE, SKIPPED = 0, 1, 2, 3, 4, 77
FILES = {"verdict.json", "junit.xml", "summary.md", "pairs.tsv"}
count = failures = 0
# Whoever runs the tests may be a runner of GitHub's; the gate would speak to it.
for word in "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY":
    os.environ.pop(word, None)


def constant(name):
    with open(os.path.join(ROOT, "bench/gate/decide.h"), encoding="utf-8") as file:
        return int(re.search(rf"^#define {name} (\d+)$", file.read(), re.M)[1])


LOOK, CONFIRM, MOST = (constant("DECIDE_" + name) for name in ("LOOK", "CONFIRM", "MOST"))
# Runs of the baseline before its first pair: the ticks are calibrated on it, then one to warm up.
BEFORE = {"baseline": 9 + 1, "candidate": 1}


def report(good, sentence, *notes):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)
    for note in [] if good else notes:
        print("# " + str(note)[:600].replace("\n", "\n# "))


def skip(sentence, reason):
    global count
    count += 1
    print(f"ok {count} - {sentence} # SKIP {reason}", flush=True)


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key twice: {keys}"
    return dict(pairs)


def strict(text):
    return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=once)


def line(elapsed=1000000, checksum="5", params=None, latency=None, **gil):
    """A result line; 'gil' are counts of the lock, of which the rest is 0."""
    counts = {"takes": 0, "contended": 0, "drops_forced": 0, "switches": 0, **gil} if gil else None
    return json.dumps({"workload": "countdown", "params": {"tick-spins": 100, **(params or {})}, "elapsed_ns": elapsed,
                       "checksum": checksum, "per_worker": [{"nvcsw": 0, "nivcsw": 0, "cpu_ns": 5}],
                       "gil_counts": counts, "latency": latency})


def latency(p50=1000, p99=2000, n=100):
    return {"n": n, "min": p50, "max": p99, "p50": p50, "p90": p50, "p99": p99, "p999": p99}


class Builds:
    """Makes folders of made-up workloads."""

    def __init__(self, tmp):
        self.tmp, self.made = tmp, 0

    def folder(self):
        self.made += 1
        path = os.path.join(self.tmp, str(self.made))
        os.makedirs(path)
        return path

    def make(self, *plan, workload="countdown", modes=("sequential", "threads", "gil"), build=(), refuse=None, **plans):
        """A build of one workload. A keyword of 'plans' is a word of the command line, with '__' for '='."""
        folder = self.folder()
        self.add(folder, *plan, workload=workload, modes=modes, build=build, refuse=refuse, **plans)
        return folder

    @staticmethod
    def add(folder, *plan, workload="countdown", modes=("sequential", "threads", "gil"), build=(), refuse=None,
            **plans):
        os.makedirs(os.path.join(folder, "workloads"), exist_ok=True)
        path = os.path.join(folder, "workloads", workload)
        shutil.copy(FAKE, path)
        built = {"version": "0", "revision": "0123456789ab", "compiler": "gcc 12.2.0", "buildtype": "release",
                 "optimization": "3", "sanitize": "none", **dict(build)}
        says = {"workload": workload, "build": built, "options": [{"name": "size"}], "params": [],
                "modes": [{"name": name, "params": []} for name in modes],
                "gils": [{"name": "cpython3", "params": [{"name": "interval"}]}]}
        words = {"": plan, **{"." + word.replace("__", "="): lines for word, lines in plans.items()}}
        for word, lines in words.items():
            with open(f"{path}{word}.plan", "w", encoding="utf-8") as file:
                file.write("\n".join(lines or [line()]) + "\n")
        with open(path + ".describe", "w", encoding="utf-8") as file:
            file.write(json.dumps(says) + "\n")
        if refuse:
            with open(path + ".refuse", "w", encoding="utf-8") as file:
                file.write(refuse + "\n")

    def pair(self, baseline, candidate):
        return self.make(*baseline), self.make(*candidate)


CELL = ("--workload", "countdown", "--mode", "sequential")


def run(*words, **more):
    return subprocess.run([GILSCOPE, *words], **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                                 "stderr": subprocess.PIPE, "text": True, "timeout": TIMEOUT, **more})


def gate(baseline, candidate, *words, cell=CELL, **more):
    """Its status and outputs, and the verdict; the budget is never over."""
    done = run("gate", "--baseline", baseline, "--candidate", candidate, *cell, "--workers", "2", "--size", "7",
               "--budget", "3600s", "--json", *words, **more)
    return done, strict(done.stdout) if done.stdout.startswith("{") else None


def judged(verdict, metric, cell=0):
    return verdict["cells"][cell]["judgements"][metric]


def run_tests(tests):
    """Each with a place for its builds. Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="gilscope-test-") as tmp:
        builds = Builds(tmp)
        for test in tests:
            try:
                test(builds)
            except (AttributeError, IndexError, KeyError, TypeError):
                # There was no verdict to look at.
                report(False, f"all_of_{test.__name__}_has_run", traceback.format_exc())
    print(f"1..{count}")
    return 1 if failures else 0
