/* Tells traced processes where the syscall instructions of their objects are. */
#ifndef TRACER_LAUNCHER_SERVE_H
#define TRACER_LAUNCHER_SERVE_H

#include "tracer/arena.h"

/* What has been served of an arena; begins as zeros. */
struct serve {
	uint32_t asked; /* the arena's objects_asked when it was last looked at */
	uint32_t used;  /* of its sites */
};

/* Answers all that has been asked since the last call, and wakes who waits. A file that cannot be
 * read, is damaged or is another one is UNKNOWN; none makes this fail or wait. Reading is what it
 * takes: a tenth of a second for each 50 MB of a file, and what is in the cache. */
void serve_sites(struct serve *serve, struct arena *arena);

#endif
