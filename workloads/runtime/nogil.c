/* Every worker is a thread of an interpreter without a lock, as CPython's free-threaded build (PEP
 * 703; Python/pystate.c, ceval_gil.c of 3.13.5). What is left of the lock: a thread attaches and
 * detaches by a compare-and-swap on a word of its own, and looks at a breaker of its own at every
 * tick. What comes in its stead is paid where objects are shared (objects.c).
 *
 * Nobody stops the world here, so the words of a thread are its own alone and order nothing:
 * relaxed (a compare-and-swap costs the same on x86-64 whatever its order). */
#include "workloads/runtime/threads.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

enum { DETACHED, ATTACHED };

struct thread {
	alignas(64) struct tick tick; /* its store stands for the interpreter's of QSBR */
	_Atomic int state;
};

static void swap(void *memory, unsigned self, int from, int to)
{
	struct thread *thread = memory;
	const bool swapped = atomic_compare_exchange_strong_explicit(
		&thread[self].state, &from, to, memory_order_relaxed, memory_order_relaxed);

	assert(swapped);
	(void)swapped;
}

static void attach(void *memory, unsigned self)
{
	swap(memory, self, DETACHED, ATTACHED);
}

static void detach(void *memory, unsigned self, enum gil_drop why)
{
	(void)why;
	swap(memory, self, ATTACHED, DETACHED);
}

static struct tick *tick(void *memory, unsigned self)
{
	struct thread *thread = memory;

	return &thread[self].tick;
}

static bool due(void *memory, unsigned self)
{
	atomic_store_explicit(&tick(memory, self)->left, INT_MAX, memory_order_relaxed);
	return false;
}

/* The child's words are copies of the thread's own: it is attached. */
static void forked(void *memory, unsigned self)
{
	(void)memory;
	(void)self;
}

/* No model of a lock, and in no table: what the worker calls need to attach and detach. */
static const struct gil no_lock = {
	.name = "none",
	.acquire = attach,
	.tick = tick,
	.due = due,
	.release = detach,
	.forked = forked,
};

static bool run_nogil(struct run *run, struct err *err)
{
	const unsigned threads = run->workers * (1 + run->plan.helpers);
	struct thread *thread = aligned_alloc(64, threads * sizeof(*thread));

	if (!thread)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate %u threads", threads);
	for (unsigned i = 0; i < threads; i++)
		thread[i] = (struct thread){ .tick = { INT_MAX, 0 }, .state = DETACHED };
	for (unsigned i = 0; i < run->workers; i++)
		run_seat(&run->worker[i], &no_lock, thread, i, run->workers);
	if (!run_threads(run, err))
		return false; /* threads that were started still use theirs */
	free(thread);
	return true;
}

const struct mode mode_nogil = {
	.name = "nogil",
	.summary = "a thread per worker of a free-threaded interpreter: no lock, its costs instead",
	.objects = OBJECTS_AT_ONCE,
	.run = run_nogil,
};
