/* Event counters of a process and all its descendants, through libpfm4 and perf_event_open, or from
 * wherever else they can be had; and where not, the reason. The traps are known: software events
 * that happen in the kernel read 0 when the kernel may not be counted; libpfm4 encodes events that
 * the machine does not have; tracepoints need a mounted tracefs. */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include "base/err.h"

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define COUNTERS_MAX 24
#define COUNTERS_RUNNING 0.2 /* what is scaled up from less of the time is a guess */

enum counter_source {
	COUNTER_NONE,
	COUNTER_HARDWARE,
	COUNTER_SOFTWARE,
	COUNTER_TRACEPOINT,
	COUNTER_RUSAGE,
};

struct counter {
	char name[64];
	enum counter_source source;
	char reason[200]; /* why the source is not a better one; empty when there is nothing to say
			   */
	struct perf_event_attr attr; /* of the perf sources; of COUNTER_RUSAGE: what to take */
	int held;                    /* keeps a tracepoint registered between samples; -1: none */
};

struct counters {
	struct counter row[COUNTERS_MAX];
	size_t count;
};

struct counter_value {
	uint64_t value;
	double running; /* the share of the time it was counted; the value is scaled by it */
	bool known;
};

/* What a source is called in results: "hw", "sw", "tracepoint", "rusage"; null for COUNTER_NONE. */
const char *counter_source_name(enum counter_source source);

/* Finds a source for each name of a comma-separated list (null: the usual ones; "none": no counter)
 * by opening it once. An unknown name fails; a counter that cannot be had here is COUNTER_NONE with
 * its reason. */
bool counters_find(struct counters *counters, const char *list, struct err *err);
/* Keeps the tracepoints registered from one sample to the next, which saves some 100 ms a sample;
 * while they are, every system call on the machine is slower. counters_finish lets go of them. */
void counters_hold(struct counters *counters);
void counters_finish(struct counters *counters);
/* Opens the perf ones on a process that has not yet called exec: they start with it, and go on in
 * its threads and children. Fills fds[counters->count], -1 where there is none. */
void counters_open(const struct counters *counters, pid_t pid, int *fds);
/* After the process and its descendants have ended: reads and closes. 'usage' is what wait4 said.
 */
void counters_read(const struct counters *counters, int *fds, const struct rusage *usage,
		   struct counter_value *values);
/* The value of what a perf descriptor reads: scaled, or not known below a share of
 * COUNTERS_RUNNING. */
struct counter_value counter_scaled(uint64_t count, uint64_t enabled_ns, uint64_t running_ns);

#endif
