/* Filling a thread's buffer: reading its file, and checking every record of it once. */
#include "tracer/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns false, with what is wrong about the record at 'at' of the buffer. */
static bool wrong(const struct buffer *buffer, uint32_t at, const char *what, struct err *err)
{
	const unsigned long long number = buffer->first + at;
	const unsigned long long byte = sizeof(struct trace_file) + number * sizeof(struct record);

	return err_set(err, EXIT_MISUSE, "cannot read '%s': record %llu at byte %llu %s",
		       buffer->thread->path, number, byte, what);
}

static bool wrong_kind(const struct buffer *buffer, uint32_t at, struct err *err)
{
	const struct record *record = &buffer->records[at];
	char what[80];

	if (record->head == 0)
		return wrong(buffer, at, "is empty", err);
	if (record_kind(record) == TRACE_ARG)
		return wrong(buffer, at, "is an arg that belongs to no event", err);
	snprintf(what, sizeof(what), "has kind %u; this version knows 1 to %u", record_kind(record),
		 TRACE_KIND_COUNT - 1);
	return wrong(buffer, at, what, err);
}

static bool wrong_detail(const struct buffer *buffer, uint32_t at, struct err *err)
{
	const struct record *record = &buffer->records[at];
	char what[80];

	snprintf(what, sizeof(what), "has detail %u, which kind '%s' does not have",
		 record_detail(record), trace_kind_name(record_kind(record)));
	return wrong(buffer, at, what, err);
}

static bool wrong_args(const struct buffer *buffer, uint32_t at, uint32_t args, struct err *err)
{
	const struct record *record = &buffer->records[at];
	char what[80];

	if (args > TRACE_ARGS_MAX)
		snprintf(what, sizeof(what), "has %u args; none has more than %d", args,
			 TRACE_ARGS_MAX);
	else
		snprintf(what, sizeof(what), "has %u args; kind '%s' asks for %u", args,
			 trace_kind_name(record_kind(record)), trace_args(record));
	return wrong(buffer, at, what, err);
}

/* Ends the file before 'at'. */
static void cut(struct buffer *buffer, uint32_t at)
{
	buffer->end = at;
	buffer->total = buffer->first + at;
}

static bool ends_at_empty_slot(const struct buffer *buffer)
{
	return !(buffer->thread->header.flags & TRACE_FLAG_FINISHED) || buffer->thread->trouble;
}

/* An event whose ARGs are not all there was in flight when its thread was killed, or when a signal
 * handler left it for good: then slots follow that were abandoned. */
static bool check_short(struct buffer *buffer, uint32_t at, uint32_t behind, uint32_t count,
			struct err *err)
{
	struct record *record = &buffer->records[at];
	const uint64_t next = behind < count ? buffer->records[behind].head : 0;

	if (behind == count || (next == 0 && ends_at_empty_slot(buffer))) {
		cut(buffer, at);
		return true;
	}
	if ((next & 0xff) != TRACE_ABANDONED)
		return wrong_args(buffer, at, behind - at - 1, err);
	record->head = (record->head & ~UINT64_C(0xff)) | TRACE_ABANDONED;
	record->operand = 0;
	return true;
}

/* The event at *at, of a kind that has ARGs or is unknown; moves *at behind it, or to 'count' when
 * there is nothing more to check. */
static bool check_event(const struct kind_check checks[256], struct buffer *buffer, uint32_t *at,
			uint32_t count, struct err *err)
{
	const struct record *record = &buffer->records[*at];
	const struct kind_check *check = &checks[record_kind(record)];
	const uint32_t first = *at;
	uint32_t behind = first + 1, args;

	if (record->head == 0 && ends_at_empty_slot(buffer)) {
		cut(buffer, first);
		*at = count;
		return true;
	}
	if (!check->known)
		return wrong_kind(buffer, first, err);
	if (!check->details[record_detail(record)])
		return wrong_detail(buffer, first, err);
	while (behind < count && record_kind(&buffer->records[behind]) == TRACE_ARG)
		behind++;
	args = behind - first - 1;
	*at = behind;
	if (args > TRACE_ARGS_MAX)
		return wrong_args(buffer, first, args, err);
	if (behind == count && buffer->first + count < buffer->total)
		return true;
	if (args > trace_args(record) && !check->more)
		return wrong_args(buffer, first, args, err);
	if (args >= trace_args(record))
		return true;
	if (!check_short(buffer, first, behind, count, err))
		return false;
	if (buffer->end == first && buffer->total == buffer->first + first)
		*at = count;
	return true;
}

/* Checks 'count' records of the buffer and says in 'end' how many of them are whole events. */
static bool check(const struct kind_check checks[256], struct buffer *buffer, uint32_t count,
		  struct err *err)
{
	const struct record *records = buffer->records;
	const uint64_t total = buffer->total;
	uint32_t at = 0;

	buffer->end = count;
	while (at < count) {
		const uint64_t kind = records[at].head & 0xff;

		if (records[at].operand >> 56 < checks[kind].plain)
			at++;
		else if (!check_event(checks, buffer, &at, count, err))
			return false;
	}
	/* More ARGs of the last event may follow. */
	if (buffer->total == total && buffer->first + count < total) {
		while (record_kind(&records[--buffer->end]) == TRACE_ARG)
			;
	}
	return true;
}

static bool fill(struct buffer *buffer, uint32_t count, struct err *err)
{
	const char *path = buffer->thread->path;
	const uint64_t size = count * sizeof(struct record);
	const uint64_t offset = sizeof(struct trace_file) + buffer->first * sizeof(struct record);
	const int fd = read_open(path);
	const int64_t got = fd < 0 ? -1 : read_at(fd, buffer->records, size, offset);

	if (got < 0)
		err_set(err, EXIT_MISUSE, "cannot read '%s': %m", path);
	if (fd >= 0)
		close(fd);
	if (got >= 0 && got < (int64_t)size)
		return err_set(err, EXIT_MISUSE, "cannot read '%s': it has shrunk meanwhile", path);
	return got >= 0;
}

/* Room for what is left of the file, but at most this many records. */
static bool make_room(struct buffer *buffer, uint64_t left, uint32_t most, struct err *err)
{
	buffer->room = left < most ? (uint32_t)left : most;
	buffer->records = malloc(buffer->room * sizeof(struct record));
	if (buffer->records)
		return true;
	buffer->room = 0;
	return err_set(err, EXIT_IMPOSSIBLE, "no memory");
}

bool buffer_fill(struct buffer *buffer, uint32_t most, const struct kind_check checks[256],
		 struct err *err)
{
	uint64_t left;
	uint32_t count;

	buffer->first += buffer->end;
	buffer->at = buffer->end = 0;
	left = buffer->total - buffer->first;
	if (left == 0)
		return true;
	if (!buffer->records && !make_room(buffer, left, most, err))
		return false;
	count = left < buffer->room ? (uint32_t)left : buffer->room;
	return fill(buffer, count, err) && check(checks, buffer, count, err);
}
