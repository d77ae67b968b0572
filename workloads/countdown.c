/* The program that made the GIL famous (Beazley 2009): count a number down to zero, shared out over
 * the workers. Nothing is allocated, nothing waits: what is not sequential time is the lock. */
#include "workloads/workload.h"

static uint64_t work(struct worker *w, unsigned phase)
{
	uint64_t from, n, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &n);
	worker_did(w, n - from);
	while (n > from) {
		sum += n;
		n--;
		worker_tick(w);
	}
	return sum;
}

const struct workload workload_countdown = {
	.name = "countdown",
	.summary = "counts a number down to zero: pure computing, one tick per decrement",
	.size_unit = "decrements",
	.size_default = "20M",
	.size_low = 1,
	.size_high = 1000000000000,
	.work = work,
};
