/* The schedule of a run: rounds that take each cell once, in a seeded random order, so that what
 * disturbs the machine for a while disturbs many cells a little; those whose times are compared
 * stand side by side, so that it disturbs them alike. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/result.h"

/* Warms up, takes result->runs timed samples per cell, counts what costs time to count, and traces
 * result->traced samples more, if any. A cell that fails keeps its reason and is left alone. Ends
 * early when we are asked to stop. */
void measure(struct sampler *sampler, struct result *result, struct matrix *matrix);

#endif
