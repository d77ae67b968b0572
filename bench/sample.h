/* Takes one sample of a cell: builds the command line, runs it, reads the line it printed. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "bench/cell.h"
#include "bench/process.h"

/* What all samples of a run have in common. */
struct sampler {
	const char *workloads;           /* the folder of the workload binaries */
	const char *pin;                 /* the CPUs for --pin; null: not pinned */
	uint64_t limit_ns;               /* per sample */
	const struct counters *counters; /* null: count nothing */
	char *const *before;             /* words in front of the workload's; null: none */
	struct process process;          /* room for what a process prints; reused */
};

/* False when the sample failed, with the reason, or when we were asked to stop
 * (sampler->process.interrupted). The caller drops sample->line. */
bool sample_take(struct sampler *sampler, const struct cell *cell, struct sample *sample,
		 struct err *err);
/* Moves the latencies of a sample, if it has any, into 'latency'; adds nothing when they cannot be
 * read. */
bool sample_pool(struct sample *sample, struct histogram *latency, struct err *err);
enum sample_answer {
	SAMPLE_ACCEPTED,
	SAMPLE_REFUSED,   /* in its own words, with its own exit status as the error's code */
	SAMPLE_CRASHED,   /* it answered neither */
	SAMPLE_NOT_ASKED, /* our trouble, or we were asked to stop */
};
/* Asks the workload whether it would accept the cell, without running it. */
enum sample_answer sample_check(struct sampler *sampler, const struct cell *cell, struct err *err);

#endif
