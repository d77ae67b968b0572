/* CPython 3.2 to 3.12: a request to drop is one flag of the interpreter, whoever holds the lock
 * when it is looked at (Python/ceval_gil.h of 3.8 to 3.11).
 *
 * Why it is correct: as ceval.c says, and
 * 1. the flag that a waiter sets is read by whoever ticks, and that is the holder alone;
 * 2. a thread that lets go for another reason while the flag is set pays the wait for a successor
 *    too; the one that asked still comes, so it ends. At a thread's end as well, as until 3.11. */
#include "workloads/gil/ceval.h"

#include <limits.h>

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct ceval *s = memory;

	(void)threads;
	s->end_waits = true;
	atomic_init(&s->thread[0].tick.left, INT_MAX);
	return ceval_init(s, set, err);
}

const struct gil gil_cpython3 = {
	.name = "cpython3",
	.summary = "CPython 3.2 to 3.12: asked for after 5 ms without a switch, then handed over",
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
