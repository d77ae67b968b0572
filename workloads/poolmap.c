/* A map over a range, as a pool's: each item is computed by itself and its result put in its place.
 * A share is a part of the range: --tasks of a pool are the chunks. When all items cost the same, a
 * share per worker is best; when they do not, who is done first takes more. */
#include "workloads/workload.h"

enum { SPREAD_EVEN, SPREAD_WIDE };

static const char *const spreads[] = { "even", "wide", NULL };

static const struct param params[] = {
	{ .name = "item-ticks",
	  .kind = PARAM_NUMBER,
	  .fallback = "2000",
	  .low = 0,
	  .high = 1000000000,
	  .value = "N",
	  .help = "ticks of an item" },
	{ .name = "sleep",
	  .kind = PARAM_TIME,
	  .fallback = "0",
	  .low = 0,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "how long an item waits besides" },
	{ .name = "spread",
	  .kind = PARAM_CHOICE,
	  .fallback = "even",
	  .choices = spreads,
	  .value = "HOW",
	  .help = "every item costs that, or from none to 7 quarters of it" },
	{ 0 },
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)err;
	plan->region_bytes = (size_t)w->size * sizeof(uint64_t);
	return true;
}

/* What item i takes of a cost. */
static uint64_t part_of(const struct worker *w, uint64_t cost, uint64_t i)
{
	if (param_number(w->params, "spread") == SPREAD_EVEN)
		return cost;
	return cost * (worker_mix(i) % 8) / 4;
}

static uint64_t compute(struct worker *w, uint64_t i)
{
	const uint64_t ticks = part_of(w, param_number(w->params, "item-ticks"), i);
	const uint64_t sleep_ns = part_of(w, param_number(w->params, "sleep"), i);

	for (uint64_t tick = 0; tick < ticks; tick++)
		worker_tick(w);
	if (sleep_ns > 0)
		worker_sleep_until(w, worker_now_ns() + sleep_ns);
	return worker_mix(i);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	uint64_t *results = w->region;
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t i = from; i < to; i++) {
		results[i] = compute(w, i);
		sum += results[i];
	}
	return sum;
}

static uint64_t check(struct worker *w)
{
	const uint64_t *results = w->region;

	for (uint64_t i = 0; w->index == 0 && i < w->size; i++) {
		if (results[i] != worker_mix(i)) {
			worker_fail(w, "item %llu has another's result, or none",
				    (unsigned long long)i);
			break;
		}
	}
	return 0;
}

const struct workload workload_poolmap = {
	.name = "poolmap",
	.summary = "computes every item of a range and puts its result in its place",
	.params = params,
	.size_unit = "items",
	.size_default = "1k",
	.size_low = 1,
	.size_high = 1000000000,
	.plan = plan,
	.work = work,
	.check = check,
};
