/* What a gate can see on this machine: its noise, from a build beside itself. */
#ifndef BENCH_GATE_NOISE_H
#define BENCH_GATE_NOISE_H

#include "base/param.h"
#include "bench/gate/decide.h"

#include <stdint.h>

/* Of one metric of one cell. Ratios and shares; NaN: not to be had, with the most pairs. */
struct noise {
	double spread; /* standard deviation of a pair's logarithm, from the median deviation */
	double delta;  /* the least threshold under which equal builds pass in 95 of 100 gates */
	double detectable; /* the least slow-down that fails, confirmed, in 90 of 100 gates with it
			    */
};

/* Plays gates with pairs drawn from those that were measured, each side as likely to be the
 * candidate, 'most' pairs at most. */
struct noise noise_of(const struct pair *pairs, size_t count, double slack, size_t most,
		      uint64_t seed);
/* gilscope gate --calibrate. Returns the exit status. */
int noise_run(const struct param_set *options, struct err *err);

#endif
