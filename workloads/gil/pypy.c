/* PyPy: a word that is taken by a compare-and-swap and let go by a store, and behind it a mutex and
 * a condition variable for those who wait. Taking and letting go without conflict makes no call at
 * all, and letting go wakes nobody: a waiter looks every 0.1 ms. Only a thread that has run for a
 * check interval hands over (rpython/translator/c/src/thread_gil.c and thread_pthread.c of 7.3.11).
 *
 * Why it is correct:
 * 1. The lock is held by whoever has set 'fastgil' to its number, as long as 'gil.locked' is 1.
 * Free is one of two: 'fastgil' is 0, or 'locked' is 0; never both, for only the holder does
 * either.
 * 2. 'fastgil' goes from 0 to a number by one compare-and-swap: one thread wins. 'locked' goes from
 *    0 to 1 under 'gil.mut', by the thread that holds 'stealer': one thread wins. So one holder.
 * 3. Who lets go stores 0 with release, who wins swaps with acquire [fastgil]; a hand-over is
 *    ordered by 'gil.mut'.
 * 4. No wake-up is lost, because none is needed: the stealer's wait is timed and it looks at
 * 'fastgil' and 'locked' in turn; the others wait for the mutex 'stealer', which it unlocks when it
 * has won.
 * 5. Who wins while still polling hands over at once and queues, as the interpreter does: it does
 *    not touch what the lock protects in between, and this is neither a take nor a drop. */
#include "workloads/gil/gil.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#define POLL_MIN 40
#define POLL_MAX 400

/* mutex2_t: a mutex that its owner can let go without having waited for it. */
struct mutex2 {
	char locked;
	pthread_mutex_t mut;
	pthread_cond_t cond;
};

/* Where 7.3.11 has them. */
struct mutexes {
	struct mutex2 gil;
	pthread_mutex_t stealer;
};

#if defined(__x86_64__)
static_assert(offsetof(struct mutexes, stealer) - offsetof(struct mutexes, gil.mut) == 0x58 &&
		      offsetof(struct mutexes, gil.cond) - offsetof(struct mutexes, gil.mut) ==
			      0x28,
	      "the places of 7.3.11");
#endif

struct state {
	alignas(64) _Atomic long fastgil; /* 0: free; else the holder's number plus 1 */
	alignas(64) _Atomic long waiting;
	_Atomic int poll_n; /* a poor random number, written by all who poll */
	alignas(64) struct mutexes m;
	alignas(64) struct tick tick; /* one for all threads */
	int check_interval;
	uint64_t interval_ns;
	alignas(64) struct gil_tally tally;
};

static const struct param params[] = {
	{ .name = "check-interval",
	  .kind = PARAM_NUMBER,
	  .fallback = "10000",
	  .low = 0,
	  .high = 1000000000,
	  .value = "TICKS",
	  .help = "ticks after which a thread hands over if another waits" },
	{ .name = "interval",
	  .kind = PARAM_TIME,
	  .fallback = "100us",
	  .low = 1000,
	  .high = 1000000000,
	  .value = "TIME",
	  .help = "between two looks of a waiter" },
	{ 0 },
};

static int create(struct state *s)
{
	int failed = pthread_mutex_init(&s->m.stealer, NULL);

	s->m.gil.locked = 1;
	if (!failed)
		failed = pthread_mutex_init(&s->m.gil.mut, NULL);
	if (!failed)
		failed = pthread_cond_init(&s->m.gil.cond, NULL);
	atomic_store_explicit(&s->waiting, 0, memory_order_relaxed);
	return failed;
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	const int failed = create(s);

	(void)threads;
	s->check_interval = (int)param_number(set, "check-interval");
	s->interval_ns = param_number(set, "interval");
	atomic_init(&s->tick.left, s->check_interval);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

/* Swaps whatever it reads: under a hand-over 'fastgil' may be another thread's number. */
static bool take_fast(struct state *s, unsigned self)
{
	long free = 0;

	/* [fastgil] What the holder before has done is seen by the next. */
	return atomic_compare_exchange_strong_explicit(&s->fastgil, &free, (long)self + 1,
						       memory_order_acquire, memory_order_relaxed);
}

static bool looks_free(struct state *s)
{
	return atomic_load_explicit(&s->fastgil, memory_order_relaxed) == 0;
}

static void hand_over(struct state *s)
{
	pthread_mutex_lock(&s->m.gil.mut);
	s->m.gil.locked = 0;
	pthread_mutex_unlock(&s->m.gil.mut);
	pthread_cond_signal(&s->m.gil.cond);
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Before it queues, a thread looks for a while whether the lock becomes free, unless others come or
 * go. */
static void poll_early(struct state *s, unsigned self, long waiting)
{
	int n = atomic_load_explicit(&s->poll_n, memory_order_relaxed) * 2 + 1;

	while (n >= POLL_MAX)
		n -= POLL_MAX - POLL_MIN;
	atomic_store_explicit(&s->poll_n, n, memory_order_relaxed);
	for (; n >= 0; n--) {
		if (atomic_load_explicit(&s->waiting, memory_order_relaxed) != waiting)
			return;
		relax();
		if (looks_free(s) && take_fast(s, self)) {
			hand_over(s);
			return;
		}
	}
}

/* mutex2_lock_timeout, under 'mut': true if the lock was handed over. */
static bool wait_for_hand_over(struct state *s, uint64_t *timeouts)
{
	bool handed;

	if (s->m.gil.locked) {
		const struct timespec deadline =
			clock_timespec(clock_now_ns_of(CLOCK_REALTIME) + s->interval_ns);

		*timeouts += pthread_cond_timedwait(&s->m.gil.cond, &s->m.gil.mut, &deadline) ==
			     ETIMEDOUT;
	}
	handed = !s->m.gil.locked;
	s->m.gil.locked = 1;
	return handed;
}

static void take_slowly(struct state *s, unsigned self, uint64_t asked_at)
{
	const long waiting = atomic_fetch_add_explicit(&s->waiting, 1, memory_order_relaxed) + 1;
	uint64_t timeouts = 0;

	poll_early(s, self, waiting);
	pthread_mutex_lock(&s->m.stealer);
	pthread_mutex_lock(&s->m.gil.mut);
	for (;;) {
		if (looks_free(s) && take_fast(s, self))
			break;
		if (wait_for_hand_over(s, &timeouts)) {
			atomic_store_explicit(&s->fastgil, (long)self + 1, memory_order_relaxed);
			break;
		}
	}
	atomic_fetch_sub_explicit(&s->waiting, 1, memory_order_relaxed);
	gil_tally_take(&s->tally, self, true, asked_at, clock_raw());
	s->tally.counts.timeouts += timeouts;
	pthread_mutex_unlock(&s->m.gil.mut);
	pthread_mutex_unlock(&s->m.stealer);
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	const uint64_t asked_at = clock_raw();

	if (take_fast(s, self))
		gil_tally_take(&s->tally, self, false, asked_at, clock_raw());
	else
		take_slowly(s, self, asked_at);
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
	atomic_store_explicit(&s->tick.left, s->check_interval, memory_order_relaxed);
	return atomic_load_explicit(&s->waiting, memory_order_relaxed) > 0;
}

/* RPyGilYieldThread: 'fastgil' stays what it is until a waiter has taken over. */
static void yield(void *memory, unsigned self)
{
	struct state *s = memory;

	gil_tally_drop(&s->tally, GIL_DROP_TICK);
	hand_over(s);
	acquire(s, self);
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;

	(void)self;
	gil_tally_drop(&s->tally, why);
	/* [fastgil] Without it the next holder could miss what was done under the lock. */
	atomic_store_explicit(&s->fastgil, 0, memory_order_release);
}

/* The handler of pthread_atfork: the holder keeps the lock, all waiters are gone. */
static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	create(s);
	s->tally = (struct gil_tally){ 0 };
	gil_tally_take(&s->tally, self, false, 0, clock_raw());
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	pthread_mutex_destroy(&s->m.stealer);
	pthread_mutex_destroy(&s->m.gil.mut);
	pthread_cond_destroy(&s->m.gil.cond);
}

const struct gil gil_pypy = {
	.name = "pypy",
	.summary = "PyPy: a compare-and-swap; waiters look every 0.1 ms, busy threads hand over",
	.anywhere = true,
	.params = params,
	.state_bytes = sizeof(struct state),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.yield = yield,
	.release = release,
	.forked = forked,
	.finish = finish,
};
