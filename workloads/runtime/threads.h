/* What the modes whose workers are threads have in common. */
#ifndef WORKLOADS_RUNTIME_THREADS_H
#define WORKLOADS_RUNTIME_THREADS_H

#include "workloads/runtime/mode.h"

/* Runs every worker in a thread of its own and waits for all. When a thread cannot be started the
 * ones before it wait at the barrier for ever: the caller must end the process. */
bool run_threads(struct run *run, struct err *err);

#endif
