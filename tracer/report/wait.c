/* Pending waits are a short stack per thread: a handler of a signal may wait on top of its thread.
 * The longest are kept in a heap with the shortest of them at its top. */
#include "tracer/report/wait.h"

#include "tracer/report/watch.h"

#include <stdlib.h>
#include <string.h>

/* Puts a wait in its place in the heap, from slot i downwards. */
static void sift_down(struct long_wait *heap, size_t count, size_t i, const struct long_wait *wait)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < count && heap[child + 1].duration.raw < heap[child].duration.raw)
			child++;
		if (child >= count || heap[child].duration.raw >= wait->duration.raw)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = *wait;
}

static void sift_up(struct long_wait *heap, size_t i, const struct long_wait *wait)
{
	while (i > 0 && heap[(i - 1) / 2].duration.raw > wait->duration.raw) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = *wait;
}

static void keep(struct locks *locks, const struct long_wait *wait)
{
	if (locks->longest_count < locks->longest_room)
		sift_up(locks->longest, locks->longest_count++, wait);
	else
		sift_down(locks->longest, locks->longest_count, 0, wait);
}

static int longest_first(const void *a, const void *b)
{
	const struct long_wait *x = a, *y = b;

	if (x->duration.raw != y->duration.raw)
		return x->duration.raw < y->duration.raw ? 1 : -1;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->thread > y->thread) - (x->thread < y->thread);
}

void wait_sort_longest(struct locks *locks)
{
	if (locks->longest_count > 0)
		qsort(locks->longest, locks->longest_count, sizeof(*locks->longest), longest_first);
}

/* In all modes. */
static uint64_t acquisitions(const struct object *object)
{
	uint64_t sum = 0;

	for (size_t mode = 0; mode < OBJECT_MODES; mode++)
		sum += object->uses[mode] ? object->uses[mode]->acquisitions : 0;
	return sum;
}

static void consider(const struct moment *at, const struct pending *pending, bool ended,
		     unsigned error)
{
	struct locks *locks = at->locks;
	const struct object *object = pending->object;
	const struct duration duration = hold_duration(at, pending->since, pending->position);
	/* Its own acquisition, which ended the wait, is counted already. */
	const uint64_t since = acquisitions(object) - pending->before;
	const uint64_t own = ended && error == 0 && since > 0;
	const struct long_wait wait = {
		.object = object,
		.mode = pending->mode,
		.thread = at->thread,
		.begin = pending->since,
		.duration = duration,
		.holder = pending->holder,
		.readers = pending->readers,
		.released_by = object->released_at >= pending->since ? object->released_by : 0,
		.passed = since - own,
		.ended = ended,
		.error = error,
	};

	if (locks->watch)
		watch_long_wait(at, pending->object, &wait);
	if (locks->longest_room > 0 && (locks->longest_count < locks->longest_room ||
					duration.raw > locks->longest[0].duration.raw))
		keep(locks, &wait);
}

static void sum_up(const struct moment *at, const struct pending *pending)
{
	struct actor *actor = at->actor;

	actor->waits[pending->kind]++;
	hold_sum(&actor->waited[pending->kind],
		 hold_duration(at, pending->since, pending->position));
	if (at->locks->watch)
		watch_waited(at, pending);
}

static void give_up(const struct moment *at, const struct pending *pending)
{
	sum_up(at, pending);
	if (pending->kind == WAIT_LOCK || pending->kind == WAIT_SEM) {
		struct object_use *use = pending->object->uses[pending->mode];

		use->unfinished++;
		use->unfinished_wait += hold_duration(at, pending->since, pending->position).raw;
		consider(at, pending, false, 0);
	} else if (pending->object) {
		pending->object->meeting->unfinished++;
	}
}

void wait_give_up(const struct moment *at)
{
	for (size_t i = 0; i < at->actor->pending_count; i++)
		give_up(at, &at->actor->pending[i]);
}

struct pending *wait_begin(const struct moment *at, enum wait_kind kind, struct object *object)
{
	struct actor *actor = at->actor;
	struct pending *pending;

	/* Handlers that left by a jump leave their waits; the oldest will not end any more. */
	if (actor->pending_count == LOCKS_PENDING) {
		give_up(at, &actor->pending[0]);
		memmove(actor->pending, actor->pending + 1,
			(LOCKS_PENDING - 1) * sizeof(actor->pending[0]));
		actor->pending_count--;
	}
	pending = &actor->pending[actor->pending_count++];
	*pending = (struct pending){
		.kind = kind,
		.object = object,
		.since = at->when,
		.position = at->position,
	};
	return pending;
}

void wait_begin_lock(const struct moment *at, struct object *object, enum object_mode mode)
{
	struct pending *pending =
		wait_begin(at, object->type == OBJECT_SEM ? WAIT_SEM : WAIT_LOCK, object);

	pending->mode = mode;
	pending->handle = mode;
	pending->holder = object->holder;
	pending->readers = object->readers;
	if (object->readers == 1)
		pending->holder = object->reader_xor;
	pending->before = acquisitions(object);
}

bool wait_end(const struct moment *at, enum wait_kind kind, const struct object *object,
	      uint64_t handle, struct pending *ended)
{
	struct actor *actor = at->actor;
	size_t i = actor->pending_count;

	while (i-- > 0) {
		const struct pending *pending = &actor->pending[i];

		if (pending->kind != kind || pending->object != object || pending->handle != handle)
			continue;
		*ended = *pending;
		/* Those above belong to handlers that left by a jump. */
		for (size_t above = i + 1; above < actor->pending_count; above++)
			give_up(at, &actor->pending[above]);
		actor->pending_count = i;
		sum_up(at, ended);
		return true;
	}
	return false;
}

void wait_end_lock(const struct moment *at, struct object *object, enum object_mode mode,
		   unsigned error)
{
	struct pending ended;

	if (!wait_end(at, object->type == OBJECT_SEM ? WAIT_SEM : WAIT_LOCK, object, mode, &ended))
		return;
	hold_measure(at->locks, &object->uses[ended.mode]->wait,
		     hold_duration(at, ended.since, ended.position));
	consider(at, &ended, true, error);
}
