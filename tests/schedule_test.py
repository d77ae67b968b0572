#!/usr/bin/python3
"""The program with a known schedule, again and again: its traces show exactly what it did.
schedule_test.py GILSCOPE PROGRAMS [RUNS]. Speaks TAP."""
import collections
import json
import sys

from tracing import GILSCOPE, Folder, Trace, differences, finish, program, report, run

RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 10
# How many modules a program has is no matter of the schedule, nor what it calls while it looks for a moment.
OTHER = {"module", "call"}


def key(event):
    return event["kind"] + (f" {event['errno']}" if "errno" in event else "")


def processes(events):
    """The events of each process, by its pid and which of the images with that pid it is."""
    of = collections.defaultdict(list)
    for event in events:
        of[event["process"]].append(event)
    images, result = collections.Counter(), {}
    for number in sorted(of):
        pid = next((event["pid"] for event in of[number] if event["kind"] == "process-start"), None)
        result[pid, images[pid]] = of[number]
        images[pid] += 1
    return result


def is_the_programs(event, base):
    """libgcc does something once itself, when a thread is unwound: its control is not the program's."""
    return not event["kind"].startswith("once-") or 0 <= int(event["once"], 16) - base < 1 << 24


def counts_are_right(wanted, found):
    if set(wanted) != set(found):
        yield f"processes {sorted(wanted)} ran, {sorted(found, key=str)} are there"
    for process in set(wanted) & set(found):
        unknown = OTHER | set(wanted[process]["unknown"])
        base = int(found[process][0].get("base", "0"), 16)
        got = collections.Counter(key(event) for event in found[process] if event["kind"] not in unknown
                                  and is_the_programs(event, base))
        for complaint in differences(wanted[process]["events"], got):
            yield f"process {process}: {complaint}"


def orders_are_right(orders, events):
    """The times of the acquisitions do not fall along the order they had; events at one tick have no order, which
    in qemu-user lasts a microsecond."""
    for order in orders:
        got = [event for event in events if event["kind"] == order["order"]
               and order["object"] in event.values()][-len(order["tids"]):]
        times = collections.defaultdict(list)
        for event in reversed(got):
            times[event["tid"]].append(event["time_ns"])
        if collections.Counter(order["tids"]) != {tid: len(some) for tid, some in times.items()}:
            yield f"{order['order']} of {order['object']}: other threads had it"
            continue
        true = [times[tid].pop() for tid in order["tids"]]
        fall = next((i for i in range(1, len(true)) if true[i] < true[i - 1]), None)
        if fall:
            yield f"{order['order']} of {order['object']}: the {fall}th of {len(true)} is earlier than the one before"


def conflicts_end(events):
    """Each conflict of a thread is followed by its acquisition or failure, with nothing else between."""
    waiting = {}
    for event in events:
        kind, before = event["kind"], waiting.pop(event["thread"], None)
        if before and kind not in (before + "-acquire", before + "-fail"):
            yield f"thread {event['thread']}: {before}-conflict, then {kind}"
        if kind.endswith("-conflict"):
            waiting[event["thread"]] = kind.removesuffix("-conflict")


def read(expectations):
    with open(expectations, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return ({(line["pid"], line["generation"]): line for line in lines if "pid" in line},
            [line for line in lines if "order" in line])


def run_it(folder):
    """Again when the emulator has failed: qemu-user 7.2 asserts something now and then after a fork beside threads."""
    for _ in range(5):
        expectations = folder.new("expected")
        got, trace = folder.trace([program("schedule"), "first", expectations])
        if "ERROR:../../" not in got.stderr:
            break
    return got, trace, expectations


with Folder() as folder:
    totals, conflicts, runs_right = [0, 0], 0, 0
    said = {"counts": [], "orders": [], "conflicts": [], "whole": []}
    for number in range(1, RUNS + 1):
        got, trace, expectations = run_it(folder)
        complaints = {name: [] for name in said}
        if got.returncode:
            complaints["whole"] = [f"exit {got.returncode}: {got.stderr}"]
        else:
            head, events = trace.dump()
            wanted, orders = read(expectations)
            complaints["counts"] = list(counts_are_right(wanted, processes(events)))
            complaints["orders"] = list(orders_are_right(orders, events))
            complaints["conflicts"] = list(conflicts_end(events))
            complaints["whole"] = [f"{name} is {head[name]}" for name in ("lost", "abandoned", "still_running")
                                   if head[name]] + head["troubles"] + ([] if head["finished"] else ["not finished"])
            totals = [totals[0] + len(events), totals[1] + sum(len(order["tids"]) for order in orders)]
            conflicts += sum(event["kind"].endswith("-conflict") for event in events)
        for name, more in complaints.items():
            said[name] += [f"run {number}: {complaint}" for complaint in more]
        runs_right += not any(complaints.values())
        run(["rm", "-rf", trace.path, expectations])
    print(f"# {runs_right} of {RUNS} runs are right: {totals[0]} events, {totals[1]} acquisitions in their order, "
          f"{conflicts} conflicts")
    report(said["whole"], f"{RUNS} runs come to their ends, nothing is lost")
    report(said["counts"], "each process shows as many events of each kind as it says")
    report(said["orders"], "acquisitions of locks that are fought for are in the true order")
    report(said["conflicts"], "each conflict ends with an acquisition or a failure")
finish()
