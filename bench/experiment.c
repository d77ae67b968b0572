/* gilscope experiment: measures what the published one did, for every lock model and runtime. */
#include "command/command.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "base/home.h"
#include "bench/experiment.h"
#include "bench/measure.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKLOAD "countdown"
#define DRAW_LIMIT_NS UINT64_C(120000000000)

static const struct param params[] = {
	{ .name = "quick",
	  .kind = PARAM_FLAG,
	  .help = "sizes of 100 ms, 3 runs and 1 traced: a minute or two" },
	{ .name = "runtime",
	  .kind = PARAM_TEXT,
	  .value = "R,..",
	  .help = "what runs it: c, python3 ..., see gilscope list runtimes, or any interpreter as "
		  "NAME=COMMAND; without it, all of that list" },
	{ .name = "gil",
	  .kind = PARAM_TEXT,
	  .value = "G,..",
	  .help = "these lock models; without it, all of gilscope list gils" },
	{ .name = "time",
	  .kind = PARAM_TIME,
	  .fallback = "1s",
	  .low = 1000000,
	  .high = 3600000000000,
	  .value = "TIME",
	  .help = "about how long one after the other lasts: the size is found for each runtime" },
	{ .name = "size",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .high = 1000000000000,
	  .value = "N",
	  .help = "decrements of both shares, for all runtimes, instead of --time; the published "
		  "are 200M" },
	{ .name = "runs",
	  .kind = PARAM_NUMBER,
	  .fallback = "7",
	  .low = 1,
	  .high = 1000,
	  .value = "N",
	  .help = "timed samples per cell, each a fresh process; 3 more are traced" },
	{ .name = "limit",
	  .kind = PARAM_TIME,
	  .fallback = "300s",
	  .low = 1000000,
	  .high = 86400000000000,
	  .value = "TIME",
	  .help = "a sample that takes longer is killed, and fails its cell" },
	{ .name = "seed",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .high = INT64_MAX,
	  .value = "N",
	  .help = "of the order in which cells are measured" },
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .fallback = "results/experiment",
	  .value = "DIR",
	  .help = "the folder for experiment.json, experiment.tsv and the chart; -o for short" },
	{ 0 },
};

static const struct result_output outputs[] = {
	{ "experiment.tsv", experiment_tsv },
	{ "experiment.json", experiment_json },
	{ 0 },
};

/* The first so many of the CPUs that are allowed, one of each core first. */
static bool choose_cpus(struct experiment *experiment, enum experiment_place place)
{
	const size_t wanted = (size_t)place + 1, room = sizeof(experiment->cpus_list[place]);
	char spread[512], *list = experiment->cpus_list[place], *rest, *word;
	size_t count = 0, used = 0;

	CPU_ZERO(&experiment->cpus[place]);
	if (!cpus_spread("", experiment->result.machine.cpus_list, spread, sizeof(spread)))
		return false;
	for (word = strtok_r(spread, ",", &rest); word && count < wanted;
	     word = strtok_r(NULL, ",", &rest)) {
		const unsigned long cpu = strtoul(word, NULL, 10);

		if (cpu >= CPU_SETSIZE)
			continue;
		CPU_SET(cpu, &experiment->cpus[place]);
		used += (size_t)snprintf(list + used, room - used, "%s%lu", count ? "," : "", cpu);
		count++;
	}
	return count == wanted;
}

static bool find_places(struct experiment *experiment, struct err *err)
{
	if (!choose_cpus(experiment, ONE_CPU))
		return err_set(err, EXIT_IMPOSSIBLE,
			       "cannot find out which CPUs this process may use");
	if (!choose_cpus(experiment, TWO_CPUS)) {
		experiment->cpus_list[TWO_CPUS][0] = '\0';
		snprintf(experiment->two_reason, sizeof(experiment->two_reason),
			 "this process may use one CPU, %.30s", experiment->cpus_list[ONE_CPU]);
	}
	return true;
}

/* What the cells of one run have in common. */
struct plan {
	struct experiment *experiment;
	struct matrix *matrix;
	const struct param_set *options;
};

/* In each place. */
static bool add_cells(const struct plan *plan, struct runtime *runtime, const char *mode,
		      const char *gil, struct err *err)
{
	struct experiment *experiment = plan->experiment;
	const enum experiment_place places = experiment->two_reason[0] ? TWO_CPUS : PLACES;

	for (enum experiment_place place = 0; place < places; place++) {
		struct cell *cell = &plan->matrix->cells[plan->matrix->count];

		if (plan->matrix->count == CELLS_MAX)
			return err_set(err, EXIT_MISUSE, "more than %d cells; ask for less",
				       CELLS_MAX);
		plan->matrix->count++;
		*cell = (struct cell){ .runtime = runtime,
				       .workers = EXPERIMENT_SHARES,
				       .cpus = &experiment->cpus[place],
				       .size = param_number(plan->options, "size"),
				       .target_ns = param_number(plan->options, "time") };
		snprintf(cell->workload, sizeof(cell->workload), WORKLOAD);
		snprintf(cell->mode, sizeof(cell->mode), "%s", mode);
		snprintf(cell->gil, sizeof(cell->gil), "%s", gil);
		cell_name(cell);
	}
	return true;
}

/* Takes the next word of a list; the empty list has one, which is empty. */
static bool next_word(const char **list, char *word, size_t room)
{
	const size_t length = *list ? strcspn(*list, ",") : 0;

	if (!*list)
		return false;
	snprintf(word, room, "%.*s", (int)length, *list);
	*list = (*list)[length] == ',' ? *list + length + 1 : NULL;
	return true;
}

/* Without a list all are. */
static bool is_asked(const char *list, const char *name)
{
	const bool all = !list;
	char word[64];

	while (next_word(&list, word, sizeof(word))) {
		if (strcmp(word, name) == 0)
			return true;
	}
	return all;
}

/* Each word of the list must be a model. */
static bool check_models(const char *list, const json_t *models, struct err *err)
{
	const char *names[EXPERIMENT_ROWS];
	const size_t count = json_array_size(models);
	char word[64];

	for (size_t i = 0; i < count; i++)
		names[i] = json_string_value(json_object_get(json_array_get(models, i), "name"));
	while (next_word(&list, word, sizeof(word))) {
		size_t i = 0;

		while (i < count && strcmp(names[i], word) != 0)
			i++;
		if (i == count)
			return param_unknown("lock model", word, names, count, err);
	}
	return true;
}

static bool add_models(const struct plan *plan, struct runtime *runtime, const json_t *told,
		       struct err *err)
{
	const json_t *models = json_object_get(told, "gils"), *model;
	const char *asked = param_text(plan->options, "gil");
	size_t i;

	if (json_array_size(models) > EXPERIMENT_ROWS / 2)
		return err_set(err, EXIT_IMPOSSIBLE, "there are too many lock models");
	if (!check_models(asked, models, err))
		return false;
	json_array_foreach((json_t *)models, i, model)
	{
		const char *name = json_string_value(json_object_get(model, "name"));

		if (is_asked(asked, name) && !add_cells(plan, runtime, "gil", name, err))
			return false;
	}
	return true;
}

static bool add_runtime(const struct plan *plan, struct runtime *runtime, struct err *err)
{
	const json_t *told = runtime_describe(runtime, plan->matrix->folder, WORKLOAD, err);

	if (!told)
		return false;
	for (enum experiment_way way = 0; way < WAYS; way++) {
		const char *mode = experiment_mode(way);

		if (runtime_has_mode(told, mode) && !add_cells(plan, runtime, mode, "", err))
			return false;
	}
	return runtime->family || add_models(plan, runtime, told, err);
}

static bool fill(const struct plan *plan, struct err *err)
{
	struct runtimes *runtimes = plan->experiment->result.runtimes;
	bool any_c = false;

	plan->matrix->cells = calloc(CELLS_MAX, sizeof(*plan->matrix->cells));
	if (!plan->matrix->cells)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate the matrix");
	for (size_t i = 0; i < runtimes->count; i++) {
		if (!runtimes->row[i].reason[0] && !add_runtime(plan, &runtimes->row[i], err))
			return false;
		any_c |= strcmp(runtimes->row[i].name, "c") == 0;
	}
	if (!any_c && param_text(plan->options, "gil"))
		return err_set(err, EXIT_MISUSE,
			       "--gil '%s' is a model of the C workloads; give --runtime c,...",
			       param_text(plan->options, "gil"));
	return plan->matrix->count > 0 ||
	       err_set(err, EXIT_IMPOSSIBLE, "nothing to measure: there is no %s: %s",
		       runtimes->row[0].name, runtimes->row[0].reason);
}

static bool set_up(struct sampler *sampler, const struct plan *plan, struct err *err)
{
	const struct param_value *names = param_get(plan->options, "runtime");
	struct result *result = &plan->experiment->result;

	result->runs = (unsigned)param_number(plan->options, "runs");
	result->traced = param_number(plan->options, "quick") ? 1 : CELL_TRACED;
	result->seed = param_number(plan->options, "seed");
	sampler->limit_ns = param_number(plan->options, "limit");
	machine_read(&result->machine);
	if (!names->given)
		runtimes_all(result->runtimes, sampler->workloads);
	else if (!runtimes_find(result->runtimes, names, sampler->workloads, err))
		return false;
	return find_places(plan->experiment, err) && fill(plan, err);
}

static void run_matrix(struct sampler *sampler, struct result *result, struct matrix *matrix)
{
	const uint64_t start = clock_now_ns();
	struct disturbance before, after;

	result->started = time(NULL);
	disturbance_read(&before);
	calibrate(sampler, matrix, result->calibrations, &result->calibration_count);
	measure(sampler, result, matrix);
	disturbance_read(&after);
	result->duration_ns = clock_now_ns() - start;
	result->disturbance = disturbance_between(&before, &after);
	if (process_stop_signal())
		result->partial_reason = "ended by a signal";
	cells_summarize(matrix->cells, matrix->count);
}

/* By gilscope plot; a machine without gnuplot has its tables all the same. */
static void draw(struct process *process, const char *folder)
{
	char self[PATH_MAX] = "", command[] = "plot", path[PATH_MAX];
	char *const words[] = { self, command, path, NULL };
	struct err err = { 0 };

	snprintf(path, sizeof(path), "%s", folder);
	process->cpus = NULL;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		printf("no chart: cannot find gilscope itself: %s\n", strerror(errno));
	else if (!process_run(process, words, NULL, DRAW_LIMIT_NS, &err) ||
		 !process_judge(process, DRAW_LIMIT_NS, &err))
		printf("no chart: gilscope plot %s\n", err.text);
	else
		printf("%s", process->output);
}

static bool any_failed(const struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->count; i++) {
		if (matrix->cells[i].status == CELL_FAILED)
			return true;
	}
	return false;
}

/* All but the memory: the caller's, however this ends. */
static bool run_experiment(struct sampler *sampler, const struct plan *plan, struct err *err)
{
	struct experiment *experiment = plan->experiment;
	const char *folder = param_text(plan->options, "output");
	struct result_files *files;

	process_catch_signals();
	if (!set_up(sampler, plan, err)) {
		if (process_stop_signal())
			process_die_of_signal();
		return false;
	}
	files = result_open(folder, outputs, err);
	if (!files)
		return false;
	run_matrix(sampler, &experiment->result, plan->matrix);
	experiment_fill(experiment);
	if (!result_write(files, experiment, err))
		return false;
	experiment_print(experiment, stdout);
	printf("\n%zu cells in %.0f s, written to %s/experiment.json and .tsv\n",
	       plan->matrix->count, (double)experiment->result.duration_ns / 1e9, folder);
	if (experiment->result.partial_reason)
		process_die_of_signal();
	draw(&sampler->process, folder);
	return true;
}

static bool read_words(struct param_set *options, int argc, char *argv[], struct err *err)
{
	int next;

	param_set_add(options, params);
	if (!param_set_parse(options, argc, argv, &next, err))
		return false;
	if (next < argc)
		return err_set(err, EXIT_MISUSE,
			       "unexpected word '%s'; experiment takes only options", argv[next]);
	if (param_number(options, "quick") && !param_get(options, "time")->given)
		param_set_number(options, "time", 100000000);
	if (param_number(options, "quick") && !param_get(options, "runs")->given)
		param_set_number(options, "runs", 3);
	return true;
}

static int run(int argc, char *argv[], struct err *err)
{
	/* Large, not shared: off the stack. */
	static struct sampler sampler;
	static struct counters none;
	static struct home home;
	static struct experiment experiment;
	static struct runtimes runtimes;
	struct matrix matrix = { .runtimes = &runtimes, .folder = home.workloads };
	struct param_set options = { 0 };
	const struct plan plan = { &experiment, &matrix, &options };
	int status;

	if (!read_words(&options, argc, argv, err) || !home_find(&home, err))
		return err->code;
	experiment.result = (struct result){ .argc = argc,
					     .argv = argv,
					     .counters = &none,
					     .matrix = &matrix,
					     .runtimes = &runtimes };
	sampler.workloads = home.workloads;
	status = run_experiment(&sampler, &plan, err) ?
			 any_failed(&matrix) ? EXIT_FAILED : EXIT_DONE :
			 err->code;
	matrix_finish(&matrix);
	runtimes_finish(&runtimes);
	return status;
}

const struct command command_experiment = {
	.name = "experiment",
	.arguments = "[--quick] [OPTION]...",
	.summary = "system calls and times of countdown in threads, beside the published ones",
	.params = params,
	.run = run,
};
