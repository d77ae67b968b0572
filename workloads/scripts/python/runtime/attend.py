"""The link between this process and a worker that is apart from it. Upwards go a byte per barrier and then
the result; downwards a byte when all have come to the barrier. The end of the pipe is the worker's end."""
import json
import os

from runtime.options import FAILED, IMPOSSIBLE, Refusal


class Link(object):
    def __init__(self, index, ends=None):
        self.index, self.text = index, b""
        try:
            self.up, self.down = ends or (os.pipe(), os.pipe())
        except OSError as why:
            raise Refusal(IMPOSSIBLE, "cannot open the pipes of worker %d: %s" % (index + 1, why.strerror))

    def close_far(self):
        """The worker's end of the way up is the worker's alone."""
        os.close(self.up[1])

    def wait(self):
        os.write(self.up[1], b"R")
        if not os.read(self.down[0], 1):
            raise EOFError("the run has ended")

    def report(self, result):
        data = json.dumps(result).encode("ascii")
        while data:
            data = data[os.write(self.up[1], data):]


def attend(links, kill, reap):
    """Until all workers have ended: lets them go on together, returns their results. 'reap' waits for one
    that has ended, and says what was wrong with its end; the others are killed then."""
    import select  # Jython's wants a network library, and has no workers that are apart
    by_fd, poll = dict((link.up[0], link) for link in links), select.poll()
    ready, wrong = [], None
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    left = len(links)
    while left:
        for fd, _ in poll.poll():
            link, data = by_fd[fd], os.read(fd, 65536)
            if data == b"R" and not link.text:
                ready.append(link)
            elif data:
                link.text += data
            else:
                poll.unregister(fd)
                left -= 1
                ended_wrong = end_of(link, reap)
                if ended_wrong and not wrong:
                    wrong = ended_wrong
                    kill()
        if len(ready) == len(links):
            for link in ready:
                os.write(link.down[1], b"G")
            ready = []
    if wrong:
        raise Refusal(FAILED, wrong)
    return [json.loads(link.text.decode("ascii")) for link in links]


def end_of(link, reap):
    how = reap(link.index)
    try:
        failure = json.loads(link.text.decode("ascii")).get("failure")
    except ValueError:
        failure = None
        how = how or "worker %d ended without a result" % link.index
    return "worker %d: %s" % (link.index, failure) if failure else how
