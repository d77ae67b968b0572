/* Sizes and spins. */
#include "bench/calibrate.h"

#include "bench/like.h"
#include "bench/runtime.h"

#include <string.h>

#define TRIES 9
#define STEPS 12
#define TIMES 3

static bool take(struct sampler *sampler, const struct cell *cell, struct sample *sample,
		 struct err *err)
{
	if (sample_take(sampler, cell, sample, err))
		return true;
	json_decref(sample->line);
	return false;
}

/* The median of a few fresh processes: one may have started while a core was fast or slow. */
static bool find_spins(struct sampler *sampler, struct cell *cell, struct err *err)
{
	double spins[TRIES];

	for (size_t i = 0; i < TRIES; i++) {
		struct sample sample;
		json_int_t found;

		if (!take(sampler, cell, &sample, err))
			return false;
		if (json_unpack(sample.line, "{s:{s:I}}", "params", "tick-spins", &found) != 0) {
			json_decref(sample.line);
			return err_set(err, EXIT_FAILED, "printed no tick-spins");
		}
		spins[i] = (double)found;
		json_decref(sample.line);
	}
	stats_sort(spins, TRIES);
	cell->tick_spins = (uint64_t)stats_median(spins, TRIES);
	cell->spins_known = true;
	return true;
}

/* Two significant digits: a size that a reader can say. */
static uint64_t round_size(double size)
{
	uint64_t step = 1;

	while (size / (double)step >= 100)
		step *= 10;
	return (uint64_t)(size / (double)step + 0.5) * step;
}

/* The least time of a few samples: what disturbs makes longer, and a size that was found in a bad
 * moment would be too small. */
static bool time_size(struct sampler *sampler, const struct cell *cell, uint64_t *elapsed_ns,
		      struct err *err)
{
	*elapsed_ns = UINT64_MAX;
	for (int i = 0; i < TIMES; i++) {
		struct sample sample;

		if (!take(sampler, cell, &sample, err))
			return false;
		json_decref(sample.line);
		*elapsed_ns = sample.elapsed_ns < *elapsed_ns ? sample.elapsed_ns : *elapsed_ns;
	}
	return true;
}

/* Grows the work until it lasts long enough to be scaled to the target. */
bool calibrate_size(struct sampler *sampler, struct cell *cell, uint64_t *elapsed_ns,
		    struct err *err)
{
	const double target = (double)cell->target_ns;

	for (int step = 0; step < STEPS; step++) {
		double factor;

		if (!time_size(sampler, cell, elapsed_ns, err))
			return false;
		factor = target / (double)*elapsed_ns;
		if (factor > 0.8 && factor < 1.25 && step > 0)
			return true;
		/* Short runs are mostly start-up: do not trust them with a large step. */
		factor = factor > 20 ? 20 : factor < 0.05 ? 0.05 : factor;
		cell->size = round_size((double)cell->size * factor + 1);
	}
	return true;
}

/* Its ticks are as long as it makes them. */
static bool is_interpreter(const struct cell *cell)
{
	return cell->runtime && cell->runtime->family;
}

/* The interpreter that C cells are to be like, and these: they get one size. */
static bool is_like(const struct matrix *matrix, const struct cell *cell)
{
	return matrix->like && (!is_interpreter(cell) || cell->runtime == matrix->like);
}

static bool find(struct sampler *sampler, const struct matrix *matrix, const struct cell *first,
		 struct calibration *found, struct err *err)
{
	struct cell cell = *first;
	struct err why = { 0 };
	bool good;

	*found = (struct calibration){ .runtime = cell_runtime(first),
				       .target_ns = cell.target_ns,
				       .size = cell.size };
	snprintf(found->workload, sizeof(found->workload), "%s", cell.workload);
	if (is_like(matrix, first))
		return like_fit(sampler, matrix, first, found, err);
	cell.size = cell.size ? cell.size : 10;
	good = is_interpreter(first) || find_spins(sampler, &cell, &why);
	if (good && first->size == 0) {
		good = calibrate_size(sampler, &cell, &found->elapsed_ns, &why);
		found->size = cell.size;
	}
	found->tick_spins = cell.tick_spins;
	return good || err_set(err, why.code, "%s: %s", cell.id, why.text);
}

static bool same_setting(const struct cell *a, const struct cell *b, const char *name)
{
	const char *one = cell_setting(a, name), *other = cell_setting(b, name);

	return strcmp(one ? one : "", other ? other : "") == 0;
}

/* Whether the settings of one that make other work have the same values in the other. */
static bool same_work(const struct matrix *matrix, const struct cell *a, const struct cell *b)
{
	const json_t *told = a->runtime ? runtime_describe(a->runtime, matrix->folder, a->workload,
							   &(struct err){ 0 }) :
					  NULL;

	for (size_t i = 0; i < a->setting_count; i++) {
		const char *name = a->settings[i].name;

		if (runtime_is_other_work(told, name) && !same_setting(a, b, name))
			return false;
	}
	return true;
}

/* Cells of one runtime and workload get one size, so that they can be compared, unless their
 * operations are of another kind: a sleep lasts a hundred times as long as an echo. */
static bool same_kind(const struct matrix *matrix, const struct cell *a, const struct cell *b)
{
	return strcmp(a->workload, b->workload) == 0 &&
	       (a->runtime == b->runtime || (is_like(matrix, a) && is_like(matrix, b))) &&
	       (a->size == b->size || a->size == 0 || b->size == 0) &&
	       same_setting(a, b, "tick-ns") && same_work(matrix, a, b) && same_work(matrix, b, a);
}

void calibrate(struct sampler *sampler, struct matrix *matrix, struct calibration *found,
	       size_t *count)
{
	static struct err reasons[CALIBRATIONS_MAX]; /* large */
	static const struct cell *firsts[CALIBRATIONS_MAX];

	*count = 0;
	for (size_t i = 0; i < matrix->count; i++) {
		struct cell *cell = &matrix->cells[i];
		size_t known = 0;

		if (cell->status == CELL_FAILED)
			continue;
		while (known < *count && !same_kind(matrix, firsts[known], cell))
			known++;
		if (known == *count)
			firsts[known] = cell;
		if (known == *count &&
		    !find(sampler, matrix, cell, &found[(*count)++], &reasons[known]) &&
		    sampler->process.interrupted)
			return;
		cell->size = cell->size ? cell->size : found[known].size;
		cell->tick_spins = found[known].tick_spins;
		cell->spins_known = !reasons[known].text[0] && !is_interpreter(cell);
		if (reasons[known].text[0])
			cell_fail(cell, reasons[known].text);
	}
}
