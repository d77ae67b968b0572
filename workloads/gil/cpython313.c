/* CPython 3.13 and 3.14: a request to drop is a bit of the thread that holds the lock when it is
 * asked (tstate->eval_breaker; Python/ceval_gil.c of 3.13.5).
 *
 * Why it is correct: as ceval.c says, and
 * 1. a waiter sets the bit of 'last_holder' under 'mutex' while 'locked' is 1: that is the holder,
 *    for a taker writes both under 'mutex';
 * 2. only its owner clears a bit: when it lets go and waits for a successor, else at its next take.
 *    In between it does not hold the lock, so a bit that is left over asks nobody;
 * 3. a thread that ends does not wait for a successor (gh-104341). */
#include "workloads/gil/ceval.h"

#include <limits.h>

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct ceval *s = memory;

	s->addressed = true;
	for (unsigned i = 0; i < threads; i++)
		atomic_init(&s->thread[i].tick.left, INT_MAX);
	return ceval_init(s, set, err);
}

const struct gil gil_cpython313 = {
	.name = "cpython313",
	.summary = "CPython 3.13, 3.14: as cpython3, but the request is addressed to one thread",
	.params = ceval_params,
	.state_bytes = sizeof(struct ceval),
	.thread_bytes = sizeof(struct ceval_thread),
	.init = init,
	.acquire = ceval_acquire,
	.tick = ceval_tick,
	.due = ceval_due,
	.release = ceval_release,
	.forked = ceval_forked,
	.finish = ceval_finish,
};
