/* The objects that workers use, and what a use costs: plain loads and stores where nobody
 * interferes, else what CPython's free-threaded build pays (Include/refcount.h, Objects/object.c,
 * Objects/listobject.c of 3.13.5): an atomic addition for a reference, a loop of compare-and-swap
 * to give it back, and the object's own lock around what changes it. */
#include "workloads/runtime/mode.h"
#include "workloads/runtime/object_lock.h"

#include <errno.h>
#include <string.h>

/* A list keeps so many of its elements. */
#define ROOM 512

struct object {
	alignas(64) _Atomic uint64_t references; /* in fours, as ob_ref_shared */
	struct object_lock lock;
	alignas(64) uint64_t length;
	uint64_t number;
	uint64_t items[ROOM];
};

#define REFERENCE 4
#define REFERENCES_AT_FIRST REFERENCE

static void append(struct worker *w)
{
	struct object *list = w->object;

	list->items[list->length % ROOM] = list->length;
	list->length++;
}

static void append_locked(struct worker *w)
{
	object_lock(&w->object->lock, w);
	append(w);
	object_unlock(&w->object->lock);
}

static void raise_number(struct worker *w)
{
	w->object->number++;
}

static void raise_number_locked(struct worker *w)
{
	object_lock(&w->object->lock, w);
	raise_number(w);
	object_unlock(&w->object->lock);
}

/* The counts order nothing here: the object outlives its users. */
static void count_atomically(struct worker *w)
{
	_Atomic uint64_t *references = &w->object->references;
	uint64_t seen =
		atomic_fetch_add_explicit(references, REFERENCE, memory_order_relaxed) + REFERENCE;

	while (!atomic_compare_exchange_weak_explicit(references, &seen, seen - REFERENCE,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* Null: counted in place, by worker_use_object. */
static void (*const uses[][2])(struct worker *w) = {
	[OBJECT_PRIVATE] = { NULL, NULL },
	[OBJECT_REFCOUNT] = { NULL, count_atomically },
	[OBJECT_LIST] = { append, append_locked },
	[OBJECT_NUMBER] = { raise_number, raise_number_locked },
};

static bool is_shared(const struct run *run)
{
	return run->plan.object != OBJECT_PRIVATE && mode_objects(run) != OBJECTS_APART;
}

bool run_make_objects(struct run *run, struct err *err)
{
	const bool shared = is_shared(run);
	const size_t bytes = (shared ? 1 : run->workers) * sizeof(struct object);
	/* Who checks them may be another process than used them. */
	struct object *objects = run_share(bytes);

	if (!objects)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot map %u objects: %s", run->workers,
			       strerror(errno));
	for (unsigned i = 0; i < run->workers; i++) {
		struct worker *w = &run->worker[i];

		w->object = &objects[shared ? 0 : i];
		w->references = &w->object->references;
		w->use_object =
			uses[run->plan.object][shared && mode_objects(run) == OBJECTS_AT_ONCE];
		atomic_store_explicit(w->references, REFERENCES_AT_FIRST, memory_order_relaxed);
	}
	return true;
}

/* The units done by all who use the object that is worker i's. */
static uint64_t units_of(const struct run *run, unsigned i)
{
	uint64_t units = 0;

	if (!is_shared(run))
		return run->result[i].units;
	for (i = 0; i < run->workers; i++)
		units += run->result[i].units;
	return units;
}

/* Worker i's object: the uses that were counted. */
static uint64_t check_one(struct worker *w, unsigned i)
{
	const enum object_use use = w->run->plan.object;
	const struct object *object = w->run->worker[i].object;
	const uint64_t counted = use == OBJECT_LIST ? object->length : object->number;
	const uint64_t units = units_of(w->run, i);

	if (atomic_load_explicit(&object->references, memory_order_relaxed) != REFERENCES_AT_FIRST)
		worker_fail(w, "references to an object were lost");
	if (use != OBJECT_LIST && use != OBJECT_NUMBER)
		return 0;
	if (counted != units)
		worker_fail(w, "an object was used %llu times, counted %llu",
			    (unsigned long long)units, (unsigned long long)counted);
	return counted;
}

uint64_t worker_check_object(struct worker *w)
{
	const unsigned objects = is_shared(w->run) ? 1 : w->run->workers;
	uint64_t counted = 0;

	if (w->index > 0)
		return 0;
	for (unsigned i = 0; i < objects; i++)
		counted += check_one(w, i);
	return counted;
}
