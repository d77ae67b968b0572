/* Finds, once per workload, how much work a sample is, and what a tick costs in spins: all samples
 * then do the same work. */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include "bench/matrix.h"
#include "bench/sample.h"

/* What was found for one workload of one runtime; recorded in the result. */
struct calibration {
	const char *runtime;
	char workload[32];
	uint64_t size, target_ns;
	uint64_t tick_spins; /* of the C binaries; an interpreter's ticks are its own */
	uint64_t elapsed_ns; /* of the reference at that size; 0: the size was given, not found */
};

#define CALIBRATIONS_MAX CELLS_MAX

/* Sets size (where it is 0) and tick_spins of all cells. The reference of a workload is its first
 * cell: cells of one runtime and workload, and of one kind of operation, get one size. When it
 * cannot be run all its cells have failed. Ends early on a stop. */
void calibrate(struct sampler *sampler, struct matrix *matrix, struct calibration *found,
	       size_t *count);

#endif
