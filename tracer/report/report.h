/* What gilscope report prints: the analysis, put in order and summed up. */
#ifndef TRACER_REPORT_REPORT_H
#define TRACER_REPORT_REPORT_H

#include "tracer/report/locks.h"
#include "tracer/report/symbol.h"

#include <stdio.h>

#define REPORT_SENTENCES 16
#define REPORT_SENTENCE 600

/* Sums over the window. */
struct report_sums {
	size_t locks; /* that were used; semaphores too that behave as locks */
	uint64_t acquisitions, conflicts, busy, unfinished;
	uint64_t overlaps, longest_overlap, unpaired, foreign, refused, held_at_end;
	struct duration wait; /* for locks; unfinished waits not */
	uint64_t longest_wait;
	struct duration waited[WAIT_KINDS]; /* by the threads, unfinished waits too */
	uint64_t lived;                     /* raw: by all threads */
	uint64_t stall;                     /* raw: they waited for the recorder */
	double cost_ns;                     /* recording all records; negative: unknown */
};

/* A row of a table: an object, or several from the same creator as one. What was waited for much
 * has a row of its own. */
struct report_row {
	const struct object *object; /* of several: the first, with the counts of all */
	struct object *own;          /* which are the row's; null: there is only one */
	size_t others;
	bool alone; /* others do not join it */
};

struct report {
	const struct trace *trace;
	struct locks locks;
	struct symbols *symbols;
	uint64_t from_ns, to_ns; /* UINT64_MAX: the end */
	size_t top;
	bool only_locks, only_threads;
	bool with_syscalls, with_hazards;
	struct gils *gils;       /* for hazards; null: not known */
	struct object **objects; /* that were used, what was waited for most first */
	size_t object_count;
	struct report_row *rows; /* in the same order */
	size_t row_count;
	uint32_t *threads; /* indices, who waited most first */
	struct report_sums sums;
	char verdict[REPORT_SENTENCES][REPORT_SENTENCE];
	size_t sentence_count;
};

/* Prints how many system calls there were, and the verdict, a line for each sentence; nothing for a
 * trace of more than 'most' records, which would take its time. */
bool report_verdict(const char *folder, uint64_t most, FILE *to, struct err *err);
/* Makes the rows from the objects. False: no memory. */
bool report_group(struct report *report);
void report_ungroup(struct report *report);
/* Time waited for an object, in all modes; raw. */
uint64_t report_waited(const struct object *object);
/* The order of objects, for qsort: what was waited for most first. */
int report_order(const struct object *x, const struct object *y);
/* Puts the sentences of the verdict into the report, whose sums are there. */
void report_judge(struct report *report);
/* Both to standard output. */
void report_print(struct report *report);
void report_emit(struct report *report);

/* The part of a thread's life that lies in the window; raw. */
uint64_t report_lived(const struct report *report, size_t thread);
/* "exclusive", "read" or "write". */
const char *report_mode_name(const struct object *object, enum object_mode mode);
/* Whether a hold is defined. */
bool report_is_lock(const struct object *object);
/* Why corrected durations are not known; null: they are. */
const char *report_no_correction(const struct report *report);
/* Three digits and a unit: "1.23us". */
const char *report_time(const struct report *report, uint64_t raw, char to[16]);

#endif
