/* How often the kernel changes threads, and how often threads ask it to: the traffic of a lock. */
#include "plots/figure.h"
#include "plots/tsv.h"
#include "plots/words.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* countdown does nothing but compute, so all its switches are the lock's or the scheduler's;
 * without it the first workload has to do. */
static size_t pick_group(const struct findings *findings)
{
	for (size_t i = 0; i < findings->group_count; i++) {
		if (strcmp(findings->groups[i].workload, "countdown") == 0)
			return i;
	}
	return 0;
}

static const struct cell *switching_cell(const struct findings *findings, size_t series)
{
	const size_t group = pick_group(findings);
	const struct cell *cell =
		arranged_cell(findings, group, series, arranged_workers(findings, group));

	return cell && !(isnan(cell->voluntary_per_s) && isnan(cell->involuntary_per_s) &&
			 isnan(cell->futex_per_s)) ?
		       cell :
		       NULL;
}

static void write_row(const struct findings *findings, const struct cell *cell, FILE *to)
{
	const struct series *series = &findings->series[cell->series];
	struct tsv row = { .to = to };

	tsv_text(&row, findings->groups[cell->group].name);
	tsv_text(&row, series->name);
	tsv_count(&row, series->slot);
	tsv_count(&row, cell->workers);
	tsv_number(&row, cell->voluntary_per_s);
	tsv_number(&row, cell->involuntary_per_s);
	tsv_number(&row, cell->futex_per_s);
	tsv_count(&row, cell->n);
	tsv_end(&row);
}

/* A logarithmic axis needs something above 0. */
static bool is_something(const struct cell *cell)
{
	return cell->voluntary_per_s > 0 || cell->involuntary_per_s > 0 || cell->futex_per_s > 0;
}

static size_t rows(const struct findings *findings, FILE *to)
{
	bool something = false;
	size_t count = 0;

	for (size_t series = 0; series < findings->series_count; series++) {
		const struct cell *cell = switching_cell(findings, series);

		if (!cell)
			continue;
		write_row(findings, cell, to);
		something |= is_something(cell);
		count++;
	}
	return something ? count : 0;
}

static double switches_of(const struct cell *cell)
{
	return fmax(cell->voluntary_per_s, 0) + fmax(cell->involuntary_per_s, 0);
}

static void tell_futex(const struct findings *findings, FILE *to)
{
	for (size_t i = 0; i < findings->series_count; i++) {
		const struct cell *cell = switching_cell(findings, i);

		if (cell && !isnan(cell->futex_per_s))
			return;
	}
	fputs(" Futex calls were not counted", to);
	for (size_t i = 0; i < findings->counter_count; i++) {
		const struct counter *counter = &findings->counters[i];

		if (strcmp(counter->name, "syscalls:sys_enter_futex") == 0 && counter->reason)
			fprintf(to, ": %s", counter->reason);
	}
	fputs(".", to);
}

static void tell(const struct findings *findings, FILE *to)
{
	const struct cell *most = NULL, *least = NULL;

	for (size_t i = 0; i < findings->series_count; i++) {
		const struct cell *cell = switching_cell(findings, i);

		if (cell && (!most || switches_of(cell) > switches_of(most)))
			most = cell;
		if (cell && (!least || switches_of(cell) < switches_of(least)))
			least = cell;
	}
	assert(most && least);
	fputs("The kernel changed threads ", to);
	words_number(to, switches_of(most));
	fprintf(to, " times a second in %s ", findings->groups[most->group].name);
	words_where(to, findings, most);
	if (least != most) {
		fputs(" and ", to);
		words_number(to, switches_of(least));
		fputs(" times ", to);
		words_where(to, findings, least);
	}
	fputs(". Voluntary switches are threads that wait, for the lock or for I/O; by involuntary "
	      "ones the scheduler takes the CPU away.",
	      to);
	tell_futex(findings, to);
}

const struct figure figure_switches = {
	.name = "switches",
	.title = "Context switches and futex calls",
	.columns =
		"workload\tseries\tslot\tworkers\tvoluntary_per_s\tinvoluntary_per_s\tfutex_per_s\t"
		"samples",
	.lacking = "no cell has counted context switches",
	.rows = rows,
	.tell = tell,
};
