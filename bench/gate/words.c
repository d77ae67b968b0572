/* The sentences of a gate. */
#include "bench/gate/words.h"

#include "bench/gate/figures.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_SKIPPED] = "SKIPPED",
		[VERDICT_PASS] = "PASS",
		[VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
		[VERDICT_NOT_COMPARABLE] = "NOT COMPARABLE",
		[VERDICT_ERROR] = "ERROR",
		[VERDICT_FAIL] = "FAIL",
	};

	return names[verdict];
}

double gate_false_alarm(const struct gate *gate)
{
	double sum = 0;

	/* All looks count, those too that an early decision has spared. */
	for (size_t i = 0; i < gate->count; i++) {
		for (size_t m = 0; m < METRICS; m++) {
			const struct judgement *judgement = &gate->cells[i].judgements[m];

			if (judgement->gated && judgement->known)
				sum += decide_false_alarm(DECIDE_MOST, true);
		}
	}
	return fmin(sum, 1);
}

/* Adds to what is there. A terminal, and a CI that reads a log, take control characters for more
 * than text; reasons may hold what a program printed. */
static void add(char to[SENTENCE], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char to[SENTENCE], const char *format, ...)
{
	const size_t used = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + used, SENTENCE - used, format, args);
	va_end(args);
	for (char *c = to + used; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
}

bool words_is_row(const struct judgement *judgement)
{
	return judgement->gated && (judgement->known || judgement->verdict > VERDICT_PASS);
}

/* How near it is to what is not allowed; beyond it is more than 1. */
static double nearness(const struct metric *metric, const struct judgement *judgement)
{
	const double limit =
		judgement->median[BASELINE] * (1 + metric->allowed.delta) + metric->allowed.slack;

	if (!judgement->known)
		return INFINITY;
	if (isfinite(judgement->effect.ratio) && !(metric->allowed.slack > 0))
		return judgement->effect.ratio / (1 + metric->allowed.delta);
	return limit > 0 ? judgement->median[CANDIDATE] / limit : 0;
}

enum metric_id words_decisive(const struct gate *gate, const struct gate_cell *cell)
{
	enum metric_id found = METRICS;

	if (cell->reason[0])
		return METRICS;
	for (enum metric_id m = 0; m < METRICS; m++) {
		const struct judgement *judgement = &cell->judgements[m];

		if (!words_is_row(judgement) || judgement->verdict != cell->verdict)
			continue;
		if (found == METRICS ||
		    (cell->verdict == VERDICT_PASS &&
		     nearness(&gate->metrics[m], judgement) >
			     nearness(&gate->metrics[found], &cell->judgements[found])))
			found = m;
	}
	return found;
}

static double cell_nearness(const struct gate *gate, const struct gate_cell *cell)
{
	const enum metric_id m = words_decisive(gate, cell);

	return m == METRICS ? INFINITY : nearness(&gate->metrics[m], &cell->judgements[m]);
}

const struct gate_cell *words_decisive_cell(const struct gate *gate)
{
	const struct gate_cell *found = NULL;

	for (size_t i = 0; i < gate->count; i++) {
		const struct gate_cell *cell = &gate->cells[i];

		if (cell->verdict != gate->verdict)
			continue;
		if (!found || cell_nearness(gate, cell) > cell_nearness(gate, found))
			found = cell;
	}
	return found;
}

/* "takes that had to wait: 14, were 0 (allowed +20%+2) in 20 pairs" */
static void add_metric(const struct metric *metric, const struct judgement *judgement,
		       char to[SENTENCE])
{
	char change[FIGURE], before[FIGURE], after[FIGURE], interval[FIGURE], allowed[FIGURE];

	if (!judgement->known) {
		add(to, "%s is not known: %s", metric->what,
		    judgement->reason[0] ? judgement->reason : "no sample has it");
		return;
	}
	figure_change(metric, judgement, change);
	figure_interval(judgement->effect.ci99, interval);
	figure_allowed(metric, allowed);
	if (judgement->effect.ci99.known) {
		add(to, "%s %s (99%% interval %s; ", metric->what, change, interval);
	} else {
		figure_value(metric, judgement->median[BASELINE], before);
		figure_value(metric, judgement->median[CANDIDATE], after);
		add(to, "%s: %s, were %s (", metric->what, after, before);
	}
	add(to, "allowed %s) in %zu pair%s", allowed, judgement->pairs,
	    judgement->pairs == 1 ? "" : "s");
}

static void add_confirmed(const struct judgement *judgement, char to[SENTENCE])
{
	char change[FIGURE];

	if (!judgement->failed || judgement->confirming == 0)
		return;
	figure_ratio(judgement->confirmed.ratio, change);
	if (judgement->verdict == VERDICT_FAIL)
		add(to, ", and in %zu fresh pairs again", judgement->confirming);
	else
		add(to, ", which %zu fresh pairs did not confirm", judgement->confirming);
	if (isfinite(judgement->confirmed.ratio))
		add(to, " (%s)", change);
}

static void add_smallest(const struct judgement *judgement, char to[SENTENCE])
{
	char smallest[FIGURE];

	if (!isfinite(judgement->effect.smallest))
		return;
	figure_ratio(judgement->effect.smallest, smallest);
	add(to, "; %s would be found by 9 of 10 such gates", smallest);
}

static void add_cell(const struct gate *gate, const struct gate_cell *cell, char to[SENTENCE])
{
	const enum metric_id m = words_decisive(gate, cell);
	const struct judgement *judgement = &cell->judgements[m == METRICS ? 0 : m];

	if (cell->reason[0]) {
		add(to, "%s", cell->reason);
		return;
	}
	if (m == METRICS) {
		add(to, "no metric decided");
		return;
	}
	add_metric(&gate->metrics[m], judgement, to);
	add_confirmed(judgement, to);
	if (cell->verdict == VERDICT_INCONCLUSIVE && judgement->known) {
		add_smallest(judgement, to);
		/* Of what was not confirmed all is said. */
		if (judgement->reason[0] && !judgement->failed)
			add(to, "; %s", judgement->reason);
	}
}

void words_cell(const struct gate *gate, const struct gate_cell *cell, char to[SENTENCE])
{
	to[0] = '\0';
	add_cell(gate, cell, to);
}

static size_t count_of(const struct gate *gate, enum verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < gate->count; i++)
		count += gate->cells[i].verdict == verdict;
	return count;
}

/* What the verdict means, before the cell that it is of. */
static void add_meaning(const struct gate *gate, char to[SENTENCE])
{
	const size_t count = count_of(gate, gate->verdict), all = gate->count;

	switch (gate->verdict) {
	case VERDICT_PASS:
		if (count == all)
			add(to,
			    all == 1 ? "nothing is worse than allowed" :
				       "nothing is worse than allowed in any of %zu cells",
			    all);
		else
			add(to,
			    "nothing is worse than allowed in %zu of %zu cells, the others are "
			    "skipped",
			    count, all);
		add(to, "; nearest to it is ");
		return;
	case VERDICT_INCONCLUSIVE:
		add(to,
		    "%zu of %zu cell%s could be shown neither to be worse nor to be good: ", count,
		    all, all == 1 ? "" : "s");
		return;
	default:
		if (count > 1)
			add(to, "%zu of %zu cells, above all ", count, all);
	}
}

void words_headline(const struct gate *gate, char to[SENTENCE])
{
	const struct gate_cell *cell = words_decisive_cell(gate);

	to[0] = '\0';
	if (gate->reason[0] || !cell) {
		add(to, "%s", gate->reason[0] ? gate->reason : "there is no cell");
		return;
	}
	add_meaning(gate, to);
	add(to, "%s: ", cell->id);
	add_cell(gate, cell, to);
}

void words_help(const struct gate *gate, const struct gate_cell *cell, char to[SENTENCE])
{
	const enum metric_id m = words_decisive(gate, cell);
	const double all_ns = cell->pair_ns * DECIDE_MOST;

	to[0] = '\0';
	/* What failed and was not confirmed is not asked again until it passes. */
	if (m == METRICS || !cell->judgements[m].known || cell->judgements[m].failed)
		return;
	if (cell->judgements[m].pairs >= DECIDE_MOST || cell->pair_count >= DECIDE_MOST)
		add(to,
		    "all %d pairs were taken: only a quieter machine or a wider --threshold "
		    "%s=... can decide it",
		    DECIDE_MOST, gate->metrics[m].name);
	else if (isfinite(all_ns) && all_ns > 0)
		add(to, "more pairs may decide it: --budget %.0fs has room for all %d",
		    ceil(all_ns / 1e9 * 1.1), DECIDE_MOST);
	else
		add(to, "more pairs may decide it: a larger --budget");
}

static void add_known(const char *name, const char *value, bool *any, char to[SENTENCE])
{
	if (!value[0])
		return;
	add(to, "%s%s%s", *any ? ", " : " (", name, value);
	*any = true;
}

void words_side(const struct gate_side *side, char to[SENTENCE])
{
	bool any = false;

	to[0] = '\0';
	add(to, "%s", side->command ? side->command : side->word ? side->word : "not known");
	add_known("revision ", side->revision, &any, to);
	add_known("", side->compiler, &any, to);
	add_known("", side->buildtype, &any, to);
	add_known("-O", side->optimization, &any, to);
	if (strcmp(side->sanitize, "none") != 0)
		add_known("sanitized: ", side->sanitize, &any, to);
	if (any)
		add(to, ")");
}

void words_warning(const struct gate *gate, char to[SENTENCE])
{
	to[0] = '\0';
	add(to, "%s", gate->warning);
}

void words_false_alarm(const struct gate *gate, char to[SENTENCE])
{
	char bound[FIGURE];

	to[0] = '\0';
	figure_bound(gate_false_alarm(gate), bound);
	add(to, "were both sides equal, at most %s of such gates would FAIL, whatever the noise",
	    bound);
}

void words_run(const struct gate *gate, char to[SENTENCE])
{
	size_t pairs = 0, confirming = 0;
	char duration[FIGURE];

	for (size_t i = 0; i < gate->count; i++) {
		pairs += gate->cells[i].pair_count;
		confirming += gate->cells[i].confirming_count;
	}
	figure_duration((double)gate->duration_ns, duration);
	to[0] = '\0';
	add(to, "%zu cell%s, %zu pair%s", gate->count, gate->count == 1 ? "" : "s", pairs,
	    pairs == 1 ? "" : "s");
	if (confirming > 0)
		add(to, " and %zu to confirm", confirming);
	add(to, " in %s, seed %llu", duration, (unsigned long long)gate->seed);
}

void words_exit(const struct gate *gate, char to[SENTENCE])
{
	static const int own[] = {
		[VERDICT_SKIPPED] = GATE_EXIT_SKIPPED,
		[VERDICT_PASS] = GATE_EXIT_PASS,
		[VERDICT_INCONCLUSIVE] = GATE_EXIT_INCONCLUSIVE,
		[VERDICT_NOT_COMPARABLE] = GATE_EXIT_NOT_COMPARABLE,
		[VERDICT_ERROR] = GATE_EXIT_ERROR,
		[VERDICT_FAIL] = GATE_EXIT_FAIL,
	};

	to[0] = '\0';
	if (gate->exit_status != own[gate->verdict])
		add(to, "the exit status is %d, as was asked for", gate->exit_status);
}
