/* The histogram: its buckets, its percentiles against sorted values, its merging. */
#include "base/histogram.h"

#include "tests/test.h"

#include <math.h>
#include <stdlib.h>

#define TOP (UINT64_C(1) << HISTOGRAM_TOP_BITS)

/* Large: not on the stack. */
static struct histogram one, two, all;

static uint64_t random_value(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	/* All magnitudes alike: what latencies are. */
	return (x >> 6) >> (16 + x % 42);
}

static void buckets_adjoin_and_are_inverse_to_their_bounds(void **state)
{
	(void)state;
	assert_int_equal(histogram_low(0), 0);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_bucket(histogram_low(i)), i);
		assert_int_equal(histogram_bucket(histogram_high(i)), i);
		assert_int_equal(histogram_high(i) + 1, histogram_low(i + 1));
	}
	assert_int_equal(histogram_high(HISTOGRAM_BUCKETS - 1), TOP - 1);
}

static void a_bucket_is_narrower_than_eight_thousandths(void **state)
{
	(void)state;
	for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++) {
		const double low = (double)histogram_low(i), high = (double)histogram_high(i);

		assert_true((high - low) / low < 0.001);
	}
}

static void values_beyond_the_top_count_in_the_last_bucket(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(TOP), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	one = (struct histogram){ 0 };
	histogram_add(&one, UINT64_MAX);
	assert_int_equal(one.max, UINT64_MAX);
	assert_int_equal(one.n, 1);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
	static const double shares[] = { 0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t values[10000];
	uint64_t seed = 1;

	(void)state;
	for (size_t n = 1; n <= 10000; n *= 10) {
		one = (struct histogram){ 0 };
		for (size_t i = 0; i < n; i++) {
			values[i] = random_value(&seed);
			histogram_add(&one, values[i]);
		}
		qsort(values, n, sizeof(values[0]), by_value);
		for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
			const size_t rank = (size_t)ceil(shares[i] * (double)n);
			const double exact = (double)values[rank ? rank - 1 : 0];
			const double found = (double)histogram_percentile(&one, shares[i]);

			assert_true(found >= exact && found <= exact * 1.001);
		}
		assert_int_equal(one.min, values[0]);
		assert_int_equal(one.max, values[n - 1]);
		assert_int_equal(histogram_percentile(&one, 1), values[n - 1]);
	}
}

/* The shares that results print: p * n must not round up past a whole number. */
static void the_rank_of_a_percentile_is_exact(void **state)
{
	static const unsigned thousandths[] = { 500, 900, 990, 999 };

	(void)state;
	for (uint64_t n = 1000; n <= 20000; n += 1000) {
		one = (struct histogram){ .n = n, .min = 1, .max = 2 };
		for (size_t i = 0; i < sizeof(thousandths) / sizeof(thousandths[0]); i++) {
			const uint64_t rank = n / 1000 * thousandths[i];

			one.counts[1] = (uint32_t)rank;
			one.counts[2] = (uint32_t)(n - rank);
			assert_int_equal(histogram_percentile(&one, thousandths[i] / 1000.0), 1);
			one.counts[1]--;
			one.counts[2]++;
			assert_int_equal(histogram_percentile(&one, thousandths[i] / 1000.0), 2);
		}
	}
}

static void merging_equals_adding_all(void **state)
{
	uint64_t seed = 2;

	(void)state;
	one = two = all = (struct histogram){ 0 };
	for (size_t i = 0; i < 10000; i++) {
		const uint64_t value = random_value(&seed);

		histogram_add(i % 3 ? &one : &two, value);
		histogram_add(&all, value);
	}
	histogram_merge(&one, &two);
	assert_memory_equal(&one, &all, sizeof(all));
}

static void merging_an_empty_one_changes_nothing_and_into_an_empty_one_copies(void **state)
{
	(void)state;
	one = two = (struct histogram){ 0 };
	histogram_add(&one, 77);
	all = one;
	histogram_merge(&one, &two);
	assert_memory_equal(&one, &all, sizeof(all));
	histogram_merge(&two, &one);
	assert_memory_equal(&two, &all, sizeof(all));
}

static void an_empty_histogram_has_percentiles_of_zero(void **state)
{
	(void)state;
	one = (struct histogram){ 0 };
	assert_int_equal(histogram_percentile(&one, 0.5), 0);
	assert_int_equal(histogram_percentile(&one, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_adjoin_and_are_inverse_to_their_bounds),
		cmocka_unit_test(a_bucket_is_narrower_than_eight_thousandths),
		cmocka_unit_test(values_beyond_the_top_count_in_the_last_bucket),
		cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
		cmocka_unit_test(the_rank_of_a_percentile_is_exact),
		cmocka_unit_test(merging_equals_adding_all),
		cmocka_unit_test(merging_an_empty_one_changes_nothing_and_into_an_empty_one_copies),
		cmocka_unit_test(an_empty_histogram_has_percentiles_of_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
