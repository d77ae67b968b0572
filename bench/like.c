/* The C workload beside the interpreter, in pairs: what the machine does meanwhile is the same for
 * both, and cancels in their ratio. */
#include "bench/like.h"

#include <math.h>
#include <string.h>

#define PAIRS 9
#define PROBE_SPINS 64
#define STEPS 4
#define SPINS_MAX 10000000
#define COUNTDOWN "countdown"
#define COUNTDOWN_NS 70000000

struct runtime *like_find(struct runtimes *runtimes, struct runtimes *own,
			  const struct param_value *word, const char *folder, struct err *err)
{
	struct runtime *found = NULL;

	for (size_t i = 0; i < runtimes->count; i++) {
		if (strcmp(runtimes->row[i].name, word->text) == 0)
			found = &runtimes->row[i];
	}
	if (!found) {
		const struct param_value last = { .texts = { word->text }, .times = 1 };

		if (!runtimes_find(own, &last, folder, err))
			return NULL;
		found = &own->row[0];
	}
	if (own->count > 1)
		err_set(err, EXIT_MISUSE, "--like '%s': give one runtime", word->text);
	else if (found->reason[0])
		err_set(err, EXIT_IMPOSSIBLE, "--like '%s': %s", word->text, found->reason);
	else if (!found->family)
		err_set(err, EXIT_MISUSE, "--like '%s': give an interpreter", word->text);
	else
		return found;
	return NULL;
}

static bool is_c(const struct cell *cell)
{
	return !cell->runtime || !cell->runtime->family;
}

bool like_check(const struct matrix *matrix, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *cell = &matrix->cells[i];

		count += is_c(cell);
		if (cell_setting(cell, "tick-ns") || cell_setting(cell, "tick-spins"))
			return err_set(err, EXIT_MISUSE,
				       "--like finds the tick; give no tick-ns and no tick-spins");
		if (!runtime_has(matrix->like, matrix->folder, cell->workload))
			return err_set(err, EXIT_IMPOSSIBLE, "--like '%s': there is no %s for it",
				       matrix->like->name, cell->workload);
	}
	return count > 0 ||
	       err_set(err, EXIT_MISUSE, "--like is for the C workloads; give --runtime c,...");
}

/* The cell that is compared: one share after the other, with the options that are taken there. */
static bool make_reference(struct cell *to, const struct cell *first, struct runtime *runtime,
			   const struct matrix *matrix, struct err *err)
{
	const json_t *told;

	*to = (struct cell){ .runtime = runtime,
			     .workers = first->workers,
			     .size = first->size,
			     .target_ns = first->target_ns };
	snprintf(to->workload, sizeof(to->workload), "%s", first->workload);
	snprintf(to->mode, sizeof(to->mode), "sequential");
	cell_name(to);
	told = runtime_describe(runtime, matrix->folder, to->workload, err);
	for (size_t i = 0; told && i < first->setting_count; i++) {
		const struct setting *setting = &first->settings[i];

		if (runtime_takes(told, to->mode, to->gil, setting->name))
			cell_set(to, setting->name, setting->value);
	}
	return told;
}

/* The workers' processor time, when they know it: on a busy machine it is less noisy. */
static bool take(struct sampler *sampler, const struct cell *cell, double *work_ns,
		 double *cpu_share, struct err *err)
{
	const json_t *worker;
	struct sample sample;
	struct err why = { 0 };
	double cpu_ns = 0;
	size_t i;

	if (!sample_take(sampler, cell, &sample, &why)) {
		json_decref(sample.line);
		return err_set(err, why.code, "%s: %s", cell->id, why.text);
	}
	json_array_foreach(json_object_get(sample.line, "per_worker"), i, worker) cpu_ns +=
		json_number_value(json_object_get(worker, "cpu_ns"));
	*cpu_share = cpu_ns > 0 ? cpu_ns / (double)sample.elapsed_ns : 1;
	*work_ns = cpu_ns > 0 ? cpu_ns : (double)sample.elapsed_ns;
	json_decref(sample.line);
	return true;
}

/* One of a pair with so many spins. */
struct pair {
	double theirs_ns, ours_ns;
};

/* In turns, and each first as often as the other. */
static bool measure_pairs(struct sampler *sampler, const struct cell *theirs,
			  const struct cell *ours, struct pair pairs[PAIRS], struct err *err)
{
	double unused;

	for (size_t i = 0; i < PAIRS; i++) {
		const bool swap = i % 2;
		double *first = swap ? &pairs[i].ours_ns : &pairs[i].theirs_ns;
		double *second = swap ? &pairs[i].theirs_ns : &pairs[i].ours_ns;

		if (!take(sampler, swap ? ours : theirs, first, &unused, err) ||
		    !take(sampler, swap ? theirs : ours, second, &unused, err))
			return false;
	}
	return true;
}

static double ratio_of(struct pair pair)
{
	return pair.ours_ns / pair.theirs_ns;
}

static double theirs_of(struct pair pair)
{
	return pair.theirs_ns;
}

static double ours_of(struct pair pair)
{
	return pair.ours_ns;
}

/* Leaves the values sorted. */
static double median_of(const struct pair pairs[PAIRS], double (*value)(struct pair pair),
			double values[PAIRS])
{
	for (size_t i = 0; i < PAIRS; i++)
		values[i] = value(pairs[i]);
	stats_sort(values, PAIRS);
	return stats_median(values, PAIRS);
}

/* How much longer a spin makes the work, as a share of the interpreter's time; and, by a straight
 * line, the spins that make both equal. */
static bool guess_spins(struct sampler *sampler, const struct cell *theirs, struct cell *ours,
			double *slope, double *spins, struct err *err)
{
	struct pair bare[PAIRS], probe[PAIRS];
	double unused[PAIRS], bare_ratio;

	ours->tick_spins = 0;
	if (!measure_pairs(sampler, theirs, ours, bare, err))
		return false;
	ours->tick_spins = PROBE_SPINS;
	if (!measure_pairs(sampler, theirs, ours, probe, err))
		return false;
	bare_ratio = median_of(bare, ratio_of, unused);
	*slope = (median_of(probe, ratio_of, unused) - bare_ratio) / PROBE_SPINS;
	*spins = *slope > 0 ? (1 - bare_ratio) / *slope : 0;
	return true;
}

/* Each pair, whatever the spins it was taken with, says how many would have made it equal; the
 * median of all that were said so far is tried next. */
static bool fit_spins(struct sampler *sampler, const struct cell *theirs, struct cell *ours,
		      struct pair pairs[PAIRS], struct err *err)
{
	double wanted[PAIRS * STEPS], slope, spins;
	size_t count = 0;

	ours->spins_known = true;
	if (!guess_spins(sampler, theirs, ours, &slope, &spins, err))
		return false;
	for (;;) {
		spins = fmin(fmax(spins, 0), SPINS_MAX);
		ours->tick_spins = (uint64_t)(spins + 0.5);
		if (!measure_pairs(sampler, theirs, ours, pairs, err))
			return false;
		if (slope <= 0 || count == PAIRS * STEPS)
			return true;
		for (size_t i = 0; i < PAIRS; i++)
			wanted[count++] = spins + (1 - ratio_of(pairs[i])) / slope;
		stats_sort(wanted, count);
		spins = stats_median(wanted, count);
	}
}

static bool fit(struct sampler *sampler, const struct cell *theirs, struct cell *ours,
		struct calibration *found, struct err *err)
{
	struct pair pairs[PAIRS];
	double values[PAIRS];

	ours->size = theirs->size;
	if (!fit_spins(sampler, theirs, ours, pairs, err))
		return false;
	found->tick_spins = ours->tick_spins;
	found->like = (struct likeness){ .runtime = theirs->runtime->name, .size = theirs->size };
	found->like.interpreter_ns = median_of(pairs, theirs_of, values);
	found->like.c_ns = median_of(pairs, ours_of, values);
	found->like.ratio = median_of(pairs, ratio_of, values);
	found->like.ci95 = stats_median_interval(values, PAIRS, 0.95);
	snprintf(found->like.workload, sizeof(found->like.workload), "%s", theirs->workload);
	return true;
}

/* Finds the size with which the interpreter lasts as long as a sample should. */
static bool size_of(struct sampler *sampler, struct cell *theirs, uint64_t *elapsed_ns,
		    struct err *err)
{
	struct err why = { 0 };

	if (theirs->size)
		return true;
	theirs->size = 10;
	return calibrate_size(sampler, theirs, elapsed_ns, &why) ||
	       err_set(err, why.code, "%s: %s", theirs->id, why.text);
}

static bool fit_countdown(struct sampler *sampler, const struct matrix *matrix,
			  const struct cell *first, struct calibration *found, struct err *err)
{
	struct cell countdown = { .runtime = first->runtime,
				  .workers = first->workers,
				  .target_ns = COUNTDOWN_NS };
	struct cell theirs, ours;
	uint64_t elapsed_ns;

	snprintf(countdown.workload, sizeof(countdown.workload), COUNTDOWN);
	return make_reference(&theirs, &countdown, matrix->like, matrix, err) &&
	       make_reference(&ours, &countdown, first->runtime, matrix, err) &&
	       size_of(sampler, &theirs, &elapsed_ns, err) &&
	       fit(sampler, &theirs, &ours, found, err);
}

bool like_fit(struct sampler *sampler, const struct matrix *matrix, const struct cell *first,
	      struct calibration *found, struct err *err)
{
	double work_ns, cpu_share;
	struct cell theirs, ours;

	if (!make_reference(&theirs, first, matrix->like, matrix, err) ||
	    !make_reference(&ours, first, first->runtime, matrix, err) ||
	    !size_of(sampler, &theirs, &found->elapsed_ns, err) ||
	    !take(sampler, &theirs, &work_ns, &cpu_share, err))
		return false;
	found->size = theirs.size;
	return cpu_share < 0.5 ? fit_countdown(sampler, matrix, first, found, err) :
				 fit(sampler, &theirs, &ours, found, err);
}
