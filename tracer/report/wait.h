/* Waits: the part of the analysis between CONFLICT and ACQUIRE, at conditions, barriers, once
 * controls and joins; and the longest of them. */
#ifndef TRACER_REPORT_WAIT_H
#define TRACER_REPORT_WAIT_H

#include "tracer/report/hold.h"

/* A wait begins; the caller fills in what is special to its kind. */
struct pending *wait_begin(const struct moment *at, enum wait_kind kind, struct object *object);
/* A wait for a lock begins. */
void wait_begin_lock(const struct moment *at, struct object *object, enum object_mode mode);
/* The wait for a lock ended, with an errno or 0; nothing happens when none had begun. */
void wait_end_lock(const struct moment *at, struct object *object, enum object_mode mode,
		   unsigned error);
/* The latest wait of a kind at an object with this handle ended; false when none had begun. */
bool wait_end(const struct moment *at, enum wait_kind kind, const struct object *object,
	      uint64_t handle, struct pending *ended);
/* The end is reached, and the thread waits still: all its waits are counted as unfinished. */
void wait_give_up(const struct moment *at);
/* The kept waits are sorted, the longest first. */
void wait_sort_longest(struct locks *locks);

#endif
