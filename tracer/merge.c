/* The records of all threads in the order of time: a binary heap of the threads by their next
 * stamp. What can be checked is checked when a buffer is filled, so that finding the end of a run
 * is one comparison per record.
 *
 * 1. A buffer begins with an event and ends behind one; what was cut is read again. So a run never
 *    cuts an event.
 * 2. The heap's first has the smallest next stamp, of equal ones that of the thread with the
 *    smallest number. Its run lasts while its stamps come before the next stamp of the others,
 *    which is one of the two below it.
 * 3. Stamps of one thread may go backwards; then its next run begins before the end of others'. It
 *    is always the next record that counts, so each step takes at least one.
 * 4. Threads that have not begun stand in the heap by their header's first stamp and have no
 *    buffer; those that have ended have none any more. No file stays open. */
#include "tracer/buffer.h"

#include <stdlib.h>

/* Records of a buffer: as many as fill 64 KiB, but fewer when many threads are read at once. */
#define ROOM 4096u
#define HELD_MANY (UINT64_C(64) << 20)

struct stream {
	struct buffer buffer;
	bool begun; /* behind 'from' */
};

/* The stamp as a key: 8 bits more than its time, so that a record's head, less the base, compares
 * with it; signed, so that what is before the first record of all stays before it. */
struct node {
	int64_t key;
	uint32_t stream;
};

struct trace_merge {
	const struct trace *trace;
	uint64_t base;
	int64_t from, to;
	uint64_t held; /* bytes of buffers */
	size_t count;
	struct node *heap;
	struct stream *streams;
	struct kind_check checks[256];
};

static inline int64_t key_of(const struct trace_merge *merge, uint64_t head)
{
	return (int64_t)((head & ~UINT64_C(0xff)) - merge->base);
}

static inline bool before(const struct node *a, const struct node *b)
{
	return a->key < b->key || (a->key == b->key && a->stream < b->stream);
}

/* The node at 'at' has got another key, or is another. */
static inline void sift(struct trace_merge *merge, size_t at)
{
	struct node *heap = merge->heap;
	const struct node moving = heap[at];
	const size_t count = merge->count;
	size_t below;

	while ((below = 2 * at + 1) < count) {
		if (below + 1 < count && before(&heap[below + 1], &heap[below]))
			below++;
		if (!before(&heap[below], &moving))
			break;
		heap[at] = heap[below];
		at = below;
	}
	heap[at] = moving;
}

static void end_stream(struct trace_merge *merge, struct stream *stream)
{
	merge->held -= stream->buffer.room * sizeof(struct record);
	free(stream->buffer.records);
	stream->buffer.records = NULL;
	stream->buffer.room = 0;
	merge->heap[0] = merge->heap[--merge->count];
	if (merge->count > 0)
		sift(merge, 0);
}

/* The next records that are behind 'from'; none when there is nothing more. */
static bool refill(struct trace_merge *merge, struct stream *stream, struct err *err)
{
	struct buffer *buffer = &stream->buffer;
	const uint32_t room = buffer->room, most = merge->held < HELD_MANY ? ROOM : BUFFER_LEAST;

	do {
		if (!buffer_fill(buffer, most, merge->checks, err))
			return false;
		while (!stream->begun && buffer->at < buffer->end) {
			const struct record *record = &buffer->records[buffer->at];

			stream->begun = key_of(merge, record->head) >= merge->from &&
					record_kind(record) != TRACE_ARG;
			buffer->at += !stream->begun;
		}
	} while (buffer->at == buffer->end && buffer->end > 0);
	merge->held += (buffer->room - room) * sizeof(struct record);
	return true;
}

/* Up to which key the first of the heap may run. */
static inline int64_t limit_of(const struct trace_merge *merge)
{
	const struct node *heap = merge->heap, *other = &heap[1];

	if (merge->count == 1)
		return merge->to;
	if (merge->count > 2 && before(&heap[2], other))
		other = &heap[2];
	if (other->key > merge->to)
		return merge->to;
	/* Keys end in zeros where heads have kinds. */
	return heap[0].stream < other->stream ? other->key | 0xff : other->key - 1;
}

static void take(struct trace_merge *merge, struct buffer *buffer, struct trace_run *run)
{
	const struct record *const first = &buffer->records[buffer->at];
	const struct record *const end = &buffer->records[buffer->end];
	const struct record *next = first + 1;
	const int64_t limit = limit_of(merge);
	const uint64_t base = merge->base;

	while (next < end &&
	       ((int64_t)(next->head - base) <= limit || record_kind(next) == TRACE_ARG))
		next++;
	*run = (struct trace_run){
		.thread = (size_t)(buffer->thread - merge->trace->threads),
		.records = first,
		.count = (size_t)(next - first),
	};
	buffer->at += (uint32_t)run->count;
}

bool trace_merge_next(struct trace_merge *merge, struct trace_run *run, struct err *err)
{
	while (merge->count > 0) {
		struct node *const top = &merge->heap[0];
		struct stream *const stream = &merge->streams[top->stream];
		struct buffer *const buffer = &stream->buffer;
		int64_t key;

		if (buffer->at == buffer->end && !refill(merge, stream, err)) {
			merge->count = 0;
			return false;
		}
		if (buffer->at == buffer->end) {
			end_stream(merge, stream);
			continue;
		}
		key = key_of(merge, buffer->records[buffer->at].head);
		if (key != top->key) {
			top->key = key;
			sift(merge, 0);
			if (&merge->streams[top->stream] != stream)
				continue;
		}
		if (key <= merge->to) {
			take(merge, buffer, run);
			return true;
		}
		end_stream(merge, stream);
	}
	if (err)
		err->text[0] = '\0';
	return false;
}

/* The keys of 'from' and behind 'to'. */
static void set_borders(struct trace_merge *merge, uint64_t from_ns, uint64_t to_ns)
{
	merge->from = INT64_MIN;
	merge->to = INT64_MAX;
	if (from_ns > 0)
		merge->from = (int64_t)(trace_time(merge->trace, from_ns) << 8);
	if (to_ns < UINT64_MAX)
		merge->to = (int64_t)(trace_time(merge->trace, to_ns + 1) << 8) - 1;
}

struct trace_merge *trace_merge_create(const struct trace *trace, uint64_t from_ns, uint64_t to_ns,
				       struct err *err)
{
	const size_t room = trace->thread_count ? trace->thread_count : 1;
	struct trace_merge *merge = calloc(1, sizeof(*merge));

	if (merge) {
		merge->trace = trace;
		merge->streams = calloc(room, sizeof(*merge->streams));
		merge->heap = calloc(room, sizeof(*merge->heap));
	}
	if (!merge || !merge->streams || !merge->heap) {
		trace_merge_destroy(merge);
		err_set(err, EXIT_IMPOSSIBLE, "no memory");
		return NULL;
	}
	merge->base = trace->first.raw << 8;
	set_borders(merge, from_ns, to_ns);
	kind_checks(merge->checks);
	for (uint32_t i = 0; i < trace->thread_count; i++) {
		const struct trace_thread *thread = &trace->threads[i];

		merge->streams[i].buffer =
			(struct buffer){ .thread = thread, .total = thread->records };
		if (thread->records > 0)
			merge->heap[merge->count++] =
				(struct node){ key_of(merge, thread->header.begin_raw << 8), i };
	}
	for (size_t i = merge->count / 2; i-- > 0;)
		sift(merge, i);
	return merge;
}

void trace_merge_destroy(struct trace_merge *merge)
{
	for (size_t i = 0; merge && merge->streams && i < merge->trace->thread_count; i++)
		free(merge->streams[i].buffer.records);
	if (merge) {
		free(merge->streams);
		free(merge->heap);
	}
	free(merge);
}
