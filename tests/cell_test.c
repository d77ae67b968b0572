/* Cells: what is the reference of what, ratios within rounds, medians of what was counted; and the
 * matrix that the options make. All on made-up samples. */
#include "bench/matrix.h"
#include "bench/runtime.h"

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct cell made(const char *workload, const char *mode, unsigned workers, uint64_t size)
{
	struct cell cell = { .workers = workers, .size = size };

	snprintf(cell.workload, sizeof(cell.workload), "%s", workload);
	snprintf(cell.mode, sizeof(cell.mode), "%s", mode);
	cell_name(&cell);
	return cell;
}

static void set(struct cell *cell, const char *name, const char *value)
{
	struct setting *setting = &cell->settings[cell->setting_count++];

	snprintf(setting->name, sizeof(setting->name), "%s", name);
	snprintf(setting->value, sizeof(setting->value), "%s", value);
	cell_name(cell);
}

static void add(struct cell *cell, unsigned round, uint64_t elapsed_ns)
{
	struct sample sample = { .round = round, .elapsed_ns = elapsed_ns, .nvcsw = round };
	json_t *params = json_object();

	for (size_t i = 0; i < cell->setting_count; i++)
		json_object_set_new(params, cell->settings[i].name,
				    json_string(cell->settings[i].value));
	sample.line = json_pack("{s:o}", "params", params);
	cell_keep(cell, &sample, true);
}

static void ratios_are_taken_within_rounds_so_that_drift_cancels(void **state)
{
	struct cell cells[2] = { made("w", "sequential", 2, 10), made("w", "threads", 2, 10) };

	(void)state;
	/* The machine becomes ten times slower; threads always take half as long. */
	for (unsigned round = 0; round < 9; round++) {
		add(&cells[0], round, 1000 + 1000 * round);
		add(&cells[1], round, 500 + 500 * round);
	}
	cells_summarize(cells, 2);
	assert_ptr_equal(cells[1].summary.reference, &cells[0]);
	assert_null(cells[0].summary.reference);
	assert_true(cells[1].summary.relative == 0.5);
	assert_true(cells[1].summary.relative_ci95.known);
	assert_true(cells[1].summary.relative_ci95.low == 0.5);
	assert_true(cells[1].summary.relative_ci95.high == 0.5);
	cell_finish(&cells[0]);
	cell_finish(&cells[1]);
}

static void a_round_that_only_one_of_them_has_does_not_count(void **state)
{
	struct cell cells[2] = { made("w", "sequential", 2, 10), made("w", "threads", 2, 10) };

	(void)state;
	add(&cells[0], 0, 1000);
	add(&cells[1], 1, 9000);
	cells_summarize(cells, 2);
	assert_null(cells[1].summary.reference);
	add(&cells[1], 0, 3000);
	cells_summarize(cells, 2);
	assert_true(cells[1].summary.relative == 3);
	assert_false(cells[1].summary.relative_ci95.known);
	cell_finish(&cells[0]);
	cell_finish(&cells[1]);
}

static void other_work_is_no_reference_but_other_cpus_are(void **state)
{
	struct cell cells[5] = { made("w", "sequential", 2, 10), made("w", "threads", 2, 11),
				 made("w", "threads", 3, 10), made("v", "threads", 2, 10),
				 made("w", "threads", 2, 10) };

	(void)state;
	set(&cells[0], "cpus", "1");
	for (size_t i = 0; i < 5; i++)
		add(&cells[i], 0, 100);
	cells_summarize(cells, 5);
	assert_null(cells[1].summary.reference);
	assert_null(cells[2].summary.reference);
	assert_null(cells[3].summary.reference);
	assert_ptr_equal(cells[4].summary.reference, &cells[0]);
	for (size_t i = 0; i < 5; i++)
		cell_finish(&cells[i]);
}

static void the_reference_on_the_same_cpus_is_preferred(void **state)
{
	struct cell cells[4] = { made("w", "sequential", 2, 10), made("w", "sequential", 2, 10),
				 made("w", "threads", 2, 10), made("w", "threads", 2, 10) };

	(void)state;
	set(&cells[1], "cpus", "1");
	set(&cells[2], "cpus", "1");
	for (size_t i = 0; i < 4; i++)
		add(&cells[i], 0, 100);
	cells_summarize(cells, 4);
	assert_ptr_equal(cells[2].summary.reference, &cells[1]);
	assert_ptr_equal(cells[3].summary.reference, &cells[0]);
	for (size_t i = 0; i < 4; i++)
		cell_finish(&cells[i]);
}

static void a_reference_with_other_settings_is_none(void **state)
{
	struct cell cells[2] = { made("w", "sequential", 2, 10), made("w", "threads", 2, 10) };

	(void)state;
	set(&cells[0], "merge", "tree");
	set(&cells[1], "merge", "serial");
	add(&cells[0], 0, 100);
	add(&cells[1], 0, 100);
	cells_summarize(cells, 2);
	assert_null(cells[1].summary.reference);
	cell_finish(&cells[0]);
	cell_finish(&cells[1]);
}

static void another_runtime_is_no_reference_and_is_named_in_the_id(void **state)
{
	struct runtime python = { .name = "python3" }, pypy = { .name = "pypy3" };
	struct cell cells[3] = { made("w", "sequential", 2, 10), made("w", "sequential", 2, 10),
				 made("w", "threads", 2, 10) };

	(void)state;
	cells[1].runtime = &pypy;
	cells[2].runtime = &python;
	for (size_t i = 0; i < 3; i++) {
		cell_name(&cells[i]);
		add(&cells[i], 0, 100);
	}
	assert_string_equal(cells[0].id, "w/sequential/2");
	assert_string_equal(cells[2].id, "python3:w/threads/2");
	cells_summarize(cells, 3);
	assert_null(cells[2].summary.reference);
	cells[1].runtime = &python;
	cells_summarize(cells, 3);
	assert_ptr_equal(cells[2].summary.reference, &cells[1]);
	for (size_t i = 0; i < 3; i++)
		cell_finish(&cells[i]);
}

static void a_cell_without_known_switches_has_no_median_of_them(void **state)
{
	struct cell cell = made("w", "threads", 2, 10);
	struct sample sample = { .elapsed_ns = 5, .nvcsw = 3 };

	(void)state;
	cell_keep(&cell, &sample, true);
	cells_summarize(&cell, 1);
	assert_true(cell.summary.nvcsw == 3);
	sample.switches_unknown = true;
	cell_keep(&cell, &sample, true);
	cells_summarize(&cell, 1);
	assert_true(isnan(cell.summary.nvcsw) && isnan(cell.summary.nivcsw));
	cell_finish(&cell);
}

static void what_is_counted_apart_has_a_median_and_what_is_not_counted_has_none(void **state)
{
	struct cell cell = made("w", "threads", 2, 10);
	struct sample sample = { .elapsed_ns = 5 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		sample.counters[0] = (struct counter_value){ .known = true, .value = 10 + i };
		cell_keep(&cell, &sample, true);
	}
	sample.counters[0].value = 1000;
	for (unsigned i = 0; i < 5; i++) {
		sample.counters[1] = (struct counter_value){ .known = true, .value = i };
		cell_keep(&cell, &sample, false);
	}
	cells_summarize(&cell, 1);
	assert_int_equal(cell.summary.n, 4);
	assert_true(cell.summary.counters[0] == 11.5);
	assert_true(cell.summary.counters[1] == 2);
	assert_true(cell.summary.counters[2] < 0);
	cell_finish(&cell);
}

static const struct param options[] = {
	{ .name = "full", .kind = PARAM_FLAG },
	{ .name = "workload", .kind = PARAM_TEXT },
	{ .name = "mode", .kind = PARAM_TEXT },
	{ .name = "gil", .kind = PARAM_TEXT },
	{ .name = "workers", .kind = PARAM_TEXT },
	{ .name = "set", .kind = PARAM_TEXT },
	{ .name = "size", .kind = PARAM_NUMBER, .fallback = "0", .high = 1000000 },
	{ 0 },
};

static void fill(struct matrix *matrix, const char *const (*given)[2])
{
	struct param_set wishes = { 0 };
	struct err err = { 0 };

	param_set_add(&wishes, options);
	for (; (*given)[0]; given++)
		assert_true(param_set_text(&wishes, (*given)[0], (*given)[1], &err));
	assert_true(matrix_fill(matrix, &wishes, &err));
}

static void options_narrow_the_suite_to_their_cells(void **state)
{
	static const char *const given[][2] = { { "workload", "countdown" },
						{ "mode", "threads,gil" },
						{ "gil", "cpython2" },
						{ "workers", "3" },
						{ "size", "77" },
						{ "set", "tick-ns=5,cpus=2" },
						{ NULL, NULL } };
	struct matrix matrix = { 0 };

	(void)state;
	fill(&matrix, given);
	/* The row for one CPU has other workers: it is left out. */
	assert_int_equal(matrix.count, 2);
	assert_string_equal(matrix.cells[0].id, "countdown/threads/3/cpus=2/tick-ns=5");
	assert_string_equal(matrix.cells[1].id, "countdown/gil:cpython2/3/cpus=2/tick-ns=5");
	assert_int_equal(matrix.cells[0].size, 77);
	matrix_finish(&matrix);
}

static void the_suite_has_every_cell_once(void **state)
{
	static const char *const nothing[][2] = { { NULL, NULL } };
	struct matrix matrix = { 0 };

	(void)state;
	fill(&matrix, nothing);
	assert_true(matrix.count > 40);
	for (size_t i = 0; i < matrix.count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(matrix.cells[i].id, matrix.cells[j].id);
	}
	matrix_finish(&matrix);
}

static void refused(const char *name, const char *text, const char *sentence)
{
	struct param_set wishes = { 0 };
	struct matrix matrix = { 0 };
	struct err err = { 0 };

	param_set_add(&wishes, options);
	assert_true(param_set_text(&wishes, name, text, &err));
	assert_false(matrix_fill(&matrix, &wishes, &err));
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.code, EXIT_MISUSE);
	matrix_finish(&matrix);
}

static void what_cannot_be_is_refused_in_one_sentence(void **state)
{
	(void)state;
	refused("workload", "countdwon", "unknown workload 'countdwon'; did you mean 'countdown'?");
	refused("workers", "0", "--workers '0' is out of range; give 1 to 1024");
	refused("workers", "two", "--workers 'two' is not a number; give 1 to 1024");
	refused("set", "interval", "--set 'interval' is not NAME=VALUE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_taken_within_rounds_so_that_drift_cancels),
		cmocka_unit_test(a_round_that_only_one_of_them_has_does_not_count),
		cmocka_unit_test(other_work_is_no_reference_but_other_cpus_are),
		cmocka_unit_test(the_reference_on_the_same_cpus_is_preferred),
		cmocka_unit_test(a_reference_with_other_settings_is_none),
		cmocka_unit_test(another_runtime_is_no_reference_and_is_named_in_the_id),
		cmocka_unit_test(a_cell_without_known_switches_has_no_median_of_them),
		cmocka_unit_test(
			what_is_counted_apart_has_a_median_and_what_is_not_counted_has_none),
		cmocka_unit_test(options_narrow_the_suite_to_their_cells),
		cmocka_unit_test(the_suite_has_every_cell_once),
		cmocka_unit_test(what_cannot_be_is_refused_in_one_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
