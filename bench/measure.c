/* Goes over the matrix, round by round, until every cell has its samples. */
#include "bench/measure.h"

#include "base/progress.h"
#include "base/random.h"
#include "bench/runtime.h"
#include "bench/traced.h"

#include <stdlib.h>
#include <string.h>

/* As CELL_TRACED. */
#define COUNTING_ROUNDS 3

/* Where a run over the matrix is. */
struct pass {
	struct progress progress;
	uint64_t done, random;
	unsigned seq;
};

/* Cells whose times are compared with each other. */
static bool is_compared(const struct cell *a, const struct cell *b)
{
	return strcmp(a->workload, b->workload) == 0 && a->runtime == b->runtime &&
	       a->workers == b->workers;
}

/* The order of a round: random, but with cells that are compared side by side, so that what the
 * machine does meanwhile is the same for both and cancels in their ratio. */
static void order_round(size_t *order, const struct matrix *matrix, uint64_t *random)
{
	size_t shuffled[CELLS_MAX] = { 0 }, used = 0;
	bool taken[CELLS_MAX] = { false };

	random_order(shuffled, matrix->count, random);
	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *first = &matrix->cells[shuffled[i]];

		if (taken[i])
			continue;
		for (size_t j = i; j < matrix->count; j++) {
			if (taken[j] || !is_compared(first, &matrix->cells[shuffled[j]]))
				continue;
			order[used++] = shuffled[j];
			taken[j] = true;
		}
	}
}

/* Whether two cells did the same work, whatever the mode and the runtime: by the values that their
 * workload says it used. */
static bool did_same_work(const struct matrix *matrix, const struct cell *cell,
			  const json_t *params, const struct cell *other)
{
	struct err err = { 0 };
	const json_t *told = cell->runtime ? runtime_describe(cell->runtime, matrix->folder,
							      cell->workload, &err) :
					     NULL;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)params, name, value)
	{
		if (runtime_is_other_work(told, name) &&
		    !json_equal(value, json_object_get(other->params, name)))
			return false;
	}
	return true;
}

/* The same work must give the same checksum, whoever does it; the first one seen is what is
 * expected. */
static bool check_checksum(struct matrix *matrix, struct cell *cell, const struct sample *sample,
			   struct err *err)
{
	const char *sum = json_string_value(json_object_get(sample->line, "checksum"));
	json_t *params = json_object_get(sample->line, "params");

	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *other = &matrix->cells[i];

		if (!other->checksum[0] || strcmp(other->workload, cell->workload) != 0 ||
		    other->size != cell->size || !did_same_work(matrix, cell, params, other))
			continue;
		if (strcmp(other->checksum, sum) != 0)
			return err_set(err, EXIT_FAILED, "checksum %s differs from %s of %s", sum,
				       other->checksum, other->id);
	}
	snprintf(cell->checksum, sizeof(cell->checksum), "%s", sum);
	if (!cell->params)
		cell->params = json_incref(params);
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
enum purpose { WARM_UP, TIME, COUNT, TRACE };

/* Takes one sample of a cell. False only when we were asked to stop. */
static bool measure_cell(struct sampler *sampler, struct matrix *matrix, struct cell *cell,
			 enum purpose purpose, unsigned seq, unsigned round)
{
	static struct histogram unused; /* of samples that do not count */
	struct sample sample;
	struct err err = { 0 };

	if (!cell->latency)
		cell->latency = calloc(1, sizeof(*cell->latency));
	if (!cell->latency)
		abort();
	if (sample_take(sampler, cell, &sample, &err) &&
	    check_checksum(matrix, cell, &sample, &err) &&
	    sample_pool(&sample, purpose == TIME ? cell->latency : &unused, &err)) {
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

/* Runs a cell under the tracer. Only another checksum fails the cell: what keeps the tracer from
 * counting says nothing about the cell. */
static bool trace_cell(struct sampler *sampler, struct matrix *matrix, struct cell *cell)
{
	struct sample sample;
	struct calls calls;
	struct err err = { 0 };

	if (traced_calls(sampler, cell, &sample, &calls, &err)) {
		if (check_checksum(matrix, cell, &sample, &err))
			cell_keep_calls(cell, calls);
		else
			cell_fail(cell, err.text);
	} else if (!sampler->process.interrupted) {
		cell_lose_calls(cell, err.text);
	}
	json_decref(sample.line);
	return !sampler->process.interrupted;
}

/* Whether the pass needs the cell. A crash is a finding, not noise: it is not tried again. */
static bool is_wanted(const struct cell *cell, enum purpose purpose)
{
	return cell->status != CELL_FAILED && (purpose != TRACE || !cell->traced_reason[0]);
}

/* One pass over the matrix. Traced samples are no samples of the result, and have no number. */
static bool measure_round(struct sampler *sampler, struct matrix *matrix, enum purpose purpose,
			  unsigned round, struct pass *pass)
{
	size_t order[CELLS_MAX] = { 0 };

	order_round(order, matrix, &pass->random);
	for (size_t i = 0; i < matrix->count; i++) {
		struct cell *cell = &matrix->cells[order[i]];

		progress_step(&pass->progress, pass->done++, cell->id);
		if (is_wanted(cell, purpose) &&
		    !(purpose == TRACE ?
			      trace_cell(sampler, matrix, cell) :
			      measure_cell(sampler, matrix, cell, purpose, pass->seq, round)))
			return false;
		pass->seq += purpose == TIME || purpose == COUNT;
		if (process_stop_signal())
			return false;
	}
	return true;
}

/* Warms up, takes the times, and then counts what costs time to count. */
void measure(struct sampler *sampler, struct result *result, struct matrix *matrix)
{
	static struct counters free_of_charge;
	const unsigned counting =
		set_charged_apart(result->counters, &free_of_charge) ? COUNTING_ROUNDS : 0;
	const unsigned rounds = result->warmup + result->runs + counting + result->traced;
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
	sampler->counters = NULL;
	for (unsigned i = 0; i < result->traced && go_on; i++)
		go_on = measure_round(sampler, matrix, TRACE, i, &pass);
	progress_end(&pass.progress);
}
