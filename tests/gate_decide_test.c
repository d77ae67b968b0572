/* When pairs are enough: exact ranks and bounds, ties, zeros, what is allowed. */
#include "bench/gate/decide.h"

#include "tests/test.h"

#include <math.h>

static const struct allowance five_percent = { .delta = 0.05 };

/* 'worse' pairs of which 'beyond' are beyond 5 %, the others better; of n. */
static void make_pairs(struct pair *pairs, size_t n, size_t worse, size_t beyond)
{
	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct pair){ 100, i < beyond ? 110 : i < worse ? 103 : 99 };
}

static enum decision decide_on(size_t n, size_t worse, size_t beyond)
{
	struct pair pairs[DECIDE_MOST];

	make_pairs(pairs, n, worse, beyond);
	return decide(pairs, n, five_percent);
}

static bool is_confirmed(size_t worse, size_t beyond)
{
	struct pair pairs[DECIDE_CONFIRM];

	make_pairs(pairs, DECIDE_CONFIRM, worse, beyond);
	return decide_confirms(pairs, DECIDE_CONFIRM, five_percent);
}

/* Of n, at some looks: the fewest that must be worse to FAIL, and the most that may be beyond to
 * PASS. By exact fractions: the sum of C(n, k) over 2^n stays within 0.0012 and 0.00005 over 32
 * looks. */
static const struct {
	size_t n, worse, beyond;
} looks[] = {
	{ 20, 19, 0 },     { 40, 33, 5 },     { 60, 46, 11 },    { 80, 58, 19 },
	{ 100, 71, 26 },   { 120, 82, 34 },   { 140, 94, 42 },   { 160, 106, 50 },
	{ 180, 117, 58 },  { 200, 129, 66 },  { 240, 152, 83 },  { 320, 196, 118 },
	{ 400, 240, 153 }, { 480, 284, 188 }, { 560, 328, 224 }, { 640, 371, 260 },
};

static void each_look_asks_for_as_many_worse_pairs_as_the_exact_tail_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		const size_t n = looks[i].n, worse = looks[i].worse;

		assert_int_equal(decide_on(n, worse, worse), DECIDE_FAIL);
		assert_int_equal(decide_on(n, worse - 1, worse - 1), DECIDE_MORE);
	}
}

static void each_look_lets_as_many_pairs_be_beyond_as_the_exact_tail_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		const size_t n = looks[i].n, beyond = looks[i].beyond;

		assert_int_equal(decide_on(n, beyond, beyond), DECIDE_PASS);
		assert_int_equal(decide_on(n, beyond + 1, beyond + 1), DECIDE_MORE);
	}
}

static void worse_is_no_regression_while_the_median_is_within_what_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(decide_on(40, 40, 20), DECIDE_MORE);
	assert_int_equal(decide_on(40, 40, 21), DECIDE_FAIL);
	/* All are slower, none by more than 5 %. */
	assert_int_equal(decide_on(40, 40, 0), DECIDE_PASS);
}

static void a_confirmation_wants_25_of_40_and_their_median_beyond(void **state)
{
	(void)state;
	assert_true(is_confirmed(25, 21));
	assert_false(is_confirmed(24, 24));
	assert_false(is_confirmed(40, 20));
	assert_false(is_confirmed(0, 0));
}

static void fewer_pairs_than_any_proof_takes_decide_nothing(void **state)
{
	(void)state;
	/* 2^-14 is more than 0.0012 / 32, 2^-15 is less; for a PASS 2^-19 and 2^-20. */
	for (size_t n = 0; n < 15; n++)
		assert_int_equal(decide_on(n, n, n), DECIDE_MORE);
	assert_int_equal(decide_on(15, 15, 15), DECIDE_FAIL);
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(decide_on(n, 0, 0), DECIDE_MORE);
	assert_int_equal(decide_on(20, 0, 0), DECIDE_PASS);
}

static enum decision decide_equal(double value, double candidate, struct allowance allowed)
{
	struct pair pairs[DECIDE_LOOK];

	for (size_t i = 0; i < DECIDE_LOOK; i++)
		pairs[i] = (struct pair){ value, candidate };
	return decide(pairs, DECIDE_LOOK, allowed);
}

static void equal_measurements_are_no_worse(void **state)
{
	(void)state;
	assert_int_equal(decide_equal(7, 7, five_percent), DECIDE_PASS);
	/* Nothing is allowed, and nothing is inside nothing. */
	assert_int_equal(decide_equal(7, 7, (struct allowance){ 0 }), DECIDE_MORE);
	assert_int_equal(decide_equal(0, 0, five_percent), DECIDE_MORE);
}

static void exactly_what_is_allowed_is_neither_proof(void **state)
{
	(void)state;
	assert_int_equal(decide_equal(100, 150, (struct allowance){ .delta = 0.5 }), DECIDE_MORE);
	assert_int_equal(decide_equal(100, 151, (struct allowance){ .delta = 0.5 }), DECIDE_FAIL);
	assert_int_equal(decide_equal(100, 149, (struct allowance){ .delta = 0.5 }), DECIDE_PASS);
}

static void a_slack_allows_a_few_events_where_there_were_none(void **state)
{
	const struct allowance counts = { .delta = 0.2, .slack = 2 };

	(void)state;
	assert_int_equal(decide_equal(0, 0, counts), DECIDE_PASS);
	assert_int_equal(decide_equal(0, 1, counts), DECIDE_PASS);
	assert_int_equal(decide_equal(0, 2, counts), DECIDE_MORE);
	assert_int_equal(decide_equal(0, 3, counts), DECIDE_FAIL);
	assert_int_equal(decide_equal(10, 13, counts), DECIDE_PASS);
	assert_int_equal(decide_equal(10, 15, counts), DECIDE_FAIL);
}

static void better_is_never_worse(void **state)
{
	(void)state;
	assert_int_equal(decide_equal(100, 1, five_percent), DECIDE_PASS);
	assert_int_equal(decide_equal(100, 0, five_percent), DECIDE_PASS);
}

static void what_took_many_pairs_is_confirmed_by_half_as_many(void **state)
{
	static const size_t expected[][2] = {
		{ 20, 40 },  { 80, 40 },   { 100, 60 },  { 120, 60 },
		{ 140, 80 }, { 320, 160 }, { 620, 320 }, { 640, 320 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(decide_confirm_pairs(expected[i][0]), expected[i][1]);
	assert_int_equal(decide_confirm_pairs(DECIDE_MOST), DECIDE_CONFIRM_MOST);
}

/* By sums of integers over powers of 2 in another language. */
static void the_bounds_of_false_alarms_are_the_exact_ones(void **state)
{
	(void)state;
	assert_float_equal(decide_false_alarm(19, false), 0, 0);
	/* 19 or 20 heads of 20. */
	assert_float_equal(decide_false_alarm(20, false), 21 * 0x1p-20, 1e-15);
	assert_float_equal(decide_false_alarm(39, false), 21 * 0x1p-20, 1e-15);
	assert_float_equal(decide_false_alarm(640, false), 3.5444028182280e-4, 1e-15);
	assert_float_equal(decide_false_alarm(640, true), 3.5444028182280e-5, 1e-16);
	/* No more looks than there are. */
	assert_float_equal(decide_false_alarm(1000, false), decide_false_alarm(640, false), 0);
	/* What the gate promises of each cell. */
	assert_true(decide_false_alarm(DECIDE_MOST, false) <= DECIDE_FALSE_FAIL);
	assert_true(decide_false_alarm(DECIDE_MOST, true) <= 0.0005);
}

static void an_effect_is_the_median_ratio_and_its_interval(void **state)
{
	struct pair pairs[40];
	double scratch[40];
	struct effect effect;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		pairs[i] = (struct pair){ 1000, 1001 + (double)i };
	effect = decide_effect(pairs, 40, five_percent, scratch);
	/* Between the 20th and the 21st; the 12th, and the 29th. */
	assert_float_equal(effect.ratio, sqrt(1.020 * 1.021), 1e-12);
	assert_true(effect.ci99.known);
	assert_float_equal(effect.ci99.low, 1.012, 1e-12);
	assert_float_equal(effect.ci99.high, 1.029, 1e-12);
}

static void a_zero_has_no_ratio(void **state)
{
	struct pair pairs[20];
	double scratch[20];
	struct effect effect;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		pairs[i] = (struct pair){ 5, 5 };
	pairs[7].candidate = 0;
	effect = decide_effect(pairs, 20, five_percent, scratch);
	assert_true(isnan(effect.ratio));
	assert_true(isnan(effect.smallest));
	assert_false(effect.ci99.known);
	effect = decide_effect(pairs, 0, five_percent, scratch);
	assert_true(isnan(effect.ratio));
	/* Too few for an interval: the ratio alone. */
	effect = decide_effect(pairs, 7, five_percent, scratch);
	assert_float_equal(effect.ratio, 1, 0);
	assert_false(effect.ci99.known);
	assert_true(isnan(effect.smallest));
}

/* Pairs of which each is the worse one as often as its twin is the better one. */
static double smallest_of(size_t n, double spread, double slow_down, struct allowance allowed)
{
	struct pair pairs[DECIDE_MOST];
	double scratch[DECIDE_MOST];

	for (size_t i = 0; i < n; i++) {
		const double place = ((double)i + 0.5) / (double)n - 0.5;

		pairs[i] = (struct pair){ 100, 100 * slow_down * exp(spread * place) };
	}
	return decide_effect(pairs, n, allowed, scratch).smallest;
}

static void less_noise_and_more_pairs_let_smaller_slow_downs_be_seen(void **state)
{
	const struct allowance counts = { .delta = 0.05, .slack = 20 };

	(void)state;
	/* Without noise: whatever is not allowed. */
	assert_float_equal(smallest_of(40, 0, 1, five_percent), 1.05, 0.002);
	assert_true(smallest_of(40, 0.3, 1, five_percent) > smallest_of(40, 0.2, 1, five_percent));
	assert_true(smallest_of(40, 0.3, 1, five_percent) > smallest_of(200, 0.3, 1, five_percent));
	/* A slow-down that there is changes nothing. */
	assert_float_equal(smallest_of(40, 0.3, 1.5, five_percent),
			   smallest_of(40, 0.3, 1, five_percent), 0.01);
	assert_float_equal(smallest_of(40, 0, 1, counts), 1.25, 0.002);
	/* 15 are the fewest that prove anything. */
	assert_true(isnan(smallest_of(14, 0, 1, five_percent)));
	assert_float_equal(smallest_of(15, 0, 1, five_percent), 1.05, 0.002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_look_asks_for_as_many_worse_pairs_as_the_exact_tail_says),
		cmocka_unit_test(each_look_lets_as_many_pairs_be_beyond_as_the_exact_tail_says),
		cmocka_unit_test(worse_is_no_regression_while_the_median_is_within_what_is_allowed),
		cmocka_unit_test(a_confirmation_wants_25_of_40_and_their_median_beyond),
		cmocka_unit_test(fewer_pairs_than_any_proof_takes_decide_nothing),
		cmocka_unit_test(equal_measurements_are_no_worse),
		cmocka_unit_test(exactly_what_is_allowed_is_neither_proof),
		cmocka_unit_test(a_slack_allows_a_few_events_where_there_were_none),
		cmocka_unit_test(better_is_never_worse),
		cmocka_unit_test(what_took_many_pairs_is_confirmed_by_half_as_many),
		cmocka_unit_test(the_bounds_of_false_alarms_are_the_exact_ones),
		cmocka_unit_test(an_effect_is_the_median_ratio_and_its_interval),
		cmocka_unit_test(a_zero_has_no_ratio),
		cmocka_unit_test(less_noise_and_more_pairs_let_smaller_slow_downs_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
