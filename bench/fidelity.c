/* gilscope fidelity: each interpreter beside the model of its lock. The tick of the C workloads is
 * made like the interpreter's, and where its lock is looked up from by counting, the count is taken
 * from a trace of it; everything else is the model's own. */
#include "command/command.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "base/home.h"
#include "base/path.h"
#include "bench/fidelity.h"
#include "bench/like.h"
#include "bench/measure.h"
#include "bench/traced.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACED_RUNS 3
#define WORKERS 2
#define PIN_MAX 512
#define LONGER 8
#define TICK_SPINS 4 /* what a tick costs besides its spins, about, in spins */

static const struct param params[] = {
	{ .name = "runtime",
	  .kind = PARAM_TEXT,
	  .fallback = "python3,pypy3,ruby",
	  .value = "R,..",
	  .help = "the interpreters: see gilscope list runtimes, or any as NAME=COMMAND" },
	{ .name = "runs",
	  .kind = PARAM_NUMBER,
	  .fallback = "9",
	  .low = 1,
	  .high = 1000,
	  .value = "N",
	  .help = "samples per cell, each a fresh process" },
	{ .name = "seed",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .high = INT64_MAX,
	  .value = "N",
	  .help = "of the order in which cells are measured" },
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .fallback = "results/fidelity",
	  .value = "DIR",
	  .help = "the folder for fidelity.tsv and a result per interpreter; -o for short" },
	{ 0 },
};

/* What is measured of an interpreter; 'threads' is mode gil of the C workloads. */
static const struct {
	const char *workload, *mode, *cpu, *io;
	unsigned workers;
	uint64_t target_ms; /* of a lock with short slices */
} suite[] = {
	{ "countdown", "sequential", NULL, NULL, WORKERS, 150 },
	{ "countdown", "threads", NULL, NULL, WORKERS, 150 },
	{ "countdown", "processes", NULL, NULL, WORKERS, 150 },
	{ "mergesort", "sequential", NULL, NULL, WORKERS, 100 },
	{ "mergesort", "threads", NULL, NULL, WORKERS, 100 },
	{ "mergesort", "processes", NULL, NULL, WORKERS, 100 },
	{ "convoy", "threads", "1", NULL, 2, 12 },
	{ "convoy", "threads", "2", NULL, 3, 12 },
	{ "convoy", "threads", "1", "pipe", 2, 20 },
};

/* Of one interpreter. Large. */
struct study {
	struct sampler sampler;
	struct counters counters;
	struct runtimes runtimes; /* the C binaries, then the interpreter */
	struct matrix matrix;
	struct result result;
	const char *model;
};

static void add_cell(struct study *study, size_t row, struct runtime *runtime)
{
	struct cell *cell = &study->matrix.cells[study->matrix.count++];
	const bool threads = strcmp(suite[row].mode, "threads") == 0;
	const char *mode = threads && !runtime->family ? "gil" : suite[row].mode;

	*cell = (struct cell){ .runtime = runtime,
			       .workers = suite[row].workers,
			       .target_ns = suite[row].target_ms * 1000000 };
	/* A few slices of Ruby's 100 ms. */
	if (!suite[row].cpu && strncmp(study->model, "ruby", 4) == 0)
		cell->target_ns *= 3;
	snprintf(cell->workload, sizeof(cell->workload), "%s", suite[row].workload);
	snprintf(cell->mode, sizeof(cell->mode), "%s", mode);
	if (strcmp(mode, "gil") == 0)
		snprintf(cell->gil, sizeof(cell->gil), "%s", study->model);
	if (suite[row].cpu)
		cell_set(cell, "cpu", suite[row].cpu);
	if (suite[row].io)
		cell_set(cell, "io", suite[row].io);
	if (suite[row].io)
		cell->size = fidelity_echoes(study->model);
	cell_name(cell);
}

static bool fill(struct study *study, struct err *err)
{
	struct matrix *matrix = &study->matrix;

	matrix->cells = calloc(CELLS_MAX, sizeof(*matrix->cells));
	if (!matrix->cells)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate the matrix");
	for (size_t i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
		for (size_t k = 0; k < study->runtimes.count; k++)
			add_cell(study, i, &study->runtimes.row[k]);
	}
	return true;
}

/* The threads of the interpreter, or of the C workload behind its model. */
static struct cell *find_threads(struct study *study, const char *workload, bool of_interpreter)
{
	for (size_t i = 0; i < study->matrix.count; i++) {
		struct cell *cell = &study->matrix.cells[i];

		if ((cell->runtime->family != NULL) == of_interpreter &&
		    strcmp(cell->workload, workload) == 0 &&
		    strcmp(cell->mode, of_interpreter ? "threads" : "gil") == 0)
			return cell;
	}
	return NULL;
}

/* How often the C workload ticks at all, by a model that lets go at every hundredth tick. */
static bool count_ticks(struct study *study, const struct cell *cell, double *ticks,
			struct err *err)
{
	struct cell counted = *cell;
	struct sample sample;
	json_int_t drops = 0;

	snprintf(counted.gil, sizeof(counted.gil), "mutex");
	cell_unset(&counted, "check-interval");
	cell_set(&counted, "slice", "100");
	if (sample_take(&study->sampler, &counted, &sample, err) &&
	    json_unpack(sample.line, "{s:{s:I}}", "gil_counts", "drops_forced", &drops) == 0)
		*ticks = 100.0 * (double)drops;
	json_decref(sample.line);
	if (err->text[0])
		return false;
	return drops > 0 || err_set(err, EXIT_FAILED, "'%s' never ticks", cell->workload);
}

/* How much longer the C workload takes for the same work than the interpreter: 1, unless its bare
 * tick is longer already than what a compiler makes of the interpreter's. */
static double slowness(const struct study *study, const char *workload)
{
	for (size_t i = 0; i < study->result.calibration_count; i++) {
		const struct calibration *found = &study->result.calibrations[i];

		if (found->like.runtime && strcmp(found->workload, workload) == 0)
			return found->like.ratio;
	}
	return 1;
}

/* Where the lock is let go by a count of ticks, a tick of the C workload is not one of the
 * interpreter's: the model gets as many in between as let it go after the same time. */
static bool fit_interval(struct study *study, const char *workload, double *interval,
			 struct err *err)
{
	const struct cell *interpreter = find_threads(study, workload, true);
	struct cell *model = find_threads(study, workload, false);
	double ticks = 0, drops[TRACED_RUNS];

	for (size_t i = 0; i < TRACED_RUNS; i++) {
		struct lock_counts traced;

		if (!traced_lock(&study->sampler, interpreter, &traced, err))
			return false;
		drops[i] = traced.drops_forced;
	}
	stats_sort(drops, TRACED_RUNS);
	if (!count_ticks(study, model, &ticks, err))
		return false;
	*interval = ticks / slowness(study, workload) / fmax(stats_median(drops, TRACED_RUNS), 1);
	return true;
}

/* In ticks as long as the cell's. */
static void set_interval(struct cell *cell, const struct cell *fitted, double ticks)
{
	char text[32];

	ticks *=
		(double)(fitted->tick_spins + TICK_SPINS) / (double)(cell->tick_spins + TICK_SPINS);
	snprintf(text, sizeof(text), "%.0f", fmax(ticks - 1, 0));
	cell_set(cell, "check-interval", text);
	cell_name(cell);
}

/* Workloads that mostly wait count as countdown does. */
static bool fit_intervals(struct study *study, struct err *err)
{
	double countdown, mergesort;

	if (strcmp(study->model, "cpython2") != 0 && strcmp(study->model, "pypy") != 0)
		return true;
	if (!fit_interval(study, "countdown", &countdown, err) ||
	    !fit_interval(study, "mergesort", &mergesort, err))
		return false;
	for (size_t i = 0; i < study->matrix.count; i++) {
		struct cell *cell = &study->matrix.cells[i];
		const bool sorts = strcmp(cell->workload, "mergesort") == 0;

		if (cell->gil[0])
			set_interval(cell,
				     find_threads(study, sorts ? "mergesort" : "countdown", false),
				     sorts ? mergesort : countdown);
	}
	return true;
}

/* Of longer runs, in which starting and joining the threads, which takes the lock too, does not
 * count. */
static double switches_per_s(struct study *study, const struct cell *one, struct err *err)
{
	double rates[TRACED_RUNS];
	struct cell longer = *one;

	longer.size *= LONGER;

	for (size_t i = 0; i < TRACED_RUNS; i++) {
		struct lock_counts traced;

		if (!traced_lock(&study->sampler, &longer, &traced, err))
			return -1;
		rates[i] = traced.switches / traced.elapsed_ns * 1e9;
	}
	stats_sort(rates, TRACED_RUNS);
	return stats_median(rates, TRACED_RUNS);
}

static bool add_switches(struct study *study, struct fidelity *fidelity,
			 const struct runtime *runtime, struct err *err)
{
	const struct cell *theirs = find_threads(study, "countdown", true);
	const struct cell *ours = find_threads(study, "countdown", false);
	struct fidelity_row row = { .quantity = "countdown, switches", .unit = "per s" };

	row.interpreter = switches_per_s(study, theirs, err);
	row.model_value = err->text[0] ? -1 : switches_per_s(study, ours, err);
	fidelity_add_row(fidelity, runtime, row);
	return !err->text[0];
}

static bool any_failed(const struct matrix *matrix, struct err *err)
{
	for (size_t i = 0; i < matrix->count; i++) {
		if (matrix->cells[i].status == CELL_FAILED)
			return !err_set(err, EXIT_FAILED, "%s failed: %s", matrix->cells[i].id,
					matrix->cells[i].reason);
	}
	return false;
}

static bool measure_all(struct study *study, struct fidelity *fidelity, struct err *err)
{
	struct runtime *runtime = &study->runtimes.row[1];
	const uint64_t start = clock_now_ns();
	struct result *result = &study->result;
	struct disturbance before, after;

	result->started = time(NULL);
	disturbance_read(&before);
	calibrate(&study->sampler, &study->matrix, result->calibrations,
		  &result->calibration_count);
	if (!process_stop_signal() && !any_failed(&study->matrix, err) && fit_intervals(study, err))
		measure(&study->sampler, result, &study->matrix);
	disturbance_read(&after);
	result->duration_ns = clock_now_ns() - start;
	result->disturbance = disturbance_between(&before, &after);
	if (process_stop_signal())
		return err_set(err, EXIT_FAILED, "interrupted");
	if (err->text[0] || any_failed(&study->matrix, err))
		return false;
	cells_summarize(study->matrix.cells, study->matrix.count);
	fidelity_add(fidelity, &study->matrix, runtime);
	return add_switches(study, fidelity, runtime, err);
}

static bool set_up(struct study *study, const char *name, const struct param_set *options,
		   struct err *err)
{
	static char pin[PIN_MAX];
	const struct param_value words = { .texts = { "c", name }, .times = 2 };
	struct runtime *runtime = &study->runtimes.row[1];

	machine_read(&study->result.machine);
	if (cpus_spread("", study->result.machine.cpus_list, pin, sizeof(pin)))
		study->sampler.pin = study->result.pin = pin;
	study->sampler.limit_ns = UINT64_C(60000000000);
	study->result.runs = (unsigned)param_number(options, "runs");
	study->result.warmup = 1;
	study->result.seed = param_number(options, "seed");
	if (!runtimes_find(&study->runtimes, &words, study->sampler.workloads, err))
		return false;
	study->matrix.like = runtime;
	study->model = fidelity_model(runtime);
	return runtime->reason[0] || study->model ||
	       err_set(err, EXIT_IMPOSSIBLE, "there is no model for %s (%s)", name,
		       runtime->version);
}

/* One interpreter, from finding it to its result files. */
static bool compare(struct study *study, const char *name, const struct param_set *options,
		    struct fidelity *fidelity, struct err *err)
{
	const struct runtime *runtime = &study->runtimes.row[1];
	struct result_files *files;
	char folder[4096];

	if (!set_up(study, name, options, err))
		return false;
	if (runtime->reason[0]) {
		fprintf(stderr, "NOT MEASURED: there is no %s: %s\n", runtime->name,
			runtime->reason);
		return true;
	}
	snprintf(folder, sizeof(folder), "%s/%s", param_text(options, "output"), runtime->name);
	files = fill(study, err) ? result_open(folder, result_outputs, err) : NULL;
	if (!files)
		return false;
	if (!measure_all(study, fidelity, err)) {
		result_abandon(files);
		return false;
	}
	return result_write(files, &study->result, err);
}

/* What a chart of it must say below: how, and where. */
static void write_foot(const struct param_set *options, FILE *to)
{
	static struct machine machine;
	const time_t now = time(NULL);
	char date[32], line[256];
	struct tm utc;

	machine_read(&machine);
	machine_line(&machine, line, sizeof(line));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	fprintf(to, "# medians of %s fresh processes, switches of %d traced ones; %s\n# %s\n",
		param_text(options, "runs"), TRACED_RUNS, date, line);
}

static bool write_table(const struct fidelity *fidelity, const struct param_set *options,
			struct err *err)
{
	const char *folder = param_text(options, "output");
	char path[4096], part[4096 + 8];
	bool good;
	FILE *to;

	snprintf(path, sizeof(path), "%s/fidelity.tsv", folder);
	snprintf(part, sizeof(part), "%s.part", path);
	to = fopen(part, "we");
	if (!to)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s", part,
			       strerror(errno));
	write_foot(options, to);
	fidelity_tsv(fidelity, to);
	good = fflush(to) == 0 && !ferror(to);
	good = fclose(to) == 0 && good && rename(part, path) == 0;
	if (!good)
		unlink(part);
	return good ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s", path, strerror(errno));
}

static bool run_all(const struct home *home, const struct param_set *options,
		    struct fidelity *fidelity, struct err *err)
{
	static struct study study; /* large */
	char names[1024];

	snprintf(names, sizeof(names), "%s", param_text(options, "runtime"));
	for (char *name = strtok(names, ","); name && !err->text[0]; name = strtok(NULL, ",")) {
		study = (struct study){ .result.counters = &study.counters,
					.result.matrix = &study.matrix,
					.result.runtimes = &study.runtimes,
					.matrix.runtimes = &study.runtimes,
					.matrix.folder = home->workloads,
					.sampler.workloads = home->workloads };
		compare(&study, name, options, fidelity, err);
		matrix_finish(&study.matrix);
		runtimes_finish(&study.runtimes);
	}
	return !err->text[0];
}

static int run(int argc, char *argv[], struct err *err)
{
	static struct fidelity fidelity;
	static struct home home;
	struct param_set options = { 0 };
	struct err late = { 0 };
	bool measured;
	int next;

	param_set_add(&options, params);
	if (!param_set_parse(&options, argc, argv, &next, err) || !home_find(&home, err))
		return err->code;
	if (next < argc) {
		err_set(err, EXIT_MISUSE, "unexpected word '%s'; fidelity takes only options",
			argv[next]);
		return err->code;
	}
	process_catch_signals();
	if (!path_make_folder(param_text(&options, "output"), err))
		return err->code;
	/* What was measured before a failure is kept. */
	measured = run_all(&home, &options, &fidelity, err);
	if (fidelity.count > 0 && !write_table(&fidelity, &options, measured ? err : &late))
		measured = false;
	if (fidelity.count > 0)
		fidelity_print(&fidelity, stdout);
	else if (measured)
		measured = err_set(err, EXIT_IMPOSSIBLE, "none of the interpreters is here");
	return measured ? EXIT_DONE : err->text[0] ? err->code : late.code;
}

const struct command command_fidelity = {
	.name = "fidelity",
	.arguments = "[--runtime R,..] [OPTION]...",
	.summary = "lock models beside their interpreters: times, switches, latencies",
	.params = params,
	.run = run,
};
