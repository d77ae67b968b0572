/* Inside the reader: the parts that trace.c puts together. */
#ifndef TRACER_READ_H
#define TRACER_READ_H

#include "tracer/trace.h"

/* What of trace.json is not for the reader's users. */
struct info_more {
	uint8_t uuid[16];
	bool counter_is_ns;
	uint64_t lost, stalls;
	struct trace_clock first, last; /* the widest of its clocks; raw 0: it has none */
};

/* Reads FOLDER/trace.json, strictly. On failure there is nothing to finish. */
bool info_read(struct trace_info *info, struct info_more *more, const char *folder,
	       struct err *err);
void info_finish(struct trace_info *info);

/* Reads the header of a thread's file, which has 'path' set and all else zero, and finds out how
 * many records can be read. What is wrong becomes its trouble; no memory is the only failure. */
bool thread_read(struct trace_thread *thread, uint32_t number, const struct info_more *more,
		 struct err *err);

/* Opens for reading what must be a regular file: opening a pipe would wait. -1 with errno. */
int read_open(const char *path);
/* As pread, until 'size' bytes or the end; -1 with errno. */
int64_t read_at(int fd, void *to, uint64_t size, uint64_t offset);

/* What the check of records needs to know of a kind; the table has a row for every byte. */
struct kind_check {
	uint16_t plain;         /* details below this are right, and no ARG follows */
	uint8_t args;           /* at least these follow, besides what the detail asks for */
	bool known, more;       /* more ARGs may follow than must */
	const uint8_t *details; /* 256 of them: whether it may be */
};

/* What the text behind an event's ARGs is, null when it has none. */
const char *kind_text(unsigned kind);
void kind_checks(struct kind_check checks[256]);

#endif
