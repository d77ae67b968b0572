/* Holders are found by what threads hold, not by what locks say of themselves: a lock may have many
 * readers. A ring is told once: threads that were on the way before are not walked again. */
#include "tracer/report/stuck.h"

#include <stdlib.h>

bool stuck_held_since(const struct locks *locks, uint32_t thread, const struct object *object,
		      uint64_t *since)
{
	const struct actor *actor = &locks->actors[thread];
	const struct gil *gil = watch_gil(locks->watch, object);

	if (gil && gil->holder && gil->holder->thread == thread) {
		*since = gil->holder->taken_at;
		return true;
	}
	for (size_t i = 0; i < actor->hold_count; i++) {
		if (actor->holds[i].object != object)
			continue;
		*since = actor->holds[i].since;
		return true;
	}
	return false;
}

struct stuck_state stuck_state(const struct locks *locks, uint32_t thread)
{
	const struct actor *actor = &locks->actors[thread];
	const struct family_thread *facts = &locks->family.threads[thread];
	const struct pending *pending = locks_stuck(locks, thread);
	const uint64_t last = locks->trace->threads[thread].header.end_raw;
	struct stuck_state state = { .pending = pending, .number = UINT32_MAX };

	state.gil = watch_asked(locks->watch, thread, &state.since);
	if (state.gil) {
		state.doing = STUCK_WAITING;
		state.pending = NULL;
		return state;
	}
	if (pending) {
		state.doing = STUCK_WAITING;
		state.since = pending->since;
		return state;
	}
	if (facts->exited) {
		state.doing = STUCK_ENDED;
		state.since = facts->end;
		return state;
	}
	if (locks->syscalls && locks->syscalls->threads[thread].nest.count > 0) {
		const struct nest *nest = &locks->syscalls->threads[thread].nest;

		state.doing = STUCK_CALLING;
		state.number = nest->calls[nest->count - 1].number;
		state.since = nest->calls[nest->count - 1].since;
		return state;
	}
	state.doing = actor->calling ? STUCK_CALLING : STUCK_RUNNING;
	state.call = actor->calling;
	state.since = last > locks->trace->first.raw ? last - locks->trace->first.raw : 0;
	return state;
}

/* Whether a thread waits at a lock for a signal: it made it and took it while it held a lock that
 * it has let go of since. */
static bool is_signal(const struct locks *locks, uint32_t thread, const struct object *object)
{
	const struct order *order = locks->watch->order;
	uint64_t since;

	if (!object->watch || object->watch->born_to != thread + 1)
		return false;
	for (size_t i = 0; i < order->count; i++) {
		const struct order_edge *edge = &order->edges[i];

		if (edge->to == object && edge->thread == thread &&
		    !stuck_held_since(locks, thread, edge->from, &since))
			return true;
	}
	return false;
}

static bool add_holder(struct stuck *stuck, struct stuck_wait *wait, size_t *room, uint32_t thread)
{
	const size_t at = wait->holders + wait->holder_count;

	if (at == *room) {
		uint32_t *holders = realloc(stuck->holders, 2 * (*room + 8) * sizeof(*holders));

		if (!holders)
			return false;
		stuck->holders = holders;
		*room = 2 * (*room + 8);
	}
	stuck->holders[at] = thread;
	wait->holder_count++;
	return true;
}

static bool add_holders(struct stuck *stuck, struct stuck_wait *wait, const struct locks *locks,
			size_t *room)
{
	const struct family *family = &locks->family;
	uint64_t since;
	uint32_t joined;

	if (!wait->object) {
		joined = family_find(family, family->threads[wait->thread].process, wait->handle,
				     wait->since);
		return joined == FAMILY_NONE || add_holder(stuck, wait, room, joined);
	}
	for (uint32_t i = 0; i < locks->trace->thread_count; i++) {
		if (stuck_held_since(locks, i, wait->object, &since) &&
		    !add_holder(stuck, wait, room, i))
			return false;
	}
	return true;
}

/* Fills in what a thread waits for; false when that is no thread. */
static bool waits_for_thread(const struct locks *locks, uint32_t thread, struct stuck_wait *wait)
{
	const struct pending *pending = locks_stuck(locks, thread);

	*wait = (struct stuck_wait){ .thread = thread };
	wait->object = watch_asked(locks->watch, thread, &wait->since);
	if (wait->object)
		return true;
	if (!pending || !(pending->kind == WAIT_JOIN || pending->kind == WAIT_LOCK ||
			  (pending->kind == WAIT_SEM && !pending->object->no_hold)))
		return false;
	wait->object = pending->object;
	wait->handle = pending->handle;
	wait->since = pending->since;
	wait->signal = pending->object && is_signal(locks, thread, pending->object);
	return true;
}

/* Who forked has its copy: it waits for itself then, and others may wait for it. */
static const struct watch_copy *copy_of(const struct locks *locks, const struct stuck_wait *wait)
{
	const struct watch_copy *copy = watch_copy(locks->watch, wait->object);

	return copy && copy->own && locks->family.threads[wait->thread].parent != FAMILY_NONE ?
		       NULL :
		       copy;
}

static bool gather(struct stuck *stuck, const struct locks *locks)
{
	const size_t threads = locks->trace->thread_count;
	size_t room = 0, used = 0;

	stuck->waits = calloc(threads + 1, sizeof(*stuck->waits));
	stuck->rings = calloc(threads + 1, sizeof(*stuck->rings));
	if (!stuck->waits || !stuck->rings)
		return false;
	for (uint32_t i = 0; i < threads; i++) {
		struct stuck_wait *wait = &stuck->waits[stuck->count];

		if (!waits_for_thread(locks, i, wait))
			continue;
		wait->holders = used;
		if (!wait->signal && !add_holders(stuck, wait, locks, &room))
			return false;
		if (wait->object && wait->holder_count == 0)
			wait->copy = copy_of(locks, wait);
		used += wait->holder_count;
		stuck->count++;
	}
	return true;
}

static struct stuck_wait *wait_of(const struct stuck *stuck, uint32_t thread)
{
	size_t low = 0, high = stuck->count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (stuck->waits[middle].thread < thread)
			low = middle + 1;
		else
			high = middle;
	}
	return low < stuck->count && stuck->waits[low].thread == thread ? &stuck->waits[low] : NULL;
}

/* A walk from wait to wait. */
struct walk {
	struct stuck_wait **path;
	size_t *next; /* which holder of each is walked to next */
	size_t length;
	bool *seen; /* by place in stuck.waits */
};

static bool add_ring(struct stuck *stuck, const struct walk *walk, size_t from)
{
	struct stuck_ring *ring = &stuck->rings[stuck->ring_count];

	ring->waits = calloc(walk->length - from, sizeof(struct stuck_wait *));
	if (!ring->waits)
		return false;
	stuck->ring_count++;
	for (size_t i = from; i < walk->length; i++) {
		walk->path[i]->ring = stuck->ring_count;
		ring->waits[ring->length++] = walk->path[i];
	}
	return true;
}

/* One step on, or back. False: no memory. */
static bool step(struct stuck *stuck, struct walk *walk)
{
	struct stuck_wait *at = walk->path[walk->length - 1];
	struct stuck_wait *to;

	if (walk->next[walk->length - 1] == at->holder_count) {
		walk->length--;
		return true;
	}
	to = wait_of(stuck, stuck->holders[at->holders + walk->next[walk->length - 1]++]);
	if (!to)
		return true;
	for (size_t i = 0; i < walk->length; i++) {
		if (walk->path[i] == to)
			return to->ring > 0 || add_ring(stuck, walk, i);
	}
	if (walk->seen[to - stuck->waits])
		return true;
	walk->seen[to - stuck->waits] = true;
	walk->next[walk->length] = 0;
	walk->path[walk->length++] = to;
	return true;
}

static bool find_rings(struct stuck *stuck)
{
	struct walk walk = {
		.path = calloc(stuck->count + 1, sizeof(struct stuck_wait *)),
		.next = calloc(stuck->count + 1, sizeof(*walk.next)),
		.seen = calloc(stuck->count + 1, sizeof(*walk.seen)),
	};
	bool right = walk.path && walk.next && walk.seen;

	for (size_t i = 0; right && i < stuck->count; i++) {
		if (walk.seen[i])
			continue;
		walk.seen[i] = true;
		walk.path[0] = &stuck->waits[i];
		walk.next[0] = 0;
		walk.length = 1;
		if (stuck->waits[i].copy)
			right = add_ring(stuck, &walk, 0);
		while (right && walk.length > 0)
			right = step(stuck, &walk);
	}
	free(walk.path);
	free(walk.next);
	free(walk.seen);
	return right;
}

/* Marks all who wait for those in rings, and who wait for them. */
static void mark_behind(struct stuck *stuck)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < stuck->count; i++) {
			struct stuck_wait *wait = &stuck->waits[i];

			for (size_t k = 0; k < wait->holder_count && !wait->behind_ring; k++) {
				const struct stuck_wait *to =
					wait_of(stuck, stuck->holders[wait->holders + k]);

				wait->behind_ring = to && (to->ring > 0 || to->behind_ring);
				changed |= wait->behind_ring;
			}
		}
	}
}

bool stuck_find(struct stuck *stuck, const struct locks *locks)
{
	*stuck = (struct stuck){ 0 };
	if (gather(stuck, locks) && find_rings(stuck)) {
		mark_behind(stuck);
		return true;
	}
	stuck_finish(stuck);
	return false;
}

void stuck_finish(struct stuck *stuck)
{
	for (size_t i = 0; stuck->rings && i < stuck->ring_count; i++)
		free(stuck->rings[i].waits);
	free(stuck->rings);
	free(stuck->waits);
	free(stuck->holders);
	*stuck = (struct stuck){ 0 };
}
