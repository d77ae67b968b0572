/* Holds are listed by thread, so that a hold is measured right even where the counters of two CPUs
 * make a lock seem taken before it was let go; the object only knows its last holder. */
#include "tracer/report/hold.h"

#include "tracer/report/watch.h"

#include <stdlib.h>

static const char *const not_a_lock =
	"it is released by threads that did not acquire it: a signal or a counter, not a lock";
static const char *const more_than_one = "it was acquired more than once at a time";

static struct hold *find(struct actor *actor, uint64_t address, enum object_type type)
{
	for (size_t i = actor->hold_count; i-- > 0;) {
		struct hold *hold = &actor->holds[i];

		if (hold->object->address == address && hold->object->type == type)
			return hold;
	}
	return NULL;
}

static bool push(const struct moment *at, const struct hold *hold)
{
	struct actor *actor = at->actor;

	if (actor->hold_count == actor->hold_room) {
		const size_t room = actor->hold_room ? actor->hold_room * 2 : 8;
		struct hold *holds = realloc(actor->holds, room * sizeof(*holds));

		if (!holds) {
			at->locks->no_memory = true;
			return false;
		}
		actor->holds = holds;
		actor->hold_room = room;
	}
	*hold_push(at) = *hold;
	return true;
}

/* The order of a list of holds means nothing. */
static void drop(const struct moment *at, struct hold *hold)
{
	struct actor *actor = at->actor;

	*hold = actor->holds[--actor->hold_count];
	if (actor->hold_count == 0)
		hold_sum(&actor->holding,
			 hold_duration(at, actor->holding_since, actor->holding_position));
}

/* Takes a hold from whoever has it, unmeasured: it did not end as holds do. */
static struct hold take_from(const struct moment *at, uint32_t holder, struct object *object)
{
	struct moment then = *at;
	struct hold *hold, taken = { .object = NULL };

	then.thread = holder - 1;
	then.actor = &at->locks->actors[then.thread];
	then.position = then.actor->position;
	hold = find(then.actor, object->address, object->type);
	if (hold) {
		taken = *hold;
		drop(&then, hold);
	}
	return taken;
}

static void no_lock(const struct moment *at, struct object *object, const char *reason)
{
	if (object->holder)
		take_from(at, object->holder, object);
	object->holder = 0;
	object->no_hold = reason;
}

/* Another thread seems to hold it. Between processes the same address may be different memory, and
 * who gets a lock with EOWNERDEAD knows that its holder is no more. */
static void overlap(const struct moment *at, struct object *object)
{
	const struct family_thread *threads = at->locks->family.threads;

	if (threads[object->holder - 1].process != threads[at->thread].process)
		return;
	object->overlaps++;
	object->overlap_since = at->when;
}

static void begin_alone(const struct moment *at, struct object *object)
{
	const uint32_t self = at->thread + 1;
	struct hold *hold;

	if (object->holder == self) {
		hold = find(at->actor, object->address, object->type);
		if (object->type == OBJECT_SEM)
			no_lock(at, object, more_than_one);
		else if (hold)
			hold->depth++;
		return;
	}
	if (object->holder) {
		if (object->type == OBJECT_SEM) {
			no_lock(at, object, more_than_one);
			return;
		}
		overlap(at, object);
	}
	object->holder = self;
	push(at, &(struct hold){ object, at->when, at->position, 1, OBJECT_ALONE });
}

static void begin_shared(const struct moment *at, struct object *object)
{
	struct hold *hold = find(at->actor, object->address, object->type);

	if (hold) {
		hold->depth++;
		return;
	}
	if (!push(at, &(struct hold){ object, at->when, at->position, 1, OBJECT_SHARED }))
		return;
	object->readers++;
	object->reader_xor ^= at->thread + 1;
}

void hold_begin_rare(const struct moment *at, struct object *object, enum object_mode mode)
{
	if (object->no_hold)
		return;
	if (mode == OBJECT_ALONE)
		begin_alone(at, object);
	else
		begin_shared(at, object);
}

static void let_go(const struct moment *at, struct object *object, enum object_mode mode)
{
	object->released_by = at->thread + 1;
	object->released_at = at->when;
	if (mode == OBJECT_SHARED) {
		object->readers -= object->readers > 0;
		object->reader_xor ^= at->thread + 1;
	} else if (object->holder == at->thread + 1) {
		object->holder = 0;
	} else if (object->overlap_since && at->when > object->overlap_since) {
		/* Somebody has taken it since, and this is by how much too early. */
		const uint64_t length = at->when - object->overlap_since;

		if (length > object->longest_overlap)
			object->longest_overlap = length;
		object->overlap_since = 0;
	}
}

bool hold_end_rare(const struct moment *at, uint64_t address, enum object_type type)
{
	struct hold *hold = find(at->actor, address, type);
	struct object_use *use;
	struct object *object;

	if (!hold)
		return false;
	object = hold->object;
	object->releases++;
	if (--hold->depth > 0)
		return true;
	use = object->uses[hold->mode];
	if (use)
		hold_measure(at->locks, &use->hold, hold_duration(at, hold->since, hold->position));
	let_go(at, object, hold->mode);
	drop(at, hold);
	return true;
}

void hold_end_foreign(const struct moment *at, struct object *object)
{
	struct actor *actor = at->actor;
	const struct object_use *use = object->uses[OBJECT_ALONE];
	const bool begins_here =
		at->locks->from > 0 && !at->locks->watch && (!use || use->acquisitions == 0);

	object->releases++;
	object->released_by = at->thread + 1;
	object->released_at = at->when;
	if (at->locks->watch)
		watch_release_foreign(at, object);
	if (object->no_hold)
		return;
	actor->undo.object = object;
	actor->undo.when = at->when;
	actor->undo.position = at->position;
	actor->undo.holder = object->holder;
	if (object->holder) {
		object->foreign++;
		actor->undo.hold = take_from(at, object->holder, object);
		object->holder = 0;
	} else if (object->readers > 0) {
		object->foreign++;
	} else {
		object->unpaired++;
	}
	if (object->type == OBJECT_SEM && !begins_here)
		object->no_hold = not_a_lock;
}

void hold_lose(const struct moment *at, struct object *object)
{
	if (object->holder)
		take_from(at, object->holder, object);
	object->holder = 0;
}

void hold_restore(const struct moment *at, struct object *object)
{
	struct actor *actor = at->actor;
	struct moment then = *at;

	object->refused++;
	if (actor->undo.object != object || actor->undo.position + 1 != at->position)
		return;
	actor->undo.object = NULL;
	object->releases--;
	if (!actor->undo.holder) {
		object->unpaired -= object->unpaired > 0;
		return;
	}
	object->foreign--;
	/* Unless somebody has taken it meanwhile, which then was no conflict. */
	if (object->holder || !actor->undo.hold.object)
		return;
	object->holder = actor->undo.holder;
	then.thread = object->holder - 1;
	then.actor = &at->locks->actors[then.thread];
	/* It holds something again since it seemed not to: the time until then is summed up. */
	then.when = actor->undo.when;
	then.position = then.actor->position;
	push(&then, &actor->undo.hold);
}
