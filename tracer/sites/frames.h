/* Where functions begin and end: the unwind table, which a stripped object has too. */
#ifndef TRACER_SITES_FRAMES_H
#define TRACER_SITES_FRAMES_H

#include "tracer/sites/image.h"

struct function {
	uint64_t begin, end;
	uint64_t pads; /* where its table of landing pads is, 0: it has none */
};

struct frames {
	const struct image *image;
	uint64_t header;
	const uint8_t *table;
	size_t count;
};

/* The image's other segments must have been read. False: there is none, or it is of a kind that no
 * linker makes. */
bool frames_open(struct frames *frames, const struct image *image);
/* How many functions begin at an address or before it: the last of them may hold it. */
size_t frames_until(const struct frames *frames, uint64_t address);
/* Where the one with this index begins; UINT64_MAX behind the last. */
uint64_t frames_begin(const struct frames *frames, size_t index);
/* False: its entry cannot be read. */
bool frames_function(const struct frames *frames, size_t index, struct function *function);
/* Tells where an unwinder that finds an exception may go on; false: that cannot be known. */
bool frames_landing_pads(const struct frames *frames, const struct function *function,
			 void (*tell)(void *whom, uint64_t address), void *whom);

#endif
