/* Benchmark: how fast gilscope report reads a trace that is in the page cache. report_speed
 * GILSCOPE [MILLIONS] */
#include "tests/made_trace.h"
#include "tests/test.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4u
#define GOAL 50e6
#define RUNS 5

static struct made_trace made;
static double millions = 50;
static const char *gilscope;

/* Thread 1, 2, 3, 4, 1 ... begin a pair every 40 units and end it after 'held': below 40 the pairs
 * come one after the other, above every record is of another thread than the one before. */
static void write_thread(uint32_t number, uint64_t pairs, uint64_t held, uint64_t lock)
{
	struct made_thread thread;

	made_thread_start(&thread, &made, number);
	for (uint64_t i = 0; i < pairs; i++) {
		const uint64_t raw = 2 * MADE_RAW + (i * THREADS + number) * 40;

		made_record(&thread, raw, TRACE_MUTEX_ACQUIRE, 0, lock);
		made_record(&thread, raw + held, TRACE_MUTEX_RELEASE, 0, lock);
	}
	made_thread_end(&thread);
}

/* The quickest of some runs: what disturbs only ever slows down. */
static double seconds_of(const char *command)
{
	double least = 1e9;

	for (int i = 0; i < RUNS; i++) {
		const uint64_t start = clock_now_ns();
		double seconds;

		if (system(command) != 0) /* NOLINT(cert-env33-c): our own words */
			fail_msg("'%s' failed", command);
		seconds = (double)(clock_now_ns() - start) / 1e9;
		least = seconds < least ? seconds : least;
	}
	return least;
}

/* Makes a trace, reads it, and returns how many records that were in a second. */
static double measure(const char *what, uint64_t held, uint64_t lock_step)
{
	const uint64_t pairs = (uint64_t)(millions * 1e6) / 2 / THREADS;
	const double records = (double)(pairs * 2 * THREADS);
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
	char command[1024];
	double report, cat;

	made_trace_start(&made, getenv("TMPDIR") ? NULL : memory);
	for (uint32_t number = 1; number <= THREADS; number++)
		write_thread(number, pairs, held, 0x7f0000001000 + number * lock_step);
	made_trace_finish(&made);
	snprintf(command, sizeof(command), "'%s' report '%s' --json >/dev/null", gilscope,
		 made.folder);
	report = seconds_of(command);
	snprintf(command, sizeof(command), "cat '%s'/threads/* | cat >/dev/null", made.folder);
	cat = seconds_of(command);
	made_trace_remove(&made);
	fprintf(stderr,
		"%s: %.0f million records in %.3f s, %.1f million a second, %.1f times cat\n", what,
		records / 1e6, report, records / report / 1e6, report / cat);
	return records / report;
}

static void pairs_of_records_are_read_at_50_million_a_second(void **state)
{
	(void)state;
	assert_true(measure("one lock, pairs", 15, 0) >= GOAL);
}

static void records_that_alternate_are_read_at_half_of_that(void **state)
{
	(void)state;
	assert_true(measure("four locks, every record another thread's", 100, 64) >= GOAL / 2);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_of_records_are_read_at_50_million_a_second),
		cmocka_unit_test(records_that_alternate_are_read_at_half_of_that),
	};

	if (argc < 2)
		return 2;
	gilscope = argv[1];
	if (argc > 2)
		millions = strtod(argv[2], NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
