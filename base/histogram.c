/* The bucket arithmetic of the histogram. */
#include "base/histogram.h"

#include <math.h>

#define SUB_COUNT (1u << HISTOGRAM_SUB_BITS)

size_t histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < SUB_COUNT)
		return (size_t)value;
	if (value >> HISTOGRAM_TOP_BITS)
		return HISTOGRAM_BUCKETS - 1;
	/* The top bit and the 7 below it pick the bucket. */
	shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return ((size_t)(shift + 1) << HISTOGRAM_SUB_BITS) + (size_t)((value >> shift) - SUB_COUNT);
}

uint64_t histogram_low(size_t bucket)
{
	const size_t group = bucket >> HISTOGRAM_SUB_BITS;

	if (group == 0)
		return bucket;
	return ((bucket & (SUB_COUNT - 1)) + SUB_COUNT) << (group - 1);
}

uint64_t histogram_high(size_t bucket)
{
	return histogram_low(bucket + 1) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	if (h->n == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->n++;
	h->sum += value;
	h->counts[histogram_bucket(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (from->n == 0)
		return;
	if (into->n == 0 || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->n += from->n;
	into->sum += from->sum;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
}

uint64_t histogram_percentile(const struct histogram *h, double p)
{
	const double wanted = ceil(p * (double)h->n);
	const uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted;
	uint64_t seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS && h->n; i++) {
		seen += h->counts[i];
		if (seen >= rank) {
			const uint64_t high = histogram_high(i);

			return high > h->max ? h->max : high < h->min ? h->min : high;
		}
	}
	return h->max;
}

void histogram_emit(const struct histogram *h, struct emit *emit)
{
	emit_u64(emit, "n", h->n);
	emit_u64(emit, "min", h->min);
	emit_u64(emit, "p50", histogram_percentile(h, 0.5));
	emit_u64(emit, "p90", histogram_percentile(h, 0.9));
	emit_u64(emit, "p99", histogram_percentile(h, 0.99));
	if (h->n >= 1000)
		emit_u64(emit, "p999", histogram_percentile(h, 0.999));
	else
		emit_null(emit, "p999");
	emit_u64(emit, "max", h->max);
	emit_u64(emit, "sub_bits", HISTOGRAM_SUB_BITS);
	emit_open(emit, "counts", '[');
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->counts[i] == 0)
			continue;
		emit_open(emit, NULL, '[');
		emit_u64(emit, NULL, i);
		emit_u64(emit, NULL, h->counts[i]);
		emit_close(emit, ']');
	}
	emit_close(emit, ']');
}
