/* How much faster more workers are than one thread that does the same. */
#include "plots/figure.h"
#include "plots/tsv.h"
#include "plots/words.h"

#include <math.h>

/* A sentence of more than this nobody reads to its end. */
#define TOLD_MOST 6

/* A ratio of times turned over is a speed-up, and its interval's ends change places. */
static struct estimate speedup_of(const struct cell *cell)
{
	return (struct estimate){ .median = 1 / cell->relative.median,
				  .low = 1 / cell->relative.high,
				  .high = 1 / cell->relative.low };
}

static bool has_lines(const struct findings *findings, size_t group)
{
	uint64_t workers = 0;

	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];

		if (!cell->n || cell->group != group || !cell->compared)
			continue;
		if (workers && workers != cell->workers)
			return true;
		workers = cell->workers;
	}
	return false;
}

/* The next larger number of workers, 0 when there is none. */
static uint64_t next_workers(const struct findings *findings, size_t group, size_t series,
			     uint64_t after)
{
	uint64_t next = 0;

	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];

		if (cell->n && cell->group == group && cell->series == series && cell->compared &&
		    cell->workers > after && (!next || cell->workers < next))
			next = cell->workers;
	}
	return next;
}

static void write_row(const struct findings *findings, const struct cell *cell, size_t panel,
		      FILE *to)
{
	const struct series *series = &findings->series[cell->series];
	const struct estimate speedup = speedup_of(cell);
	struct tsv row = { .to = to };

	tsv_text(&row, findings->groups[cell->group].name);
	tsv_text(&row, series->name);
	tsv_count(&row, panel);
	tsv_count(&row, cell->series);
	tsv_count(&row, series->slot);
	tsv_count(&row, cell->workers);
	tsv_number(&row, speedup.median);
	tsv_number(&row, speedup.low);
	tsv_number(&row, speedup.high);
	tsv_number(&row, findings->cpus_allowed);
	tsv_count(&row, cell->n);
	tsv_end(&row);
}

static size_t write_line(const struct findings *findings, size_t group, size_t series, size_t panel,
			 FILE *to)
{
	uint64_t workers = next_workers(findings, group, series, 0);
	size_t count = 0;

	for (; workers; workers = next_workers(findings, group, series, workers), count++)
		write_row(findings, arranged_cell(findings, group, series, workers), panel, to);
	return count;
}

static size_t rows(const struct findings *findings, FILE *to)
{
	size_t count = 0, panels = 0;

	for (size_t group = 0; group < findings->group_count; group++) {
		if (!has_lines(findings, group))
			continue;
		for (size_t series = 0; series < findings->series_count; series++)
			count += write_line(findings, group, series, panels, to);
		panels++;
	}
	return count;
}

static uint64_t most_workers(const struct findings *findings, size_t group)
{
	uint64_t most = 0;

	for (size_t i = 0; i < findings->series_count; i++) {
		while (next_workers(findings, group, i, most))
			most = next_workers(findings, group, i, most);
	}
	return most;
}

/* Every series of a group at its largest number of workers. */
static void tell_group(const struct findings *findings, size_t group, FILE *to)
{
	const struct cell *cells[TOLD_MOST];
	const uint64_t workers = most_workers(findings, group);
	size_t count = 0;

	for (size_t i = 0; i < findings->series_count && count < TOLD_MOST; i++) {
		const struct cell *cell = arranged_cell(findings, group, i, workers);

		if (cell && cell->compared)
			cells[count++] = cell;
	}
	fputs("With ", to);
	words_count(to, workers);
	fprintf(to, " workers %s ran ", findings->groups[group].name);
	for (size_t i = 0; i < count; i++) {
		const struct estimate speedup = speedup_of(cells[i]);

		words_between(to, i, count);
		words_ratio(to, &speedup);
		fputs(i == 0 ? " times as fast " : " ", to);
		words_where(to, findings, cells[i]);
	}
	fputs(". ", to);
}

static void tell(const struct findings *findings, FILE *to)
{
	for (size_t group = 0; group < findings->group_count; group++) {
		if (!has_lines(findings, group))
			continue;
		tell_group(findings, group, to);
		break;
	}
	fputs("The dashed line is what as many CPUs as workers would give; ", to);
	if (isnan(findings->cpus_allowed))
		fputs("how many this machine has is not known.", to);
	else
		fprintf(to, "this machine let them use %.0f.", findings->cpus_allowed);
}

const struct figure figure_speedup = {
	.name = "speedup",
	.title = "Speed-up over workers",
	.columns =
		"workload\tseries\tpanel\tline\tslot\tworkers\tspeedup\tlow\thigh\tcpus\tsamples",
	.lacking =
		"no workload was measured with two numbers of workers and a sequential cell beside "
		"each",
	.rows = rows,
	.tell = tell,
};
