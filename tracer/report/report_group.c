/* Objects that one place of a program made, and that are used alike, are one row: a runtime makes
 * thousands of locks in one function, and none of them says much alone. Static ones and named ones
 * have rows of their own. */
#include "tracer/report/report.h"

#include <stdlib.h>

static bool is_alike(const struct object *a, const struct object *b)
{
	return a->creator == b->creator && a->process == b->process && a->type == b->type &&
	       report_is_lock(a) == report_is_lock(b);
}

/* A share of the time waited at all objects of a type that one lock may have and still be told
 * among others: the lock of an interpreter is made where all its other locks are made. */
#define SHARE 0.1

static bool stands_alone(const struct report *report, const struct object *object,
			 const uint64_t *waited)
{
	return !object->creator || object->name ||
	       (double)report_waited(object) > SHARE * (double)waited[object->type] ||
	       family_module(&report->locks.family, object->process, object->address);
}

static bool merge_measure(struct measure *into, const struct measure *from)
{
	return spread_merge(&into->raw, &from->raw) &&
	       spread_merge(&into->corrected, &from->corrected);
}

static bool merge_failures(struct object_use *into, const struct object_use *from)
{
	for (size_t i = 0; i < from->failure_count; i++) {
		for (uint64_t count = 0; count < from->failures[i].count; count++) {
			if (!object_failed(into, from->failures[i].error))
				return false;
		}
	}
	return true;
}

static bool merge_use(struct object *object, enum object_mode mode, const struct object *other)
{
	const struct object_use *from = other->uses[mode];
	struct object_use *into = object_use(object, mode);

	if (!into)
		return false;
	into->acquisitions += from->acquisitions;
	into->reacquisitions += from->reacquisitions;
	into->conflicts += from->conflicts;
	into->busy += from->busy;
	into->unfinished += from->unfinished;
	into->unfinished_wait += from->unfinished_wait;
	into->owner_died += from->owner_died;
	into->loops += from->loops;
	into->retries += from->retries;
	if (from->longest_loop > into->longest_loop)
		into->longest_loop = from->longest_loop;
	return merge_failures(into, from) && merge_measure(&into->wait, &from->wait) &&
	       merge_measure(&into->hold, &from->hold);
}

static bool merge_meeting(struct object *object, const struct object_meeting *from)
{
	struct object_meeting *into = object_meeting(object);

	if (!into)
		return false;
	into->waits += from->waits;
	into->unfinished += from->unfinished;
	into->returns += from->returns;
	into->timeouts += from->timeouts;
	into->failures += from->failures;
	into->serial += from->serial;
	into->signals += from->signals;
	into->unheard_signals += from->unheard_signals;
	into->broadcasts += from->broadcasts;
	into->unheard_broadcasts += from->unheard_broadcasts;
	into->unsignalled += from->unsignalled;
	if (!into->mutex)
		into->mutex = from->mutex;
	return merge_measure(&into->wait, &from->wait);
}

static bool merge(struct object *object, const struct object *from)
{
	object->releases += from->releases;
	object->overlaps += from->overlaps;
	object->unpaired += from->unpaired;
	object->foreign += from->foreign;
	object->refused += from->refused;
	object->held_at_end += from->held_at_end;
	for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
		if (from->uses[mode] && !merge_use(object, (enum object_mode)mode, from))
			return false;
	}
	return !from->meeting || merge_meeting(object, from->meeting);
}

/* The first gets company: from now on its row has counts of its own. */
static bool widen(struct report_row *row)
{
	const struct object *first = row->object;

	row->own = calloc(1, sizeof(*row->own));
	if (!row->own)
		return false;
	row->own->address = first->address;
	row->own->process = first->process;
	row->own->since = first->since;
	row->own->type = first->type;
	row->own->creator = first->creator;
	row->own->rank = first->rank;
	row->own->no_hold = first->no_hold;
	row->object = row->own;
	return merge(row->own, first);
}

static bool add(struct report *report, const struct object *object, const uint64_t *waited)
{
	const bool alone = stands_alone(report, object, waited);

	for (size_t i = 0; !alone && i < report->row_count; i++) {
		struct report_row *row = &report->rows[i];

		if (row->alone || !is_alike(row->object, object))
			continue;
		if (!row->own && !widen(row))
			return false;
		row->others++;
		return merge(row->own, object);
	}
	report->rows[report->row_count++] = (struct report_row){ .object = object, .alone = alone };
	return true;
}

static int by_order(const void *a, const void *b)
{
	return report_order(((const struct report_row *)a)->object,
			    ((const struct report_row *)b)->object);
}

bool report_group(struct report *report)
{
	uint64_t waited[OBJECT_TYPES] = { 0 };

	report->rows = calloc(report->object_count + 1, sizeof(*report->rows));
	if (!report->rows)
		return false;
	for (size_t i = 0; i < report->object_count; i++)
		waited[report->objects[i]->type] += report_waited(report->objects[i]);
	for (size_t i = 0; i < report->object_count; i++) {
		if (!add(report, report->objects[i], waited))
			return false;
	}
	qsort(report->rows, report->row_count, sizeof(*report->rows), by_order);
	return true;
}

void report_ungroup(struct report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		object_destroy(report->rows[i].own);
	free(report->rows);
}
