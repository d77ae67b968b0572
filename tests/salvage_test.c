/* The reader of traces, on what killed programs, full disks and other accidents leave. */
#include "tests/made_trace.h"
#include "tests/read_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define HEADER sizeof(struct trace_file)
#define FIRST "threads/00001.gst"

static struct made_trace made;
static struct made_thread thread;

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

static void begin(void)
{
	made_thread_start(&thread, &made, 1);
}

static void end(void)
{
	made_thread_end(&thread);
	made_trace_finish(&made);
}

static void put(unsigned kind, unsigned detail, size_t args)
{
	made_record(&thread, START + thread.records, kind, detail, thread.records);
	for (size_t i = 0; i < args; i++)
		made_arg(&thread, 7);
}

static void put_plain(size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(TRACE_MUTEX_ACQUIRE, 0, 0);
}

static void overwrite(uint64_t offset, const void *bytes, size_t size)
{
	const int fd = open(made_path(&made, FIRST), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
	close(fd);
}

/* Events of 1, 2, 1, 3, 6 and 1 records. */
static void put_mixture(void)
{
	put(TRACE_MUTEX_ACQUIRE, 0, 0);
	put(TRACE_MUTEX_CONFLICT, TRACE_REALTIME, 1);
	put(TRACE_MUTEX_FAIL, 110, 0);
	put(TRACE_COND_WAIT, TRACE_MONOTONIC, 2);
	put(TRACE_MODULE, 20, 5); /* size, build-id, text */
	put(TRACE_MUTEX_RELEASE, 0, 0);
}

static size_t whole_events(size_t records)
{
	/* A module's path can be empty. */
	static const size_t ends[] = { 1, 3, 4, 7, 12, 14 };
	size_t events = 0;

	while (events < 6 && ends[events] <= records)
		events++;
	return events;
}

static void cut_everywhere(void)
{
	begin();
	put_mixture();
	end();
	for (size_t size = HEADER + 14 * 16; size-- > HEADER;) {
		const size_t records = (size - HEADER) / 16;

		assert_int_equal(truncate(made_path(&made, FIRST), (off_t)size), 0);
		expect(made.folder, whole_events(records),
		       !made.unfinished     ? "should have 14 records and has " :
		       (size - HEADER) % 16 ? "that are no whole record" :
					      "");
		assert_int_equal(all.promised, all.records);
	}
	for (size_t size = HEADER; size-- > 0;) {
		assert_int_equal(truncate(made_path(&made, FIRST), (off_t)size), 0);
		assert_false(read_trace(made.folder));
		assert_non_null(strstr(all.err.text, "bytes, a header has 256"));
	}
}

static void a_file_cut_anywhere_yields_all_events_before_the_cut(void **state)
{
	(void)state;
	cut_everywhere();
}

static void so_does_one_that_was_not_finished(void **state)
{
	(void)state;
	made.unfinished = true;
	cut_everywhere();
}

static void a_header_that_was_not_finished_is_completed(void **state)
{
	struct trace trace;
	struct err err;

	(void)state;
	made.unfinished = true;
	begin();
	put_plain(1000);
	end();
	assert_true(trace_open(&trace, made.folder, &err));
	assert_false(trace.info.finished);
	assert_int_equal(trace.info.status, -1);
	assert_int_equal(trace.threads[0].records, 1000);
	assert_int_equal(trace.threads[0].header.records, 1000);
	assert_int_equal(trace.threads[0].header.end_raw, START + 999);
	assert_int_equal(trace.threads[0].header.packet_bits, 8 * (HEADER + 16000));
	assert_null(trace.threads[0].trouble);
	trace_close(&trace);
}

static void an_empty_slot_ends_a_file_that_was_not_finished(void **state)
{
	(void)state;
	made.unfinished = true;
	begin();
	put_plain(5000);
	made_record(&thread, 0, 0, 0, 0);
	put_plain(10);
	end();
	expect(made.folder, 5000, "");
}

static void allocated_space_behind_the_records_is_not_counted(void **state)
{
	(void)state;
	made.unfinished = true;
	begin();
	put_mixture();
	end();
	for (off_t more = 16; more < 1 << 30; more *= 3) {
		assert_int_equal(truncate(made_path(&made, FIRST), (off_t)HEADER + 14 * 16 + more),
				 0);
		expect(made.folder, 6, more % 16 ? "no whole record" : "");
		assert_int_equal(all.promised, 14);
	}
}

static void a_file_of_empty_slots_has_no_records(void **state)
{
	(void)state;
	made.unfinished = true;
	begin();
	end();
	assert_int_equal(truncate(made_path(&made, FIRST), (off_t)HEADER + 160), 0);
	expect(made.folder, 0, "");
	assert_int_equal(all.promised, 0);
}

static void an_empty_slot_in_a_finished_file_is_damage(void **state)
{
	static const char zeros[16];

	(void)state;
	begin();
	put_plain(5000);
	end();
	overwrite(HEADER + 16 * 4500, zeros, sizeof(zeros));
	expect_error(made.folder, 4095, "record 4500 at byte 72256 is empty");
}

static void args_that_were_never_written_before_an_empty_slot_were_in_flight(void **state)
{
	(void)state;
	made.unfinished = true;
	begin();
	put_plain(3);
	put(TRACE_COND_WAIT, TRACE_MONOTONIC, 1);
	made_record(&thread, 0, 0, 0, 0);
	put_plain(1);
	end();
	expect(made.folder, 3, "");
}

static void an_event_before_an_abandoned_slot_is_abandoned_with_it(void **state)
{
	(void)state;
	begin();
	put(TRACE_ABANDONED, 0, 2);
	put(TRACE_COND_WAIT, TRACE_MONOTONIC, 1);
	put(TRACE_ABANDONED, 0, 0);
	put(TRACE_MUTEX_RELEASE, 0, 0);
	end();
	expect(made.folder, 4, "");
	assert_int_equal(all.event[0].args, 2);
	assert_int_equal(all.event[1].kind, TRACE_ABANDONED);
	assert_int_equal(all.event[1].value, 0);
	assert_int_equal(all.event[3].kind, TRACE_MUTEX_RELEASE);
}

static void an_unknown_kind_is_named_with_its_place(void **state)
{
	const uint64_t unknown[2] = { (uint64_t)START << 8 | 97, 0 };
	char sentence[100];

	(void)state;
	begin();
	put_plain(1000);
	end();
	overwrite(HEADER + 16 * 812, unknown, sizeof(unknown));
	snprintf(sentence, sizeof(sentence),
		 "record 812 at byte 13248 has kind 97; this version knows 1 to %d",
		 TRACE_KIND_COUNT - 1);
	expect_error(made.folder, 0, sentence);
}

static void a_detail_out_of_its_range_is_named_with_its_kind(void **state)
{
	static const struct {
		unsigned kind, detail;
	} wrong[] = {
		{ TRACE_MUTEX_RELEASE, 1 },  { TRACE_MUTEX_CONFLICT, 4 }, { TRACE_COND_WAIT, 4 },
		{ TRACE_MUTEX_INIT, 0x18 },  { TRACE_MUTEX_INIT, 0x40 },  { TRACE_RWLOCK_INIT, 3 },
		{ TRACE_RWLOCK_INIT, 4 },    { TRACE_COND_INIT, 2 },      { TRACE_SEM_INIT, 2 },
		{ TRACE_BARRIER_RETURN, 2 }, { TRACE_PROCESS_START, 2 },  { TRACE_EXIT, 3 },
		{ TRACE_THREAD_JOIN, 4 },    { TRACE_FORK, 1 },           { TRACE_ABANDONED, 1 },
	};
	char sentence[100];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		begin();
		put(wrong[i].kind, wrong[i].detail, 0);
		put_plain(1);
		end();
		snprintf(sentence, sizeof(sentence),
			 "record 0 at byte 256 has detail %u, which kind '%s' does not have",
			 wrong[i].detail, trace_kind_name(wrong[i].kind));
		expect_error(made.folder, 0, sentence);
	}
}

static void too_few_and_too_many_args_are_told(void **state)
{
	(void)state;
	begin();
	put(TRACE_COND_WAIT, TRACE_MONOTONIC, 1);
	put_plain(1);
	end();
	expect_error(made.folder, 0,
		     "record 0 at byte 256 has 1 args; kind 'cond-wait' asks for 2");
	begin();
	put(TRACE_COND_WAIT, TRACE_UNTIMED, 2);
	put_plain(1);
	end();
	expect_error(made.folder, 0,
		     "record 0 at byte 256 has 2 args; kind 'cond-wait' asks for 1");
	begin();
	put_plain(2);
	put(TRACE_MUTEX_RELEASE, 0, 1);
	end();
	expect_error(made.folder, 0, "record 3 at byte 304 is an arg that belongs to no event");
	begin();
	made_arg(&thread, 1);
	put_plain(1);
	end();
	expect_error(made.folder, 0, "record 0 at byte 256 is an arg that belongs to no event");
	begin();
	put_plain(4000);
	put(TRACE_EXEC, 0, TRACE_ARGS_MAX + 1);
	put_plain(1);
	end();
	expect_error(made.folder, 4000,
		     "record 4000 at byte 64256 has 521 args; none has more than 520");
}

static void each_kind_is_read_with_the_args_that_it_must_have(void **state)
{
	(void)state;
	begin();
	for (unsigned kind = TRACE_ARG + 1; kind < TRACE_KIND_COUNT; kind++) {
		const struct record record = { .head = kind };

		put(kind, 0, trace_args(&record));
	}
	end();
	expect(made.folder, TRACE_KIND_COUNT - TRACE_ARG - 1, "");
}

static void a_header_that_disagrees_with_its_file_is_trouble(void **state)
{
	(void)state;
	begin();
	put_plain(10);
	thread.records = 7;
	end();
	expect(made.folder, 10, "should have 7 records and has 10");
	begin();
	put_plain(10);
	thread.records = UINT64_MAX / 16;
	end();
	expect(made.folder, 10, "should have 1152921504606846975 records and has 10");
}

static void a_file_that_shrinks_while_it_is_read_is_an_error(void **state)
{
	struct trace_merge *merge;
	struct trace_run run;
	struct trace trace;
	struct err err = { 0 };

	(void)state;
	begin();
	put_plain(10000);
	end();
	assert_true(trace_open(&trace, made.folder, &err));
	merge = trace_merge_create(&trace, 0, UINT64_MAX, &err);
	assert_true(trace_merge_next(merge, &run, &err));
	assert_int_equal(truncate(made_path(&made, FIRST), HEADER + 16 * 6000), 0);
	assert_false(trace_merge_next(merge, &run, &err));
	assert_non_null(strstr(err.text, "it has shrunk meanwhile"));
	trace_merge_destroy(merge);
	trace_close(&trace);
}

static void an_unknown_kind_at_the_end_is_no_event_in_flight(void **state)
{
	(void)state;
	begin();
	put_plain(1);
	made_record(&thread, START + 1, 0, 9, 0);
	end();
	expect_error(made.folder, 0, "record 1 at byte 272 has kind 0; this version knows 1 to 77");
	begin();
	put_plain(1);
	made_record(&thread, START + 1, 255, 9, 0);
	end();
	expect_error(made.folder, 0,
		     "record 1 at byte 272 has kind 255; this version knows 1 to 77");
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(a_file_cut_anywhere_yields_all_events_before_the_cut),
		WITH_TRACE(so_does_one_that_was_not_finished),
		WITH_TRACE(a_header_that_was_not_finished_is_completed),
		WITH_TRACE(an_empty_slot_ends_a_file_that_was_not_finished),
		WITH_TRACE(allocated_space_behind_the_records_is_not_counted),
		WITH_TRACE(a_file_of_empty_slots_has_no_records),
		WITH_TRACE(an_empty_slot_in_a_finished_file_is_damage),
		WITH_TRACE(args_that_were_never_written_before_an_empty_slot_were_in_flight),
		WITH_TRACE(an_event_before_an_abandoned_slot_is_abandoned_with_it),
		WITH_TRACE(an_unknown_kind_is_named_with_its_place),
		WITH_TRACE(a_detail_out_of_its_range_is_named_with_its_kind),
		WITH_TRACE(too_few_and_too_many_args_are_told),
		WITH_TRACE(each_kind_is_read_with_the_args_that_it_must_have),
		WITH_TRACE(an_unknown_kind_at_the_end_is_no_event_in_flight),
		WITH_TRACE(a_header_that_disagrees_with_its_file_is_trouble),
		WITH_TRACE(a_file_that_shrinks_while_it_is_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
