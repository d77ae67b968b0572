/* The latencies of one cell as HdrHistogram prints percentiles: the CLASSIC layout of its
 * outputPercentileDistribution, in milliseconds, with five steps for each halving of the distance
 * to 100 %. The buckets are those of an HdrHistogram of three digits, so its figures are the same
 * (base/histogram.h); only a largest value that is not the highest of its bucket is told as it was.
 */
#include "base/histogram.h"
#include "bench/stored/stored.h"
#include "command/format.h"

#include <math.h>
#include <stdlib.h>

#define STEPS_PER_HALF 5
#define NS_PER_UNIT 1e6

/* Where HdrHistogram has the value of a bucket for mean and deviation: its middle, rounded down. */
static double middle(size_t bucket)
{
	const uint64_t low = histogram_low(bucket), high = histogram_high(bucket);

	return (double)(low + ((high - low + 1) >> 1));
}

static void put_moments(const struct tally *tally, FILE *to)
{
	double mean = 0, squares = 0;

	for (size_t i = 0; i < tally->count; i++)
		mean += middle(tally->buckets[i].bucket) * (double)tally->buckets[i].count;
	mean /= (double)tally->n;
	for (size_t i = 0; i < tally->count; i++)
		squares += pow(middle(tally->buckets[i].bucket) - mean, 2) *
			   (double)tally->buckets[i].count;
	fprintf(to, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / NS_PER_UNIT,
		sqrt(squares / (double)tally->n) / NS_PER_UNIT);
	fprintf(to, "#[Max     = %12.3f, Total count    = %12llu]\n",
		(double)tally->max / NS_PER_UNIT, (unsigned long long)tally->n);
	fprintf(to, "#[Buckets = %12d, SubBuckets     = %12d]\n",
		HISTOGRAM_TOP_BITS - HISTOGRAM_SUB_BITS, 2 << HISTOGRAM_SUB_BITS);
}

/* The percentile after that one: halfway to 100 % there are as many steps again. */
static double next_level(double level)
{
	const double halvings = floor(log2(100 / (100 - level))) + 1;

	return level + 100 / (STEPS_PER_HALF * pow(2, halvings));
}

static void put_percentiles(const struct tally *tally, FILE *to)
{
	const double n = (double)tally->n;
	double level = 0;
	uint64_t seen = 0;
	bool ends = false;

	fprintf(to, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (size_t i = 0; i < tally->count; i++) {
		const uint64_t high = histogram_high(tally->buckets[i].bucket);
		const double value = (double)(high > tally->max ? tally->max : high);

		seen += tally->buckets[i].count;
		/* Of the levels that only the last bucket reaches, the first. */
		while (level < 100 && level <= 100 * (double)seen / n && !ends) {
			ends = seen == tally->n;
			fprintf(to, "%12.3f %2.12f %10llu %14.2f\n", value / NS_PER_UNIT,
				level / 100, (unsigned long long)seen, 1 / (1 - level / 100));
			level = next_level(level);
		}
	}
	fprintf(to, "%12.3f %2.12f %10llu\n", (double)tally->max / NS_PER_UNIT, 1.0,
		(unsigned long long)tally->n);
}

/* The only cell with latencies. */
static const struct cell *choose(const struct stored *stored, struct err *err)
{
	const struct cell *chosen = NULL;
	size_t count = 0;

	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		const struct cell *cell = &stored->findings.cells[i];

		if (!stored_has(stored, i) || !cell->latency || cell->latency->n == 0)
			continue;
		chosen = chosen ? chosen : cell;
		count++;
	}
	if (count == 1)
		return chosen;
	if (count == 0)
		err_set(err, EXIT_MISUSE, "nothing to export: there are no latencies");
	else
		err_set(err, EXIT_MISUSE,
			"%zu cells have latencies, and the format has room for one; choose it as "
			"in --cell %s",
			count, chosen->id);
	return NULL;
}

static bool result(const struct stored *stored, FILE *to, struct err *err)
{
	const struct cell *cell = choose(stored, err);

	if (!cell)
		return false;
	put_percentiles(&cell->latency->tally, to);
	put_moments(&cell->latency->tally, to);
	return true;
}

const struct format format_hgrm = {
	.name = "hgrm",
	.summary = "latency percentiles of one cell (ms), for HdrHistogram's plotters",
	.result = result,
};
