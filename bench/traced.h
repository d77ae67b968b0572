/* Runs a cell once under gilscope trace, and asks gilscope report what its lock came to. */
#ifndef BENCH_TRACED_H
#define BENCH_TRACED_H

#include "bench/sample.h"

/* Of the process's lock; where it hides them negative. */
struct traced {
	double elapsed_ns;   /* of the workload's timed part, traced */
	double switches;     /* takes by another thread than the one before */
	double drops_forced; /* where the lock hides these, announced hand-overs */
};

/* As sample_take; the trace is removed. */
bool traced_take(struct sampler *sampler, const struct cell *cell, struct traced *traced,
		 struct err *err);

#endif
