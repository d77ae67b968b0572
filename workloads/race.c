/* Lost updates: workers raise one counter by one, reading it and writing it back as "counter += 1"
 * does in a language whose threads can be switched in between. What is lost is the result, not a
 * failure. */
#include "workloads/primitives.h"

enum { EXPECTED, FOUND, LOST };

static const char *const counts[] = { "expected", "found", "lost_updates", NULL };
static const char *const locks[] = { "none", "lock", NULL };

static const struct param params[] = {
	{ .name = "lock",
	  .kind = PARAM_CHOICE,
	  .fallback = "none",
	  .choices = locks,
	  .value = "HOW",
	  .help = "what protects an update" },
	{ .name = "sleep",
	  .kind = PARAM_TIME,
	  .fallback = "0",
	  .low = 0,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "the longest sleep before an update, and between its read and its write" },
	PARAM_SEED("the sleeps"),
	{ 0 },
};

/* Read and written as a plain number is, and nothing more is asked of it. */
struct shared {
	_Atomic uint64_t counter;
	struct lock lock;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)w;
	(void)err;
	plan->region_bytes = sizeof(struct shared);
	return true;
}

static void setup(struct worker *w)
{
	struct shared *shared = w->region;

	lock_make(w, &shared->lock, LOCK_PLAIN);
}

/* The n-th sleep of the run lasts mix(seed * 2^32 ^ n) modulo the longest and one nanosecond. */
static void sleep_some(struct worker *w, uint64_t n)
{
	const uint64_t longest = param_number(w->params, "sleep");
	const uint64_t random = worker_mix(param_number(w->params, "seed") << 32 ^ n);

	if (longest > 0)
		worker_sleep_until(w, worker_now_ns() + random % (longest + 1));
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const bool locked = param_number(w->params, "lock");
	struct shared *shared = w->region;
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t op = from; op < to; op++) {
		uint64_t counter;

		sleep_some(w, 2 * op);
		if (locked)
			lock_take(w, &shared->lock);
		/* Seven bytecodes, of which the second reads and the fourth writes: their number
		 * does not divide an interval of 100, so that it runs out at each of them in turn.
		 */
		worker_step(w);
		counter = atomic_load_explicit(&shared->counter, memory_order_relaxed);
		worker_step(w);
		worker_step(w);
		sleep_some(w, 2 * op + 1);
		atomic_store_explicit(&shared->counter, counter + 1, memory_order_relaxed);
		if (locked)
			lock_give(w, &shared->lock);
		worker_step(w);
		worker_step(w);
		worker_step(w);
		sum += worker_mix(op);
		worker_tick(w);
	}
	return sum;
}

static uint64_t check(struct worker *w)
{
	const struct shared *shared = w->region;
	const uint64_t found = atomic_load_explicit(&shared->counter, memory_order_relaxed);
	const bool locked = param_number(w->params, "lock");

	if (w->index > 0)
		return 0;
	worker_count(w, EXPECTED, w->size);
	worker_count(w, FOUND, found);
	worker_count(w, LOST, w->size - found);
	if (locked && found != w->size)
		worker_fail(w, "%llu updates were lost behind a lock",
			    (unsigned long long)(w->size - found));
	if (found == w->size)
		worker_explain_none_lost(w, locked, param_number(w->params, "sleep") > 0,
					 "none was in this run");
	return 0;
}

const struct workload workload_race = {
	.name = "race",
	.summary =
		"workers raise one counter, each step read and written: how many updates are lost",
	.params = params,
	.size_unit = "updates",
	.size_default = "1k",
	.size_low = 1,
	.size_high = 1000000000000,
	.workers_default = "10",
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
	.check = check,
};
