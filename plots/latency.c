/* How long an I/O operation takes: the percentiles of workloads that measure latency. */
#include "plots/figure.h"
#include "plots/tsv.h"
#include "plots/words.h"

#include <math.h>

/* More would not be seen in a chart of this width, and would make the page heavy. */
#define CURVE_POINTS 160

static const struct cell *latency_cell(const struct findings *findings, size_t group, size_t series)
{
	const struct cell *cell =
		arranged_cell(findings, group, series, arranged_workers(findings, group));

	return cell && cell->latency && cell->latency->n > 1 ? cell : NULL;
}

static void write_point(const struct findings *findings, const struct cell *cell, size_t panel,
			struct percentile point, FILE *to)
{
	const struct series *series = &findings->series[cell->series];
	struct tsv row = { .to = to };

	tsv_text(&row, findings->groups[cell->group].name);
	tsv_text(&row, series->name);
	tsv_count(&row, panel);
	tsv_count(&row, cell->series);
	tsv_count(&row, series->slot);
	tsv_count(&row, cell->workers);
	tsv_number(&row, point.p * 100);
	tsv_number(&row, 1 / (1 - point.p));
	tsv_number(&row, (double)point.value / 1e6);
	tsv_number(&row, cell->interval_ns / 1e6);
	tsv_count(&row, cell->latency->n);
	tsv_end(&row);
}

static size_t write_curve(const struct findings *findings, const struct cell *cell, size_t panel,
			  FILE *to)
{
	struct percentile curve[CURVE_POINTS];
	const size_t count = percentile_curve(&cell->latency->tally, curve, CURVE_POINTS);

	for (size_t i = 0; i < count; i++)
		write_point(findings, cell, panel, curve[i], to);
	return count;
}

static size_t rows(const struct findings *findings, FILE *to)
{
	size_t count = 0, panels = 0;

	for (size_t group = 0; group < findings->group_count; group++) {
		const size_t before = count;

		for (size_t series = 0; series < findings->series_count; series++) {
			const struct cell *cell = latency_cell(findings, group, series);

			count += cell ? write_curve(findings, cell, panels, to) : 0;
		}
		panels += count > before;
	}
	return count;
}

/* The cells of the largest and of the smallest median latency. */
static const struct cell *extreme(const struct findings *findings, bool slow)
{
	const struct cell *found = NULL;

	for (size_t group = 0; group < findings->group_count; group++) {
		for (size_t series = 0; series < findings->series_count; series++) {
			const struct cell *cell = latency_cell(findings, group, series);

			if (cell && (!found || (cell->latency->p50 > found->latency->p50) == slow))
				found = cell;
		}
	}
	return found;
}

static void tell(const struct findings *findings, FILE *to)
{
	const struct cell *slow = extreme(findings, true);
	const struct series *sequential = arranged_series(findings, "sequential", NULL);
	const struct cell *alone = NULL;

	if (sequential)
		alone = latency_cell(findings, slow->group,
				     (size_t)(sequential - findings->series));
	fprintf(to, "Half of the operations of %s ", findings->groups[slow->group].name);
	words_where(to, findings, slow);
	fputs(" took longer than ", to);
	words_time(to, slow->latency->p50);
	fputs(", one in a hundred longer than ", to);
	words_time(to, slow->latency->p99);
	if (alone && alone != slow) {
		fputs("; one after the other it was ", to);
		words_time(to, alone->latency->p50);
		fputs(" and ", to);
		words_time(to, alone->latency->p99);
	}
	fputs(". A curve ends where its operations are too few to say more.", to);
}

const struct figure figure_latency = {
	.name = "latency",
	.title = "Latency of I/O operations",
	.columns = "workload\tseries\tpanel\tline\tslot\tworkers\tpercent\tx\tlatency_ms\t"
		   "interval_ms\toperations",
	.lacking = "no cell measured latencies; iosleep and convoy do",
	.rows = rows,
	.tell = tell,
};
