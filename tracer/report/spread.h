/* How durations are spread: count, sum, largest, percentiles. There is one for every lock of a
 * program, and a program may have 100,000: a few values are kept as they are, more are counted in
 * the octaves that occur, each cut into 32, so a percentile is exact to 3 %. */
#ifndef TRACER_REPORT_SPREAD_H
#define TRACER_REPORT_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPREAD_SUB_BITS 5
#define SPREAD_FEW 4

/* All zero is an empty one. The unit is the caller's. */
struct spread {
	uint64_t n, sum, max;
	uint32_t low, cells; /* the buckets that are counted; none while the values are few */
	union {
		uint64_t few[SPREAD_FEW];
		uint64_t *counts;
	};
};

static inline uint32_t spread_bucket(uint64_t value)
{
	const int top = 63 - __builtin_clzll(value | 1);
	const unsigned shift = top > SPREAD_SUB_BITS ? (unsigned)(top - SPREAD_SUB_BITS) : 0;

	return (shift << SPREAD_SUB_BITS) + (uint32_t)(value >> shift);
}

/* The way of the few and of new octaves: false when there is no memory for them. */
bool spread_place(struct spread *spread, uint64_t value);

/* False when there is no memory: then the value is missing in percentiles. */
static inline bool spread_add(struct spread *spread, uint64_t value)
{
	const uint32_t at = spread_bucket(value) - spread->low;

	spread->n++;
	spread->sum += value;
	if (value > spread->max)
		spread->max = value;
	if (at >= spread->cells)
		return spread_place(spread, value);
	spread->counts[at]++;
	return true;
}

/* As if all values of the other one had been added. */
bool spread_merge(struct spread *into, const struct spread *from);
/* The smallest value that at least the share 'p' (0 to 1) does not exceed: exact of a few, else
 * the end of its bucket, cut to the largest; 0 when empty. */
uint64_t spread_percentile(const struct spread *spread, double p);
/* How many are not above a value, which should be the end of an octave: 2^k - 1. */
uint64_t spread_up_to(const struct spread *spread, uint64_t value);
void spread_finish(struct spread *spread);

#endif
