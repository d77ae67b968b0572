/* Takes pairs of all cells, in turns, until each is decided. */
#ifndef BENCH_GATE_RUN_H
#define BENCH_GATE_RUN_H

#include "bench/gate/observe.h"

/* Warms up, takes blocks of two pairs, looks, confirms what fails, and fills in verdicts and times.
 * Cells that are decided already are left alone. False when we were asked to stop. */
bool gate_measure(struct gate *gate, struct observer *observer);

#endif
