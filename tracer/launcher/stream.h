/* One thread's file while it is written: records are appended as they are drained from its rings.
 */
#ifndef TRACER_LAUNCHER_STREAM_H
#define TRACER_LAUNCHER_STREAM_H

#include "tracer/arena.h"

#include <stdbool.h>

struct stream {
	struct trace_file header;
	char *path;
	uint32_t ring;             /* index; the thread moves on to a successor */
	uint64_t drained;          /* position in the ring */
	uint64_t bytes;            /* of records in the file */
	uint64_t lost;             /* events not written: the output is full */
	uint64_t last_head;        /* of the last record */
	uint64_t waiting_since_ns; /* for a slot that is reserved and not written; 0: for none */
};

/* Makes the file with an unfinished header; null when it cannot be made. */
struct stream *stream_create(const char *folder, const struct arena *arena, uint32_t ring);
/* Goes on with a file that a launcher left when it was killed; null when there is none. */
struct stream *stream_resume(const char *folder, const struct arena *arena, uint32_t ring);
/* Events that begin in so many records. */
uint64_t stream_count_events(const struct record *records, uint64_t count);
/* Appends; false when the output cannot take it all: what fitted is there, the rest is lost. */
bool stream_append(struct stream *stream, const struct record *records, uint64_t count);
/* Frees without writing; accepts null. */
void stream_drop(struct stream *stream);
/* Writes the final header and frees. False when it could not be written. */
bool stream_finish(struct stream *stream, struct trace_clock end);

#endif
