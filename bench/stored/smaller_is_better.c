/* The JSON that github-action-benchmark and other trackers read as customSmallerIsBetter: medians
 * with their intervals. A name keeps its unit from result to result, because a tracker draws one
 * line through all of them. */
#include "base/emit.h"
#include "base/stats.h"
#include "bench/stored/stored.h"
#include "command/format.h"

#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95

/* What people follow over time; of the other quantities the result itself has more to say. */
static const enum quantity_id followed[] = {
	QUANTITY_TIME,        QUANTITY_CPU,      QUANTITY_TAKES, QUANTITY_CONTENDED,
	QUANTITY_FORCED,      QUANTITY_SWITCHES, QUANTITY_FUTEX, QUANTITY_VOLUNTARY,
	QUANTITY_INVOLUNTARY, QUANTITY_P50,      QUANTITY_P99,
};

static void put_quantity(struct emit *emit, const struct stored *stored, const struct cell *cell,
			 enum quantity_id id, double *sorted)
{
	const struct findings *findings = &stored->findings;
	const struct column *column = &stored->samples[cell - findings->cells].of[id];
	const bool time = strcmp(quantities[id].unit, "ns") == 0;
	const double unit = time ? 1e6 : 1;
	struct interval interval;
	char text[256], size[40] = "";

	memcpy(sorted, column->values, column->n * sizeof(*sorted));
	stats_sort(sorted, column->n);
	interval = stats_median_interval(sorted, column->n, CONFIDENCE);
	emit_open(emit, NULL, '{');
	if (id == QUANTITY_TIME)
		snprintf(text, sizeof(text), "%s", cell->id);
	else
		snprintf(text, sizeof(text), "%s %s", cell->id, quantities[id].name);
	emit_string(emit, "name", text);
	emit_string(emit, "unit", time ? "ms" : quantities[id].unit);
	emit_double(emit, "value", stats_median(sorted, column->n) / unit);
	if (interval.known) {
		snprintf(text, sizeof(text), "%.6g to %.6g", interval.low / unit,
			 interval.high / unit);
		emit_string(emit, "range", text);
	}
	if (cell->size)
		snprintf(size, sizeof(size), "size %llu; ", (unsigned long long)cell->size);
	snprintf(text, sizeof(text), "%s: median of %zu%s; %sgilscope %.60s; machine %.20s",
		 quantities[id].what, column->n,
		 interval.known ? " and its exact 95 % interval" : "", size,
		 findings->revision ? findings->revision : "of an unknown revision",
		 findings->fingerprint);
	emit_string(emit, "extra", text);
	emit_close(emit, '}');
}

static bool put_cells(struct emit *emit, const struct stored *stored, struct err *err)
{
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		for (size_t k = 0; k < sizeof(followed) / sizeof(followed[0]); k++) {
			const size_t n = stored->samples[i].of[followed[k]].n;
			double *sorted;

			if (n == 0 || !stored_has(stored, i))
				continue;
			sorted = calloc(n, sizeof(*sorted));
			if (!sorted)
				return err_set(err, EXIT_IMPOSSIBLE, "cannot export: no memory");
			put_quantity(emit, stored, &stored->findings.cells[i], followed[k], sorted);
			free(sorted);
		}
	}
	return true;
}

static bool result(const struct stored *stored, FILE *to, struct err *err)
{
	struct emit emit;
	bool done;

	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '[');
	done = put_cells(&emit, stored, err);
	emit_close(&emit, ']');
	return done;
}

const struct format format_smaller_is_better = {
	.name = "customSmallerIsBetter",
	.summary = "JSON for github-action-benchmark and trackers that read the same",
	.result = result,
};
