/* Puts jumps to stubs in the place of syscall instructions. */
#ifndef TRACER_PRELOAD_PATCH_H
#define TRACER_PRELOAD_PATCH_H

#include "tracer/arena.h"
#include "tracer/preload/stubs.h"

#include <stdbool.h>

/* Patches what is loaded now and, from then on, what is loaded later, before any of its code runs.
 * Says why libc could not be: AS_ASKED when it could. */
enum trace_syscalls_reason patch_start(struct arena *arena);
/* Puts back what was there. */
void patch_undo(void);
/* The stub for a syscall instruction; null when all are in use. Any thread may ask. */
struct stub *patch_stub(uint64_t site);

#endif
