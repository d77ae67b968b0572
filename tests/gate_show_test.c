/* What is written of a gate, on made-up gates. */
#include "bench/gate/figures.h"
#include "bench/gate/show.h"
#include "bench/gate/words.h"
#include "tests/gate_made.h"
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *text;

static int drop(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static const char *printed(const struct gate *gate)
{
	size_t length = 0;
	FILE *to;

	free(text);
	text = NULL;
	to = open_memstream(&text, &length);
	assert_non_null(to);
	gate_print(gate, to);
	fclose(to);
	return text;
}

static const char *annotated(const struct gate *gate)
{
	size_t length = 0;
	FILE *to;

	free(text);
	text = NULL;
	to = open_memstream(&text, &length);
	assert_non_null(to);
	gate_annotate(gate, to);
	fclose(to);
	return text;
}

static const char *in_junit(const struct gate *gate)
{
	size_t length = 0;
	FILE *to;

	free(text);
	text = NULL;
	to = open_memstream(&text, &length);
	assert_non_null(to);
	gate_junit_xml(gate, to);
	fclose(to);
	return text;
}

static void assert_begins(const char *whole, const char *start)
{
	if (strncmp(whole, start, strlen(start)) != 0)
		fail_msg("'%.200s' does not begin with '%s'", whole, start);
}

static void assert_has(const char *whole, const char *part)
{
	if (!strstr(whole, part))
		fail_msg("'%s' is not in: %s", part, whole);
}

static void assert_lacks(const char *whole, const char *part)
{
	if (strstr(whole, part))
		fail_msg("'%s' is in: %s", part, whole);
}

static size_t widest_line(const char *whole)
{
	size_t widest = 0;

	for (const char *line = whole; *line; line += strcspn(line, "\n") + 1) {
		const size_t length = strcspn(line, "\n");

		widest = length > widest ? length : widest;
		if (!line[length])
			break;
	}
	return widest;
}

static void the_verdict_comes_first_with_the_cell_and_the_metric_that_made_it(void **state)
{
	(void)state;
	assert_begins(printed(made_by_name("many")),
		      "FAIL: countdown/gil:cpython3/2: time of the work +12.8% (99% interval ");
	assert_begins(printed(made_by_name("none")),
		      "NOT COMPARABLE: the baseline is a debug build\n");
	assert_begins(printed(made_by_name("pass")),
		      "PASS: nothing is worse than allowed in any of 2 cells; nearest to it is "
		      "countdown");
}

static void a_cell_that_passed_hides_none_that_did_not(void **state)
{
	struct gate *gate = made_by_name("pass");

	(void)state;
	made_judgement(gate, &gate->cells[0], METRIC_TIME, 40, MADE_MEDIANS(30e6, 31e6),
		       VERDICT_INCONCLUSIVE);
	gate->machine.load_average = 3.5;
	assert_begins(printed(gate),
		      "INCONCLUSIVE: 1 of 2 cells could be shown neither to be worse "
		      "nor");
	assert_has(text, "countdown/sequential/1: ");
	assert_has(text, "would be found by 9 of 10 such gates");
	assert_has(text, " help:      more pairs may decide it: --budget ");
	assert_has(text, "\nnoise       the machine was busy at the start: load 3.50\n");
}

static void a_cell_that_had_all_pairs_is_not_sent_for_more(void **state)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/threads/2");

	(void)state;
	made_judgement(gate, cell, METRIC_TIME, DECIDE_MOST, MADE_MEDIANS(30e6, 31e6),
		       VERDICT_INCONCLUSIVE);
	assert_has(printed(gate),
		   " pairs were taken: only a quieter machine or a wider --threshold time=");
	assert_lacks(text, "--budget");
}

static void a_count_that_was_zero_has_a_difference_and_no_ratio(void **state)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/gil:cpython3/2");

	(void)state;
	made_judgement(gate, cell, METRIC_CONTENDED, 20, MADE_MEDIANS(0, 14), VERDICT_FAIL);
	assert_begins(printed(gate), "FAIL: countdown/gil:cpython3/2: takes that had to wait: 14, "
				     "were 0 (allowed +20%+2)");
	assert_has(text,
		   " contended          0        14    +14             -  +20%+2  20+40 FAIL");
	assert_lacks(text, "nan");
}

static void what_was_not_confirmed_is_told(void **state)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/threads/2");
	struct judgement *judgement = made_judgement(
		gate, cell, METRIC_TIME, 40, MADE_MEDIANS(30e6, 33e6), VERDICT_INCONCLUSIVE);

	(void)state;
	judgement->failed = true;
	judgement->confirming = DECIDE_CONFIRM;
	judgement->confirmed.ratio = 1.011;
	assert_lacks(printed(gate), "--budget");
	assert_has(text, "FAIL, but not confirmed by 40 fresh pairs: +1.1%");
	assert_has(text, "did not confirm (+1.1%)");
	assert_lacks(text, "FAIL: ");
}

static void a_metric_that_was_asked_for_and_is_not_known_has_its_reason(void **state)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/sequential/1");
	struct judgement *judgement = &cell->judgements[METRIC_TAKES];

	(void)state;
	made_judgement(gate, cell, METRIC_TIME, 20, MADE_MEDIANS(30e6, 30e6), VERDICT_PASS);
	*judgement = (struct judgement){ .gated = true, .verdict = VERDICT_NOT_COMPARABLE };
	snprintf(judgement->reason, sizeof(judgement->reason), "neither side tells it");
	made_verdict(gate, cell, VERDICT_NOT_COMPARABLE, "");
	assert_begins(printed(gate), "NOT COMPARABLE: countdown/sequential/1: takes of the lock is "
				     "not known: neither side tells it\n");
	assert_has(text,
		   " takes              -         -      -             -  +20%+2      0 NOT COMP");
}

static void what_is_not_decided_fails_in_junit_where_that_was_asked_for(void **state)
{
	struct gate *gate = made_by_name("pass");

	(void)state;
	made_judgement(gate, &gate->cells[0], METRIC_TIME, 40, MADE_MEDIANS(30e6, 31e6),
		       VERDICT_INCONCLUSIVE);
	gate->exit_status = GATE_EXIT_INCONCLUSIVE;
	assert_has(in_junit(gate), " failures=\"0\" errors=\"0\" skipped=\"1\" ");
	assert_has(text, "<skipped type=\"INCONCLUSIVE\" message=\"INCONCLUSIVE: ");
	gate->exit_status = GATE_EXIT_FAIL;
	assert_has(in_junit(gate), " failures=\"1\" errors=\"0\" skipped=\"0\" ");
	assert_has(text, "<failure type=\"INCONCLUSIVE\" message=\"INCONCLUSIVE: ");
	/* Beside a cell that failed it is what it always was. */
	assert_has(in_junit(made_by_name("many")),
		   "<skipped type=\"INCONCLUSIVE\" message=\"INCONCLUSIVE: ");
}

static void what_makes_a_gate_worth_less_is_told_to_all(void **state)
{
	struct gate *gate = made_by_name("pass");

	(void)state;
	assert_lacks(printed(gate), "warning");
	assert_lacks(annotated(gate), "::warning");
	snprintf(gate->warning, sizeof(gate->warning), "'old' is built by gcc, 'new' by\x1b[1m cc");
	assert_has(printed(gate), "\nwarning     'old' is built by gcc, 'new' by [1m cc\n");
	assert_has(annotated(gate),
		   "\n::warning title=gilscope gate::'old' is built by gcc, 'new' by [1m cc\n");
	assert_has(in_junit(gate),
		   "<property name=\"warning\" value=\"&#39;old&#39; is built by gcc");
}

static void an_exit_status_of_another_verdict_is_told(void **state)
{
	struct gate *gate = made_by_name("pass");

	(void)state;
	assert_lacks(printed(gate), "exit status");
	gate->verdict = VERDICT_INCONCLUSIVE;
	gate->exit_status = GATE_EXIT_PASS;
	assert_has(printed(gate), "the exit status is 0, as was asked for");
}

static void figures_that_are_too_wide_do_not_touch(void **state)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/threads/2");

	(void)state;
	gate->metrics[METRIC_WAIT_SHARE].allowed = (struct allowance){ 0.125, 0.015 };
	made_judgement(gate, cell, METRIC_WAIT_SHARE, 20, MADE_MEDIANS(0.2, 0.5),
		       VERDICT_INCONCLUSIVE);
	assert_has(printed(gate), "% +12.5%+1.5%     20 INCONCLUSIVE");
}

static void rows_fit_80_columns_and_all_fits_100(void **state)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/threads/2");
	const char *row;

	(void)state;
	made_judgement(gate, cell, METRIC_CONTENDED, 180, MADE_MEDIANS(123456, 789012),
		       VERDICT_INCONCLUSIVE);
	row = strstr(printed(gate), "\n contended ");
	assert_non_null(row);
	assert_true(strcspn(row + 1, "\n") <= 80);
	assert_true(widest_line(printed(made_by_name("many"))) <= 100);
	assert_true(widest_line(printed(made_by_name("nasty"))) <= 100);
}

static void what_a_program_printed_cannot_steer_a_terminal_or_a_log(void **state)
{
	(void)state;
	printed(made_by_name("nasty"));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	assert_lacks(text, "\n::");
	annotated(made_by_name("nasty"));
	assert_has(text, "::error title=ERROR%3A a%2Cb%3Ac|d<e>&::said: ");
	assert_lacks(text, "\n::error::");
	assert_lacks(text, "\r");
}

static const char *logged(const struct gate *gate, bool json)
{
	size_t length = 0;
	FILE *to;

	free(text);
	text = NULL;
	to = open_memstream(&text, &length);
	assert_non_null(to);
	assert_true(gate_print_log(gate, json, to));
	fclose(to);
	return text;
}

static void what_a_program_printed_is_no_command_in_a_log(void **state)
{
	struct gate *gate = made_by_name("many");
	char *same;

	(void)state;
	same = strdup(printed(gate));
	assert_string_equal(logged(gate, false), same);
	free(same);
	/* Long enough to be wrapped just before it. */
	snprintf(gate->cells[3].reason, sizeof(gate->cells[3].reason),
		 "the candidate said with so many words, of which not all fit into one line: %s %s",
		 "::stop-commands::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "x##[error]y std::z");
	assert_has(printed(gate), "\n            ::stop-commands::a");
	logged(gate, false);
	assert_has(text, "\n            : :stop-commands::a");
	assert_has(text, "x## [error]y");
	assert_has(text, "std::z");
	assert_has(logged(gate, true), "x##\\u005berror]y std::z");
}

static void the_most_urgent_cells_are_annotated(void **state)
{
	struct gate *gate = made_gate();

	(void)state;
	for (size_t i = 0; i < MADE_CELLS - 1; i++)
		made_verdict(gate, made_cell(gate, "one of many"), VERDICT_INCONCLUSIVE, "noise");
	made_verdict(gate, made_cell(gate, "first"), VERDICT_FAIL, "it crashed");
	made_verdict(gate, &gate->cells[gate->count - 2], VERDICT_FAIL, "it crashed, too");
	annotated(gate);
	assert_has(text, "it crashed\n");
	assert_has(text, "it crashed, too\n");
}

static void annotations_are_escaped_and_of_the_verdicts_kind(void **state)
{
	(void)state;
	annotated(made_by_name("many"));
	assert_begins(text, "::error title=gilscope gate%3A FAIL::countdown/gil:cpython3/2: time "
			    "of the work +12.8%25 (");
	assert_has(text, "\n::warning title=INCONCLUSIVE%3A countdown/threads/2::");
	assert_has(text, "\n::notice title=SKIPPED%3A command::there is one CPU\n");
	assert_begins(annotated(made_by_name("pass")), "::notice title=gilscope gate%3A PASS::");
}

static void no_more_annotations_are_made_than_are_shown(void **state)
{
	struct gate *gate = made_gate();
	size_t lines = 0;

	(void)state;
	for (size_t i = 0; i < MADE_CELLS; i++)
		made_verdict(gate, made_cell(gate, "command"), VERDICT_ERROR, "it is not there");
	annotated(gate);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 10);
}

static void the_summary_is_appended_to_what_is_there(void **state)
{
	char path[] = "/tmp/gate_show_test.XXXXXX", line[64] = "";
	const int file = mkstemp(path);
	struct err err = { 0 };
	FILE *from;

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(write(file, "before\n", 7), 7);
	close(file);
	assert_true(gate_append_summary(made_by_name("many"), path, &err));
	from = fopen(path, "re");
	assert_non_null(from);
	assert_non_null(fgets(line, sizeof(line), from));
	assert_string_equal(line, "before\n");
	assert_non_null(fgets(line, sizeof(line), from));
	assert_string_equal(line, "### gilscope gate: FAIL\n");
	fclose(from);
	unlink(path);
	assert_false(gate_append_summary(made_by_name("many"), "/nowhere/summary", &err));
	assert_has(err.text, "cannot append the summary to '/nowhere/summary': No such file");
	assert_false(gate_append_summary(made_by_name("many"), "/dev/full", &err));
	assert_has(err.text, "cannot append the summary to '/dev/full'");
}

static void figures_have_three_digits_and_their_unit(void **state)
{
	static const struct {
		enum metric_id metric;
		double value;
		const char *words;
	} rows[] = {
		{ METRIC_TIME, 30.1e6, "30.1 ms" },
		{ METRIC_TIME, 999.6e6, "1.00 s" },
		{ METRIC_TIME, 1234, "1.23 us" },
		{ METRIC_TIME, 99.96e3, "100 us" },
		{ METRIC_TIME, 12, "12 ns" },
		{ METRIC_TIME, 0, "0 ns" },
		{ METRIC_TIME, NAN, "-" },
		{ METRIC_TAKES, 0, "0" },
		{ METRIC_TAKES, 2.5, "2.5" },
		{ METRIC_TAKES, 1234, "1234" },
		{ METRIC_TAKES, 20000, "20.0k" },
		{ METRIC_TAKES, 1.234e6, "1.23M" },
		{ METRIC_WAIT_SHARE, 0.452, "45.2%" },
		{ METRIC_WAIT_SHARE, INFINITY, "-" },
	};
	char words[FIGURE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		figure_value(&metrics_usual[rows[i].metric], rows[i].value, words);
		assert_string_equal(words, rows[i].words);
	}
	figure_ratio(1.123, words);
	assert_string_equal(words, "+12.3%");
	figure_ratio(0.5, words);
	assert_string_equal(words, "-50.0%");
	figure_ratio(1234, words);
	assert_string_equal(words, "+1.2e+05%");
	figure_ratio(NAN, words);
	assert_string_equal(words, "-");
	figure_interval((struct interval){ 1.098, 1.141, true }, words);
	assert_string_equal(words, "+9.8..+14.1%");
	figure_interval((struct interval){ 0, 0, false }, words);
	assert_string_equal(words, "-");
	figure_allowed(&metrics_usual[METRIC_WAIT_SHARE], words);
	assert_string_equal(words, "+10%+1%");
}

static void a_bound_is_never_rounded_down(void **state)
{
	static const struct {
		double bound;
		const char *words;
	} rows[] = { { 0.000701, "0.071%" }, { 0.00007, "0.007%" }, { 0.0121, "1.3%" },
		     { 0.099001, "10%" },    { 1, "100%" },         { 0, "0%" } };
	char words[FIGURE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		figure_bound(rows[i].bound, words);
		assert_string_equal(words, rows[i].words);
	}
}

static void the_false_alarm_is_the_sum_over_what_is_gated(void **state)
{
	struct gate *gate = made_by_name("many");
	const double one = decide_false_alarm(DECIDE_MOST, true);

	(void)state;
	assert_true(one > 0 && one < 0.0005);
	assert_true(fabs(gate_false_alarm(gate) - 5 * one) < 1e-12);
	assert_true(gate_false_alarm(made_by_name("none")) == 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, drop)
	const struct CMUnitTest tests[] = {
		TEST(the_verdict_comes_first_with_the_cell_and_the_metric_that_made_it),
		TEST(a_cell_that_passed_hides_none_that_did_not),
		TEST(a_cell_that_had_all_pairs_is_not_sent_for_more),
		TEST(a_count_that_was_zero_has_a_difference_and_no_ratio),
		TEST(what_was_not_confirmed_is_told),
		TEST(a_metric_that_was_asked_for_and_is_not_known_has_its_reason),
		TEST(what_is_not_decided_fails_in_junit_where_that_was_asked_for),
		TEST(what_makes_a_gate_worth_less_is_told_to_all),
		TEST(an_exit_status_of_another_verdict_is_told),
		TEST(figures_that_are_too_wide_do_not_touch),
		TEST(rows_fit_80_columns_and_all_fits_100),
		TEST(what_a_program_printed_cannot_steer_a_terminal_or_a_log),
		TEST(what_a_program_printed_is_no_command_in_a_log),
		TEST(the_most_urgent_cells_are_annotated),
		TEST(annotations_are_escaped_and_of_the_verdicts_kind),
		TEST(no_more_annotations_are_made_than_are_shown),
		TEST(the_summary_is_appended_to_what_is_there),
		TEST(figures_have_three_digits_and_their_unit),
		TEST(a_bound_is_never_rounded_down),
		TEST(the_false_alarm_is_the_sum_over_what_is_gated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
