/* The launcher's side of the arena: makes it, keeps rings ready, removes it. */
#ifndef TRACER_LAUNCHER_MEMORY_H
#define TRACER_LAUNCHER_MEMORY_H

#include "base/err.h"
#include "tracer/arena.h"

#include <limits.h>
#include <stdbool.h>

struct memory {
	struct arena *arena;
	int fd;
	bool made;                       /* and not opened */
	char folder[PATH_MAX / 2];       /* holds the arena and the link to the library */
	char library[PATH_MAX];          /* for LD_PRELOAD */
	bool allocated[ARENA_RINGS];     /* its pages are there */
	uint32_t high_small, high_large; /* no ring from here on has been made ready */
	bool exhausted;                  /* the file system has no room for another ring */
};

/* Makes the arena on a tmpfs with room (/dev/shm, else $XDG_RUNTIME_DIR, else a disk: $TMPDIR or
 * /tmp), for the library at 'library'. The raw counter is used when the kernel trusts it, or as
 * 'counter' says: auto, raw, monotonic. */
bool memory_create(struct memory *memory, const char *library, const char *counter,
		   struct err *err);
/* Opens the arena in a folder that another launcher made; fails while that one lives. */
bool memory_open(struct memory *memory, const char *folder, struct err *err);
/* Now, by the arena's counter and by the kernel's clocks. */
struct trace_clock memory_clock(const struct arena *arena);
/* Makes rings ready until there are as many as asked; returns whether it made any. */
bool memory_prepare(struct memory *memory, uint32_t small, uint32_t large);
/* A ring that was drained can be had again. */
void memory_recycle(struct memory *memory, uint32_t index);
/* Accepts one that is not made. */
void memory_destroy(struct memory *memory);

#endif
