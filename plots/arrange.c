/* Derives groups and series from the cells themselves, so that modes, lock models and options that
 * are yet to be written appear without a change here. An option counts when its values differ
 * between cells of a workload and a runtime: if also cells without a lock have it, it tells groups
 * apart (the CPU-bound workers of convoy); if only lock models or some modes have it, it tells
 * series apart (a sweep of the interval). */
#include "plots/arrange.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of the charts, from above, at even ranks. The slots are the colours in style.gp. */
static const struct {
	const char *name;
	unsigned slot;
} known[] = {
	{ "sequential", 1 }, { "threads", 2 },   { "cpython2", 4 },
	{ "cpython3", 5 },   { "processes", 3 },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))
/* Lock models that are not known follow those that are; modes that are not known come last. */
#define RANK_OTHER_GIL 7
#define RANK_OTHER_MODE (2 * KNOWN)
#define SLOT_OTHER 6

/* Cells of another runtime have a group of their own: their work may be another size. */
static bool same_program(const struct cell *a, const struct cell *b)
{
	return strcmp(a->workload, b->workload) == 0 &&
	       strcmp(a->runtime ? a->runtime : "", b->runtime ? b->runtime : "") == 0;
}

/* Is it in that cell's id, as in "convoy/threads/2/cpu=1"? */
static bool id_names(const struct cell *cell, const char *param)
{
	char word[64];

	snprintf(word, sizeof(word), "/%s=", param);
	return strstr(cell->id, word) != NULL;
}

/* Was it varied on purpose? Then the id of one cell at least names it; what was calibrated, or
 * follows from where a cell may run, differs as well but tells nothing apart. */
static bool param_varies(const struct findings *findings, const struct cell *cell,
			 const char *param, const json_t *value)
{
	bool differs = false, named = false;

	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *other = &findings->cells[i];
		const json_t *others = json_object_get(other->params, param);

		if (!other->n || !others || !same_program(other, cell))
			continue;
		differs |= !json_equal(others, value);
		named |= id_names(other, param);
	}
	return differs && named;
}

static bool size_differs(const struct findings *findings, const struct cell *cell)
{
	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *other = &findings->cells[i];

		if (other->n && same_program(other, cell) && other->size != cell->size)
			return true;
	}
	return false;
}

/* An interpreter's lock is in its threads: what they have and other modes do not is the lock's. */
static bool only_locks_have(const struct findings *findings, const struct cell *cell,
			    const char *param)
{
	bool others_have = false, others_lack = false;

	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *other = &findings->cells[i];
		const bool has = json_object_get(other->params, param);

		if (!other->n || !same_program(other, cell))
			continue;
		others_have |= !other->gil && has;
		others_lack |= !has;
	}
	return cell->runtime ? others_lack : cell->gil && !others_have;
}

/* Times are nanoseconds in the file; a reader of charts wants to see 5ms. */
static void format_value(const char *param, const json_t *value, char *to, size_t room)
{
	static const char *const times[] = { "interval", "sleep", "period" };
	static const char *const units[] = { "ns", "us", "ms", "s" };
	json_int_t number = json_integer_value(value);
	size_t unit = 0;
	bool time = false;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		time |= strcmp(param, times[i]) == 0;
	for (; time && number && number % 1000 == 0 && unit < 3; unit++)
		number /= 1000;
	if (json_is_string(value))
		snprintf(to, room, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(to, room, "%lld%s", (long long)number, time ? units[unit] : "");
	else
		snprintf(to, room, "%g", json_number_value(value));
}

/* Appends ", param=value" for every option that differs, of locks or of all. */
static void add_params(const struct findings *findings, const struct cell *cell, bool of_locks,
		       char *to, size_t room)
{
	const char *param;
	json_t *value;

	json_object_foreach(cell->params, param, value)
	{
		const size_t used = strlen(to);
		char text[64];

		if (json_is_null(value) || !param_varies(findings, cell, param, value) ||
		    only_locks_have(findings, cell, param) != of_locks)
			continue;
		format_value(param, value, text, sizeof(text));
		snprintf(to + used, room - used, ", %s=%s", param, text);
	}
}

static void name_group(const struct findings *findings, const struct cell *cell,
		       struct group *group)
{
	group->workload = cell->workload;
	group->runtime = cell->runtime;
	snprintf(group->name, sizeof(group->name), "%s%s%s", cell->runtime ? cell->runtime : "",
		 cell->runtime ? " " : "", cell->workload);
	if (size_differs(findings, cell)) {
		const size_t used = strlen(group->name);

		snprintf(group->name + used, sizeof(group->name) - used, ", size %llu",
			 (unsigned long long)cell->size);
	}
	add_params(findings, cell, false, group->name, sizeof(group->name));
}

static void name_series(const struct findings *findings, const struct cell *cell,
			struct series *series)
{
	const char *name = cell->gil ? cell->gil : cell->mode;

	*series = (struct series){ .mode = cell->mode, .gil = cell->gil };
	snprintf(series->name, sizeof(series->name), "%s%s", cell->gil ? "gil " : "", name);
	add_params(findings, cell, true, series->name, sizeof(series->name));
	series->rank = cell->gil ? RANK_OTHER_GIL : RANK_OTHER_MODE;
	for (unsigned i = 0; i < KNOWN; i++) {
		if (strcmp(known[i].name, name) == 0)
			series->rank = 2 * i;
	}
}

static size_t find_group(struct findings *findings, const struct cell *cell)
{
	struct group *next = &findings->groups[findings->group_count];

	name_group(findings, cell, next);
	for (size_t i = 0; i < findings->group_count; i++) {
		if (strcmp(findings->groups[i].name, next->name) == 0)
			return i;
	}
	return findings->group_count++;
}

static void find_series(struct findings *findings, const struct cell *cell)
{
	struct series *next = &findings->series[findings->series_count];

	name_series(findings, cell, next);
	for (size_t i = 0; i < findings->series_count; i++) {
		if (strcmp(findings->series[i].name, next->name) == 0)
			return;
	}
	findings->series_count++;
}

/* By rank; the same rank in the order of appearance. */
static void sort_series(struct findings *findings)
{
	for (size_t i = 1; i < findings->series_count; i++) {
		const struct series moved = findings->series[i];
		size_t to = i;

		for (; to > 0 && findings->series[to - 1].rank > moved.rank; to--)
			findings->series[to] = findings->series[to - 1];
		findings->series[to] = moved;
	}
}

/* The first series of a known name has that name's colour; all others take the next free one. */
static void give_slots(struct findings *findings)
{
	unsigned free_slot = SLOT_OTHER;

	for (size_t i = 0; i < findings->series_count; i++) {
		struct series *series = &findings->series[i];
		const bool first = i == 0 || findings->series[i - 1].rank != series->rank;

		if (first && series->rank < RANK_OTHER_MODE && series->rank != RANK_OTHER_GIL)
			series->slot = known[series->rank / 2].slot;
		else
			series->slot = free_slot++;
	}
}

static size_t series_of(const struct findings *findings, const struct cell *cell)
{
	struct series own;
	size_t i = 0;

	name_series(findings, cell, &own);
	while (strcmp(findings->series[i].name, own.name) != 0)
		i++;
	return i;
}

bool arrange_cells(struct findings *findings, struct err *err)
{
	/* One more than can be needed: the next name is made in place before it is compared. */
	findings->groups = calloc(findings->cell_count + 1, sizeof(*findings->groups));
	findings->series = calloc(findings->cell_count + 1, sizeof(*findings->series));
	if (!findings->groups || !findings->series)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot arrange the cells: no memory");
	for (size_t i = 0; i < findings->cell_count; i++) {
		if (findings->cells[i].n)
			find_series(findings, &findings->cells[i]);
	}
	sort_series(findings);
	give_slots(findings);
	for (size_t i = 0; i < findings->cell_count; i++) {
		struct cell *cell = &findings->cells[i];

		if (!cell->n)
			continue;
		cell->group = find_group(findings, cell);
		cell->series = series_of(findings, cell);
	}
	return true;
}

const struct cell *arranged_cell(const struct findings *findings, size_t group, size_t series,
				 uint64_t workers)
{
	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];

		if (cell->n && cell->group == group && cell->series == series &&
		    cell->workers == workers)
			return cell;
	}
	return NULL;
}

/* How many of a group's series have that number of workers. */
static size_t count_series(const struct findings *findings, size_t group, uint64_t workers)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->series_count; i++)
		count += arranged_cell(findings, group, i, workers) != NULL;
	return count;
}

uint64_t arranged_workers(const struct findings *findings, size_t group)
{
	uint64_t best = 0;
	size_t most = count_series(findings, group, 2);

	/* One series alone, such as sequential, compares nothing. */
	if (most > 1)
		return 2;
	most = 0;
	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];
		size_t count;

		if (!cell->n || cell->group != group)
			continue;
		count = count_series(findings, group, cell->workers);
		if (count > most || (count == most && cell->workers > best)) {
			most = count;
			best = cell->workers;
		}
	}
	return best;
}

const struct series *arranged_series(const struct findings *findings, const char *mode,
				     const char *gil)
{
	for (size_t i = 0; i < findings->series_count; i++) {
		const struct series *series = &findings->series[i];

		if (gil ? series->gil && strcmp(series->gil, gil) == 0 :
			  !series->gil && strcmp(series->mode, mode) == 0)
			return series;
	}
	return NULL;
}
