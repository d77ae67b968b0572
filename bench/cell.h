/* A cell is one point of the matrix; a sample is one fresh process that ran it. */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include "base/histogram.h"
#include "base/machine.h"
#include "base/stats.h"
#include "bench/counters.h"

#include <jansson.h>
#include <sched.h>
#include <stdbool.h>

#define CELL_SETTINGS 6
#define CELL_TRACED 3 /* enough for a median: counts hardly vary where times do */

/* An option of the workload or of the lock model, as '--name value'. */
struct setting {
	char name[32], value[32];
};

struct runtime;

struct sample {
	unsigned seq, round;
	uint64_t elapsed_ns, wall_ns;
	struct rusage usage;
	struct counter_value counters[COUNTERS_MAX];
	struct disturbance disturbance; /* during the sample; negative: unknown */
	uint64_t nvcsw, nivcsw;         /* of the workers, in the timed part */
	bool switches_unknown;          /* of an interpreter that cannot tell */
	double workers_cpu_ns;          /* of all, in the timed part; NaN: not known */
	json_t *line;                   /* the workload's own result, without its histogram */
};

/* System calls of a sample that was traced, in all its processes. */
struct calls {
	uint64_t syscalls, futex; /* futex: of these the calls of that name */
};

enum cell_status { CELL_MISSING, CELL_OK, CELL_FAILED };

#define CELL_COUNTS 8 /* as WORKLOAD_COUNTS */

/* A result of the workload's own, over the timed samples. */
struct own_count {
	const char *name; /* of the first sample's line */
	size_t n;         /* samples that know it; 0: the others are not set */
	double median, min, max;
};

/* What the samples come to. Times in nanoseconds; valid when n > 0. */
struct summary {
	size_t n;
	double median, min, p90, mad, units_per_s;
	double nvcsw, nivcsw; /* NaN: not known */
	double cpu;           /* processor time of the process and all its descendants */
	double workers_cpu;   /* of the workers in the timed part; NaN: not known */
	struct interval ci95;
	const struct cell *reference; /* of 'relative'; null: there is none */
	double relative;
	struct interval relative_ci95;
	double counters[COUNTERS_MAX]; /* medians; negative: not known */
	double counted_ns; /* the median time of the samples taken to count; negative: none were */
	double syscalls, futex; /* medians of the traced samples; NaN: not known */
	struct own_count own[CELL_COUNTS];
	size_t own_count;
};

struct cell {
	char id[160];
	struct runtime *runtime;              /* null: the C binaries */
	char workload[32], mode[32], gil[32]; /* gil empty: none */
	unsigned workers;
	const cpu_set_t *cpus; /* where its processes may run, from outside; null: where we may */
	uint64_t size, tick_spins;
	bool spins_known; /* 0 is a number of spins, too */
	struct setting settings[CELL_SETTINGS];
	size_t setting_count;
	uint64_t target_ns; /* what a sample of the workload's reference should last */

	enum cell_status status;
	char reason[400];
	char checksum[24];      /* empty: not known yet */
	json_t *params;         /* what the workload said it used, with the checksum; else null */
	struct sample *samples; /* timed */
	size_t count;
	struct sample *counted; /* taken apart, with the counters on that cost time */
	size_t counted_count;
	struct calls traced[CELL_TRACED]; /* taken apart as well, and not timed */
	size_t traced_count;
	char traced_reason[400];   /* why there are none of those that were asked for */
	struct histogram *latency; /* pooled; null: measures none */
	struct summary summary;
};

/* The value of a setting, or null. */
const char *cell_setting(const struct cell *cell, const char *name);
/* Replaces an earlier value; settings are sorted, so that equal cells have equal names. False: too
 * long, or one too many. */
bool cell_set(struct cell *cell, const char *name, const char *value);
void cell_unset(struct cell *cell, const char *name);
/* "c", "python3" */
const char *cell_runtime(const struct cell *cell);
/* "countdown/gil:cpython3/2/cpus=1", "python3:countdown/threads/2" */
void cell_name(struct cell *cell);
/* "missing", "ok", "failed" */
const char *cell_status_name(const struct cell *cell);
/* Adds a sample, to 'samples' or to 'counted'; the cell owns its line from now on. */
void cell_keep(struct cell *cell, const struct sample *sample, bool timed);
/* Adds what a traced sample came to. */
void cell_keep_calls(struct cell *cell, struct calls calls);
/* Its system calls cannot be known; drops those of samples before. */
void cell_lose_calls(struct cell *cell, const char *reason);
void cell_fail(struct cell *cell, const char *reason);
/* The different sentences by which the samples explain their results: at most 'room' of them, in
 * the order in which they came. Returns how many. */
size_t cell_notes(const struct cell *cell, const char *notes[], size_t room);
/* After the last sample: fills the summaries of all cells. Ratios are taken within rounds, so that
 * the machine's drift cancels. */
void cells_summarize(struct cell *cells, size_t count);
void cell_finish(struct cell *cell);

#endif
