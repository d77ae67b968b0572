/* Percentiles of bucketed values. */
#include "bench/stored/percentile.h"

#include "base/histogram.h"

#include <math.h>

/* A bucket stands for its highest value, as in base/histogram.c, but never for more than there was.
 */
static uint64_t value_of(const struct tally *tally, size_t i)
{
	const uint64_t high = histogram_high(tally->buckets[i].bucket);

	return high > tally->max ? tally->max : high < tally->min ? tally->min : high;
}

uint64_t percentile_at(const struct tally *tally, double p)
{
	const double wanted = ceil(p * (double)tally->n);
	uint64_t seen = 0;

	for (size_t i = 0; i < tally->count; i++) {
		seen += tally->buckets[i].count;
		if ((double)seen >= wanted)
			return value_of(tally, i);
	}
	return 0;
}

size_t percentile_curve(const struct tally *tally, struct percentile *to, size_t room)
{
	const double n = (double)tally->n, end = 1 - 1 / n;
	/* How far apart points are at least, as a difference of log(1/(1-p)). */
	const double apart = room > 2 ? log(n) / (double)(room - 2) : INFINITY;
	double last = -INFINITY;
	uint64_t seen = 0;
	size_t count = 0;
	bool ends;

	if (tally->n < 2 || room < 2)
		return 0;
	for (size_t i = 0; i < tally->count && count < room; i++) {
		double p, at;

		seen += tally->buckets[i].count;
		/* The end of the curve is kept whatever lies before it. */
		ends = seen >= tally->n - 1;
		p = ends ? end : (double)seen / n;
		at = -log(1 - p);
		if (at - last < apart && !ends)
			continue;
		to[count++] = (struct percentile){ .p = p, .value = value_of(tally, i) };
		last = at;
		if (ends)
			break;
	}
	return count;
}
