/* The file of one thread: whether its header can be believed, and how far its records go. What a
 * killed launcher left unsaid in the header is worked out from the file. */
#include "tracer/read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER sizeof(struct trace_file)
#define RECORD sizeof(struct record)

struct file {
	struct trace_thread *thread;
	int fd;
	uint64_t size;
	bool memory; /* false: there was none */
};

/* Returns false, so that callers can return it. */
static bool __attribute__((format(printf, 2, 3)))
trouble(struct file *file, const char *format, ...)
{
	va_list args;

	if (file->thread->trouble)
		return false;
	va_start(args, format);
	file->memory = vasprintf(&file->thread->trouble, format, args) >= 0;
	va_end(args);
	if (!file->memory)
		file->thread->trouble = NULL;
	return false;
}

static bool read_header(struct file *file)
{
	struct trace_file *header = &file->thread->header;
	const char *path = file->thread->path;
	const int64_t got = read_at(file->fd, header, HEADER, 0);

	if (got < 0)
		return trouble(file, "cannot read '%s': %s", path, strerror(errno));
	if (got < (int64_t)HEADER)
		return trouble(file, "cannot read '%s': it has %d bytes, a header has %zu", path,
			       (int)got, HEADER);
	if (header->magic != TRACE_MAGIC)
		return trouble(file, "cannot read '%s': it is no file of a thread", path);
	if (header->version < TRACE_VERSION_FIRST || header->version > TRACE_VERSION)
		return trouble(file,
			       "cannot read '%s': it has version %u; this version reads %d to %d",
			       path, header->version, TRACE_VERSION_FIRST, TRACE_VERSION);
	return true;
}

static bool check_header(struct file *file, uint32_t number, const struct info_more *more)
{
	const struct trace_file *header = &file->thread->header;
	const char *path = file->thread->path;
	const uint32_t known = TRACE_FLAG_FINISHED | TRACE_FLAG_COUNTER_IS_NS;

	if (memcmp(header->uuid, more->uuid, sizeof(more->uuid)) != 0)
		return trouble(file, "cannot read '%s': it belongs to another trace", path);
	if (header->number != number)
		return trouble(file, "cannot read '%s': it is the file of thread %u", path,
			       header->number);
	if (header->flags & ~known || header->stream != 0)
		return trouble(file,
			       "cannot read '%s': it has flags %#x and stream %u; this version "
			       "knows flags to %#x and stream 0",
			       path, header->flags, header->stream, known);
	if (((header->flags & TRACE_FLAG_COUNTER_IS_NS) != 0) != more->counter_is_ns)
		return trouble(file, "cannot read '%s': its counter is not that of the trace",
			       path);
	return true;
}

static bool is_zero(const struct file *file, uint64_t index)
{
	struct record record = { 0 };

	return read_at(file->fd, &record, RECORD, HEADER + index * RECORD) < (int64_t)RECORD ||
	       record.head == 0;
}

/* The end of the file is the end of the records, but for empty slots: space that was allocated and
 * never written. By bisection; where there are several stretches of empty slots, the merge finds
 * the first of them. */
static void skip_empty_slots(struct file *file)
{
	uint64_t low = 0, high = file->thread->records;

	if (high == 0 || !is_zero(file, high - 1))
		return;
	/* All before 'low' may be records; the slot at 'high' is empty. */
	high--;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (is_zero(file, middle))
			high = middle;
		else
			low = middle + 1;
	}
	file->thread->records = high;
}

/* An event at the end that lacks ARGs was in flight when its thread was killed. */
static void skip_event_in_flight(struct file *file)
{
	struct record tail[TRACE_ARGS_MAX + 1];
	struct trace_thread *thread = file->thread;
	const uint64_t count =
		thread->records < TRACE_ARGS_MAX + 1 ? thread->records : TRACE_ARGS_MAX + 1;
	uint64_t at = count;
	const int64_t got = read_at(file->fd, tail, count * RECORD,
				    HEADER + (thread->records - count) * RECORD);

	if (got != (int64_t)(count * RECORD))
		return;
	while (at > 0 && record_kind(&tail[at - 1]) == TRACE_ARG)
		at--;
	if (at > 0 && count - at < trace_args(&tail[at - 1]))
		thread->records -= count - at + 1;
}

/* The counter's upper bits are the header's, the rest is the record's. */
static uint64_t widen(const struct record *record, uint64_t near)
{
	return near + (uint64_t)((int64_t)((record_raw(record) - near) << 8) >> 8);
}

static void complete(struct file *file)
{
	struct trace_thread *thread = file->thread;
	struct trace_file *header = &thread->header;
	struct record record;

	if (thread->records > 0 && read_at(file->fd, &record, RECORD, HEADER) == RECORD)
		header->begin_raw = widen(&record, header->begin_raw);
	if (header->flags & TRACE_FLAG_FINISHED)
		return;
	header->records = thread->records;
	header->content_bits = header->packet_bits = 8 * (HEADER + thread->records * RECORD);
	if (thread->records > 0 &&
	    read_at(file->fd, &record, RECORD, HEADER + (thread->records - 1) * RECORD) == RECORD)
		header->end_raw = widen(&record, header->begin_raw);
}

static void count_records(struct file *file)
{
	struct trace_thread *thread = file->thread;
	const struct trace_file *header = &thread->header;
	const bool finished = header->flags & TRACE_FLAG_FINISHED;
	const uint64_t body = file->size - HEADER, there = body / RECORD;

	if (finished && header->records != there)
		trouble(file, "'%s' should have %llu records and has %llu", thread->path,
			(unsigned long long)header->records, (unsigned long long)there);
	else if (body % RECORD)
		trouble(file, "'%s' ends in %d bytes that are no whole record", thread->path,
			(int)(body % RECORD));
	else if (finished &&
		 (header->content_bits != 8 * file->size || header->packet_bits != 8 * file->size))
		trouble(file, "'%s' has a header that contradicts its size", thread->path);
	thread->records = there;
	if (!finished || thread->trouble)
		skip_empty_slots(file);
	skip_event_in_flight(file);
	complete(file);
}

bool thread_read(struct trace_thread *thread, uint32_t number, const struct info_more *more,
		 struct err *err)
{
	struct file file = { .thread = thread, .memory = true };
	bool believed = false;
	struct stat is;

	file.fd = read_open(thread->path);
	if (file.fd < 0 || fstat(file.fd, &is) < 0) {
		trouble(&file, "cannot read '%s': %s", thread->path, strerror(errno));
	} else if (read_header(&file) && check_header(&file, number, more)) {
		file.size = (uint64_t)is.st_size < HEADER ? HEADER : (uint64_t)is.st_size;
		count_records(&file);
		believed = true;
	}
	/* Of others nothing is to be believed but the name. */
	if (!believed)
		thread->header = (struct trace_file){ .number = number };
	if (file.fd >= 0)
		close(file.fd);
	return file.memory || err_set(err, EXIT_IMPOSSIBLE, "no memory");
}
