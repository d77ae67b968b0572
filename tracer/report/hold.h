/* Who holds what: the part of the analysis between ACQUIRE and RELEASE. */
#ifndef TRACER_REPORT_HOLD_H
#define TRACER_REPORT_HOLD_H

#include "tracer/report/locks.h"

/* Where the analysis is: a record of a thread, and its time. */
struct moment {
	struct locks *locks;
	struct actor *actor;
	uint32_t thread;
	uint64_t when, position;
};

/* The ways that are not the usual one: nested, shared, overlapping, not the last one taken. */
void hold_begin_rare(const struct moment *at, struct object *object, enum object_mode mode);
bool hold_end_rare(const struct moment *at, uint64_t address, enum object_type type);
/* A release of what the thread did not hold: somebody else's, or from before the records. */
void hold_end_foreign(const struct moment *at, struct object *object);
/* It was destroyed while somebody had it, as Python destroys locks: nobody holds it any more. */
void hold_lose(const struct moment *at, struct object *object);
/* The release that was just recorded was refused. */
void hold_restore(const struct moment *at, struct object *object);

/* An interval up to now that began at a time and a position. */
static inline struct duration hold_duration(const struct moment *at, uint64_t since,
					    uint64_t position)
{
	/* The record of a signal handler may be stamped before the one it interrupted. */
	const uint64_t raw = at->when > since ? at->when - since : 0;
	const uint64_t cost = ((at->position - position) * at->locks->cost) >> 10;

	return (struct duration){ raw, raw > cost ? raw - cost : 0 };
}

static inline void hold_measure(struct locks *locks, struct measure *measure,
				struct duration duration)
{
	locks->no_memory |= !spread_add(&measure->raw, duration.raw);
	if (locks->cost_known)
		locks->no_memory |= !spread_add(&measure->corrected, duration.corrected);
}

static inline void hold_sum(struct duration *sum, struct duration duration)
{
	sum->raw += duration.raw;
	sum->corrected += duration.corrected;
}

/* One more, for which there is room; its fields are the caller's. */
static inline struct hold *hold_push(const struct moment *at)
{
	struct actor *actor = at->actor;

	if (actor->hold_count == 0) {
		actor->holding_since = at->when;
		actor->holding_position = at->position;
	}
	return &actor->holds[actor->hold_count++];
}

/* The thread has it now. */
static inline void hold_begin(const struct moment *at, struct object *object, enum object_mode mode)
{
	struct hold *hold;

	if (mode != OBJECT_ALONE || object->holder || object->no_hold ||
	    at->actor->hold_count == at->actor->hold_room) {
		hold_begin_rare(at, object, mode);
		return;
	}
	object->holder = at->thread + 1;
	/* Field by field: what is built elsewhere and copied waits for its own stores. */
	hold = hold_push(at);
	hold->object = object;
	hold->since = at->when;
	hold->position = at->position;
	hold->depth = 1;
	hold->mode = OBJECT_ALONE;
}

/* The thread lets go of the object at an address; false when it did not hold it. */
static inline bool hold_end(const struct moment *at, uint64_t address, enum object_type type)
{
	struct actor *actor = at->actor;
	const struct hold *hold;
	struct object *object;

	if (actor->hold_count == 0)
		return false;
	hold = &actor->holds[actor->hold_count - 1];
	object = hold->object;
	if (object->address != address || object->type != type || hold->depth != 1 ||
	    object->holder != at->thread + 1)
		return hold_end_rare(at, address, type);
	object->releases++;
	hold_measure(at->locks, &object->uses[OBJECT_ALONE]->hold,
		     hold_duration(at, hold->since, hold->position));
	object->holder = 0;
	object->released_by = at->thread + 1;
	object->released_at = at->when;
	if (--actor->hold_count == 0)
		hold_sum(&actor->holding,
			 hold_duration(at, actor->holding_since, actor->holding_position));
	return true;
}

#endif
