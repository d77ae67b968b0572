/* From a histogram's counts to the points of a percentile chart. */
#ifndef BENCH_STORED_PERCENTILE_H
#define BENCH_STORED_PERCENTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One bucket of base/histogram.h that is not empty. */
struct bucket {
	size_t bucket;
	uint64_t count;
};

/* Counts of all values, buckets upwards. */
struct tally {
	struct bucket *buckets;
	size_t count;
	uint64_t n, min, max; /* of the values as they came */
};

/* The share 'p' of the values is at most 'value'. */
struct percentile {
	double p;
	uint64_t value;
};

/* The smallest value that at least the share p does not exceed; 0 when there is none. */
uint64_t percentile_at(const struct tally *tally, double p);
/* The curve as steps: between one point's p and the next, the value is the next's. Ends at 1 - 1/n:
 * beyond that, n values say nothing. Curves that need more than 'room' points are thinned evenly on
 * the axis 1/(1-p). Returns how many points there are. */
size_t percentile_curve(const struct tally *tally, struct percentile *to, size_t room);

#endif
