/* System calls: how they are recorded in this process. */
#ifndef TRACER_PRELOAD_SYSCALLS_H
#define TRACER_PRELOAD_SYSCALLS_H

#include "tracer/arena.h"

#include <stdbool.h>

/* System calls are recorded, so whatever else would tell of them is not. */
extern bool syscalls_recorded __attribute__((visibility("hidden")));

/* Begins, as the arena says, and records how. The process has one thread. */
void syscalls_start(struct arena *arena);

#endif
