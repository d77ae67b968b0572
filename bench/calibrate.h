/* Finds, once per workload, how much work a sample is, and what a tick costs in spins: all samples
 * then do the same work. */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include "bench/matrix.h"
#include "bench/sample.h"

/* The interpreter that the tick was made like. Times are medians of pairs of processes that do the
 * same work one after the other (processor time, where it is known), the ratio that of the C
 * workload's to the interpreter's. */
struct likeness {
	const char *runtime; /* null: like none */
	char workload[32];   /* whose tick it is: countdown's, when the workload mostly waits */
	uint64_t size;
	double interpreter_ns, c_ns, ratio;
	struct interval ci95; /* of the ratio */
};

/* What was found for one workload of one runtime; recorded in the result. */
struct calibration {
	const char *runtime;
	char workload[32];
	uint64_t size, target_ns;
	uint64_t tick_spins; /* of the C binaries; an interpreter's ticks are its own */
	uint64_t elapsed_ns; /* of the reference at that size; 0: the size was given, not found */
	struct likeness like;
};

#define CALIBRATIONS_MAX CELLS_MAX

/* Grows cell->size until a sample lasts about cell->target_ns. */
bool calibrate_size(struct sampler *sampler, struct cell *cell, uint64_t *elapsed_ns,
		    struct err *err);

/* Sets size (where it is 0) and tick_spins of all cells. The reference of a workload is its first
 * cell: cells of one runtime and workload, and of one kind of operation, get one size; with
 * matrix->like its cells and those of the C binaries get one size together. When it
 * cannot be run all its cells have failed. Cells that
 * have failed already are left alone. Ends early on a stop. */
void calibrate(struct sampler *sampler, struct matrix *matrix, struct calibration *found,
	       size_t *count);

#endif
