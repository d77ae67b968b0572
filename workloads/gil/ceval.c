/* CPython's lock since 3.2: a flag under a mutex and a condition variable; a waiter that has seen
 * no switch for an interval asks the holder to drop, and the holder then waits until somebody else
 * has taken it (forced switching). Deadlines on CLOCK_MONOTONIC, as since 3.8.
 *
 * Why it is correct:
 * 1. 'locked' is written only under 'mutex'; acquire leaves its loop only when it reads 0 there,
 *    and sets 1 before it unlocks: one holder.
 * 2. No wake-up is lost: release clears 'locked' and signals 'cond' under 'mutex', and a waiter
 *    tests 'locked' under 'mutex' before it waits; the wait is timed besides.
 * 3. A holder that was asked to drop waits on 'switch_cond' only while 'last_holder' is itself,
 * read under 'switch_mutex'; the next taker changes it and signals under 'switch_mutex'. It exists:
 *    the request was set by a thread that leaves its loop only by taking the lock.
 * 4. That wait is one wait and no loop, as in the interpreter: a spurious wake-up costs fairness
 *    only, and the thread then queues as any other.
 * 5. The order is mutex before switch_mutex (acquire); release never holds both. No cycle.
 * 6. A request is set under 'mutex' while 'locked', and cleared by the next taker under 'mutex', or
 *    by the dropper before there is a next taker (3.). So at the moment of a drop it is pending
 *    exactly if a waiter has asked since the take: the counts do not depend on a race. */
#include "workloads/gil/ceval.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#if defined(__x86_64__)
static_assert(offsetof(struct ceval_lock, cond) == 0x20 &&
		      offsetof(struct ceval_lock, mutex) == 0x50 &&
		      offsetof(struct ceval_lock, switch_cond) == 0x78 &&
		      offsetof(struct ceval_lock, switch_mutex) == 0xa8,
	      "the places of 3.7 to 3.14");
#endif

static const char *const on_off[] = { "on", "off", NULL };

const struct param ceval_params[] = {
	{ .name = "interval",
	  .kind = PARAM_TIME,
	  .fallback = "5ms",
	  .low = 1000,
	  .high = 100000000000,
	  .value = "TIME",
	  .help = "wait without a switch until the holder is asked (sys.setswitchinterval)" },
	{ .name = "force-switching",
	  .kind = PARAM_CHOICE,
	  .fallback = "on",
	  .choices = on_off,
	  .value = "WORD",
	  .help = "a holder that was asked waits until another has taken over" },
	{ 0 },
};

/* create_gil's order: mutex, switch_mutex, cond, switch_cond. */
static int create(struct ceval_lock *gil)
{
	pthread_condattr_t monotonic;
	int failed = pthread_condattr_init(&monotonic);

	if (failed)
		return failed;
	failed = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (!failed)
		failed = pthread_mutex_init(&gil->mutex, NULL);
	if (!failed)
		failed = pthread_mutex_init(&gil->switch_mutex, NULL);
	if (!failed)
		failed = pthread_cond_init(&gil->cond, &monotonic);
	if (!failed)
		failed = pthread_cond_init(&gil->switch_cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	atomic_store_explicit(&gil->last_holder, 0, memory_order_relaxed);
	atomic_store_explicit(&gil->locked, 0, memory_order_relaxed);
	return failed;
}

bool ceval_init(struct ceval *s, const struct param_set *set, struct err *err)
{
	const uint64_t interval_ns = param_number(set, "interval");
	int failed;

	if (interval_ns % 1000 != 0)
		return err_set(
			err, EXIT_MISUSE,
			"--interval '%s' is not in whole microseconds, as the interpreter's is",
			param_text(set, "interval"));
	s->gil.interval_us = interval_ns / 1000;
	s->force_switching = param_number(set, "force-switching") == 0;
	failed = create(&s->gil);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

struct tick *ceval_tick(void *memory, unsigned self)
{
	struct ceval *s = memory;

	return &s->thread[s->addressed ? self : 0].tick;
}

/* The request that thread 'self' looks at. */
static _Atomic int *request_of(struct ceval *s, unsigned self)
{
	return &ceval_tick(s, self)->breaker;
}

static bool asked(struct ceval *s, unsigned self)
{
	return atomic_load_explicit(request_of(s, self), memory_order_relaxed);
}

/* Waits until the lock is free, under 'mutex'. */
static void wait_until_free(struct ceval *s, struct gil_counts *waits)
{
	struct ceval_lock *gil = &s->gil;

	while (atomic_load_explicit(&gil->locked, memory_order_relaxed)) {
		const unsigned long seen = gil->switch_number;
		const struct timespec deadline =
			clock_timespec(clock_now_ns() + gil->interval_us * 1000);
		unsigned holder;

		if (pthread_cond_timedwait(&gil->cond, &gil->mutex, &deadline) != ETIMEDOUT)
			continue;
		waits->timeouts++;
		/* Somebody else may have got it meanwhile: then the interval starts again. */
		if (!atomic_load_explicit(&gil->locked, memory_order_relaxed) ||
		    gil->switch_number != seen)
			continue;
		waits->requests++;
		holder =
			(unsigned)atomic_load_explicit(&gil->last_holder, memory_order_relaxed) - 1;
		atomic_store_explicit(request_of(s, holder), 1, memory_order_relaxed);
	}
}

void ceval_acquire(void *memory, unsigned self)
{
	struct ceval *s = memory;
	struct ceval_lock *gil = &s->gil;
	const uint64_t asked_at = clock_raw();
	struct gil_counts waits = { 0 };
	bool contended;

	pthread_mutex_lock(&gil->mutex);
	contended = atomic_load_explicit(&gil->locked, memory_order_relaxed);
	if (contended)
		wait_until_free(s, &waits);

	pthread_mutex_lock(&gil->switch_mutex);
	atomic_store_explicit(&gil->locked, 1, memory_order_relaxed);
	if (atomic_load_explicit(&gil->last_holder, memory_order_relaxed) != self + 1) {
		atomic_store_explicit(&gil->last_holder, self + 1, memory_order_relaxed);
		gil->switch_number++;
	}
	pthread_cond_signal(&gil->switch_cond);
	pthread_mutex_unlock(&gil->switch_mutex);
	if (asked(s, self))
		atomic_store_explicit(request_of(s, self), 0, memory_order_relaxed);
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
	gil_counts_add(&s->tally.counts, &waits);
	pthread_mutex_unlock(&gil->mutex);
}

bool ceval_due(void *memory, unsigned self)
{
	struct ceval *s = memory;

	/* Ticks do not count here. */
	atomic_store_explicit(&ceval_tick(s, self)->left, INT_MAX, memory_order_relaxed);
	return asked(s, self);
}

/* The holder was asked: the lock changes hands before it may queue again. */
static void wait_for_successor(struct ceval *s, unsigned self)
{
	struct ceval_lock *gil = &s->gil;

	pthread_mutex_lock(&gil->switch_mutex);
	if (atomic_load_explicit(&gil->last_holder, memory_order_relaxed) == self + 1) {
		const uint64_t since = clock_raw();

		atomic_store_explicit(request_of(s, self), 0, memory_order_relaxed);
		pthread_cond_wait(&gil->switch_cond, &gil->switch_mutex);
		s->forced_waits++;
		s->forced_wait_raw += clock_raw() - since;
	}
	pthread_mutex_unlock(&gil->switch_mutex);
}

void ceval_release(void *memory, unsigned self, enum gil_drop why)
{
	struct ceval *s = memory;
	struct ceval_lock *gil = &s->gil;

	atomic_store_explicit(&gil->last_holder, self + 1, memory_order_relaxed);
	gil_tally_drop(&s->tally, why);
	pthread_mutex_lock(&gil->mutex);
	s->tally.counts.drops_requested += asked(s, self);
	atomic_store_explicit(&gil->locked, 0, memory_order_relaxed);
	pthread_cond_signal(&gil->cond);
	pthread_mutex_unlock(&gil->mutex);

	if (s->force_switching && (why != GIL_DROP_END || s->end_waits) && asked(s, self))
		wait_for_successor(s, self);
}

/* recreate_gil: the same objects at the same addresses, then an ordinary take. */
void ceval_forked(void *memory, unsigned self)
{
	struct ceval *s = memory;

	s->tally = (struct gil_tally){ 0 };
	s->forced_waits = s->forced_wait_raw = 0;
	create(&s->gil);
	ceval_acquire(s, self);
}

void ceval_finish(void *memory, struct gil_counts *counts)
{
	struct ceval *s = memory;

	*counts = s->tally.counts;
	counts->forced_waits = s->forced_waits;
	counts->forced_wait_raw = s->forced_wait_raw;
	pthread_cond_destroy(&s->gil.cond);
	pthread_mutex_destroy(&s->gil.mutex);
	pthread_cond_destroy(&s->gil.switch_cond);
	pthread_mutex_destroy(&s->gil.switch_mutex);
}
