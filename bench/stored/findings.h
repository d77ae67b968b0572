/* What a result.json says (results/README.md), checked and in C: what is drawn, exported and
 * compared, and nothing else of it. The samples of a cell are read when they are asked for, by
 * samples.h. */
#ifndef BENCH_STORED_FINDINGS_H
#define BENCH_STORED_FINDINGS_H

#include "base/err.h"
#include "bench/stored/percentile.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINDINGS_RESULT "gilscope.result/1"
#define FINDINGS_VERDICT "gilscope.verdict/1"

/* A median and its 95 % interval; low and high are NaN when there are too few samples for one. */
struct estimate {
	double median, low, high;
};

/* The pooled latencies of a cell. Nanoseconds; p999 NaN when not known. */
struct latencies {
	const char *loop; /* "open" or "closed" */
	uint64_t n;
	double p50, p90, p99, p999;
	struct tally tally;
};

struct cell {
	const char *id, *workload, *mode, *gil; /* gil null outside mode gil */
	const char *runtime;                    /* the interpreter; null: the C workloads */
	const char *status, *reason;            /* reason null unless failed */
	const char *checksum;                   /* null: not known */
	uint64_t workers, size;
	json_t *params;       /* null: not reported */
	size_t group, series; /* of the charts, set for cells with samples (plots/arrange.h) */
	uint64_t n;           /* samples; all below is valid when it is not 0 */
	struct estimate time_ns;
	double voluntary_per_s, involuntary_per_s;
	double futex_per_s; /* NaN: not known */
	double interval_ns; /* the lock's switch interval; NaN: has none */
	bool compared;      /* 'relative' is known */
	struct estimate relative;
	struct latencies *latency; /* null: measures none */
};

struct counter {
	const char *name, *source, *reason; /* either of the last two is null */
};

struct runtime {
	const char *name, *version, *reason; /* either of the last two is null */
};

struct findings {
	const char *path; /* the caller's */
	json_t *tree;     /* owns all texts */
	bool partial;
	const char *partial_reason, *run_id, *started_utc, *order, *version, *revision, *compiler,
		*buildtype, *optimization, *sanitize;
	uint64_t runs, warmup, duration_ns;
	const char *fingerprint; /* of the machine: equal, comparable */
	const char *cpu_model, *kernel, *architecture, *virtualization, *governor, *libc,
		*distribution; /* null: unknown */
	double cpus_allowed;   /* NaN: unknown */
	const char **warnings;
	struct counter *counters;
	struct runtime *runtimes;
	struct cell *cells;
	struct group *groups; /* plots/arrange.h makes these two */
	struct series *series;
	size_t warning_count, counter_count, runtime_count, cell_count, group_count, series_count;
};

/* The parts of a file that results and verdicts both have: its text as a tree, if it has that
 * schema; and the machine. */
bool findings_load(struct findings *findings, const char *path, const char *schema,
		   struct err *err);
bool findings_read_host(struct findings *findings, struct err *err);
/* 'path' names the file in errors. The findings are to be freed also after a failure. */
bool findings_read(struct findings *findings, const char *path, struct err *err);
void findings_free(struct findings *findings);

#endif
