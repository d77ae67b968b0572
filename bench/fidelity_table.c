/* The quantities, the notes, and the table of both. */
#include "bench/fidelity.h"

#include "base/wrap.h"
#include "bench/runtime.h"

#include <math.h>
#include <string.h>

#define NUMBER_FORMAT "%.4g"

const char *fidelity_model(const struct runtime *runtime)
{
	unsigned major = 0, minor = 0;

	if (strstr(runtime->version, "free-threaded"))
		return NULL; /* no lock to be compared */
	if (strncmp(runtime->version, "PyPy", 4) == 0)
		return "pypy";
	if (sscanf(runtime->version, "CPython %u.%u", &major, &minor) == 2)
		return major < 3 || (major == 3 && minor < 2) ? "cpython2" :
		       major == 3 && minor < 13               ? "cpython3" :
								"cpython313";
	if (sscanf(runtime->version, "CRuby %u.%u", &major, &minor) == 2)
		return major < 3 || (major == 3 && minor < 3) ? "ruby" : "ruby33";
	return NULL;
}

uint64_t fidelity_echoes(const char *model)
{
	static const struct {
		const char *model;
		uint64_t echoes;
	} rates[] = {
		{ "cpython2", 20000 },
		{ "pypy", 20000 },
		{ "ruby", 100 },
		{ "ruby33", 5 },
	};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		if (strcmp(rates[i].model, model) == 0)
			return rates[i].echoes;
	}
	return 2000;
}

static double relative(const struct cell *cell, struct interval *ci95)
{
	*ci95 = cell->summary.relative_ci95;
	return cell->summary.reference ? cell->summary.relative : -1;
}

static double latency_ms(const struct cell *cell, double share)
{
	return cell->latency && cell->latency->n > 0 ?
		       (double)histogram_percentile(cell->latency, share) / 1e6 :
		       -1;
}

static double p50(const struct cell *cell, struct interval *ci95)
{
	ci95->known = false;
	return latency_ms(cell, 0.5);
}

static double p99(const struct cell *cell, struct interval *ci95)
{
	ci95->known = false;
	return latency_ms(cell, 0.99);
}

static double rate(const struct cell *cell, struct interval *ci95)
{
	const struct interval *times = &cell->summary.ci95;

	ci95->known = times->known;
	ci95->low = (double)cell->size / times->high * 1e9;
	ci95->high = (double)cell->size / times->low * 1e9;
	return cell->count > 0 ? cell->summary.units_per_s : -1;
}

/* What is read from which cell; 'cpu' and 'io' are settings of the convoy. */
static const struct quantity {
	const char *name, *unit, *workload, *mode, *cpu, *io;
	double (*value)(const struct cell *cell, struct interval *ci95);
} quantities[] = {
	{ "countdown, threads", "x sequential", "countdown", "threads", NULL, NULL, relative },
	{ "countdown, processes", "x sequential", "countdown", "processes", NULL, NULL, relative },
	{ "mergesort, threads", "x sequential", "mergesort", "threads", NULL, NULL, relative },
	{ "mergesort, processes", "x sequential", "mergesort", "processes", NULL, NULL, relative },
	{ "1 ms sleep beside 1, p50", "ms", "convoy", "threads", "1", NULL, p50 },
	{ "1 ms sleep beside 1, p99", "ms", "convoy", "threads", "1", NULL, p99 },
	{ "1 ms sleep beside 2, p50", "ms", "convoy", "threads", "2", NULL, p50 },
	{ "1 ms sleep beside 2, p99", "ms", "convoy", "threads", "2", NULL, p99 },
	{ "echoes beside 1", "per s", "convoy", "threads", "1", "pipe", rate },
};

/* What differs for a reason that is known. A null model: of all. */
static const struct {
	const char *model, *quantity, *note;
} notes[] = {
	{ NULL, "mergesort, processes",
	  "an interpreter brings sorted chunks back as objects of its own, the C workload as "
	  "memory that is shared" },
	{ NULL, "echoes beside 1",
	  "a thread that lets go for an echo asks again before the busy one has woken or after: "
	  "how long the interpreter takes in between decides, and that is not the lock's" },
	{ NULL, "1 ms sleep beside 1, p99",
	  "of some hundred sleeps p99 is the longest one or two: what else the machine did" },
	{ NULL, "1 ms sleep beside 2, p99",
	  "of some hundred sleeps p99 is the longest one or two: what else the machine did" },
	{ "pypy", "1 ms sleep beside 2, p50",
	  "a round of a compiled loop counts by the length of its trace: the busy loop beside "
	  "the sleeper is not countdown's, whose count the model has" },
	{ "pypy", "1 ms sleep beside 1, p50",
	  "a round of a compiled loop counts by the length of its trace: the busy loop beside "
	  "the sleeper is not countdown's, whose count the model has" },
	{ "pypy", "mergesort, threads",
	  "a run of 100 ms is in part PyPy's compiler and collector at work: not the lock's" },
};

static bool same(const char *wanted, const char *have)
{
	return wanted ? have && strcmp(wanted, have) == 0 : !have;
}

static const struct cell *find(const struct matrix *matrix, const struct quantity *quantity,
			       bool of_interpreter)
{
	const bool threads = strcmp(quantity->mode, "threads") == 0;
	const char *mode = threads && !of_interpreter ? "gil" : quantity->mode;

	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *cell = &matrix->cells[i];
		const bool interpreter = cell->runtime && cell->runtime->family;

		if (interpreter == of_interpreter && strcmp(cell->mode, mode) == 0 &&
		    strcmp(cell->workload, quantity->workload) == 0 &&
		    same(quantity->cpu, cell_setting(cell, "cpu")) &&
		    same(quantity->io, cell_setting(cell, "io")))
			return cell->status == CELL_OK ? cell : NULL;
	}
	return NULL;
}

void fidelity_add_row(struct fidelity *fidelity, const struct runtime *runtime,
		      struct fidelity_row row)
{
	snprintf(row.runtime, sizeof(row.runtime), "%s", runtime->name);
	snprintf(row.version, sizeof(row.version), "%s", runtime->version);
	row.model = fidelity_model(runtime);
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (strcmp(notes[i].quantity, row.quantity) == 0 &&
		    (!notes[i].model || strcmp(notes[i].model, row.model) == 0))
			row.note = notes[i].note;
	}
	if (fidelity->count < FIDELITY_ROWS)
		fidelity->rows[fidelity->count++] = row;
}

void fidelity_add(struct fidelity *fidelity, const struct matrix *matrix,
		  const struct runtime *runtime)
{
	for (size_t i = 0; i < sizeof(quantities) / sizeof(quantities[0]); i++) {
		const struct quantity *quantity = &quantities[i];
		const struct cell *interpreter = find(matrix, quantity, true);
		const struct cell *model = find(matrix, quantity, false);
		struct fidelity_row row = { .quantity = quantity->name,
					    .unit = quantity->unit,
					    .interpreter = -1,
					    .model_value = -1 };

		if (interpreter)
			row.interpreter = quantity->value(interpreter, &row.interpreter_ci95);
		if (model)
			row.model_value = quantity->value(model, &row.model_ci95);
		fidelity_add_row(fidelity, runtime, row);
	}
}

static bool is_known(const struct fidelity_row *row)
{
	return row->interpreter > 0 && row->model_value >= 0;
}

static bool is_within(const struct fidelity_row *row)
{
	return is_known(row) && fabs(row->model_value / row->interpreter - 1) <= FIDELITY_GOAL;
}

/* Whether the intervals of both leave it open that they are within the goal. */
static bool is_open(const struct fidelity_row *row)
{
	const struct interval *theirs = &row->interpreter_ci95, *ours = &row->model_ci95;

	return theirs->known && ours->known && ours->low <= theirs->high * (1 + FIDELITY_GOAL) &&
	       ours->high >= theirs->low * (1 - FIDELITY_GOAL);
}

static const char *verdict_of(const struct fidelity_row *row)
{
	return !is_known(row) ? "not known" :
	       is_within(row) ? "within" :
	       is_open(row)   ? "not decided" :
				"differs";
}

static void put(FILE *to, int width, double value)
{
	char text[32] = "-";

	if (value >= 0)
		snprintf(text, sizeof(text), NUMBER_FORMAT, value);
	fprintf(to, "%*s", width, text);
}

void fidelity_print(const struct fidelity *fidelity, FILE *to)
{
	const char *runtime = "";
	size_t within = 0, open = 0, known = 0;

	for (size_t i = 0; i < fidelity->count; i++) {
		const struct fidelity_row *row = &fidelity->rows[i];

		if (strcmp(runtime, row->runtime) != 0)
			fprintf(to, "%s%s (%s) and its model, %s\n%-28s%-14s%12s%12s%14s\n",
				i ? "\n" : "", row->runtime, row->version, row->model, "", "",
				"interpreter", "model", "model/interp.");
		runtime = row->runtime;
		fprintf(to, "%-28s%-14s", row->quantity, row->unit);
		put(to, 12, row->interpreter);
		put(to, 12, row->model_value);
		put(to, 14, is_known(row) ? row->model_value / row->interpreter : -1);
		fprintf(to, "%s\n",
			!is_known(row) ? "  not known" :
			is_within(row) ? "" :
					 "  differs");
		known += is_known(row);
		open += is_known(row) && !is_within(row) && is_open(row);
		within += is_within(row);
		if (is_known(row) && !is_within(row) && row->note)
			wrap_label(to, "", 4, "%s", row->note);
	}
	fprintf(to,
		"\n%zu of %zu quantities are within %.0f %%, of %zu the intervals leave it open\n",
		within, known, 100 * FIDELITY_GOAL, open);
}

void fidelity_tsv(const struct fidelity *fidelity, FILE *to)
{
	fprintf(to, "# runtime\tversion\tmodel\tquantity\tunit\tinterpreter\tmodel_value\tratio\t"
		    "verdict\tnote\n");
	for (size_t i = 0; i < fidelity->count; i++) {
		const struct fidelity_row *row = &fidelity->rows[i];

		fprintf(to, "%s\t%s\t%s\t%s\t%s", row->runtime, row->version, row->model,
			row->quantity, row->unit);
		for (int k = 0; k < 3; k++) {
			const double value = k == 0 ? row->interpreter :
					     k == 1 ? row->model_value :
						      row->model_value / row->interpreter;

			if (k < 2 ? value >= 0 : is_known(row))
				fprintf(to, "\t%.6g", value);
			else
				fprintf(to, "\t");
		}
		fprintf(to, "\t%s\t%s\n", verdict_of(row),
			row->note && !is_within(row) ? row->note : "");
	}
}
