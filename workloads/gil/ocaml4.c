/* OCaml 4: a busy flag under a mutex and one condition variable for all who wait. A tick thread
 * asks for a yield every 50 ms; a yield with waiters lets go, signals, and waits at least once
 * (otherlibs/systhreads/st_posix.h, st_stubs.c of 4.13.1).
 *
 * Why it is correct:
 * 1. 'busy' is read and written under 'lock' alone, and set only where it read 0: one holder.
 * 2. No wake-up is lost: a waiter tests 'busy' under 'lock' before it waits (or has just cleared
 * it: 4.), and who clears it signals after that. A woken waiter that finds the lock taken again
 * waits again, and the one that barged in signals when it lets go.
 * 3. 'waiters' is written under 'lock'; a yield reads it before without (relaxed), only to save the
 *    lock, and again under it.
 * 4. A yield waits without testing 'busy' first. It has found a waiter under 'lock', which its
 * signal wakes and not itself, as it does not wait yet; that one takes the lock, or finds it taken,
 * and whoever has it will let go and signal. */
#include "workloads/gil/gil.h"
#include "workloads/gil/ticker.h"

#include <assert.h>
#include <limits.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

/* In the order of st_masterlock of 4.13. */
struct master_lock {
	pthread_mutex_t lock;
	int busy;
	_Atomic int waiters;
	pthread_cond_t is_free;
};

#if defined(__x86_64__)
static_assert(offsetof(struct master_lock, is_free) == 0x30, "the place of 4.13");
#endif

struct state {
	alignas(64) struct master_lock m;
	/* The breaker is the recorded preemption signal: one for all threads. */
	alignas(64) struct tick tick;
	struct ticker ticker;
	alignas(64) struct gil_tally tally;
};

static const struct param params[] = {
	{ .name = "tick",
	  .kind = PARAM_TIME,
	  .fallback = "50ms",
	  .low = 1000,
	  .high = 100000000000,
	  .value = "TIME",
	  .help = "of the tick thread, which asks for a yield" },
	{ 0 },
};

static int create(struct master_lock *m)
{
	int failed = pthread_mutex_init(&m->lock, NULL);

	if (!failed)
		failed = pthread_cond_init(&m->is_free, NULL);
	atomic_store_explicit(&m->waiters, 0, memory_order_relaxed);
	return failed;
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	int failed = create(&s->m);

	(void)threads;
	atomic_init(&s->tick.left, INT_MAX);
	if (!failed)
		failed = ticker_start(&s->ticker, param_number(set, "tick"), &s->tick);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

static void wait(struct master_lock *m)
{
	atomic_fetch_add_explicit(&m->waiters, 1, memory_order_relaxed);
	pthread_cond_wait(&m->is_free, &m->lock);
	atomic_fetch_sub_explicit(&m->waiters, 1, memory_order_relaxed);
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	struct master_lock *m = &s->m;
	const uint64_t asked_at = clock_raw();
	bool contended;

	pthread_mutex_lock(&m->lock);
	contended = m->busy;
	while (m->busy)
		wait(m);
	m->busy = 1;
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
	pthread_mutex_unlock(&m->lock);
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
	atomic_store_explicit(&s->tick.left, INT_MAX, memory_order_relaxed);
	return atomic_exchange_explicit(&s->tick.breaker, 0, memory_order_relaxed) &&
	       atomic_load_explicit(&s->m.waiters, memory_order_relaxed) > 0;
}

/* st_thread_yield */
static void yield(void *memory, unsigned self)
{
	struct state *s = memory;
	struct master_lock *m = &s->m;

	pthread_mutex_lock(&m->lock);
	if (atomic_load_explicit(&m->waiters, memory_order_relaxed) > 0) {
		const uint64_t asked_at = clock_raw();

		gil_tally_drop(&s->tally, GIL_DROP_TICK);
		m->busy = 0;
		pthread_cond_signal(&m->is_free);
		atomic_fetch_add_explicit(&m->waiters, 1, memory_order_relaxed);
		do
			pthread_cond_wait(&m->is_free, &m->lock);
		while (m->busy);
		m->busy = 1;
		atomic_fetch_sub_explicit(&m->waiters, 1, memory_order_relaxed);
		gil_tally_take(&s->tally, self, true, asked_at, clock_raw());
	}
	pthread_mutex_unlock(&m->lock);
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;

	(void)self;
	pthread_mutex_lock(&s->m.lock);
	gil_tally_drop(&s->tally, why);
	s->m.busy = 0;
	pthread_mutex_unlock(&s->m.lock);
	pthread_cond_signal(&s->m.is_free);
}

/* caml_thread_reinitialize: the holder has it still, and there is no tick thread until the program
 * makes another thread. */
static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	create(&s->m);
	s->m.busy = 1;
	ticker_forget(&s->ticker);
	s->tally = (struct gil_tally){ 0 };
	gil_tally_take(&s->tally, self, false, 0, clock_raw());
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	ticker_stop(&s->ticker);
	*counts = s->tally.counts;
	pthread_mutex_destroy(&s->m.lock);
	pthread_cond_destroy(&s->m.is_free);
}

const struct gil gil_ocaml4 = {
	.name = "ocaml4",
	.summary = "OCaml 4: a tick thread asks for a yield every 50 ms; others may barge in",
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
