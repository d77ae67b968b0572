/* The reader of traces, on made-up ones. */
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct made_trace made;

static int make(void **state)
{
	(void)state;
	made_trace_start(&made, NULL);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	made_trace_remove(&made);
	return 0;
}

static void records_of_two_threads_come_in_the_order_of_time(void **state)
{
	struct made_thread thread;
	struct trace trace;
	struct trace_merge *merge;
	struct trace_run run;
	struct err err = { 0 };
	uint64_t now = 0, count = 0;

	(void)state;
	for (uint32_t number = 1; number <= 2; number++) {
		made_thread_start(&thread, &made, number);
		for (uint64_t i = 0; i < 10000; i++)
			made_record(&thread, 2000000 + 10 * i + number, TRACE_MUTEX_ACQUIRE, 0,
				    0x1000);
		made_thread_end(&thread);
	}
	made_trace_finish(&made);
	if (!trace_open(&trace, made.folder, &err))
		fail_msg("%s", err.text);
	assert_int_equal(trace.records, 20000);
	merge = trace_merge_create(&trace, 0, UINT64_MAX, &err);
	while (trace_merge_next(merge, &run, &err)) {
		assert_int_equal(run.thread, count % 2);
		for (size_t i = 0; i < run.count; i++) {
			assert_true(trace_when(&trace, &run.records[i]) >= now);
			now = trace_when(&trace, &run.records[i]);
		}
		count += run.count;
	}
	assert_string_equal(err.text, "");
	assert_int_equal(count, 20000);
	trace_merge_destroy(merge);
	trace_close(&trace);
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(records_of_two_threads_come_in_the_order_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
