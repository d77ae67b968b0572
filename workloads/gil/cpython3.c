/* CPython 3.2 to 3.12: a flag under a mutex and a condition variable; a waiter that has seen no
 * switch for an interval asks the holder to drop, and the holder then waits until somebody else has
 * taken it (forced switching). After Python/ceval_gil.h of 3.8 to 3.11, deadlines on
 * CLOCK_MONOTONIC.
 *
 * Why it is correct:
 * 1. 'locked' is written only under 'mutex'; acquire leaves its loop only when it reads 0 there,
 *    and sets 1 before it unlocks: one holder.
 * 2. No wake-up is lost: release clears 'locked' and signals 'cond' under 'mutex', and a waiter
 *    tests 'locked' under 'mutex' before it waits; the wait is timed besides.
 * 3. A holder that was asked to drop waits on 'switch_cond' only while 'last' is itself, read under
 *    'switch_mutex'; the next taker changes 'last' and signals under 'switch_mutex'. It exists: the
 *    request was set by a thread that leaves its loop only by taking the lock.
 * 4. That wait is one wait and no loop, as in the interpreter: a spurious wake-up costs fairness
 *    only, and the thread then queues as any other.
 * 5. The order is mutex before switch_mutex (acquire); release never holds both. No cycle. */
#include "workloads/gil/gil.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

/* In the order of struct _gil_runtime_state: what lies where is part of the fingerprint. */
struct interpreter_lock {
	unsigned long interval_us;
	_Atomic uintptr_t last_holder; /* thread number plus 1; written by owner and takers */
	_Atomic int locked;
	unsigned long switch_number;
	pthread_cond_t cond;
	pthread_mutex_t mutex;
	pthread_cond_t switch_cond;
	pthread_mutex_t switch_mutex;
};

struct state {
	alignas(64) struct interpreter_lock gil;
	/* The breaker is gil_drop_request: set by waiters, read by the holder at every tick. */
	alignas(64) struct tick tick;
	bool force_switching;
	alignas(64) struct gil_tally tally;
};

static const char *const on_off[] = { "on", "off", NULL };

static const struct param params[] = {
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

static bool init(void *memory, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	pthread_condattr_t monotonic;
	int failed;

	if (param_number(set, "interval") % 1000 != 0)
		return err_set(
			err, EXIT_MISUSE,
			"--interval '%s' is not in whole microseconds, as the interpreter's is",
			param_text(set, "interval"));
	s->gil.interval_us = param_number(set, "interval") / 1000;
	atomic_init(&s->tick.left, INT_MAX);
	s->force_switching = param_number(set, "force-switching") == 0;
	failed = pthread_condattr_init(&monotonic);
	if (!failed)
		failed = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	/* create_gil's order: mutex, switch_mutex, cond, switch_cond. */
	if (!failed)
		failed = pthread_mutex_init(&s->gil.mutex, NULL);
	if (!failed)
		failed = pthread_mutex_init(&s->gil.switch_mutex, NULL);
	if (!failed)
		failed = pthread_cond_init(&s->gil.cond, &monotonic);
	if (!failed)
		failed = pthread_cond_init(&s->gil.switch_cond, &monotonic);
	if (failed)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
	pthread_condattr_destroy(&monotonic);
	return true;
}

/* Waits until the lock is free, under 'mutex'; returns how many waits ran out. */
static uint64_t wait_until_free(struct state *s)
{
	struct interpreter_lock *gil = &s->gil;
	uint64_t timeouts = 0;

	while (atomic_load_explicit(&gil->locked, memory_order_relaxed)) {
		const unsigned long seen = gil->switch_number;
		const struct timespec deadline =
			clock_timespec(clock_now_ns() + gil->interval_us * 1000);

		if (pthread_cond_timedwait(&gil->cond, &gil->mutex, &deadline) != ETIMEDOUT)
			continue;
		timeouts++;
		/* Somebody else may have got it meanwhile: then the interval starts again. */
		if (atomic_load_explicit(&gil->locked, memory_order_relaxed) &&
		    gil->switch_number == seen)
			atomic_store_explicit(&s->tick.breaker, 1, memory_order_relaxed);
	}
	return timeouts;
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	struct interpreter_lock *gil = &s->gil;
	const uint64_t asked_at = clock_raw();
	uint64_t timeouts = 0;
	bool contended;

	pthread_mutex_lock(&gil->mutex);
	contended = atomic_load_explicit(&gil->locked, memory_order_relaxed);
	if (contended)
		timeouts = wait_until_free(s);

	pthread_mutex_lock(&gil->switch_mutex);
	atomic_store_explicit(&gil->locked, 1, memory_order_relaxed);
	if (atomic_load_explicit(&gil->last_holder, memory_order_relaxed) != self + 1) {
		atomic_store_explicit(&gil->last_holder, self + 1, memory_order_relaxed);
		gil->switch_number++;
	}
	pthread_cond_signal(&gil->switch_cond);
	pthread_mutex_unlock(&gil->switch_mutex);
	if (atomic_load_explicit(&s->tick.breaker, memory_order_relaxed))
		atomic_store_explicit(&s->tick.breaker, 0, memory_order_relaxed);
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
	s->tally.counts.timeouts += timeouts;
	pthread_mutex_unlock(&gil->mutex);
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
	/* Ticks do not count here. */
	atomic_store_explicit(&s->tick.left, INT_MAX, memory_order_relaxed);
	return atomic_load_explicit(&s->tick.breaker, memory_order_relaxed);
}

/* 3.12 and later skip the forced switch at a thread's end; 3.11 and earlier do not. */
static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;
	struct interpreter_lock *gil = &s->gil;

	atomic_store_explicit(&gil->last_holder, self + 1, memory_order_relaxed);
	gil_tally_drop(&s->tally, why);
	pthread_mutex_lock(&gil->mutex);
	atomic_store_explicit(&gil->locked, 0, memory_order_relaxed);
	pthread_cond_signal(&gil->cond);
	pthread_mutex_unlock(&gil->mutex);

	if (!s->force_switching || !atomic_load_explicit(&s->tick.breaker, memory_order_relaxed))
		return;
	pthread_mutex_lock(&gil->switch_mutex);
	if (atomic_load_explicit(&gil->last_holder, memory_order_relaxed) == self + 1) {
		atomic_store_explicit(&s->tick.breaker, 0, memory_order_relaxed);
		pthread_cond_wait(&gil->switch_cond, &gil->switch_mutex);
	}
	pthread_mutex_unlock(&gil->switch_mutex);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	pthread_cond_destroy(&s->gil.cond);
	pthread_mutex_destroy(&s->gil.mutex);
	pthread_cond_destroy(&s->gil.switch_cond);
	pthread_mutex_destroy(&s->gil.switch_mutex);
}

const struct gil gil_cpython3 = {
	.name = "cpython3",
	.summary = "CPython 3.2 to 3.12: asked for after 5 ms without a switch, then handed over",
	.params = params,
	.state_bytes = sizeof(struct state),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.release = release,
	.finish = finish,
};
