/* Two polite workers, each of which needs both locks: it takes its own, tries the other's, and when
 * that is held gives its own back and begins again. Both are busy, and neither gets on, unless they
 * pause for different times. After a number of tries they give up, so that it ends. */
#include "workloads/primitives.h"

#include <stdalign.h>

#define LOOK_NS 100000     /* how long one has the first lock before it tries the second */
#define BACKOFF_NS 1000000 /* the longest pause: several looks */

enum { TRIES, FAILED_TRIES, PROGRESS };
enum { BACKOFF_NONE, BACKOFF_RANDOM };

static const char *const counts[] = { "tries", "failed_tries", "progress", NULL };
static const char *const backoffs[] = { "none", "random", NULL };

static const struct param params[] = {
	{ .name = "backoff",
	  .kind = PARAM_CHOICE,
	  .fallback = "none",
	  .choices = backoffs,
	  .value = "HOW",
	  .help = "begin again at once, or after a pause of up to a millisecond" },
	{ .name = "patience",
	  .kind = PARAM_NUMBER,
	  .fallback = "1000",
	  .low = 1,
	  .high = 1000000000,
	  .value = "N",
	  .help = "tries in all before both give up" },
	{ 0 },
};

struct shared {
	alignas(64) struct lock first;
	alignas(64) struct lock second;
	alignas(64) _Atomic uint64_t tries;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	if (w->count != 2)
		return err_set(err, EXIT_MISUSE, "--%s %u: two workers take two locks; give 2",
			       w->shares, w->count);
	plan->region_bytes = sizeof(struct shared);
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
	make_first_lock(w, w->region);
	make_second_lock(w, w->region);
}

/* One step, for which both locks are needed. False: the patience has ended. */
static bool make_step(struct worker *w, struct shared *shared)
{
	const uint64_t patience = param_number(w->params, "patience");
	const bool pauses = param_number(w->params, "backoff") == BACKOFF_RANDOM;
	struct lock *own = w->index == 0 ? &shared->first : &shared->second;
	struct lock *other = w->index == 0 ? &shared->second : &shared->first;

	while (atomic_load_explicit(&shared->tries, memory_order_relaxed) < patience) {
		uint64_t try;

		lock_take(w, own);
		worker_sleep_until(w, worker_now_ns() + LOOK_NS);
		try = atomic_fetch_add_explicit(&shared->tries, 1, memory_order_relaxed);
		if (try >= patience) {
			lock_give(w, own);
			break;
		}
		worker_count(w, TRIES, 1);
		if (lock_try(w, other)) {
			worker_tick(w);
			lock_give(w, other);
			lock_give(w, own);
			return true;
		}
		worker_count(w, FAILED_TRIES, 1);
		lock_give(w, own);
		if (pauses)
			worker_sleep_until(w, worker_now_ns() +
						      worker_mix(try << 1 ^ w->index) % BACKOFF_NS);
		worker_tick(w);
	}
	return false;
}

/* The checksum is of the steps that were worked at: which of them are made is the result. */
static uint64_t work(struct worker *w, unsigned phase)
{
	struct shared *shared = w->region;
	uint64_t from, to, sum = 0, made = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	for (unsigned i = TRIES; i <= PROGRESS; i++)
		worker_count(w, i, 0);
	for (uint64_t step = from; step < to; step++) {
		made += make_step(w, shared);
		sum += worker_mix(step);
	}
	worker_count(w, PROGRESS, made);
	worker_did(w, made);
	if (made < to - from)
		worker_note(w, "the workers gave up: each gave its own lock back when it found "
			       "the other's held, and took it again");
	return sum;
}

const struct workload workload_livelock = {
	.name = "livelock",
	.summary = "polite workers that give way to each other, and do not get on",
	.params = params,
	.size_unit = "steps",
	.size_default = "10",
	.size_low = 1,
	.size_high = 1000000000,
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
};
