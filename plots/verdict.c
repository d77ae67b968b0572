/* What the numbers come to: the famous comparison first, then what the lock does to I/O. */
#include "plots/verdict.h"

#include "plots/arrange.h"
#include "plots/words.h"

#include <math.h>
#include <string.h>

#define TOLD_MOST 6

static size_t compare_group(const struct findings *findings, const struct cell **cells,
			    size_t group)
{
	size_t count = 0;

	for (size_t series = 0; series < findings->series_count && count < TOLD_MOST; series++) {
		const struct cell *cell =
			arranged_cell(findings, group, series, arranged_workers(findings, group));

		if (cell && cell->compared)
			cells[count++] = cell;
	}
	return count;
}

/* Has a group before told of that workload in that runtime? */
static bool told_before(const struct findings *findings, size_t group)
{
	const char *runtime = findings->groups[group].runtime;

	for (size_t i = 0; i < group; i++) {
		const struct cell *cells[TOLD_MOST];
		const char *other = findings->groups[i].runtime;

		if (strcmp(findings->groups[i].workload, findings->groups[group].workload) == 0 &&
		    strcmp(runtime ? runtime : "", other ? other : "") == 0 &&
		    compare_group(findings, cells, i))
			return true;
	}
	return false;
}

/* Says no more than the interval does. */
static const char *judge(const struct estimate *ratio)
{
	if (isnan(ratio->low))
		return "too few samples to judge";
	if (ratio->low > 1)
		return "time lost";
	if (ratio->high < 1)
		return "time gained";
	return "no difference that these samples can show";
}

static void tell_item(const struct findings *findings, const struct cell *cell, FILE *to)
{
	fprintf(to, "- %.2f times as long ", cell->relative.median);
	words_where(to, findings, cell);
	if (!isnan(cell->relative.low))
		fprintf(to, " (%.2f to %.2f)", cell->relative.low, cell->relative.high);
	fprintf(to, ": %s\n", judge(&cell->relative));
}

static void tell_group(const struct findings *findings, const struct cell **cells, size_t count,
		       FILE *to)
{
	fprintf(to, "For %s, ", findings->groups[cells[0]->group].name);
	words_count(to, cells[0]->workers);
	fprintf(to,
		" worker%s took, compared with one thread that does one share after the other:\n",
		cells[0]->workers == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++)
		tell_item(findings, cells[i], to);
}

/* countdown is the experiment everybody knows, and is told of each runtime; without it, the first
 * group with something to tell. */
static void tell_times(const struct findings *findings, FILE *to)
{
	const struct cell *cells[TOLD_MOST];
	size_t told = 0, count = 0;

	for (size_t group = 0; group < findings->group_count; group++) {
		if (strcmp(findings->groups[group].workload, "countdown") != 0 ||
		    told_before(findings, group))
			continue;
		count = compare_group(findings, cells, group);
		if (count)
			tell_group(findings, cells, count, to);
		told += count;
	}
	for (size_t group = 0; group < findings->group_count && !told; group++) {
		told = compare_group(findings, cells, group);
		if (told)
			tell_group(findings, cells, told, to);
	}
	if (!told)
		fputs("Nothing was measured both one after the other and side by side, so there is "
		      "nothing to compare.\n",
		      to);
}

/* Of convoy: does a worker of it compute beside those that do I/O? */
static bool has_company(const struct cell *cell)
{
	return json_integer_value(json_object_get(cell->params, "cpu")) > 0;
}

/* An I/O operation in CPU-bound company, under the lock that makes it slowest and without a lock.
 */
static void tell_convoy(const struct findings *findings, FILE *to)
{
	const struct cell *slow = NULL, *free_cell;
	const struct series *threads = arranged_series(findings, "threads", NULL);

	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];

		if (cell->n && cell->latency && cell->gil && has_company(cell) &&
		    strcmp(cell->workload, "convoy") == 0 &&
		    (!slow || cell->latency->p50 > slow->latency->p50))
			slow = cell;
	}
	if (!slow || !threads)
		return;
	free_cell = arranged_cell(findings, slow->group, (size_t)(threads - findings->series),
				  slow->workers);
	if (!free_cell || !free_cell->latency)
		return;
	fputs("Beside a thread that computes, an I/O operation took ", to);
	words_time(to, slow->latency->p50);
	fputs(" ", to);
	words_where(to, findings, slow);
	fputs(", and ", to);
	words_time(to, free_cell->latency->p50);
	fputs(" without a lock (medians).\n", to);
}

void verdict_tell(const struct findings *findings, FILE *to)
{
	tell_times(findings, to);
	tell_convoy(findings, to);
}
