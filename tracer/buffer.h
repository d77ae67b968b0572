/* A stretch of a thread's records in memory: whole events, each checked. */
#ifndef TRACER_BUFFER_H
#define TRACER_BUFFER_H

#include "tracer/read.h"

/* More than the longest event, so that there is always a whole one. */
#define BUFFER_LEAST 1024u
_Static_assert(BUFFER_LEAST > TRACE_ARGS_MAX + 1, "a buffer holds every event whole");

struct buffer {
	const struct trace_thread *thread;
	struct record *records; /* null until it is first filled; freed by its user */
	uint32_t at, end;       /* of what is not taken yet */
	uint32_t room;
	uint64_t first; /* of the buffer, in the file */
	uint64_t total; /* that the file has; less when it turns out to end before */
};

/* Fills the buffer, all of which was taken, with the next whole events; leaves it empty at the end
 * of the file. It gets room for at most 'most' records, BUFFER_LEAST or more. The file is open
 * only meanwhile. */
bool buffer_fill(struct buffer *buffer, uint32_t most, const struct kind_check checks[256],
		 struct err *err);

#endif
