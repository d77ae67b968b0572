/* From made-up pairs to the verdicts of metrics, cells and gates. */
#include "bench/gate/judge.h"

#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 3

static struct gate gate;
static struct gate_cell cells[CELLS];
static struct gate_pair pairs[CELLS][DECIDE_MOST], fresh[CELLS][DECIDE_CONFIRM_MOST];

/* A gate with the usual metrics, whose cells have no pairs yet. */
static int set_up(void **state)
{
	(void)state;
	gate = (struct gate){ .cells = cells, .count = CELLS };
	memcpy(gate.metrics, metrics_usual, sizeof(gate.metrics));
	for (size_t i = 0; i < CELLS; i++)
		cells[i] = (struct gate_cell){ .pairs = pairs[i], .confirming = fresh[i] };
	return 0;
}

/* Pairs of which nothing is known. */
static void take(struct gate_pair *to, size_t *count, size_t more)
{
	for (size_t i = 0; i < more; i++, (*count)++) {
		for (size_t m = 0; m < METRICS; m++)
			to[*count].side[BASELINE].value[m] = to[*count].side[CANDIDATE].value[m] =
				NAN;
	}
}

/* Of the last pairs. */
static void set(struct gate_pair *to, size_t count, size_t last, enum metric_id metric,
		struct pair pair)
{
	for (size_t i = count - last; i < count; i++) {
		to[i].side[BASELINE].value[metric] = pair.baseline;
		to[i].side[CANDIDATE].value[metric] = pair.candidate;
	}
}

/* Takes more pairs that know one metric. */
static void add(struct gate_cell *cell, size_t more, enum metric_id metric, double baseline,
		double candidate)
{
	take(cell->pairs, &cell->pair_count, more);
	set(cell->pairs, cell->pair_count, more, metric, (struct pair){ baseline, candidate });
}

static void add_fresh(struct gate_cell *cell, size_t more, enum metric_id metric, double baseline,
		      double candidate)
{
	take(cell->confirming, &cell->confirming_count, more);
	set(cell->confirming, cell->confirming_count, more, metric,
	    (struct pair){ baseline, candidate });
}

static void a_look_decides_what_can_be_decided_and_leaves_the_rest(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 100);
	for (size_t i = 0; i < DECIDE_LOOK; i++)
		set(&cell->pairs[i], 1, 1, METRIC_TAKES, (struct pair){ 100, i % 2 ? 300 : 50 });
	assert_false(judge_look(&gate, cell));
	assert_true(cell->judgements[METRIC_TIME].decided);
	assert_int_equal(cell->judgements[METRIC_TIME].verdict, VERDICT_PASS);
	assert_int_equal(cell->judgements[METRIC_TIME].pairs, DECIDE_LOOK);
	assert_false(cell->judgements[METRIC_TAKES].decided);
	assert_int_equal(judge_confirming(cell), 0);
}

static void what_is_decided_stays_so_whatever_comes(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 100);
	assert_true(judge_look(&gate, cell));
	add(cell, 10 * DECIDE_LOOK, METRIC_TIME, 100, 200);
	assert_true(judge_look(&gate, cell));
	judge_close(&gate, cell, "");
	assert_int_equal(cell->verdict, VERDICT_PASS);
	assert_int_equal(cell->judgements[METRIC_TIME].pairs, DECIDE_LOOK);
	assert_float_equal(cell->judgements[METRIC_TIME].effect.ratio, 1, 1e-12);
}

static void a_metric_of_one_side_alone_cannot_be_compared(void **state)
{
	(void)state;
	add(&cells[0], DECIDE_LOOK, METRIC_TAKES, 1, NAN);
	add(&cells[1], DECIDE_LOOK, METRIC_TAKES, NAN, 1);
	for (size_t i = 0; i < 2; i++) {
		set(cells[i].pairs, DECIDE_LOOK, DECIDE_LOOK, METRIC_TIME,
		    (struct pair){ 100, 100 });
		assert_true(judge_look(&gate, &cells[i]));
		judge_close(&gate, &cells[i], "");
		assert_int_equal(cells[i].verdict, VERDICT_NOT_COMPARABLE);
		assert_false(cells[i].judgements[METRIC_TAKES].known);
	}
	assert_string_equal(cells[0].judgements[METRIC_TAKES].reason,
			    "the baseline tells it, the candidate does not");
	assert_string_equal(cells[1].judgements[METRIC_TAKES].reason,
			    "the candidate tells it, the baseline does not");
}

static void a_metric_that_one_sample_lacks_is_not_known(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 100);
	set(cell->pairs, DECIDE_LOOK, DECIDE_LOOK, METRIC_TAKES, (struct pair){ 100, 100 });
	cell->pairs[7].side[CANDIDATE].value[METRIC_TAKES] = NAN;
	judge_look(&gate, cell);
	judge_close(&gate, cell, "");
	assert_int_equal(cell->verdict, VERDICT_NOT_COMPARABLE);
}

static void holes_on_both_sides_are_no_way_to_pass(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 100);
	set(cell->pairs, DECIDE_LOOK, DECIDE_LOOK, METRIC_TAKES, (struct pair){ 100, 200 });
	cell->pairs[3].side[BASELINE].value[METRIC_TAKES] = NAN;
	cell->pairs[7].side[CANDIDATE].value[METRIC_TAKES] = NAN;
	assert_true(judge_look(&gate, cell));
	judge_close(&gate, cell, "");
	assert_int_equal(cell->verdict, VERDICT_NOT_COMPARABLE);
	assert_string_equal(cell->judgements[METRIC_TAKES].reason,
			    "1 of 20 samples of the baseline do not tell it, 1 of the candidate");
}

/* In cells that have it by nature; that others have not is no matter. */
static void what_no_cell_tells_matters_only_if_it_was_asked_for(void **state)
{
	(void)state;
	gate.count = 2;
	for (size_t i = 0; i < gate.count; i++) {
		add(&cells[i], DECIDE_LOOK, METRIC_TIME, 100, 100);
		assert_true(judge_look(&gate, &cells[i]));
		judge_close(&gate, &cells[i], "");
		assert_int_equal(cells[i].verdict, VERDICT_PASS);
		assert_false(cells[i].judgements[METRIC_TAKES].gated);
	}
	judge_gate(&gate);
	assert_int_equal(gate.verdict, VERDICT_PASS);
	gate.metrics[METRIC_TAKES].asked = true;
	judge_gate(&gate);
	assert_int_equal(gate.verdict, VERDICT_NOT_COMPARABLE);
	assert_string_equal(gate.reason,
			    "takes was asked for by --threshold, and no cell tells it");
}

static void what_one_cell_tells_was_asked_for_and_is_gated_there(void **state)
{
	(void)state;
	gate.count = 2;
	for (size_t i = 0; i < gate.count; i++) {
		add(&cells[i], DECIDE_LOOK, METRIC_TIME, 100, 100);
		if (i == 0)
			set(cells[i].pairs, DECIDE_LOOK, DECIDE_LOOK, METRIC_TAKES,
			    (struct pair){ 100, 100 });
		assert_true(judge_look(&gate, &cells[i]));
		judge_close(&gate, &cells[i], "");
	}
	gate.metrics[METRIC_TAKES].asked = true;
	judge_gate(&gate);
	assert_int_equal(gate.verdict, VERDICT_PASS);
}

static void what_fails_in_fresh_pairs_as_well_fails(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 150);
	assert_true(judge_look(&gate, cell));
	assert_int_equal(judge_confirming(cell), DECIDE_CONFIRM);
	add_fresh(cell, DECIDE_CONFIRM, METRIC_TIME, 100, 140);
	judge_confirm(&gate, cell);
	judge_close(&gate, cell, "");
	assert_int_equal(cell->verdict, VERDICT_FAIL);
	assert_true(cell->judgements[METRIC_TIME].failed);
	assert_int_equal(cell->judgements[METRIC_TIME].confirming, DECIDE_CONFIRM);
	assert_float_equal(cell->judgements[METRIC_TIME].effect.ratio, 1.5, 1e-12);
	assert_float_equal(cell->judgements[METRIC_TIME].confirmed.ratio, 1.4, 1e-12);
}

static void what_does_not_fail_again_is_not_decided(void **state)
{
	/* Half of the fresh pairs are worse; none are; all are, but by less than matters; there are
	 * too few of them; they do not know it. */
	static const struct {
		size_t count;
		double odd, even;
	} cases[] = { { DECIDE_CONFIRM, 150, 90 },
		      { DECIDE_CONFIRM, 100, 100 },
		      { DECIDE_CONFIRM, 104, 104 },
		      { DECIDE_CONFIRM - 1, 150, 150 },
		      { DECIDE_CONFIRM, NAN, 150 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gate_cell *cell = &cells[0];

		set_up(state);
		add(cell, DECIDE_LOOK, METRIC_TIME, 100, 150);
		judge_look(&gate, cell);
		for (size_t n = 0; n < cases[i].count; n++)
			add_fresh(cell, 1, METRIC_TIME, 100, n % 2 ? cases[i].odd : cases[i].even);
		judge_confirm(&gate, cell);
		judge_close(&gate, cell, "");
		assert_int_equal(cell->verdict, VERDICT_INCONCLUSIVE);
		assert_true(cell->judgements[METRIC_TIME].failed);
		assert_non_null(strstr(cell->judgements[METRIC_TIME].reason,
				       "it failed in 20 pairs, and not again"));
	}
}

/* Not 50 of 100: a sign test of 40 pairs at 10 % asks for 25 of them (binomial tail 0.077; of 24 it
 * is 0.134). */
static void a_confirmation_asks_for_twenty_five_of_forty(void **state)
{
	for (size_t worse = 24; worse <= 25; worse++) {
		struct gate_cell *cell = &cells[0];

		set_up(state);
		add(cell, DECIDE_LOOK, METRIC_TIME, 100, 150);
		judge_look(&gate, cell);
		add_fresh(cell, worse, METRIC_TIME, 100, 150);
		add_fresh(cell, 40 - worse, METRIC_TIME, 100, 90);
		judge_confirm(&gate, cell);
		assert_int_equal(cell->judgements[METRIC_TIME].verdict,
				 worse == 25 ? VERDICT_FAIL : VERDICT_INCONCLUSIVE);
	}
}

static void the_metric_that_took_the_most_pairs_says_how_many_confirm(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		take(cell->pairs, &cell->pair_count, 1);
		set(cell->pairs, cell->pair_count, 1, METRIC_TIME, (struct pair){ 100, 150 });
		/* 3 of 5 are worse: that takes many pairs. */
		set(cell->pairs, cell->pair_count, 1, METRIC_TAKES,
		    (struct pair){ 100, i % 5 < 3 ? 200 : 50 });
		if (cell->pair_count % DECIDE_LOOK == 0 && judge_look(&gate, cell))
			break;
	}
	assert_int_equal(cell->judgements[METRIC_TIME].pairs, DECIDE_LOOK);
	assert_true(cell->judgements[METRIC_TAKES].failed);
	assert_true(cell->judgements[METRIC_TAKES].pairs > 2 * DECIDE_CONFIRM);
	assert_int_equal(judge_confirming(cell),
			 decide_confirm_pairs(cell->judgements[METRIC_TAKES].pairs));
	assert_true(judge_confirming(cell) > DECIDE_CONFIRM);
}

static void one_metric_is_confirmed_and_another_is_not(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 150);
	set(cell->pairs, DECIDE_LOOK, DECIDE_LOOK, METRIC_TAKES, (struct pair){ 100, 200 });
	judge_look(&gate, cell);
	add_fresh(cell, DECIDE_CONFIRM, METRIC_TIME, 100, 100);
	set(cell->confirming, DECIDE_CONFIRM, DECIDE_CONFIRM, METRIC_TAKES,
	    (struct pair){ 100, 200 });
	judge_confirm(&gate, cell);
	judge_close(&gate, cell, "");
	assert_int_equal(cell->judgements[METRIC_TIME].verdict, VERDICT_INCONCLUSIVE);
	assert_int_equal(cell->judgements[METRIC_TAKES].verdict, VERDICT_FAIL);
	assert_int_equal(cell->verdict, VERDICT_FAIL);
}

static void what_is_not_decided_at_the_end_is_inconclusive_and_says_why(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	for (size_t i = 0; i < 2 * DECIDE_LOOK; i++)
		add(cell, 1, METRIC_TIME, 100, i % 2 ? 150 : 80);
	set(cell->pairs, cell->pair_count, cell->pair_count, METRIC_CPU, (struct pair){ 100, 300 });
	assert_false(judge_look(&gate, cell));
	judge_close(&gate, cell, "the time was over");
	assert_true(cell->decided);
	assert_int_equal(cell->verdict, VERDICT_INCONCLUSIVE);
	assert_string_equal(cell->judgements[METRIC_TIME].reason,
			    "20 of 40 pairs are beyond what is allowed, for PASS 5 may be; the "
			    "time was over");
	assert_int_equal(cell->judgements[METRIC_TIME].pairs, 2 * DECIDE_LOOK);
	assert_float_equal(cell->judgements[METRIC_TIME].median[BASELINE], 100, 0);
	assert_float_equal(cell->judgements[METRIC_TIME].median[CANDIDATE], 115, 0);
	/* Reported, and no part of the verdict. */
	assert_true(cell->judgements[METRIC_CPU].known);
	assert_false(cell->judgements[METRIC_CPU].gated);
	assert_float_equal(cell->judgements[METRIC_CPU].effect.ratio, 3, 1e-12);
	assert_string_equal(cell->judgements[METRIC_CPU].reason, "");
}

static void a_cell_that_was_ended_keeps_its_verdict_and_has_the_figures_so_far(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	add(cell, 3, METRIC_TIME, 100, 100);
	judge_end(cell, VERDICT_ERROR, "the baseline %s", "is broken");
	assert_true(cell->decided);
	judge_close(&gate, cell, "the cell was over");
	assert_int_equal(cell->verdict, VERDICT_ERROR);
	assert_string_equal(cell->reason, "the baseline is broken");
	assert_int_equal(cell->judgements[METRIC_TIME].pairs, 3);
	assert_int_equal(cell->judgements[METRIC_TIME].verdict, VERDICT_INCONCLUSIVE);
}

static void a_cell_of_which_nothing_is_gated_does_not_pass(void **state)
{
	struct gate_cell *cell = &cells[0];

	(void)state;
	for (size_t i = 0; i < METRICS; i++)
		gate.metrics[i].gated = false;
	add(cell, DECIDE_LOOK, METRIC_TIME, 100, 100);
	judge_look(&gate, cell);
	judge_close(&gate, cell, "");
	assert_int_equal(cell->verdict, VERDICT_ERROR);
	assert_string_equal(cell->reason, "nothing of it is gated");
}

static void a_gates_verdict_is_the_most_urgent_of_its_cells(void **state)
{
	static const enum verdict urgency[] = { VERDICT_SKIPPED,      VERDICT_PASS,
						VERDICT_INCONCLUSIVE, VERDICT_NOT_COMPARABLE,
						VERDICT_ERROR,        VERDICT_FAIL };
	const size_t count = sizeof(urgency) / sizeof(urgency[0]);

	(void)state;
	for (size_t i = 0; i < count * count * count; i++) {
		const size_t of[CELLS] = { i % count, i / count % count, i / count / count };
		size_t most = 0;

		for (size_t c = 0; c < CELLS; c++) {
			cells[c].verdict = urgency[of[c]];
			most = of[c] > most ? of[c] : most;
		}
		judge_gate(&gate);
		assert_int_equal(gate.verdict, urgency[most]);
	}
}

static void each_verdict_has_its_exit_status(void **state)
{
	static const struct {
		enum verdict verdict;
		int status;
	} rows[] = { { VERDICT_PASS, 0 },           { VERDICT_FAIL, 1 },
		     { VERDICT_ERROR, 2 },          { VERDICT_INCONCLUSIVE, 3 },
		     { VERDICT_NOT_COMPARABLE, 4 }, { VERDICT_SKIPPED, 77 } };
	static const int ways[] = { 0, 1, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gate.verdict = rows[i].verdict;
		assert_int_equal(judge_exit(&gate, 3), rows[i].status);
		/* What is wanted of an undecided one changes no other. */
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
			assert_int_equal(judge_exit(&gate, ways[w]),
					 rows[i].verdict == VERDICT_INCONCLUSIVE ? ways[w] :
										   rows[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_look_decides_what_can_be_decided_and_leaves_the_rest,
				       set_up),
		cmocka_unit_test_setup(what_is_decided_stays_so_whatever_comes, set_up),
		cmocka_unit_test_setup(a_metric_of_one_side_alone_cannot_be_compared, set_up),
		cmocka_unit_test_setup(a_metric_that_one_sample_lacks_is_not_known, set_up),
		cmocka_unit_test_setup(holes_on_both_sides_are_no_way_to_pass, set_up),
		cmocka_unit_test_setup(what_one_cell_tells_was_asked_for_and_is_gated_there,
				       set_up),
		cmocka_unit_test_setup(what_no_cell_tells_matters_only_if_it_was_asked_for, set_up),
		cmocka_unit_test_setup(what_fails_in_fresh_pairs_as_well_fails, set_up),
		cmocka_unit_test_setup(what_does_not_fail_again_is_not_decided, set_up),
		cmocka_unit_test_setup(a_confirmation_asks_for_twenty_five_of_forty, set_up),
		cmocka_unit_test_setup(the_metric_that_took_the_most_pairs_says_how_many_confirm,
				       set_up),
		cmocka_unit_test_setup(one_metric_is_confirmed_and_another_is_not, set_up),
		cmocka_unit_test_setup(what_is_not_decided_at_the_end_is_inconclusive_and_says_why,
				       set_up),
		cmocka_unit_test_setup(
			a_cell_that_was_ended_keeps_its_verdict_and_has_the_figures_so_far, set_up),
		cmocka_unit_test_setup(a_cell_of_which_nothing_is_gated_does_not_pass, set_up),
		cmocka_unit_test_setup(a_gates_verdict_is_the_most_urgent_of_its_cells, set_up),
		cmocka_unit_test_setup(each_verdict_has_its_exit_status, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
