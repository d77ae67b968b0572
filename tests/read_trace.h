/* Reads a whole made-up trace through tracer/trace.h into memory. */
#ifndef TESTS_READ_TRACE_H
#define TESTS_READ_TRACE_H

#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <string.h>

#define READ_MAX 100000

struct read_event {
	uint32_t thread; /* number */
	unsigned kind, detail, args;
	uint64_t value, time;
};

static struct read_all {
	struct err err; /* of the first call that failed; or empty */
	bool opened;
	uint64_t promised, records; /* by trace_open; by the merge */
	size_t events, threads;
	size_t longest;    /* run, in records */
	char trouble[400]; /* the first */
	struct trace_clock first, last;
	bool rate_known;
	struct read_event event[READ_MAX];
} all;

static void read_run(const struct trace *trace, const struct trace_run *run)
{
	assert_true(run->count > 0);
	assert_true(run->thread < trace->thread_count);
	assert_int_not_equal(record_kind(run->records), TRACE_ARG);
	all.longest = run->count > all.longest ? run->count : all.longest;
	all.records += run->count;
	for (size_t i = 0; i < run->count; i++) {
		const struct record *record = &run->records[i];

		if (record_kind(record) == TRACE_ARG) {
			all.event[all.events - 1].args++;
			continue;
		}
		assert_true(all.events < READ_MAX);
		all.event[all.events++] = (struct read_event){
			.thread = trace->threads[run->thread].header.number,
			.kind = record_kind(record),
			.detail = record_detail(record),
			.value = record_value(record),
			.time = trace_when(trace, record),
		};
	}
}

static void read_merged(const struct trace *trace, uint64_t from_ns, uint64_t to_ns)
{
	struct trace_merge *merge = trace_merge_create(trace, from_ns, to_ns, &all.err);
	struct trace_run run;

	assert_non_null(merge);
	while (trace_merge_next(merge, &run, &all.err))
		read_run(trace, &run);
	/* It stays at its end. */
	assert_false(trace_merge_next(merge, &run, NULL));
	trace_merge_destroy(merge);
}

/* False when the trace could not be opened or not be read to its end. */
static bool read_part(const char *folder, uint64_t from_ns, uint64_t to_ns)
{
	struct trace trace;

	memset(&all, 0, offsetof(struct read_all, event));
	all.opened = trace_open(&trace, folder, &all.err);
	if (!all.opened) {
		assert_true(all.err.text[0] != '\0');
		return false;
	}
	all.promised = trace.records;
	all.threads = trace.thread_count;
	all.first = trace.first;
	all.last = trace.last;
	all.rate_known = trace.rate_known;
	for (size_t i = 0; i < trace.thread_count && !all.trouble[0]; i++) {
		if (trace.threads[i].trouble)
			snprintf(all.trouble, sizeof(all.trouble), "%s", trace.threads[i].trouble);
	}
	read_merged(&trace, from_ns, to_ns);
	trace_close(&trace);
	return all.err.text[0] == '\0';
}

static bool read_trace(const char *folder)
{
	return read_part(folder, 0, UINT64_MAX);
}

/* It is read to its end, and its first trouble has this in it; "": it has none. */
static inline void expect(const char *folder, size_t events, const char *trouble)
{
	if (!read_trace(folder))
		fail_msg("%s", all.err.text);
	assert_int_equal(all.events, events);
	if (!strstr(all.trouble, trouble) || (trouble[0] == '\0' && all.trouble[0]))
		fail_msg("'%s' is not in '%s'", trouble, all.trouble);
}

/* The error names the file, and its sentence ends like this. */
static inline void expect_error(const char *folder, size_t events, const char *sentence)
{
	const char *end_of;

	assert_false(read_trace(folder));
	assert_int_equal(all.events, events);
	assert_non_null(strstr(all.err.text, folder));
	end_of = strstr(all.err.text, "': ");
	assert_non_null(end_of);
	assert_string_equal(end_of + 3, sentence);
}

#endif
