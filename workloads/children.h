/* Processes that a workload starts beside its workers, as a language's library does. None outlives
 * whoever started it. */
#ifndef WORKLOADS_CHILDREN_H
#define WORKLOADS_CHILDREN_H

#include "workloads/workload.h"

#include <limits.h>
#include <sys/types.h>

/* Forks a process that calls 'body' and ends. It has the interpreter's lock to itself, made anew as
 * the interpreter does it. It may tick, but waits and writes by itself, and leaves the worker's
 * results alone, which it shares like the region. 0: it could not be started; the worker has
 * failed. */
pid_t child_fork(struct worker *w, void (*body)(struct worker *w, void *given), void *given);

/* The path of a program that is built for a workload and lies beside them. */
bool child_find(char path[PATH_MAX], const char *name, struct err *err);
/* Starts it, with the lock held as CPython's subprocess does; its standard output is 'output'. It
 * must end by itself. 0: as above. */
pid_t child_execute(struct worker *w, const char *path, int output);

/* Waits for a process's end with the lock let go. Returns its status as waitpid gives it; -1: it
 * could not be waited for; the worker has failed. */
int child_wait(struct worker *w, pid_t child);

#endif
