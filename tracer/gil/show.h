/* gilscope report --gil: the locks that were found, for people and as JSON. */
#ifndef TRACER_GIL_SHOW_H
#define TRACER_GIL_SHOW_H

#include "tracer/gil/gil.h"
#include "tracer/report/symbol.h"

#include <stdio.h>

struct show {
	const struct trace *trace;
	uint64_t from_ns, to_ns; /* UINT64_MAX: the end */
	size_t top;              /* rows of a table */
	bool as_json;
	/* Filled in by show_gils. */
	struct gils gils;
	struct symbols *symbols;
};

#define SHOW_SENTENCE 800

/* Reads the trace and prints what was found to standard output. False on errors, and with
 * EXIT_FAILED when no lock was found. */
bool show_gils(struct show *show, struct err *err);

/* Prints the verdict on the lock that was waited for most, on one line; nothing when there is none,
 * nor for a trace of more than 'most' records, which would take its time. */
bool show_verdict(const char *folder, uint64_t most, FILE *to, struct err *err);

/* Its parts. */
void show_text(struct show *show);
void show_json(struct show *show);
/* What is to be said of a lock, in a sentence or two for those who read no further. */
void show_judge(const struct show *show, const struct gil *gil, char to[SHOW_SENTENCE]);
/* Why there is none. */
void show_judge_none(const struct show *show, char to[SHOW_SENTENCE]);
/* How it was told from other locks. */
void show_evidence(const struct gil *gil, char to[SHOW_SENTENCE]);
/* Whether a thread's returns from calls are a convoy: the lock takes most of them longer than the
 * call took, or as long as the switch interval. */
bool show_is_convoy(const struct show *show, const struct gil *gil, const struct gil_user *user);
/* The interval after which the lock is asked for, in nanoseconds, by its own account or by the
 * timed waits; 0: none was seen. */
uint64_t show_interval_ns(const struct gil *gil);
/* The part of a thread's, or of the lock's process's, life that is in the window; raw. */
uint64_t show_lived(const struct show *show, const struct gil_user *user);
uint64_t show_span(const struct show *show, const struct gil *gil);
/* Three digits and a unit: "1.23us"; of raw units. */
const char *show_time(const struct show *show, uint64_t raw, char to[16]);
/* A thread's waits, that which had not ended at the end too; raw. */
uint64_t show_waited(const struct gil_user *user);
double show_share(uint64_t part, uint64_t whole); /* 0 when the whole is 0 */
/* The locks that were found, the most waited for first; the caller frees. Null: no memory. */
const struct gil **show_found(const struct gils *gils, size_t *count);
/* Users, who waited most first; the caller frees. Null: no memory. */
struct gil_user **show_order(const struct gil *gil);

#endif
