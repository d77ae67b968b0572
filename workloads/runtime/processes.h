/* What the modes whose workers are processes have in common. */
#ifndef WORKLOADS_RUNTIME_PROCESSES_H
#define WORKLOADS_RUNTIME_PROCESSES_H

#include "workloads/runtime/mode.h"

/* Forks every worker; it ends when 'live' returns, and never outlives the parent. False: none is
 * left. */
bool processes_fork(struct run *run, pid_t *children, void (*live)(struct worker *w),
		    struct err *err);
/* Waits until all have ended. The others may wait for one that is gone: then they are killed, and
 * the reason is returned. */
bool processes_wait(const struct run *run, pid_t *children, struct err *err);

#endif
