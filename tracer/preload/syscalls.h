/* System calls: how they are recorded in this process. */
#ifndef TRACER_PRELOAD_SYSCALLS_H
#define TRACER_PRELOAD_SYSCALLS_H

#include "tracer/arena.h"

#include <stdbool.h>

/* System calls are recorded: a thread's last record is of one. */
extern bool syscalls_recorded __attribute__((visibility("hidden")));
/* And at the moment they are made, so that nothing else need tell of calls that may block. What is
 * dispatched is recorded a microsecond late, which is longer than some locks are held. */
extern bool syscalls_in_time __attribute__((visibility("hidden")));

/* Begins, as the arena says, and records how. The process has one thread. */
void syscalls_start(struct arena *arena);

#endif
