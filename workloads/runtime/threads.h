/* What the modes whose workers are threads have in common. */
#ifndef WORKLOADS_RUNTIME_THREADS_H
#define WORKLOADS_RUNTIME_THREADS_H

#include "workloads/runtime/mode.h"

/* Starts a thread per worker: 'live' gets it. When one cannot be started the ones before it wait
 * for ever: the caller must end the process. */
bool threads_start(struct run *run, pthread_t *threads, void (*live)(struct worker *w),
		   struct err *err);
void threads_join(const struct run *run, const pthread_t *threads);
/* Runs every worker in a thread of its own and waits for all; fails as threads_start does. */
bool run_threads(struct run *run, struct err *err);

#endif
