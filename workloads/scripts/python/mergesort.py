"""Sorts a shuffled list: the workers sort a chunk each, and the chunks are merged, one after the other by
the first worker as in the texts, or pairwise as a tree. The permutation is that of workloads/mergesort.c."""
import sys

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("merge", "choice", "serial", choices=["serial", "tree"], value="HOW",
                  help="merge the chunks one after the other or pairwise"),
    runtime.Param("return", "choice", "shared", choices=["shared", "pipe"], value="HOW",
                  help="how sorted chunks come back from processes"),
    runtime.Param("shuffle-seed", "number", "1", 0, 2 ** 63 - 1, value="N", help="seed of the shuffle"),
]


def phases_of(count, params):
    if params["merge"] == "serial":
        return 2
    phases = 1
    while 2 ** (phases - 1) < count:
        phases += 1
    return phases


def plan(count, size, params):
    return runtime.Plan(phases=phases_of(count, params), handing=params["return"], numbers=size)


def setup(run):
    """0 to size - 1 in an order that depends on the seed alone (Fisher, Yates)."""
    values, random = [], run.params["shuffle-seed"]
    for i in range(run.size):
        j = runtime.mix(random) % (i + 1)
        random += 1
        values.append(i)
        values[i] = values[j]
        values[j] = i
    return values


def merge(left, right):
    merged = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    merged += left[i:]
    merged += right[j:]
    return merged


def sort(values):
    if len(values) < 2:
        return values
    middle = len(values) // 2
    return merge(sort(values[:middle]), sort(values[middle:]))


def gives(w, phase):
    """Whether the worker hands over what it has sorted. In round r of a tree runs of 2^(r - 1) chunks are
    joined, and the right one of a pair gives."""
    if w.params["merge"] == "serial":
        return phase == 1 and w.index > 0
    return 0 < phase < phases_of(w.count, w.params) and w.index % 2 ** phase == 2 ** (phase - 1)


def take_and_merge(w, index, width):
    """Takes the run that the worker 'index' has sorted, of 'width' chunks, and merges it behind ours."""
    if index < w.count:
        start, end = w.share(index)[0], w.share(min(index + width, w.count) - 1)[1]
        w.values = merge(w.values, w.bond.take(index, start, end))


def join(w, phase):
    if w.params["merge"] == "serial":
        for index in range(1, w.count) if w.index == 0 else ():
            take_and_merge(w, index, 1)
    elif w.index % 2 ** phase == 0:
        take_and_merge(w, w.index + 2 ** (phase - 1), 2 ** (phase - 1))


def work(w, phase):
    start, end = w.share()
    if phase == 0:
        w.did(end - start)
        w.values = sort(w.given[start:end])
    elif gives(w, phase):
        w.bond.send(w.index, w.values)
    else:
        join(w, phase)
    if gives(w, phase + 1):
        w.bond.offer(w.index, start, w.values)
    return 0


def check(w):
    """The list was a permutation of 0 to size - 1: sorted means that every element is its own index."""
    total = 0
    for i, value in enumerate(w.values) if w.index == 0 else ():
        if value != i:
            w.fail("not sorted: element %d is %d" % (i, value))
            break
        total += runtime.mix(value ^ (i << 32))
    return total


WORKLOAD = runtime.Workload(
    name="mergesort",
    summary="sorts a shuffled list: chunks sorted by the workers, then merged",
    size_unit="elements", size_default="1M", size_low=4, size_high=2 ** 31,
    params=PARAMS, plan=plan, setup=setup, work=work, check=check)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
