/* What the parts of the text report share. */
#ifndef TRACER_REPORT_REPORT_TEXT_H
#define TRACER_REPORT_REPORT_TEXT_H

#include "base/wrap.h"
#include "tracer/report/report.h"

#define TEXT_COLUMNS WRAP_COLUMNS

/* Exact up to seven digits, then three and a unit. */
const char *text_count(uint64_t count, char to[16]);
void text_put_count(int width, uint64_t count);
void text_put_time(const struct report *report, int width, uint64_t raw);
/* "3 worker": a thread's number and name. */
const char *text_thread(const struct report *report, uint32_t thread, char to[40]);
/* A heading, and of how many rows how few follow; false when there is none. */
bool text_begin_table(const struct report *report, const char *title, size_t rows);
/* All tables of objects, and the longest waits. */
void text_print_objects(const struct report *report);

#endif
