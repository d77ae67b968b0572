"""Starting a thread, a process, or another program: how long to its first instruction, or until it was joined.
Each worker starts one at a time."""
import os
import subprocess
import sys
import threading

sys.dont_write_bytecode = True

import runtime  # noqa: E402

PARAMS = [
    runtime.Param("what", "choice", "thread", choices=["thread", "process", "exec"], value="KIND",
                  help="what is started; exec: this interpreter as another program"),
    runtime.Param("until", "choice", "running", choices=["running", "joined"], value="WHEN",
                  help="the latency is until its first instruction, or until it has ended and was joined"),
]


def plan(count, size, params):
    refuses = {}
    if params["what"] != "thread":
        refuses["subinterpreters"] = "an interpreter beside others may not fork"
    return runtime.Plan(loop="closed", refuses=refuses)


def start_thread():
    running = []
    thread = threading.Thread(target=lambda: running.append(runtime.now_ns()))
    thread.start()
    thread.join()
    return running[0]


def start_process(multiprocessing):
    """Which writes when it has begun to run into a pipe."""
    source, to = os.pipe()
    process = multiprocessing.Process(target=lambda: os.write(to, b"%d" % runtime.now_ns()))
    process.start()
    process.join()
    running = int(os.read(source, 64))
    os.close(source)
    os.close(to)
    return running


def start_program():
    """Its first line is the one that says so."""
    return int(subprocess.check_output([sys.executable, "-c", runtime.PRINT_NOW]))


def work(w, phase):
    start, end = w.share()
    multiprocessing = runtime.multiprocessing() if w.params["what"] == "process" else None
    w.did(end - start)
    for _ in range(start, end):
        issued = runtime.now_ns()
        if w.params["what"] == "thread":
            running = start_thread()
        elif w.params["what"] == "process":
            running = start_process(multiprocessing)
        else:
            running = start_program()
        w.latency((runtime.now_ns() if w.params["until"] == "joined" else running) - issued)
    return sum(runtime.mix(op) for op in range(start, end))


WORKLOAD = runtime.Workload(
    name="spawn",
    summary="starts threads, processes or programs: how long until they run, or were joined",
    size_unit="starts", size_default="200", size_low=1, size_high=10 ** 9,
    params=PARAMS, plan=plan, work=work)

if __name__ == "__main__":
    runtime.main(WORKLOAD)
