/* OCaml 5, the threads of one domain: as in OCaml 4, and whoever holds the master lock holds the
 * domain's lock as well; the signal comes before the unlock (otherlibs/systhreads/st_pthreads.h,
 * st_stubs.c, runtime/domain.c of 5.4.1).
 *
 * Why it is correct:
 * 1. 'busy' is read and written under 'lock' alone, and set only where it read 0: one holder.
 * 2. No wake-up is lost: a waiter tests 'busy' under 'lock' before it waits (or has just cleared
 * it: 4.), and who clears it signals under 'lock'. A woken waiter that finds the lock taken again
 *    waits again, and the one that barged in signals when it lets go.
 * 3. 'waiters' is written under 'lock'; a yield reads it before without (relaxed), only to save the
 *    lock, and again under it.
 * 4. A yield waits without testing 'busy' first. It has found a waiter under 'lock', which its
 * signal wakes and not itself, as it does not wait yet; that one takes the lock, or finds it taken,
 * and whoever has it will let go and signal.
 * 5. 'domain_lock' is the holder's. The orders cross: who lets go has it and asks for 'lock', who
 *    takes has 'lock' and asks for it; but the second has read 'busy' as 0 under 'lock', and then
 *    nobody has it. In the interpreter a backup thread contends for it while the domain waits; here
 *    is none. */
#include "workloads/gil/gil.h"
#include "workloads/gil/ticker.h"

#include <assert.h>
#include <limits.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

/* In the order of st_masterlock of 5.4. */
struct master_lock {
	int init;
	pthread_mutex_t lock;
	uintptr_t busy;
	_Atomic uintptr_t waiters;
	pthread_cond_t is_free;
};

#if defined(__x86_64__)
static_assert(offsetof(struct master_lock, is_free) - offsetof(struct master_lock, lock) == 0x38,
	      "the places of 5.4");
#endif

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
/* It goes by the order of locks alone; 5. says why this one is no deadlock. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "deadlock:gil/ocaml5.c\n";
}
#endif

struct state {
	alignas(64) pthread_mutex_t domain_lock;
	alignas(64) struct master_lock m;
	/* The breaker is requested_external_interrupt: one for all threads of the domain. */
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
	m->init = 1;
	atomic_store_explicit(&m->waiters, 0, memory_order_relaxed);
	return failed;
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	int failed = pthread_mutex_init(&s->domain_lock, NULL);

	(void)threads;
	atomic_init(&s->tick.left, INT_MAX);
	if (!failed)
		failed = create(&s->m);
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
	pthread_mutex_lock(&s->domain_lock);
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

/* st_thread_yield, with a waiter. */
static void let_another(struct state *s, unsigned self)
{
	struct master_lock *m = &s->m;
	const uint64_t asked_at = clock_raw();

	gil_tally_drop(&s->tally, GIL_DROP_TICK);
	m->busy = 0;
	atomic_fetch_add_explicit(&m->waiters, 1, memory_order_relaxed);
	pthread_cond_signal(&m->is_free);
	pthread_mutex_unlock(&s->domain_lock);
	do
		pthread_cond_wait(&m->is_free, &m->lock);
	while (m->busy);
	m->busy = 1;
	atomic_fetch_sub_explicit(&m->waiters, 1, memory_order_relaxed);
	pthread_mutex_lock(&s->domain_lock);
	gil_tally_take(&s->tally, self, true, asked_at, clock_raw());
}

static void yield(void *memory, unsigned self)
{
	struct state *s = memory;

	pthread_mutex_lock(&s->m.lock);
	if (atomic_load_explicit(&s->m.waiters, memory_order_relaxed) > 0)
		let_another(s, self);
	pthread_mutex_unlock(&s->m.lock);
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;
	struct master_lock *m = &s->m;

	(void)self;
	pthread_mutex_lock(&m->lock);
	gil_tally_drop(&s->tally, why);
	m->busy = 0;
	pthread_mutex_unlock(&s->domain_lock);
	pthread_cond_signal(&m->is_free);
	pthread_mutex_unlock(&m->lock);
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
	pthread_mutex_destroy(&s->domain_lock);
}

const struct gil gil_ocaml5 = {
	.name = "ocaml5",
	.summary = "OCaml 5, one domain: as ocaml4, with the domain's lock inside",
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
