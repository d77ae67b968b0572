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
/* What is missing from the trace; what was traced, and which part the report is about. */
void text_print_losses(const struct report *report);
void text_print_trace(const struct report *report);
/* The end of a path says more than its beginning: at most so many columns. */
void text_put_path(const char *path, size_t room);
/* In six columns: "12.3%". */
const char *text_share(uint64_t part, uint64_t whole, char to[16]);
/* Total, p50, p99 and the longest, of seven columns each; of none 'none'. */
void text_put_spread(const struct report *report, const struct spread *spread, const char *none);
/* All tables of objects, and the longest waits. */
void text_print_objects(const struct report *report);

#endif
