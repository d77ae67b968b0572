"""A crawler: pages fetched from a server of our own on this machine, which answers each after a delay of its own
(runtime/pages.py), and looked through. Waiting is most of it."""
import sys

sys.dont_write_bytecode = True

try:
    from http.client import HTTPConnection
except ImportError:  # Python 2
    from httplib import HTTPConnection

import runtime  # noqa: E402
from runtime import pages  # noqa: E402

PARAMS = [
    runtime.Param("latency", "time", "2ms", 0, 10 ** 10, value="TIME",
                  help="the shortest time until a page is answered"),
    runtime.Param("spread", "number", "4", 1, 1000, value="N", help="how many times that the longest is"),
    runtime.Param("bytes", "number", "16k", 1, 10 ** 8, value="N", help="the length of a page"),
    runtime.Param("parse", "number", "1", 0, 10 ** 6, value="N",
                  help="iterations of an empty loop for every 64 bytes of a page"),
]
STRIDE = 64


def plan(count, size, params):
    return runtime.Plan(loop="closed", serve=lambda listening: pages.serve(
        listening, params["latency"], params["spread"], params["bytes"]))


def fetch(port, page):
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/%d" % page)
    body = connection.getresponse().read()
    connection.close()
    return body


def parse(w, page, body):
    """Looks at every so many bytes of it; returns what goes into the checksum."""
    length = w.params["bytes"]
    if len(body) != length:
        w.fail("page %d has %d bytes" % (page, len(body)))
        return 0
    wanted = pages.body(page, length)[::STRIDE]
    for i, byte in enumerate(body[::STRIDE]):
        if byte != wanted[i]:
            w.fail("page %d has another byte %d" % (page, i * STRIDE))
        for _ in range(w.params["parse"]):
            pass
    return runtime.mix(page ^ length << 32 ^ ord(body[:1]) + ord(body[-1:]))


def work(w, phase):
    start, end = w.share()
    w.role = "io"
    w.did(end - start)
    w.tell("bytes", 0)
    total = 0
    for page in range(start, end):
        asked_ns = runtime.now_ns()
        body = fetch(w.bond.port, page)
        w.latency(runtime.now_ns() - asked_ns)
        w.tell("bytes", len(body))
        total += parse(w, page, body)
    return total


WORKLOAD = runtime.Workload(
    name="crawl",
    summary="fetches pages from a server of its own that takes its time, and reads them",
    size_unit="pages", size_default="100", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work, waits=True, counts=["bytes"])

if __name__ == "__main__":
    runtime.main(WORKLOAD)
