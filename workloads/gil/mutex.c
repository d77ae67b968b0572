/* No interpreter's: one mutex, held across a slice of so many ticks, then let go and asked for
 * again. What a program gets that puts one lock around everything.
 *
 * Why it is correct:
 * 1. The mutex is the lock; every unlock follows a lock of the same thread.
 * 2. Everything else is touched by its owner alone. 'tick' goes on counting whoever holds it: its
 *    loads and stores are relaxed, and ordered by the mutex.
 *
 * Nothing hands it over: who unlocks usually locks again before a waiter has woken. */
#include "workloads/gil/gil.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

struct state {
	alignas(64) pthread_mutex_t lock;
	alignas(64) struct tick tick;
	int slice;
	alignas(64) struct gil_tally tally;
};

static const struct param params[] = {
	{ .name = "slice",
	  .kind = PARAM_NUMBER,
	  .fallback = "100",
	  .low = 1,
	  .high = 1000000000,
	  .value = "TICKS",
	  .help = "ticks for which the lock is held" },
	{ 0 },
};

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	const int failed = pthread_mutex_init(&s->lock, NULL);

	(void)threads;
	s->slice = (int)param_number(set, "slice");
	atomic_init(&s->tick.left, s->slice - 1);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make a mutex: %s", strerror(failed));
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	const uint64_t asked_at = clock_raw();
	const bool contended = pthread_mutex_trylock(&s->lock) != 0;

	if (contended)
		pthread_mutex_lock(&s->lock);
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
}

static struct tick *tick(void *memory, unsigned self)
{
	struct state *s = memory;

	(void)self;
	return &s->tick;
}

static bool due(void *memory, unsigned self)
{
	struct state *s = memory;

	(void)self;
	atomic_store_explicit(&s->tick.left, s->slice - 1, memory_order_relaxed);
	return true;
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;

	(void)self;
	gil_tally_drop(&s->tally, why);
	pthread_mutex_unlock(&s->lock);
}

static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	s->tally = (struct gil_tally){ 0 };
	pthread_mutex_init(&s->lock, NULL);
	acquire(s, self);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	pthread_mutex_destroy(&s->lock);
}

const struct gil gil_mutex = {
	.name = "mutex",
	.summary = "for reference: a mutex held for 100 ticks at a time, and no hand-over",
	.anywhere = true,
	.params = params,
	.state_bytes = sizeof(struct state),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.release = release,
	.forked = forked,
	.finish = finish,
};
