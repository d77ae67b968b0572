/* One process, however it ends: what the runner says of it, and that nothing is left behind. */
#include "bench/process.h"

#include "tests/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND 1000000000u

static struct process process;

/* Runs a line of shell. */
static bool run(const char *line, uint64_t limit_ns, struct err *err)
{
	char shell[] = "/bin/sh", flag[] = "-c", text[512];
	char *argv[] = { shell, flag, text, NULL };

	snprintf(text, sizeof(text), "%s", line);
	return process_run(&process, argv, NULL, limit_ns, err);
}

static void what_a_process_prints_is_collected(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(run("echo out; echo first >&2; echo second >&2", 60 * SECOND, &err));
	assert_string_equal(process.output, "out\n");
	assert_string_equal(process.error, "first\nsecond\n");
	assert_true(process_judge(&process, SECOND, &err));
	assert_true(process.wall_ns > 0);
}

static void output_that_does_not_fit_is_dropped_and_not_waited_for(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(run("head -c 1000000 /dev/zero | tr '\\0' x", 60 * SECOND, &err));
	assert_true(process_judge(&process, SECOND, &err));
	assert_int_equal(process.output_size, PROCESS_OUTPUT - 1);
	assert_int_equal(strlen(process.output), PROCESS_OUTPUT - 1);
}

static void a_failure_is_told_in_the_programs_own_words(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(run("echo 'no such luck' >&2; exit 7", 60 * SECOND, &err));
	assert_false(process_judge(&process, SECOND, &err));
	assert_string_equal(err.text, "exited with status 7: no such luck");
	assert_int_equal(err.code, EXIT_FAILED);
}

static void a_crash_is_told_with_its_signal(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(run("kill -SEGV $$", 60 * SECOND, &err));
	assert_false(process_judge(&process, SECOND, &err));
	assert_string_equal(err.text, "was killed by signal 11 (Segmentation fault)");
}

/* Killed; whoever is its parent reaps it, which may take a moment: as a zombie it does not run
 * either. */
static void wait_until_gone(pid_t child)
{
	assert_true(child > 0);
	for (;;) {
		char path[64], text[256] = "";
		FILE *from;

		if (kill(child, 0) != 0 && errno == ESRCH)
			break;
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		from = fopen(path, "r");
		if (from && fgets(text, sizeof(text), from) && strstr(text, ") Z ")) {
			fclose(from);
			break;
		}
		if (from)
			fclose(from);
	}
}

static void a_process_that_hangs_is_killed_with_all_it_started(void **state)
{
	struct err err = { 0 };

	(void)state;
	/* Both would stay for ever; the one in the background tells who it is. */
	assert_true(run("sleep 1000 & echo $!; wait", SECOND / 5, &err));
	assert_true(process.timed_out);
	assert_false(process_judge(&process, SECOND / 5, &err));
	assert_string_equal(err.text, "did not end within 0.2 s and was killed");
	wait_until_gone((pid_t)atoi(process.output));
}

static void what_leaves_its_group_is_killed_too(void **state)
{
	struct err err = { 0 };
	int subreaper = 0;

	(void)state;
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	if (!subreaper) {
		print_message("# skipped: orphans do not become our children, as in qemu-user\n");
		return;
	}
	/* In a session of its own; it is there when the shell ends, for head waits for its line. */
	assert_true(
		run("setsid -f sh -c 'echo $$; exec sleep 1000' | head -n 1", 60 * SECOND, &err));
	assert_true(process_judge(&process, SECOND, &err));
	wait_until_gone((pid_t)atoi(process.output));
}

static void a_grandchild_that_keeps_the_output_open_is_not_waited_for(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(run("sleep 1000 & echo done", 60 * SECOND, &err));
	assert_false(process.timed_out);
	assert_string_equal(process.output, "done\n");
	assert_true(process_judge(&process, SECOND, &err));
}

static void a_program_that_is_not_there_is_a_failure_and_not_a_crash(void **state)
{
	char path[] = "/nonexistent/program";
	char *argv[] = { path, NULL };
	struct err err = { 0 };

	(void)state;
	assert_true(process_run(&process, argv, NULL, 60 * SECOND, &err));
	assert_false(process_judge(&process, SECOND, &err));
	assert_non_null(strstr(err.text, "cannot run '/nonexistent/program'"));
}

static void the_time_of_children_counts(void **state)
{
	struct err err = { 0 };

	(void)state;
	/* A child that computes; the shell itself does next to nothing. */
	assert_true(run("sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; true",
			120 * SECOND, &err));
	assert_true(process.usage.ru_utime.tv_sec * 1000000 + process.usage.ru_utime.tv_usec > 0);
	assert_true(process.usage.ru_minflt > 0);
}

static void a_process_runs_where_it_may(void **state)
{
	struct err err = { 0 };
	cpu_set_t allowed, one;
	unsigned cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	process.cpus = &one;
	assert_true(run("nproc", 60 * SECOND, &err));
	assert_string_equal(process.output, "1\n");
	CPU_ZERO(&one);
	assert_true(run("nproc", 60 * SECOND, &err));
	assert_false(process_judge(&process, SECOND, &err));
	assert_non_null(strstr(err.text, "cannot choose the CPUs: Invalid argument"));
	process.cpus = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_process_prints_is_collected),
		cmocka_unit_test(output_that_does_not_fit_is_dropped_and_not_waited_for),
		cmocka_unit_test(a_failure_is_told_in_the_programs_own_words),
		cmocka_unit_test(a_crash_is_told_with_its_signal),
		cmocka_unit_test(a_process_that_hangs_is_killed_with_all_it_started),
		cmocka_unit_test(what_leaves_its_group_is_killed_too),
		cmocka_unit_test(a_grandchild_that_keeps_the_output_open_is_not_waited_for),
		cmocka_unit_test(a_program_that_is_not_there_is_a_failure_and_not_a_crash),
		cmocka_unit_test(the_time_of_children_counts),
		cmocka_unit_test(a_process_runs_where_it_may),
	};

	process_catch_signals();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
