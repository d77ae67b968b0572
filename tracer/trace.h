/* Reading a trace folder: what was traced, the threads, and their records merged into one stream in
 * the order of time. Everything read is checked; what a killed program or a killed launcher left is
 * read as far as it goes. Memory grows with the number of threads, not of records. */
#ifndef TRACER_TRACE_H
#define TRACER_TRACE_H

#include "base/err.h"
#include "tracer/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thread's file. An image that exec made is a process of its own. */
struct trace_thread {
	struct trace_file header; /* of an unfinished file with 'records' and the like filled in */
	char *path;
	uint64_t records; /* that can be read */
	char *trouble;    /* a sentence on what is cut off or damaged; null: nothing */
};

/* What trace.json says; zero or null where it says nothing. Times in nanoseconds. */
struct trace_info {
	char *command; /* words joined by blanks */
	char *arena;   /* where the records are that were not drained; null when all were */
	bool finished; /* the launcher came to its end */
	int status;    /* the command's exit status as a shell gives it; -1 unknown */
	uint64_t elapsed_ns;
	double record_ns;  /* what recording one record costs, by the calibration; negative: unknown
			    */
	char *lost_reason; /* null when nothing was lost */
	unsigned still_running; /* processes that outlived the command */
};

struct trace {
	char *folder;
	struct trace_info info;
	struct trace_thread *threads; /* by number */
	size_t thread_count;
	uint64_t records, lost, abandoned, stalls; /* sums */
	/* The first record's moment, and a late one: the line from raw to the other clocks. */
	struct trace_clock first, last;
	double rate;     /* nanoseconds per raw unit */
	bool rate_known; /* false: damaged; the rate is then 1 */
};

/* Fails when the folder is no trace or nothing in it can be read; a damaged file among others is
 * a thread with trouble. */
bool trace_open(struct trace *trace, const char *folder, struct err *err);
void trace_close(struct trace *trace);
/* A time of trace_run in nanoseconds since the first record, and back. */
uint64_t trace_ns(const struct trace *trace, uint64_t time);
uint64_t trace_time(const struct trace *trace, uint64_t ns);
const char *trace_kind_name(unsigned kind);
const char *trace_call_name(unsigned call); /* of a trace_call */
/* How many ARG records a record must be followed by; more may be text. */
unsigned trace_args(const struct record *record);
/* The text in 'count' ARG records, cut to 'room'. */
void trace_text(const struct record *args, size_t count, char *to, size_t room);

/* Neighbouring records of one thread, none of which is later than the next record of any other.
 * An event is never cut: its ARGs are in the same run. Time of a record: trace_when. */
struct trace_run {
	size_t thread; /* index in trace->threads */
	const struct record *records;
	size_t count;
};

struct trace_merge;

/* From and to in nanoseconds since the first record, both inclusive (0, UINT64_MAX: all). A
 * thread's records are taken in their order from the first that is not before 'from' to the last
 * before the first that is behind 'to'. */
struct trace_merge *trace_merge_create(const struct trace *trace, uint64_t from_ns, uint64_t to_ns,
				       struct err *err);
/* False at the end, with err->text empty, or on an error: a record of an unknown kind, a file that
 * shrank. The run is valid until the next call, after an error there is none. */
bool trace_merge_next(struct trace_merge *merge, struct trace_run *run, struct err *err);
void trace_merge_destroy(struct trace_merge *merge);

/* No time is later: 139 days at 3 GHz. */
#define TRACE_TIME_MAX ((UINT64_C(1) << 55) - 1)

/* A record's time in raw units since the first record of the trace. Records of a thread are in the
 * order in which it reserved them; where a signal handler recorded in between, a stamp may be
 * earlier than the one before; one that would be earlier than the first record of all is 0. */
static inline uint64_t trace_when(const struct trace *trace, const struct record *record)
{
	const int64_t shifted = (int64_t)(record->head - (trace->first.raw << 8));

	return shifted < 0 ? 0 : (uint64_t)shifted >> 8;
}

#endif
