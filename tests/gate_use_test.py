#!/usr/bin/python3
"""gilscope gate and those who use it, people, CI and other programs: its files and words, commands instead of builds,
traces. On made-up builds: gate_use_test.py BUILD. Speaks TAP."""
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

from gate_made import (CELL, CONFIRM, ERROR, FAIL, FILES, GILSCOPE, INCONCLUSIVE, MOST, PASS, TIMEOUT, gate, judged,
                       line, report, run, run_tests, skip, strict)


def outputs(builds):
    sides = builds.pair([line()], [line(1500000)])
    folder = os.path.join(builds.tmp, "out")
    done, verdict = gate(*sides, "-o", folder)
    with open(folder + "/verdict.json", encoding="utf-8") as file:
        written = file.read()
    report(done.returncode == FAIL and done.stdout == written and verdict["schema"] == "gilscope.verdict/1",
           "what_is_printed_as_json_is_what_is_written", done)
    made = set(os.listdir(folder))
    report(FILES <= made and not [name for name in made if "part" in name],
           "a_gate_that_has_failed_leaves_all_files", made)
    done = run("gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers", "2", "--size", "7")
    report(done.returncode == FAIL and done.stdout.startswith("FAIL: ") and not re.search(r"\033|\r", done.stderr),
           "people_read_the_verdict_first_and_a_log_has_no_terminals_codes", done)
    # Nothing was measured before it is known that the result can be kept.
    def untouched(path, name, words, **more):
        fresh = builds.pair([line()], [line()])
        done, _ = gate(*fresh, "-o", path, **more)
        ran = [n for side in fresh for n in os.listdir(side + "/workloads") if n.endswith(".runs")]
        report(done.returncode == ERROR and words in done.stderr and done.stderr.count("\n") == 1 and not ran,
               name, done, ran)
    untouched(os.path.join(sides[0], "workloads", "countdown"), "a_file_in_place_of_the_output_folder_is_refused", "")
    untouched("", "an_output_folder_without_a_name_is_refused", "empty")
    untouched("/proc/self/nothing", "an_output_folder_that_cannot_be_made_is_refused", "")
    full(builds, sides)
    github(builds, sides)
    folders(builds, sides)
    waiting(builds, sides)


def full(builds, sides):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    folder = os.path.join(builds.tmp, "full")
    done, _ = gate(*sides, "-o", folder, preexec_fn=small, restore_signals=False)
    report(done.returncode == ERROR and "nothing was written" in done.stderr and os.listdir(folder) == [],
           "a_disk_that_is_full_leaves_no_file", done, os.listdir(folder))
    with open("/dev/full", "w", encoding="utf-8") as to:
        for words in (), ("--json",):
            done = run("gate", "--baseline", sides[0], "--candidate", sides[0], *CELL, "--workers", "2", "--size", "7",
                       *words, stdout=to)
            report(done.returncode == ERROR and done.stderr.startswith("gilscope: cannot write the output"),
                   f"an_output_that_cannot_be_written_is_no_pass{'_'.join(words).replace('--', '_as_')}", done)


def github(builds, sides):
    summary = os.path.join(builds.tmp, "step")
    words = ("gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers", "2", "--size", "7")
    done = run(*words, env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary})
    with open(summary, encoding="utf-8") as file:
        text = file.read()
    report(done.returncode == FAIL and done.stdout.startswith("FAIL: ") and "\n::error " in done.stdout
           and "countdown/sequential/2" in text and "FAIL" in text,
           "on_github_the_verdict_stands_beside_the_change", done, text)
    os.unlink(summary)
    done = run(*words, "--json", env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary})
    with open(summary, encoding="utf-8") as file:
        again = file.read()
    report(done.returncode == FAIL and strict(done.stdout)["verdict"] == "FAIL" and re.search("^::error ", done.stderr, re.M)
           and again.startswith("### gilscope gate: FAIL"), "and_not_less_when_it_is_printed_as_json", done, again)
    done = run(*words, env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/nonexistent/step"})
    report(done.returncode == ERROR and done.stdout.startswith("FAIL: ") and "/nonexistent/step" in done.stderr,
           "a_summary_that_cannot_be_written_is_an_error", done)


def waiting(builds, sides):
    """A gnuplot that does not end."""
    tools = builds.folder()
    started = os.path.join(tools, "started")
    with open(tools + "/gnuplot", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\necho $$ > {started}.part && mv {started}.part {started}\nexec sleep 1000\n")
    os.chmod(tools + "/gnuplot", 0o755)
    process = subprocess.Popen([GILSCOPE, "gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers",
                                "2", "--size", "7", "-o", tools], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True,
                               env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    first = process.stdout.readline()
    while process.poll() is None and not os.path.exists(started):
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=TIMEOUT)
    with open(started, encoding="utf-8") as file:
        left = os.path.exists("/proc/" + file.read().strip())
    report(first.startswith("FAIL: ") and process.returncode == -signal.SIGTERM and not left
           and FILES <= set(os.listdir(tools)), "a_chart_that_does_not_get_done_keeps_nobody_waiting", first,
           process.returncode, left)


def folders(builds, sides):
    """Of gates one after the other, and of two at once."""
    same = sides[0], builds.make()
    folder = os.path.join(builds.tmp, "again")
    gate(*sides, "-o", folder)
    done, _ = gate(*same, "-o", folder, "--inject", "conflicts=5")
    report(done.returncode == ERROR and os.listdir(folder) == [],
           "a_gate_that_comes_to_nothing_leaves_no_verdict_of_an_earlier_one", done, os.listdir(folder))
    endless = subprocess.Popen([GILSCOPE, "gate", "--baseline-command", "sleep 1000", "--candidate-command", "true",
                                "-o", folder, "--limit", "1000s"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not [name for name in os.listdir(folder) if "part" in name]:
        time.sleep(0.01)
    done, _ = gate(*same, "-o", folder)
    endless.terminate()
    report(done.returncode == ERROR and "another run is writing" in done.stderr
           and endless.wait() == -signal.SIGTERM and os.listdir(folder) == [],
           "two_gates_do_not_write_to_one_folder", done, os.listdir(folder))


def nasty(builds):
    """What a program says is shown, and does nothing else."""
    folder = os.path.join(builds.tmp, "nasty")
    words = r"""printf '\033[31mred\001 <&]]> "\377 \r::error::no\n' >&2; exit 3"""
    # Bytes that are no text; codes of terminals; what is more than text in XML, Markdown and to GitHub.
    done = subprocess.run([GILSCOPE, "gate", "--baseline-command", b"true '\xff\xfe<&\"'", "--candidate-command", words,
                           "-o", folder], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                          env={**os.environ, "GITHUB_ACTIONS": "true"})
    with open(folder + "/verdict.json", encoding="utf-8") as file:
        verdict = strict(file.read())
    xml.etree.ElementTree.parse(folder + "/junit.xml")
    seen = done.stdout + done.stderr
    report(done.returncode == FAIL and "[31mred" in verdict["cells"][0]["reason"]
           and not re.search(rb"[\0-\t\v-\x1f]", seen) and not re.search(rb"^::error::no", seen, re.M),
           "words_of_a_program_do_nothing_in_the_files_and_on_a_terminal", seen)


def terminal(builds):
    sides = builds.pair([line()], [line()])
    ours, theirs = pty.openpty()
    done = subprocess.run([GILSCOPE, "gate", "--baseline", sides[0], "--candidate", sides[1], *CELL, "--workers", "2",
                           "--size", "7"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=TIMEOUT,
                          env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass  # so ends a terminal that nobody has open
    os.close(ours)
    report(done.returncode == PASS and b"countdown/sequential/2" in seen and seen.endswith(b"\r\033[K")
           and b"PASS" not in seen, "progress_is_shown_on_a_terminal_and_removed_at_the_end", seen, done)


def misuse(builds):
    build = builds.make()
    both = ("--baseline", build, "--candidate", build)
    commands = ("--baseline-command", "true", "--candidate-command", "true")
    cases = {
        (): "nothing to compare",
        ("--baseline", build): "nothing to compare",
        ("--candidate", build): "nothing to compare",
        ("--baseline-command", "true"): "nothing to compare",
        (*both, "--baseline-command", "true"): "--baseline has no place beside --baseline-command",
        (*both, "rest"): "unexpected word 'rest'",
        ("--baselin", build): "did you mean '--baseline'?",
        (*both, "--workload", "countdwn"): "did you mean 'countdown'?",
        (*both, "--runtime", "pypi3"): "did you mean 'pypy3'?",
        (*both, "--threshold", "tim=5%"): "did you mean 'time'?",
        (*both, "--threshold", "time"): "should be a metric and what is allowed",
        (*both, "--threshold", ","): "names no metric",
        (*both, "--threshold", "time=off", "--delta", "3%"): "are one thing; give one",
        (*both, "--threshold", "time=5"): "'5' is no percentage",
        (*both, "--threshold", "time=-5%"): "'-5%' is no percentage",
        (*both, "--threshold", "time=0%"): "'0%' is no percentage",
        (*both, "--threshold", "time="): "'' is no percentage",
        (*both, "--delta", "nan%"): "'nan%' is no percentage",
        (*both, "--delta", "1001%"): "'1001%' is no percentage",
        (*both, "--delta", "5"): "'5' is no percentage",
        (*both, "--inconclusive", "passs"): "did you mean 'pass'?",
        (*both, "--budget", "1ms"): "--budget",
        (*both, "--budget", "long"): "--budget",
        (*both, "--seed", "-1"): "--seed",
        (*both, "--seed", "9007199254740993"): "--seed",
        ("--baseline-command", "true", "--candidate-command", ""): "--candidate-command is empty",
        ("--baseline-command", " ", "--candidate-command", "true"): "--baseline-command is empty",
        ("--self-test", "--candidate", build, "--delta", "25%"): "has no place beside --self-test",
        ("--self-test", "--candidate", build, "--workers", "1"): "has no place beside --self-test",
        (*both, "--limit", "0"): "--limit",
        (*both, "--sample", "0"): "--sample",
        (*both, "--workers", "0"): "--workers",
        (*both, "--workers", "two"): "--workers",
        (*both, "--gil", "cpython3", "--mode", "threads"): "needs --mode gil",
        (*both, "--set", "interval"): "is not NAME=VALUE",
        (*both, "--sweep", "interval"): "is not NAME=VALUE",
        (*both, "--inject", "slowdown"): "should be slowdown=P%",
        (*both, "--inject", "slowdown=20"): "should be slowdown=P%",
        (*both, "--inject", "conflicts=1"): "should be slowdown=P%",
        (*both, "--inject", "slowdown=-20%"): "should be slowdown=P%",
        (*both, "--self-test"): "needs one build",
        ("--self-test",): "needs one build",
        ("--calibrate",): "needs one build",
        (*commands, "--calibrate"): "needs one build",
        ("--self-test", "--calibrate", "--candidate", build): "has no place beside --self-test",
        ("--self-test", "--candidate", build, "--json"): "has no place beside --self-test",
        ("--self-test", "--candidate", build, "--inject", "slowdown=20%"): "has no place",
        (*commands, "--workload", "countdown"): "has no place beside --baseline-command",
        (*commands, "--size", "7"): "has no place beside --baseline-command",
        (*commands, "--inject", "slowdown=20%"): "has no place beside --baseline-command",
        ("--baseline", build, "--candidate", "/nonexistent"): "/nonexistent",
        ("--baseline", "/nonexistent", "--candidate", build): "/nonexistent",
        ("--baseline", build, "--candidate", builds.tmp): "has no workloads",
    }
    wrong = []
    for words, sentence in cases.items():
        free = "command" in str(words) or "--self-test" in words
        cell = () if free or "--workload" in words else ("--workload", "countdown")
        size = () if free or "--size" in words else ("--size", "7")
        done = run("gate", *cell, *size, *words)
        if (done.returncode != ERROR or sentence not in done.stderr or done.stdout or done.stderr.count("\n") != 1
                or not done.stderr.startswith("gilscope: ")):
            wrong.append((words, done))
    report(not wrong, "words_that_are_wrong_get_one_sentence_and_status_2", *wrong)


def commands(builds):
    def of(baseline, candidate, *words, **more):
        done = run("gate", "--baseline-command", baseline, "--candidate-command", candidate, "--json", *words, **more)
        return done, strict(done.stdout) if done.stdout.startswith("{") else None

    marker = os.path.join(builds.tmp, "seen")
    cases = {
        "a_command_that_fails_fails": ("true", "echo out of luck >&2; exit 3", FAIL, "exited with status 3: out of luck"),
        "a_command_that_is_killed_fails": ("true", "kill -SEGV $$", FAIL, "was killed by signal 11"),
        "a_command_that_hangs_fails": ("true", "sleep 1000", FAIL, "did not end within 1 s"),
        "a_command_that_is_not_there_fails": ("true", "/nonexistent/program", FAIL, "exited with status 127"),
        "a_baseline_command_that_fails_is_an_error": ("exit 3", "true", ERROR, "the baseline exited with status 3"),
        "a_command_that_fails_later_fails":
            ("true", f"echo >>{marker}; test $(wc -l <{marker}) -lt 4", FAIL, "exited with status 1"),
    }
    for name, (before, after, status, words) in cases.items():
        done, verdict = of(before, after, "--limit", "1s", "--budget", "3600s")
        report(verdict and done.returncode == status and words in verdict["cells"][0]["reason"], name, done)
    # Asked before the first look: what times are here is no question of the test.
    done, verdict = of("sleep 0.01", "sleep 0.01", "--budget", "100ms")
    report(verdict and done.returncode == INCONCLUSIVE and verdict["cells"][0]["id"] == "command"
           and judged(verdict, "time")["known"] and verdict["baseline"]["command"] == "sleep 0.01"
           and judged(verdict, "time")["baseline"] >= 1e7, "commands_are_compared_by_their_times", done)
    # Many times as long is longer on any machine.
    done, verdict = of("true", "sleep 0.05", "--budget", "3600s")
    report(verdict and done.returncode == FAIL and judged(verdict, "time")["confirming"]["pairs"] == CONFIRM,
           "a_command_that_has_become_much_slower_fails", done)


def traced(builds):
    """Programs of two threads, of which the candidate's take the interpreter's lock a thousand times more."""
    python = "/usr/bin/python3"
    sentence = "the_lock_of_a_traced_command_is_watched"
    if not os.path.exists(python):
        skip(sentence, f"no {python}")
        return
    def script(naps):
        path = os.path.join(builds.tmp, f"naps-{naps}.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write("import threading, time\n"
                       f"def nap():\n    for _ in range({naps}):\n        time.sleep(0)\n"
                       "threads = [threading.Thread(target=nap) for _ in range(2)]\n"
                       "[thread.start() for thread in threads]\n[thread.join() for thread in threads]\n")
        return f"{python} -I -S {path}"
    done = run("gate", "--trace", "--baseline-command", script(1), "--candidate-command", script(1000), "--budget",
               "100ms", "--json")
    verdict = strict(done.stdout) if done.stdout.startswith("{") else None
    told = judged(verdict, "takes") if verdict else None
    report(told and done.returncode == INCONCLUSIVE and told["known"] and told["candidate"] >= told["baseline"] + 1998
           and judged(verdict, "wait_share")["known"] and judged(verdict, "hold_p99")["known"]
           and judged(verdict, "cpu")["known"], sentence, done)
    slow = script(1).replace("naps-1.py", "slow.py")
    with open(slow.split()[-1], "w", encoding="utf-8") as file:
        file.write(f"import os, time\nexec(open({script(1).split()[-1]!r}).read())\n"
                   "time.sleep(1 if 'LD_PRELOAD' in os.environ else 0)\n")
    done, verdict = of_commands(slow, slow, "--budget", "100ms")
    report(verdict and done.returncode == INCONCLUSIVE and judged(verdict, "takes")["known"]
           and judged(verdict, "time")["candidate"] < 1e9, "the_time_of_a_traced_command_has_not_the_tracers_in_it", done)
    done, verdict = of_commands(script(1), f"[ -z \"$LD_PRELOAD\" ] || kill -SEGV $$; {script(1)}")
    report(verdict and done.returncode == FAIL and "the candidate exited with status 139" in verdict["headline"],
           "a_command_that_crashes_when_it_is_traced_fails", done)


def of_commands(baseline, candidate, *words, **more):
    done = run("gate", "--trace", "--baseline-command", baseline, "--candidate-command", candidate, "--json", *words,
               **more)
    return done, strict(done.stdout) if done.stdout.startswith("{") else None


def untraced(builds):
    """What the tracer cannot do says nothing of the candidate."""
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done, verdict = of_commands("true", "true", preexec_fn=small, restore_signals=False)
    report(verdict and done.returncode == ERROR
           and "could not be measured: gilscope trace exited with status 3: gilscope: " in verdict["headline"],
           "a_tracer_that_has_no_room_is_an_error_of_its_own", done)
    done, verdict = of_commands("true", "true")
    report(verdict and done.returncode == ERROR and re.search(
        "the (baseline|candidate) could not be measured: no interpreter's lock was found in its trace; leave out --trace",
        verdict["headline"]), "a_command_without_a_lock_is_told_to_be_gated_without_the_tracer", done)
    # Every second run is traced.
    done, verdict = gate(*builds.pair([line()], [line(), line(checksum="6")] * MOST), "--trace")
    report(verdict and done.returncode == FAIL and "the candidate has the checksum 6, 5 expected" in verdict["headline"],
           "another_checksum_in_the_traced_run_fails", done)
    done, verdict = gate(*builds.pair([line()], [line(), "signal 11"] * MOST), "--trace")
    report(verdict and done.returncode == ERROR
           and "the candidate could not be measured: under the tracer: exited with status 139" in verdict["headline"],
           "a_crash_in_the_traced_run_is_an_error", done)


def traced_workloads(builds):
    """A second run of each is traced; here nothing in it is sanitized, or it could not be."""
    sentence = "the_futex_calls_of_workloads_are_counted_in_traced_runs_of_their_own"
    done, verdict = gate(*builds.pair(["futex 5 " + line()], ["futex 905 " + line()]), "--trace", "--budget", "100ms")
    if verdict and verdict["build"]["sanitize"] != "none":
        skip(sentence, "built with sanitizers")
        return
    told = judged(verdict, "futex") if verdict else None
    report(told and done.returncode == INCONCLUSIVE and told["known"] and told["candidate"] - told["baseline"] == 900
           and judged(verdict, "time")["baseline"] == 1000000, sentence, done)
    done, verdict = gate(*builds.pair([line()], [line()]))
    report(done.returncode == PASS and not judged(verdict, "futex")["known"] and not judged(verdict, "futex")["gated"],
           "without_a_trace_futex_calls_are_not_known_and_not_asked_for", done)


sys.exit(run_tests((outputs, nasty, terminal, misuse, commands, traced, untraced, traced_workloads)))
