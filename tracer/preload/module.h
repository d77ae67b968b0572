/* What a process consists of: its start, the objects that are loaded, so that addresses can be
 * named later. */
#ifndef TRACER_PRELOAD_MODULE_H
#define TRACER_PRELOAD_MODULE_H

#include "tracer/format.h"

/* Records the start of a process and, for a new image, its modules; a forked child has its
 * parent's. */
void module_begin(enum trace_origin origin, unsigned pid);
/* In exit: records what was loaded last. */
void module_end(void);
/* Undoes what exec.c added to an environment that had lost us; 'library' is our name in it. */
void module_restore_environment(const char *library, char **environment);

#endif
