"""As ../crawl.py, in coroutines: they give way until they are connected and while an answer comes."""
import asyncio

import crawl
import runtime


async def fetch(port, page):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /%d HTTP/1.0\r\n\r\n" % page)
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def work(w, phase):
    start, end = w.share()
    w.role = "io"
    w.did(end - start)
    w.tell("bytes", 0)
    total = 0
    for page in range(start, end):
        asked_ns = runtime.now_ns()
        body = await fetch(w.bond.port, page)
        w.latency(runtime.now_ns() - asked_ns)
        w.tell("bytes", len(body))
        total += crawl.parse(w, page, body)
    return total
