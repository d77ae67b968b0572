/* A mode: how the workers of a run come to be and run beside each other. One file per mode. */
#ifndef WORKLOADS_RUNTIME_MODE_H
#define WORKLOADS_RUNTIME_MODE_H

#include "workloads/runtime/run.h"

struct mode {
	const char *name;
	const char *summary; /* one line */
	bool takes_gil;      /* runs under a lock model, --gil says which */
	bool in_turn;        /* workers run one after the other: their times add up */
	bool apart;          /* workers are processes: a private region is copied */
	/* Runs all workers to their end. False when they could not be run; a worker's own failure
	 * is in its result. */
	bool (*run)(struct run *run, struct err *err);
};

#endif
