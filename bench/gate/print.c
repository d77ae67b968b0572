/* A gate for people. */
#include "bench/gate/figures.h"
#include "bench/gate/show.h"
#include "bench/gate/words.h"

#include "base/wrap.h"

#include <math.h>
#include <string.h>

#define INDENT 1
/* Where what belongs to a row or a cell begins. */
#define NOTES 12

/* The rows of a cell are as wide as the narrowest terminal: 80 columns. */
static void put_row(FILE *to, const char *const column[7])
{
	fprintf(to, "%*s%-11s %8s %9s %6s %13s %7s %6s", INDENT, "", column[0], column[1],
		column[2], column[3], column[4], column[5], column[6]);
}

static void put_judgement(const struct metric *metric, const struct judgement *judgement, FILE *to)
{
	char figure[6][FIGURE];

	figure_value(metric, judgement->median[BASELINE], figure[0]);
	figure_value(metric, judgement->median[CANDIDATE], figure[1]);
	figure_change(metric, judgement, figure[2]);
	figure_interval(judgement->effect.ci99, figure[3]);
	figure_allowed(metric, figure[4]);
	figure_pairs(judgement, figure[5]);
	if (!judgement->known) {
		for (size_t i = 0; i < 4; i++)
			snprintf(figure[i], FIGURE, "-");
	}
	put_row(to, (const char *const[]){ metric->name, figure[0], figure[1], figure[2], figure[3],
					   figure[4], figure[5] });
	fprintf(to, " %s\n", verdict_name(judgement->verdict));
}

/* What is watched and decides nothing, on one line. */
static void put_quiet(const struct gate *gate, const struct gate_cell *cell, FILE *to)
{
	char text[SENTENCE] = "";

	for (size_t m = 0; m < METRICS; m++) {
		const struct judgement *judgement = &cell->judgements[m];
		const struct metric *metric = &gate->metrics[m];
		const size_t used = strlen(text);
		char change[FIGURE], median[FIGURE];

		if (judgement->gated || !judgement->known)
			continue;
		figure_change(metric, judgement, change);
		figure_value(metric, judgement->median[CANDIDATE], median);
		snprintf(text + used, sizeof(text) - used, "%s%s %s (%s)", used ? ", " : "",
			 metric->name, median, change);
	}
	if (text[0])
		wrap_label(to, " not gated:", NOTES, "%s", text);
}

/* Below a row: what it does not say itself. The reason that the rows above have, too, is told once.
 */
static void put_notes(const struct judgement *judgement, const char *told, FILE *to)
{
	const bool known = isfinite(judgement->confirmed.ratio);
	const char *reason = strcmp(judgement->reason, told) == 0 ? "" : judgement->reason;
	char figure[FIGURE];

	if (judgement->failed && judgement->confirming > 0) {
		figure_ratio(judgement->confirmed.ratio, figure);
		wrap_label(to, "", NOTES, "%s by %zu fresh pairs%s%s",
			   judgement->verdict == VERDICT_FAIL ? "confirmed" :
								"FAIL, but not confirmed",
			   judgement->confirming, known ? ": " : "", known ? figure : "");
	} else if (judgement->verdict == VERDICT_INCONCLUSIVE &&
		   isfinite(judgement->effect.smallest)) {
		figure_ratio(judgement->effect.smallest, figure);
		wrap_label(to, "", NOTES, "%s would be found by 9 of 10 such gates%s%s", figure,
			   reason[0] ? "; " : "", reason);
	} else if (reason[0]) {
		wrap_label(to, "", NOTES, "%s", reason);
	}
}

static void put_cell(const struct gate *gate, const struct gate_cell *cell, FILE *to)
{
	const char *told = "";
	char text[SENTENCE];

	fprintf(to, "%s  %s\n", verdict_name(cell->verdict), cell->id);
	for (size_t m = 0; m < METRICS; m++) {
		if (!words_is_row(&cell->judgements[m]))
			continue;
		put_judgement(&gate->metrics[m], &cell->judgements[m], to);
		put_notes(&cell->judgements[m], told, to);
		told = cell->judgements[m].reason;
	}
	put_quiet(gate, cell, to);
	if (cell->reason[0]) {
		words_cell(gate, cell, text);
		wrap_label(to, "", NOTES, "%s", text);
	}
	if (cell->verdict != VERDICT_INCONCLUSIVE)
		return;
	words_help(gate, cell, text);
	if (text[0])
		wrap_label(to, " help:", NOTES, "%s", text);
}

static void put_sides(const struct gate *gate, FILE *to)
{
	char text[SENTENCE];

	words_side(&gate->side[BASELINE], text);
	wrap_label(to, "baseline", NOTES, "%s", text);
	words_side(&gate->side[CANDIDATE], text);
	wrap_label(to, "candidate", NOTES, "%s", text);
	if (gate->injected)
		wrap_label(to, "injected", NOTES, "%s, into the candidate, on purpose",
			   gate->injected);
	words_warning(gate, text);
	if (text[0])
		wrap_label(to, "warning", NOTES, "%s", text);
}

/* What the machine itself does to a gate that could not decide. */
static void put_noise(const struct gate *gate, FILE *to)
{
	char warnings[MACHINE_WARNINGS][160];
	const size_t count = machine_warnings(&gate->machine, warnings);

	for (size_t i = 0; i < count && gate->verdict == VERDICT_INCONCLUSIVE; i++)
		wrap_label(to, "noise", NOTES, "%s", warnings[i]);
}

static void put_end(const struct gate *gate, FILE *to)
{
	char text[SENTENCE];

	words_run(gate, text);
	wrap_print(to, 0, text);
	if (gate->count > 0) {
		words_false_alarm(gate, text);
		wrap_print(to, 0, text);
	}
	words_exit(gate, text);
	if (text[0])
		wrap_print(to, 0, text);
}

void gate_print(const struct gate *gate, FILE *to)
{
	char text[SENTENCE];

	words_headline(gate, text);
	fprintf(to, "%s: ", verdict_name(gate->verdict));
	wrap_print(to, (unsigned)strlen(verdict_name(gate->verdict)) + 2, text);
	put_sides(gate, to);
	if (gate->count > 0) {
		fputc('\n', to);
		put_row(to, (const char *const[]){ "", "baseline", "candidate", "change",
						   "99% interval", "allowed", "pairs" });
		fputc('\n', to);
	}
	for (size_t i = 0; i < gate->count; i++)
		put_cell(gate, &gate->cells[i], to);
	fputc('\n', to);
	put_noise(gate, to);
	put_end(gate, to);
}
