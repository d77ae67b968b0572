/* One observation of one side of a cell: a fresh process, or two when it is traced as well. */
#ifndef BENCH_GATE_OBSERVE_H
#define BENCH_GATE_OBSERVE_H

#include "bench/gate/gate.h"

struct observer {
	struct sampler sampler[SIDES];
	bool traced; /* all run a second time under the tracer: commands for what their lock came
		      * to, workloads to count futex calls */
};

/* False when there is none: the cell has its verdict then, or we were asked to stop
 * (process_stop_signal). */
bool observe(struct observer *observer, const struct gate *gate, struct gate_cell *cell,
	     enum side side, struct observation *seen);

#endif
