/* Makes the candidate worse on purpose, by parameters of its workloads, to see the gate go red. */
#ifndef BENCH_GATE_INJECT_H
#define BENCH_GATE_INJECT_H

#include "bench/gate/observe.h"

/* 'text' is "slowdown=P%": a sample has so much more work to do; or "conflicts=N": waiters and
 * holders meet N times as often, by the lock model's own interval. Cells that have no such lock are
 * left alone; when there is none with it fails. After the cells' sizes were found. */
bool inject(struct gate *gate, struct observer *observer, const char *text, struct err *err);

#endif
