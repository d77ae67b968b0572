/* A mode: how the workers of a run come to be and run beside each other. One file per mode. */
#ifndef WORKLOADS_RUNTIME_MODE_H
#define WORKLOADS_RUNTIME_MODE_H

#include "workloads/runtime/run.h"

/* How the workers of a mode come to an object that they share. */
enum mode_objects {
	OBJECTS_IN_TURN, /* one worker runs at a time */
	OBJECTS_AT_ONCE,
	OBJECTS_APART, /* each has its own */
};

struct mode {
	const char *name;
	const char *summary; /* one line */
	const char *gil;     /* the lock model if --gil says no other; null: no lock */
	bool in_turn;        /* workers run one after the other: their times add up */
	bool apart;          /* workers are processes: a private region is copied */
	const char *alone;   /* why no other worker comes between two steps of one; null: may */
	enum mode_objects objects;
	/* Runs all workers to their end. False when they could not be run; a worker's own failure
	 * is in its result. */
	bool (*run)(struct run *run, struct err *err);
};

#endif
