/* Takes the records out of the arena and puts them into the files of their threads, while the
 * program runs and after it. The one place that frees rings. */
#ifndef TRACER_LAUNCHER_DRAIN_H
#define TRACER_LAUNCHER_DRAIN_H

#include "tracer/launcher/memory.h"
#include "tracer/launcher/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct drain_totals {
	uint64_t threads, processes, records, lost, abandoned, stalls, stall_raw;
	uint64_t still_running; /* processes */
	bool full;              /* the output could not take it all */
	bool exhausted;         /* the arena's file system could not */
};

struct drain;

/* 'folder' is where the files of threads go. Null: no memory. */
struct drain *drain_create(struct memory *memory, const char *folder);
/* The same for an arena and files that a killed launcher left. */
struct drain *drain_resume(struct memory *memory, const char *folder);
/* One round over all rings. Returns whether anything was there. */
bool drain_sweep(struct drain *drain);
/* Looks which processes are gone, so that what they left is drained to its end; at most every
 * 'interval_ns'. */
void drain_look_after_processes(struct drain *drain, uint64_t interval_ns);
/* Processes that live and have not closed all their rings: of one that cannot be looked up, the end
 * is seen by that alone. */
unsigned drain_count_running(const struct drain *drain);
/* Ends recording, drains what is left, writes the final headers. */
void drain_finish(struct drain *drain, struct drain_totals *totals);
void drain_destroy(struct drain *drain);

#endif
