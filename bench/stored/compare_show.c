/* A comparison in words, and as JSON. */
#include "base/emit.h"
#include "base/wrap.h"
#include "bench/stored/compare.h"

#include <math.h>
#include <string.h>

static const char *const ages[AGES] = { "old", "new" };

/* "45.7 ms", "18486": three digits of a time, counts as they are. */
static void write_value(double value, const char *unit, char *to, size_t room)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 } };
	size_t i = 0;

	if (strcmp(unit, "ns") != 0) {
		snprintf(to, room, "%.10g", value);
		return;
	}
	while (i < 3 && value < units[i].ns)
		i++;
	snprintf(to, room, value / units[i].ns < 999.5 ? "%.3g %s" : "%.0f %s", value / units[i].ns,
		 units[i].name);
}

static void write_ratio(const struct compared_quantity *quantity, char *to, size_t room)
{
	const struct difference *difference = &quantity->difference;

	if (isnan(difference->ratio))
		snprintf(to, room, "- (a count of 0)");
	else if (!difference->ci95.known)
		snprintf(to, room, "%.3f (too few runs)", difference->ratio);
	else
		snprintf(to, room, "%.3f (%.3f to %.3f)", difference->ratio, difference->ci95.low,
			 difference->ci95.high);
}

static void print_quantity(const struct compared_quantity *quantity, enum quantity_id id, FILE *to)
{
	char values[AGES][32], ratio[64];

	for (size_t age = 0; age < AGES; age++)
		write_value(quantity->median[age], quantities[id].unit, values[age],
			    sizeof(values[age]));
	write_ratio(quantity, ratio, sizeof(ratio));
	fprintf(to, "  %-12s %10s %10s   %-24s %6.0f %%\n", quantities[id].name, values[OLD],
		values[NEW], ratio, 100 * quantity->difference.larger);
}

static void print_cell(const struct compared_cell *cell, bool all, FILE *to)
{
	size_t alike = 0;

	fprintf(to, "%s, %zu and %zu runs\n", cell->id, cell->of[QUANTITY_TIME].n[OLD],
		cell->of[QUANTITY_TIME].n[NEW]);
	if (cell->reason[0])
		wrap_label(to, "  not comparable:", 18, "%s", cell->reason);
	for (size_t id = 0; id < QUANTITIES; id++) {
		const struct compared_quantity *quantity = &cell->of[id];

		if (!quantity->known)
			continue;
		if (all || id == QUANTITY_TIME || compare_differs(quantity))
			print_quantity(quantity, (enum quantity_id)id, to);
		else
			alike++;
	}
	if (alike)
		fprintf(to, "  not told apart: %zu other quantit%s (--all)\n", alike,
			alike == 1 ? "y" : "ies");
}

static void print_sides(const struct comparison *comparison, FILE *to)
{
	for (size_t age = 0; age < AGES; age++) {
		const struct stored *side = &comparison->side[age];

		fprintf(to, "%s  %s: %s, gilscope %s, %s\n", ages[age], side->path,
			side->findings.started_utc, side->findings.revision,
			side->findings.compiler);
	}
}

/* What is not in the table, and why. */
static void print_rest(const struct comparison *comparison, FILE *to)
{
	for (size_t i = 0; i < comparison->count; i++) {
		const struct compared_cell *cell = &comparison->cells[i];

		if (!cell->cell[OLD] || !cell->cell[NEW])
			fprintf(to, "in the %s one alone: %s\n", cell->in, cell->id);
		else if (!cell->compared)
			fprintf(to, "not comparable: %s: %s\n", cell->id, cell->reason);
	}
}

void compare_print(const struct comparison *comparison, bool all, FILE *to)
{
	for (size_t i = 0; i < comparison->reason_count; i++)
		wrap_label(to, "NOT COMPARABLE:", 16, "%s", comparison->reasons[i]);
	wrap_print(to, 0, compare_worth);
	print_sides(comparison, to);
	for (size_t i = 0; i < comparison->warning_count; i++)
		wrap_label(to, "warning:", 9, "%s", comparison->warnings[i]);
	fprintf(to, "\n  %-12s %10s %10s   %-24s %s\n", "median of", "old", "new",
		"ratio (95 % interval)", "new larger");
	for (size_t i = 0; i < comparison->count; i++) {
		if (comparison->cells[i].compared)
			print_cell(&comparison->cells[i], all, to);
	}
	print_rest(comparison, to);
}

static void put_texts(struct emit *emit, const char *name, const char (*texts)[COMPARE_REASON],
		      size_t count)
{
	emit_open(emit, name, '[');
	for (size_t i = 0; i < count; i++)
		emit_string(emit, NULL, texts[i]);
	emit_close(emit, ']');
}

static void put_side(struct emit *emit, const struct stored *side, const char *name)
{
	emit_open(emit, name, '{');
	emit_string(emit, "path", side->path);
	emit_string(emit, "run", side->findings.run_id);
	emit_string(emit, "started_utc", side->findings.started_utc);
	emit_string(emit, "revision", side->findings.revision);
	emit_string(emit, "compiler", side->findings.compiler);
	emit_string(emit, "fingerprint", side->findings.fingerprint);
	emit_close(emit, '}');
}

static void put_quantity(struct emit *emit, const struct compared_quantity *quantity,
			 enum quantity_id id)
{
	const struct difference *difference = &quantity->difference;

	emit_open(emit, NULL, '{');
	emit_string(emit, "name", quantities[id].name);
	emit_string(emit, "unit", quantities[id].unit);
	emit_u64(emit, "old_n", quantity->n[OLD]);
	emit_u64(emit, "new_n", quantity->n[NEW]);
	emit_double(emit, "old_median", quantity->median[OLD]);
	emit_double(emit, "new_median", quantity->median[NEW]);
	emit_double(emit, "ratio", difference->ratio);
	if (difference->ci95.known) {
		emit_open(emit, "ci95", '[');
		emit_double(emit, NULL, difference->ci95.low);
		emit_double(emit, NULL, difference->ci95.high);
		emit_close(emit, ']');
	} else {
		emit_null(emit, "ci95");
	}
	emit_string(emit, "reason",
		    isnan(difference->ratio) ? "a count of 0 has no ratio" :
		    difference->ci95.known   ? NULL :
					       "too few runs for an interval");
	emit_double(emit, "larger", difference->larger);
	emit_close(emit, '}');
}

static void put_cell(struct emit *emit, const struct compared_cell *cell)
{
	emit_open(emit, NULL, '{');
	emit_string(emit, "id", cell->id);
	emit_string(emit, "in", cell->in);
	emit_bool(emit, "compared", cell->compared);
	emit_string(emit, "reason", cell->reason[0] ? cell->reason : NULL);
	emit_open(emit, "quantities", '[');
	for (size_t id = 0; id < QUANTITIES; id++) {
		if (cell->of[id].known)
			put_quantity(emit, &cell->of[id], (enum quantity_id)id);
	}
	emit_close(emit, ']');
	emit_close(emit, '}');
}

void compare_json(const struct comparison *comparison, FILE *to)
{
	struct emit emit;

	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "schema", "gilscope.compare/1");
	emit_string(&emit, "worth", compare_worth);
	put_texts(&emit, "not_comparable", comparison->reasons, comparison->reason_count);
	put_texts(&emit, "warnings", comparison->warnings, comparison->warning_count);
	put_side(&emit, &comparison->side[OLD], "old");
	put_side(&emit, &comparison->side[NEW], "new");
	emit_open(&emit, "cells", '[');
	for (size_t i = 0; i < comparison->count; i++)
		put_cell(&emit, &comparison->cells[i]);
	emit_close(&emit, ']');
	emit_close(&emit, '}');
}
