/* gilscope bench: measures the matrix and writes the result. */
#include "command/command.h"

#include "base/clock.h"
#include "base/home.h"
#include "base/progress.h"
#include "bench/result.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct param params[] = {
	{ .name = "quick", .kind = PARAM_FLAG, .help = "the short suite (default): about a minute" },
	{ .name = "full", .kind = PARAM_FLAG, .help = "more workers, more variants: about ten minutes" },
	{ .name = "workload", .kind = PARAM_TEXT, .value = "W,..", .help = "only these workloads" },
	{ .name = "mode", .kind = PARAM_TEXT, .value = "M,..", .help = "in these modes" },
	{ .name = "gil", .kind = PARAM_TEXT, .value = "G,..", .help = "with these lock models, in mode gil" },
	{ .name = "workers", .kind = PARAM_TEXT, .value = "N,..", .help = "with these numbers of workers" },
	{ .name = "set", .kind = PARAM_TEXT, .value = "NAME=V,..",
	  .help = "options of the workload or the lock model, as interval=1ms" },
	{ .name = "size", .kind = PARAM_NUMBER, .fallback = "0", .low = 0, .high = 1000000000000,
	  .value = "N", .help = "the work of a sample; 0: found once per workload" },
	{ .name = "runs", .kind = PARAM_NUMBER, .fallback = "15", .low = 1, .high = 100000,
	  .value = "N", .help = "samples per cell, each a fresh process" },
	{ .name = "warmup", .kind = PARAM_NUMBER, .fallback = "1", .low = 0, .high = 100,
	  .value = "N", .help = "rounds that are not counted" },
	{ .name = "pin", .kind = PARAM_TEXT, .fallback = "auto", .value = "CPUS",
	  .help = "place workers on these CPUs in turn; auto: on all that are allowed; off" },
	{ .name = "counters", .kind = PARAM_TEXT, .value = "C,..",
	  .help = "events to count, see gilscope list counters; none" },
	{ .name = "limit", .kind = PARAM_TIME, .fallback = "30s", .low = 1000000,
	  .high = 86400000000000, .value = "TIME", .help = "a sample that takes longer is killed, and fails its cell" },
	{ .name = "seed", .kind = PARAM_NUMBER, .fallback = "1", .low = 0, .high = UINT64_MAX,
	  .value = "N", .help = "of the order in which cells are measured" },
	{ .name = "output", .kind = PARAM_TEXT, .fallback = "results/latest", .value = "DIR",
	  .help = "the folder for the result; -o for short" },
	{ 0 },
};

/* Enough for a median: counts hardly vary where times do. */
#define COUNTING_ROUNDS 3

/* Where a run over the matrix is. */
struct pass {
	struct progress progress;
	uint64_t done, random;
	unsigned seq;
};

/* splitmix64 (Steele, Lea, Flood 2014): the order only has to be fair and repeatable. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void shuffle(size_t *order, size_t count, uint64_t *random)
{
	for (size_t i = 0; i < count; i++) {
		const size_t j = next_random(random) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

/* The same work must give the same checksum, whoever does it; the first one seen is what is expected. */
static bool check_checksum(struct matrix *matrix, struct cell *cell, const struct sample *sample,
			   struct err *err)
{
	const char *sum = json_string_value(json_object_get(sample->line, "checksum"));

	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *other = &matrix->cells[i];

		if (!other->checksum[0] || strcmp(other->workload, cell->workload) != 0 ||
		    other->size != cell->size)
			continue;
		if (strcmp(other->checksum, sum) != 0)
			return err_set(err, EXIT_FAILED, "checksum %s differs from %s of %s", sum,
				       other->checksum, other->id);
	}
	snprintf(cell->checksum, sizeof(cell->checksum), "%s", sum);
	return true;
}

/* While a tracepoint of system calls is on, every call of every process takes the slow way into the
 * kernel: the old lock of CPython, with a call per release, came out a quarter slower. So they are
 * counted in rounds of their own. Fills 'rest' with the counters that can stay on; true when some
 * cannot. */
static bool set_charged_apart(const struct counters *all, struct counters *rest)
{
	bool apart = false;

	*rest = *all;
	for (size_t i = 0; i < rest->count; i++) {
		if (rest->row[i].source == COUNTER_TRACEPOINT) {
			rest->row[i].source = COUNTER_NONE;
			apart = true;
		}
	}
	return apart;
}

/* What a pass over the matrix is for. */
enum purpose { WARM_UP, TIME, COUNT };

/* Takes one sample of a cell. False only when we were asked to stop. */
static bool measure(struct sampler *sampler, struct matrix *matrix, struct cell *cell,
		    enum purpose purpose, unsigned seq, unsigned round)
{
	struct sample sample;
	struct err err = { 0 };

	if (!cell->latency)
		cell->latency = calloc(1, sizeof(*cell->latency));
	if (sample_take(sampler, cell, &sample, purpose == TIME ? cell->latency : NULL, &err) &&
	    check_checksum(matrix, cell, &sample, &err)) {
		sample.seq = seq;
		sample.round = round;
		if (purpose == WARM_UP)
			json_decref(sample.line);
		else
			cell_keep(cell, &sample, purpose == TIME);
		return true;
	}
	json_decref(sample.line);
	if (sampler->process.interrupted)
		return false;
	cell_fail(cell, err.text);
	return true;
}

/* One pass over the matrix. A failed cell is not tried again: a crash is a finding, not noise. */
static bool measure_round(struct sampler *sampler, struct matrix *matrix, enum purpose purpose,
			  unsigned round, struct pass *pass)
{
	size_t order[CELLS_MAX];

	shuffle(order, matrix->count, &pass->random);
	for (size_t i = 0; i < matrix->count; i++) {
		struct cell *cell = &matrix->cells[order[i]];

		progress_step(&pass->progress, pass->done++, cell->id);
		if (cell->status != CELL_FAILED &&
		    !measure(sampler, matrix, cell, purpose, pass->seq, round))
			return false;
		pass->seq += purpose != WARM_UP;
		if (process_stop_signal())
			return false;
	}
	return true;
}

/* Warms up, takes the times, and then counts what costs time to count. */
static void measure_all(struct sampler *sampler, struct result *result, struct matrix *matrix)
{
	static struct counters free_of_charge;
	const unsigned counting = set_charged_apart(result->counters, &free_of_charge) ?
					  COUNTING_ROUNDS :
					  0;
	const unsigned rounds = result->warmup + result->runs + counting;
	struct pass pass = { .random = result->seed };
	bool go_on = process_stop_signal() == 0;

	progress_start(&pass.progress, (uint64_t)rounds * matrix->count);
	sampler->counters = result->counters->count ? &free_of_charge : NULL;
	for (unsigned i = 0; i < result->warmup && go_on; i++)
		go_on = measure_round(sampler, matrix, WARM_UP, i, &pass);
	for (unsigned i = 0; i < result->runs && go_on; i++)
		go_on = measure_round(sampler, matrix, TIME, i, &pass);
	if (counting) {
		sampler->counters = result->counters;
		counters_hold(result->counters);
		for (unsigned i = 0; i < counting && go_on; i++)
			go_on = measure_round(sampler, matrix, COUNT, i, &pass);
		counters_finish(result->counters);
	}
	progress_end(&pass.progress);
}

static void print_row(const struct cell *cell)
{
	const struct summary *summary = &cell->summary;
	char time[48] = "-", relative[48] = "-", latency[48] = "-";

	if (cell->status == CELL_FAILED) {
		printf("%-36s FAILED: %s\n", cell->id, cell->reason);
		return;
	}
	if (summary->n > 0)
		snprintf(time, sizeof(time), "%.2f", summary->median / 1e6);
	if (summary->reference && summary->relative_ci95.known)
		snprintf(relative, sizeof(relative), "%.2f (%.2f to %.2f)", summary->relative,
			 summary->relative_ci95.low, summary->relative_ci95.high);
	else if (summary->reference)
		snprintf(relative, sizeof(relative), "%.2f", summary->relative);
	if (cell->latency && cell->latency->n > 0)
		snprintf(latency, sizeof(latency), "%.2f / %.2f",
			 (double)histogram_percentile(cell->latency, 0.5) / 1e6,
			 (double)histogram_percentile(cell->latency, 0.99) / 1e6);
	printf("%-36s %4zu %10s  %-22s %s\n", cell->id, summary->n, time, relative, latency);
}

static void print_table(const struct result *result, const char *folder)
{
	size_t failed = 0;

	printf("%-36s %4s %10s  %-22s %s\n", "cell", "n", "median ms", "against sequential",
	       "latency p50 / p99 ms");
	for (size_t i = 0; i < result->matrix->count; i++) {
		print_row(&result->matrix->cells[i]);
		failed += result->matrix->cells[i].status == CELL_FAILED;
	}
	if (result->partial_reason)
		printf("partial: %s\n", result->partial_reason);
	if (failed)
		printf("%zu of %zu cells failed\n", failed, result->matrix->count);
	printf("%zu cells in %.0f s, written to %s/result.json\n", result->matrix->count,
	       (double)result->duration_ns / 1e9, folder);
}

/* Each cell is refused now, with the workload's own words, or not at all. */
static bool check_cells(struct sampler *sampler, const struct matrix *matrix, struct err *err)
{
	for (size_t i = 0; i < matrix->count; i++) {
		if (!sample_check(sampler, &matrix->cells[i], err))
			return false;
	}
	return true;
}

static bool set_up(struct sampler *sampler, struct result *result, struct matrix *matrix,
		   struct counters *counters, const struct param_set *options, struct err *err)
{
	const char *pin = param_text(options, "pin"), *list = param_text(options, "counters");

	machine_read(&result->machine);
	result->pin = strcmp(pin, "off") == 0	? NULL :
		      strcmp(pin, "auto") == 0 ? result->machine.cpus_list :
						  pin;
	result->runs = (unsigned)param_number(options, "runs");
	result->warmup = (unsigned)param_number(options, "warmup");
	result->seed = param_number(options, "seed");
	sampler->pin = result->pin;
	sampler->limit_ns = param_number(options, "limit");
	return counters_find(counters, list, err) && matrix_fill(matrix, options, err) &&
	       matrix_settle(matrix, options, sampler->workloads, err) &&
	       check_cells(sampler, matrix, err);
}

/* A run that was ended tells its parent by the same signal, as if it had not been caught. */
_Noreturn static void die_of(int signal_number)
{
	sigset_t set;

	fflush(NULL);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + signal_number);
}

static void run_matrix(struct sampler *sampler, struct result *result, struct matrix *matrix)
{
	const uint64_t start = clock_now_ns();
	struct disturbance before, after;

	result->started = time(NULL);
	disturbance_read(&before);
	calibrate(sampler, matrix, result->calibrations, &result->calibration_count);
	measure_all(sampler, result, matrix);
	disturbance_read(&after);
	result->duration_ns = clock_now_ns() - start;
	result->disturbance = (struct disturbance){
		.psi_cpu_ns = before.psi_cpu_ns < 0 ? -1 : after.psi_cpu_ns - before.psi_cpu_ns,
		.steal_ns = before.steal_ns < 0 ? -1 : after.steal_ns - before.steal_ns,
		.throttled_ns = before.throttled_ns < 0 ? -1 : after.throttled_ns - before.throttled_ns,
	};
	if (process_stop_signal())
		result->partial_reason = process_stop_signal() == SIGINT ? "interrupted from the terminal" :
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

static int run(int argc, char *argv[], struct err *err)
{
	static struct sampler sampler;
	static struct counters counters;
	struct result result = { .argc = argc, .argv = argv, .counters = &counters };
	struct param_set options = { 0 };
	struct result_files *files;
	struct matrix matrix = { 0 };
	struct home home;
	const char *folder;
	int next;

	param_set_add(&options, params);
	if (!param_set_parse(&options, argc, argv, &next, err) || !home_find(&home, err))
		return err->code;
	if (next < argc) {
		err_set(err, EXIT_MISUSE, "unexpected word '%s'; bench takes only options", argv[next]);
		return err->code;
	}
	folder = param_text(&options, "output");
	sampler.workloads = home.workloads;
	result.matrix = &matrix;
	process_catch_signals();
	if (!set_up(&sampler, &result, &matrix, &counters, &options, err))
		return err->code;
	files = result_open(folder, err);
	if (!files)
		return err->code;
	run_matrix(&sampler, &result, &matrix);
	if (!result_write(files, &result, err))
		return err->code;
	print_table(&result, folder);
	if (result.partial_reason)
		die_of(process_stop_signal());
	next = any_failed(&matrix) ? EXIT_FAILED : EXIT_DONE;
	matrix_finish(&matrix);
	return next;
}

const struct command command_bench = {
	.name = "bench",
	.arguments = "[--quick|--full] [OPTION]...",
	.summary = "measures workloads in every mode and writes the result",
	.params = params,
	.run = run,
};
