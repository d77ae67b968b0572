/* A log-linear histogram of nanoseconds: fixed size, no allocation, exact merging. After
 * HdrHistogram (Tene): below 2^10 each value has its own bucket, above that every power of two
 * is cut into 1,024, so a value is known to within 0.1 %: three significant digits. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/emit.h"

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 10
#define HISTOGRAM_TOP_BITS 42 /* up to 73 minutes; larger values count in the last bucket */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t n, min, max, sum; /* of the values as they came, not of their buckets */
	uint32_t counts[HISTOGRAM_BUCKETS];
};

size_t histogram_bucket(uint64_t value);
/* The lowest value of a bucket, and the highest. */
uint64_t histogram_low(size_t bucket);
uint64_t histogram_high(size_t bucket);
void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The smallest bucket's high end that at least the share 'p' (0 to 1) of the values does not
 * exceed, cut to the true minimum and maximum; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, double p);
/* Writes n, min, p50, p90, p99, p999, max, sub_bits and counts (pairs of bucket and count) as
 * members of the object that is open. p999 is null below 1,000 values: the thousandth of fewer is
 * not known. */
void histogram_emit(const struct histogram *h, struct emit *emit);

#endif
