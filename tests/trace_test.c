/* The reader of traces, on undamaged ones: order, time, and what trace.json says. */
#include "tests/made_trace.h"
#include "tests/read_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define HALF (UINT64_C(1) << 55)

static struct made_trace made;
static struct made_thread threads[4];

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

static void start_threads(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		made_thread_start(&threads[i], &made, i + 1);
}

static void end_threads(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		made_thread_end(&threads[i]);
	made_trace_finish(&made);
}

/* A record whose value is its number in the order in which it should come. */
static void put(uint64_t thread, uint64_t raw, uint64_t place)
{
	made_record(&threads[thread], raw, TRACE_MUTEX_ACQUIRE, 0, place);
}

static void expect_places(size_t count)
{
	if (!read_trace(made.folder))
		fail_msg("%s", all.err.text);
	assert_int_equal(all.events, count);
	assert_int_equal(all.promised, all.records);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(all.event[i].value, i);
}

static void records_of_many_threads_come_in_the_order_of_time(void **state)
{
	uint32_t random = 1;

	(void)state;
	start_threads(4);
	for (uint64_t i = 0; i < 50000; i++) {
		random = random * 1664525 + 1013904223;
		put(random >> 30, START + 10 * i, i);
	}
	end_threads(4);
	expect_places(50000);
}

static void equal_stamps_come_by_the_number_of_their_thread(void **state)
{
	(void)state;
	start_threads(3);
	for (uint64_t i = 0; i < 3; i++) {
		for (uint32_t thread = 0; thread < 3; thread++)
			put(thread, START + i, 3 * i + thread);
	}
	end_threads(3);
	expect_places(9);
	assert_int_equal(all.longest, 1);
}

static void records_of_one_thread_are_one_run(void **state)
{
	(void)state;
	start_threads(2);
	for (uint64_t i = 0; i < 1000; i++)
		put(i / 500, START + i, i);
	end_threads(2);
	expect_places(1000);
	assert_int_equal(all.longest, 500);
}

static void a_stamp_that_goes_backwards_keeps_its_place_in_its_thread(void **state)
{
	(void)state;
	start_threads(2);
	put(0, START + 100, 0);
	put(0, START + 300, 2);
	put(0, START + 150, 3);
	put(1, START + 200, 1);
	put(0, START + 400, 5);
	put(1, START + 350, 4);
	end_threads(2);
	expect_places(6);
	assert_int_equal(all.event[3].time, 50);
}

static void a_stamp_before_the_first_record_of_all_is_at_time_0(void **state)
{
	(void)state;
	start_threads(1);
	put(0, START, 0);
	put(0, START - 10, 1);
	put(0, START + 10, 2);
	end_threads(1);
	expect_places(3);
	assert_int_equal(all.event[1].time, 0);
	assert_int_equal(all.event[2].time, 10);
}

static void stamps_may_wrap_around_their_56_bits(void **state)
{
	const uint64_t start = (UINT64_C(3) << 56) - 1000;

	(void)state;
	start_threads(2);
	for (uint64_t i = 0; i < 2000; i++)
		put(i % 2, start + i, i);
	made.end_raw = MADE_RAW;
	end_threads(2);
	expect_places(2000);
	assert_int_equal(all.event[1999].time, 1999);
	assert_true(all.first.raw == start);
}

static void a_begin_in_the_header_before_the_first_record_is_made_exact(void **state)
{
	(void)state;
	start_threads(2);
	put(0, START + 7, 0);
	put(1, START + 9, 1);
	threads[0].begin_raw = MADE_RAW;
	end_threads(2);
	expect_places(2);
	assert_int_equal(all.event[0].time, 0);
	assert_int_equal(all.event[1].time, 2);
	assert_int_equal(all.first.monotonic_ns, MADE_MONOTONIC_NS + START + 7 - MADE_RAW);
	assert_int_equal(all.first.realtime_ns, MADE_REALTIME_NS + START + 7 - MADE_RAW);
}

/* The longest event, at every place around the border of a buffer of 4,096 records. */
static void an_event_with_a_long_text_is_never_cut(void **state)
{
	char text[8 * TRACE_ARGS_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (uint64_t before = 4094 - TRACE_ARGS_MAX; before < 4098; before += 7) {
		start_threads(2);
		for (uint64_t i = 0; i < before; i++)
			put(0, START + i, i);
		made_record(&threads[0], START + before, TRACE_EXEC, 0, before);
		made_text(&threads[0], text);
		put(1, START + before, before + 1);
		put(0, START + before + 1, before + 2);
		end_threads(2);
		expect_places(before + 3);
		assert_int_equal(all.event[before].args, TRACE_ARGS_MAX);
	}
}

static void args_with_other_stamps_stay_with_their_event(void **state)
{
	(void)state;
	start_threads(2);
	made_record(&threads[0], START, TRACE_COND_WAIT, TRACE_MONOTONIC, 0);
	threads[0].last_raw = START + 500;
	made_arg(&threads[0], 1);
	made_arg(&threads[0], 2);
	put(1, START + 100, 1);
	put(0, START + 600, 2);
	end_threads(2);
	expect_places(3);
	assert_int_equal(all.event[0].args, 2);
}

/* Descriptors for the folder, one file, and what the test has open. */
static void thousands_of_threads_need_one_descriptor(void **state)
{
	struct rlimit old, few;
	struct made_thread thread;

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		made_thread_start(&thread, &made, i + 1);
		made_record(&thread, START + 10 * i, TRACE_MUTEX_ACQUIRE, 0, 2 * i);
		made_record(&thread, START + 10 * i + 5, TRACE_MUTEX_RELEASE, 0, 2 * i + 1);
		made_thread_end(&thread);
	}
	made_trace_finish(&made);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)dup(0) + 2;
	close((int)few.rlim_cur - 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	expect_places(4000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(all.threads, 2000);
}

static void a_range_of_time_includes_both_its_ends(void **state)
{
	(void)state;
	start_threads(2);
	for (uint64_t i = 0; i < 20000; i++)
		put(i % 2, START + 100 * i, i);
	end_threads(2);
	assert_true(read_part(made.folder, 1500000, 1600000));
	assert_int_equal(all.events, 1001);
	assert_int_equal(all.event[0].value, 15000);
	assert_int_equal(all.event[1000].value, 16000);
	assert_true(read_part(made.folder, 1500001, 1599999));
	assert_int_equal(all.events, 999);
	assert_true(read_part(made.folder, 0, 0));
	assert_int_equal(all.events, 1);
	assert_true(read_part(made.folder, 5000000, UINT64_MAX));
	assert_int_equal(all.events, 0);
	assert_true(read_part(made.folder, 2000, 1000));
	assert_int_equal(all.events, 0);
}

static void a_time_that_was_told_finds_its_record_again(void **state)
{
	struct trace trace;
	struct err err;

	(void)state;
	for (made.raw_per_us = 700; made.raw_per_us < 10000; made.raw_per_us += 1111) {
		start_threads(1);
		put(0, START, 0);
		put(0, START + 1000000007, 1);
		end_threads(1);
		assert_true(trace_open(&trace, made.folder, &err));
		for (uint64_t raw = 0; raw < 1000000000000000; raw = 3 * raw + 1) {
			const uint64_t ns = trace_ns(&trace, raw);
			const uint64_t exact = raw * 1000 / made.raw_per_us;

			assert_in_range(ns + 1 + raw / 1000000000, exact,
					exact + 2 + 2 * (raw / 1000000000));
			assert_true(trace_time(&trace, ns) <= raw);
			assert_int_equal(trace_ns(&trace, trace_time(&trace, ns)), ns);
		}
		assert_int_equal(trace_time(&trace, UINT64_MAX), TRACE_TIME_MAX);
		trace_close(&trace);
	}
}

static void the_sums_are_those_of_the_threads_or_more_when_trace_json_knows_more(void **state)
{
	struct trace trace;
	struct err err;

	(void)state;
	start_threads(2);
	put(0, START, 0);
	put(1, START, 0);
	threads[0].header.lost = 3;
	threads[1].header.lost = 4;
	threads[1].header.stalls = 5;
	threads[1].header.abandoned = 6;
	made.lost = 9;
	made.more = ",\"lost_reason\":\"full\",\"still_running\":2,\"elapsed_ns\":77,"
		    "\"arena\":\"/a b\",\"from\":{\"the\":[\"future\"]}";
	end_threads(2);
	/* 'still_running' stands there twice now. */
	assert_false(trace_open(&trace, made.folder, &err));
	made.more = ",\"lost_reason\":\"full\",\"elapsed_ns\":77,\"from\":{\"the\":[\"future\"]}";
	made_trace_finish(&made);
	assert_true(trace_open(&trace, made.folder, &err));
	assert_int_equal(trace.records, 2);
	assert_int_equal(trace.lost, 9);
	assert_int_equal(trace.stalls, 5);
	assert_int_equal(trace.abandoned, 6);
	assert_int_equal(trace.info.elapsed_ns, 77);
	assert_int_equal(trace.info.status, 0);
	assert_true(trace.info.finished);
	assert_true(trace.info.record_ns > 8 && trace.info.record_ns < 9);
	assert_null(trace.info.arena);
	assert_string_equal(trace.info.command, "made up");
	assert_string_equal(trace.info.lost_reason, "full");
	trace_close(&trace);
}

static void a_counter_of_nanoseconds_needs_no_clocks(void **state)
{
	(void)state;
	made.json = "{\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID
		    "\",\"counter\":\"monotonic\"}";
	start_threads(1);
	threads[0].header.flags = TRACE_FLAG_COUNTER_IS_NS;
	put(0, START, 0);
	put(0, START + 5000, 1);
	end_threads(1);
	expect_places(2);
	assert_true(all.rate_known);
	assert_true(read_part(made.folder, 5000, UINT64_MAX));
	assert_int_equal(all.events, 1);
}

static void without_clocks_in_trace_json_those_of_the_headers_count(void **state)
{
	(void)state;
	made.raw_per_us = 4000;
	made.json =
		"{\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID "\",\"counter\":\"tsc\"}";
	start_threads(1);
	put(0, START, 0);
	put(0, START + 8000000, 1);
	end_threads(1);
	expect_places(2);
	assert_true(all.rate_known);
	assert_true(read_part(made.folder, 2000000, UINT64_MAX));
	assert_int_equal(all.events, 1);
	assert_true(read_part(made.folder, 2000001, UINT64_MAX));
	assert_int_equal(all.events, 0);
}

static void clocks_that_cannot_be_are_told(void **state)
{
	(void)state;
	made.json = "{\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID
		    "\",\"counter\":\"tsc\",\"finished\":true,\"clocks\":[[1,9,9],[9,1,1]]}";
	start_threads(1);
	put(0, START, 0);
	threads[0].header.start = (struct trace_clock){ HALF, 1, 1 };
	end_threads(1);
	expect_places(1);
	assert_false(all.rate_known);
}

static void a_text_ends_with_its_zero_its_args_or_its_room(void **state)
{
	const struct record args[] = { { TRACE_ARG, UINT64_C(0x6867666564636261) },
				       { TRACE_ARG, UINT64_C(0x00000000006a0069) } };
	char text[32];

	(void)state;
	trace_text(args, 2, text, sizeof(text));
	assert_string_equal(text, "abcdefghi");
	trace_text(args, 1, text, sizeof(text));
	assert_string_equal(text, "abcdefgh");
	trace_text(args, 2, text, 4);
	assert_string_equal(text, "abc");
	trace_text(args, 0, text, sizeof(text));
	assert_string_equal(text, "");
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(records_of_many_threads_come_in_the_order_of_time),
		WITH_TRACE(equal_stamps_come_by_the_number_of_their_thread),
		WITH_TRACE(records_of_one_thread_are_one_run),
		WITH_TRACE(a_stamp_that_goes_backwards_keeps_its_place_in_its_thread),
		WITH_TRACE(a_stamp_before_the_first_record_of_all_is_at_time_0),
		WITH_TRACE(stamps_may_wrap_around_their_56_bits),
		WITH_TRACE(a_begin_in_the_header_before_the_first_record_is_made_exact),
		WITH_TRACE(an_event_with_a_long_text_is_never_cut),
		WITH_TRACE(args_with_other_stamps_stay_with_their_event),
		WITH_TRACE(thousands_of_threads_need_one_descriptor),
		WITH_TRACE(a_range_of_time_includes_both_its_ends),
		WITH_TRACE(a_time_that_was_told_finds_its_record_again),
		WITH_TRACE(the_sums_are_those_of_the_threads_or_more_when_trace_json_knows_more),
		WITH_TRACE(a_counter_of_nanoseconds_needs_no_clocks),
		WITH_TRACE(without_clocks_in_trace_json_those_of_the_headers_count),
		WITH_TRACE(clocks_that_cannot_be_are_told),
		cmocka_unit_test(a_text_ends_with_its_zero_its_args_or_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
