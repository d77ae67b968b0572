/* Looks, confirmations, and the verdicts of cells and gates. */
#include "bench/gate/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The pairs of one metric. */
struct series {
	struct pair pairs[DECIDE_MOST];
	double scratch[DECIDE_MOST];
	size_t count;
};

/* What keeps a metric from being known. */
enum gap { GAP_NONE, GAP_BOTH, GAP_BASELINE, GAP_CANDIDATE };

/* Of the first 'count' pairs. */
static enum gap collect(const struct gate_pair *pairs, size_t count, size_t metric,
			struct series *to)
{
	bool lacks[SIDES] = { count == 0, count == 0 };

	to->count = count;
	for (size_t i = 0; i < count; i++) {
		const double baseline = pairs[i].side[BASELINE].value[metric];
		const double candidate = pairs[i].side[CANDIDATE].value[metric];

		lacks[BASELINE] |= !isfinite(baseline);
		lacks[CANDIDATE] |= !isfinite(candidate);
		to->pairs[i] = (struct pair){ baseline, candidate };
	}
	return lacks[BASELINE] && lacks[CANDIDATE] ? GAP_BOTH :
	       lacks[BASELINE]                     ? GAP_BASELINE :
	       lacks[CANDIDATE]                    ? GAP_CANDIDATE :
						     GAP_NONE;
}

static void set_medians(struct judgement *judgement, struct series *series)
{
	for (size_t i = 0; i < series->count; i++)
		series->scratch[i] = series->pairs[i].baseline;
	stats_sort(series->scratch, series->count);
	judgement->median[BASELINE] = stats_median(series->scratch, series->count);
	for (size_t i = 0; i < series->count; i++)
		series->scratch[i] = series->pairs[i].candidate;
	stats_sort(series->scratch, series->count);
	judgement->median[CANDIDATE] = stats_median(series->scratch, series->count);
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

/* A metric that one side alone has cannot be compared; nor is there a way to pass by not having
 * what was asked for. */
static void set_gap(const struct metric *metric, enum gap gap, struct judgement *judgement)
{
	static const char *const words[] = {
		[GAP_BOTH] = "neither side tells it",
		[GAP_BASELINE] = "the candidate tells it, the baseline does not",
		[GAP_CANDIDATE] = "the baseline tells it, the candidate does not",
	};

	judgement->known = false;
	judgement->gated = metric->gated && (gap != GAP_BOTH || metric->asked);
	judgement->verdict = judgement->gated ? VERDICT_NOT_COMPARABLE : VERDICT_SKIPPED;
	snprintf(judgement->reason, sizeof(judgement->reason), "%s", words[gap]);
}

/* False: not decided. */
static bool look_at(const struct metric *metric, size_t id, struct gate_cell *cell)
{
	static struct series series; /* large */
	struct judgement *judgement = &cell->judgements[id];
	const enum gap gap = collect(cell->pairs, cell->pair_count, id, &series);
	enum decision decision;

	if (gap != GAP_NONE) {
		judgement->decided = true;
		set_gap(metric, gap, judgement);
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
		again = collect(cell->confirming, cell->confirming_count, i, &series) == GAP_NONE &&
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
	const enum gap gap = collect(cell->pairs, cell->pair_count, id, &series);

	if (judgement->decided)
		return;
	judgement->decided = true;
	if (gap != GAP_NONE) {
		set_gap(metric, gap, judgement);
		return;
	}
	describe(metric, &series, judgement);
	judgement->gated = metric->gated;
	judgement->verdict = metric->gated ? VERDICT_INCONCLUSIVE : VERDICT_SKIPPED;
	if (metric->gated)
		say_undecided(metric, &series, why, judgement);
}

void judge_close(const struct gate *gate, struct gate_cell *cell, const char *why)
{
	bool any = false;

	cell->decided = true;
	for (size_t i = 0; i < METRICS; i++)
		close_metric(&gate->metrics[i], i, cell, why);
	if (cell->reason[0])
		return;
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

void judge_gate(struct gate *gate)
{
	gate->verdict = VERDICT_SKIPPED;
	for (size_t i = 0; i < gate->count; i++) {
		const enum verdict verdict = gate->cells[i].verdict;

		gate->verdict = verdict > gate->verdict ? verdict : gate->verdict;
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
