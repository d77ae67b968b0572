/* Tracepoints by name. Looked up by hand: libpfm4 finds them through a mounted debugfs only, and
 * tracefs is what kernels since 4.1 mount. */
#ifndef BENCH_TRACEPOINT_H
#define BENCH_TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 'category:event', as 'raw_syscalls:sys_enter'. libpfm4 names can look the same. */
bool tracepoint_is_name(const char *name);
/* The id that perf_event_open wants, from the tracefs below 'root' ("" but in tests); false with
 * the reason. */
bool tracepoint_find(const char *root, const char *name, uint64_t *id, char *reason, size_t room);

#endif
