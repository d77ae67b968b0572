#!/usr/bin/python3
"""Builds of revisions for the gate: revision_test.py BUILD. The repository is made up, and quickly built; its
workload runs the real one. Speaks TAP."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from strays import MARKED, finish, nothing_is_left, ours, report, until

BUILD = os.path.realpath(sys.argv[1])
GILSCOPE = os.path.join(BUILD, "gilscope")
TIMEOUT = 240
PROJECT = """project('gilscope', 'c')
run_command('sh', '-c', 'echo >> "$1"', 'sh', '%(folder)s/builds', check: true)
executable('elsewhere', 'broken.c')
subdir('workloads')
"""
# Waits while it is built when there is a file that says so.
WORKLOADS = """source = custom_target(input: 'countdown.c', output: 'made.c', command: ['sh', '-c',
    '[ ! -e %(folder)s/wait ] || { touch %(folder)s/waits; sleep 1000; }; cp "$0" "$1"', '@INPUT@', '@OUTPUT@'])
executable('countdown', source)
import('fs').copyfile('script.py')
"""
# It does not know its revision, as one whose sources came without their repository.
COUNTDOWN = """#include <unistd.h>
#include <string.h>
#ifdef BROKEN
#error not to be defined
#endif
int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[argc - 1], "--describe") == 0)
		execlp("sh", "sh", "-c", "%(real)s --describe | "
			"sed 's/\\"revision\\":\\"[^\\"]*\\"/\\"revision\\":\\"unknown\\"/'", (char *)0);
	argv[0] = (char *)"%(real)s";
	return execv(argv[0], argv);
}
"""


class Repository:
    def __init__(self, folder):
        self.folder = folder
        self.root = os.path.join(folder, "repository")
        self.builds = os.path.join(folder, "cache", "gilscope", "builds")
        # Neither the user's settings nor a repository around this one.
        self.env = {**{name: value for name, value in MARKED.items() if not name.startswith("GIT_")},
                    "HOME": folder, "XDG_CACHE_HOME": os.path.join(folder, "cache"), "CFLAGS": "-DBROKEN",
                    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": folder,
                    **{f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER")
                       for what in ("NAME", "EMAIL")}}
        values = {"folder": folder, "real": os.path.join(BUILD, "workloads", "countdown")}
        os.makedirs(os.path.join(self.root, "workloads"))
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("meson.build", PROJECT % values)
        self.write("broken.c", "int main(void) { return none; }\n")
        self.write("workloads/meson.build", WORKLOADS % values)
        self.write("workloads/countdown.c", COUNTDOWN % values)
        self.write("workloads/script.py", "")
        self.commit("first")

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
            file.write(text)

    def git(self, *words):
        done = subprocess.run(["git", *words], cwd=self.root, env=self.env, text=True, capture_output=True,
                              check=True, timeout=TIMEOUT)
        return done.stdout.strip()

    def commit(self, name):
        """Another revision, with a tag."""
        self.write("changes", name)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", name)
        self.git("tag", name)

    def words(self, baseline, candidate):
        return [GILSCOPE, "gate", "--baseline", baseline, "--candidate", candidate, "--workload", "countdown",
                "--mode", "threads", "--size", "12", "--budget", "100ms", "--inconclusive", "pass", "--json"]

    def gate(self, baseline, candidate="first", **more):
        return subprocess.run(self.words(baseline, candidate), text=True, capture_output=True, timeout=TIMEOUT,
                              **{"cwd": self.root, "env": self.env, **more})

    def start(self, baseline):
        return subprocess.Popen(self.words(baseline, "first"), cwd=self.root, env=self.env, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def count(self):
        with open(os.path.join(self.folder, "builds"), encoding="utf-8") as file:
            return len(file.readlines())

    def built(self, name):
        """What there is of a revision, without what comes behind its name."""
        commit = self.git("rev-parse", name)
        return sorted(found.rpartition(".")[2] if found.endswith((".part", ".lock", ".log")) else "build"
                      for found in os.listdir(self.builds) if found.startswith(commit))


def options(build):
    """Those of Meson's that make other code."""
    with open(os.path.join(build, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
        values = {option["name"]: option["value"] for option in json.load(file)}
    if values["b_ndebug"] == "if-release":
        values["b_ndebug"] = "true" if values["buildtype"] in ("release", "plain") else "false"
    return {name: values[name] for name in ("buildtype", "optimization", "b_lto", "b_ndebug", "c_args")}


def usual(repository):
    repository.commit("second")
    done = repository.gate("HEAD~1", "HEAD")
    report(done.returncode == 0, "two revisions are built and judged, whatever CFLAGS says", done.stdout, done.stderr)
    sides = json.loads(done.stdout) if done.returncode == 0 else {"baseline": {}, "candidate": {}}
    report([sides[side].get("revision") for side in ("baseline", "candidate")] ==
           [repository.git("describe", "--always", "--abbrev=12", name) for name in ("HEAD~1", "HEAD")],
           "a side is called by its revision", sides["baseline"], sides["candidate"])
    report("gilscope: building 'HEAD~1'" in done.stderr, "that it builds is told", done.stderr)
    report(repository.built("HEAD") == ["build", "lock", "log"], "the build is kept", repository.built("HEAD"))
    build = os.path.join(repository.builds, next(name for name in os.listdir(repository.builds)
                                                 if not name.endswith((".lock", ".log"))), "build")
    there = [os.path.exists(os.path.join(build, name)) for name in ("workloads/script.py", "elsewhere")]
    report(there == [True, False], "scripts are there, and nothing but the workloads is built", build, there)
    own, made = options(BUILD), options(build)
    if own["optimization"] not in ("0", "g"):
        report(own == made, "its options are those of this gilscope", own, made)
    # Of Meson there is no trace in this folder.
    few = os.path.join(repository.folder, "few")
    os.mkdir(few)
    for name in ("git", "sh", "sed"):
        os.symlink(shutil.which(name), os.path.join(few, name))
    done = repository.gate("HEAD~1", "second", env={**repository.env, "PATH": few})
    report(done.returncode == 0 and repository.count() == 2 and "building" not in done.stderr,
           "the next time nothing is built", done.stderr, repository.count())
    repository.commit("inside")
    done = repository.gate("inside", cwd=os.path.join(repository.root, "workloads"))
    report(done.returncode == 0 and repository.built("inside") == ["build", "lock", "log"],
           "in a folder of the sources all of them are built", done.stderr)
    repository.commit("unbuilt")
    done = repository.gate("HEAD", env={**repository.env, "PATH": few})
    report(done.returncode == 2 and "needs tar, which is not installed" in done.stderr,
           "without the tools it says which one it needs", done.stderr)
    os.makedirs(os.path.join(repository.root, "unbuilt", "workloads"))
    os.symlink(os.path.join(BUILD, "workloads", "countdown"),
               os.path.join(repository.root, "unbuilt", "workloads", "countdown"))
    done = repository.gate("unbuilt")
    report(done.returncode == 0 and repository.built("unbuilt") == [], "a folder wins", done.stderr,
           repository.built("unbuilt"))
    shutil.rmtree(os.path.join(repository.root, "unbuilt"))


def failing(repository):
    repository.write("meson.build", "project('gilscope', 'c'\n")
    repository.commit("unreadable")
    done = repository.gate("unreadable")
    report(done.returncode == 2 and "ERROR: " in done.stderr and "WARNING" not in done.stderr,
           "a revision that cannot be configured says why", done.stderr)
    repository.git("revert", "--no-edit", "unreadable")
    repository.write("workloads/countdown.c", "int main(void) { return nothing; }\n")
    repository.commit("broken")
    done = repository.gate("broken")
    log = os.path.join(repository.builds, next((name for name in os.listdir(repository.builds) if name.endswith(".log")
                                                and name.startswith(repository.git("rev-parse", "broken"))), ""))
    report(done.returncode == 2 and "cannot build 'broken'" in done.stderr and "error: " in done.stderr and
           f"(all of it is in {log})" in done.stderr, "a revision that cannot be built says why, and where more is",
           done.stderr)
    report(repository.built("broken") == ["lock", "log"], "nothing is left that could be taken for a build",
           repository.built("broken"))
    repository.git("revert", "--no-edit", "broken")


def words(repository):
    done = repository.gate("frist")
    report(done.returncode == 2 and done.stderr == "gilscope: there is no build 'frist', neither a folder nor a "
           "revision; did you mean 'first'?\n", "a word that is nearly a revision is told with it", done.stderr)
    done = repository.gate("-q")
    report(done.returncode == 2, "a word that looks like an option is none", done.stderr)
    done = repository.gate("first", cwd=repository.folder)
    report(done.returncode == 2 and "no repository here" in done.stderr, "without a repository it says so", done.stderr)
    clone = os.path.join(repository.folder, "clone")
    repository.git("clone", "--quiet", "--no-tags", "--depth=1", "file://" + repository.root, clone)
    done = repository.gate("first", cwd=clone)
    report(done.returncode == 2 and "shallow clone" in done.stderr, "a shallow clone is told", done.stderr)
    other = os.path.join(repository.folder, "other")
    os.mkdir(other)
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "empty"]):
        subprocess.run(["git", *command], cwd=other, env=repository.env, check=True, timeout=TIMEOUT)
    done = repository.gate("HEAD", cwd=other)
    report(done.returncode == 2 and "has not the sources of gilscope" in done.stderr,
           "another project's revision is refused", done.stderr)


def at_once(repository):
    """The first one waits while it builds, the second one for the first."""
    wait, waits = (os.path.join(repository.folder, name) for name in ("wait", "waits"))
    repository.commit("shared")
    before = repository.count()
    with open(wait, "w", encoding="utf-8"):
        first = repository.start("shared")
    there = until(lambda: os.path.exists(waits))
    second = repository.start("shared")
    told = second.stderr.readline()
    report(there and told == "gilscope: waiting for another that builds 'shared'\n",
           "who wants what another builds waits, and says so", told)
    os.remove(wait)
    for pid, name in ours().items():
        if name == "sleep":
            os.kill(pid, signal.SIGKILL)
    errors = [first.communicate(timeout=TIMEOUT)[1], second.communicate(timeout=TIMEOUT)[1]]
    report(first.returncode == 0 and second.returncode == 0 and repository.count() == before + 1,
           "it is built once, and both use it", *errors)
    os.remove(waits)


def killed(repository):
    wait, waits = (os.path.join(repository.folder, name) for name in ("wait", "waits"))
    repository.commit("killed")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        with open(wait, "w", encoding="utf-8"):
            process = repository.start("killed")
        there = until(lambda: os.path.exists(waits) and "sleep" in ours().values())
        process.send_signal(number)
        process.communicate(timeout=TIMEOUT)
        report(there and process.returncode == -number, f"{number.name} ends a gate that builds", process.returncode)
        nothing_is_left(f"{number.name} leaves no process of the build")
        left = set(repository.built("killed")) - {"lock", "log"}
        report(left <= ({"part"} if number == signal.SIGKILL else set()), f"{number.name} leaves no build", left)
        os.remove(waits)
    os.remove(wait)
    done = repository.gate("killed")
    report(done.returncode == 0 and repository.built("killed") == ["build", "lock", "log"],
           "what was killed is in nobody's way", done.stderr, repository.built("killed"))


with tempfile.TemporaryDirectory() as tmp:
    made_up = Repository(os.path.realpath(tmp))
    usual(made_up)
    failing(made_up)
    words(made_up)
    at_once(made_up)
    killed(made_up)
sys.exit(finish())
