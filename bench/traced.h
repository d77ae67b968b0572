/* Runs a cell once under gilscope trace, and asks gilscope report what came of it. The trace is
 * removed. */
#ifndef BENCH_TRACED_H
#define BENCH_TRACED_H

#include "bench/sample.h"

/* Of the process's lock; where it hides them negative. */
struct lock_counts {
	double elapsed_ns;   /* of the workload's timed part, traced */
	double switches;     /* takes by another thread than the one before */
	double drops_forced; /* where the lock hides these, announced hand-overs */
};

/* What the lock came to; system calls are not recorded meanwhile. */
bool traced_lock(struct sampler *sampler, const struct cell *cell, struct lock_counts *counts,
		 struct err *err);
/* What an interpreter's lock, or several, came to in a command of the user's. */
struct lock_figures {
	double takes, contended, switches, drops_forced; /* of all locks */
	double wait_share; /* of the time that the threads lived, what they waited for it */
	double hold_p50_ns, hold_p99_ns, wait_p99_ns; /* of the lock that was taken most */
};

/* Runs the command by a shell under the tracer; NaN is not known. Fails with EXIT_FAILED when the
 * command itself did, with EXIT_IMPOSSIBLE when the tracer did, or there is no lock. */
bool traced_command(struct sampler *sampler, const char *command, struct lock_figures *figures,
		    struct err *err);
/* As sample_take, with the system calls of all processes from the moment on when the recorder is
 * loaded. False as well when the sample is good and its calls are not known. */
bool traced_calls(struct sampler *sampler, const struct cell *cell, struct sample *sample,
		  struct calls *calls, struct err *err);
/* For it: what gilscope report --syscalls --json says. Counts of which some were lost are not
 * known. */
bool traced_read_calls(const char *text, struct calls *calls, struct err *err);

#endif
