/* The table of objects: open addressing with linear probing, at most half full. An entry is never
 * removed, only pointed to the next generation. */
#include "tracer/report/object.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BITS 10

static const char *const type_names[] = {
	"mutex", "rwlock", "spin lock", "semaphore", "condition", "barrier", "once",
};
_Static_assert(sizeof(type_names) / sizeof(type_names[0]) == OBJECT_TYPES, "a name per type");

const char *object_type_name(enum object_type type)
{
	return type_names[type];
}

bool objects_init(struct objects *objects, const struct family *family, struct err *err)
{
	*objects = (struct objects){ .family = family, .bits = FIRST_BITS };
	objects->slots = calloc((size_t)1 << FIRST_BITS, sizeof(*objects->slots));
	if (!objects->slots)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for a table of locks");
	return true;
}

static void finish_measure(struct measure *measure)
{
	spread_finish(&measure->raw);
	spread_finish(&measure->corrected);
}

static void destroy_watch(struct object_watch *watch)
{
	struct object_stay *stay = watch ? watch->stays : NULL;

	while (stay) {
		struct object_stay *next = stay->next;

		free(stay);
		stay = next;
	}
	if (watch)
		free(watch->longest);
	free(watch);
}

void object_destroy(struct object *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < OBJECT_MODES; i++) {
		struct object_use *use = object->uses[i];

		if (!use)
			continue;
		finish_measure(&use->wait);
		finish_measure(&use->hold);
		free(use->failures);
		free(use);
	}
	if (object->meeting)
		finish_measure(&object->meeting->wait);
	if (object->futex)
		futex_finish(object->futex);
	destroy_watch(object->watch);
	free(object->futex);
	free(object->meeting);
	free(object->name);
	free(object);
}

void objects_finish(struct objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		object_destroy(objects->all[i]);
	free(objects->all);
	free(objects->slots);
	*objects = (struct objects){ 0 };
}

/* Fibonacci hashing: the upper bits of a product with 2^64 / golden ratio. */
static size_t slot_of(const struct objects *objects, uint32_t process, uint64_t address)
{
	const uint64_t key = address ^ (uint64_t)process << 47;

	return (size_t)((key * 0x9e3779b97f4a7c15u) >> (64 - objects->bits));
}

/* The slot of a key, or the empty one where it belongs. */
static struct object_slot *find(const struct objects *objects, uint32_t process, uint64_t address)
{
	const size_t mask = ((size_t)1 << objects->bits) - 1;
	size_t at = slot_of(objects, process, address);

	for (;; at = (at + 1) & mask) {
		struct object_slot *slot = &objects->slots[at];

		if (!slot->object || (slot->address == address && slot->process == process))
			return slot;
	}
}

static bool grow(struct objects *objects)
{
	struct object_slot *const old = objects->slots;
	const size_t count = (size_t)1 << objects->bits;
	struct object_slot *slots = calloc(2 * count, sizeof(*slots));

	if (!slots)
		return false;
	objects->slots = slots;
	objects->bits++;
	for (size_t i = 0; i < count; i++) {
		if (old[i].object)
			*find(objects, old[i].process, old[i].address) = old[i];
	}
	free(old);
	return true;
}

static bool list(struct objects *objects, struct object *object)
{
	if (objects->count == objects->room) {
		const size_t room = objects->room ? objects->room * 2 : 64;
		struct object **all = realloc(objects->all, room * sizeof(struct object *));

		if (!all)
			return false;
		objects->all = all;
		objects->room = room;
	}
	objects->all[objects->count++] = object;
	return true;
}

/* Points the slot of a key to an object. */
static bool put(struct objects *objects, uint32_t process, uint64_t address, struct object *object)
{
	struct object_slot *slot;

	if (objects->used * 2 >= (size_t)1 << objects->bits && !grow(objects))
		return false;
	slot = find(objects, process, address);
	objects->used += !slot->object;
	*slot = (struct object_slot){ address, process, object };
	return true;
}

struct object *objects_renew(struct objects *objects, uint32_t process, uint64_t address,
			     enum object_type type, uint64_t when)
{
	struct object *before = find(objects, process, address)->object;
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	*object = (struct object){
		.address = address,
		.process = process,
		.generation = before ? before->generation + 1 : 1,
		.since = when,
		.type = (uint8_t)type,
		.no_hold = type == OBJECT_SEM ? "its first value is not known" : NULL,
	};
	if (!list(objects, object)) {
		free(object);
		return NULL;
	}
	if (!put(objects, process, address, object))
		return NULL; /* in the list, which frees it */
	/* An object that another process shares goes on there. */
	if (before && before->process == process)
		before->retired = true;
	else if (before)
		objects->redirected = true;
	return object;
}

/* What a process has had since before it was forked; null when it has no such thing. */
static struct object *find_inherited(const struct objects *objects, uint32_t process,
				     uint64_t address, enum object_type type)
{
	const struct family *family = objects->family;
	const uint64_t born = family->processes[process].begin;

	for (size_t steps = 0; steps < family->process_count; steps++) {
		const struct family_process *at = &family->processes[process];
		struct object *object;

		if (at->origin != TRACE_BY_FORK || at->parent == FAMILY_NONE)
			return NULL;
		process = at->parent;
		object = find(objects, process, address)->object;
		if (object)
			return object->type == type && !object->retired && object->since <= born ?
				       object :
				       NULL;
	}
	return NULL;
}

struct object *objects_get(struct objects *objects, uint32_t process, uint64_t address,
			   enum object_type type, uint64_t when)
{
	struct object *object = find(objects, process, address)->object;
	struct object *inherited;

	if (object)
		return object->type == type && !object->retired ?
			       object :
			       objects_renew(objects, process, address, type, when);
	inherited = find_inherited(objects, process, address, type);
	if (inherited && inherited->shared)
		return put(objects, process, address, inherited) ? inherited : NULL;
	object = objects_renew(objects, process, address, type, when);
	if (object && inherited && inherited->inited) {
		object->inited = true;
		object->bits = inherited->bits;
		object->creator = inherited->creator;
		object->count = inherited->count;
	}
	return object;
}

struct object_use *object_use(struct object *object, enum object_mode mode)
{
	if (!object->uses[mode])
		object->uses[mode] = calloc(1, sizeof(*object->uses[mode]));
	return object->uses[mode];
}

struct object_meeting *object_meeting(struct object *object)
{
	if (!object->meeting)
		object->meeting = calloc(1, sizeof(*object->meeting));
	return object->meeting;
}

struct object_watch *object_watch(struct object *object)
{
	if (!object->watch)
		object->watch = calloc(1, sizeof(*object->watch));
	return object->watch;
}

struct futex_use *object_futex(struct object *object)
{
	if (!object->futex)
		object->futex = calloc(FUTEX_WAYS, sizeof(*object->futex));
	return object->futex;
}

bool futex_merge(struct futex_use *into, const struct futex_use *from)
{
	bool right = true;

	for (size_t way = 0; way < FUTEX_WAYS; way++) {
		into[way].calls += from[way].calls;
		into[way].errors += from[way].errors;
		right &= spread_merge(&into[way].time, &from[way].time);
	}
	return right;
}

void futex_finish(struct futex_use *futex)
{
	for (size_t way = 0; way < FUTEX_WAYS; way++)
		spread_finish(&futex[way].time);
}

struct object *objects_at_word(const struct objects *objects, uint32_t process, uint64_t word)
{
	/* Of x86-64, as system calls are. */
	static const uint8_t sizes[OBJECT_TYPES] = {
		[OBJECT_MUTEX] = 40, [OBJECT_RWLOCK] = 56,  [OBJECT_SPIN] = 4, [OBJECT_SEM] = 32,
		[OBJECT_COND] = 48,  [OBJECT_BARRIER] = 32, [OBJECT_ONCE] = 4,
	};
	/* Where objects have their words, the most usual first: a mutex or semaphore, the two
	 * groups of a condition. */
	static const uint8_t offsets[] = { 0, 40, 44, 8, 16, 20, 12, 4, 36, 24, 28, 32, 48, 52 };

	for (size_t i = 0; i < sizeof(offsets); i++) {
		struct object *object = find(objects, process, word - offsets[i])->object;

		if (object && !object->retired && offsets[i] < sizes[object->type])
			return object;
	}
	return NULL;
}

bool object_failed(struct object_use *use, unsigned error)
{
	struct failure *failures = use->failures;

	for (size_t i = 0; i < use->failure_count; i++) {
		if (failures[i].error == error) {
			failures[i].count++;
			return true;
		}
	}
	failures = realloc(failures, (use->failure_count + 1) * sizeof(*failures));
	if (!failures)
		return false;
	failures[use->failure_count++] = (struct failure){ error, 1 };
	use->failures = failures;
	return true;
}

uint64_t object_failures(const struct object_use *use)
{
	uint64_t sum = 0;

	for (size_t i = 0; use && i < use->failure_count; i++)
		sum += use->failures[i].count;
	return sum;
}
