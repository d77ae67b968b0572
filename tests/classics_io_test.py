#!/usr/bin/python3
"""What must be true of the workloads that talk, start, wait and compute outside the lock, whatever the machine
does: classics_io_test.py FOLDER. Their checksums and counts are worked out here a second time. Speaks TAP."""
import ctypes
import json
import os
import signal
import subprocess
import sys
import zlib

FOLDER = sys.argv[1]
TIMEOUT = 120
PR_SET_CHILD_SUBREAPER = 36
BITS = (1 << 64) - 1


def mix(x):
    x = (x + 0x9e3779b97f4a7c15) & BITS
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & BITS
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & BITS
    return x ^ (x >> 31)


def run(words, **more):
    words = words.split()
    got = subprocess.run([os.path.join(FOLDER, words[0]), *words[1:], "--json"], text=True, capture_output=True,
                         timeout=TIMEOUT, **more)
    assert got.returncode == 0 and got.stderr == "", f"{words}: exit {got.returncode}: {got.stderr}"
    return json.loads(got.stdout)


def refused(words, status, sentence):
    words = words.split()
    got = subprocess.run([os.path.join(FOLDER, words[0]), *words[1:]], text=True, capture_output=True,
                         timeout=TIMEOUT)
    assert (got.returncode, got.stdout, got.stderr) == (status, "", sentence + "\n"), got


def check_sum(result, numbers):
    assert result["checksum"] == f"{sum(numbers) & BITS:016x}", result


MODES = ["threads", "gil --gil cpython3", "gil --gil cpython2", "nogil", "processes"]


def ipc_carries_each_message_there_and_back_once():
    for mode in MODES:
        for via in "pipe", "queue", "socketpair", "shared":
            for message in 8, 1001:
                result = run(f"ipc --mode {mode} --via {via} --message {message} --size 25 --workers 4")
                check_sum(result, [mix(k * (message // 8)) for k in range(25)])
                assert result["counts"] == {"bytes": 25 * message, "serialize_ns": 0, "deserialize_ns": 0}, result
                assert result["latency"]["n"] == 25, result
                assert [one["role"] for one in result["per_worker"]] == ["sends", "answers"] * 2, result


def ipc_tells_what_encoding_costs():
    # A type and 7 bits in a byte: what numbers become.
    encoded = sum(1 + -(-max(mix(i).bit_length(), 1) // 7) for i in range(10 * 125))
    for via in "pipe", "shared":
        result = run(f"ipc --mode threads --via {via} --message 1000 --serialize yes --size 10")
        counts = result["counts"]
        assert counts["bytes"] == encoded and counts["serialize_ns"] > 0 and counts["deserialize_ns"] > 0, result


def ipc_refuses_workers_without_a_partner():
    refused("ipc --mode threads --workers 3", 2, "ipc: --workers 3: messages go between two; give an even number")


def the_lock_is_let_go_of_around_each_call_that_may_wait():
    # Calls of each operation, and where a worker ends.
    calls = [("ipc --size 20 --message 8", 20 * 6), ("crunch --size 20k --grain 1k", 20),
             ("spawn --size 9 --what process", 9), ("spawn --size 9 --what exec", 2 * 9),
             ("crawl --size 9 --latency 0 --parse 0", 3 * 9)]
    for words, blocked in calls:
        counts = run(f"{words} --mode gil --gil cpython3 --tick-spins 0")["gil_counts"]
        assert counts["drops_voluntary"] == blocked + 2, (words, counts)


def a_thread_that_is_started_takes_the_lock_first():
    # It takes the lock once, its starter once again behind the join; both workers once at first.
    counts = run("spawn --size 9 --what thread --mode gil --gil cpython3 --tick-spins 0")["gil_counts"]
    assert counts["drops_voluntary"] == 2 * 9 + 2 and counts["takes"] >= 2 * 9 + 2, counts


def what_is_started_is_started_once_each():
    for mode in ["sequential", *MODES]:
        for what in "thread", "process", "exec":
            for until in "running", "joined":
                result = run(f"spawn --mode {mode} --what {what} --until {until} --size 7")
                check_sum(result, map(mix, range(7)))
                assert result["latency"]["n"] == 7 and result["counts"] == {}, result


def crunch_compresses_what_zlib_compresses():
    grain = 5000
    block = bytes(ord("a") + (mix(j) & 15) for j in range(grain))
    for mode in ["sequential", *MODES]:
        result = run(f"crunch --mode {mode} --grain {grain} --size 34999 --between 3")
        assert result["counts"] == {"calls": 6, "bytes_out": 6 * len(zlib.compress(block, 1))}, result
        check_sum(result, [mix(call ^ zlib.crc32(block)) for call in range(6)])
    assert run("crunch --grain 5k --size 1")["counts"]["calls"] == 1


def delay(page, latency, spread):
    return latency * spread ** ((mix(page) >> 11) / 2 ** 53)


def crawl_fetches_every_page_and_waits_as_long_as_the_server_says():
    latency, spread, size, pages = 2000000, 4, 1003, 12
    for mode in ["sequential", *MODES]:
        result = run(f"crawl --mode {mode} --size {pages} --latency {latency} --bytes {size}")
        check_sum(result, [mix(page ^ size << 32 ^ 2 * ord("a") + page % 26 + (page + size - 1) % 26)
                           for page in range(pages)])
        assert result["counts"] == {"bytes": pages * size}, result
        waits = [delay(page, latency, spread) for page in range(pages)]
        # The histogram's sum and least are exact; a delay is rounded to a whole nanosecond.
        assert result["latency"]["min"] >= min(waits) - 1, result
        assert result["latency"]["sum"] >= sum(waits) - pages, result


def pages_are_served_side_by_side():
    # One after the other they would take longer than the limit of a run: 200 of at least one second.
    result = run("crawl --mode threads --workers 200 --size 200 --latency 1s --spread 1 --bytes 100k --parse 0")
    assert result["latency"]["n"] == 200 and result["counts"] == {"bytes": 200 * 100000}, result


def calls_that_never_return_are_killed_and_others_answer():
    size, seed = 30, 5
    slow = sum(1 for op in range(size) if not mix(seed ^ op) & 1)
    for mode in ["sequential", *MODES]:
        result = run(f"timeout --mode {mode} --limit 5ms --size {size} --seed {seed}")
        counts = result["counts"]
        check_sum(result, map(mix, range(size)))
        assert counts["killed"] - counts["late"] == slow and counts["in_time"] + counts["killed"] == size, counts
        assert result["latency"]["n"] == counts["killed"], result


def a_limit_that_is_long_enough_makes_nobody_late():
    # With this seed the first two calls return.
    counts = run("timeout --limit 10s --size 2 --seed 1")["counts"]
    assert counts == {"in_time": 2, "killed": 0, "late": 0}, counts


def every_thread_and_process_can_be_stopped():
    for mode in ["sequential", *MODES]:
        for what in "thread", "process":
            result = run(f"stop --mode {mode} --what {what} --size 5 --look 100")
            check_sum(result, map(mix, range(5)))
            assert result["latency"]["n"] == 5, result


def reason_of_offload():
    about = json.loads(subprocess.run([os.path.join(FOLDER, "offload"), "--describe"], capture_output=True).stdout)
    return about["modes"][0]["reason"]


def offload_computes_what_a_loop_computes():
    reason = reason_of_offload()
    if reason:
        refused("offload --mode threads", 3, f"offload: mode 'threads' cannot run this: {reason}")
        return reason
    numbers = list(range(40000))
    for _ in range(3):
        numbers = list(map(mix, numbers))
    for mode in ["sequential", *MODES, "thread-pool", "process-pool", "events"]:
        result = run(f"offload --mode {mode} --size 40000 --rounds 3")
        check_sum(result, numbers)
        assert all(0 < ns <= 2 * result["elapsed_ns"] for ns in result["counts"].values()), result
    # A batch of 32768 is one wait.
    counts = run("offload --mode gil --gil cpython3 --size 70000 --workers 1 --rounds 1")["gil_counts"]
    assert counts["drops_voluntary"] == 3 + 1, counts
    return None


def offload_without_a_driver_is_told():
    if reason_of_offload():
        return "built without it"
    got = subprocess.run([os.path.join(FOLDER, "offload")], text=True, capture_output=True, timeout=TIMEOUT,
                         env={**os.environ, "OCL_ICD_VENDORS": "/nowhere"})
    assert got.returncode == 3 and got.stdout == "" and got.stderr == (
        "offload: there is no OpenCL driver here; install one, such as PoCL (./setup offload)\n"), got
    return None


def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def signals_that_were_ignored_and_blocked_do_not_matter():
    for words in "stop --what process --size 5", "timeout --size 4 --limit 2ms", "spawn --what exec --size 4":
        for mode in "sequential", "threads", "processes":
            run(f"{words} --mode {mode}", preexec_fn=deaf)


def a_machine_without_its_own_network_is_told():
    words = ["unshare", "--net", "--map-root-user", os.path.join(FOLDER, "crawl")]
    if subprocess.run([*words[:3], "true"], stderr=subprocess.DEVNULL).returncode:
        return "no name spaces here"
    got = subprocess.run(words, text=True, capture_output=True, timeout=TIMEOUT)
    assert got.returncode == 3 and got.stderr == "crawl: cannot connect to 127.0.0.1: Network is unreachable\n", got
    return None


def nobody_is_left():
    try:
        left = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return
    raise AssertionError(f"a process is left: {left}")


TESTS = [ipc_carries_each_message_there_and_back_once, ipc_tells_what_encoding_costs,
         ipc_refuses_workers_without_a_partner, the_lock_is_let_go_of_around_each_call_that_may_wait,
         a_thread_that_is_started_takes_the_lock_first, what_is_started_is_started_once_each,
         crunch_compresses_what_zlib_compresses, crawl_fetches_every_page_and_waits_as_long_as_the_server_says,
         pages_are_served_side_by_side, calls_that_never_return_are_killed_and_others_answer,
         a_limit_that_is_long_enough_makes_nobody_late, every_thread_and_process_can_be_stopped,
         offload_computes_what_a_loop_computes, offload_without_a_driver_is_told,
         signals_that_were_ignored_and_blocked_do_not_matter, a_machine_without_its_own_network_is_told,
         nobody_is_left]

# Whoever loses its parent becomes our child, for the last test to find.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
failed = 0
print(f"1..{len(TESTS)}")
for number, test in enumerate(TESTS, 1):
    try:
        skip, what = test(), None
    except (AssertionError, subprocess.TimeoutExpired) as why:
        skip, what = None, why
    failed += what is not None
    print(f"{'not ok' if what else 'ok'} {number} - {test.__name__}{' # SKIP ' + skip if skip else ''}", flush=True)
    if what:
        print(f"# {str(what)[:600]}")
sys.exit(1 if failed else 0)
