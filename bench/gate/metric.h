/* What the gate watches: quantities of one sample, of which less is better, and how much more of
 * each is no regression yet. */
#ifndef BENCH_GATE_METRIC_H
#define BENCH_GATE_METRIC_H

#include "base/err.h"
#include "base/param.h"
#include "bench/gate/decide.h"
#include "bench/sample.h"

/* The rows of the table, in its order. */
enum metric_id {
	METRIC_TIME,
	METRIC_CPU,
	METRIC_TAKES,
	METRIC_CONTENDED,
	METRIC_FORCED,
	METRIC_SWITCHES,
	METRIC_FUTEX,
	METRIC_LATENCY_P50,
	METRIC_LATENCY_P90,
	METRIC_LATENCY_P99,
	METRIC_LATENCY_P999,
	METRIC_LATENCY_MAX,
	METRIC_WAIT_SHARE,
	METRIC_HOLD_P50,
	METRIC_HOLD_P99,
	METRIC_WAIT_P99,
	METRICS
};

struct metric {
	const char *name; /* as in --threshold NAME=P% */
	const char *unit; /* "ns", "events", "share" */
	const char *what; /* for people: "time from the common start to the last finish" */
	struct allowance allowed;
	bool gated; /* false: reported, and decides nothing */
	bool asked; /* by name: that no cell knows it is no way to pass */
};

/* In the order of metric_id: how they are if nothing else is asked for. */
extern const struct metric metrics_usual[METRICS];

/* NaN: this sample does not have it. */
struct observation {
	double value[METRICS];
};

/* What a workload's sample says, without what only a trace can say. */
void metric_observe(const struct sample *sample, struct observation *seen);
/* Changes the table by the options --delta (of the time) and --threshold NAME=P%,NAME=off,... A
 * metric that is named is gated. */
bool metric_set(struct metric table[METRICS], const char *delta, const char *const *lists,
		size_t count, struct err *err);

#endif
