#!/usr/bin/python3
"""Every workload in every mode and under every lock model: workloads_test.py FOLDER [K/N|WORKLOAD...], K/N one of N parts.

The same checksum from any number of workers, one strict JSON line with all its fields, no process left
behind. What there is comes from the binaries' own --describe. Speaks TAP."""
import ctypes
import itertools
import json
import os
import signal
import subprocess
import sys
import time

FOLDER = sys.argv[1]
WORKERS = [1, 2, 3, 5]
MODELS = 3  # of the lock, where others have all of them
TIMEOUT = 120
PR_SET_CHILD_SUBREAPER = 36

# Small sizes, and what to vary: every combination is run. A workload that is not here runs with its
# own defaults and the smallest size that gives each of five workers something to do.
VARY = {
    "countdown": [["--size 1", "--size 20000"],
                  ["--objects private", "--objects shared-refcount", "--objects shared-list",
                   "--objects shared-lock"]],
    "mergesort": [["--size 4", "--size 5", "--size 1000", "--size 65537"],
                  ["--merge serial", "--merge tree"], ["--return shared", "--return pipe"]],
    "iosleep": [["--size 20 --period 100us"], ["--io sleep", "--io sleep --blocking 3", "--io pipe",
                                           "--io socketpair"]],
    "convoy": [["--size 10 --sleep 100us"], ["--io sleep", "--io pipe", "--io socketpair"]],
    "ipc": [["--size 20 --message 8", "--size 20 --via queue --message 1001 --serialize yes",
             "--size 5 --via socketpair --message 300k", "--size 20 --via shared",
             "--size 1 --via shared --message 1001 --serialize yes"]],
    "spawn": [["--size 10"], ["--what thread", "--what process --until joined", "--what exec"]],
    "stop": [["--size 5 --look 10"], ["--what thread", "--what process"]],
    "crunch": [["--size 1", "--size 100k --grain 10k --between 3"]],
    "crawl": [["--size 8 --latency 100us", "--size 1 --latency 0 --spread 1 --bytes 1 --parse 0"]],
    "offload": [["--size 70001 --rounds 1"]],
    "timeout": [["--size 6 --limit 2ms"]],
    "poolmap": [["--size 1 --item-ticks 0", "--size 71 --item-ticks 20 --sleep 10us"],
                ["--spread even", "--spread wide"]],
    "race": [["--size 1", "--size 1000", "--size 10 --sleep 100us"], ["--lock none", "--lock lock"]],
    "bank": [["--size 1", "--size 1000", "--size 20 --sleep 100us"],
             ["--lock none", "--lock one", "--lock each --accounts 2"]],
    "sync": [["--size 11"], ["--primitive lock --hold 10", "--primitive rlock", "--primitive event",
                             "--primitive condition", "--primitive semaphore", "--primitive barrier",
                             "--primitive local"]],
    "queue": [["--size 1", "--size 100 --bound 3"], ["--kind condition", "--kind sentinel", "--kind joinable"],
              ["--producers 0", "--producers 1"]],
    "deadlock": [["--size 3"], ["--kind opposite", "--kind self", "--kind gil"],
                 ["--timing lucky", "--timing timeout --limit 500us"]],
    "livelock": [["--size 4 --patience 20"], ["--backoff none", "--backoff random"]],
    "starvation": [["--size 3 --patience 2ms"], ["--lock plain", "--lock ticket"]],
    "inversion": [["--size 2 --medium 300us"], ["--protocol none", "--protocol inherit"]],
}
# Those that cannot do with any number of workers.
NUMBERS = {"ipc": [2, 4, 6], "offload": [3], "queue": [2, 3, 5], "deadlock": [2], "livelock": [2], "inversion": [3]}
LATENCIES = {"iosleep": "open", "convoy": "closed", "ipc": "closed", "spawn": "closed", "stop": "closed",
             "timeout": "closed", "crawl": "closed", "sync": "closed", "queue": "closed", "starvation": "closed",
             "inversion": "closed"}
# Of how many operations latencies are, where it is not the size; of sync those that had to wait.
LATENCIES_OF = {"timeout": lambda result: result["counts"]["killed"],
                "sync": lambda result: min(result["latency"]["n"], result["size"]) if result["latency"] else 0}
# What may need a right or a library that is not here.
PRIVILEGED = {"inversion", "offload"}
# What a pool is given besides, by the number of its workers.
TASKS = {1: "--tasks 7", 2: "", 3: "--tasks 70 --results completed", 5: "--tasks 2"}
REFUSED = [
    ("convoy --mode events", 3, "mode 'events' cannot run this: a worker that computes until the others are done "
     "would keep them waiting for ever"),
    ("stop --mode events", 3, "mode 'events' cannot run this: it starts threads beside its workers, and an event loop "
     "is one thread"),
    ("deadlock --mode events --timing unlucky", 1, "every worker waits for another: none can go on"),
    ("countdown --tasks 3", 2, "option '--tasks' belongs to --mode thread-pool"),
    ("countdown --mode thread-pool --tasks 0", 2, "--tasks '0' is out of range; give 1 to 100000"),
    ("countdown --mode process-pool --gil cpython3", 2,
     "--gil 'cpython3' needs --mode gil; --mode process-pool has no lock"),
    ("countdown --mode gil --gil none", 2, "unknown lock model 'none'; give cpython2, cpython2cond, cpython3, "
     "cpython313, pypy, ruby, ruby33, ocaml4, ocaml5, mutex or fair"),
    ("mergesort --mode process-pool --return pipe", 3, "mode 'process-pool' cannot run this: its shares go from worker to worker "
     "through pipes, and in a pool any worker may have any of them"),
    ("sync --primitive barrier --mode thread-pool --workers 2 --tasks 3", 2,
     "--tasks 3: the tasks wait for one another; give at most --workers (2)"),
]

FIELDS = {"workload", "mode", "gil", "workers", "size", "params", "elapsed_ns", "checksum", "per_worker",
          "gil_counts", "latency", "counts", "notes", "pool", "loop"}
WORKER_FIELDS = {"role", "units", "elapsed_ns", "cpu_ns", "run_delay_ns", "nvcsw", "nivcsw"}
GIL_FIELDS = {"takes", "contended", "timeouts", "switches", "drops_voluntary", "drops_forced", "wait_ns",
              "hold_ns", "requests", "drops_requested", "forced_waits", "forced_wait_ns"}
LOOP_FIELDS = {"turns", "longest_turn_ns", "waits"}
POOL_FIELDS = {"tasks", "results", "order", "inversions"}
LATENCY_FIELDS = {"unit", "loop", "n", "min", "p50", "p90", "p99", "p999", "max", "sum", "sub_bits",
                  "counts"}

count = failures = 0


def report(complaints, sentence, skip=None):
    global count, failures
    count += 1
    failures += bool(complaints)
    print(f"{'not ok' if complaints else 'ok'} {count} - {sentence}{' # SKIP ' + skip if skip else ''}",
          flush=True)
    for complaint in complaints[:5]:
        print(f"# {complaint}")


def run(words, **more):
    return subprocess.run([os.path.join(FOLDER, words[0]), *words[1:]], text=True, capture_output=True,
                          timeout=TIMEOUT, **more)


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def check_counts(result, wall_ns, complaints):
    counts = result["gil_counts"]
    if set(counts) != GIL_FIELDS:
        complaints.append(f"gil_counts has {sorted(counts)}")
    elif not (counts["takes"] == counts["drops_voluntary"] + counts["drops_forced"]
              and counts["contended"] <= counts["takes"] and counts["switches"] < counts["takes"]
              # The counter's rate comes from the run itself: a thousandth, and a microsecond.
              # Where each worker has a lock of its own, the holds of all are added up; a pool's
              # workers take the lock once more to end, when the clock has stopped.
              and counts["hold_ns"] <= ((wall_ns if result["pool"] else result["elapsed_ns"]) * 1.001 + 1000)
              * (result["workers"] if result["mode"] == "subinterpreters" else 1)):
        complaints.append(f"gil_counts do not add up: {counts}, elapsed {result['elapsed_ns']}")


def check_latency(result, complaints):
    latency, loop = result["latency"], LATENCIES.get(result["workload"])
    expected = LATENCIES_OF.get(result["workload"], lambda result: result["size"])(result) if loop else 0
    if result["pool"] and (loop is None or result["params"].get("primitive") == "local"):  # of tasks
        loop = "closed"
        expected = result["pool"]["tasks"] * max(1, round(latency["n"] / result["pool"]["tasks"]))
    if latency is None or loop is None:
        if latency or expected:
            complaints.append(f"latency is {latency}")
        return
    if set(latency) != LATENCY_FIELDS or latency["loop"] != loop or latency["n"] != expected:
        complaints.append(f"latency of {latency['n']} operations, {latency['loop']} loop: {sorted(latency)}")
    elif not latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"] \
            or sum(n for _, n in latency["counts"]) != latency["n"]:
        complaints.append(f"latency does not add up: {latency}")


def inversions(order):
    return sum(task < max(order[:i], default=-1) for i, task in enumerate(order))


def check_pool(result, complaints):
    pool, wanted = result["pool"], result["params"]
    if set(pool) != POOL_FIELDS or [pool["tasks"], pool["results"]] != [wanted["tasks"], wanted["results"]]:
        complaints.append(f"pool is {pool}")
        return
    order = pool["order"]
    if (pool["tasks"] > 64) != (order is None) \
            or order and (sorted(order) != list(range(pool["tasks"])) or inversions(order) > pool["inversions"]):
        complaints.append(f"the order does not add up: {pool}")
    if result["workers"] == 1 and pool["inversions"]:
        complaints.append(f"one worker took its tasks out of their order: {pool}")


def check_loop(result, wall_ns, complaints):
    loop, told = result["loop"], [one[name] for one in result["per_worker"] for name in ("cpu_ns", "nvcsw", "nivcsw")]
    if set(loop) != LOOP_FIELDS or not 0 <= loop["waits"] <= loop["turns"] \
            or not 0 < loop["longest_turn_ns"] <= wall_ns:
        complaints.append(f"loop is {loop}")
    if any(value is not None for value in told):
        complaints.append(f"what the kernel tells of one thread is told of each worker: {told}")


def check_result(result, mode, gil, workers, wall_ns):
    complaints = []
    if set(result) != FIELDS or any(set(one) != WORKER_FIELDS for one in result["per_worker"]):
        return [f"other fields than the documented: {result}"]
    if [result["mode"], result["gil"], result["workers"]] != [mode, gil, workers] \
            or len(result["per_worker"]) != workers or result["elapsed_ns"] <= 0:
        complaints.append(f"not what was asked for: {result}")
    if max(one["elapsed_ns"] for one in result["per_worker"]) > result["elapsed_ns"]:
        complaints.append(f"a worker took longer than all: {result}")
    if gil:
        check_counts(result, wall_ns, complaints)
    elif result["gil_counts"] is not None:
        complaints.append("counts of a lock that is not there")
    if result["pool"]:
        check_pool(result, complaints)
    if result["loop"]:
        check_loop(result, wall_ns, complaints)
    if (result["loop"] is not None) != (mode == "events"):
        complaints.append(f"loop is {result['loop']}")
    if (result["pool"] is not None) != mode.endswith("-pool"):
        complaints.append(f"pool is {result['pool']}")
    check_latency(result, complaints)
    return complaints


def run_one(words, mode, gil, workers):
    """Returns the checksum and complaints."""
    words = [*words, "--mode", mode, *(["--gil", gil] if gil else []), "--workers", str(workers),
             "--tick-spins", "0", "--json"]
    if words[0] == "convoy" and workers == 1:
        words += ["--cpu", "0"]
    begin = time.monotonic_ns()
    got = run(words)
    wall_ns = time.monotonic_ns() - begin
    try:
        if got.returncode or got.stderr or got.stdout.count("\n") != 1:
            raise ValueError("no single line")
        result = json.loads(got.stdout, parse_constant=refuse_constant)
    except ValueError as why:
        return None, [f"{' '.join(words)}: {why}: exit {got.returncode} {got.stderr}{got.stdout[:300]}"]
    return result["checksum"], [f"{' '.join(words)}: {what}" for what in
                                check_result(result, mode, gil, workers, wall_ns)]


def tasks_of(about, workers):
    if about["together"]:
        return f"--tasks {workers} --results {'completed' if workers % 2 else 'ordered'}"
    return TASKS.get(workers, "")


def models(about, mode, number):
    """The lock models of a mode in a variant: all of them in one, in others a few in turn."""
    names = [gil["name"] for gil in about["gils"]]
    if not mode["takes_gil"]:
        return [None]
    if mode["gil"] == "none":
        return [None, names[number % len(names)]]
    return (names if number == 0 else (names + names)[number % len(names):])[:MODELS if number else None]


def every_mode_has_the_same_checksum(name):
    default = [[f"--size {max(json.loads(run([name, '--describe']).stdout)['size']['low'], 60)}"]]
    for number, variant in enumerate(itertools.product(*VARY.get(name, default))):
        words = [name, *" ".join(variant).split()]
        about = json.loads(run([*words, "--describe"]).stdout)
        places = [(mode["name"], gil) for mode in about["modes"] if not mode["reason"]
                  for gil in models(about, mode, number)]
        reason = about["modes"][0]["reason"]
        skip = reason if not places and name in PRIVILEGED else None
        complaints, sums = [], {}
        if not about["build"]["compiler"] or not about["build"]["optimization"]:
            complaints.append(f"does not tell how it was built: {about['build']}")
        for (mode, gil), workers in itertools.product(places, NUMBERS.get(name, WORKERS)):
            tasks = tasks_of(about, workers) if mode.endswith("-pool") else ""
            checksum, more = run_one([*words, *tasks.split()], mode, gil, workers)
            complaints += more
            sums.setdefault(checksum, []).append(f"{mode} {gil or ''} {workers}")
        if len(sums) != 1 and not skip:
            complaints.append(f"checksums differ: {sums}")
        report(complaints, f"{' '.join(words)}: the same checksum and all fields in every mode", skip)


def line_of(words):
    return json.loads(run([*words.split(), "--tick-spins", "0", "--json"]).stdout)


def coroutines_give_way_where_they_wait_alone(names):
    """Not a stopwatch: a blocking call until a moment that lies a period ahead cannot be shorter."""
    complaints = []
    if "iosleep" in names:
        line = line_of("iosleep --mode events --size 4 --period 20ms --blocking 1")
        if line["loop"]["longest_turn_ns"] < 20000000:
            complaints.append(f"a blocking call of 20 ms, but the longest turn was {line['loop']}")
    if "race" in names:
        for sleep, lost in ("0", False), ("1ms", True):
            line = line_of(f"race --mode events --sleep {sleep}")
            if (line["counts"]["lost_updates"] > 0) != lost or bool(line["notes"]) == lost:
                complaints.append(f"race --sleep {sleep}: {line['counts']} {line['notes']}")
    report(complaints, "coroutines give way where they wait, and nowhere else")


def what_cannot_be_is_refused(names):
    complaints = []
    for words, status, sentence in REFUSED:
        if words.split()[0] not in names:
            continue
        got = run(words.split())
        if (got.returncode, got.stdout, got.stderr) != (status, "", f"{words.split()[0]}: {sentence}\n"):
            complaints.append(f"{words}: {got.returncode} {got.stdout}{got.stderr}")
    report(complaints, "options of other modes, and tasks that cannot be, are refused in one sentence")


def children_of(pid, wanted):
    """Waits until a process has so many children, and returns them."""
    while True:
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit():
                    with open(f"/proc/{entry}/stat") as file:
                        if int(file.read().rpartition(")")[2].split()[1]) == pid:
                            found.append(int(entry))
            except OSError:
                pass  # it ended meanwhile
        if len(found) == wanted:
            return found
        os.sched_yield()


def start_long(words, children):
    """A run that only ends by force, when it has so many children."""
    process = subprocess.Popen([os.path.join(FOLDER, words[0]), *words[1:]], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process, children_of(process.pid, children)


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


def a_killed_worker_ends_the_run(name, mode, options):
    words = [name, "--mode", mode, "--workers", "3", *options]
    process, children = start_long(words, 3)
    os.kill(children[1], signal.SIGKILL)
    out, err = process.communicate(timeout=TIMEOUT)
    complaints = []
    if process.returncode != 1 or out or err.count("\n") != 1 or "was killed by signal 9 (Killed)" not in err:
        complaints.append(f"exit {process.returncode}: {out}{err}")
    complaints += [f"process {pid} is left" for pid in children if alive(pid)]
    report(complaints, f"{' '.join(words)}: a killed worker is told in one sentence and ends the run")


def a_killed_parent_leaves_nobody(words, children, number):
    process, children = start_long(words, children)
    process.send_signal(number)
    process.wait(TIMEOUT)
    # Orphans become our children: this returns when they have ended.
    ends = [os.waitpid(pid, 0)[1] for pid in children]
    # Exit status 1: it found itself orphaned before the kernel knew that it wants to die with its parent.
    report([f"ended with {end}" for end in ends if end not in (0, 1 << 8, signal.SIGKILL)],
           f"{' '.join(words)}: nobody is left after signal {int(number)}")


def test_processes(names):
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        print("# no PR_SET_CHILD_SUBREAPER here")
        return
    long_runs = {"countdown": ["--size", "1000G"], "iosleep": ["--size", "1000M", "--io", "pipe"]}
    for name, mode in itertools.product([name for name in long_runs if name in names],
                                        ["processes", "process-pool"]):
        a_killed_worker_ends_the_run(name, mode, long_runs[name])
        for number in signal.SIGTERM, signal.SIGKILL:
            a_killed_parent_leaves_nobody([name, "--mode", mode, "--workers", "3",
                                           *long_runs[name]], 3, number)
    # What workloads start themselves: with this seed the first call of each worker does not return.
    own = {"crawl": (["--size", "1000M"], 1),
           "timeout": (["--size", "1000", "--limit", "10s", "--seed", "2"], 2)}
    for name, (options, children) in own.items():
        for number in (signal.SIGTERM, signal.SIGKILL) if name in names else ():
            a_killed_parent_leaves_nobody([name, "--mode", "threads", *options], children, number)
    if "convoy" in names:
        for mode, children in ("threads", 1), ("gil", 1), ("processes", 4):
            a_killed_parent_leaves_nobody(["convoy", "--mode", mode, "--workers", "3", "--size", "1000M",
                                           "--io", "socketpair"], children, signal.SIGTERM)


signal.alarm(25 * TIMEOUT)
names = sorted(name for name in os.listdir(FOLDER)
               if os.path.isfile(os.path.join(FOLDER, name)) and os.access(os.path.join(FOLDER, name), os.X_OK))
if len(sys.argv) == 3 and "/" in sys.argv[2]:
    part, parts = map(int, sys.argv[2].split("/"))
    names = names[part - 1::parts]
elif len(sys.argv) > 2:
    names = sys.argv[2:]
for name in names:
    every_mode_has_the_same_checksum(name)
what_cannot_be_is_refused(names)
coroutines_give_way_where_they_wait_alone(names)
test_processes(names)
print(f"1..{count}")
sys.exit(1 if failures else 0)
