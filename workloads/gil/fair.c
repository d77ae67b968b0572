/* No interpreter's: first come, first served. Who lets go hands the lock to the one that has waited
 * longest, and gives way after a slice of ticks only if somebody waits.
 *
 * Why it is correct:
 * 1. 'owner' is read and written under 'mutex' alone. It becomes a thread's by that thread when it
 *    was free and nobody waited, else by the owner before, who gives it away: one holder.
 * 2. No wake-up is lost: the owner before takes the first waiter off the queue, makes it the owner
 *    and signals its own condition under 'mutex'; the waiter tests 'owner' under 'mutex' before
 * each wait.
 * 3. Free means that nobody waits: a waiter queues only while there is an owner, and an owner that
 *    lets go leaves the lock free only when the queue is empty.
 * 4. 'waiting' is written under 'mutex' and read by the holder at the end of its slice, relaxed:
 * only the holder makes it fall, so who reads more than 0 finds somebody when it lets go. */
#include "workloads/gil/gil.h"
#include "workloads/gil/queue.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

struct thread {
	alignas(64) pthread_cond_t turn;
	struct queue link;
};

struct state {
	alignas(64) pthread_mutex_t mutex;
	struct thread *owner; /* null: free */
	struct queue waiters;
	_Atomic unsigned waiting;
	alignas(64) struct tick tick;
	int slice;
	unsigned threads;
	alignas(64) struct gil_tally tally;
	struct thread thread[];
};

static const struct param params[] = {
	{ .name = "slice",
	  .kind = PARAM_NUMBER,
	  .fallback = "100",
	  .low = 1,
	  .high = 1000000000,
	  .value = "TICKS",
	  .help = "ticks after which a thread gives way if another waits" },
	{ 0 },
};

static int create(struct state *s)
{
	queue_init(&s->waiters);
	s->owner = NULL;
	atomic_store_explicit(&s->waiting, 0, memory_order_relaxed);
	return pthread_mutex_init(&s->mutex, NULL);
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	int failed = create(s);

	for (unsigned i = 0; i < threads && !failed; i++)
		failed = pthread_cond_init(&s->thread[i].turn, NULL);
	s->threads = threads;
	s->slice = (int)param_number(set, "slice");
	atomic_init(&s->tick.left, s->slice - 1);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];
	const uint64_t asked_at = clock_raw();
	bool contended;

	pthread_mutex_lock(&s->mutex);
	contended = s->owner;
	if (contended) {
		queue_add(&s->waiters, &me->link);
		atomic_fetch_add_explicit(&s->waiting, 1, memory_order_relaxed);
		while (s->owner != me)
			pthread_cond_wait(&me->turn, &s->mutex);
	}
	s->owner = me;
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
	pthread_mutex_unlock(&s->mutex);
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
	return atomic_load_explicit(&s->waiting, memory_order_relaxed) > 0;
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;
	struct queue *first;

	(void)self;
	pthread_mutex_lock(&s->mutex);
	gil_tally_drop(&s->tally, why);
	first = queue_first(&s->waiters);
	s->owner = first ? QUEUE_OWNER(first, struct thread, link) : NULL;
	if (first) {
		queue_remove(first);
		atomic_fetch_sub_explicit(&s->waiting, 1, memory_order_relaxed);
		pthread_cond_signal(&s->owner->turn);
	}
	pthread_mutex_unlock(&s->mutex);
}

static void forked(void *memory, unsigned self)
{
	struct state *s = memory;

	s->tally = (struct gil_tally){ 0 };
	create(s);
	acquire(s, self);
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	*counts = s->tally.counts;
	for (unsigned i = 0; i < s->threads; i++)
		pthread_cond_destroy(&s->thread[i].turn);
	pthread_mutex_destroy(&s->mutex);
}

const struct gil gil_fair = {
	.name = "fair",
	.summary = "for reference: first come, first served; gives way after 100 ticks if asked",
	.anywhere = true,
	.params = params,
	.state_bytes = sizeof(struct state),
	.thread_bytes = sizeof(struct thread),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.release = release,
	.forked = forked,
	.finish = finish,
};
