"""Computing outside the lock, as extensions in C do: zlib lets go of it while it deflates a block. How much it
does there is the grain; between two calls the interpreter may have work of its own."""
import sys
import zlib

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("grain", "number", "64k", 1, 10 ** 9, value="BYTES", help="deflated by one call"),
    runtime.Param("between", "number", "0", 0, 10 ** 9, value="N",
                  help="interpreted work between two calls: iterations of an empty loop"),
]
LEVEL = 1


def setup(run):
    return bytes(bytearray(ord("a") + (runtime.mix(j) & 15) for j in range(run.params["grain"])))


def work(w, phase):
    block, between, bytes_out, total = w.given, w.params["between"], 0, 0
    start, end = w.share(of=max(1, w.size // w.params["grain"]))
    w.did((end - start) * len(block))
    for call in range(start, end):
        bytes_out += len(zlib.compress(block, LEVEL))
        total += runtime.mix(call ^ zlib.crc32(block) & 0xffffffff)
        for _ in range(between):
            pass
    w.tell("calls", end - start)
    w.tell("bytes_out", bytes_out)
    return total


WORKLOAD = runtime.Workload(
    name="crunch",
    summary="deflates blocks outside the lock, like an extension in C",
    size_unit="bytes", size_default="16M", size_low=1, size_high=10 ** 12,
    params=PARAMS, setup=setup, work=work, counts=["calls", "bytes_out"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
