"""The result: the histogram of base/histogram.h, the one line that the runner reads, the few lines that
people read."""
import json
import math
from collections import OrderedDict

SUB_BITS, TOP_BITS = 10, 42
NOTES_MAX = 4
SUB_COUNT = 1 << SUB_BITS
BUCKETS = (TOP_BITS - SUB_BITS + 1) << SUB_BITS


def bucket_of(value):
    """Below 2^10 each value has its own, above that every power of two is cut into 1,024."""
    if value < SUB_COUNT:
        return value
    if value >> TOP_BITS:
        return BUCKETS - 1
    shift = value.bit_length() - 1 - SUB_BITS
    return (shift + 1 << SUB_BITS) + (value >> shift) - SUB_COUNT


def bucket_high(bucket):
    group, rest = divmod(bucket + 1, SUB_COUNT)
    return (rest + SUB_COUNT << group - 1) - 1 if group else rest - 1


class Histogram(object):
    def __init__(self, state=None):
        self.n, self.min, self.max, self.sum, counts = state or (0, 0, 0, 0, [])
        self.counts = dict(counts)

    def add(self, value):
        bucket = bucket_of(value)
        self.min = value if self.n == 0 else min(self.min, value)
        self.max = max(self.max, value)
        self.n += 1
        self.sum += value
        self.counts[bucket] = self.counts.get(bucket, 0) + 1

    def merge(self, other):
        if other.n:
            self.min = other.min if self.n == 0 else min(self.min, other.min)
            self.max = max(self.max, other.max)
            self.n += other.n
            self.sum += other.sum
            for bucket, count in other.counts.items():
                self.counts[bucket] = self.counts.get(bucket, 0) + count

    def state(self):
        return [self.n, self.min, self.max, self.sum, sorted(self.counts.items())]

    def percentile(self, p):
        rank, seen = max(1, int(math.ceil(p * self.n))), 0
        for bucket, count in sorted(self.counts.items()):
            seen += count
            if seen >= rank:
                return max(self.min, min(self.max, bucket_high(bucket)))
        return self.max

    def members(self, loop):
        return OrderedDict([
            ("unit", "ns"), ("loop", loop), ("n", self.n), ("min", self.min),
            ("p50", self.percentile(0.5)), ("p90", self.percentile(0.9)), ("p99", self.percentile(0.99)),
            ("p999", self.percentile(0.999) if self.n >= 1000 else None), ("max", self.max),
            ("sub_bits", SUB_BITS), ("counts", [list(pair) for pair in sorted(self.counts.items())]),
            ("sum", self.sum)])


def to_json(value):
    return json.dumps(value, separators=(",", ":"))


class Result(object):
    """Of a whole run: from what its workers hand back."""

    def __init__(self, run, parts):
        self.run, self.parts = run, parts
        self.checksum = "%016x" % (sum(part["checksum"] for part in parts) & 2 ** 64 - 1)
        self.elapsed_ns = elapsed(run, parts)
        self.latency, self.notes = Histogram(), []
        for part in parts:
            self.latency.merge(Histogram(part["latency"]))
            self.notes += [note for note in part["notes"] if note not in self.notes]
        self.counts = OrderedDict((name, total(name, parts)) for name in run.workload.counts)

    def json_line(self):
        run = self.run
        return to_json(OrderedDict([
            ("workload", run.workload.name), ("mode", run.mode.name), ("gil", None),
            ("workers", run.count), ("size", run.size), ("params", self.params()),
            ("elapsed_ns", self.elapsed_ns), ("checksum", self.checksum),
            ("per_worker", [worker_members(part) for part in self.parts]), ("gil_counts", None),
            ("latency", self.latency.members(run.plan.loop) if self.latency.n else None),
            ("counts", self.counts), ("notes", self.notes[:NOTES_MAX]),
            ("pool", run.pool), ("loop", run.loop)])) + "\n"

    def params(self):
        apart = ("mode", "workers", "size", "json", "help", "describe")
        return OrderedDict((row.name, self.run.params[row.name]) for row in self.run.rows
                           if row.name not in apart)

    def text(self):
        run = self.run
        seconds = self.elapsed_ns / 1e9
        yield "%s, %s, %d worker%s, %d %s: %.6f s, checksum %s" % (
            run.workload.name, run.mode.name, run.count, "" if run.count == 1 else "s", run.size,
            run.workload.size_unit, seconds, self.checksum)
        if self.latency.n:
            yield ("latency (%s loop): %d operations, %.1f per second, p50 %.3f ms, p99 %.3f ms, max %.3f ms"
                   % (run.plan.loop, self.latency.n, self.latency.n / seconds,
                      self.latency.percentile(0.5) / 1e6, self.latency.percentile(0.99) / 1e6,
                      self.latency.max / 1e6))
        if self.counts:
            yield "counts: " + ", ".join("%s %s" % (name, "unknown" if n is None else n)
                                         for name, n in self.counts.items())
        for note in self.notes[:NOTES_MAX]:
            yield note


def elapsed(run, parts):
    if run.window:
        return run.window[1] - run.window[0]
    # In turn what lies between the shares, reading clocks, is not the workload's.
    if run.mode.in_turn:
        return sum(part["elapsed_ns"] for part in parts)
    return max(part["finish_ns"] for part in parts) - min(part["start_ns"] for part in parts)


def total(name, parts):
    """None when nobody told."""
    told = [part["counts"][name] for part in parts if name in part["counts"]]
    return sum(told) if told else None


def worker_members(part):
    cpu_ns, run_delay_ns, nvcsw, nivcsw = part["spent"]
    return OrderedDict([("role", part["role"]), ("units", part["units"]),
                        ("elapsed_ns", part["elapsed_ns"]), ("cpu_ns", cpu_ns),
                        ("run_delay_ns", run_delay_ns), ("nvcsw", nvcsw), ("nivcsw", nivcsw)])
