/* The program that made the GIL famous (Beazley 2009): count a number down to zero, shared out over
 * the workers. Nothing is allocated, nothing waits: what is not sequential time is the lock. */
#include "workloads/workload.h"

/* In the order of enum object_use. */
static const char *const objects[] = { "private", "shared-refcount", "shared-list", "shared-lock",
				       NULL };

static const struct param params[] = {
	{ .name = "objects",
	  .kind = PARAM_CHOICE,
	  .fallback = "private",
	  .choices = objects,
	  .value = "WHICH",
	  .help = "what each decrement uses besides: an object of one's own or one of all",
	  .other_work = true },
	{ 0 },
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)err;
	plan->object = (enum object_use)param_number(w->params, "objects");
	return true;
}

static uint64_t work(struct worker *w, unsigned phase)
{
	uint64_t from, n, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &n);
	worker_did(w, n - from);
	while (n > from) {
		sum += n;
		n--;
		worker_use_object(w);
		worker_tick(w);
	}
	return sum;
}

const struct workload workload_countdown = {
	.name = "countdown",
	.summary = "counts a number down to zero: pure computing, one tick per decrement",
	.params = params,
	.size_unit = "decrements",
	.size_default = "20M",
	.size_low = 1,
	.size_high = 1000000000000,
	.plan = plan,
	.work = work,
	.check = worker_check_object,
};
