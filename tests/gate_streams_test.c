/* What the gate's rule promises, computed: on made-up streams of pairs by trials of the whole rule
 * (looks, the end of what may be spent, confirmation), and exactly where pairs do not depend on
 * each other. gate_streams prints the same as tables. */
#include "tests/made_pairs.h"

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t trials = 100000;

/* From almost none to so much that nothing is seen. */
static const double noises[] = { 0.003, 0.01, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 10 };
#define NOISES (sizeof(noises) / sizeof(noises[0]))

/* How many of so many trials there may be; names the stream for whom it breaks. */
static void at_most(const struct stream *stream, double count, double of, double probability)
{
	if (count > probability * of)
		printf("# %s: %g of %g, %g allowed\n", stream->name, count, of, probability * of);
	assert_true(count <= probability * of);
}

static void equal_programs_fail_in_at_most_1_of_2000_gates_of_any_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < stream_count; i++) {
		const struct outcome equal = stream_try(&streams[i], 0, trials, 100 + i);

		at_most(&streams[i], equal.failed, equal.trials, DECIDE_FALSE_FAIL);
		at_most(&streams[i], equal.confirmed, equal.trials, 0.0005);
	}
}

static void a_slow_down_of_7_percent_where_5_are_allowed_never_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < stream_count; i++) {
		struct outcome more;

		/* There 1 in 60,000 passes: below, exactly. */
		if (streams[i].blind)
			continue;
		more = stream_try(&streams[i], 1.4, trials, 200 + i);
		at_most(&streams[i], more.passed, more.trials, 0);
	}
}

static void a_slow_down_of_10_percent_is_found_in_99_of_100_gates_of_quiet_cells(void **state)
{
	(void)state;
	for (size_t i = 0; i < stream_count; i++) {
		struct outcome twice;

		if (!streams[i].quiet)
			continue;
		twice = stream_try(&streams[i], 2, trials, 300 + i);
		at_most(&streams[i], twice.trials - twice.confirmed, twice.trials, 0.01);
		at_most(&streams[i], twice.passed, twice.trials, 0);
	}
}

static void quiet_cells_of_equal_programs_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < stream_count; i++) {
		const struct outcome equal = stream_try(&streams[i], 0, trials / 10, 400 + i);

		if (streams[i].quiet)
			at_most(&streams[i], equal.trials - equal.passed, equal.trials, 0.001);
	}
}

/* Within five standard deviations. */
static void assert_near(double count, double of, double probability)
{
	const double expected = probability * of;

	assert_true(fabs(count - expected) <= 5 * sqrt(expected * (1 - probability)) + 1);
}

static void assert_near_to(double value, double known, double share)
{
	assert_true(fabs(value - known) <= share * known);
}

static void trials_come_to_what_is_computed_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < stream_count; i++) {
		const struct stream *stream = &streams[i];
		struct outcome exact, seen;

		if (!stream_is_normal(stream))
			continue;
		for (int excess = 0; excess < 3; excess++) {
			exact = outcome_of_normal(stream->noise, 1 + 0.05 * excess);
			seen = stream_try(stream, excess, trials / 10, 500 + i);
			assert_near(seen.failed, seen.trials, exact.failed);
			assert_near(seen.confirmed, seen.trials, exact.confirmed);
			assert_near(seen.passed, seen.trials, exact.passed);
			/* They deviate by less than their mean. */
			assert_near_to(seen.pairs / seen.trials, exact.pairs,
				       5 / sqrt(seen.trials));
		}
	}
}

static void no_noise_makes_equal_programs_fail_more_often_than_the_bound_says(void **state)
{
	const double before = decide_false_alarm(DECIDE_MOST, false);
	const double after = decide_false_alarm(DECIDE_MOST, true);
	const struct outcome worst = outcome_of(0.5, 0.5);

	(void)state;
	for (size_t i = 0; i < NOISES; i++) {
		const struct outcome equal = outcome_of_normal(noises[i], 1);

		assert_true(equal.failed <= before * (1 + 1e-9));
		assert_true(equal.confirmed <= after * (1 + 1e-9));
	}
	/* PASSes take a little away from what could still fail. */
	assert_true(worst.failed <= before);
	assert_near_to(worst.failed, before, 0.001);
	/* It is as if no number of fresh pairs were the worst one. */
	assert_true(worst.confirmed <= after);
	assert_true(worst.confirmed >= 0.75 * after);
	assert_true(after <= 0.0005);
}

static void exactly_what_is_allowed_passes_in_fewer_than_the_bound_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < NOISES; i++)
		assert_true(outcome_of_normal(noises[i], 1.05).passed <= DECIDE_FALSE_PASS);
	assert_true(outcome_of(0.5, 0.5).passed <= DECIDE_FALSE_PASS);
}

static void more_than_is_allowed_passes_in_fewer_than_4_of_a_million(void **state)
{
	(void)state;
	for (size_t i = 0; i < NOISES; i++) {
		if (noises[i] <= 0.5)
			assert_true(outcome_of_normal(noises[i], 1.07).passed < 4e-6);
		if (noises[i] <= 0.1)
			assert_true(outcome_of_normal(noises[i], 1.07).passed < 1e-7);
	}
}

static void a_slow_down_of_10_percent_is_found_at_the_noise_of_quiet_cells(void **state)
{
	(void)state;
	for (size_t i = 0; i < NOISES; i++) {
		const struct outcome twice = outcome_of_normal(noises[i], 1.1);

		if (noises[i] <= 0.07)
			assert_true(twice.confirmed > 0.999);
		if (noises[i] <= 0.15)
			assert_true(twice.confirmed > 0.9);
	}
}

static void equal_programs_of_a_quiet_cell_take_fewer_than_60_pairs(void **state)
{
	(void)state;
	assert_true(outcome_of_normal(0.03, 1).pairs < 40);
	assert_true(outcome_of_normal(0.05, 1).pairs < 60);
}

/* What look finds it first is told roughly: that makes more where noise is large. */
static void the_smallest_slow_down_that_could_be_seen_is_what_90_of_100_gates_find(void **state)
{
	static const struct {
		double noise, share;
	} widths[] = { { 0.03, 0.05 }, { 0.1, 0.05 }, { 0.15, 0.1 }, { 0.3, 0.2 } };
	static const struct allowance allowed = { .delta = 0.05 };
	static double smallest[21], scratch[DECIDE_MOST];
	static struct pair pairs[DECIDE_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		const double exact = least_found(widths[i].noise, DECIDE_POWER) - 1;

		for (size_t k = 0; k < 21; k++) {
			/* Whether they are slower themselves changes nothing. */
			make_normal_pairs(pairs, DECIDE_MOST, widths[i].noise, k % 2 ? 1 : 1.2,
					  600 + k);
			smallest[k] =
				decide_effect(pairs, DECIDE_MOST, allowed, scratch).smallest - 1;
		}
		stats_sort(smallest, 21);
		assert_near_to(stats_median(smallest, 21), exact, widths[i].share);
		assert_near_to(smallest[1], exact, 3 * widths[i].share);
		assert_near_to(smallest[19], exact, 3 * widths[i].share);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_programs_fail_in_at_most_1_of_2000_gates_of_any_stream),
		cmocka_unit_test(a_slow_down_of_7_percent_where_5_are_allowed_never_passes),
		cmocka_unit_test(
			a_slow_down_of_10_percent_is_found_in_99_of_100_gates_of_quiet_cells),
		cmocka_unit_test(quiet_cells_of_equal_programs_pass),
		cmocka_unit_test(trials_come_to_what_is_computed_exactly),
		cmocka_unit_test(no_noise_makes_equal_programs_fail_more_often_than_the_bound_says),
		cmocka_unit_test(exactly_what_is_allowed_passes_in_fewer_than_the_bound_says),
		cmocka_unit_test(more_than_is_allowed_passes_in_fewer_than_4_of_a_million),
		cmocka_unit_test(a_slow_down_of_10_percent_is_found_at_the_noise_of_quiet_cells),
		cmocka_unit_test(equal_programs_of_a_quiet_cell_take_fewer_than_60_pairs),
		cmocka_unit_test(
			the_smallest_slow_down_that_could_be_seen_is_what_90_of_100_gates_find),
	};

	if (argc > 1)
		trials = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
