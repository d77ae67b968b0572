/* Ruby 2.6 to 3.2: an owner under a mutex, waiters in a queue, each on a condition of its own. One
 * of them is the timer: it wakes after 100 ms and interrupts the owner, which then yields and waits
 * until another has taken over. Who lets go wakes the first waiter, but whoever comes first takes
 * it (thread_pthread.c of 2.7.4 and 3.1.2).
 *
 * Why it is correct:
 * 1. 'owner' is read and written under 'lock' alone, and set only where it was null: one holder.
 * 2. No wake-up is lost: a waiter tests 'owner' under 'lock' before each wait; who lets go signals
 * the first waiter under 'lock'. If another barges in, the first waiter waits again, and the one
 * that barged in signals it when it lets go.
 * 3. While threads wait, one is the timer: the first to queue makes itself the timer; a timer that
 *    stops being one tests 'owner' again, and becomes it again or takes the lock; who takes the
 * lock while there is none wakes the last waiter, which finds no timer and becomes it.
 * 4. A yield with a waiter sets 'need_yield' and waits until a thread that had queued takes the
 * lock and clears it; that one was signalled in the same critical section (2.). Another thread that
 *    yields meanwhile waits for 'wait_yield', which the first clears when it has been woken.
 * 5. An interrupt that is set for a thread that has let go meanwhile stays with that thread and
 * makes it yield once more than needed, as in the interpreter.
 * 6. The order is interrupt_lock alone, then lock alone: no cycle. */
#include "workloads/gil/gil.h"
#include "workloads/gil/queue.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

/* rb_thread_t and its native part. */
struct thread {
	/* The breaker is TIMER_INTERRUPT: set by the timer under 'lock', cleared by the thread. */
	alignas(64) struct tick tick;
	bool in_blocking_region;
	alignas(64) pthread_cond_t gvlq;
	pthread_mutex_t interrupt_lock;
	struct queue link;
};

/* In the order of rb_global_vm_lock_t of 3.1. */
struct gvl {
	struct thread *owner; /* null: free */
	pthread_mutex_t lock;
	struct queue waitq;
	struct thread *timer; /* null: none */
	int timer_err;
	pthread_cond_t switch_cond;
	pthread_cond_t switch_wait_cond;
	int need_yield;
	int wait_yield;
};

#if defined(__x86_64__)
static_assert(offsetof(struct gvl, lock) == 0x8 &&
		      offsetof(struct gvl, switch_cond) == 0x8 + 0x48 &&
		      offsetof(struct gvl, switch_wait_cond) == 0x8 + 0x78,
	      "the places of 3.1");
#endif

struct state {
	alignas(64) struct gvl gvl;
	uint64_t quantum_ns;
	uint64_t deadline_ns; /* of the timer; goes on when a timer was woken before it */
	unsigned threads;
	alignas(64) struct gil_tally tally;
	struct thread thread[];
};

static const struct param params[] = {
	{ .name = "quantum",
	  .kind = PARAM_TIME,
	  .fallback = "100ms",
	  .low = 1000,
	  .high = 100000000000,
	  .value = "TIME",
	  .help = "after which a waiter interrupts the owner" },
	{ 0 },
};

/* gvl_init */
static int create(struct gvl *gvl)
{
	int failed = pthread_mutex_init(&gvl->lock, NULL);

	if (!failed)
		failed = queue_create_cond(&gvl->switch_cond);
	if (!failed)
		failed = queue_create_cond(&gvl->switch_wait_cond);
	queue_init(&gvl->waitq);
	gvl->owner = NULL;
	gvl->timer = NULL;
	gvl->timer_err = ETIMEDOUT;
	gvl->need_yield = 0;
	gvl->wait_yield = 0;
	return failed;
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	int failed = create(&s->gvl);

	s->quantum_ns = param_number(set, "quantum");
	s->threads = threads;
	for (unsigned i = 0; i < threads && !failed; i++) {
		atomic_init(&s->thread[i].tick.left, INT_MAX);
		failed = queue_create_cond(&s->thread[i].gvlq);
		if (!failed)
			failed = pthread_mutex_init(&s->thread[i].interrupt_lock, NULL);
	}
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

/* do_gvl_timer: waits as the designated timer, then interrupts the owner if there is one. A
 * deadline that was not reached is the next timer's too. */
static void wait_as_timer(struct state *s, struct thread *me)
{
	struct gvl *gvl = &s->gvl;
	struct timespec deadline;

	gvl->timer = me;
	if (gvl->timer_err == ETIMEDOUT)
		s->deadline_ns = clock_now_ns() + s->quantum_ns;
	deadline = clock_timespec(s->deadline_ns);
	gvl->timer_err = pthread_cond_timedwait(&me->gvlq, &gvl->lock, &deadline);
	s->tally.counts.timeouts += gvl->timer_err == ETIMEDOUT;
	if (gvl->owner) {
		s->tally.counts.requests++;
		atomic_store_explicit(&gvl->owner->tick.breaker, 1, memory_order_relaxed);
	}
	gvl->timer = NULL;
}

static void wait_until_free(struct state *s, struct thread *me)
{
	struct gvl *gvl = &s->gvl;

	queue_add(&gvl->waitq, &me->link);
	do {
		if (!gvl->timer)
			wait_as_timer(s, me);
		else
			pthread_cond_wait(&me->gvlq, &gvl->lock);
	} while (gvl->owner);
	queue_remove(&me->link);
	if (gvl->need_yield) {
		gvl->need_yield = 0;
		pthread_cond_signal(&gvl->switch_cond);
	}
}

/* gvl_acquire_common, under 'lock'. */
static void take(struct state *s, unsigned self, uint64_t asked_at)
{
	struct gvl *gvl = &s->gvl;
	struct thread *me = &s->thread[self];
	const bool contended = gvl->owner;
	struct queue *last;

	if (contended)
		wait_until_free(s, me);
	else
		gvl->timer_err = ETIMEDOUT;
	gvl->owner = me;
	last = queue_last(&gvl->waitq);
	if (!gvl->timer && last)
		pthread_cond_signal(&QUEUE_OWNER(last, struct thread, link)->gvlq);
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
}

/* gvl_release_common, under 'lock': true if there is a next one. */
static bool let_go(struct state *s, enum gil_drop why)
{
	struct gvl *gvl = &s->gvl;
	struct queue *first = queue_first(&gvl->waitq);

	gil_tally_drop(&s->tally, why);
	gvl->owner = NULL;
	if (first)
		pthread_cond_signal(&QUEUE_OWNER(first, struct thread, link)->gvlq);
	return first;
}

/* unblock_function_set and unblock_function_clear: around a blocking region. */
static void touch_interrupt_lock(struct thread *me)
{
	pthread_mutex_lock(&me->interrupt_lock);
	pthread_mutex_unlock(&me->interrupt_lock);
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];
	const uint64_t asked_at = clock_raw();

	if (me->in_blocking_region)
		touch_interrupt_lock(me);
	me->in_blocking_region = false;
	pthread_mutex_lock(&s->gvl.lock);
	take(s, self, asked_at);
	pthread_mutex_unlock(&s->gvl.lock);
}

static struct tick *tick(void *memory, unsigned self)
{
	struct state *s = memory;

	return &s->thread[self].tick;
}

/* RUBY_VM_CHECK_INTS: each interrupt is worth a quantum of running time, and that is the limit at
 * priority 0. */
static bool due(void *memory, unsigned self)
{
	struct state *s = memory;
	struct tick *mine = &s->thread[self].tick;

	atomic_store_explicit(&mine->left, INT_MAX, memory_order_relaxed);
	return atomic_exchange_explicit(&mine->breaker, 0, memory_order_relaxed);
}

/* Waits until one that had queued has taken the lock, or for the thread that waits for that. */
static void wait_for_successor(struct state *s)
{
	struct gvl *gvl = &s->gvl;
	const uint64_t since = clock_raw();

	if (gvl->wait_yield) {
		while (gvl->wait_yield)
			pthread_cond_wait(&gvl->switch_wait_cond, &gvl->lock);
	} else {
		gvl->need_yield = gvl->wait_yield = 1;
		while (gvl->need_yield)
			pthread_cond_wait(&gvl->switch_cond, &gvl->lock);
		gvl->wait_yield = 0;
		pthread_cond_broadcast(&gvl->switch_wait_cond);
	}
	s->tally.counts.forced_waits++;
	s->tally.counts.forced_wait_raw += clock_raw() - since;
}

/* gvl_yield */
static void yield(void *memory, unsigned self)
{
	struct state *s = memory;
	struct gvl *gvl = &s->gvl;
	bool next;

	pthread_mutex_lock(&gvl->lock);
	next = let_go(s, GIL_DROP_TICK);
	if (gvl->wait_yield || next) {
		wait_for_successor(s);
	} else {
		pthread_mutex_unlock(&gvl->lock);
		sched_yield();
		pthread_mutex_lock(&gvl->lock);
		pthread_cond_broadcast(&gvl->switch_wait_cond);
	}
	take(s, self, clock_raw());
	pthread_mutex_unlock(&gvl->lock);
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];

	if (why == GIL_DROP_BLOCK) {
		touch_interrupt_lock(me);
		me->in_blocking_region = true;
	}
	pthread_mutex_lock(&s->gvl.lock);
	let_go(s, why);
	pthread_mutex_unlock(&s->gvl.lock);
}

/* rb_thread_atfork: gvl_init at the same addresses, then an ordinary take. */
static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	s->tally = (struct gil_tally){ 0 };
	create(&s->gvl);
	acquire(s, self);
	pthread_mutex_init(&s->thread[self].interrupt_lock, NULL);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	pthread_mutex_destroy(&s->gvl.lock);
	pthread_cond_destroy(&s->gvl.switch_cond);
	pthread_cond_destroy(&s->gvl.switch_wait_cond);
	for (unsigned i = 0; i < s->threads; i++) {
		pthread_cond_destroy(&s->thread[i].gvlq);
		pthread_mutex_destroy(&s->thread[i].interrupt_lock);
	}
}

const struct gil gil_ruby = {
	.name = "ruby",
	.summary =
		"Ruby 2.6 to 3.2: a waiter interrupts the owner every 100 ms; others may barge in",
	.params = params,
	.state_bytes = sizeof(struct state),
	.thread_bytes = sizeof(struct thread),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.yield = yield,
	.release = release,
	.forked = forked,
	.finish = finish,
};
