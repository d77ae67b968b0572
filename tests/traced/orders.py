"""Two of Python's locks in every order that matters, for gilscope report --hazards. orders.py WHAT. What hangs is
killed by itself when it does."""
import os
import signal
import sys
import threading
import time

first, second = threading.Lock(), threading.Lock()
waiting = {}


def take(one, other, met=None):
    with one:
        if met:
            met.wait()
        waiting[threading.get_ident()] = True
        with other:
            pass


def take_twice():
    with first:
        waiting[threading.get_ident()] = True
        first.acquire()


def wait_for_nobody():
    waiting[threading.get_ident()] = True
    with threading.Condition():
        event = threading.Condition()
        with event:
            event.wait()


def sleeps(tid):
    with open("/proc/self/task/%d/stat" % tid) as file:
        return ") S " in file.read()


def kill_when_hung(count):
    looks = 0
    while looks < 20:
        time.sleep(0.005)
        tids = [int(tid) for tid in os.listdir("/proc/self/task") if int(tid) != os.getpid()]
        looks = looks + 1 if len(waiting) == count and all(sleeps(tid) for tid in tids) else 0
    os.kill(os.getpid(), signal.SIGKILL)


def start(act, *words):
    thread = threading.Thread(target=act, args=words)
    thread.start()
    return thread


what = sys.argv[1]
if what == "lucky":
    one = start(take, first, second)
    while not waiting:
        time.sleep(0.005)
    time.sleep(0.02)
    other = start(take, second, first)
    one.join()
    other.join()
elif what == "joined":
    start(take, first, second).join()
    start(take, second, first).join()
elif what == "hang":
    met = threading.Barrier(2)
    start(take, first, second, met)
    start(take, second, first, met)
    kill_when_hung(2)
elif what == "self":
    start(take_twice)
    kill_when_hung(1)
elif what == "condition":
    start(wait_for_nobody)
    kill_when_hung(1)
