#!/usr/bin/python3
"""The workloads of real interpreters, beside those in C: scripts_test.py BUILD [FAMILY=COMMAND...].

Each script in every mode that its interpreter has: the checksum of the C workload, a line with the same
fields of the same kinds, the same words for the same mistakes. Without commands, the interpreters of this
machine; 'python=/opt/py/bin/python3' takes another. Speaks TAP."""
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import zlib

BUILD = os.path.realpath(sys.argv[1])
WORKLOADS = os.path.join(BUILD, "workloads")
SUFFIXES = {"python": "py", "ruby": "rb"}
DEFAULT = ["python=python3", "python=pypy3", "ruby=ruby"]
WORKERS = [1, 2, 4]
# Modes that are tried with two workers alone: time.
ONCE = ["thread-pool", "process-pool", "events"]
TIMEOUT = 120

VARY = {
    "countdown": [["--size 1", "--size 20001"]],
    "mergesort": [["--size 5", "--size 1000 --merge tree", "--size 1000 --return pipe --shuffle-seed 7",
                   "--size 1001 --merge tree --return pipe"]],
    "iosleep": [["--size 20 --period 100us"], ["--io sleep --blocking 3", "--io pipe", "--io socketpair"]],
    "convoy": [["--size 10 --sleep 100us"], ["--io sleep", "--io pipe", "--io socketpair"]],
}
# Answered in the words of the C workload, and with its exit status.
MISTAKES = [
    "countdown --mode", "countdown --mode thread", "countdown --worker 2", "countdown -x", "countdown extra",
    "countdown --json=yes", "countdown --workers two", "countdown --workers 0", "countdown --size 0",
    "countdown --size -1", "countdown --size 1.5", "countdown --size 99999999999999999999999",
    "countdown --workers=1k --workers 2k", "mergesort --size 3", "mergesort --merge parallel",
    "iosleep --io pip", "iosleep --period 5", "iosleep --period 2h", "convoy --cpu 2 --workers 2",
    "countdown --pin 4000", "countdown --pin 0,x", "countdown --pin 1-0", "countdown --cpus 1024",
    "race --lock both", "race --sleep 1h", "bank --accounts 1", "poolmap --spread narrow", "spawn --what fork",
    "crunch --grain 0", "sync --primitive mutex", "queue --mode threads --producers 4", "queue --bound 0",
    "ipc --mode threads --workers 3", "ipc --message 7", "crawl --spread 0", "timeout --limit 1ns",
    "stop --what exec", "queue --mode sequential", "ipc --mode sequential",
]
# Each is run in every mode that has no reason not to, and its line is held against formulas here.
CASES = {
    "iosleep": ["--size 12 --period 2ms --blocking 3"],
    "race": ["--size 12 --sleep 1ms --workers 4", "--size 1000 --workers 10", "--size 300 --lock lock --workers 3",
             "--size 12 --sleep 200us --lock lock --workers 3", "--size 5 --workers 1"],
    "bank": ["--size 500 --lock each --workers 3", "--size 500", "--size 500 --lock one --seed 7 --accounts 3",
             "--size 20 --sleep 200us --lock each"],
    "poolmap": ["--size 50 --item-ticks 100 --workers 3", "--size 20 --sleep 200us --spread wide --workers 3"],
    "crunch": ["--size 1000000 --workers 3", "--size 10 --grain 100 --between 5"],
    "spawn": ["--size 5", "--size 3 --what process --until joined", "--size 2 --what exec"],
    "sync": ["--size 50 --hold 10", "--primitive rlock --size 7", "--primitive event --size 20 --workers 3",
             "--primitive condition --size 20 --workers 3", "--primitive semaphore --size 50 --workers 3",
             "--primitive barrier --size 20 --workers 3", "--primitive local --size 50"],
    "queue": ["--size 100 --bound 3", "--size 100 --kind sentinel --producers 1", "--size 50 --kind joinable"],
    "ipc": ["--size 20 --message 8 --workers 4", "--size 20 --via queue --message 1001 --serialize yes",
            "--size 5 --via socketpair --message 300k", "--size 10 --via shared"],
    "crawl": ["--size 8 --latency 100us --workers 3", "--size 2 --latency 0 --spread 1 --bytes 1 --parse 0"],
    "timeout": ["--size 6 --limit 20ms"],
    "deadlock": ["--size 3", "--size 2 --timing timeout", "--size 3 --kind self",
                 "--size 2 --kind self --timing timeout"],
    "stop": ["--size 2 --look 10", "--size 4 --what process"],
    "livelock": ["--size 4 --patience 60", "--size 3 --backoff random"],
    "starvation": ["--size 4 --patience 5ms", "--size 4 --lock ticket --workers 3"],
}
# Which of a deadlock's kinds hang in which modes, and do not end by themselves.
HANGS = {"python": ["--mode threads", "--mode processes", "--mode threads --kind self"]}
# What belongs to the C workloads, or to another mode, is told so.
FOREIGN = {
    "--mode gil": "is of the C workloads", "--mode nogil": "is of the C workloads",
    "--gil cpython3": "is of the C workloads", "--tick-ns 8": "is of the C workloads",
}
# What only the C workloads have: an interpreter's ticks and objects are its own.
ONLY_C = {"tick-ns", "tick-spins", "objects"}

count = failures = 0


def report(complaints, sentence):
    global count, failures
    count += 1
    failures += bool(complaints)
    print(f"{'not ok' if complaints else 'ok'} {count} - {sentence}", flush=True)
    for complaint in complaints[:5]:
        print("# " + str(complaint)[:600].replace("\n", "\n# "))


def skip(sentence, reason):
    global count
    count += 1
    print(f"ok {count} - {sentence} # SKIP {reason}", flush=True)


def run(words, **more):
    return subprocess.run(words, text=True, capture_output=True, timeout=TIMEOUT, **more)


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def kind(value):
    return {int: "number", float: "number"}.get(type(value), type(value).__name__)


class Interpreter:
    def __init__(self, family, command):
        self.family, self.words = family, command.split()
        self.folder = os.path.join(WORKLOADS, "scripts", family)
        self.label = command if os.sep not in command else command.replace(os.path.expanduser("~"), "~")

    def script(self, name):
        return [*self.words, os.path.join(self.folder, f"{name}.{SUFFIXES[self.family]}")]

    def names(self):
        return sorted(entry[:-3] for entry in os.listdir(self.folder)
                      if entry.endswith("." + SUFFIXES[self.family]) and entry[:-3] in {**VARY, **CASES})


def line_of(words):
    got = run([*words, "--json"])
    if got.returncode or got.stderr or got.stdout.count("\n") != 1:
        raise ValueError(f"{' '.join(words)}: exit {got.returncode}: {got.stderr}{got.stdout[:300]}")
    return json.loads(got.stdout, parse_constant=refuse_constant)


def low_of(bucket):
    group, rest = divmod(bucket, 1024)
    return (rest + 1024) << (group - 1) if group else rest


def check_latency(latency, complaints):
    counts = latency["counts"]
    buckets = [bucket for bucket, _ in counts]
    if sum(n for _, n in counts) != latency["n"] or buckets != sorted(set(buckets)):
        complaints.append(f"the histogram does not add up: {latency}")
    for value, bucket in (latency["min"], buckets[0]), (latency["max"], buckets[-1]):
        if not low_of(bucket) <= value < low_of(bucket + 1):
            complaints.append(f"{value} is not in bucket {bucket}")
    for share, name in (0.5, "p50"), (0.9, "p90"), (0.99, "p99"):
        rank = max(1, -(-round(share * 100) * latency["n"] // 100))
        seen = list(itertools.accumulate(n for _, n in counts))
        bucket = next(bucket for bucket, so_far in zip(buckets, seen) if so_far >= rank)
        high = min(latency["max"], max(latency["min"], low_of(bucket + 1) - 1))
        if latency[name] != high:
            complaints.append(f"{name} is {latency[name]}, by the buckets {high}")


def compare_lines(ours, theirs, where, complaints):
    """The same fields of the same kinds; what cannot be known is null."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if set(ours) != set(theirs):
            complaints.append(f"{where}: fields {sorted(set(ours) ^ set(theirs))}")
        for name in set(ours) & set(theirs):
            compare_lines(ours[name], theirs[name], f"{where}.{name}", complaints)
    elif isinstance(ours, list) and isinstance(theirs, list) and ours and theirs:
        compare_lines(ours[0], theirs[0], where + "[0]", complaints)
    elif kind(ours) != kind(theirs) and None not in (ours, theirs):
        complaints.append(f"{where} is a {kind(ours)}, and a {kind(theirs)} in C")


def check_line(ours, theirs, own):
    complaints = []
    known = [name for name in own if name in ours["params"]]
    if any(ours["params"].pop(name) is None for name in known):
        complaints.append(f"an option of the mode has no value: {own}")
    for name in ONLY_C:
        theirs["params"].pop(name, None)
    compare_lines(ours, theirs, "line", complaints)
    for name in "workload", "mode", "workers", "size", "checksum":
        if ours[name] != theirs[name] and name != "mode":
            complaints.append(f"{name} is {ours[name]}, and {theirs[name]} in C")
    if len(ours["per_worker"]) != ours["workers"] or ours["elapsed_ns"] <= 0 \
            or max(one["elapsed_ns"] for one in ours["per_worker"]) > ours["elapsed_ns"]:
        complaints.append(f"times or workers do not add up: {ours}")
    roles, wanted = ([one["role"] for one in line["per_worker"]] for line in (ours, theirs))
    if roles != wanted and not ours["pool"]:  # the tasks of a pool go to whoever is free
        complaints.append("other roles than in C")
    if ours["latency"]:
        check_latency(ours["latency"], complaints)
    return complaints


def mix(x):
    """splitmix64: Steele, Lea, Flood 2014."""
    x = (x + 0x9e3779b97f4a7c15) % 2 ** 64
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 % 2 ** 64
    x = (x ^ x >> 27) * 0x94d049bb133111eb % 2 ** 64
    return x ^ x >> 31


def balances(size, params):
    """Of all transfers, in whatever order."""
    accounts, found = params["accounts"], [1000] * params["accounts"]
    for op in range(size):
        x = 3 * (params["seed"] << 32 ^ op) % 2 ** 64
        first = mix(x) % accounts
        amount = 1 + mix(x + 2) % 100
        found[first] -= amount
        found[(first + 1 + mix(x + 1) % (accounts - 1)) % accounts] += amount
    return found


def sum_of_bank(size, params):
    kept = balances(size, params) if params["lock"] != "none" else []
    return sum(map(mix, range(size))) + sum(mix(i << 32 ^ now % 2 ** 32) for i, now in enumerate(kept))


def sum_of_crunch(size, params):
    block = bytes(ord("a") + mix(j) % 16 for j in range(params["grain"]))
    return sum(mix(call ^ zlib.crc32(block)) for call in range(max(1, size // params["grain"])))


def sum_of_ipc(size, params):
    return sum(mix(k * (params["message"] // 8)) for k in range(size))


def sum_of_crawl(size, params):
    ends = [sum(ord("a") + (page + j) % 26 for j in (0, params["bytes"] - 1)) for page in range(size)]
    return sum(mix(page ^ params["bytes"] << 32 ^ end) for page, end in enumerate(ends))


def sum_of_deadlock(size, params):
    return sum(map(mix, range(2 * size)))


def sum_of_iosleep(size, params):
    return sum(mix(op << 8 | op & 255) for op in range(size))


# The checksum of a workload, from its size and parameters; of the others it is the sum of mix(op).
SUMS = {"iosleep": sum_of_iosleep, "bank": sum_of_bank, "crunch": sum_of_crunch, "ipc": sum_of_ipc,
        "crawl": sum_of_crawl, "deadlock": sum_of_deadlock}


def counts_of_race(line, complaints):
    counts, locked = line["counts"], line["params"]["lock"] == "lock"
    alone = line["mode"] == "sequential" or line["workers"] == 1
    if counts["expected"] != line["size"] or counts["found"] != counts["expected"] - counts["lost_updates"]:
        complaints.append(f"counts do not add up: {counts}")
    if counts["lost_updates"] and (locked or alone):
        complaints.append(f"updates were lost: {line}")
    if not counts["lost_updates"] and len(line["notes"]) != 1:
        complaints.append(f"no word why none was lost: {line['notes']}")
    if not counts["lost_updates"] and not locked and not alone and line["params"]["sleep"] == 1000000:
        complaints.append("of slow updates none was lost")


def counts_of_bank(line, complaints):
    counts, accounts = line["counts"], line["params"]["accounts"]
    if counts["sum_before"] != 1000 * accounts \
            or counts["drift"] != abs(counts["sum_after"] - counts["sum_before"]):
        complaints.append(f"counts do not add up: {counts}")
    if counts["drift"] and (line["params"]["lock"] != "none" or line["mode"] == "sequential"):
        complaints.append(f"the sum has gone elsewhere: {counts}")


def counts_of_crunch(line, complaints):
    calls = max(1, line["size"] // line["params"]["grain"])
    if line["counts"]["calls"] != calls or not line["counts"]["bytes_out"] > 8 * calls:
        complaints.append(f"counts do not add up: {line['counts']}")


def counts_of_sync(line, complaints):
    counts, known = line["counts"], line["params"]["primitive"] in ("lock", "rlock", "semaphore")
    if known and counts["handovers"] + counts["repeats"] != line["size"] - 1:
        complaints.append(f"counts do not add up: {counts}")
    if not known and set(counts.values()) != {None}:
        complaints.append(f"there is nothing to count: {counts}")


def counts_of_queue(line, complaints):
    counts = line["counts"]
    if line["params"]["kind"] == "condition" and not 1 <= counts["most"] <= line["params"]["bound"]:
        complaints.append(f"not so full: {counts}")


def counts_of_ipc(line, complaints):
    counts, params = line["counts"], line["params"]
    coded = params["serialize"] == "yes"
    if not coded and counts["bytes"] != line["size"] * params["message"]:
        complaints.append(f"so many bytes were not sent: {counts}")
    # 8 bytes of each number, and more.
    if coded and counts["bytes"] < line["size"] * (params["message"] // 8) * 8:
        complaints.append(f"so few bytes cannot be: {counts}")
    if (counts["serialize_ns"] > 0, counts["deserialize_ns"] > 0) != (coded, coded):
        complaints.append(f"not so long: {counts}")


def counts_of_crawl(line, complaints):
    if line["counts"]["bytes"] != line["size"] * line["params"]["bytes"]:
        complaints.append(f"so many bytes did not come: {line['counts']}")
    if line["latency"]["min"] < line["params"]["latency"]:
        complaints.append(f"a page came before its time: {line['latency']['min']} ns")


def counts_of_timeout(line, complaints):
    counts = line["counts"]
    quick = sum(mix(line["params"]["seed"] ^ op) & 1 for op in range(line["size"]))
    if counts["in_time"] + counts["late"] != quick or counts["in_time"] + counts["killed"] != line["size"]:
        complaints.append(f"{quick} calls are quick: {counts}")


def counts_of_deadlock(line, complaints):
    params, given_up = line["params"], line["counts"]["given_up"]
    least = {"lucky": 0, "timeout": 2 * line["size"] if params["kind"] == "self" else 1}[params["timing"]]
    if given_up < least or (params["timing"] == "lucky" or params["kind"] == "self") and given_up != least:
        complaints.append(f"given up {given_up} times")


def counts_of_livelock(line, complaints):
    counts, patience = line["counts"], line["params"]["patience"]
    if counts["tries"] - counts["failed_tries"] != counts["progress"] or counts["tries"] > patience:
        complaints.append(f"counts do not add up: {counts}")
    if counts["progress"] != line["size"] and (counts["tries"] != patience or not line["notes"]):
        complaints.append(f"given up without a reason: {counts}, {line['notes']}")


def counts_of_starvation(line, complaints):
    counts = line["counts"]
    if counts["longest_wait_ns"] != line["latency"]["max"] or counts["rescues"] > line["size"] \
            or (counts["rescues"] > 0) != (counts["longest_wait_ns"] > line["params"]["patience"]):
        complaints.append(f"counts do not add up: {counts}")
    if line["params"]["lock"] == "ticket" and counts["most_overtakes"] >= line["workers"]:
        complaints.append(f"a ticket was overtaken: {counts}")


COUNTS = {"race": counts_of_race, "bank": counts_of_bank, "crunch": counts_of_crunch, "sync": counts_of_sync,
          "queue": counts_of_queue, "ipc": counts_of_ipc, "crawl": counts_of_crawl, "timeout": counts_of_timeout,
          "deadlock": counts_of_deadlock, "livelock": counts_of_livelock, "starvation": counts_of_starvation}


def latencies_of_sync(line):
    """At a lock it is chance how many wait for another's release."""
    primitive, size, tasks = line["params"]["primitive"], line["size"], (line["pool"] or {}).get("tasks", 0)
    return {"event": size - 1, "condition": size - 1, "local": tasks or None,
            "barrier": size // line["workers"] * line["workers"]}.get(primitive, -1)


# Which record so many latencies of their own, in every mode; -1: that depends on the run.
LATENCIES = {"sync": latencies_of_sync, "timeout": lambda line: line["counts"]["killed"],
             **dict.fromkeys(("spawn", "queue", "ipc", "crawl", "stop", "starvation", "iosleep"),
                             lambda line: line["size"])}


def check_pool(line, complaints):
    pool = line["pool"]
    if pool["tasks"] != line["params"]["tasks"] or pool["results"] != line["params"]["results"]:
        complaints.append(f"not the pool that was asked for: {pool}")
    if sorted(pool["order"]) != list(range(pool["tasks"])):
        complaints.append(f"not all tasks were completed: {pool['order']}")
    overtaken = sum(task < max(pool["order"][:i], default=-1) for i, task in enumerate(pool["order"]))
    if pool["inversions"] != overtaken:
        complaints.append(f"inversions are {overtaken}: {pool}")


def check_case(name, line, mode):
    """What a line says, by itself."""
    complaints, size = [], line["size"]
    wanted = SUMS.get(name, lambda size, params: sum(map(mix, range(size))))(size, line["params"])
    if line["checksum"] != f"{wanted % 2 ** 64:016x}":
        complaints.append(f"checksum {line['checksum']}, by the formula {wanted % 2 ** 64:016x}")
    if line["mode"] != mode or len(line["per_worker"]) != line["workers"] \
            or max(one["elapsed_ns"] for one in line["per_worker"]) > line["elapsed_ns"]:
        complaints.append(f"times or workers do not add up: {line}")
    if (line["pool"] is not None) != mode.endswith("-pool") or (line["loop"] is not None) != (mode == "events"):
        complaints.append(f"pool {line['pool']}, loop {line['loop']}")
    if line["pool"]:
        check_pool(line, complaints)
    if line["pool"] and name not in LATENCIES and line["latency"]["n"] != line["pool"]["tasks"]:
        complaints.append(f"latencies of {line['latency']['n']} tasks")
    if line["loop"] and not 0 < line["loop"]["longest_turn_ns"] <= line["elapsed_ns"] + 10 ** 9:
        complaints.append(f"turns are {line['loop']}")
    if LATENCIES.get(name, lambda line: -1)(line) not in (-1, line["latency"] and line["latency"]["n"]):
        complaints.append(f"latencies of {line['latency']['n']} operations")
    if line["latency"]:
        check_latency(line["latency"], complaints)
    if len(line["notes"]) > 4:
        complaints.append(f"notes are {line['notes']}")
    COUNTS.get(name, lambda line, complaints: None)(line, complaints)
    return complaints


def a_case_is_done_in_every_mode(interpreter, name, words):
    about = json.loads(run([*interpreter.script(name), *words.split(), "--describe"]).stdout)
    binary, complaints, theirs = os.path.join(WORKLOADS, name), [], None
    for mode in about["modes"]:
        try:
            own = [*interpreter.script(name), *words.split(), "--mode", mode["name"]]
            if mode["reason"]:
                got = run(own)
                told = f"{name}: mode '{mode['name']}' cannot run this: {mode['reason']}\n"
                if got.returncode != 3 or got.stderr != told:
                    complaints.append(f"{mode['name']}: exit {got.returncode} {got.stderr}")
                continue
            line = line_of(own)
            if not theirs and os.path.exists(binary):
                theirs = line_of([binary, *words.split(), "--mode", "threads", "--tick-spins", "0"])
            found = check_case(name, line, mode["name"])
            if list(line["counts"]) != about["counts"]:
                found.append(f"counts are {line['counts']}, described as {about['counts']}")
            if theirs and line["checksum"] != theirs["checksum"]:
                found.append(f"checksum {line['checksum']}, in C {theirs['checksum']}")
            if theirs and set(line) != set(theirs):
                found.append(f"fields {sorted(set(line) ^ set(theirs))}")
        except (ValueError, subprocess.TimeoutExpired) as why:
            found = [why]
        complaints += [f"{mode['name']}: {one}" for one in found]
    report(complaints, f"{interpreter.label}: {name} {words}: the same in every mode, by its formula")


def every_mode_does_the_work_of_c(interpreter, name, about, skipped):
    for variant in itertools.product(*VARY[name]):
        words, complaints = " ".join(variant).split(), []
        if "socketpair" in words and "processes" in about["runtime"]["lacks"]:
            continue  # the peer is a process
        for workers in WORKERS:
            more = ["--workers", str(workers), *(["--cpu", "0"] if name == "convoy" and workers == 1 else [])]
            theirs = line_of([os.path.join(WORKLOADS, name), *words, *more, "--tick-spins", "0"])
            for mode in about["modes"]:
                if mode.get("reason") or mode["name"] in skipped or (workers != 2 and mode["name"] in ONCE):
                    continue
                own = [param["name"] for param in mode["params"]]
                where = f"{mode['name']}, {workers} workers"
                try:
                    ours = line_of([*interpreter.script(name), *words, *more, "--mode", mode["name"]])
                    found = check_line(ours, json.loads(json.dumps(theirs)), own)
                except ValueError as why:
                    found = [why]
                complaints += [f"{where}: {one}" for one in found]
        report(complaints, f"{interpreter.label}: {' '.join([name, *words])}: the work and the line of C")


def the_description_is_that_of_c(interpreter, name, about):
    theirs = json.loads(run([os.path.join(WORKLOADS, name), "--describe"]).stdout)
    complaints = []
    if about["size"] != theirs["size"]:
        complaints.append(f"size is {about['size']}, and {theirs['size']} in C")
    ours = [(row["name"], row["default"]) for row in about["params"]]
    if ours != [(row["name"], row["default"]) for row in theirs["params"] if row["name"] not in ONLY_C]:
        complaints.append(f"parameters are {ours}")
    if not about["runtime"]["name"] or not about["runtime"]["version"]:
        complaints.append(f"runtime is {about['runtime']}")
    report(complaints, f"{interpreter.label}: {name}: the same size and parameters as in C")


def mistakes_are_answered_as_in_c(interpreter, abouts):
    complaints = []
    for mistake in MISTAKES:
        name, *words = mistake.split()
        if name not in abouts or not os.path.exists(os.path.join(WORKLOADS, name)) \
                or [lack for lack in abouts[name]["runtime"]["lacks"] if "--" + lack in words]:
            continue
        ours, theirs = run([*interpreter.script(name), *words]), run([os.path.join(WORKLOADS, name), *words])
        if (ours.returncode, ours.stderr, ours.stdout) != (theirs.returncode, theirs.stderr, theirs.stdout):
            complaints.append(f"{mistake}: {ours.returncode} {ours.stderr.strip()}; "
                              f"in C {theirs.returncode} {theirs.stderr.strip()}")
    report(complaints, f"{interpreter.label}: mistakes are answered in the words of C")
    complaints = []
    for words, answer in FOREIGN.items():
        got = run([*interpreter.script("countdown"), *words.split()])
        if got.returncode != 2 or answer not in got.stderr or got.stderr.count("\n") != 1:
            complaints.append(f"{words}: {got.returncode} {got.stderr}")
    for mode in abouts["countdown"]["modes"]:
        for param in mode["params"]:
            got = run([*interpreter.script("countdown"), "--" + param["name"], param["default"] or "1"])
            if got.returncode != 2 or "belongs to --mode" not in got.stderr:
                complaints.append(f"--{param['name']}: {got.returncode} {got.stderr}")
    for name, why in abouts["countdown"]["runtime"]["lacks"].items():
        got = run([*interpreter.script("countdown"), "--mode", name])
        if name not in ("pin", "cpus") and (got.returncode != 3 or why not in got.stderr):
            complaints.append(f"--mode {name}: {got.returncode} {got.stderr}")
    report(complaints, f"{interpreter.label}: what it does not have is told in one sentence")


def a_result_that_is_not_read_is_a_failure(interpreter):
    sentence = f"{interpreter.label}: a result that does not reach its reader is a failure"
    if not os.path.exists("/dev/full"):
        skip(sentence, "no /dev/full")
        return
    complaints = []
    # Ruby puts a pipe without a reader in the place of what is closed.
    for redirect, whys in (">/dev/full", ["No space left on device"]), (">&-", ["Bad file descriptor",
                                                                              "Broken pipe"]):
        for more in [], ["--json"]:
            got = run(["sh", "-c", f'"$@" {redirect}', "sh", *interpreter.script("countdown"),
                       "--size", "10", *more])
            wanted = [f"countdown: cannot write the result: {why}\n" for why in whys]
            if got.returncode != 3 or got.stderr not in wanted:
                complaints.append(f"{redirect}: {got.returncode} {got.stderr}")
    report(complaints, sentence)


def children_of(process, wanted):
    while process.poll() is None:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            found = [int(word) for word in file.read().split()]
        if len(found) == wanted:
            return found
        os.sched_yield()
    return []


def a_killed_worker_ends_the_run(interpreter, about):
    sentence = f"{interpreter.label}: a killed worker is told in one sentence and ends the run"
    if "processes" in about["runtime"]["lacks"] or not os.path.exists("/proc/self/task"):
        skip(sentence, about["runtime"]["lacks"].get("processes", "no /proc"))
        return
    with subprocess.Popen([*interpreter.script("countdown"), "--mode", "processes", "--workers", "3",
                           "--size", "1000G"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        children = children_of(process, 3)
        os.kill(children[1], signal.SIGKILL)
        out, err = process.communicate(timeout=TIMEOUT)
    complaints = [f"process {pid} is left" for pid in children if os.path.exists(f"/proc/{pid}")]
    if process.returncode != 1 or out or err != "countdown: worker 1 was killed by signal 9 (Killed)\n":
        complaints.append(f"exit {process.returncode}: {out}{err}")
    report(complaints, sentence)


def an_unlucky_deadlock_hangs(interpreter):
    complaints = []
    for words in HANGS[interpreter.family]:
        try:
            got = subprocess.run([*interpreter.script("deadlock"), "--timing", "unlucky", *words.split()],
                                 capture_output=True, text=True, timeout=1)
            complaints.append(f"{words}: exit {got.returncode} {got.stderr}{got.stdout}")
        except subprocess.TimeoutExpired:
            pass
    report(complaints, f"{interpreter.label}: an unlucky deadlock does not end")


def ruby_tells_a_deadlock(interpreter):
    complaints = []
    for words, told in ("--mode threads", "fatal: No live threads left. Deadlock?"), \
            ("--mode thread-pool", "fatal: No live threads left. Deadlock?"), \
            ("--kind self", "ThreadError: deadlock; recursive locking"):
        got = run([*interpreter.script("deadlock"), "--timing", "unlucky", *words.split()])
        if got.returncode != 1 or got.stderr != f"deadlock: {told}\n":
            complaints.append(f"{words}: exit {got.returncode} {got.stderr}")
    report(complaints, f"{interpreter.label}: a deadlock that Ruby finds is told in one sentence")


def main():
    signal.alarm(25 * TIMEOUT)
    seen = set()
    for word in sys.argv[2:] or DEFAULT:
        family, _, command = word.partition("=")
        interpreter = Interpreter(family, command)
        if not shutil.which(interpreter.words[0]):
            skip(f"{interpreter.label}: the workloads of {family}", f"no {interpreter.words[0]} here")
            continue
        abouts = {}
        for name in interpreter.names():
            abouts[name] = json.loads(run([*interpreter.script(name), "--describe"]).stdout)
            if os.path.exists(os.path.join(WORKLOADS, name)):
                the_description_is_that_of_c(interpreter, name, abouts[name])
            if name in VARY:
                every_mode_does_the_work_of_c(interpreter, name, abouts[name], ONCE if family in seen else [])
            # With an interpreter of a family that has been here only the first: time.
            for words in CASES.get(name, [])[:1 if family in seen else None]:
                a_case_is_done_in_every_mode(interpreter, name, words)
        seen.add(family)
        mistakes_are_answered_as_in_c(interpreter, abouts)
        a_result_that_is_not_read_is_a_failure(interpreter)
        a_killed_worker_ends_the_run(interpreter, abouts["countdown"])
        if family == "ruby":
            ruby_tells_a_deadlock(interpreter)
        if family in HANGS:
            an_unlucky_deadlock_hangs(interpreter)
    print(f"1..{count}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
