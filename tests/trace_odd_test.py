#!/usr/bin/python3
"""Programs that do odd things under gilscope trace: they behave as without it, and what they did is in the
trace. trace_odd_test.py GILSCOPE PROGRAMS [WORD]: only tests whose names have the word. Speaks TAP."""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from tracing import (GILSCOPE, KIND, OF_SYSCALLS, TIMEOUT, Folder, Trace, both, differences, finish, program, report,
                     run)

WORD = sys.argv[3] if len(sys.argv) > 3 else ""
NOBODY = 65534
ROOT = os.geteuid() == 0
with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tracer/format.h"), encoding="utf-8") as file_:
    FORMAT = file_.read()
LIBRARIES = "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def counts(trace):
    """How many events of each kind but system calls each process has, by its pid and which image with that pid it is."""
    of = collections.defaultdict(list)
    for thread in trace.threads():
        of[thread.process].append(thread)
    images, result = collections.Counter(), {}
    for number in sorted(of):
        pid, all_kinds = of[number][0].pid, collections.Counter(b"".join(thread.kinds for thread in of[number]))
        result[pid, images[pid]] = {name: all_kinds[number] for name, number in KIND.items()
                                    if all_kinds[number] and name not in OF_SYSCALLS}
        images[pid] += 1
    return result


def expectations(path):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    for line in lines:
        total = collections.Counter()
        for name, number in line["events"].items():
            total[name.partition(" ")[0]] += number
        line["events"] = total
    return {(line["pid"], line["generation"]): line for line in lines}


def is_as_expected(trace, path, others_too=False):
    """'others_too': a library that is preloaded may lock as well."""
    wanted, found = expectations(path), counts(trace)
    if set(wanted) != set(found):
        yield f"{len(wanted)} processes ran, {len(found)} are there: {[*set(wanted) ^ set(found)][:5]}"
    for process in set(wanted) & set(found):
        line, got = wanted[process], dict(found[process])
        for kind in {"module", "arg", "call"} - set(line["events"]):
            got.pop(kind, None)
        for kind, (low, high) in line["unknown"].items():
            if not low <= got.pop(kind, 0) <= high:
                yield f"process {process}: {kind} is {found[process].get(kind)}, not {low} to {high}"
        if others_too:
            got = {kind: min(number, line["events"][kind]) for kind, number in got.items()}
        yield from (f"process {process}: {complaint}" for complaint in differences(line["events"], got))


def odd(folder, name, word=None, options=(), others_too=False, **more):
    """Complaints about a program of the table that says what it expects."""
    path = folder.new("expected")
    got, trace = folder.trace([program("odd"), name, path, *([word] if word else [])], options, **more)
    if got.returncode:
        return [f"{name}: exit {got.returncode}: {got.stderr}{got.stdout}"]
    facts = trace.facts()
    complaints = [f"{name}: {what} is {facts[what]}" for what in ("lost", "still_running") if facts[what]]
    return complaints + [*is_as_expected(trace, path, others_too), *trace.readable()]


# Calls that may block have a record of their own only where system calls have none.
WITHOUT_SYSCALLS = ["--syscalls", "off"]


@test
def handlers_that_record_while_a_hook_runs_lose_nothing(folder):
    return odd(folder, "signals") + odd(folder, "signals", options=["--counter", "monotonic"])


@test
def handlers_that_never_return_leave_at_most_an_abandoned_slot_each(folder):
    return odd(folder, "jumps")


@test
def each_wait_can_be_cancelled_deferred_and_at_once_and_its_end_is_recorded(folder):
    return odd(folder, "cancels")


@test
def errno_after_each_call_is_as_without_tracing(folder):
    return both(folder, [program("odd"), "errno", "-"])[0]


def calls_of(trace):
    """The names of the calls of each thread, in its order; the main thread is the first."""
    of = collections.defaultdict(list)
    for event in trace.dump()[1]:
        if event["kind"] == "call":
            of[event["thread"]].append(event["call"])
    return [of[number] for number in sorted(of)]


def told_by(words):
    """The first words of the lines that a program prints."""
    return [line.split()[0] for line in run(words).stdout.splitlines()]


@test
def each_call_that_may_block_is_recorded_once_by_its_name_and_does_what_it_does(folder):
    words = [program("odd"), "calls", "-"]
    complaints, trace = both(folder, words, WITHOUT_SYSCALLS)
    wanted, got = told_by(words), (calls_of(trace) or [[]])[0]
    unknown = set(re.findall(r'^\tX\(\w+, "(\w+)"\)', FORMAT, re.M)) - set(wanted)
    complaints += [f"'{name}' is not tried" for name in unknown]
    return complaints + ([] if got == wanted else [f"the trace has {got}, not {wanted}"])


@test
def calls_in_handlers_are_recorded_and_disturb_nothing(folder):
    return (odd(folder, "calls-in-handlers", options=WITHOUT_SYSCALLS) +
            odd(folder, "calls-in-handlers", options=["--counter", "monotonic", *WITHOUT_SYSCALLS]))


@test
def calls_that_wait_can_be_cancelled_deferred_and_at_once(folder):
    complaints = []
    for way in "deferred", "at once":
        more, trace = both(folder, [program("odd"), "cancels-calls", "-", way], WITHOUT_SYSCALLS)
        wanted = told_by([program("odd"), "cancels-calls", "-", way])
        got = [names for names in calls_of(trace)[1:] if names != ["pause"] * len(names)]
        if got != [[name] for name in wanted if name != "pause"]:
            complaints.append(f"{way}: the threads called {got}, not {wanted}")
        complaints += more
    return complaints


@test
def a_program_in_seccomps_strict_mode_may_read_and_write(folder):
    return both(folder, [program("odd"), "strict", "-"])[0]


@test
def functions_of_a_program_that_are_named_like_recorded_ones_are_left_alone(folder):
    complaints, trace = both(folder, [program("own")])
    return complaints + [f"calls are there: {names}" for names in calls_of(trace)]


@test
def destructors_of_threads_libraries_and_programs_are_recorded(folder):
    return odd(folder, "ends")


@test
def a_program_whose_threads_record_after_their_last_destructors_comes_to_its_end(folder):
    # Each such thread keeps a ring until the program's end; when there are no more, events are lost and counted.
    return both(folder, [program("odd"), "many-ends", "-"])[0]


@test
def locks_of_a_library_that_is_opened_later_are_recorded(folder):
    return odd(folder, "library", word=program("libodd_plugin.so"))


@test
def forks_beside_threads_that_begin_and_end_do_not_hang(folder):
    return both(folder, [program("odd"), "fork-beside-threads", "-"])[0]


@test
def a_detached_thread_may_free_its_handle(folder):
    return both(folder, [program("odd"), "detached", "-"])[0]


@test
def a_program_that_closes_all_descriptors_is_recorded(folder):
    return odd(folder, "closes-all")


@test
def a_program_that_changes_its_folder_is_recorded(folder):
    return odd(folder, "changes-folder")


@test
def a_program_that_changes_its_root_is_recorded(folder):
    if not ROOT:
        return "chroot is root's"
    path, place = folder.new("expected"), folder.path
    got, trace = folder.trace([program("odd"), "changes-root", path, place])
    return [f"exit {got.returncode}: {got.stderr}"] if got.returncode else list(is_as_expected(trace, path))


@test
def a_program_that_drops_its_privileges_is_recorded(folder):
    return odd(folder, "becomes-nobody") if ROOT else "only root can become nobody"


@test
def what_a_program_executes_as_nobody_runs_undisturbed(folder):
    return both(folder, [program("odd"), "execs-as-nobody", "-"])[0] if ROOT else "only root can become nobody"


@test
def a_program_with_few_descriptors_is_recorded(folder):
    return odd(folder, "limits-files")


@test
def a_program_that_was_given_little_memory_runs_as_without_tracing(folder):
    words = ["sh", "-c", f"ulimit -v 600000; exec {program('odd')} goes-on {folder.new('unread')}"]
    return both(folder, words)[0]


@test
def a_program_that_limits_its_memory_has_it_for_itself(folder):
    return odd(folder, "limits-memory")


@test
def a_thousand_threads_at_once_are_recorded(folder):
    return odd(folder, "thousand-threads")


@test
def ten_thousand_threads_one_after_the_other_are_recorded(folder):
    return odd(folder, "short-threads")


@test
def two_thousand_forked_children_are_recorded(folder):
    return odd(folder, "forks")


@test
def children_with_another_environment_are_recorded_and_do_not_see_that(folder):
    complaints, trace = both(folder, [program("odd"), "clears-environment", "-", program("libodd_library.so")])
    images = sum(kinds.get("process-start", 0) for kinds in counts(trace).values())
    return complaints + ([] if images == 4 else [f"{images} images are there of 4"])


@test
def other_preloaded_libraries_are_kept_and_work(folder):
    complaints = []
    for library in program("libodd_library.so"), "libjemalloc.so.2", "libtcmalloc.so.4":
        paths = [library] if "/" in library else [os.path.join(place, library) for place in LIBRARIES]
        path = next((path for path in paths if os.path.exists(path)), None)
        if not path:
            print(f"# no {library} here")
            continue
        environment = {**os.environ, "LD_PRELOAD": path}
        for name in "goes-on", "ends":
            complaints += odd(folder, name, others_too=True, env=environment)
        got, _ = folder.trace(["sh", "-c", 'echo "$LD_PRELOAD"'], env=environment)
        if not got.stdout.strip().endswith(":" + path):
            complaints.append(f"LD_PRELOAD is {got.stdout}")
    return complaints


@test
def the_exit_status_is_that_of_the_command(folder):
    script = folder.new("script")
    with open(script, "w", encoding="utf-8") as file:
        file.write("exit 3\n")
    complaints = []
    for words, status in (["false"], 1), (["true"], 0), ([program("odd"), "exits", "-", "77"], 77), \
            ([program("odd"), "kills", "-", "9"], 137), ([program("odd"), "kills", "-", "11"], 139), \
            ([program("odd"), "kills", "-", "15"], 143), (["no-such-program"], 127), (["/no/such/program"], 127), \
            ([script], 126), ([folder.path], 126), (["sh", "-c", "kill -6 $$"], 134):
        got, _ = folder.trace(words)
        if got.returncode != status:
            complaints.append(f"{words}: exit {got.returncode}, not {status}: {got.stderr}")
        if status in (126, 127) and got.stderr.count("\n") != 1:
            complaints.append(f"{words}: not one sentence: {got.stderr}")
    return complaints


@test
def programs_that_cannot_be_preloaded_into_are_refused_in_one_sentence(folder):
    complaints, refused = [], []
    if os.path.exists(program("odd_static")):
        refused.append((program("odd_static"), "static"))
    if ROOT:
        path = folder.new("set-uid")
        shutil.copy("/bin/true", path)
        os.chown(path, NOBODY, NOBODY)
        os.chmod(path, 0o4755)
        refused.append((path, "set-uid"))
    for path, word in refused:
        got, trace = folder.trace([path])
        if got.returncode != 3 or got.stderr.count("\n") != 1 or word not in got.stderr or os.path.exists(trace.path):
            complaints.append(f"{path}: exit {got.returncode}: {got.stderr}")
    return complaints


@test
def a_trace_is_not_written_over_another(folder):
    _, trace = folder.trace(["true"])
    before = os.path.getmtime(os.path.join(trace.path, "trace.json"))
    got = run([GILSCOPE, "trace", "-o", trace.path, "--", "true"])
    if got.returncode != 2 or got.stderr.count("\n") != 1 or \
            os.path.getmtime(os.path.join(trace.path, "trace.json")) != before:
        return [f"exit {got.returncode}: {got.stderr}"]
    return []


@test
def descriptors_are_those_that_the_program_would_have(folder):
    complaints, shell = [], 'exec "$@" 3</dev/null'
    for closed in "", "<&-", ">&-", "2>&-", "<&- >&- 2>&-":
        out = folder.new("descriptors")
        told = []
        for words in [[]], [[GILSCOPE, "trace", "--quiet", "-o", folder.new(), "--"]]:
            run(["sh", "-c", f'{shell} 9>"$OUT" {closed}', "sh", *words[0], program("odd"), "descriptors", "-", "9"],
                env={**os.environ, "OUT": out})
            with open(out, encoding="utf-8") as file:
                told.append(file.read())
        if told[0] != told[1] or not told[0]:
            complaints.append(f"{closed}: {told[0]!r} natively, {told[1]!r} traced")
    return complaints


@test
def signals_are_as_the_program_would_find_them(folder):
    def odd_state():
        for ignored in signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, signal.SIGUSR1:
            signal.signal(ignored, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2, signal.SIGALRM])

    words, complaints = [program("odd"), "state", "-"], []
    for before in None, odd_state:
        for restore in True, False:
            complaints += both(folder, words, preexec_fn=before, restore_signals=restore)[0]
    return complaints


def interrupted(folder, number, to_group):
    """What becomes of a program that handles a signal, and of one that does not."""
    complaints = []
    for words, status in ([program("odd"), "waits", "-"], 20 + number), (["sh", "-c", "echo ready; exec sleep 60"],
                                                                       128 + number):
        path = folder.new()
        process = subprocess.Popen([GILSCOPE, "trace", "-o", path, "--", *words], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        process.stdout.readline()
        if to_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        err = process.communicate(timeout=TIMEOUT)[1]
        if process.returncode != status or not Trace(path).facts()["finished"]:
            complaints.append(f"{words}, signal {number}: exit {process.returncode}, not {status}: {err}")
    return complaints


@test
def an_interrupt_from_the_terminal_ends_the_program_and_the_trace_is_whole(folder):
    return interrupted(folder, signal.SIGINT, True)


@test
def a_launcher_that_is_asked_to_end_passes_that_on(folder):
    return interrupted(folder, signal.SIGTERM, False)


@test
def another_counter_gives_the_same_events(folder):
    path = folder.new("expected")
    got, trace = folder.trace([program("schedule"), "first", path], ["--counter", "monotonic"])
    if got.returncode or trace.facts()["counter"] != "monotonic" or trace.facts()["lost"]:
        return [f"exit {got.returncode}: {got.stderr}"]
    with open(path, encoding="utf-8") as file:
        wanted = [line for line in file if "order" not in line]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(wanted)
    # libgcc does something once, too.
    return [complaint for complaint in is_as_expected(trace, path) if ": once-" not in complaint]


with Folder() as folder_:
    for function_ in TESTS:
        sentence = function_.__name__.replace("_", " ")
        if WORD in sentence:
            result = function_(folder_)
            report([] if isinstance(result, str) else result, sentence, skip=result if isinstance(result, str) else None)
finish()
