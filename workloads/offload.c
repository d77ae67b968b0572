/* Work handed to a library that computes it elsewhere, as programs use a GPU: an OpenCL kernel,
 * here on the CPU. The worker waits with the lock let go of, and other threads can run meanwhile.
 */
#include "workloads/children.h"
#include "workloads/device.h"

#include <string.h>

enum { KERNEL_NS, TRANSFER_NS };

static const char *const counts[] = { "kernel_ns", "transfer_ns", NULL };

static const struct param params[] = {
	{ .name = "rounds",
	  .kind = PARAM_NUMBER,
	  .fallback = "64",
	  .low = 0,
	  .high = 1000000,
	  .value = "N",
	  .help = "how many times each number is mixed",
	  .other_work = true },
	{ 0 },
};

/* The region: what a process that looked for a device found. */
struct found {
	struct err err;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)w;
	(void)err;
	plan->region_bytes = sizeof(struct found);
	plan->refusal = device_refusal();
	return true;
}

static void look(struct worker *w, void *found)
{
	(void)w;
	device_open(&((struct found *)found)->err);
}

/* In a process of its own, for this one may be forked yet. */
static bool look_for_device(struct worker *w, struct err *err)
{
	struct found *found = w->region;
	const pid_t child = child_fork(w, look, found);

	if (child == 0 || child_wait(w, child) != 0)
		return err_set(err, EXIT_IMPOSSIBLE,
			       "looking for an OpenCL device ended a process");
	return !found->err.text[0] || err_set(err, found->err.code, "%s", found->err.text);
}

static void prepare(struct worker *w)
{
	struct err err = { 0 };

	w->own = device_open(&err);
	if (!w->own)
		worker_fail(w, "%s", err.text);
}

static uint64_t mix_rounds(uint64_t x, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		x = worker_mix(x);
	return x;
}

/* Adds up the results; the first and the last are worked out here as well. */
static uint64_t add(struct worker *w, const uint64_t *results, uint64_t first, uint64_t count)
{
	const uint64_t rounds = param_number(w->params, "rounds");
	uint64_t sum = 0;

	if (results[0] != mix_rounds(first, rounds) ||
	    results[count - 1] != mix_rounds(first + count - 1, rounds))
		worker_fail(w, "the device mixes %llu to another number",
			    (unsigned long long)first);
	for (uint64_t i = 0; i < count; i++)
		sum += results[i];
	return sum;
}

static const uint64_t *compute(struct worker *w, uint64_t first, uint64_t count)
{
	const uint64_t rounds = param_number(w->params, "rounds");
	const uint64_t *results = NULL;
	struct device_times times;

	if (device_start(w->own, first, count, rounds)) {
		worker_block(w);
		results = device_finish(w->own, &times);
		worker_unblock(w);
	}
	if (!results) {
		worker_fail(w, "the device failed");
		return NULL;
	}
	worker_count(w, KERNEL_NS, times.kernel_ns);
	worker_count(w, TRANSFER_NS, times.transfer_ns);
	return results;
}

static uint64_t work(struct worker *w, unsigned phase)
{
	uint64_t from, to, count, sum = 0;

	(void)phase;
	if (!w->own) {
		worker_fail(w, "it was not prepared");
		return 0;
	}
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t first = from; first < to; first += count) {
		const uint64_t *results;

		count = to - first < DEVICE_BATCH ? to - first : DEVICE_BATCH;
		results = compute(w, first, count);
		if (!results)
			break;
		sum += add(w, results, first, count);
		worker_tick(w);
	}
	return sum;
}

const struct workload workload_offload = {
	.name = "offload",
	.summary = "hands work to an OpenCL device, which is the CPU, and waits without the lock",
	.params = params,
	.size_unit = "elements",
	.size_default = "1M",
	.size_low = 1,
	.size_high = 1000000000000,
	.counts = counts,
	.plan = plan,
	.open = look_for_device,
	.prepare = prepare,
	.work = work,
};
