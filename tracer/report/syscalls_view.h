/* gilscope report --syscalls: what text and JSON show of system calls, put in order: how they were
 * recorded, what futex calls were for, what threads did while they had an interpreter's lock. */
#ifndef TRACER_REPORT_SYSCALLS_VIEW_H
#define TRACER_REPORT_SYSCALLS_VIEW_H

#include "tracer/gil/show.h"
#include "tracer/report/report.h"

/* How some of the processes were recorded. */
struct syscalls_way {
	bool known;
	uint8_t mode;    /* a trace_syscalls */
	uint64_t reason; /* a trace_syscalls_reason */
	size_t processes;
};

#define SYSCALLS_WAYS 32 /* more are told as the last one */
#define SYSCALLS_SENTENCE 800

/* An object file's syscall instructions; in several processes, what is least patched. */
struct syscalls_object {
	const char *path;
	uint64_t found, patched; /* found 0: it could not be looked at */
	size_t processes;
};

static inline bool syscalls_all_patched(const struct syscalls_object *object)
{
	return object->found > 0 && object->patched >= object->found;
}

/* Calls that patches missed at a place. */
struct syscalls_place {
	char text[SYMBOL_TEXT];
	uint32_t slot;
	uint64_t calls;
};

/* What futex calls were for: a GIL, an object or several that one place made, joins, or unknown. */
struct syscalls_row {
	const struct gil *gil;       /* null: no GIL */
	const struct object *object; /* null: a GIL, joins, unknown words */
	size_t gil_number;
	size_t others; /* objects besides this one */
	bool alone;    /* others do not join it */
	const char *what;
	uint64_t releases; /* of locks; of a GIL its drops */
	bool released;     /* the former means something */
	struct futex_use uses[FUTEX_WAYS];
};

/* A thread that kept a GIL through a call. */
struct syscalls_finding {
	const struct gil *gil;
	size_t gil_number;
	const struct gil_user *user;
	uint32_t slot; /* of the gils' */
	const struct gil_call *call;
};

/* What the threads of a GIL called. */
struct syscalls_gil_call {
	uint32_t slot; /* of the gils' */
	struct {
		uint64_t calls, time;
	} by[GIL_STANDINGS];
};

struct syscalls_view {
	struct report *report;
	const struct syscalls *syscalls;
	struct show show; /* of the GILs */
	const struct gil **gils;
	size_t gil_count;
	struct syscalls_way ways[SYSCALLS_WAYS];
	size_t way_count;
	struct syscalls_object *objects;
	size_t object_count;
	struct syscalls_place *places;
	size_t place_count;
	uint32_t *slots;           /* of calls, by the time they took */
	struct syscalls_row *rows; /* by calls */
	size_t row_count;
	uint32_t *processes; /* by calls; without those that were joined with others */
	size_t process_count;
	struct syscalls_finding *findings;
	size_t finding_count;
};

/* Prints the report to standard output. False on errors, and with EXIT_FAILED when no system calls
 * were recorded. */
bool syscalls_report(struct report *report, bool as_json, struct err *err);

/* Fills in the ways, and says them: "patched", "patched in 3 processes; not recorded in 1: ...". */
size_t syscalls_ways(const struct syscalls *syscalls, struct syscalls_way ways[SYSCALLS_WAYS]);
void syscalls_say_ways(const struct syscalls_way *ways, size_t count, char to[SYSCALLS_SENTENCE]);
/* Why there are none. */
void syscalls_say_none(const struct syscalls_view *view, char to[SYSCALLS_SENTENCE]);
/* Whether any process's calls had dispatch behind patches, so that missed ones are known. */
bool syscalls_audited(const struct syscalls_way *ways, size_t count);

/* Its parts. */
void syscalls_text(const struct syscalls_view *view);
void syscalls_json(const struct syscalls_view *view);
/* What a row is, and how many futex calls there were of it. */
void syscalls_row_name(const struct syscalls_view *view, const struct syscalls_row *row,
		       char to[SYMBOL_TEXT]);
uint64_t syscalls_row_calls(const struct syscalls_row *row);
/* Of all threads of a GIL, the most called first; the caller frees. Null: no memory. */
struct syscalls_gil_call *syscalls_gil_calls(const struct syscalls_view *view,
					     const struct gil *gil, size_t *count);
uint64_t syscalls_gil_drops(const struct gil *gil);
/* The sentence of a finding. */
void syscalls_say_finding(const struct syscalls_view *view, const struct syscalls_finding *finding,
			  char to[SYSCALLS_SENTENCE]);

#endif
