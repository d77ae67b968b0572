"""Threads, a forked child with threads, and programs that are run; for every Python since 2.7."""
from __future__ import print_function

import os
import subprocess
import sys
import threading

lock = threading.Lock()
count = [0]


def work():
    for _ in range(2000):
        with lock:
            count[0] += 1


def run_threads():
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(count[0])
    sys.stdout.flush()


run_threads()
pid = os.fork()
if pid == 0:
    run_threads()
    os._exit(3)
print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
for environment in None, {}:
    print(subprocess.Popen(["echo", "hello"], stdout=subprocess.PIPE, env=environment).communicate()[0])
sys.exit(5)
