"""The program that made the GIL famous (Beazley 2009): count a number down to zero, shared out over the
workers. As in workloads/countdown.c every step also adds to a sum, the checksum."""
import sys

sys.dont_write_bytecode = True

import runtime  # noqa: E402


def work(w, phase):
    end, n = w.share()
    total = 0
    w.did(n - end)
    while n > end:
        total += n
        n -= 1
    return total


WORKLOAD = runtime.Workload(
    name="countdown",
    summary="counts a number down to zero: pure computing",
    size_unit="decrements", size_default="20M", size_low=1, size_high=10 ** 12,
    work=work)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
