/* Sorts a shuffled list: the workers sort a chunk each, and the chunks are merged, one after the
 * other by the first worker as in the texts, or pairwise as a tree. */
#include "workloads/workload.h"

#include <string.h>

enum { MERGE_SERIAL, MERGE_TREE };
enum { RETURN_SHARED, RETURN_PIPE };

static const char *const merges[] = { "serial", "tree", NULL };
static const char *const returns[] = { "shared", "pipe", NULL };

static const struct param params[] = {
	{ .name = "merge",
	  .kind = PARAM_CHOICE,
	  .fallback = "serial",
	  .choices = merges,
	  .value = "HOW",
	  .help = "merge the chunks one after the other or pairwise" },
	{ .name = "return",
	  .kind = PARAM_CHOICE,
	  .fallback = "shared",
	  .choices = returns,
	  .value = "HOW",
	  .help = "how sorted chunks come back from processes" },
	{ .name = "shuffle-seed",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .low = 0,
	  .high = INT64_MAX, /* what readers of JSON take */
	  .value = "N",
	  .help = "seed of the shuffle" },
	{ 0 },
};

/* The list, then room of the same length to merge into. */
static uint32_t *list_of(const struct worker *w)
{
	return w->region;
}

static uint32_t *room_of(const struct worker *w)
{
	return list_of(w) + w->size;
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)err;
	plan->region_bytes = 2 * (size_t)w->size * sizeof(uint32_t);
	plan->region_private = param_number(w->params, "return") == RETURN_PIPE;
	plan->phases = 2;
	if (param_number(w->params, "merge") == MERGE_TREE) {
		plan->phases = 1;
		for (unsigned step = 1; step < w->count; step *= 2)
			plan->phases++;
	}
	return true;
}

/* 0 to n - 1 in an order that depends on the seed alone (Fisher, Yates). */
static void setup(struct worker *w)
{
	uint32_t *list = list_of(w);
	uint64_t random = param_number(w->params, "shuffle-seed");

	for (uint64_t i = 0; i < w->size; i++) {
		const uint64_t j = worker_mix(random++) % (i + 1);

		list[i] = list[j];
		list[j] = (uint32_t)i;
	}
	memset(room_of(w), 0, w->size * sizeof(uint32_t));
}

/* Merges [from, middle) and [middle, to): one tick per element moved. */
static void merge(struct worker *w, uint64_t from, uint64_t middle, uint64_t to)
{
	uint32_t *list = list_of(w), *room = room_of(w);
	uint64_t left = from, right = middle;

	for (uint64_t i = from; i < to; i++) {
		if (left < middle && (right == to || list[left] <= list[right]))
			room[i] = list[left++];
		else
			room[i] = list[right++];
		worker_tick(w);
	}
	memcpy(list + from, room + from, (to - from) * sizeof(*list));
}

static void sort(struct worker *w, uint64_t from, uint64_t to)
{
	const uint64_t middle = from + (to - from) / 2;

	if (to - from < 2)
		return;
	sort(w, from, middle);
	sort(w, middle, to);
	merge(w, from, middle, to);
}

/* Takes the run that the worker 'from' has sorted, of 'width' chunks, and merges it behind ours. */
static void take_and_merge(struct worker *w, unsigned from, unsigned width)
{
	const unsigned end = from + width < w->count ? from + width : w->count;
	uint64_t start, middle, to, unused;

	worker_share(w, w->index, &start, &unused);
	worker_share(w, from, &middle, &unused);
	worker_share(w, end - 1, &unused, &to);
	worker_take(w, from, list_of(w) + middle, (to - middle) * sizeof(uint32_t));
	merge(w, start, middle, to);
}

static void give(struct worker *w, unsigned width)
{
	const unsigned end = w->index + width < w->count ? w->index + width : w->count;
	uint64_t from, to, unused;

	worker_share(w, w->index, &from, &unused);
	worker_share(w, end - 1, &unused, &to);
	worker_give(w, list_of(w) + from, (to - from) * sizeof(uint32_t));
}

static void merge_serial(struct worker *w)
{
	if (w->index > 0)
		give(w, 1);
	else
		for (unsigned from = 1; from < w->count; from++)
			take_and_merge(w, from, 1);
}

/* Round r joins runs of 2^r chunks; the right one of a pair gives and is done. */
static void merge_round(struct worker *w, unsigned round)
{
	const unsigned width = 1u << round;

	if (w->index % (2 * width) == width)
		give(w, width);
	else if (w->index % (2 * width) == 0 && w->index + width < w->count)
		take_and_merge(w, w->index + width, width);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	uint64_t from, to;

	if (phase == 0) {
		worker_share(w, w->index, &from, &to);
		worker_did(w, to - from);
		sort(w, from, to);
	} else if (param_number(w->params, "merge") == MERGE_TREE) {
		merge_round(w, phase - 1);
	} else {
		merge_serial(w);
	}
	return 0;
}

/* The list was a permutation of 0 to n - 1: sorted means that every element is its own index. */
static uint64_t check(struct worker *w)
{
	const uint32_t *list = list_of(w);
	uint64_t sum = 0;

	if (w->index > 0)
		return 0;
	for (uint64_t i = 0; i < w->size; i++) {
		if (list[i] != i) {
			worker_fail(w, "not sorted: element %llu is %u", (unsigned long long)i,
				    list[i]);
			break;
		}
		sum += worker_mix(list[i] ^ i << 32);
	}
	return sum;
}

const struct workload workload_mergesort = {
	.name = "mergesort",
	.summary = "sorts a shuffled list: chunks sorted by the workers, then merged",
	.params = params,
	.size_unit = "elements",
	.size_default = "1M",
	.size_low = 4,
	.size_high = 1u << 31,
	.plan = plan,
	.setup = setup,
	.work = work,
	.check = check,
};
