/* Looks, confirmations, and the verdicts of cells and gates. */
#include "bench/gate/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The pairs of one metric; how many samples of each side do not tell it. */
struct series {
	struct pair pairs[DECIDE_MOST];
	double scratch[DECIDE_MOST];
	size_t count, lacking[SIDES];
};

/* Of the first 'count' pairs. True when all samples tell it. */
static bool collect(const struct gate_pair *pairs, size_t count, size_t metric, struct series *to)
{
	to->count = count;
	to->lacking[BASELINE] = to->lacking[CANDIDATE] = 0;
	for (size_t i = 0; i < count; i++) {
		const double baseline = pairs[i].side[BASELINE].value[metric];
		const double candidate = pairs[i].side[CANDIDATE].value[metric];

		to->lacking[BASELINE] += isfinite(baseline) ? 0 : 1;
		to->lacking[CANDIDATE] += isfinite(candidate) ? 0 : 1;
		to->pairs[i] = (struct pair){ baseline, candidate };
	}
	return count > 0 && to->lacking[BASELINE] + to->lacking[CANDIDATE] == 0;
}

static bool is_told_by(const struct gate_pair *pair, size_t metric)
{
	return isfinite(pair->side[BASELINE].value[metric]) &&
	       isfinite(pair->side[CANDIDATE].value[metric]);
}

static void set_medians(struct judgement *judgement, struct series *series)
{
	for (enum side side = BASELINE; side < SIDES; side++) {
		for (size_t i = 0; i < series->count; i++)
			series->scratch[i] = side == BASELINE ? series->pairs[i].baseline :
								series->pairs[i].candidate;
		stats_sort(series->scratch, series->count);
		judgement->median[side] = stats_median(series->scratch, series->count);
	}
}

static void describe(const struct metric *metric, struct series *series,
		     struct judgement *judgement)
{
	judgement->known = true;
	judgement->pairs = series->count;
	set_medians(judgement, series);
	judgement->effect =
		decide_effect(series->pairs, series->count, metric->allowed, series->scratch);
}

/* What no sample of either side has the cell has not. A metric that some have, or one side, cannot
 * be compared, and is no way to pass. */
static void set_gap(const struct metric *metric, const struct series *series,
		    struct judgement *judgement)
{
	const size_t *lacking = series->lacking, count = series->count;
	const bool absent = lacking[BASELINE] == count && lacking[CANDIDATE] == count;

	judgement->known = false;
	judgement->gated = metric->gated && !absent;
	judgement->verdict = judgement->gated ? VERDICT_NOT_COMPARABLE : VERDICT_SKIPPED;
	if (absent)
		snprintf(judgement->reason, sizeof(judgement->reason), "neither side tells it");
	else if (lacking[BASELINE] == count && lacking[CANDIDATE] == 0)
		snprintf(judgement->reason, sizeof(judgement->reason),
			 "the candidate tells it, the baseline does not");
	else if (lacking[CANDIDATE] == count && lacking[BASELINE] == 0)
		snprintf(judgement->reason, sizeof(judgement->reason),
			 "the baseline tells it, the candidate does not");
	else
		snprintf(judgement->reason, sizeof(judgement->reason),
			 "%zu of %zu samples of the baseline do not tell it, %zu of the candidate",
			 lacking[BASELINE], count, lacking[CANDIDATE]);
}

/* False: not decided. */
static bool look_at(const struct metric *metric, size_t id, struct gate_cell *cell)
{
	static struct series series; /* large */
	struct judgement *judgement = &cell->judgements[id];
	enum decision decision;

	if (!collect(cell->pairs, cell->pair_count, id, &series)) {
		judgement->decided = true;
		set_gap(metric, &series, judgement);
		return true;
	}
	judgement->gated = true;
	decision = decide(series.pairs, series.count, metric->allowed);
	if (decision == DECIDE_MORE)
		return false;
	judgement->decided = true;
	judgement->failed = decision == DECIDE_FAIL;
	judgement->verdict = judgement->failed ? VERDICT_FAIL : VERDICT_PASS;
	describe(metric, &series, judgement);
	return true;
}

void judge_end(struct gate_cell *cell, enum verdict verdict, const char *format, ...)
{
	va_list arguments;

	cell->decided = true;
	cell->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(cell->reason, sizeof(cell->reason), format, arguments);
	va_end(arguments);
}

bool judge_look(const struct gate *gate, struct gate_cell *cell)
{
	bool all = true;

	for (size_t i = 0; i < METRICS; i++) {
		if (gate->metrics[i].gated && !cell->judgements[i].decided)
			all &= look_at(&gate->metrics[i], i, cell);
	}
	return all;
}

size_t judge_confirming(const struct gate_cell *cell)
{
	size_t most = 0;

	for (size_t i = 0; i < METRICS; i++) {
		const struct judgement *judgement = &cell->judgements[i];

		if (judgement->failed && judgement->pairs > most)
			most = judgement->pairs;
	}
	return most > 0 ? decide_confirm_pairs(most) : 0;
}

void judge_confirm(const struct gate *gate, struct gate_cell *cell)
{
	static struct series series; /* large */

	for (size_t i = 0; i < METRICS; i++) {
		struct judgement *judgement = &cell->judgements[i];
		const struct metric *metric = &gate->metrics[i];
		bool again;

		if (!judgement->failed)
			continue;
		again = collect(cell->confirming, cell->confirming_count, i, &series) &&
			series.count >= decide_confirm_pairs(judgement->pairs) &&
			decide_confirms(series.pairs, series.count, metric->allowed);
		judgement->confirming = series.count;
		judgement->confirmed =
			decide_effect(series.pairs, series.count, metric->allowed, series.scratch);
		if (again)
			continue;
		judgement->verdict = VERDICT_INCONCLUSIVE;
		snprintf(judgement->reason, sizeof(judgement->reason),
			 "it failed in %zu pairs, and not again in %zu fresh ones",
			 judgement->pairs, series.count);
	}
}

static void say_undecided(const struct metric *metric, const struct series *series, const char *why,
			  struct judgement *judgement)
{
	const struct beyond beyond = decide_beyond(series->pairs, series->count, metric->allowed);

	if (series->count < DECIDE_LOOK)
		snprintf(judgement->reason, sizeof(judgement->reason), "%s", why);
	else
		snprintf(judgement->reason, sizeof(judgement->reason),
			 "%zu of %zu pairs are beyond what is allowed, for PASS %zu may be; %s",
			 beyond.pairs, series->count, beyond.most, why);
}

/* What is only reported, or was not decided. */
static void close_metric(const struct metric *metric, size_t id, struct gate_cell *cell,
			 const char *why)
{
	static struct series series; /* large */
	struct judgement *judgement = &cell->judgements[id];
	size_t count = cell->pair_count;
	bool all;

	if (judgement->decided)
		return;
	/* What is reported alone may be told as long as something gated wanted a trace. */
	while (!metric->gated && count > 0 && !is_told_by(&cell->pairs[count - 1], id))
		count--;
	all = collect(cell->pairs, count > 0 ? count : cell->pair_count, id, &series);
	judgement->decided = true;
	if (!all) {
		set_gap(metric, &series, judgement);
		return;
	}
	describe(metric, &series, judgement);
	judgement->gated = metric->gated;
	judgement->verdict = metric->gated ? VERDICT_INCONCLUSIVE : VERDICT_SKIPPED;
	if (metric->gated)
		say_undecided(metric, &series, why, judgement);
}

/* Of a cell that ended before its confirmation did. */
static void unsay_failures(struct gate_cell *cell)
{
	for (size_t i = 0; i < METRICS; i++) {
		struct judgement *judgement = &cell->judgements[i];

		if (!judgement->failed || judgement->confirming > 0)
			continue;
		judgement->verdict = VERDICT_INCONCLUSIVE;
		snprintf(judgement->reason, sizeof(judgement->reason),
			 "it failed in %zu pairs, and was not confirmed", judgement->pairs);
	}
}

void judge_close(const struct gate *gate, struct gate_cell *cell, const char *why)
{
	bool any = false;

	cell->decided = true;
	for (size_t i = 0; i < METRICS; i++)
		close_metric(&gate->metrics[i], i, cell, why);
	if (cell->reason[0]) {
		unsay_failures(cell);
		return;
	}
	cell->verdict = VERDICT_SKIPPED;
	for (size_t i = 0; i < METRICS; i++) {
		const struct judgement *judgement = &cell->judgements[i];

		if (!judgement->gated)
			continue;
		any = true;
		cell->verdict =
			judgement->verdict > cell->verdict ? judgement->verdict : cell->verdict;
	}
	if (!any)
		judge_end(cell, VERDICT_ERROR, "nothing of it is gated");
}

/* Whether a cell has it, among those that were measured. */
static bool is_told(const struct gate *gate, size_t metric)
{
	for (size_t i = 0; i < gate->count; i++) {
		if (gate->cells[i].judgements[metric].gated)
			return true;
	}
	return false;
}

void judge_gate(struct gate *gate)
{
	gate->verdict = VERDICT_SKIPPED;
	for (size_t i = 0; i < gate->count; i++) {
		const enum verdict verdict = gate->cells[i].verdict;

		gate->verdict = verdict > gate->verdict ? verdict : gate->verdict;
	}
	for (size_t i = 0; i < METRICS && gate->verdict < VERDICT_NOT_COMPARABLE; i++) {
		if (!gate->metrics[i].asked || is_told(gate, i))
			continue;
		gate->verdict = VERDICT_NOT_COMPARABLE;
		snprintf(gate->reason, sizeof(gate->reason),
			 "%s was asked for by --threshold, and no cell tells it",
			 gate->metrics[i].name);
	}
}

int judge_exit(const struct gate *gate, int inconclusive)
{
	switch (gate->verdict) {
	case VERDICT_SKIPPED:
		return GATE_EXIT_SKIPPED;
	case VERDICT_PASS:
		return GATE_EXIT_PASS;
	case VERDICT_INCONCLUSIVE:
		return inconclusive;
	case VERDICT_NOT_COMPARABLE:
		return GATE_EXIT_NOT_COMPARABLE;
	case VERDICT_FAIL:
		return GATE_EXIT_FAIL;
	case VERDICT_ERROR:
	default:
		return GATE_EXIT_ERROR;
	}
}
