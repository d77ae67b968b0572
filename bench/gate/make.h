/* A gate from its options: finds both sides, plans the cells, measures them. */
#ifndef BENCH_GATE_MAKE_H
#define BENCH_GATE_MAKE_H

#include "bench/gate/plan.h"

/* The caller has set what is injected and whether it keeps on; all else is filled in. The plan is
 * zeroed, and is finished by the caller when the gate is no longer needed, however this ends. False
 * when nothing is known, or when we were asked to stop (process_stop_signal). */
bool gate_make(struct gate *gate, struct plan *plan, const struct param_set *options,
	       struct err *err);

#endif
