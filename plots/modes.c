/* How long each mode and lock model takes, as a multiple of doing the same one after the other. */
#include "plots/figure.h"
#include "plots/tsv.h"
#include "plots/words.h"

#include <assert.h>

static const struct cell *compared_cell(const struct findings *findings, size_t group,
					size_t series)
{
	const struct cell *cell =
		arranged_cell(findings, group, series, arranged_workers(findings, group));

	return cell && cell->compared ? cell : NULL;
}

static void write_row(const struct findings *findings, const struct cell *cell, size_t panel,
		      FILE *to)
{
	const struct series *series = &findings->series[cell->series];
	struct tsv row = { .to = to };

	tsv_text(&row, findings->groups[cell->group].name);
	tsv_text(&row, series->name);
	tsv_count(&row, panel);
	tsv_count(&row, series->slot);
	tsv_count(&row, cell->workers);
	tsv_number(&row, cell->relative.median);
	tsv_number(&row, cell->relative.low);
	tsv_number(&row, cell->relative.high);
	tsv_count(&row, cell->n);
	tsv_end(&row);
}

static size_t rows(const struct findings *findings, FILE *to)
{
	size_t count = 0, panels = 0;

	for (size_t group = 0; group < findings->group_count; group++) {
		const size_t before = count;

		for (size_t series = 0; series < findings->series_count; series++) {
			const struct cell *cell = compared_cell(findings, group, series);

			if (!cell)
				continue;
			write_row(findings, cell, panels, to);
			count++;
		}
		panels += count > before;
	}
	return count;
}

/* The cell furthest from 1, upwards or downwards. */
static const struct cell *extreme(const struct findings *findings, bool slow)
{
	const struct cell *found = NULL;

	for (size_t group = 0; group < findings->group_count; group++) {
		for (size_t series = 0; series < findings->series_count; series++) {
			const struct cell *cell = compared_cell(findings, group, series);

			if (cell &&
			    (!found || (cell->relative.median > found->relative.median) == slow))
				found = cell;
		}
	}
	return found;
}

static void tell_cell(const struct findings *findings, const struct cell *cell, FILE *to)
{
	fprintf(to, "%s ", findings->groups[cell->group].name);
	words_where(to, findings, cell);
	fputs(", ", to);
	words_ratio(to, &cell->relative);
}

static void tell(const struct findings *findings, FILE *to)
{
	const struct cell *slow = extreme(findings, true), *fast = extreme(findings, false);

	assert(slow && fast);
	fputs("The line at 1 is the same work done by one thread, one share after the other. "
	      "Bars to the right lost time by sharing the work, bars to the left gained. ",
	      to);
	if (slow == fast || slow->relative.median <= 1) {
		fputs("The most was gained by ", to);
		tell_cell(findings, fast, to);
	} else {
		fputs("The most was lost by ", to);
		tell_cell(findings, slow, to);
		if (fast->relative.median < 1) {
			fputs("; the most was gained by ", to);
			tell_cell(findings, fast, to);
		}
	}
	fputs(".", to);
}

const struct figure figure_modes = {
	.name = "modes",
	.title = "Time relative to one after the other",
	.columns = "workload\tseries\tpanel\tslot\tworkers\trelative\tlow\thigh\tsamples",
	.lacking = "no cell has a sequential cell of the same workload, size and workers beside it",
	.rows = rows,
	.tell = tell,
};
