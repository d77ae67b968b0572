/* The records of all threads in the order of time: a binary heap of the threads by their next
 * stamp. What can be checked once per buffer is checked when it is filled, so that finding the end
 * of a run is one comparison per record.
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
#include "tracer/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Records of a buffer: as many as fill 64 KiB, or, when many threads are being read, as hold the
 * longest event four times. */
#define ROOM 4096u
#define ROOM_SMALL 2048u
#define HELD_MANY (UINT64_C(64) << 20)
_Static_assert(ROOM_SMALL > 2 * (TRACE_ARGS_MAX + 1), "a buffer holds every event whole");

struct stream {
	const struct trace_thread *thread;
	struct record *records; /* null: not begun, or ended */
	uint32_t at, end, room;
	bool begun;     /* behind 'from' */
	uint64_t first; /* of the buffer, in the file */
	uint64_t total; /* that the file has; less when it turns out to end before */
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
	merge->held -= stream->room * sizeof(struct record);
	free(stream->records);
	stream->records = NULL;
	stream->room = 0;
	merge->heap[0] = merge->heap[--merge->count];
	if (merge->count > 0)
		sift(merge, 0);
}

/* Returns false, with what is wrong about the record at 'at' of the buffer. */
static bool wrong(const struct stream *stream, uint32_t at, const char *what, struct err *err)
{
	const uint64_t number = stream->first + at;

	return err_set(
		err, EXIT_MISUSE, "cannot read '%s': record %llu at byte %llu %s",
		stream->thread->path, (unsigned long long)number,
		(unsigned long long)(sizeof(struct trace_file) + number * sizeof(struct record)),
		what);
}

static bool wrong_kind(const struct stream *stream, uint32_t at, struct err *err)
{
	const struct record *record = &stream->records[at];
	char what[80];

	if (record->head == 0)
		return wrong(stream, at, "is empty", err);
	if (record_kind(record) == TRACE_ARG)
		return wrong(stream, at, "is an arg that belongs to no event", err);
	snprintf(what, sizeof(what), "has kind %u; this version knows 1 to %u", record_kind(record),
		 TRACE_KIND_COUNT - 1);
	return wrong(stream, at, what, err);
}

static bool wrong_detail(const struct stream *stream, uint32_t at, struct err *err)
{
	const struct record *record = &stream->records[at];
	char what[80];

	snprintf(what, sizeof(what), "has detail %u, which kind '%s' does not have",
		 record_detail(record), trace_kind_name(record_kind(record)));
	return wrong(stream, at, what, err);
}

static bool wrong_args(const struct stream *stream, uint32_t at, uint32_t args, struct err *err)
{
	const struct record *record = &stream->records[at];
	char what[80];

	if (args > TRACE_ARGS_MAX)
		snprintf(what, sizeof(what), "has %u args; none has more than %d", args,
			 TRACE_ARGS_MAX);
	else
		snprintf(what, sizeof(what), "has %u args; kind '%s' asks for %u", args,
			 trace_kind_name(record_kind(record)), trace_args(record));
	return wrong(stream, at, what, err);
}

/* Ends the stream before 'at'. */
static void cut(struct stream *stream, uint32_t at)
{
	stream->end = at;
	stream->total = stream->first + at;
}

static bool ends_at_empty_slot(const struct stream *stream)
{
	return !(stream->thread->header.flags & TRACE_FLAG_FINISHED) || stream->thread->trouble;
}

/* An event whose ARGs are not all there was in flight when its thread was killed, or when a signal
 * handler left it for good: then slots follow that were abandoned. */
static bool check_short(struct stream *stream, uint32_t at, uint32_t behind, uint32_t count,
			struct err *err)
{
	struct record *record = &stream->records[at];
	const uint64_t next = behind < count ? stream->records[behind].head : 0;

	if (behind == count || (next == 0 && ends_at_empty_slot(stream))) {
		cut(stream, at);
		return true;
	}
	if ((next & 0xff) != TRACE_ABANDONED)
		return wrong_args(stream, at, behind - at - 1, err);
	record->head = (record->head & ~UINT64_C(0xff)) | TRACE_ABANDONED;
	record->operand = 0;
	return true;
}

/* The event at *at, of a kind that has ARGs or is unknown; moves *at behind it, or to 'count' when
 * there is nothing more to check. */
static bool check_event(const struct trace_merge *merge, struct stream *stream, uint32_t *at,
			uint32_t count, struct err *err)
{
	const struct record *record = &stream->records[*at];
	const struct kind_check *check = &merge->checks[record_kind(record)];
	const uint32_t first = *at;
	uint32_t behind = first + 1, args;

	if (record->head == 0 && ends_at_empty_slot(stream)) {
		cut(stream, first);
		*at = count;
		return true;
	}
	if (!check->known)
		return wrong_kind(stream, first, err);
	if (!check->details[record_detail(record)])
		return wrong_detail(stream, first, err);
	while (behind < count && record_kind(&stream->records[behind]) == TRACE_ARG)
		behind++;
	args = behind - first - 1;
	*at = behind;
	if (args > TRACE_ARGS_MAX)
		return wrong_args(stream, first, args, err);
	if (behind == count && stream->first + count < stream->total)
		return true;
	if (args > trace_args(record) && !check->more)
		return wrong_args(stream, first, args, err);
	if (args >= trace_args(record))
		return true;
	if (!check_short(stream, first, behind, count, err))
		return false;
	if (stream->end == first && stream->total == stream->first + first)
		*at = count;
	return true;
}

/* Checks 'count' records of the buffer and says in 'end' how many of them are whole events. */
static bool check(const struct trace_merge *merge, struct stream *stream, uint32_t count,
		  struct err *err)
{
	const struct record *records = stream->records;
	const uint64_t total = stream->total;
	uint32_t at = 0;

	stream->end = count;
	while (at < count) {
		const uint64_t kind = records[at].head & 0xff;

		if (records[at].operand >> 56 < merge->checks[kind].plain)
			at++;
		else if (!check_event(merge, stream, &at, count, err))
			return false;
	}
	/* More ARGs of the last event may follow. */
	if (stream->total == total && stream->first + count < total) {
		while (record_kind(&records[--stream->end]) == TRACE_ARG)
			;
	}
	return true;
}

static bool fill(struct stream *stream, uint32_t count, struct err *err)
{
	const char *path = stream->thread->path;
	const uint64_t size = count * sizeof(struct record);
	const uint64_t offset = sizeof(struct trace_file) + stream->first * sizeof(struct record);
	const int fd = read_open(path);
	const int64_t got = fd < 0 ? -1 : read_at(fd, stream->records, size, offset);

	if (got < 0)
		err_set(err, EXIT_MISUSE, "cannot read '%s': %m", path);
	if (fd >= 0)
		close(fd);
	if (got >= 0 && got < (int64_t)size)
		return err_set(err, EXIT_MISUSE, "cannot read '%s': it has shrunk meanwhile", path);
	return got >= 0;
}

static void skip_to_begin(const struct trace_merge *merge, struct stream *stream)
{
	const struct record *records = stream->records;

	while (!stream->begun && stream->at < stream->end) {
		stream->begun = key_of(merge, records[stream->at].head) >= merge->from &&
				record_kind(&records[stream->at]) != TRACE_ARG;
		stream->at += !stream->begun;
	}
}

/* The next buffer; an empty one when there is nothing more. */
static bool refill(struct trace_merge *merge, struct stream *stream, struct err *err)
{
	uint64_t left;
	uint32_t count;

	stream->first += stream->end;
	stream->at = stream->end = 0;
	left = stream->total - stream->first;
	if (left == 0)
		return true;
	if (!stream->records) {
		const uint32_t room = merge->held < HELD_MANY ? ROOM : ROOM_SMALL;

		stream->room = left < room ? (uint32_t)left : room;
		stream->records = malloc(stream->room * sizeof(struct record));
		if (!stream->records)
			return err_set(err, EXIT_IMPOSSIBLE, "no memory");
		merge->held += stream->room * sizeof(struct record);
	}
	count = left < stream->room ? (uint32_t)left : stream->room;
	if (!fill(stream, count, err) || !check(merge, stream, count, err))
		return false;
	skip_to_begin(merge, stream);
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

static void take(struct trace_merge *merge, struct stream *stream, struct trace_run *run)
{
	const struct record *const first = &stream->records[stream->at];
	const struct record *const end = &stream->records[stream->end];
	const struct record *next = first + 1;
	const int64_t limit = limit_of(merge);
	const uint64_t base = merge->base;

	while (next < end &&
	       ((int64_t)(next->head - base) <= limit || record_kind(next) == TRACE_ARG))
		next++;
	*run = (struct trace_run){
		.thread = (size_t)(stream->thread - merge->trace->threads),
		.records = first,
		.count = (size_t)(next - first),
	};
	stream->at += (uint32_t)run->count;
}

bool trace_merge_next(struct trace_merge *merge, struct trace_run *run, struct err *err)
{
	while (merge->count > 0) {
		struct node *const top = &merge->heap[0];
		struct stream *const stream = &merge->streams[top->stream];
		int64_t key;

		if (stream->at == stream->end && !refill(merge, stream, err)) {
			merge->count = 0;
			return false;
		}
		if (stream->at == stream->end) {
			if (stream->first + stream->end == stream->total)
				end_stream(merge, stream);
			continue;
		}
		key = key_of(merge, stream->records[stream->at].head);
		if (key != top->key) {
			top->key = key;
			sift(merge, 0);
			if (&merge->streams[top->stream] != stream)
				continue;
		}
		if (key <= merge->to) {
			take(merge, stream, run);
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
		merge->streams = calloc(room, sizeof(*merge->streams));
		merge->heap = calloc(room, sizeof(*merge->heap));
	}
	if (!merge || !merge->streams || !merge->heap) {
		trace_merge_destroy(merge);
		err_set(err, EXIT_IMPOSSIBLE, "no memory");
		return NULL;
	}
	merge->trace = trace;
	merge->base = trace->first.raw << 8;
	set_borders(merge, from_ns, to_ns);
	kind_checks(merge->checks);
	for (uint32_t i = 0; i < trace->thread_count; i++) {
		const struct trace_thread *thread = &trace->threads[i];

		merge->streams[i] = (struct stream){ .thread = thread, .total = thread->records };
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
		free(merge->streams[i].records);
	if (merge) {
		free(merge->streams);
		free(merge->heap);
	}
	free(merge);
}
