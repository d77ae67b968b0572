"""As ../timeout.py, in coroutines: they give way until an answer comes or the time is up."""
import runtime
import timeout
from runtime import events


async def work(w, phase):
    start, end = timeout.begin(w)
    for op in range(start, end):
        one = timeout.Call(w, op)
        if await events.readable(one.answer.fileno(), one.left_s()):
            one.take_answer()
        else:
            one.give_up()
        one.end()
    return sum(runtime.mix(op) for op in range(start, end))
