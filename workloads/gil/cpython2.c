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
#include <string.h>

struct state {
	alignas(64) sem_t lock;
	alignas(64) struct tick tick; /* _Py_Ticker: one for all threads */
	int check_interval;
	uint64_t conflict_raw; /* a take that lasts longer has waited, in raw counter units */
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

/* A free semaphore is taken in some 20 ns; a wait is a system call and a switch. */
#define CONFLICT_NS 2000

static bool init(void *memory, const struct param_set *set, struct err *err)
{
	struct state *s = memory;

	s->check_interval = (int)param_number(set, "check-interval");
	s->conflict_raw = clock_ns_to_raw(CONFLICT_NS);
	atomic_init(&s->tick.left, s->check_interval);
	if (sem_init(&s->lock, 0, 1) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make a semaphore: %s",
			       strerror(errno));
	return true;
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	const uint64_t asked_at = clock_raw();
	uint64_t now;
	int value = 1;

	/* Not the interpreter's: it shows a conflict without changing the calls. Another thread may
	 * still take the semaphore between this and the wait; then only the time tells. */
	sem_getvalue(&s->lock, &value);
	while (sem_wait(&s->lock) != 0 && errno == EINTR)
		;
	now = clock_raw();
	gil_tally_take(&s->tally, self, value == 0 || now - asked_at > s->conflict_raw, asked_at,
		       now);
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
	sem_post(&s->lock);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	sem_destroy(&s->lock);
}

const struct gil gil_cpython2 = {
	.name = "cpython2",
	.summary = "CPython 2: a semaphore, offered every 100 ticks whether or not anybody waits",
	.params = params,
	.state_bytes = sizeof(struct state),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.release = release,
	.finish = finish,
};
