/* The cold ways of a spread: from values to buckets, more octaves, percentiles. */
#include "tracer/report/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OCTAVE (1u << SPREAD_SUB_BITS)

static uint64_t bucket_end(uint32_t bucket)
{
	const unsigned shift = bucket < 2 * OCTAVE ? 0 : bucket / OCTAVE - 1;

	return ((uint64_t)(bucket - shift * OCTAVE + 1) << shift) - 1;
}

/* Makes room for a bucket: whole octaves, at either end. */
static bool widen(struct spread *spread, uint32_t bucket)
{
	const uint32_t first = bucket / OCTAVE * OCTAVE, end = first + OCTAVE;
	const uint32_t old_end = spread->low + spread->cells;
	const uint32_t low = spread->cells && spread->low < first ? spread->low : first;
	const uint32_t cells = (spread->cells && old_end > end ? old_end : end) - low;
	uint64_t *counts = calloc(cells, sizeof(*counts));

	if (!counts)
		return false;
	if (spread->cells) {
		memcpy(counts + (spread->low - low), spread->counts,
		       spread->cells * sizeof(*counts));
		free(spread->counts);
	}
	spread->counts = counts;
	spread->low = low;
	spread->cells = cells;
	return true;
}

static bool count(struct spread *spread, uint32_t bucket, uint64_t times)
{
	if (bucket - spread->low >= spread->cells && !widen(spread, bucket))
		return false;
	spread->counts[bucket - spread->low] += times;
	return true;
}

/* Of 'n' values that are kept as they are. */
static bool count_few(struct spread *spread, uint64_t n)
{
	uint64_t few[SPREAD_FEW];

	memcpy(few, spread->few, sizeof(few));
	if (!widen(spread, spread_bucket(few[0])))
		return false;
	for (uint64_t i = 0; i < n && i < SPREAD_FEW; i++) {
		if (!count(spread, spread_bucket(few[i]), 1))
			return false;
	}
	return true;
}

bool spread_place(struct spread *spread, uint64_t value)
{
	if (!spread->cells && spread->n <= SPREAD_FEW) {
		spread->few[spread->n - 1] = value;
		return true;
	}
	if (!spread->cells && !count_few(spread, spread->n - 1))
		return false;
	return count(spread, spread_bucket(value), 1);
}

bool spread_merge(struct spread *into, const struct spread *from)
{
	const uint64_t few = into->n;
	bool right = true;

	if (from->n == 0)
		return true;
	if (!from->cells) {
		for (uint64_t i = 0; i < from->n && i < SPREAD_FEW; i++)
			right &= spread_add(into, from->few[i]);
		return right;
	}
	into->n += from->n;
	into->sum += from->sum;
	into->max = from->max > into->max ? from->max : into->max;
	if (!into->cells && few > 0)
		right = count_few(into, few);
	for (uint32_t i = 0; right && i < from->cells; i++) {
		if (from->counts[i] > 0)
			right = count(into, from->low + i, from->counts[i]);
	}
	return right;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t spread_percentile(const struct spread *spread, double p)
{
	/* The product of a share like 0.99 and a count may lie a hair above a whole number. */
	const double exact = ceil(p * (double)spread->n * (1 - 1e-15));
	const uint64_t rank = exact < 1 ? 1 : (uint64_t)exact;
	uint64_t few[SPREAD_FEW], seen = 0;

	if (spread->n == 0)
		return 0;
	if (!spread->cells) {
		const size_t n = spread->n < SPREAD_FEW ? spread->n : SPREAD_FEW;

		memcpy(few, spread->few, sizeof(few));
		qsort(few, n, sizeof(few[0]), by_value);
		return few[(rank < n ? rank : n) - 1];
	}
	for (uint32_t i = 0; i < spread->cells; i++) {
		seen += spread->counts[i];
		if (seen >= rank) {
			const uint64_t end = bucket_end(spread->low + i);

			return end < spread->max ? end : spread->max;
		}
	}
	return spread->max;
}

void spread_finish(struct spread *spread)
{
	if (spread->cells)
		free(spread->counts);
	*spread = (struct spread){ 0 };
}

uint64_t spread_up_to(const struct spread *spread, uint64_t value)
{
	uint64_t seen = 0;

	for (uint64_t i = 0; !spread->cells && i < spread->n && i < SPREAD_FEW; i++)
		seen += spread->few[i] <= value;
	for (uint32_t i = 0; i < spread->cells; i++)
		seen += bucket_end(spread->low + i) <= value ? spread->counts[i] : 0;
	return seen;
}
