/* CPython 1.5 to 3.1 where it has no POSIX semaphores (macOS among others): the lock is a flag
 * under a mutex and a condition variable; let go and asked for again every check interval, as in
 * cpython2.c (Python/thread_pthread.h of 2.7.18, the branch without USE_SEMAPHORES).
 *
 * Why it is correct:
 * 1. 'locked' is read and written under 'mut' alone; a taker leaves its loop only when it reads 0
 *    there, and sets 1 before it unlocks: one holder.
 * 2. No wake-up is lost: a waiter tests 'locked' under 'mut' before each wait, and release clears
 * it and signals under 'mut'. A woken waiter that finds the lock taken again waits again, and the
 *    one that barged in signals when it lets go.
 * 3. 'tick' as in cpython2.c. */
#include "workloads/gil/gil.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* In the order of pthread_lock; on the heap. */
struct lock {
	char locked;
	pthread_cond_t lock_released;
	pthread_mutex_t mut;
};

struct state {
	struct lock *lock;
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

static int allocate_lock(struct state *s)
{
	int failed;

	s->lock = calloc(1, sizeof(*s->lock));
	if (!s->lock)
		return ENOMEM;
	failed = pthread_mutex_init(&s->lock->mut, NULL);
	return failed ? failed : pthread_cond_init(&s->lock->lock_released, NULL);
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	int failed;

	(void)threads;
	s->check_interval = (int)param_number(set, "check-interval");
	atomic_init(&s->tick.left, s->check_interval);
	failed = allocate_lock(s);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	struct lock *lock = s->lock;
	const uint64_t asked_at = clock_raw();
	bool contended;

	pthread_mutex_lock(&lock->mut);
	contended = lock->locked;
	while (lock->locked)
		pthread_cond_wait(&lock->lock_released, &lock->mut);
	lock->locked = 1;
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
	pthread_mutex_unlock(&lock->mut);
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
	pthread_mutex_lock(&s->lock->mut);
	s->lock->locked = 0;
	pthread_cond_signal(&s->lock->lock_released);
	pthread_mutex_unlock(&s->lock->mut);
}

/* PyEval_ReInitThreads: a new lock; the old one, which others may have waited for, is leaked. */
static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	s->tally = (struct gil_tally){ 0 };
	if (allocate_lock(s))
		abort();
	acquire(s, self);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	pthread_mutex_destroy(&s->lock->mut);
	pthread_cond_destroy(&s->lock->lock_released);
	free(s->lock);
}

const struct gil gil_cpython2cond = {
	.name = "cpython2cond",
	.summary = "CPython 2 without semaphores: as cpython2, by a mutex and a condition variable",
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
