/* gate.tsv, the table of the chart: a panel per cell, a row per pair of the metric that decided it.
 * What a panel has once is repeated in each of its rows: gnuplot reads rows. */
#include "bench/gate/figures.h"
#include "bench/gate/panels.h"
#include "bench/gate/show.h"
#include "bench/gate/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANELS 12

struct panel {
	size_t number;
	const struct gate_cell *cell;
	const struct metric *metric;
	enum metric_id id;
	const struct judgement *judgement;
	bool relative; /* heights are logarithms of ratios; else differences */
	double allowed, low, high;
};

/* Null when there is none: a cell that was not measured has no panel. */
static const struct judgement *choose(const struct gate *gate, const struct gate_cell *cell,
				      enum metric_id *id)
{
	*id = words_decisive(gate, cell);
	if (*id == METRICS || !cell->judgements[*id].known)
		*id = METRIC_TIME;
	for (enum metric_id m = 0; m < METRICS && !cell->judgements[*id].known; m++)
		*id = m;
	return cell->judgements[*id].known && cell->pair_count > 0 ? &cell->judgements[*id] : NULL;
}

/* NaN where a pair has no ratio. */
static double height_of(const struct panel *panel, const struct gate_pair *pair)
{
	const double baseline = pair->side[BASELINE].value[panel->id];
	const double candidate = pair->side[CANDIDATE].value[panel->id];

	if (!panel->relative)
		return candidate - baseline;
	return baseline > 0 && candidate > 0 ? log(candidate / baseline) : NAN;
}

/* From what is to be seen in any case to nearly all dots: a few that a burst has hit would squeeze
 * all others into a line. They stand at the edge. */
static bool set_range(struct panel *panel)
{
	const struct gate_cell *cell = panel->cell;
	const struct interval *interval = &panel->judgement->effect.ci99;
	double *heights = calloc(cell->pair_count + cell->confirming_count, sizeof(*heights));
	double low, high;
	size_t count = 0;

	if (!heights)
		return false;
	for (size_t i = 0; i < cell->pair_count + cell->confirming_count; i++) {
		const struct gate_pair *pair = i < cell->pair_count ?
						       &cell->pairs[i] :
						       &cell->confirming[i - cell->pair_count];
		const double height = height_of(panel, pair);

		if (isfinite(height))
			heights[count++] = height;
	}
	if (count > 0) {
		stats_sort(heights, count);
		low = stats_quantile(heights, count, 0.1);
		high = stats_quantile(heights, count, 0.9);
		/* Of a normal distribution 98 in 100. */
		panel->low = fmin(0, fmax(heights[0], low - 0.4 * (high - low)));
		panel->high =
			fmax(panel->allowed, fmin(heights[count - 1], high + 0.4 * (high - low)));
	}
	free(heights);
	if (panel->relative && interval->known) {
		panel->low = fmin(panel->low, log(interval->low));
		panel->high = fmax(panel->high, log(interval->high));
	}
	return count > 0;
}

static bool make_panel(const struct gate *gate, const struct gate_cell *cell, struct panel *panel)
{
	double margin, baseline;

	*panel = (struct panel){ .number = panel->number, .cell = cell };
	panel->judgement = choose(gate, cell, &panel->id);
	if (!panel->judgement)
		return false;
	panel->metric = &gate->metrics[panel->id];
	panel->relative = isfinite(panel->judgement->effect.ratio);
	baseline = panel->judgement->median[BASELINE];
	panel->allowed = panel->metric->allowed.delta * baseline + panel->metric->allowed.slack;
	if (panel->relative)
		panel->allowed = log1p(panel->allowed / baseline);
	if (!set_range(panel))
		return false;
	margin = fmax((panel->high - panel->low) * 0.08, 1e-9);
	panel->low -= margin;
	panel->high += margin;
	return true;
}

static void put_number(FILE *to, double value)
{
	if (isfinite(value))
		fprintf(to, "\t%.8g", value);
	else
		fputs("\tNaN", to);
}

/* The median and its interval, of the pairs that decided and of those of the confirmation. */
static void put_effect(const struct panel *panel, FILE *to)
{
	const struct judgement *judgement = panel->judgement;
	const struct effect *effect = &judgement->effect, *again = &judgement->confirmed;
	const bool confirmed = panel->relative && judgement->confirming > 0;
	const double difference = judgement->median[CANDIDATE] - judgement->median[BASELINE];

	put_number(to, panel->relative ? log(effect->ratio) : difference);
	put_number(to, effect->ci99.known ? log(effect->ci99.low) : NAN);
	put_number(to, effect->ci99.known ? log(effect->ci99.high) : NAN);
	put_number(to, confirmed ? log(again->ratio) : NAN);
	put_number(to, confirmed && again->ci99.known ? log(again->ci99.low) : NAN);
	put_number(to, confirmed && again->ci99.known ? log(again->ci99.high) : NAN);
}

/* "time +12.3% (+9.8..+14.1%), allowed +5%" */
static void put_note(const struct panel *panel, FILE *to)
{
	char change[FIGURE], interval[FIGURE], allowed[FIGURE];

	figure_change(panel->metric, panel->judgement, change);
	figure_interval(panel->judgement->effect.ci99, interval);
	figure_allowed(panel->metric, allowed);
	fprintf(to, "%s %s", panel->metric->name, change);
	if (panel->judgement->effect.ci99.known)
		fprintf(to, " (%s)", interval);
	if (panel->judgement->gated)
		fprintf(to, ", allowed %s", allowed);
}

static void put_row(const struct panel *panel, bool confirming, size_t nth, FILE *to)
{
	const struct gate_cell *cell = panel->cell;
	const struct gate_pair *pair = confirming ? &cell->confirming[nth] : &cell->pairs[nth];
	const double height = height_of(panel, pair);
	/* Between the two there is room for a line. */
	const size_t gap = 2 + cell->pair_count / 20;
	const size_t place = nth + 1 + (confirming ? cell->pair_count + gap : 0);

	if (!isfinite(height))
		return;
	fprintf(to, "%s\t%s\t", cell->id, verdict_name(cell->verdict));
	put_note(panel, to);
	fprintf(to, "\t%s\t%zu\t%zu\t%d\t%d", panel->relative ? "ratio" : panel->metric->unit,
		panel->number, place, confirming, pair->candidate_first);
	put_number(to, height);
	put_number(to, fmax(panel->low, fmin(panel->high, height)));
	put_number(to, panel->low);
	put_number(to, panel->high);
	put_number(to, panel->judgement->gated ? panel->allowed : NAN);
	fprintf(to, "\t%zu\t%zu\t%zu\t%zu", panel->judgement->pairs, cell->pair_count, gap,
		cell->confirming_count);
	put_effect(panel, to);
	fputc('\n', to);
}

/* Those there is no room for, too. */
static size_t count_panels(const struct gate *gate)
{
	struct panel panel = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < gate->count; i++)
		count += make_panel(gate, &gate->cells[i], &panel);
	return count;
}

void panels_foot(const struct gate *gate, char foot[2][PANELS_FOOT])
{
	char line[256], date[32];
	struct tm utc;
	size_t used;

	gmtime_r(&gate->started, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	machine_line(&gate->machine, line, sizeof(line));
	snprintf(foot[0], PANELS_FOOT,
		 "a dot is two fresh processes, one of each build, in the order they ran; line and "
		 "band: median and its 99 %% interval; grey: beyond the edge");
	if (count_panels(gate) > PANELS)
		snprintf(foot[1], PANELS_FOOT, "the most urgent of %zu cells; ", gate->count);
	else
		snprintf(foot[1], PANELS_FOOT, "%s%.80s%s",
			 gate->injected ? "MADE WORSE ON PURPOSE: " : "",
			 gate->injected ? gate->injected : "", gate->injected ? "; " : "");
	used = strlen(foot[1]);
	snprintf(foot[1] + used, PANELS_FOOT - used, "%s, %.120s, seed %llu", date, line,
		 (unsigned long long)gate->seed);
}

size_t panels_count(const struct gate *gate)
{
	const size_t count = count_panels(gate);

	return count < PANELS ? count : PANELS;
}

/* What failed comes first: there is room for the most urgent. */
void gate_chart_tsv(const void *subject, FILE *to)
{
	const struct gate *gate = subject;
	char foot[2][PANELS_FOOT];
	struct panel panel = { 0 };

	panels_foot(gate, foot);
	fprintf(to,
		"# %s\n# %s\n# cell\tverdict\tnote\tunit\tpanel\tplace\tconfirming\tfirst\theight\t"
		"shown\tfrom\tto\tallowed\tpairs\ttaken\tgap\tconfirmed\tmedian\tlow\thigh\t"
		"median_again\tlow_again\thigh_again\n",
		foot[0], foot[1]);
	for (int verdict = VERDICT_FAIL; verdict >= VERDICT_SKIPPED; verdict--) {
		for (size_t i = 0; i < gate->count && panel.number < PANELS; i++) {
			const struct gate_cell *cell = &gate->cells[i];

			if ((int)cell->verdict != verdict || !make_panel(gate, cell, &panel))
				continue;
			for (size_t p = 0; p < cell->pair_count; p++)
				put_row(&panel, false, p, to);
			for (size_t p = 0; p < cell->confirming_count; p++)
				put_row(&panel, true, p, to);
			panel.number++;
		}
	}
}
