/* From the cells of the matrix to the rows of the table. */
#include "bench/experiment.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PUBLISHED_STEPS 200000000

/* Of the times is not said on how many CPUs they were taken: two processes in half the time need
 * two. Nor that they are of the runs whose calls were counted. */
static const struct {
	const char *name, *source;
	double calls[WAYS][PLACES], time_s[WAYS];
} published[] = {
	{ .name = "published",
	  .source = "Countdown of 100,000,000 twice: 117 system calls sequential, 3.3 million "
		    "threaded on one core, 9.5 million on two; 7.77 s one after the other, 11.76 "
		    "s in two threads",
	  .calls = { { 117, 117 }, { 3.3e6, 9.5e6 }, { NAN, NAN } },
	  .time_s = { 7.77, 11.76, NAN } },
	{ .name = "published, another day",
	  .source = "Countdown of 100,000,000 twice: 8.19 s one after the other, 11.41 s in two "
		    "threads, 4.12 s in two processes",
	  .calls = { { NAN, NAN }, { NAN, NAN }, { NAN, NAN } },
	  .time_s = { 8.19, 11.41, 4.12 } },
};

const char *experiment_mode(enum experiment_way way)
{
	static const char *const modes[] = { "sequential", "threads", "processes" };

	return modes[way];
}

double experiment_per_million(const struct experiment_row *row, double calls)
{
	return calls / row->steps * 1e6;
}

double experiment_per_s(const struct experiment_row *row, enum experiment_place place, double calls)
{
	return row->source ? NAN : calls / row->points[SEQUENTIAL][place].time_ns * 1e9;
}

static void clear(struct experiment_point *point)
{
	*point = (struct experiment_point){ .calls = NAN,
					    .calls_low = NAN,
					    .calls_high = NAN,
					    .futex = NAN,
					    .time_ns = NAN,
					    .ratio = NAN,
					    .ratio_low = NAN,
					    .ratio_high = NAN };
}

static struct experiment_row *add(struct experiment *experiment, const char *group,
				  const char *name, const char *version)
{
	struct experiment_row *row = &experiment->rows[experiment->count++];

	assert(experiment->count <= EXPERIMENT_ROWS);
	*row = (struct experiment_row){ .group = group, .steps = NAN };
	snprintf(row->name, sizeof(row->name), "%s", name);
	snprintf(row->version, sizeof(row->version), "%s", version);
	for (size_t way = 0; way < WAYS; way++) {
		for (size_t place = 0; place < PLACES; place++)
			clear(&row->points[way][place]);
	}
	return row;
}

static void add_published(struct experiment *experiment)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		struct experiment_row *row = add(experiment, "published", published[i].name, "");

		row->source = published[i].source;
		row->steps = PUBLISHED_STEPS;
		for (size_t way = 0; way < WAYS; way++) {
			struct experiment_point *points = row->points[way];

			points[ONE_CPU].calls = published[i].calls[way][ONE_CPU];
			points[TWO_CPUS].calls = published[i].calls[way][TWO_CPUS];
			points[TWO_CPUS].time_ns = published[i].time_s[way] * 1e9;
			if (way != SEQUENTIAL)
				points[TWO_CPUS].ratio =
					published[i].time_s[way] / published[i].time_s[SEQUENTIAL];
		}
	}
}

static const struct cell *find(const struct experiment *experiment, const struct runtime *runtime,
			       const char *mode, const char *gil, const cpu_set_t *cpus)
{
	const struct matrix *matrix = experiment->result.matrix;

	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *cell = &matrix->cells[i];

		if (cell->runtime == runtime && cell->cpus == cpus &&
		    strcmp(cell->mode, mode) == 0 && strcmp(cell->gil, gil) == 0)
			return cell;
	}
	return NULL;
}

static void fill_calls(struct experiment_point *point, const struct cell *cell)
{
	if (cell->traced_count == 0) {
		point->calls_reason =
			cell->traced_reason[0] ? cell->traced_reason : "the run was ended before";
		return;
	}
	point->calls = cell->summary.syscalls;
	point->futex = cell->summary.futex;
	point->calls_low = point->calls_high = (double)cell->traced[0].syscalls;
	for (size_t i = 1; i < cell->traced_count; i++) {
		point->calls_low = fmin(point->calls_low, (double)cell->traced[i].syscalls);
		point->calls_high = fmax(point->calls_high, (double)cell->traced[i].syscalls);
	}
}

static void fill_time(struct experiment_point *point, const struct cell *cell)
{
	const struct summary *summary = &cell->summary;

	if (cell->count == 0) {
		point->time_reason = "the run was ended before";
		return;
	}
	point->time_ns = summary->median;
	if (!summary->reference)
		return;
	point->ratio = summary->relative;
	if (summary->relative_ci95.known) {
		point->ratio_low = summary->relative_ci95.low;
		point->ratio_high = summary->relative_ci95.high;
	}
}

/* In the interpreter's own words. */
static const char *why_no_mode(const struct experiment *experiment, struct runtime *runtime,
			       const char *mode)
{
	const json_t *told =
		runtime_describe(runtime, experiment->result.matrix->folder, "countdown", NULL);
	const json_t *lacks = json_object_get(json_object_get(told, "runtime"), "lacks");
	const char *why = json_string_value(json_object_get(lacks, mode));

	return why ? why : "it does not have this mode";
}

static void fill_point(const struct experiment *experiment, struct experiment_row *row,
		       enum experiment_way way, enum experiment_place place,
		       struct runtime *runtime, const char *gil)
{
	struct experiment_point *point = &row->points[way][place];
	const bool locked = gil[0] && way == THREADS;
	const char *mode = locked ? "gil" : experiment_mode(way);
	const struct cell *cell =
		find(experiment, runtime, mode, locked ? gil : "", &experiment->cpus[place]);

	if (!cell) {
		point->calls_reason = point->time_reason =
			place == TWO_CPUS && experiment->two_reason[0] ?
				experiment->two_reason :
				why_no_mode(experiment, runtime, mode);
		return;
	}
	point->cell = cell->id;
	row->steps = (double)cell->size;
	if (cell->status == CELL_FAILED) {
		point->calls_reason = point->time_reason = cell->reason;
		return;
	}
	fill_calls(point, cell);
	fill_time(point, cell);
}

static void fill_row(const struct experiment *experiment, struct experiment_row *row,
		     struct runtime *runtime, const char *gil)
{
	for (enum experiment_way way = 0; way < WAYS; way++) {
		for (enum experiment_place place = 0; place < PLACES; place++)
			fill_point(experiment, row, way, place, runtime, gil);
	}
}

/* Threads without a lock, then every model that was measured, in the order of the matrix. */
static void add_models(struct experiment *experiment, struct runtime *runtime)
{
	const struct matrix *matrix = experiment->result.matrix;
	struct experiment_row *row = add(experiment, "model", "no lock", runtime->version);

	fill_row(experiment, row, runtime, "");
	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *cell = &matrix->cells[i];

		if (cell->runtime != runtime || !cell->gil[0] ||
		    cell->cpus != &experiment->cpus[ONE_CPU])
			continue;
		row = add(experiment, "model", cell->gil, runtime->version);
		fill_row(experiment, row, runtime, cell->gil);
	}
}

void experiment_fill(struct experiment *experiment)
{
	struct runtimes *runtimes = experiment->result.runtimes;

	experiment->count = 0;
	add_published(experiment);
	for (size_t i = 0; i < runtimes->count; i++) {
		struct runtime *runtime = &runtimes->row[i];
		struct experiment_row *row;

		if (strcmp(runtime->name, "c") == 0)
			continue;
		row = add(experiment, "interpreter", runtime->name, runtime->version);
		if (runtime->reason[0])
			row->reason = runtime->reason;
		else
			fill_row(experiment, row, runtime, "");
	}
	for (size_t i = 0; i < runtimes->count; i++) {
		if (strcmp(runtimes->row[i].name, "c") == 0)
			add_models(experiment, &runtimes->row[i]);
	}
}
