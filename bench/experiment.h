/* The published experiment (Beazley 2009): countdown in two shares, one after the other, in two
 * threads and in two processes, on one CPU and on two; here under every lock model and in every
 * runtime. What is measured is the cells of a matrix; this is the table that they make. */
#ifndef BENCH_EXPERIMENT_H
#define BENCH_EXPERIMENT_H

#include "bench/result.h"

#define EXPERIMENT_ROWS 64
#define EXPERIMENT_SHARES 2

enum experiment_way { SEQUENTIAL, THREADS, PROCESSES, WAYS };
enum experiment_place { ONE_CPU, TWO_CPUS, PLACES };

/* One way in one place. Numbers are NaN where they are not known; then a reason says why. */
struct experiment_point {
	const char *cell;                    /* its id; null: none, or not ours */
	double calls, calls_low, calls_high; /* system calls: the median, the least, the most */
	double futex;                        /* of these, the median */
	double time_ns;
	double ratio, ratio_low, ratio_high; /* of the time to that of one after the other in the
						same place; low and high: the 95 % interval */
	const char *calls_reason, *time_reason;
};

/* A lock model, or a runtime, or what was published. */
struct experiment_row {
	const char *group; /* "published", "interpreter" or "model" */
	char name[96], version[64];
	const char *source; /* of what was published, in words; null: measured here */
	double steps;       /* decrements, of both shares; NaN: not measured */
	const char *reason; /* why there are no points at all; null: there are */
	struct experiment_point points[WAYS][PLACES];
};

struct experiment {
	struct result result;
	cpu_set_t cpus[PLACES];
	char cpus_list[PLACES][32];
	char two_reason[128]; /* why there are no two CPUs; empty: there are */
	struct experiment_row rows[EXPERIMENT_ROWS];
	size_t count;
};

const char *experiment_mode(enum experiment_way way);
/* Makes the rows of the matrix, when its cells are summarized: what was published, the
 * interpreters, the lock models. Texts stay the matrix's. */
void experiment_fill(struct experiment *experiment);
/* Per million steps, and per second that one after the other takes in the same place. */
double experiment_per_million(const struct experiment_row *row, double calls);
double experiment_per_s(const struct experiment_row *row, enum experiment_place place,
			double calls);

/* What goes into each file; the subject is a struct experiment. */
void experiment_json(const void *subject, FILE *to);
void experiment_tsv(const void *subject, FILE *to);
/* For people: what is not known comes first. */
void experiment_print(const struct experiment *experiment, FILE *to);

#endif
