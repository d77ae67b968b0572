/* The table of a gate's chart. */
#ifndef BENCH_GATE_PANELS_H
#define BENCH_GATE_PANELS_H

#include "bench/gate/gate.h"

#define PANELS_FOOT 300

/* How many panels the chart has; 0: there is nothing to draw. */
size_t panels_count(const struct gate *gate);
/* The lines below it. */
void panels_foot(const struct gate *gate, char foot[2][PANELS_FOOT]);

#endif
