/* Writes made-up traces, for tests of what reads them. Every function ends the test that calls it
 * when it fails. Stamps are raw values; the counter is 1 ns per unit unless the trace says other.
 */
#ifndef TESTS_MADE_TRACE_H
#define TESTS_MADE_TRACE_H

#include "tracer/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* System calls among the other records, as where they are recorded: the futex calls of what waits
 * and wakes, and others, behind each record, with its stamp. */
enum made_syscalls {
	MADE_NONE,
	MADE_BESIDE,  /* a call that may block behind its CALL */
	MADE_INSTEAD, /* such a call in place of its CALL */
	MADE_SYSCALLS,
};

struct made_trace {
	char folder[256];
	uint64_t raw_per_us; /* the rate of the counter; 1000 at the start */
	const char *json;    /* trace.json as it shall be; null: a good one */
	const char *command; /* a JSON array */
	const char *more;    /* members for trace.json, each behind a comma; "" */
	uint64_t lost, stalls;
	uint64_t end_raw; /* the latest stamp */
	bool unfinished;  /* as a killed launcher leaves it: set it before threads end */
	enum made_syscalls syscalls;
};

struct made_thread {
	struct made_trace *trace;
	FILE *file;
	struct trace_file header; /* may be changed until the thread ends */
	uint64_t begin_raw, last_raw, records;
	/* The last record, behind which system calls are to be written. */
	unsigned kind;
	uint64_t value;
};

#define MADE_UUID "000102030405060708090a0b0c0d0e0f"
/* The pair that begins every trace, before every stamp that a test should use. */
#define MADE_RAW 1000000u
#define MADE_MONOTONIC_NS UINT64_C(5000000000)
#define MADE_REALTIME_NS UINT64_C(1700000000000000000)

/* Makes a new folder below 'parent', or below the folder of temporary files when it is null. */
void made_trace_start(struct made_trace *trace, const char *parent);
/* Writes trace.json; threads may be added behind it, and it may be written again. */
void made_trace_finish(struct made_trace *trace);
void made_trace_remove(struct made_trace *trace);

/* A thread of process 1 with tid 4000 + number and pid 4001; other values by its header. */
void made_thread_start(struct made_thread *thread, struct made_trace *trace, uint32_t number);
void made_thread_end(struct made_thread *thread);
void made_record(struct made_thread *thread, uint64_t raw, unsigned kind, unsigned detail,
		 uint64_t value);
/* A system call by its number, and its end with a result: an entry alone, an exit alone. */
void made_enter(struct made_thread *thread, uint64_t raw, uint32_t number, uint32_t arg);
void made_leave(struct made_thread *thread, uint64_t raw, int64_t result);
/* ARGs of the event before. */
void made_arg(struct made_thread *thread, uint64_t value);
void made_text(struct made_thread *thread, const char *text);

/* The path of a file of the trace: "trace.json", "threads/00001.gst". In memory of its own until
 * the next call. */
const char *made_path(const struct made_trace *trace, const char *name);

#endif
