/* The table of the published experiment, on made-up cells. */
#include "bench/experiment.h"
#include "bench/traced.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

#define CELLS 24

static struct experiment experiment;
static struct runtimes runtimes;
static struct matrix matrix;
static struct counters none;
static struct cell cells[CELLS];
static char text[65536];
static const struct family scripts = { "python", "py" };

static struct runtime *python(void)
{
	return &runtimes.row[1];
}

static struct runtime *c(void)
{
	return &runtimes.row[0];
}

/* With samples of that time, and so many traced ones as there are counts. */
static struct cell *add(struct runtime *runtime, const char *mode, const char *gil,
			enum experiment_place place, uint64_t elapsed_ns)
{
	struct cell *cell = &cells[matrix.count++];

	*cell = (struct cell){
		.runtime = runtime, .workers = 2, .size = 1000000, .cpus = &experiment.cpus[place]
	};
	snprintf(cell->workload, sizeof(cell->workload), "countdown");
	snprintf(cell->mode, sizeof(cell->mode), "%s", mode);
	snprintf(cell->gil, sizeof(cell->gil), "%s", gil);
	cell_name(cell);
	for (unsigned round = 0; round < 6; round++) {
		struct sample sample = { .round = round, .elapsed_ns = elapsed_ns };

		sample.line = json_pack("{s:{}}", "params");
		cell_keep(cell, &sample, true);
	}
	return cell;
}

static void count(struct cell *cell, uint64_t one, uint64_t two, uint64_t three, uint64_t futex)
{
	cell_keep_calls(cell, (struct calls){ one, futex });
	cell_keep_calls(cell, (struct calls){ two, futex });
	cell_keep_calls(cell, (struct calls){ three, futex });
}

/* What an interpreter without processes says of itself. */
static void describe(struct runtime *runtime, const char *lacks)
{
	for (size_t i = 0; i < RUNTIME_WORKLOADS; i++)
		runtime->told[i] = json_loads(lacks, 0, NULL);
}

static int make(void **state)
{
	(void)state;
	matrix = (struct matrix){ .cells = cells, .runtimes = &runtimes };
	runtimes.count = 2;
	*c() = (struct runtime){ .name = "c", .version = "C, gcc" };
	*python() = (struct runtime){ .name = "python2.7",
				      .version = "CPython 2.7.18",
				      .family = &scripts };
	describe(c(), "{}");
	describe(python(), "{\"runtime\":{\"lacks\":{\"processes\":\"cannot fork\"}}}");
	experiment = (struct experiment){ .result = { .matrix = &matrix,
						      .runtimes = &runtimes,
						      .counters = &none,
						      .runs = 6,
						      .traced = 3 } };
	for (unsigned cpu = 0; cpu < PLACES; cpu++) {
		CPU_SET(cpu, &experiment.cpus[TWO_CPUS]);
		CPU_SET(0, &experiment.cpus[ONE_CPU]);
	}
	return 0;
}

static int finish(void **state)
{
	(void)state;
	for (size_t i = 0; i < matrix.count; i++)
		cell_finish(&cells[i]);
	runtimes_finish(&runtimes);
	for (size_t i = 0; i < RUNTIME_WORKLOADS; i++) {
		json_decref(c()->told[i]);
		json_decref(python()->told[i]);
	}
	return 0;
}

static const struct experiment_row *row(const char *name)
{
	for (size_t i = 0; i < experiment.count; i++) {
		if (strcmp(experiment.rows[i].name, name) == 0)
			return &experiment.rows[i];
	}
	fail_msg("there is no row of %s", name);
	return NULL;
}

static void fill(void)
{
	cells_summarize(cells, matrix.count);
	experiment_fill(&experiment);
}

static void print(void (*write)(const struct experiment *experiment, FILE *to))
{
	FILE *to = fmemopen(text, sizeof(text), "w");

	write(&experiment, to);
	fclose(to);
}

static void print_subject(void (*write)(const void *subject, FILE *to))
{
	FILE *to = fmemopen(text, sizeof(text), "w");

	write(&experiment, to);
	fclose(to);
}

static bool has(const char *words)
{
	return strstr(text, words) != NULL;
}

static void what_was_published_stands_first_by_its_source(void **state)
{
	const struct experiment_row *first;

	(void)state;
	fill();
	first = &experiment.rows[0];
	assert_string_equal(first->group, "published");
	assert_non_null(strstr(first->source, "117 system calls sequential, 3.3 million"));
	assert_true(first->points[SEQUENTIAL][ONE_CPU].calls == 117);
	assert_true(first->points[THREADS][TWO_CPUS].calls == 9.5e6);
	assert_true(fabs(experiment_per_million(first, 9.5e6) - 47500) < 1e-6);
	assert_true(isnan(experiment_per_s(first, TWO_CPUS, 9.5e6)));
	assert_true(fabs(first->points[THREADS][TWO_CPUS].ratio - 11.76 / 7.77) < 1e-9);
}

static void the_middle_of_three_is_told_with_the_least_and_the_most(void **state)
{
	const struct experiment_point *point;

	(void)state;
	add(python(), "sequential", "", TWO_CPUS, 500000000);
	count(add(python(), "threads", "", TWO_CPUS, 1000000000), 300, 100, 220, 70);
	fill();
	point = &row("python2.7")->points[THREADS][TWO_CPUS];
	assert_true(point->calls == 220);
	assert_true(point->calls_low == 100);
	assert_true(point->calls_high == 300);
	assert_true(point->futex == 70);
	assert_true(point->ratio == 2);
	assert_true(experiment_per_million(row("python2.7"), point->calls) == 220);
	/* Twice as many in a second of half a second. */
	assert_true(experiment_per_s(row("python2.7"), TWO_CPUS, point->calls) == 440);
	print(experiment_print);
	assert_true(has("220 ±45%"));
	print_subject(experiment_tsv);
	assert_true(
		has("interpreter\tpython2.7\tCPython 2.7.18\tthreads\t2\t1000000\t220\t100\t300\t"
		    "70\t220\t440\t1000000000\t2\t2\t2\tpython2.7:countdown/threads/2/cpus=2\t\n"));
}

static void a_lock_model_has_threads_of_its_own_and_shares_the_rest(void **state)
{
	(void)state;
	count(add(c(), "sequential", "", ONE_CPU, 1000), 90, 90, 90, 0);
	count(add(c(), "threads", "", ONE_CPU, 1000), 100, 100, 100, 1);
	count(add(c(), "gil", "cpython2", ONE_CPU, 3000), 5000, 5000, 5000, 4000);
	fill();
	assert_string_equal(row("no lock")->group, "model");
	assert_true(row("no lock")->points[THREADS][ONE_CPU].calls == 100);
	assert_true(row("cpython2")->points[THREADS][ONE_CPU].calls == 5000);
	assert_true(row("cpython2")->points[THREADS][ONE_CPU].ratio == 3);
	assert_true(row("cpython2")->points[SEQUENTIAL][ONE_CPU].calls == 90);
}

static void the_same_work_in_another_place_is_no_reference(void **state)
{
	(void)state;
	add(c(), "sequential", "", ONE_CPU, 1000);
	add(c(), "threads", "", TWO_CPUS, 1000);
	fill();
	assert_true(isnan(row("no lock")->points[THREADS][TWO_CPUS].ratio));
}

static void what_is_not_known_comes_first_with_its_reason(void **state)
{
	(void)state;
	runtimes.count = 3;
	runtimes.row[2] =
		(struct runtime){ .name = "jython", .reason = "'jython' is not in $PATH" };
	cell_lose_calls(add(python(), "sequential", "", ONE_CPU, 1000), "3 events were lost");
	cell_fail(add(python(), "threads", "", ONE_CPU, 1000), "was killed by signal 9");
	snprintf(experiment.two_reason, sizeof(experiment.two_reason), "there is one CPU");
	fill();
	assert_string_equal(row("jython")->reason, "'jython' is not in $PATH");
	assert_true(isnan(row("python2.7")->points[THREADS][ONE_CPU].time_ns));
	assert_true(isnan(row("python2.7")->points[SEQUENTIAL][ONE_CPU].calls));
	assert_true(row("python2.7")->points[SEQUENTIAL][ONE_CPU].time_ns == 1000);
	print(experiment_print);
	assert_ptr_equal(strstr(text, "NOT MEASURED: there is no jython: 'jython' is not in $PATH"),
			 text);
	assert_true(has("NOT KNOWN: the calls of python2.7, sequential, on one CPU: 3 events"));
	assert_true(has("all of python2.7, threads, on one CPU: was killed by signal 9"));
	assert_true(has("all of python2.7, processes, on one CPU: cannot fork"));
	assert_true(has("on two CPUs, and 5 more: there is one CPU"));
	assert_false(has("nothing was lost"));
	print_subject(experiment_tsv);
	assert_true(has("interpreter\tjython\t-\tsequential\t1\tNaN\tNaN\t"));
	runtimes.count = 2;
}

static void that_all_is_known_is_said_too(void **state)
{
	(void)state;
	runtimes.count = 1;
	for (enum experiment_place place = 0; place < PLACES; place++) {
		count(add(c(), "sequential", "", place, 1000), 1, 1, 1, 0);
		count(add(c(), "threads", "", place, 1000), 1, 1, 1, 0);
		count(add(c(), "processes", "", place, 1000), 1, 1, 1, 0);
	}
	fill();
	print(experiment_print);
	assert_ptr_equal(strstr(text, "nothing was lost, all is known\n"), text);
	runtimes.count = 2;
}

/* With single quotes for double ones, to be read by people. */
static bool reads(const char *report, struct calls *calls, struct err *err)
{
	char quoted[512];

	assert_true((size_t)snprintf(quoted, sizeof(quoted), "%s", report) < sizeof(quoted));
	for (char *at = quoted; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	*err = (struct err){ 0 };
	return traced_read_calls(quoted, calls, err);
}

#define WHOLE "'lost':0,'troubles':[]"
#define TOTALS "'totals':{'calls':120,'futex':7}"

static void a_count_of_which_some_was_lost_is_not_known(void **state)
{
	static const struct {
		const char *report, *reason;
	} wrong[] = {
		{ "{'recorded':{'lost':3,'ways':[{'mode':'patch'}]}," TOTALS "}",
		  "3 events of its trace were lost" },
		{ "{'recorded':{'lost':0,'troubles':[{'trouble':'cut off'}],"
		  "'ways':[{'mode':'patch'}]}," TOTALS "}",
		  "its trace is not whole: cut off" },
		{ "{'recorded':{" WHOLE ",'ways':[{'mode':'patch'},"
		  "{'mode':'off','reason':'forbidden'}]}," TOTALS "}",
		  "not recorded: forbidden" },
		{ "{'recorded':{" WHOLE ",'ways':[{'mode':null,'reason':null}]}," TOTALS "}",
		  "not recorded: the trace does not say why" },
		{ "{'recorded':{" WHOLE ",'ways':[{'mode':'dispatch'}]},'totals':null,"
		  "'totals_reason':'nobody called'}",
		  "not recorded: nobody called" },
		{ "{'recorded':{" WHOLE ",'ways':[{'mode':'patch'}]},"
		  "'totals':{'calls':7,'futex':120}}",
		  "gilscope report has totals that cannot be" },
		{ "{" TOTALS "}", "gilscope report does not say what was lost" },
		{ "{'recorded':{" WHOLE "}," TOTALS "}",
		  "gilscope report does not say how they were recorded" },
	};
	struct calls calls;
	struct err err;

	(void)state;
	assert_true(reads("{'recorded':{" WHOLE ",'ways':[{'mode':'patch','reason':null},"
			  "{'mode':'dispatch','reason':'no patches'}]}," TOTALS "}",
			  &calls, &err));
	assert_int_equal(calls.syscalls, 120);
	assert_int_equal(calls.futex, 7);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(reads(wrong[i].report, &calls, &err));
		assert_string_equal(err.text, wrong[i].reason);
	}
	assert_false(reads("gilscope: no", &calls, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_published_stands_first_by_its_source, make,
						finish),
		cmocka_unit_test_setup_teardown(
			the_middle_of_three_is_told_with_the_least_and_the_most, make, finish),
		cmocka_unit_test_setup_teardown(
			a_lock_model_has_threads_of_its_own_and_shares_the_rest, make, finish),
		cmocka_unit_test_setup_teardown(the_same_work_in_another_place_is_no_reference,
						make, finish),
		cmocka_unit_test_setup_teardown(what_is_not_known_comes_first_with_its_reason, make,
						finish),
		cmocka_unit_test_setup_teardown(that_all_is_known_is_said_too, make, finish),
		cmocka_unit_test(a_count_of_which_some_was_lost_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
