/* Two samples that were taken apart: ranks against published tables, intervals and effect sizes of
 * samples whose answer is known, and how often the interval misses, computed. */
#include "base/random.h"
#include "bench/stored/independent.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>

/* Critical values of U, two-sided 5 %, in every textbook (D. Auble, 1953); the rank is one more. */
static void ranks_are_those_of_the_published_table(void **state)
{
	static const struct {
		size_t m, n, critical;
	} table[] = {
		{ 4, 4, 0 },    { 5, 5, 2 },     { 6, 6, 5 },    { 7, 7, 8 },
		{ 8, 8, 13 },   { 9, 9, 17 },    { 10, 10, 23 }, { 12, 12, 37 },
		{ 15, 15, 64 }, { 20, 20, 127 }, { 3, 5, 0 },    { 4, 10, 5 },
		{ 5, 12, 11 },  { 8, 15, 29 },   { 10, 20, 55 }, { 2, 8, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(independent_rank(table[i].m, table[i].n), table[i].critical + 1);
		assert_int_equal(independent_rank(table[i].n, table[i].m), table[i].critical + 1);
	}
}

static void too_few_values_have_no_interval(void **state)
{
	const double old[] = { 1, 2, 3 }, new[] = { 4, 5, 6 };
	const struct difference found = independent_difference(old, 3, new, 3);

	(void)state;
	assert_int_equal(independent_rank(3, 3), 0);
	assert_int_equal(independent_rank(1, 30), 0);
	assert_int_equal(independent_rank(2, 7), 0);
	assert_false(found.ci95.known);
	assert_true(found.larger == 1);
}

/* Where the normal distribution takes over the interval does not become narrower. */
static void the_approximation_is_never_narrower_than_the_exact_one(void **state)
{
	(void)state;
	for (size_t m = 8; m <= INDEPENDENT_EXACT; m++) {
		for (size_t n = 8; n <= INDEPENDENT_EXACT; n++) {
			const double pairs = (double)(m * n);
			const double by_normal = floor(
				pairs / 2 -
				1.959963984540054 * sqrt(pairs * ((double)(m + n) + 1) / 12) - 0.5);

			assert_true(by_normal <= (double)independent_rank(m, n));
			assert_true(by_normal >= (double)independent_rank(m, n) - 2);
		}
	}
	/* 31 and 31: mn/2 - 1.96 sqrt(mn(m+n+1)/12) is 341.3. */
	assert_int_equal(independent_rank(31, 31), 340);
	assert_int_equal(independent_rank(100000, 100000) / 1000000, 4974);
}

static void a_ratio_is_the_median_over_all_pairs(void **state)
{
	const double old[] = { 1, 2, 4, 8 }, new[] = { 2, 4, 8, 16, 32 };
	const struct difference found = independent_difference(old, 4, new, 5);

	(void)state;
	/* The 20 ratios, sorted: 1/4, 1/2 1/2, 1 1 1, 2 x4, 4 x4, 8 x3, 16 x2, 32. */
	assert_true(fabs(found.ratio - sqrt(2 * 4)) < 1e-9);
	assert_true(found.ci95.known);
	/* Auble: 4 and 5, critical 1. */
	assert_true(fabs(found.ci95.low - 0.5) < 1e-9);
	assert_true(fabs(found.ci95.high - 16) < 1e-9);
	/* 13 new ones are larger, 4 equal: (14 + 3 / 2) / 20. */
	assert_true(fabs(found.larger - (14 + 1.5) / 20) < 1e-12);
}

static void a_sample_beside_itself_is_no_different(void **state)
{
	const double same[] = { 3, 3, 3, 5, 5, 7, 9, 9 };
	const struct difference found = independent_difference(same, 8, same, 8);

	(void)state;
	assert_true(fabs(found.ratio - 1) < 1e-12);
	assert_true(found.ci95.low < 1 && found.ci95.high > 1);
	assert_true(found.larger == 0.5);
}

static void equal_values_alone_are_equal(void **state)
{
	const double old[] = { 7, 7, 7, 7, 7 }, new[] = { 7, 7, 7, 7, 7 };
	const struct difference found = independent_difference(old, 5, new, 5);

	(void)state;
	assert_true(fabs(found.ratio - 1) < 1e-12);
	assert_true(fabs(found.ci95.low - 1) < 1e-12 && fabs(found.ci95.high - 1) < 1e-12);
	assert_true(found.larger == 0.5);
}

static void a_count_of_zero_has_no_ratio_and_has_an_effect(void **state)
{
	const double old[] = { 0, 0, 0, 1 }, new[] = { 0, 2, 2, 3 };
	const struct difference found = independent_difference(old, 4, new, 4);

	(void)state;
	assert_true(isnan(found.ratio));
	assert_false(found.ci95.known);
	assert_true(fabs(found.larger - (1.5 + 4 + 4 + 4) / 16) < 1e-12);
}

/* Exponential values, far from normal, of 9 and 15; the new ones 1.3 times the old. */
static bool misses(uint64_t *random, double factor, double claimed)
{
	double old[9], new[15];
	struct difference found;

	for (size_t i = 0; i < 9; i++)
		old[i] = 1 - log(((double)random_next(random) + 1) / 18446744073709551617.0);
	for (size_t i = 0; i < 15; i++)
		new[i] = factor *(1 -
				  log(((double)random_next(random) + 1) / 18446744073709551617.0));
	stats_sort(old, 9);
	stats_sort(new, 15);
	found = independent_difference(old, 9, new, 15);
	return found.ci95.low > claimed || found.ci95.high < claimed;
}

static void the_interval_misses_a_factor_in_at_most_one_of_twenty(void **state)
{
	uint64_t random = 7;
	unsigned wrong = 0, blind = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		wrong += misses(&random, 1.3, 1.3);
		blind += !misses(&random, 3, 1);
	}
	/* Exactly 2 P(U <= 34), 4.76 % for 9 and 15; four standard deviations either way. */
	assert_in_range(wrong, 20000 * 0.0476 - 4 * 30, 20000 * 0.0476 + 4 * 30);
	/* A factor of 3 is seen. */
	assert_true(blind < 20000 / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_are_those_of_the_published_table),
		cmocka_unit_test(too_few_values_have_no_interval),
		cmocka_unit_test(the_approximation_is_never_narrower_than_the_exact_one),
		cmocka_unit_test(a_ratio_is_the_median_over_all_pairs),
		cmocka_unit_test(a_sample_beside_itself_is_no_different),
		cmocka_unit_test(equal_values_alone_are_equal),
		cmocka_unit_test(a_count_of_zero_has_no_ratio_and_has_an_effect),
		cmocka_unit_test(the_interval_misses_a_factor_in_at_most_one_of_twenty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
