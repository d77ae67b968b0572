/* Reads the merged records once: what each kind means is a row of a table, and the sums are kept by
 * hold.c and wait.c. This is where a report's time goes: no division, no allocation per record. */
#include "tracer/report/locks.h"

#include "tracer/report/step.h"
#include "tracer/report/watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Its counts in the mode of the step. */
static inline struct object_use *use_of(const struct step *step, struct object **object)
{
	const enum object_mode mode = step->meaning->mode;
	struct object_use *use;

	*object = step_object(step, step_value(step), step->meaning->type);
	if (!*object)
		return NULL;
	use = (*object)->uses[mode];
	if (use)
		return use;
	use = object_use(*object, mode);
	step->at.locks->no_memory |= !use;
	return use;
}

/* A failed try; more of them by the same thread are a loop. */
static void retry(const struct moment *at, struct object *object)
{
	struct actor *actor = at->actor;

	if (at->when < at->locks->from)
		return;
	if (actor->retried != object)
		actor->retries = 0;
	actor->retried = object;
	actor->retries++;
}

static void end_loop(const struct step *step, struct object_use *use)
{
	struct actor *actor = step->at.actor;

	use->loops++;
	use->retries += actor->retries;
	if (actor->retries > use->longest_loop)
		use->longest_loop = actor->retries;
	actor->retried = NULL;
	if (step->at.locks->watch)
		watch_progress(&step->at);
}

static enum watch_how how_of(const struct step *step, bool waited)
{
	return waited ? WATCH_WAITED : step_detail(step) == TRACE_TRIED ? WATCH_TRIED : WATCH_TAKEN;
}

static void acquire(const struct step *step)
{
	struct actor *actor = step->at.actor;
	const size_t pending = actor->pending_count;
	struct object *object;
	struct object_use *use = use_of(step, &object);

	if (!use)
		return;
	use->acquisitions++;
	if (pending > 0)
		wait_end_lock(&step->at, object, step->meaning->mode, 0);
	if (actor->retried == object)
		end_loop(step, use);
	if (step->at.locks->watch)
		watch_acquire(&step->at, object, step->meaning->mode,
			      how_of(step, actor->pending_count < pending));
	use->owner_died += step_detail(step) == EOWNERDEAD;
	if (step_detail(step) == EOWNERDEAD)
		object->holder = 0;
	hold_begin(&step->at, object, step->meaning->mode);
}

static void release(const struct step *step)
{
	struct object *object;

	if (hold_end(&step->at, step_value(step), step->meaning->type))
		return;
	object = step_object(step, step_value(step), step->meaning->type);
	if (object)
		hold_end_foreign(&step->at, object);
}

static void conflict(const struct step *step)
{
	struct object *object;
	struct object_use *use = use_of(step, &object);

	if (!use)
		return;
	use->conflicts++;
	if (step->at.locks->watch)
		watch_conflict(&step->at, object, step->meaning->mode, step_detail(step));
	wait_begin_lock(&step->at, object, step->meaning->mode);
}

static void fail(const struct step *step)
{
	struct object *object;
	struct object_use *use = use_of(step, &object);

	if (!use)
		return;
	wait_end_lock(&step->at, object, step->meaning->mode, step_detail(step));
	step->at.locks->no_memory |= !object_failed(use, step_detail(step));
	if (step_detail(step) != ETIMEDOUT && step_detail(step) != EINTR)
		return;
	retry(&step->at, object);
	if (step->at.locks->watch)
		watch_refused(&step->at, object);
}

static void busy(const struct step *step)
{
	struct object *object;
	struct object_use *use = use_of(step, &object);

	if (!use)
		return;
	use->busy++;
	retry(&step->at, object);
	if (step->at.locks->watch)
		watch_refused(&step->at, object);
}

static void refuse(const struct step *step)
{
	struct object *object = step_object(step, step_value(step), step->meaning->type);

	if (object)
		hold_restore(&step->at, object);
}

static void family(const struct step *step)
{
	struct locks *locks = step->at.locks;

	locks->no_memory |= !family_event(&locks->family, step->at.thread, step->record,
					  step->count, step->at.when);
}

static void created(const struct step *step)
{
	family(step);
	if (step->at.locks->watch && step_detail(step) == 0)
		watch_part(&step->at);
}

static void fork_it(const struct step *step)
{
	const bool begins = record_kind(step->record) == TRACE_FORK;

	family(step);
	if (step->at.locks->watch)
		watch_fork(&step->at, begins);
}

static void start(const struct step *step)
{
	family(step);
	if (step->at.locks->watch && step_detail(step) == TRACE_BY_FORK)
		watch_forked(&step->at);
}

static void call(const struct step *step)
{
	if (step->at.locks->watch)
		watch_call(&step->at, (unsigned)step_value(step));
}

static void spawned(const struct step *step)
{
	family(step);
	syscalls_spawned(step);
}

#define TAKING(kind, type, mode) \
	[TRACE_##kind##_ACQUIRE] = { acquire, type, mode, false }, \
	[TRACE_##kind##_CONFLICT] = { conflict, type, mode, false }, \
	[TRACE_##kind##_FAIL] = { fail, type, mode, false }, \
	[TRACE_##kind##_BUSY] = { busy, type, mode, false }
#define LEAVING(kind, type) \
	[TRACE_##kind##_RELEASE] = { release, type, 0, false }, \
	[TRACE_##kind##_RELEASE_FAIL] = { refuse, type, 0, false }
#define MEETING(begin, end, type, kind) \
	[TRACE_##begin] = { meet_wait, type, kind, false }, \
	[TRACE_##end] = { meet_return, type, kind, false }
#define LIVING(kind, type) \
	[TRACE_##kind##_INIT] = { life_init, type, 0, true }, \
	[TRACE_##kind##_DESTROY] = { life_destroy, type, 0, true }
#define KIN(kind) [TRACE_##kind] = { family, 0, 0, true }

static const struct meaning meanings[256] = {
	LIVING(MUTEX, OBJECT_MUTEX),
	TAKING(MUTEX, OBJECT_MUTEX, OBJECT_ALONE),
	LEAVING(MUTEX, OBJECT_MUTEX),
	LIVING(RWLOCK, OBJECT_RWLOCK),
	TAKING(READ, OBJECT_RWLOCK, OBJECT_SHARED),
	TAKING(WRITE, OBJECT_RWLOCK, OBJECT_ALONE),
	LEAVING(RWLOCK, OBJECT_RWLOCK),
	LIVING(SPIN, OBJECT_SPIN),
	TAKING(SPIN, OBJECT_SPIN, OBJECT_ALONE),
	LEAVING(SPIN, OBJECT_SPIN),
	LIVING(SEM, OBJECT_SEM),
	TAKING(SEM, OBJECT_SEM, OBJECT_ALONE),
	LEAVING(SEM, OBJECT_SEM),
	[TRACE_SEM_OPEN] = { life_open, OBJECT_SEM, 0, true },
	LIVING(COND, OBJECT_COND),
	MEETING(COND_WAIT, COND_RETURN, OBJECT_COND, WAIT_COND),
	[TRACE_COND_SIGNAL] = { meet_signal, OBJECT_COND, 0, false },
	[TRACE_COND_BROADCAST] = { meet_broadcast, OBJECT_COND, 0, false },
	LIVING(BARRIER, OBJECT_BARRIER),
	MEETING(BARRIER_WAIT, BARRIER_RETURN, OBJECT_BARRIER, WAIT_BARRIER),
	MEETING(ONCE_BEGIN, ONCE_END, OBJECT_ONCE, WAIT_ONCE),
	[TRACE_THREAD_JOIN] = { meet_join, 0, 0, false },
	[TRACE_THREAD_JOINED] = { meet_joined, 0, 0, false },
	[TRACE_THREAD_CREATE] = { created, 0, 0, true },
	KIN(THREAD_START),
	KIN(THREAD_NAME),
	KIN(THREAD_EXIT),
	[TRACE_PROCESS_START] = { start, 0, 0, true },
	[TRACE_FORK] = { fork_it, 0, 0, true },
	[TRACE_FORKED] = { fork_it, 0, 0, true },
	KIN(MODULE),
	[TRACE_SPAWNED] = { spawned, 0, 0, true },
	KIN(EXEC),
	KIN(EXEC_FAIL),
	KIN(EXIT),
	[TRACE_CALL] = { call, 0, 0, false },
	[TRACE_SYSCALL] = { syscalls_enter, 0, 0, false },
	[TRACE_FUTEX] = { syscalls_futex, 0, 0, false },
	[TRACE_SYSCALL_EXIT] = { syscalls_leave, 0, 0, false },
	[TRACE_SYSCALL_MISSED] = { syscalls_miss, 0, 0, false },
	[TRACE_SYSCALLS] = { syscalls_mode_of, 0, 0, true },
	[TRACE_SITES] = { syscalls_sites_of, 0, 0, true },
};

/* Whether each record must be seen by itself. */
static inline bool is_followed(const struct locks *locks)
{
	return locks->watch && locks->watch->follow;
}

/* What is let go by the next record, with none of another thread in between, need not be listed as
 * held: nobody could ask. That is most of most traces. False: it is not such, nothing was done. */
static inline bool take_briefly(struct step *step)
{
	const struct record *next = step->record + 1;
	struct actor *actor = step->at.actor;
	const uint64_t begin = step->at.when;
	struct object *object;
	struct object_use *use;
	struct duration held;

	if (step->count < 2 || is_followed(step->at.locks) ||
	    record_value(next) != step_value(step) || step_detail(step) == EOWNERDEAD ||
	    meanings[record_kind(next)].take != release || step->meaning->mode != OBJECT_ALONE ||
	    actor->pending_count > 0)
		return false;
	use = use_of(step, &object);
	if (!use || object->holder || object->no_hold || actor->retried == object)
		return false;
	use->acquisitions++;
	if (step->at.locks->watch && (actor->hold_count > 0 || object->watch))
		watch_acquire(&step->at, object, OBJECT_ALONE, how_of(step, false));
	step->record = next;
	step->count--;
	step->at.when = trace_when(step->at.locks->trace, next);
	step->at.position = actor->position++;
	held = hold_duration(&step->at, begin, step->at.position - 1);
	hold_measure(step->at.locks, &use->hold, held);
	if (actor->hold_count == 0)
		hold_sum(&actor->holding, held);
	object->releases++;
	object->released_by = step->at.thread + 1;
	object->released_at = step->at.when;
	return true;
}

static void read_run(struct locks *locks, const struct trace_run *run)
{
	struct actor *actor = &locks->actors[run->thread];
	const struct trace *trace = locks->trace;
	struct step step;

	step.at.locks = locks;
	step.at.actor = actor;
	step.at.thread = (uint32_t)run->thread;
	step.record = run->records;
	for (step.count = run->count; step.count > 0; step.count--, step.record++) {
		step.meaning = &meanings[record_kind(step.record)];
		step.at.when = trace_when(trace, step.record);
		step.at.position = actor->position++;
		if (step.at.when < locks->from) {
			actor->skipped++;
			/* Who hangs in the window may have begun long before. */
			if (!step.meaning->always && !locks->watch)
				continue;
		}
		if (is_followed(locks))
			watch_see(&step.at, step.record, step.count);
		if (actor->calling && record_kind(step.record) != TRACE_ARG)
			watch_call_over(&step.at, record_kind(step.record));
		if (step.meaning->take == acquire && take_briefly(&step))
			continue;
		if (step.meaning->take)
			step.meaning->take(&step);
	}
}

/* What is not over at the end. A thread that ended before the window's end waited and held up to
 * then. */
static void end_thread(struct locks *locks, size_t thread)
{
	struct actor *actor = &locks->actors[thread];
	const uint64_t end = locks->family.threads[thread].end;
	const struct moment at = {
		.locks = locks,
		.actor = actor,
		.thread = (uint32_t)thread,
		.when = end < locks->to ? end : locks->to,
		.position = actor->position,
	};

	locks->records += actor->position - actor->skipped;
	wait_give_up(&at);
	for (size_t i = 0; i < actor->hold_count; i++)
		actor->holds[i].object->held_at_end++;
	if (actor->hold_count > 0)
		hold_sum(&actor->holding,
			 hold_duration(&at, actor->holding_since, actor->holding_position));
}

static bool read_all(struct locks *locks, uint64_t to_ns, struct err *err)
{
	struct trace_merge *merge = trace_merge_create(locks->trace, 0, to_ns, err);
	struct trace_run run;
	struct err why = { 0 };

	if (!merge)
		return false;
	while (!locks->no_memory && trace_merge_next(merge, &run, &why))
		read_run(locks, &run);
	trace_merge_destroy(merge);
	if (why.text[0])
		return err_set(err, why.code, "%s", why.text);
	if (locks->no_memory)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu locks",
			       locks->objects.count);
	family_complete(&locks->family);
	if (locks->syscalls && !syscalls_complete(locks->syscalls, &locks->family))
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for the processes' calls");
	for (size_t i = 0; i < locks->trace->thread_count; i++)
		end_thread(locks, i);
	if (locks->watch && !watch_complete(locks->watch))
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for the interpreters' locks");
	wait_sort_longest(locks);
	return true;
}

/* The rate of the counter, and what a record costs in its units. */
static void calibrate(struct locks *locks)
{
	const double record_ns = locks->trace->info.record_ns;

	locks->raw_per_ns = 1 / locks->trace->rate;
	locks->cost_known = record_ns >= 0;
	if (locks->cost_known)
		locks->cost = (uint64_t)llround(record_ns * locks->raw_per_ns * 1024);
}

bool locks_read(struct locks *locks, const struct trace *trace, const struct locks_wish *wish,
		struct err *err)
{
	*locks = (struct locks){
		.trace = trace,
		.from = wish->from_ns ? trace_time(trace, wish->from_ns) : 0,
		.to = wish->to_ns == UINT64_MAX ? UINT64_MAX : trace_time(trace, wish->to_ns),
		.longest_room = wish->top,
	};
	calibrate(locks);
	if (!family_init(&locks->family, trace, err))
		return false;
	locks->actors = calloc(trace->thread_count + 1, sizeof(*locks->actors));
	locks->longest = calloc(wish->top + 1, sizeof(*locks->longest));
	locks->syscalls = wish->syscalls ? syscalls_create(&locks->family) : NULL;
	locks->watch = wish->hazards ? watch_create(trace->thread_count, wish->gils) : NULL;
	if (!locks->actors || !locks->longest || (wish->syscalls && !locks->syscalls) ||
	    (wish->hazards && !locks->watch)) {
		locks_finish(locks);
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu threads",
			       trace->thread_count);
	}
	if (!objects_init(&locks->objects, &locks->family, err) ||
	    !read_all(locks, wish->to_ns, err)) {
		locks_finish(locks);
		return false;
	}
	return true;
}

void locks_finish(struct locks *locks)
{
	for (size_t i = 0; locks->actors && i < locks->trace->thread_count; i++)
		free(locks->actors[i].holds);
	free(locks->actors);
	free(locks->longest);
	syscalls_destroy(locks->syscalls);
	watch_destroy(locks->watch);
	objects_finish(&locks->objects);
	family_finish(&locks->family);
	*locks = (struct locks){ 0 };
}

uint64_t locks_ns(const struct locks *locks, uint64_t raw)
{
	/* A damaged trace may have any rate. */
	const double ns = locks->raw_per_ns > 0 ? (double)raw / locks->raw_per_ns + 0.5 : 0;

	return ns < 0x1p64 ? (uint64_t)ns : UINT64_MAX;
}

const struct pending *locks_stuck(const struct locks *locks, size_t thread)
{
	const struct actor *actor = &locks->actors[thread];

	return actor->pending_count ? &actor->pending[actor->pending_count - 1] : NULL;
}
