/* What is done for each record is next to nothing unless its thread holds a lock. */
#include "tracer/report/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a process has a file of an interpreter whose lock is told by its behaviour alone. */
static bool runs_interpreter(const struct family_process *process)
{
	static const char *const names[] = { "python", "libpython", "libruby", "ruby", "ocamlrun" };

	for (size_t i = 0; i < process->module_count; i++) {
		const char *path = process->modules[i].path ? process->modules[i].path : "";
		const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			if (strncmp(name, names[k], strlen(names[k])) == 0)
				return true;
		}
	}
	return false;
}

/* A lock that is only used much like an interpreter's must not make or hide a deadlock. */
static bool is_trusted(const struct gils *gils, const struct gil *gil)
{
	const struct gil *first = gil;

	while (first->suspect.heir_of)
		first = &gils->all[first->suspect.heir_of - 1];
	return gil->accepted &&
	       (first->suspect.certain ||
		runs_interpreter(&gils->finding.family.processes[first->suspect.process]));
}

/* The objects that stand for interpreters' locks. */
static bool make_gils(struct watch *watch, struct gils *gils)
{
	watch->gil_objects = calloc(gils->count + 1, sizeof(struct object *));
	watch->follow = gils_follow(gils);
	watch->gils = gils;
	if (!watch->gil_objects || !watch->follow)
		return false;
	for (size_t i = 0; i < gils->count; i++) {
		const struct gil *gil = &gils->all[i];
		const bool trusted = is_trusted(gils, gil);
		struct object *object = trusted ? calloc(1, sizeof(*object)) : NULL;

		watch->gil_objects[i] = object;
		if (!trusted)
			continue;
		if (!object || asprintf(&object->name, "the GIL of process %u (%s)",
					gils->finding.family.processes[gil->suspect.process].number,
					gil_kind_name(gil->suspect.kind)) < 0)
			return false;
		object->process = gil->suspect.process;
	}
	return true;
}

struct watch *watch_create(size_t threads, struct gils *gils)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->order = order_create(threads);
	watch->threads = calloc(threads + 1, sizeof(*watch->threads));
	watch->thread_count = threads;
	if (watch->order && watch->threads && (!gils || gils->found == 0 || make_gils(watch, gils)))
		return watch;
	watch_destroy(watch);
	return NULL;
}

void watch_destroy(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->follow)
		gils_follow_end(watch->follow);
	for (size_t i = 0; watch->gil_objects && i < watch->gils->count; i++)
		object_destroy(watch->gil_objects[i]);
	free(watch->gil_objects);
	order_destroy(watch->order);
	free(watch->threads);
	free(watch->duels);
	free(watch->copies);
	free(watch);
}

/* What was over then is not told, unlike what went on. */
static bool is_before_window(const struct moment *at)
{
	return at->when < at->locks->from;
}

static struct watch_thread *self(const struct moment *at)
{
	return &at->locks->watch->threads[at->thread];
}

/* Whether it is one of the objects of which interpreters' locks consist. */
static bool is_part(const struct moment *at, struct object *object)
{
	const struct gils *gils = at->locks->watch->gils;
	struct object_watch *watch = gils ? object_watch(object) : NULL;

	if (!watch) {
		at->locks->no_memory |= gils != NULL;
		return false;
	}
	for (size_t i = 0; !watch->looked_up && i < gils->count; i++)
		watch->is_part |= at->locks->watch->gil_objects[i] &&
				  gil_has_part(&gils->all[i], object->process, object->address);
	watch->looked_up = true;
	return watch->is_part;
}

/* Who would wait with the interpreter's lock holds that, too. */
static void take(const struct moment *at, struct object *object, enum object_mode mode,
		 enum order_how how, bool with_gil)
{
	const struct hold *gil = self(at)->gil.object && with_gil ? &self(at)->gil : NULL;
	struct order *order = at->locks->watch->order;

	if ((at->actor->hold_count == 0 && !gil) || is_part(at, object))
		return;
	order_take(order, at, &(struct order_take){ object, mode, how, gil });
	at->locks->no_memory |= order->no_memory;
}

/* Whether a thread has such a lock is asked at each of its records: in some protocols it is given
 * by another. */
void watch_see(const struct moment *at, const struct record *record, size_t count)
{
	struct watch *watch = at->locks->watch;
	struct hold *gil = &self(at)->gil;
	struct object *object;
	size_t index;

	gils_see(watch->follow, at->thread, record, count);
	index = gils_held_by(watch->follow, at->thread);
	object = index == SIZE_MAX ? NULL : watch->gil_objects[index];
	if (object == gil->object)
		return;
	gil->object = NULL;
	if (!object)
		return;
	if (at->actor->hold_count > 0)
		take(at, object, OBJECT_ALONE, ORDER_AT_ONCE, false);
	*gil = (struct hold){ object, at->when, at->position, 1, OBJECT_ALONE };
}

const struct gil *watch_gil(const struct watch *watch, const struct object *object)
{
	for (size_t i = 0; watch->gils && i < watch->gils->count; i++) {
		if (watch->gil_objects[i] && watch->gil_objects[i] == object)
			return &watch->gils->all[i];
	}
	return NULL;
}

struct object *watch_asked(const struct watch *watch, uint32_t thread, uint64_t *since)
{
	for (size_t i = 0; watch->gils && i < watch->gils->count; i++) {
		const struct gil *gil = &watch->gils->all[i];

		for (size_t k = 0; watch->gil_objects[i] && k < gil->user_count; k++) {
			if (gil->users[k]->thread != thread || !gil->users[k]->contended ||
			    gil->users[k]->state != GIL_ASKING)
				continue;
			*since = gil->users[k]->asked_at;
			return watch->gil_objects[i];
		}
	}
	return NULL;
}

/* Python makes the lock of a thread's end in that thread, takes it with nothing in between but what
 * taking the interpreter's lock needs, and lets go of it when the thread is over. As nobody could
 * have it before, whoever takes it next does so after all that the thread did up to there, in every
 * run. */
#define BORN_RECORDS 32

void watch_made(const struct moment *at, const struct object *object)
{
	if (object->type != OBJECT_SEM)
		return;
	self(at)->made = object;
	self(at)->made_position = at->position;
}

/* PyPy looks whether such a lock is held by trying it, in whichever thread: only the thread's
 * creator counts, who has nothing to look for but its end. */
static bool only_looks(const struct moment *at, const struct object *object)
{
	const uint32_t maker = object->watch ? object->watch->born_to : 0;

	return maker && maker != at->thread + 1 &&
	       at->locks->family.threads[maker - 1].parent != at->thread;
}

static void see_first_takes(const struct moment *at, struct object *object)
{
	const uint64_t takes = object->uses[OBJECT_ALONE]->acquisitions;
	struct watch_thread *threads = at->locks->watch->threads;
	struct watch_end *end;

	if (takes == 1 && self(at)->made == object &&
	    at->position - self(at)->made_position <= BORN_RECORDS) {
		if (object_watch(object))
			object->watch->born_to = at->thread + 1;
		at->locks->no_memory |= !object->watch;
		return;
	}
	self(at)->made = NULL;
	if (takes != 2 || !object->watch || !object->watch->born_to || object->releases != 1 ||
	    object->released_by != object->watch->born_to || object->no_hold ||
	    only_looks(at, object))
		return;
	end = &threads[object->watch->born_to - 1].end;
	*end = (struct watch_end){ at->thread + 1, object->released_at, at->when };
	watch_part(at);
}

void watch_conflict(const struct moment *at, struct object *object, enum object_mode mode,
		    unsigned timeout)
{
	if (object_watch(object))
		object->watch->wanted_at = at->when;
	at->locks->no_memory |= !object->watch;
	take(at, object, mode, timeout == TRACE_UNTIMED ? ORDER_WAITED : ORDER_LIMITED, true);
}

/* Python tries each lock before it lets go of the interpreter's and waits: what is tried with that,
 * and any semaphore, is the first half of a take. What waited was told by its conflict. */
void watch_acquire(const struct moment *at, struct object *object, enum object_mode mode,
		   enum watch_how how)
{
	if (object->type == OBJECT_SEM)
		see_first_takes(at, object);
	/* Who gets it finds that it was not held. */
	if (at->locks->watch->copy_count > 0 && object->uses[mode]->acquisitions == 1)
		watch_release_foreign(at, object);
	if (how == WATCH_TAKEN ||
	    (how == WATCH_TRIED && (object->type == OBJECT_SEM || self(at)->gil.object) &&
	     !only_looks(at, object)))
		take(at, object, mode, ORDER_AT_ONCE, how == WATCH_TAKEN);
}

void watch_acquire_again(const struct moment *at, struct object *mutex)
{
	take(at, mutex, OBJECT_ALONE, ORDER_AT_ONCE, true);
}

void watch_part(const struct moment *at)
{
	at->locks->watch->order->parts[at->thread]++;
	self(at)->made = NULL;
}

void watch_fork(const struct moment *at, bool begins)
{
	self(at)->forking = begins;
}

static bool add_copy(struct watch *watch, const struct watch_copy *copy)
{
	if (watch->copy_count == watch->copy_room) {
		const size_t room = watch->copy_room ? 2 * watch->copy_room : 16;
		struct watch_copy *copies = realloc(watch->copies, room * sizeof(*copies));

		if (!copies)
			return false;
		watch->copies = copies;
		watch->copy_room = room;
	}
	watch->copies[watch->copy_count++] = *copy;
	return true;
}

/* What its parent's threads hold now they held when it was forked, just before. */
void watch_forked(const struct moment *at)
{
	const struct family *family = &at->locks->family;
	const uint32_t process = family->threads[at->thread].process;
	const uint32_t parent = family->processes[process].parent;

	for (uint32_t i = 0; parent != FAMILY_NONE && i < at->locks->trace->thread_count; i++) {
		const struct actor *actor = &at->locks->actors[i];

		for (size_t k = 0; family->threads[i].process == parent && k < actor->hold_count;
		     k++) {
			const struct object *object = actor->holds[k].object;
			const struct watch_copy copy = {
				.process = process,
				.object = object,
				.holder = i,
				.own = at->locks->watch->threads[i].forking,
			};

			if (!object->shared && !object->retired && !object->no_hold)
				at->locks->no_memory |= !add_copy(at->locks->watch, &copy);
		}
	}
}

static struct watch_copy *copy_of(const struct watch *watch, const struct object *object)
{
	for (size_t i = 0; i < watch->copy_count; i++) {
		struct watch_copy *copy = &watch->copies[i];

		if (copy->process == object->process && copy->object->address == object->address &&
		    copy->object->type == object->type && !copy->released)
			return copy;
	}
	return NULL;
}

void watch_release_foreign(const struct moment *at, const struct object *object)
{
	struct watch_copy *copy = copy_of(at->locks->watch, object);

	if (copy)
		copy->released = true;
}

const struct watch_copy *watch_copy(const struct watch *watch, const struct object *object)
{
	/* What was made anew is no copy. */
	return object->generation == 1 ? copy_of(watch, object) : NULL;
}

void watch_joined(const struct moment *at, uint64_t handle)
{
	const struct family *family = &at->locks->family;
	const uint32_t process = family->threads[at->thread].process;
	const uint32_t joined = family_find(family, process, handle, at->when);

	if (joined == FAMILY_NONE)
		return;
	at->locks->watch->threads[joined].end =
		(struct watch_end){ at->thread + 1, UINT64_MAX, at->when };
	watch_part(at);
}

/* The duel of two threads; null: no memory. */
static struct watch_duel *duel_of(struct watch *watch, uint32_t lower, uint32_t higher)
{
	struct watch_thread *thread = &watch->threads[lower];

	for (uint32_t at = thread->duels; at; at = watch->duels[at - 1].next) {
		if (watch->duels[at - 1].threads[1] == higher)
			return &watch->duels[at - 1];
	}
	if (watch->duel_count == watch->duel_room) {
		const size_t room = watch->duel_room ? 2 * watch->duel_room : 16;
		struct watch_duel *duels = realloc(watch->duels, room * sizeof(*duels));

		if (!duels)
			return NULL;
		watch->duels = duels;
		watch->duel_room = room;
	}
	watch->duels[watch->duel_count++] = (struct watch_duel){
		.threads = { lower, higher },
		.next = thread->duels,
	};
	thread->duels = (uint32_t)watch->duel_count;
	return &watch->duels[watch->duel_count - 1];
}

static void end_run(struct watch_duel *duel)
{
	if (duel->now.turns > duel->longest.turns)
		duel->longest = duel->now;
	duel->now = (struct watch_run){ 0 };
}

/* Who holds one thing and fails to get another is in the way of others. */
void watch_refused(const struct moment *at, const struct object *object)
{
	const uint32_t other = object->holder       ? object->holder - 1 :
			       object->readers == 1 ? object->reader_xor - 1 :
						      at->thread;
	const uint32_t lower = other < at->thread ? other : at->thread;
	const uint32_t side = at->thread != lower;
	struct watch *watch = at->locks->watch;
	struct watch_duel *duel;

	if (at->actor->hold_count == 0 || other == at->thread || is_before_window(at))
		return;
	duel = duel_of(watch, lower, side ? at->thread : other);
	if (!duel) {
		at->locks->no_memory = true;
		return;
	}
	self(at)->duel = (uint32_t)(duel - watch->duels) + 1;
	if (duel->now.tries++ == 0)
		duel->now.begin = at->when;
	else
		duel->now.turns += duel->last != side;
	duel->now.end = at->when;
	duel->last = side;
	duel->objects[side] = object;
	duel->tries++;
}

void watch_progress(const struct moment *at)
{
	if (self(at)->duel)
		end_run(&at->locks->watch->duels[self(at)->duel - 1]);
	self(at)->duel = 0;
}

bool watch_complete(struct watch *watch)
{
	bool right = true;

	for (size_t i = 0; i < watch->duel_count; i++) {
		struct watch_duel *duel = &watch->duels[i];

		duel->unended = duel->now.turns > duel->longest.turns;
		end_run(duel);
	}
	if (watch->follow)
		right = gils_follow_end(watch->follow);
	watch->follow = NULL;
	return right;
}

/* Null: no memory. */
static struct object_stay *stay_of(struct object_watch *watch, unsigned call, enum wait_kind wait,
				   const struct object *at)
{
	struct object_stay **last = &watch->stays;

	for (; *last; last = &(*last)->next) {
		const struct object_stay *stay = *last;

		if (stay->call == call && stay->wait == wait && stay->at == at)
			return *last;
	}
	*last = calloc(1, sizeof(**last));
	if (*last) {
		(*last)->call = call;
		(*last)->wait = (uint8_t)wait;
		(*last)->at = at;
	}
	return *last;
}

/* What a thread did from 'since' on, it did with all locks that it had then and still has. */
static void stay(const struct moment *at, uint64_t since, unsigned call,
		 const struct pending *pending)
{
	const uint64_t time = at->when > since ? at->when - since : 0;

	if (is_before_window(at))
		return;
	for (size_t i = 0; i < at->actor->hold_count; i++) {
		const struct hold *hold = &at->actor->holds[i];
		struct object_watch *watch = object_watch(hold->object);
		struct object_stay *stay;

		if (hold->since > since || hold->object->no_hold || hold->object->retired)
			continue;
		stay = watch ? stay_of(watch, call, pending ? pending->kind : WAIT_LOCK,
				       pending ? pending->object : NULL) :
			       NULL;
		if (!stay) {
			at->locks->no_memory = true;
			return;
		}
		stay->count++;
		stay->time += time;
		if (watch->wanted_at >= since && watch->wanted_at <= at->when) {
			stay->hindered++;
			stay->hindered_time += time;
		}
		if (time < stay->longest)
			continue;
		stay->longest = time;
		stay->longest_at = since;
		stay->thread = at->thread;
	}
}

void watch_call(const struct moment *at, unsigned call)
{
	at->actor->calling = call;
	self(at)->called_at = at->when;
}

/* A system call of the same name behind it is the same, and tells when it is over. */
void watch_call_over(const struct moment *at, unsigned kind)
{
	const unsigned call = at->actor->calling;

	at->actor->calling = 0;
	if (kind != TRACE_SYSCALL)
		watch_called(at, call, self(at)->called_at);
}

void watch_called(const struct moment *at, unsigned call, uint64_t since)
{
	if (call != TRACE_CALL_NONE && at->actor->hold_count > 0)
		stay(at, since, call, NULL);
}

void watch_waited(const struct moment *at, const struct pending *pending)
{
	if (at->actor->hold_count > 0 && !(pending->object && is_part(at, pending->object)))
		stay(at, pending->since, TRACE_CALL_NONE, pending);
}

void watch_long_wait(const struct moment *at, struct object *object, const struct long_wait *wait)
{
	struct object_watch *watch = object_watch(object);

	if (is_part(at, object) || is_before_window(at))
		return;
	if (watch && !watch->longest)
		watch->longest = calloc(1, sizeof(*watch->longest));
	if (!watch || !watch->longest) {
		at->locks->no_memory = true;
		return;
	}
	if (wait->duration.raw >= watch->longest->duration.raw)
		*watch->longest = *wait;
}
