/* gilscope bench: measures the matrix and writes the result. */
#include "command/command.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "base/home.h"
#include "bench/like.h"
#include "bench/measure.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* It becomes a word of each workload's command line. */
#define PIN_MAX 512

static const struct param params[] = {
	{ .name = "quick",
	  .kind = PARAM_FLAG,
	  .help = "the short suite (default): about a minute" },
	{ .name = "full",
	  .kind = PARAM_FLAG,
	  .help = "more workers, more variants: about six minutes" },
	{ .name = "workload", .kind = PARAM_TEXT, .value = "W,..", .help = "only these workloads" },
	{ .name = "mode", .kind = PARAM_TEXT, .value = "M,..", .help = "in these modes" },
	{ .name = "gil",
	  .kind = PARAM_TEXT,
	  .value = "G,..",
	  .help = "with these lock models, in mode gil" },
	{ .name = "runtime",
	  .kind = PARAM_TEXT,
	  .value = "R,..",
	  .help = "run by these: c (default), python3 ..., see gilscope list runtimes, or any "
		  "interpreter as NAME=COMMAND" },
	{ .name = "like",
	  .kind = PARAM_TEXT,
	  .value = "R",
	  .help = "make the tick of the C workloads as long as this interpreter's" },
	{ .name = "workers",
	  .kind = PARAM_TEXT,
	  .value = "N,..",
	  .help = "with these numbers of workers" },
	{ .name = "set",
	  .kind = PARAM_TEXT,
	  .value = "NAME=V,..",
	  .help = "options of the workload, the lock model or the mode, as interval=1ms" },
	{ .name = "sweep",
	  .kind = PARAM_TEXT,
	  .value = "NAME=V,..",
	  .help = "a cell per value of an option of the workload, the lock model or the mode; can "
		  "be given more than once" },
	{ .name = "size",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .low = 0,
	  .high = 1000000000000,
	  .value = "N",
	  .help = "the work of a sample; 0: found once per workload and runtime" },
	{ .name = "runs",
	  .kind = PARAM_NUMBER,
	  .fallback = "15",
	  .low = 1,
	  .high = 100000,
	  .value = "N",
	  .help = "samples per cell, each a fresh process" },
	{ .name = "warmup",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .low = 0,
	  .high = 100,
	  .value = "N",
	  .help = "rounds that are not counted" },
	{ .name = "pin",
	  .kind = PARAM_TEXT,
	  .fallback = "auto",
	  .value = "CPUS",
	  .help = "place workers on these CPUs in turn; auto: on all that are allowed; off" },
	{ .name = "counters",
	  .kind = PARAM_TEXT,
	  .value = "C,..",
	  .help = "events to count, see gilscope list counters; none" },
	{ .name = "trace",
	  .kind = PARAM_FLAG,
	  .help = "counts system calls without root: three more rounds under gilscope trace, "
		  "which are not timed" },
	{ .name = "limit",
	  .kind = PARAM_TIME,
	  .fallback = "30s",
	  .low = 1000000,
	  .high = 86400000000000,
	  .value = "TIME",
	  .help = "a sample that takes longer is killed, and fails its cell" },
	{ .name = "seed",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .low = 0,
	  .high = INT64_MAX,
	  .value = "N",
	  .help = "of the order in which cells are measured" },
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .fallback = "results/latest",
	  .value = "DIR",
	  .help = "the folder for the result; -o for short" },
	{ 0 },
};

/* Of --like, when it is none of those that are measured. Large. */
static struct runtimes like_runtimes;

/* What the traced rounds came to; an empty text when there were none. */
static void say_calls(const struct result *result, const struct cell *cell, char *to, size_t room)
{
	const struct summary *summary = &cell->summary;

	to[0] = '\0';
	if (result->traced && cell->traced_count > 0)
		snprintf(to, room, "%.0f / %.0f", summary->syscalls, summary->futex);
	else if (result->traced)
		snprintf(to, room, "-");
}

static void print_row(const struct result *result, const struct cell *cell, int width)
{
	const struct summary *summary = &cell->summary;
	char time[48] = "-", cpu[48] = "-", relative[48] = "-", latency[48] = "-", calls[48];

	if (cell->status == CELL_FAILED) {
		printf("%-*s FAILED: %s\n", width, cell->id, cell->reason);
		return;
	}
	if (summary->n > 0) {
		snprintf(time, sizeof(time), "%.2f", summary->median / 1e6);
		snprintf(cpu, sizeof(cpu), "%.2f", summary->cpu / 1e6);
	}
	if (summary->reference && summary->relative_ci95.known)
		snprintf(relative, sizeof(relative), "%.2f (%.2f to %.2f)", summary->relative,
			 summary->relative_ci95.low, summary->relative_ci95.high);
	else if (summary->reference)
		snprintf(relative, sizeof(relative), "%.2f", summary->relative);
	if (cell->latency && cell->latency->n > 0)
		snprintf(latency, sizeof(latency), "%.2f / %.2f",
			 (double)histogram_percentile(cell->latency, 0.5) / 1e6,
			 (double)histogram_percentile(cell->latency, 0.99) / 1e6);
	say_calls(result, cell, calls, sizeof(calls));
	printf("%-*s %4zu %10s %10s  %-22s %-*s%s\n", width, cell->id, summary->n, time, cpu,
	       relative, calls[0] ? 22 : 0, latency, calls);
}

/* The workload's own results that are known, below its row: the median, and the range where there
 * is one. */
static void print_counts(const struct cell *cell)
{
	size_t printed = 0;

	for (size_t i = 0; cell->status == CELL_OK && i < cell->summary.own_count; i++) {
		const struct own_count *own = &cell->summary.own[i];

		if (own->n == 0)
			continue;
		printf("%s%s %.10g", printed++ ? ", " : "  ", own->name, own->median);
		if (own->min < own->max)
			printf(" (%.10g to %.10g)", own->min, own->max);
	}
	if (printed > 0)
		putchar('\n');
}

static bool has_note(const struct cell *cell, const char *note)
{
	const char *notes[RESULT_NOTES];
	const size_t count = cell_notes(cell, notes, RESULT_NOTES);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(notes[i], note) == 0)
			return true;
	}
	return false;
}

/* A note of a cell, with how many cells after it have it too; nothing if one before it has. */
static void print_note(const struct matrix *matrix, size_t at, const char *note)
{
	size_t same = 0;

	for (size_t i = 0; i < at; i++) {
		if (has_note(&matrix->cells[i], note))
			return;
	}
	for (size_t i = at + 1; i < matrix->count; i++)
		same += has_note(&matrix->cells[i], note);
	printf("%s", matrix->cells[at].id);
	if (same > 0)
		printf(" and %zu more", same);
	printf(": %s\n", note);
}

static void print_notes(const struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->count; i++) {
		const char *notes[RESULT_NOTES];
		const size_t count = cell_notes(&matrix->cells[i], notes, RESULT_NOTES);

		for (size_t k = 0; k < count; k++)
			print_note(matrix, i, notes[k]);
	}
}

/* The longest of the names. */
static int name_width(const struct matrix *matrix)
{
	size_t width = 36;

	for (size_t i = 0; i < matrix->count; i++) {
		const size_t length = strlen(matrix->cells[i].id);

		width = length > width ? length : width;
	}
	return (int)width;
}

static void print_likenesses(const struct result *result)
{
	for (size_t i = 0; i < result->calibration_count; i++) {
		const struct calibration *found = &result->calibrations[i];
		const struct likeness *like = &found->like;

		if (like->runtime)
			printf("%s ticks like %s's %s: %" PRIu64
			       " spins, %.2f times its time (%.2f to %.2f)\n",
			       found->workload, like->runtime, like->workload, found->tick_spins,
			       like->ratio, like->ci95.low, like->ci95.high);
	}
}

/* Each reason once, with the first cell that has it. */
static void print_lost_calls(const struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *cell = &matrix->cells[i];
		size_t same = 0, first = i;

		for (size_t k = 0; k < matrix->count; k++) {
			if (strcmp(matrix->cells[k].traced_reason, cell->traced_reason) != 0)
				continue;
			first = k < first ? k : first;
			same++;
		}
		if (!cell->traced_reason[0] || first < i)
			continue;
		printf("NOT COUNTED: system calls of %s", cell->id);
		if (same > 1)
			printf(" and %zu more", same - 1);
		printf(": %s\n", cell->traced_reason);
	}
}

static void print_table(const struct result *result, const char *folder)
{
	const int width = name_width(result->matrix);
	size_t failed = 0;

	printf("%-*s %4s %10s %10s  %-22s %-*s%s\n", width, "cell", "n", "median ms", "cpu ms",
	       "against sequential", result->traced ? 22 : 0, "latency p50 / p99 ms",
	       result->traced ? "system calls / futex" : "");
	for (size_t i = 0; i < result->matrix->count; i++) {
		print_row(result, &result->matrix->cells[i], width);
		print_counts(&result->matrix->cells[i]);
		failed += result->matrix->cells[i].status == CELL_FAILED;
	}
	print_notes(result->matrix);
	print_likenesses(result);
	print_lost_calls(result->matrix);
	for (size_t i = 0; i < result->runtimes->count; i++) {
		const struct runtime *runtime = &result->runtimes->row[i];

		if (runtime->reason[0])
			printf("NOT MEASURED: there is no %s: %s\n", runtime->name,
			       runtime->reason);
	}
	if (result->partial_reason)
		printf("partial: %s\n", result->partial_reason);
	if (failed)
		printf("%zu of %zu cells failed\n", failed, result->matrix->count);
	printf("%zu cells in %.0f s, written to %s/result.json\n", result->matrix->count,
	       (double)result->duration_ns / 1e9, folder);
}

/* An interpreter takes its time to start: what differs from a cell before by the number of workers
 * alone is not asked again. */
static bool was_checked(const struct matrix *matrix, size_t at)
{
	const struct cell *cell = &matrix->cells[at];

	for (size_t i = 0; cell->runtime && cell->runtime->family && i < at; i++) {
		struct cell other = matrix->cells[i];

		other.workers = cell->workers;
		cell_name(&other);
		if (strcmp(other.id, cell->id) == 0)
			return true;
	}
	return false;
}

/* Each cell is refused now, with the workload's own words, or not at all. */
static bool check_cells(struct sampler *sampler, const struct matrix *matrix, struct err *err)
{
	for (size_t i = 0; i < matrix->count; i++) {
		if (!was_checked(matrix, i) &&
		    sample_check(sampler, &matrix->cells[i], err) != SAMPLE_ACCEPTED)
			return false;
	}
	return true;
}

static bool find_like(struct matrix *matrix, const struct param_value *word, struct err *err)
{
	if (!word->given)
		return true;
	matrix->like = like_find(matrix->runtimes, &like_runtimes, word, matrix->folder, err);
	return matrix->like && like_check(matrix, err);
}

static bool set_up(struct sampler *sampler, struct result *result, struct matrix *matrix,
		   const struct param_set *options, struct err *err)
{
	static char spread[PIN_MAX];
	const char *pin = param_text(options, "pin"), *list = param_text(options, "counters");

	machine_read(&result->machine);
	/* A list that does not fit cannot be passed on. */
	if (strlen(pin) > PIN_MAX)
		return err_set(err, EXIT_MISUSE, "--pin: the list is too long");
	if (strcmp(pin, "auto") == 0)
		pin = cpus_spread("", result->machine.cpus_list, spread, sizeof(spread)) ? spread :
											   "off";
	result->pin = strcmp(pin, "off") == 0 ? NULL : pin;
	result->runs = (unsigned)param_number(options, "runs");
	result->warmup = (unsigned)param_number(options, "warmup");
	result->seed = param_number(options, "seed");
	result->traced = param_number(options, "trace") ? CELL_TRACED : 0;
	sampler->pin = result->pin;
	sampler->limit_ns = param_number(options, "limit");
	return counters_find(result->counters, list, err) &&
	       runtimes_find(result->runtimes, param_get(options, "runtime"), sampler->workloads,
			     err) &&
	       matrix_fill(matrix, options, err) && matrix_settle(matrix, options, err) &&
	       find_like(matrix, param_get(options, "like"), err) &&
	       check_cells(sampler, matrix, err);
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
		result->partial_reason = process_stop_signal() == SIGINT ?
						 "interrupted from the terminal" :
						 "ended by a signal";
	cells_summarize(matrix->cells, matrix->count);
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
static bool run_bench(struct sampler *sampler, struct result *result, struct matrix *matrix,
		      const struct param_set *options, struct err *err)
{
	const char *folder = param_text(options, "output");
	struct result_files *files;

	process_catch_signals();
	if (!set_up(sampler, result, matrix, options, err)) {
		if (process_stop_signal())
			process_die_of_signal();
		return false;
	}
	files = result_open(folder, result_outputs, err);
	if (!files)
		return false;
	run_matrix(sampler, result, matrix);
	if (!result_write(files, result, err))
		return false;
	print_table(result, folder);
	if (result->partial_reason)
		process_die_of_signal();
	return true;
}

static int run(int argc, char *argv[], struct err *err)
{
	/* Large, not shared: off the stack. */
	static struct sampler sampler;
	static struct counters counters;
	static struct home home;
	static struct result result;
	static struct runtimes runtimes;
	struct param_set options = { 0 };
	struct matrix matrix = { .runtimes = &runtimes, .folder = home.workloads };
	int next, status;

	param_set_add(&options, params);
	if (!param_set_parse(&options, argc, argv, &next, err) || !home_find(&home, err))
		return err->code;
	if (next < argc) {
		err_set(err, EXIT_MISUSE, "unexpected word '%s'; bench takes only options",
			argv[next]);
		return err->code;
	}
	if (param_number(&options, "quick") && param_number(&options, "full")) {
		err_set(err, EXIT_MISUSE, "--quick and --full are two suites; give one");
		return err->code;
	}
	result = (struct result){ .argc = argc,
				  .argv = argv,
				  .counters = &counters,
				  .matrix = &matrix,
				  .runtimes = &runtimes };
	sampler.workloads = home.workloads;
	status = run_bench(&sampler, &result, &matrix, &options, err) ?
			 any_failed(&matrix) ? EXIT_FAILED : EXIT_DONE :
			 err->code;
	matrix_finish(&matrix);
	runtimes_finish(&runtimes);
	runtimes_finish(&like_runtimes);
	return status;
}

const struct command command_bench = {
	.name = "bench",
	.arguments = "[--quick|--full] [OPTION]...",
	.summary = "measures workloads in every mode and writes the result",
	.params = params,
	.run = run,
};
