/* What a gate measures: its cells, as the options and the two builds have them. */
#ifndef BENCH_GATE_PLAN_H
#define BENCH_GATE_PLAN_H

#include "bench/calibrate.h"
#include "bench/gate/observe.h"
#include "bench/runtime.h"

/* The memory behind a gate's cells. */
struct plan {
	struct runtimes runtimes;
	struct matrix matrix;
	struct calibration calibrations[CALIBRATIONS_MAX];
	size_t calibration_count;
	struct observer observer;
	char pin[512];
};

/* From the options --workload, --mode, --gil, --runtime, --workers, --size, --set, --sweep,
 * --sample,
 * --pin, --limit, --trace: the cells of both builds, with the work of a sample found on the
 * baseline. Cells that cannot be compared have their verdict; without any the gate has the reason.
 * The gate's sides are known. False as well when we were asked to stop. */
bool plan_cells(struct plan *plan, struct gate *gate, const struct param_set *options,
		struct err *err);
/* One cell, of two commands. */
bool plan_commands(struct plan *plan, struct gate *gate, const struct param_set *options,
		   struct err *err);
void plan_finish(struct plan *plan, struct gate *gate);

#endif
