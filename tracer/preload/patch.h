/* Puts jumps to stubs in the place of syscall instructions. */
#ifndef TRACER_PRELOAD_PATCH_H
#define TRACER_PRELOAD_PATCH_H

#include "tracer/arena.h"
#include "tracer/preload/stubs.h"

#include <stdbool.h>

/* Patches what is loaded now and, from then on, what is loaded later, before any of its code runs.
 * Says why libc could not be: AS_ASKED when it could. */
enum trace_syscalls_reason patch_start(struct arena *arena);
/* Whether no call that libc makes goes unseen. From glibc 2.41 on the cancellable ones of programs
 * with threads do: libc compares where such a call was interrupted with the place of its one
 * instruction. */
bool patch_has_all_of_libc(void);
/* Puts back what was there. */
void patch_undo(void);
/* The stub for a syscall instruction; null when all are in use. Any thread may ask. */
struct stub *patch_stub(uint64_t site);

#endif
