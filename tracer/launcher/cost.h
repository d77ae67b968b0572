/* What recording costs on this machine, now: measured before the command runs. */
#ifndef TRACER_LAUNCHER_COST_H
#define TRACER_LAUNCHER_COST_H

#include "base/emit.h"

#include <stdbool.h>

/* Nanoseconds; added to an operation of the native kind. Negative: unknown. */
struct cost {
	double counter_ns; /* reading the counter once */
	double record_ns;  /* one record of an uncontended mutex pair */
	double mutex_pair_ns, semaphore_pair_ns, read_pair_ns, signal_ns;
	char reason[400]; /* why nothing is known; empty: all is */
};

/* Runs the calibrating program with the recorder in a memory of its own; some milliseconds. */
void cost_measure(struct cost *cost, const char *library, const char *counter);
/* Nothing is known, for this reason. */
void cost_unknown(struct cost *cost, const char *reason);
/* A member 'name'. */
void cost_emit(const struct cost *cost, struct emit *emit, const char *name);

#endif
