/* Where an object's syscall instructions are, and how each can be patched: struct arena_site says
 * what the answers are. What is not provably safe is left as it is, with the reason. */
#ifndef TRACER_SITES_SITES_H
#define TRACER_SITES_SITES_H

#include "base/err.h"
#include "tracer/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, "why a site is left") */
#define SITES_REASONS(X) \
	X(NONE, "it is not left") \
	X(NO_FUNCTION, "no function is known there: it may be data") \
	X(UNDECODED, "its function has bytes that are no known instruction") \
	X(PREFIXED, "the instruction has a prefix") \
	X(WATCHED, "a signal handler may look whether it came before this very instruction") \
	X(FLAGS, "what follows may read flags that a stub does not keep") \
	X(JUMPED_TO, "something jumps to the bytes that would change") \
	X(COMPUTED, "its function jumps to places that it computes") \
	X(UNMOVABLE, "the instructions around it do the same only where they are")

enum sites_reason {
#define X(name, text) SITES_##name,
	SITES_REASONS(X)
#undef X
		SITES_REASON_COUNT,
};

struct sites {
	struct arena_site *list; /* by address; their bytes do not overlap */
	size_t count;
};

/* Fails when the file is not a loadable ELF file for x86-64 whose build-id (its first
 * ARENA_KEY_BYTES bytes, filled with zeros; zeros for none) is the key; a null key is any. The
 * descriptor stays the caller's. Memory is bounded by the size of the file, 1 GB at most. */
bool sites_of_file(struct sites *sites, int fd, const uint8_t *key, struct err *err);
/* The vDSO of this process, which all processes of a kernel share. */
bool sites_of_vdso(struct sites *sites, const uint8_t *key, struct err *err);
/* Accepts what a failed call left. */
void sites_finish(struct sites *sites);
/* The sentence of a sites_reason. */
const char *sites_reason(unsigned reason);

#endif
