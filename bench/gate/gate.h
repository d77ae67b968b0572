/* A gate: two builds, or two commands, measured in pairs until each cell is decided; and its files.
 * How it decides is in decide.h; docs/ci.md is for those who use it. */
#ifndef BENCH_GATE_GATE_H
#define BENCH_GATE_GATE_H

#include "base/machine.h"
#include "bench/gate/decide.h"
#include "bench/gate/metric.h"

#include <stdio.h>
#include <time.h>

enum side { BASELINE, CANDIDATE, SIDES };

/* From the least to the most urgent: that of a gate is the largest of its cells, that of a cell the
 * largest of its metrics. */
enum verdict {
	VERDICT_SKIPPED, /* it cannot run here, on either side */
	VERDICT_PASS,
	VERDICT_INCONCLUSIVE,
	VERDICT_NOT_COMPARABLE,
	VERDICT_ERROR, /* the tool or the baseline failed: nothing is known of the candidate */
	VERDICT_FAIL,
};

/* What a gate's exit status says; the same for 'compare' where it applies. */
enum gate_exit {
	GATE_EXIT_PASS = 0,
	GATE_EXIT_FAIL = 1,
	GATE_EXIT_ERROR = 2,
	GATE_EXIT_INCONCLUSIVE = 3,
	GATE_EXIT_NOT_COMPARABLE = 4,
	GATE_EXIT_SKIPPED = 77,
};

/* "PASS", "FAIL", "INCONCLUSIVE", "NOT COMPARABLE", "ERROR", "SKIPPED" */
const char *verdict_name(enum verdict verdict);

/* Two samples, in the order in which they were taken. */
struct gate_pair {
	struct observation side[SIDES];
	bool candidate_first;
};

/* What came of one metric in one cell. */
struct judgement {
	bool decided;
	bool known; /* all samples of both sides have it */
	bool gated;
	enum verdict verdict; /* of a gated one */
	size_t pairs;         /* when it was decided, or all */
	double median[SIDES];
	struct effect effect; /* of these pairs */
	bool failed;          /* there, before it was confirmed */
	size_t confirming;    /* fresh pairs of the confirmation; 0: there was none */
	struct effect confirmed;
	char reason[200]; /* why it is not known, or not decided, in words; else empty */
};

struct gate_cell {
	bool decided;          /* no more pairs are taken */
	struct cell *cell;     /* the caller's; null: a pair of commands */
	struct cell *injected; /* the candidate's, where something was done to it; else null */
	char id[160];          /* the cell's, or "command" */
	enum verdict verdict;
	char reason[400]; /* a sentence, when it is not the metrics that decided */
	struct gate_pair *pairs, *confirming;
	size_t pair_count, confirming_count;
	double spent_ns, pair_ns; /* of all its pairs; of one, the mean */
	struct judgement judgements[METRICS];
};

/* What is known of a side. */
struct gate_side {
	const char *word;         /* as it was given */
	const char *command;      /* null: it is a build */
	char workloads[PATH_MAX]; /* the folder of its workload binaries; empty: a command */
	char revision[64];        /* of git; empty: not known */
	char compiler[64], buildtype[32], optimization[8], sanitize[64]; /* empty: not known */
	char lto[8], ndebug[16]; /* "true", "false"; empty: not known */
	char c_args[1024];       /* "none" without any; empty: not known */
	bool made;               /* it is a revision's, made by us, as this gilscope was */
};

struct gate {
	int argc;
	char **argv;
	time_t started;
	uint64_t duration_ns, seed;
	uint64_t budget_ns; /* per cell */
	struct machine machine;
	struct gate_side side[SIDES];
	struct metric metrics[METRICS];
	struct gate_cell *cells;
	size_t count;
	enum verdict verdict;
	char reason[400];  /* a sentence, when it is not the cells that decided; else empty */
	char warning[400]; /* what makes it worth less; empty: nothing is known to */
	bool keep_on;      /* take all pairs that may be spent, and decide nothing */
	int exit_status;
	const char *injected; /* what was done to the candidate on purpose; null: nothing */
};

/* The probability that at least one of the gated metrics of all cells fails, confirmed, though both
 * sides are equal: at most this, whatever the noise. */
double gate_false_alarm(const struct gate *gate);

#endif
