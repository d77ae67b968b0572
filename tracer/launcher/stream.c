/* Writes the files of threads. Each write opens and closes its file: there may be thousands of
 * threads, and a write is large. */
#include "tracer/launcher/stream.h"

#include "tracer/launcher/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_at(const char *path, int flags, const void *from, uint64_t bytes, uint64_t at,
		     uint64_t *done)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
	bool closed, cut = true;

	*done = 0;
	if (fd < 0)
		return false;
	while (*done < bytes) {
		const ssize_t n =
			pwrite(fd, (const char *)from + *done, bytes - *done, (off_t)(at + *done));

		if (n <= 0)
			break;
		*done += (uint64_t)n;
	}
	/* Half a record is nothing; if it cannot be cut off here, a reader does. */
	if (*done < bytes && *done % sizeof(struct record) != 0) {
		*done -= *done % sizeof(struct record);
		cut = ftruncate(fd, (off_t)(at + *done)) == 0;
	}
	closed = close(fd) == 0;
	return *done == bytes && closed && cut;
}

static struct trace_file header_of(const struct arena *arena, const struct arena_ring *ring)
{
	struct trace_file header = {
		.magic = TRACE_MAGIC,
		.version = TRACE_VERSION,
		.flags = arena->counter == ARENA_NANOSECONDS ? TRACE_FLAG_COUNTER_IS_NS : 0,
		.begin_raw = arena->start.raw,
		.number = ring->number,
		.process = ring->process,
		.parent = ring->parent,
		.pid = ring->pid,
		.tid = ring->tid,
		.handle = ring->handle,
		.start = memory_clock(arena),
	};

	memcpy(header.uuid, arena->uuid, sizeof(header.uuid));
	memcpy(header.comm, ring->comm, sizeof(header.comm));
	return header;
}

static struct stream *begin(const char *folder, const struct arena *arena, uint32_t ring)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->ring = ring;
	stream->header = header_of(arena, &arena->rings[ring]);
	stream->last_head = arena->start.raw << 8;
	if (asprintf(&stream->path, "%s/%05u.gst", folder, stream->header.number) >= 0)
		return stream;
	free(stream);
	return NULL;
}

void stream_drop(struct stream *stream)
{
	if (stream)
		free(stream->path);
	free(stream);
}

struct stream *stream_create(const char *folder, const struct arena *arena, uint32_t ring)
{
	struct stream *stream = begin(folder, arena, ring);
	uint64_t done;

	if (!stream || write_at(stream->path, O_CREAT | O_EXCL, &stream->header,
				sizeof(stream->header), 0, &done))
		return stream;
	if (done == 0)
		unlink(stream->path);
	stream_drop(stream);
	return NULL;
}

struct stream *stream_resume(const char *folder, const struct arena *arena, uint32_t ring)
{
	struct stream *stream = begin(folder, arena, ring);
	struct record last = { 0 };
	struct stat file;
	int fd;

	if (!stream)
		return NULL;
	fd = open(stream->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) != 0 ||
	    pread(fd, &stream->header, sizeof(stream->header), 0) != sizeof(stream->header) ||
	    memcmp(stream->header.uuid, arena->uuid, sizeof(arena->uuid)) != 0) {
		/* Killed between making the file and writing its header: it can be made anew. */
		if (fd >= 0 && fstat(fd, &file) == 0 &&
		    file.st_size < (off_t)sizeof(stream->header))
			unlink(stream->path);
		if (fd >= 0)
			close(fd);
		stream_drop(stream);
		return NULL;
	}
	stream->bytes =
		((uint64_t)file.st_size - sizeof(stream->header)) / sizeof(last) * sizeof(last);
	if (stream->bytes > 0 &&
	    pread(fd, &last, sizeof(last),
		  (off_t)(sizeof(stream->header) + stream->bytes - sizeof(last))) == sizeof(last))
		stream->last_head = last.head;
	close(fd);
	return stream;
}

uint64_t stream_count_events(const struct record *records, uint64_t count)
{
	uint64_t events = 0;

	for (uint64_t i = 0; i < count; i++)
		events += record_kind(&records[i]) != TRACE_ARG &&
			  record_kind(&records[i]) != TRACE_ABANDONED;
	return events;
}

/* An event whose beginning was written and whose end was not is lost too: readers leave it out. */
static uint64_t count_lost(const struct stream *stream, const struct record *records,
			   uint64_t count)
{
	const bool cut = count > 0 && stream->lost == 0 && record_kind(records) == TRACE_ARG;

	return stream_count_events(records, count) + cut;
}

bool stream_append(struct stream *stream, const struct record *records, uint64_t count)
{
	const uint64_t bytes = count * sizeof(*records);
	uint64_t done = 0;
	bool ok = false;

	if (stream->lost == 0)
		ok = write_at(stream->path, 0, records, bytes,
			      sizeof(stream->header) + stream->bytes, &done);
	if (done > 0) {
		const struct record *last = &records[done / sizeof(*records) - 1];

		if (stream->bytes == 0)
			stream->header.begin_raw +=
				(record_raw(records) - stream->header.begin_raw) &
				((UINT64_C(1) << 56) - 1);
		stream->last_head = last->head;
	}
	stream->bytes += done;
	stream->lost += count_lost(stream, records + done / sizeof(*records),
				   count - done / sizeof(*records));
	return ok;
}

bool stream_finish(struct stream *stream, struct trace_clock end)
{
	struct trace_file *header = &stream->header;
	uint64_t done;
	bool ok;

	header->flags |= TRACE_FLAG_FINISHED;
	header->end_raw = header->begin_raw;
	if (stream->bytes > 0)
		header->end_raw +=
			((stream->last_head >> 8) - header->begin_raw) & ((UINT64_C(1) << 56) - 1);
	header->content_bits = (sizeof(*header) + stream->bytes) * 8;
	header->packet_bits = header->content_bits;
	header->records = stream->bytes / sizeof(struct record);
	header->lost += stream->lost;
	header->end = end;
	ok = write_at(stream->path, 0, header, sizeof(*header), 0, &done);
	stream_drop(stream);
	return ok;
}
