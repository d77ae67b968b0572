/* The quantities that a gate watches, and what their noise lets it see. */
#include "bench/gate/metric.h"

#include "bench/gate/noise.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

static struct metric table[METRICS];
static struct err err;

static bool change(const char *delta, const char *list)
{
	err = (struct err){ 0 };
	return metric_set(table, delta, &list, list ? 1 : 0, &err);
}

static void each_metric_has_a_name_of_its_own_a_unit_and_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < METRICS; i++) {
		assert_non_null(metrics_usual[i].name);
		assert_non_null(metrics_usual[i].unit);
		assert_non_null(metrics_usual[i].what);
		assert_false(metrics_usual[i].asked);
		assert_true(metrics_usual[i].allowed.delta > 0);
		/* A count of few events needs a slack; a time has none. */
		assert_int_equal(metrics_usual[i].allowed.slack > 0,
				 strcmp(metrics_usual[i].unit, "ns") != 0);
		for (size_t other = 0; other < i; other++)
			assert_string_not_equal(metrics_usual[i].name, metrics_usual[other].name);
	}
}

static void without_options_the_table_is_the_usual_one(void **state)
{
	(void)state;
	memset(table, 0, sizeof(table));
	assert_true(change(NULL, NULL));
	assert_memory_equal(table, metrics_usual, sizeof(table));
}

static void delta_is_what_is_allowed_of_the_time(void **state)
{
	(void)state;
	assert_true(change("7.5%", NULL));
	assert_float_equal(table[METRIC_TIME].allowed.delta, 0.075, 1e-12);
	assert_false(table[METRIC_TIME].asked);
	table[METRIC_TIME].allowed.delta = metrics_usual[METRIC_TIME].allowed.delta;
	assert_memory_equal(table, metrics_usual, sizeof(table));
}

static void a_metric_that_is_named_is_gated_and_keeps_its_slack(void **state)
{
	(void)state;
	assert_true(change(NULL, "switches=30%,takes=off,p90=1000%"));
	assert_true(table[METRIC_SWITCHES].gated && table[METRIC_SWITCHES].asked);
	assert_float_equal(table[METRIC_SWITCHES].allowed.delta, 0.3, 1e-12);
	assert_float_equal(table[METRIC_SWITCHES].allowed.slack, 2, 0);
	assert_false(table[METRIC_TAKES].gated || table[METRIC_TAKES].asked);
	assert_true(table[METRIC_LATENCY_P90].gated);
	assert_float_equal(table[METRIC_LATENCY_P90].allowed.delta, 10, 1e-12);
}

static void of_two_words_on_a_metric_the_later_one_counts(void **state)
{
	const char *lists[] = { "time=10%,takes=off", "takes=5%,time=20%" };

	(void)state;
	assert_true(metric_set(table, NULL, lists, 2, &err));
	assert_float_equal(table[METRIC_TIME].allowed.delta, 0.2, 1e-12);
	assert_true(table[METRIC_TAKES].gated);
	assert_float_equal(table[METRIC_TAKES].allowed.delta, 0.05, 1e-12);
}

static void a_list_that_is_wrong_is_refused_with_what_would_be_right(void **state)
{
	static const struct {
		const char *delta, *list, *words;
	} cases[] = {
		{ "5", NULL, "--delta: '5' is no percentage above 0 and up to 1000" },
		{ "-5%", NULL, "--delta: '-5%' is no percentage" },
		{ "3%", "takes=5%,time=20%", "--delta and --threshold time=20% are one thing" },
		{ NULL, ",,", "--threshold: ',,' names no metric" },
		{ "inf%", NULL, "--delta: 'inf%' is no percentage" },
		{ "1e999%", NULL, "--delta: '1e999%' is no percentage" },
		{ "5%%", NULL, "--delta: '5%%' is no percentage" },
		{ "", NULL, "--delta: '' is no percentage" },
		{ NULL, "time=0%", "--threshold: '0%' is no percentage" },
		{ NULL, "time=5%,takes", "--threshold: 'takes' should be a metric and what" },
		{ NULL, "contendet=5%", "did you mean 'contended'?" },
	};
	char list[600];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(change(cases[i].delta, cases[i].list));
		assert_int_equal(err.code, EXIT_MISUSE);
		assert_non_null(strstr(err.text, cases[i].words));
	}
	memset(list, ',', sizeof(list));
	list[sizeof(list) - 1] = '\0';
	assert_false(change(NULL, list));
	assert_non_null(strstr(err.text, "the list is too long"));
}

static void observe(const char *line, struct observation *seen)
{
	struct sample sample = { .elapsed_ns = 5,
				 .usage = { .ru_utime = { 1, 500000 }, .ru_stime = { 0, 250000 } },
				 .line = json_loads(line, 0, NULL) };

	metric_observe(&sample, seen);
	json_decref(sample.line);
}

static void a_result_line_says_what_each_quantity_was(void **state)
{
	static const double expected[METRICS] = {
		[METRIC_TIME] = 5,         [METRIC_CPU] = 1.75e9,       [METRIC_TAKES] = 11,
		[METRIC_CONTENDED] = 7,    [METRIC_FORCED] = 3,         [METRIC_SWITCHES] = 0,
		[METRIC_FUTEX] = NAN,      [METRIC_LATENCY_P50] = 50,   [METRIC_LATENCY_P90] = 90,
		[METRIC_LATENCY_P99] = 99, [METRIC_LATENCY_P999] = 999, [METRIC_LATENCY_MAX] = 1000,
		[METRIC_WAIT_SHARE] = NAN, [METRIC_HOLD_P50] = NAN,     [METRIC_HOLD_P99] = NAN,
		[METRIC_WAIT_P99] = NAN,
	};
	struct observation seen;

	(void)state;
	observe("{\"gil_counts\": {\"takes\": 11, \"contended\": 7, \"drops_forced\": 3, "
		"\"switches\": 0}, \"latency\": {\"n\": 100, \"p50\": 50, \"p90\": 90, "
		"\"p99\": 99, \"p999\": 999, \"max\": 1000}}",
		&seen);
	for (size_t i = 0; i < METRICS; i++) {
		if (isnan(expected[i]))
			assert_true(isnan(seen.value[i]));
		else
			assert_float_equal(seen.value[i], expected[i], 1e-3);
	}
}

static void what_a_line_does_not_know_is_no_number(void **state)
{
	static const char *const lines[] = {
		"{}",
		"{\"gil_counts\": null, \"latency\": null}",
		"{\"gil_counts\": {\"takes\": null, \"contended\": \"7\", \"drops_forced\": -1}}",
		"{\"latency\": {\"n\": 0, \"p50\": null, \"max\": \"long\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct observation seen;

		observe(lines[i], &seen);
		for (size_t m = 0; m < METRICS; m++)
			assert_int_equal(isnan(seen.value[m]), m != METRIC_TIME && m != METRIC_CPU);
	}
}

static void few_values_have_no_high_percentile(void **state)
{
	struct observation seen;

	(void)state;
	observe("{\"latency\": {\"n\": 99, \"p50\": 1, \"p90\": 2, \"p99\": 3}}", &seen);
	assert_float_equal(seen.value[METRIC_LATENCY_P90], 2, 0);
	assert_true(isnan(seen.value[METRIC_LATENCY_P99]));
	observe("{\"latency\": {\"n\": 9, \"p50\": 1, \"p90\": 2, \"p99\": 3}}", &seen);
	assert_float_equal(seen.value[METRIC_LATENCY_P50], 1, 0);
	assert_true(isnan(seen.value[METRIC_LATENCY_P90]));
}

/* Pairs whose log-ratios spread evenly from -a to a: their median deviation is a / 2. */
static struct noise even(double a, size_t count, double slack, size_t most)
{
	static struct pair pairs[DECIDE_MOST];

	for (size_t i = 0; i < count; i++)
		pairs[i] =
			(struct pair){ 100,
				       100 * exp(a * (2 * ((double)i + 0.5) / (double)count - 1)) };
	return noise_of(pairs, count, slack, most, 1);
}

static void without_noise_the_least_threshold_fits_and_all_beyond_it_is_seen(void **state)
{
	const struct noise noise = even(0, 100, 0, DECIDE_MOST);

	(void)state;
	assert_float_equal(noise.spread, 0, 0);
	assert_float_equal(noise.delta, 0.03, 1e-12);
	/* Found to a hundredth. */
	assert_true(noise.detectable > 0.03 && noise.detectable < 0.04);
}

static void noise_is_the_standard_deviation_that_normal_pairs_would_have(void **state)
{
	(void)state;
	assert_float_equal(even(0.1, 640, 0, DECIDE_MOST).spread, 0.05f / 0.6745f, 1e-3);
	assert_float_equal(even(0.4, 640, 0, DECIDE_MOST).spread, 0.2f / 0.6745f, 4e-3);
}

static void more_noise_asks_for_more_allowance_and_hides_more(void **state)
{
	const struct noise little = even(0.1, 200, 0, DECIDE_MOST);
	const struct noise much = even(0.8, 200, 0, DECIDE_MOST);

	(void)state;
	assert_true(much.delta > little.delta);
	assert_true(much.detectable > little.detectable);
	assert_true(little.detectable > little.delta && much.detectable > much.delta);
}

static void fewer_pairs_ask_for_more_allowance(void **state)
{
	(void)state;
	assert_true(even(0.4, 200, 0, 2 * DECIDE_LOOK).delta >
		    even(0.4, 200, 0, DECIDE_MOST).delta);
}

static void noise_beyond_every_threshold_has_none(void **state)
{
	const struct noise noise = even(12, 200, 0, DECIDE_LOOK);

	(void)state;
	assert_true(!isnan(noise.spread));
	assert_true(isnan(noise.delta));
	assert_true(isnan(noise.detectable));
}

static void of_fewer_pairs_than_a_look_nothing_is_said(void **state)
{
	const struct noise few = even(0.1, DECIDE_LOOK - 1, 0, DECIDE_MOST);
	const struct noise short_of_time = even(0.1, 100, 0, DECIDE_LOOK - 1);

	(void)state;
	assert_true(isnan(few.spread) && isnan(few.delta) && isnan(few.detectable));
	assert_true(isnan(short_of_time.spread) && isnan(short_of_time.delta));
}

static void counts_of_zero_have_no_ratio_and_a_threshold_by_their_slack(void **state)
{
	struct pair pairs[DECIDE_LOOK];
	struct noise noise;

	(void)state;
	for (size_t i = 0; i < DECIDE_LOOK; i++)
		pairs[i] = (struct pair){ 0, 0 };
	noise = noise_of(pairs, DECIDE_LOOK, 2, DECIDE_MOST, 1);
	assert_true(isnan(noise.spread));
	assert_float_equal(noise.delta, 0.03, 1e-12);
	/* However many times zero it is. */
	assert_true(isnan(noise.detectable));
}

static void a_seed_gives_the_same_answer_again(void **state)
{
	const struct noise one = even(0.3, 100, 0, 200), other = even(0.3, 100, 0, 200);

	(void)state;
	assert_memory_equal(&one, &other, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_metric_has_a_name_of_its_own_a_unit_and_words),
		cmocka_unit_test(without_options_the_table_is_the_usual_one),
		cmocka_unit_test(delta_is_what_is_allowed_of_the_time),
		cmocka_unit_test(a_metric_that_is_named_is_gated_and_keeps_its_slack),
		cmocka_unit_test(of_two_words_on_a_metric_the_later_one_counts),
		cmocka_unit_test(a_list_that_is_wrong_is_refused_with_what_would_be_right),
		cmocka_unit_test(a_result_line_says_what_each_quantity_was),
		cmocka_unit_test(what_a_line_does_not_know_is_no_number),
		cmocka_unit_test(few_values_have_no_high_percentile),
		cmocka_unit_test(without_noise_the_least_threshold_fits_and_all_beyond_it_is_seen),
		cmocka_unit_test(noise_is_the_standard_deviation_that_normal_pairs_would_have),
		cmocka_unit_test(more_noise_asks_for_more_allowance_and_hides_more),
		cmocka_unit_test(fewer_pairs_ask_for_more_allowance),
		cmocka_unit_test(noise_beyond_every_threshold_has_none),
		cmocka_unit_test(of_fewer_pairs_than_a_look_nothing_is_said),
		cmocka_unit_test(counts_of_zero_have_no_ratio_and_a_threshold_by_their_slack),
		cmocka_unit_test(a_seed_gives_the_same_answer_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
