/* CPython 1.5 to 2.7 (and 3.0, 3.1) on Linux: a semaphore that is let go and asked for again every
 * check interval, whether or not anybody waits (Python/ceval.c, Python/thread_pthread.h of 2.7.18).
 *
 * Why it is correct:
 * 1. The semaphore starts at 1 and every post follows a successful wait of the same thread, so its
 *    value is 0 or 1 and at most one thread is between its wait and its post.
 * 2. Everything else but 'ticker' is touched by that thread alone; post and wait order the
 *    accesses.
 * 3. 'tick' is counted down by the holder only, but the interpreter's own is a plain volatile that
 *    other threads may reset; relaxed loads and stores, not a read-modify-write, keep its cost.
 *
 * Nothing hands the lock over: the poster usually re-takes it before the waiter has woken, which is
 * the fight that the texts show. */
#include "workloads/gil/gil.h"

#include <errno.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct state {
	sem_t *lock;                  /* interpreter_lock: on the heap, a new one after a fork */
	alignas(64) struct tick tick; /* _Py_Ticker: one for all threads */
	int check_interval;
	alignas(64) struct gil_tally tally;
};

static const struct param params[] = {
	{ .name = "check-interval",
	  .kind = PARAM_NUMBER,
	  .fallback = "100",
	  .low = 0,
	  .high = 1000000000,
	  .value = "TICKS",
	  .help = "ticks between two offers of the lock (sys.setcheckinterval)" },
	{ 0 },
};

static bool allocate_lock(struct state *s)
{
	s->lock = malloc(sizeof(*s->lock));
	return s->lock && sem_init(s->lock, 0, 1) == 0;
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;

	(void)threads;
	s->check_interval = (int)param_number(set, "check-interval");
	atomic_init(&s->tick.left, s->check_interval);
	return allocate_lock(s) ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make a semaphore: %s", strerror(errno));
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	const uint64_t asked_at = clock_raw();
	/* The interpreter calls sem_wait alone. Trying first is what sem_wait does first; taken
	 * apart it tells a conflict from none, exactly, and costs no more. */
	const bool contended = sem_trywait(s->lock) != 0;

	while (contended && sem_wait(s->lock) != 0 && errno == EINTR)
		;
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
}

static struct tick *tick(void *memory, unsigned self)
{
	struct state *s = memory;

	(void)self;
	return &s->tick;
}

/* Asked below zero, not at zero: 101 ticks for an interval of 100, as the interpreter has it. */
static bool due(void *memory, unsigned self)
{
	struct state *s = memory;

	(void)self;
	atomic_store_explicit(&s->tick.left, s->check_interval, memory_order_relaxed);
	return true;
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;

	(void)self;
	gil_tally_drop(&s->tally, why);
	sem_post(s->lock);
}

/* PyEval_ReInitThreads: a new lock; the old one, which others may have waited for, is leaked. */
static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	s->tally = (struct gil_tally){ 0 };
	if (!allocate_lock(s))
		abort();
	acquire(s, self);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	sem_destroy(s->lock);
	free(s->lock);
}

const struct gil gil_cpython2 = {
	.name = "cpython2",
	.summary = "CPython 2: a semaphore, offered every 100 ticks whether or not anybody waits",
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
