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

/* In the place of a model: there is none, unless one is given. */
#define GIL_NONE "none"

struct mode {
	const char *name;
	const char *summary;        /* one line */
	const char *gil;            /* the lock model if --gil says no other; null: no lock */
	const struct param *params; /* options of its own; null: none */
	bool in_turn;               /* workers run one after the other: their times add up */
	bool apart;                 /* workers are processes: a private region is copied */
	bool in_loop;               /* workers are coroutines of one thread */
	bool pool;                  /* shares are tasks, taken by whoever of the workers is free */
	const char *alone; /* why no other worker comes between two steps of one; null: may */
	enum mode_objects objects;
	/* Runs all workers to their end. False when they could not be run; a worker's own failure
	 * is in its result. */
	bool (*run)(struct run *run, struct err *err);
};

/* A lock that all have makes them come one at a time. */
static inline enum mode_objects mode_objects(const struct run *run)
{
	const enum mode_objects objects = run->mode->objects;

	return run->gil && objects == OBJECTS_AT_ONCE ? OBJECTS_IN_TURN : objects;
}

#endif
