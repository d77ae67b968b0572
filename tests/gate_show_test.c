/* What is written of a gate, on made-up gates. */
#include "bench/gate/figures.h"
#include "bench/gate/show.h"
#include "bench/gate/words.h"
#include "tests/test.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 16
#define PAIRS DECIDE_MOST

/* A gate, and what its pointers need. */
static struct gate gate;
static struct gate_cell cells[CELLS];
static struct cell works[CELLS];
static struct gate_pair pairs[CELLS][PAIRS], confirming[CELLS][DECIDE_CONFIRM];
static char *text;

static const struct metric metrics[METRICS] = {
	[METRIC_TIME] = { .name = "time",
			  .unit = "ns",
			  .what = "time of the work",
			  .allowed = { 0.05, 0 },
			  .gated = true },
	[METRIC_CPU] = { .name = "cpu",
			 .unit = "ns",
			 .what = "processor time",
			 .allowed = { 0.05, 0 } },
	[METRIC_TAKES] = { .name = "takes",
			   .unit = "events",
			   .what = "takes of the lock",
			   .allowed = { 0.2, 2 },
			   .gated = true },
	[METRIC_CONTENDED] = { .name = "contended",
			       .unit = "events",
			       .what = "takes that had to wait",
			       .allowed = { 0.2, 2 },
			       .gated = true },
	[METRIC_FORCED] = { .name = "forced",
			    .unit = "events",
			    .what = "forced switches",
			    .allowed = { 0.2, 2 },
			    .gated = true },
	[METRIC_SWITCHES] = { .name = "switches", .unit = "events", .what = "switches" },
	[METRIC_FUTEX] = { .name = "futex", .unit = "events", .what = "futex calls" },
	[METRIC_LATENCY_P50] = { .name = "p50", .unit = "ns", .what = "median latency" },
	[METRIC_LATENCY_P90] = { .name = "p90", .unit = "ns", .what = "p90 of latency" },
	[METRIC_LATENCY_P99] = { .name = "p99", .unit = "ns", .what = "p99 of latency" },
	[METRIC_LATENCY_P999] = { .name = "p999", .unit = "ns", .what = "p99.9 of latency" },
	[METRIC_LATENCY_MAX] = { .name = "max", .unit = "ns", .what = "longest latency" },
	[METRIC_WAIT_SHARE] = { .name = "wait_share",
				.unit = "share",
				.what = "share of time spent waiting",
				.allowed = { 0.1, 0.01 },
				.gated = true },
	[METRIC_HOLD_P50] = { .name = "hold_p50", .unit = "ns", .what = "median hold" },
	[METRIC_HOLD_P99] = { .name = "hold_p99", .unit = "ns", .what = "p99 of holds" },
	[METRIC_WAIT_P99] = { .name = "wait_p99", .unit = "ns", .what = "p99 of waits" },
};

/* Spread over -1 to 1, the same each time. */
static double wobble(size_t i)
{
	return (double)(i * 7919 % 101) / 50 - 1;
}

static struct gate_cell *add_cell(const char *id)
{
	struct gate_cell *cell = &cells[gate.count];

	*cell = (struct gate_cell){ .pairs = pairs[gate.count],
				    .confirming = confirming[gate.count],
				    .spent_ns = 3.2e9,
				    .pair_ns = 6e7,
				    .verdict = VERDICT_PASS };
	snprintf(cell->id, sizeof(cell->id), "%s", id);
	works[gate.count] = (struct cell){ .workers = 2, .size = 1000000 };
	snprintf(works[gate.count].workload, sizeof(works[0].workload), "countdown");
	snprintf(works[gate.count].mode, sizeof(works[0].mode), "threads");
	cell->cell = &works[gate.count++];
	for (size_t i = 0; i < PAIRS + DECIDE_CONFIRM; i++) {
		struct gate_pair *pair = i < PAIRS ? &cell->pairs[i] : &cell->confirming[i - PAIRS];

		pair->candidate_first = i % 3 == 1;
		for (size_t m = 0; m < METRICS; m++)
			pair->side[BASELINE].value[m] = pair->side[CANDIDATE].value[m] = NAN;
	}
	return cell;
}

static void fill(struct gate_pair *to, size_t n, enum metric_id metric, double baseline,
		 double candidate, double noise)
{
	for (size_t i = 0; i < n; i++) {
		to[i].side[BASELINE].value[metric] = baseline * (1 + noise * wobble(i));
		to[i].side[CANDIDATE].value[metric] = candidate * (1 + noise * wobble(i * 3 + 1));
	}
}

static struct effect effect_of(const struct gate_pair *from, size_t n, enum metric_id metric)
{
	static struct pair values[PAIRS];
	static double scratch[PAIRS];

	for (size_t i = 0; i < n; i++)
		values[i] = (struct pair){ from[i].side[BASELINE].value[metric],
					   from[i].side[CANDIDATE].value[metric] };
	return decide_effect(values, n, metrics[metric].allowed, scratch);
}

static double median_of(const struct gate_pair *from, size_t n, enum metric_id metric,
			enum side side)
{
	static double values[PAIRS];

	for (size_t i = 0; i < n; i++)
		values[i] = from[i].side[side].value[metric];
	stats_sort(values, n);
	return stats_median(values, n);
}

/* A metric of so many pairs of those medians, with that verdict. */
static struct judgement *judge(struct gate_cell *cell, enum metric_id metric, size_t n,
			       const double median[SIDES], enum verdict verdict)
{
	struct judgement *judgement = &cell->judgements[metric];

	fill(cell->pairs, n, metric, median[BASELINE], median[CANDIDATE], 0.04);
	*judgement = (struct judgement){
		.known = true, .gated = metrics[metric].gated, .verdict = verdict, .pairs = n
	};
	for (enum side side = BASELINE; side < SIDES; side++)
		judgement->median[side] = median_of(cell->pairs, n, metric, side);
	judgement->effect = effect_of(cell->pairs, n, metric);
	cell->pair_count = n > cell->pair_count ? n : cell->pair_count;
	if (verdict == VERDICT_FAIL) {
		fill(cell->confirming, DECIDE_CONFIRM, metric, median[BASELINE], median[CANDIDATE],
		     0.04);
		judgement->failed = true;
		judgement->confirming = cell->confirming_count = DECIDE_CONFIRM;
		judgement->confirmed = effect_of(cell->confirming, DECIDE_CONFIRM, metric);
	}
	if (verdict > cell->verdict)
		cell->verdict = verdict;
	if (cell->verdict > gate.verdict)
		gate.verdict = cell->verdict;
	return judgement;
}

#define MEDIANS(baseline, candidate) ((const double[SIDES]){ baseline, candidate })

static int make_gate(void **state)
{
	static char command[] = "gate", *words[] = { command };

	(void)state;
	gate = (struct gate){ .argc = 1,
			      .argv = words,
			      .started = 1700000000,
			      .duration_ns = 32100000000,
			      .seed = 9223372036854775807u,
			      .budget_ns = 10000000000,
			      .cells = cells };
	memcpy(gate.metrics, metrics, sizeof(metrics));
	gate.side[BASELINE] = (struct gate_side){ .word = "old",
						  .workloads = "/old/workloads",
						  .revision = "1a2b3c4",
						  .compiler = "gcc 12.2.0",
						  .buildtype = "debugoptimized",
						  .optimization = "2",
						  .sanitize = "none" };
	gate.side[CANDIDATE] = gate.side[BASELINE];
	gate.side[CANDIDATE].word = "new";
	return 0;
}

static int drop(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

/* What a writer writes, as one text. */
static const char *written(void (*write)(const void *, FILE *))
{
	size_t length = 0;
	FILE *to;

	free(text);
	text = NULL;
	to = open_memstream(&text, &length);
	assert_non_null(to);
	write(&gate, to);
	fclose(to);
	return text;
}

static void print(const void *subject, FILE *to)
{
	gate_print(subject, to);
}

static json_t *verdict(void)
{
	json_error_t error;
	json_t *root = json_loads(written(gate_verdict_json), JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("line %d: %s", error.line, error.text);
	return root;
}

/* All verdicts, each with what belongs to it. */
static void make_many(void)
{
	struct gate_cell *cell = add_cell("countdown/gil:cpython3/2");

	judge(cell, METRIC_TIME, 20, MEDIANS(30.1e6, 33.9e6), VERDICT_FAIL);
	judge(cell, METRIC_TAKES, 40, MEDIANS(20000, 20010), VERDICT_PASS);
	judge(cell, METRIC_CONTENDED, 20, MEDIANS(0, 14), VERDICT_FAIL);
	judge(cell, METRIC_CPU, 20, MEDIANS(61e6, 66e6), VERDICT_SKIPPED);
	judge(cell, METRIC_SWITCHES, 20, MEDIANS(12, 14), VERDICT_SKIPPED);
	cell = add_cell("countdown/threads/2");
	judge(cell, METRIC_TIME, 180, MEDIANS(15.2e6, 15.7e6), VERDICT_INCONCLUSIVE);
	judge(cell, METRIC_CPU, 180, MEDIANS(31e6, 30.8e6), VERDICT_SKIPPED);
	cell = add_cell("countdown/sequential/1");
	judge(cell, METRIC_TIME, 20, MEDIANS(30.2e6, 29.1e6), VERDICT_PASS);
	cell = add_cell("mergesort/processes/2");
	cell->verdict = VERDICT_ERROR;
	cell->pair_count = 0;
	snprintf(cell->reason, sizeof(cell->reason),
		 "the baseline failed: 'mergesort' was ended by signal 11 (Segmentation fault)");
	gate.exit_status = GATE_EXIT_FAIL;
}

static void the_verdict_comes_first_with_the_cell_that_made_it(void **state)
{
	(void)state;
	make_many();
	written(print);
	assert_memory_equal(text, "FAIL: countdown/gil:cpython3/2: time", 36);
	assert_non_null(strstr(text, "confirmed by 40 fresh pairs: +12.8%\n"));
}

static void json_of_all_verdicts_is_strict_and_complete(void **state)
{
	json_t *root, *cell, *judgement;

	(void)state;
	make_many();
	root = verdict();
	assert_string_equal(json_string_value(json_object_get(root, "verdict")), "FAIL");
	assert_int_equal(json_array_size(json_object_get(root, "cells")), 4);
	cell = json_array_get(json_object_get(root, "cells"), 0);
	assert_int_equal(json_array_size(json_object_get(cell, "pairs")), 40);
	assert_int_equal(json_array_size(json_object_get(cell, "confirming")), 40);
	judgement = json_object_get(json_object_get(cell, "judgements"), "contended");
	assert_true(json_is_null(json_object_get(judgement, "ratio")));
	assert_true(json_number_value(json_object_get(judgement, "candidate")) > 0);
	judgement = json_object_get(json_object_get(cell, "judgements"), "futex");
	assert_true(json_is_null(json_object_get(judgement, "candidate")));
	assert_string_equal(json_string_value(json_object_get(judgement, "reason")),
			    "no sample has it");
	json_decref(root);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_gate, drop)
	const struct CMUnitTest tests[] = {
		TEST(the_verdict_comes_first_with_the_cell_that_made_it),
		TEST(json_of_all_verdicts_is_strict_and_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
