/* The result of a run, and its files. What every field means is in results/README.md. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include "base/machine.h"
#include "bench/calibrate.h"
#include "bench/matrix.h"
#include "bench/runtime.h"

struct result {
	int argc;
	char **argv;
	time_t started;
	uint64_t duration_ns, seed;
	unsigned runs, warmup;
	const char *pin;            /* null: not pinned */
	const char *partial_reason; /* null: complete */
	struct machine machine;
	struct disturbance disturbance; /* during the run */
	struct counters *counters;
	struct calibration calibrations[CALIBRATIONS_MAX];
	size_t calibration_count;
	const struct matrix *matrix;
	struct runtimes *runtimes; /* all that were asked for, also those that are not here */
};

/* The files are opened before the run, under names that are not the final ones, so that a folder
 * that cannot be written is known before anything is measured. */
struct result_files;
struct result_files *result_open(const char *folder, struct err *err);
/* Writes them all, flushes them to the disk, and gives them their names; on trouble removes them.
 * Frees 'files' in any case. */
bool result_write(struct result_files *files, const struct result *result, struct err *err);
/* Removes them: there is nothing to write. Null is nothing. */
void result_abandon(struct result_files *files);

/* For result.c: what goes into each file. */
void result_json(const struct result *result, FILE *to);
void result_samples_tsv(const struct result *result, FILE *to);
void result_cells_tsv(const struct result *result, FILE *to);

#endif
