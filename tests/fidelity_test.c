/* The table of models beside interpreters, on made-up cells. */
#include "bench/fidelity.h"
#include "bench/runtime.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define CELLS 6

static struct runtime python = { .name = "python3", .version = "CPython 3.11.2" }, c;
static const struct family scripts = { "python", "py" };
static struct cell cells[CELLS];
static struct matrix matrix = { .cells = cells };
static struct fidelity table;
static char text[8192];

static struct cell *add(struct runtime *runtime, const char *workload, const char *mode,
			double relative)
{
	struct cell *cell = &cells[matrix.count++];

	*cell = (struct cell){ .runtime = runtime, .status = CELL_OK, .count = 1 };
	snprintf(cell->workload, sizeof(cell->workload), "%s", workload);
	snprintf(cell->mode, sizeof(cell->mode), "%s", mode);
	cell->summary.relative = relative;
	cell->summary.reference = cell;
	return cell;
}

static int make(void **state)
{
	(void)state;
	python.family = &scripts;
	matrix.count = 0;
	table = (struct fidelity){ .count = 0 };
	return 0;
}

static const struct fidelity_row *row(const char *quantity)
{
	for (size_t i = 0; i < table.count; i++) {
		if (strcmp(table.rows[i].quantity, quantity) == 0)
			return &table.rows[i];
	}
	fail_msg("there is no row of %s", quantity);
	return NULL;
}

static void print(void (*write)(const struct fidelity *fidelity, FILE *to))
{
	FILE *to = fmemopen(text, sizeof(text), "w");

	write(&table, to);
	fclose(to);
}

static void the_models_threads_are_those_behind_its_lock(void **state)
{
	(void)state;
	add(&python, "countdown", "threads", 1.0);
	add(&c, "countdown", "gil", 1.05);
	add(&c, "countdown", "threads", 0.5);
	fidelity_add(&table, &matrix, &python);
	assert_true(row("countdown, threads")->interpreter == 1.0);
	assert_true(row("countdown, threads")->model_value == 1.05);
	assert_string_equal(row("countdown, threads")->model, "cpython3");
}

static void what_failed_is_not_known(void **state)
{
	(void)state;
	add(&python, "countdown", "threads", 1.0);
	add(&c, "countdown", "gil", 1.05)->status = CELL_FAILED;
	fidelity_add(&table, &matrix, &python);
	assert_true(row("countdown, threads")->model_value < 0);
	print(fidelity_tsv);
	assert_non_null(strstr(text, "countdown, threads\tx sequential\t1\t\t\tnot known\t"));
}

static void what_lies_outside_ten_per_cent_differs_and_is_counted(void **state)
{
	(void)state;
	add(&python, "countdown", "threads", 1.0);
	add(&c, "countdown", "gil", 1.05);
	add(&python, "mergesort", "processes", 0.5);
	add(&c, "mergesort", "processes", 0.8);
	fidelity_add(&table, &matrix, &python);
	print(fidelity_print);
	assert_non_null(strstr(
		text, "1 of 2 quantities are within 10 %, of 0 the intervals leave it open"));
	assert_non_null(strstr(text, "differs"));
	assert_non_null(strstr(text, "objects of its own"));
}

static void what_the_intervals_leave_open_is_not_decided(void **state)
{
	struct cell *theirs = add(&python, "countdown", "threads", 1.0);
	struct cell *ours = add(&c, "countdown", "gil", 1.2);

	(void)state;
	theirs->summary.relative_ci95 =
		(struct interval){ .known = true, .low = 0.9, .high = 1.15 };
	ours->summary.relative_ci95 = (struct interval){ .known = true, .low = 1.1, .high = 1.3 };
	fidelity_add(&table, &matrix, &python);
	print(fidelity_tsv);
	assert_non_null(strstr(text, "\t1.2\tnot decided\t"));
	ours->summary.relative_ci95.low = 1.19;
	theirs->summary.relative_ci95.high = 1.05;
	table.count = 0;
	fidelity_add(&table, &matrix, &python);
	print(fidelity_tsv);
	assert_non_null(strstr(text, "\t1.2\tdiffers\t"));
}

static void versions_have_their_models(void **state)
{
	static const struct {
		const char *version, *model;
	} known[] = {
		{ "CPython 2.7.18", "cpython2" },   { "CPython 3.11.2", "cpython3" },
		{ "CPython 3.13.0", "cpython313" }, { "PyPy 7.3.11, Python 3.9.16", "pypy" },
		{ "CRuby 3.1.2", "ruby" },          { "CRuby 3.3.8", "ruby33" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct runtime runtime = { .name = "r" };

		snprintf(runtime.version, sizeof(runtime.version), "%s", known[i].version);
		assert_string_equal(fidelity_model(&runtime), known[i].model);
	}
	assert_null(fidelity_model(&(struct runtime){ .version = "Jython 2.7.3" }));
	assert_null(fidelity_model(&(struct runtime){ .version = "CPython 3.13.5 free-threaded" }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_models_threads_are_those_behind_its_lock, make),
		cmocka_unit_test_setup(what_failed_is_not_known, make),
		cmocka_unit_test_setup(what_lies_outside_ten_per_cent_differs_and_is_counted, make),
		cmocka_unit_test_setup(what_the_intervals_leave_open_is_not_decided, make),
		cmocka_unit_test_setup(versions_have_their_models, make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
