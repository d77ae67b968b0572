/* Medians and their intervals, against published tables and made-up samples of known answer. */
#include "base/stats.h"

#include "tests/test.h"

#include <math.h>

struct known_interval {
	size_t n, rank95, rank99; /* 0: there is none */
};

/* Order statistics k to n + 1 - k of the binomial(n, 1/2); facts from the tables of the sign test.
 */
static const struct known_interval known[] = {
	{ 1, 0, 0 },  { 5, 0, 0 },  { 6, 1, 0 },   { 7, 1, 0 },    { 8, 1, 1 },
	{ 12, 3, 2 }, { 20, 6, 4 }, { 30, 10, 8 }, { 40, 14, 12 }, { 60, 22, 20 },
	{ 9, 2, 1 },  { 15, 4, 3 }, { 25, 8, 6 },  { 50, 18, 16 }, { 100, 40, 37 },
};

static void the_ranks_of_a_medians_interval_are_those_of_the_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(stats_median_rank(known[i].n, 0.95), known[i].rank95);
		assert_int_equal(stats_median_rank(known[i].n, 0.99), known[i].rank99);
	}
}

static void an_interval_takes_the_kth_smallest_and_the_kth_largest(void **state)
{
	double values[60];

	(void)state;
	for (size_t i = 0; i < 60; i++)
		values[i] = (double)i + 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const size_t n = known[i].n < 60 ? known[i].n : 60;
		const size_t k = stats_median_rank(n, 0.95);
		const struct interval interval = stats_median_interval(values, n, 0.95);

		assert_int_equal(interval.known, k > 0);
		if (interval.known) {
			assert_float_equal(interval.low, (double)k, 0);
			assert_float_equal(interval.high, (double)(n + 1 - k), 0);
		}
	}
}

/* Random numbers that are the same everywhere (splitmix64). */
static double random_unit(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return ((double)((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-53;
}

/* Exponential to the third power: half of the samples lie below log(2)^3, a few far beyond. */
static unsigned count_covering(size_t n, double confidence, unsigned trials, uint64_t seed)
{
	const double median = pow(log(2), 3);
	unsigned covering = 0;
	double values[60];

	for (unsigned t = 0; t < trials; t++) {
		struct interval interval;

		for (size_t i = 0; i < n; i++)
			values[i] = pow(-log(random_unit(&seed)), 3);
		stats_sort(values, n);
		interval = stats_median_interval(values, n, confidence);
		covering += interval.low <= median && median <= interval.high;
	}
	return covering;
}

static void an_interval_covers_the_true_median_of_a_skewed_distribution(void **state)
{
	static const size_t sizes[] = { 8, 12, 20, 30, 60 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_in_range(count_covering(sizes[i], 0.95, 2000, 1 + i), 1900, 2000);
		/* And is not simply too wide: 99 % by theory for n = 8, less for all others. */
		if (sizes[i] > 8)
			assert_in_range(count_covering(sizes[i], 0.95, 2000, 1 + i), 0, 1970);
		assert_in_range(count_covering(sizes[i], 0.99, 2000, 7 + i), 1975, 2000);
	}
}

static void a_large_sample_overflows_nothing(void **state)
{
	const size_t rank = stats_median_rank(1000000, 0.95);

	(void)state;
	/* n/2 - 1.96 sqrt(n)/2: the normal approximation. */
	assert_in_range(rank, 499018, 499022);
}

static void the_median_of_an_even_number_is_the_middle_of_two(void **state)
{
	double values[] = { 5, 1, 4, 2 };

	(void)state;
	stats_sort(values, 4);
	assert_float_equal(stats_median(values, 4), 3, 0);
	assert_float_equal(stats_median(values, 3), 2, 0);
	assert_float_equal(stats_median(values, 1), 1, 0);
}

static void quantiles_go_from_the_smallest_to_the_largest(void **state)
{
	const double values[] = { 10, 20, 30, 40, 50 };

	(void)state;
	assert_float_equal(stats_quantile(values, 5, 0), 10, 0);
	assert_float_equal(stats_quantile(values, 5, 1), 50, 0);
	assert_float_equal(stats_quantile(values, 5, 0.25), 20, 0);
	assert_float_equal(stats_quantile(values, 5, 0.9), 46, 1e-12);
	assert_float_equal(stats_quantile(values, 1, 0.3), 10, 0);
}

static void the_median_distance_is_not_moved_by_one_wild_value(void **state)
{
	double values[] = { 1, 2, 3, 4, 1e300 }, scratch[5];

	(void)state;
	assert_float_equal(stats_mad(values, 5, scratch), 1, 0);
	assert_float_equal(values[4], 1e300, 0);
}

static void equal_values_have_an_interval_of_no_width(void **state)
{
	const double values[] = { 3, 3, 3, 3, 3, 3 };
	const struct interval interval = stats_median_interval(values, 6, 0.95);

	(void)state;
	assert_true(interval.known);
	assert_float_equal(interval.low, 3, 0);
	assert_float_equal(interval.high, 3, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ranks_of_a_medians_interval_are_those_of_the_tables),
		cmocka_unit_test(an_interval_takes_the_kth_smallest_and_the_kth_largest),
		cmocka_unit_test(an_interval_covers_the_true_median_of_a_skewed_distribution),
		cmocka_unit_test(a_large_sample_overflows_nothing),
		cmocka_unit_test(the_median_of_an_even_number_is_the_middle_of_two),
		cmocka_unit_test(quantiles_go_from_the_smallest_to_the_largest),
		cmocka_unit_test(the_median_distance_is_not_moved_by_one_wild_value),
		cmocka_unit_test(equal_values_have_an_interval_of_no_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
