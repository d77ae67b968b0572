/* What the parts of the JSON report share. */
#ifndef TRACER_REPORT_REPORT_WRITER_H
#define TRACER_REPORT_REPORT_WRITER_H

#include "base/emit.h"
#include "tracer/report/report.h"

struct writer {
	struct emit emit;
	struct report *report;
};

/* A raw duration or time, in nanoseconds. */
void writer_put_ns(struct writer *writer, const char *name, uint64_t raw);
/* Null, and NAME_reason. */
void writer_put_unknown(struct writer *writer, const char *name, const char *reason);
/* Raw and corrected. */
void writer_put_duration(struct writer *writer, const char *name, struct duration duration);
/* The number of a thread, by its index + 1; 0 is nobody. */
void writer_put_thread_number(struct writer *writer, const char *name, uint32_t thread);
/* The members trace and window, and troubles. */
void writer_put_trace(struct writer *writer);
void writer_put_troubles(struct writer *writer);
/* The members from locks to longest_waits. */
void writer_put_objects(struct writer *writer);

#endif
