/* Two workers that can wait for each other for ever: each takes a lock and then the other's, or its
 * own again, or one holds a lock and wants the interpreter's while the other waits for that lock
 * and does not let go of the interpreter's. By luck they never meet; without it they hang, every
 * time; with a time limit they give up and try again. */
#include "workloads/primitives.h"

#include <stdalign.h>

enum { GIVEN_UP };
enum { KIND_OPPOSITE, KIND_SELF, KIND_GIL };
enum { TIMING_LUCKY, TIMING_UNLUCKY, TIMING_TIMEOUT };

static const char *const counts[] = { "given_up", NULL };
static const char *const kinds[] = { "opposite", "self", "gil", NULL };
static const char *const timings[] = { "lucky", "unlucky", "timeout", NULL };

static const struct param params[] = {
	{ .name = "kind",
	  .kind = PARAM_CHOICE,
	  .fallback = "opposite",
	  .choices = kinds,
	  .value = "KIND",
	  .help = "two locks in opposite order, one lock twice, or a lock and the interpreter's",
	  .other_work = true },
	{ .name = "timing",
	  .kind = PARAM_CHOICE,
	  .fallback = "lucky",
	  .choices = timings,
	  .value = "HOW",
	  .help = "the workers never meet, always do and hang for ever, or give up after --limit",
	  .other_work = true },
	{ .name = "limit",
	  .kind = PARAM_TIME,
	  .fallback = "10ms",
	  .low = 1000,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "how long to wait for the second lock, with --timing timeout" },
	{ 0 },
};

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
/* It would be right. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "detect_deadlocks=0";
}
#endif

struct shared {
	/* The first of worker 0, and of worker 1. */
	alignas(64) struct lock first;
	alignas(64) struct lock second;
	/* Where both have what the other will ask for, and where both have ended a round. */
	alignas(64) struct barrier met;
	struct semaphore alone; /* worker 0 is through, by luck */
	/* Of gil: the lock is held; the interpreter's is, and will not be let go of. */
	struct semaphore taken, clinging;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	const uint64_t kind = param_number(w->params, "kind");

	if (w->count != 2)
		return err_set(err, EXIT_MISUSE, "--%s %u: two workers take two locks; give 2",
			       w->shares, w->count);
	plan->region_bytes = sizeof(struct shared);
	plan->together = kind != KIND_SELF && param_number(w->params, "timing") != TIMING_LUCKY;
	plan->one_lock = kind == KIND_GIL;
	return true;
}

/* A function for each: reports name a lock by who made it. */
__attribute__((noinline)) static void make_first_lock(struct worker *w, struct shared *shared)
{
	lock_make(w, &shared->first, LOCK_PLAIN);
}

__attribute__((noinline)) static void make_second_lock(struct worker *w, struct shared *shared)
{
	lock_make(w, &shared->second, LOCK_PLAIN);
}

static void setup(struct worker *w)
{
	struct shared *shared = w->region;

	make_first_lock(w, shared);
	make_second_lock(w, shared);
	barrier_make(w, &shared->met, w->count);
	semaphore_make(w, &shared->alone, 0);
	semaphore_make(w, &shared->taken, 0);
	semaphore_make(w, &shared->clinging, 0);
}

/* When a take that begins now is given up. */
static uint64_t limit_from_now(const struct worker *w)
{
	return worker_now_ns() + param_number(w->params, "limit");
}

/* Up to the limit, by mix(try << 1 ^ worker). */
static void pause_before(struct worker *w, uint64_t try)
{
	worker_count(w, GIVEN_UP, 1);
	worker_sleep_until(w, worker_now_ns() + worker_mix(try << 1 ^ w->index) %
							param_number(w->params, "limit"));
}

/* Both have their own before either asks for the other's, so that one must give up; and both have
 * ended before a round begins, for who waits with a lock held is waited for in vain. */
static void take_opposite(struct worker *w, uint64_t timing)
{
	struct shared *shared = w->region;
	struct lock *own = w->index == 0 ? &shared->first : &shared->second;
	struct lock *other = w->index == 0 ? &shared->second : &shared->first;

	lock_take(w, own);
	if (timing != TIMING_LUCKY)
		barrier_meet(w, &shared->met);
	if (timing != TIMING_TIMEOUT)
		lock_take(w, other);
	for (uint64_t try = 0;
	     timing == TIMING_TIMEOUT && !lock_take_until(w, other, limit_from_now(w)); try++) {
		lock_give(w, own);
		pause_before(w, try);
		lock_take(w, own);
	}
	worker_tick(w);
	lock_give(w, other);
	lock_give(w, own);
	if (timing != TIMING_LUCKY)
		barrier_meet(w, &shared->met);
}

/* As a function that takes a lock and is called by another that has it: by luck it has not. */
static void take_again(struct worker *w, uint64_t timing)
{
	struct shared *shared = w->region;
	struct lock *own = w->index == 0 ? &shared->first : &shared->second;
	bool again = true;

	lock_take(w, own);
	if (timing == TIMING_LUCKY)
		lock_give(w, own);
	if (timing == TIMING_TIMEOUT)
		again = lock_take_until(w, own, limit_from_now(w));
	else
		lock_take(w, own);
	worker_tick(w);
	worker_count(w, GIVEN_UP, !again);
	lock_give(w, own);
}

/* Has a lock, and lets go of the interpreter's while it waits; to go on it needs that again. */
static void come_back_with_lock(struct worker *w, uint64_t timing)
{
	struct shared *shared = w->region;

	lock_take(w, &shared->first);
	if (timing == TIMING_LUCKY) {
		worker_sleep_until(w, worker_now_ns());
	} else {
		semaphore_give(w, &shared->taken);
		semaphore_take(w, &shared->clinging);
	}
	lock_give(w, &shared->first);
	if (timing != TIMING_LUCKY)
		barrier_meet(w, &shared->met);
}

/* Waits for the lock and keeps the interpreter's, as an extension does that forgets to let go. */
static void cling(struct worker *w, uint64_t timing)
{
	struct shared *shared = w->region;
	uint64_t limit_ns;

	if (timing != TIMING_LUCKY) {
		semaphore_take(w, &shared->taken);
		semaphore_give(w, &shared->clinging);
	}
	limit_ns = timing == TIMING_TIMEOUT ? limit_from_now(w) : 0;
	for (uint64_t try = 0; !lock_take_clinging(w, &shared->first, limit_ns); try++) {
		pause_before(w, try);
		limit_ns = limit_from_now(w);
	}
	lock_give(w, &shared->first);
	if (timing != TIMING_LUCKY)
		barrier_meet(w, &shared->met);
}

static void take_both(struct worker *w, uint64_t kind, uint64_t timing)
{
	if (kind == KIND_OPPOSITE)
		take_opposite(w, timing);
	else if (kind == KIND_SELF)
		take_again(w, timing);
	else if (w->index == 0)
		come_back_with_lock(w, timing);
	else
		cling(w, timing);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const uint64_t kind = param_number(w->params, "kind");
	const uint64_t timing = param_number(w->params, "timing");
	const bool in_turn = timing == TIMING_LUCKY && kind != KIND_SELF;
	struct shared *shared = w->region;
	uint64_t sum = 0;

	(void)phase;
	worker_count(w, GIVEN_UP, 0);
	if (in_turn && w->index == 1)
		semaphore_take(w, &shared->alone);
	for (uint64_t round = 0; round < w->size; round++) {
		take_both(w, kind, timing);
		sum += worker_mix(2 * round + w->index);
		worker_tick(w);
	}
	if (in_turn && w->index == 0)
		semaphore_give(w, &shared->alone);
	worker_did(w, w->size);
	return sum;
}

static uint64_t check(struct worker *w)
{
	const uint64_t kind = param_number(w->params, "kind");

	if (w->index == 0 && kind != KIND_SELF && param_number(w->params, "timing") == TIMING_LUCKY)
		worker_note(w, "it did not hang because one worker was through before the other "
			       "began: they take two locks in opposite order");
	return 0;
}

const struct workload workload_deadlock = {
	.name = "deadlock",
	.summary = "workers that take two locks in opposite order, and hang unless they are lucky",
	.params = params,
	.size_unit = "rounds",
	.size_default = "1",
	.size_low = 1,
	.size_high = 1000000000,
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
	.check = check,
};
