/* Producers and consumers with a bounded queue between them, in the three ways of the textbooks: a
 * lock and two conditions, with consumers that know how many items will come; a queue whose
 * producers end it with a sentinel for each consumer; and one that can be joined, with poison pills
 * when every item was told done. The queue is the same ring in all. */
#include "workloads/primitives.h"

#include <stdalign.h>

enum { FULL_WAITS, EMPTY_WAITS, MOST };
enum { KIND_CONDITION, KIND_SENTINEL, KIND_JOINABLE };

static const char *const counts[] = { "full_waits", "empty_waits", "most", NULL };
static const char *const kinds[] = { "condition", "sentinel", "joinable", NULL };

static const struct param params[] = {
	{ .name = "kind",
	  .kind = PARAM_CHOICE,
	  .fallback = "condition",
	  .choices = kinds,
	  .value = "KIND",
	  .help = "how the consumers come to an end",
	  .other_work = true },
	{ .name = "bound",
	  .kind = PARAM_NUMBER,
	  .fallback = "20",
	  .low = 1,
	  .high = 1000000000,
	  .value = "N",
	  .help = "how many items the queue holds at most" },
	{ .name = "producers",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .low = 0,
	  .high = 1023,
	  .value = "K",
	  .help = "how many of the workers produce (0: half of them); the others consume" },
	{ 0 },
};

struct item {
	uint64_t number;
	uint64_t put_ns; /* just before it was put */
	bool stop;       /* a sentinel, a poison pill: the number is none */
};

/* What is written under the lock, and the ring behind it. */
struct queue {
	alignas(64) struct lock lock;
	struct condition not_full, not_empty, all_done;
	alignas(64) uint64_t bound;
	uint64_t first, filled; /* of the ring */
	uint64_t left;          /* of condition: items that nobody has taken yet */
	uint64_t unfinished;    /* of joinable: put, and not yet told done */
	unsigned producing;     /* producers that have not ended */
	uint64_t full_waits, empty_waits, most;
	uint64_t taken, sum; /* of items: how many, and the sum of their mixes */
	struct item ring[];
};

static unsigned producers_of(const struct worker *w)
{
	const unsigned given = (unsigned)param_number(w->params, "producers");

	return given ? given : w->count > 1 ? w->count / 2 : 1;
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	const unsigned producers = producers_of(w);

	if (producers >= w->count)
		return err_set(err, EXIT_MISUSE,
			       "--producers %u leaves no consumer of %u; give more --workers or "
			       "fewer --producers",
			       producers, w->count);
	plan->region_bytes =
		sizeof(struct queue) + param_number(w->params, "bound") * sizeof(struct item);
	plan->together = true;
	plan->loop = "closed";
	return true;
}

static void setup(struct worker *w)
{
	struct queue *queue = w->region;

	lock_make(w, &queue->lock, LOCK_PLAIN);
	condition_make(w, &queue->not_full);
	condition_make(w, &queue->not_empty);
	condition_make(w, &queue->all_done);
	queue->bound = param_number(w->params, "bound");
	queue->left = w->size;
	queue->producing = producers_of(w);
}

static void put(struct worker *w, struct item item)
{
	struct queue *queue = w->region;

	lock_take(w, &queue->lock);
	queue->full_waits += queue->filled == queue->bound;
	while (queue->filled == queue->bound)
		condition_wait(w, &queue->not_full, &queue->lock);
	queue->ring[(queue->first + queue->filled) % queue->bound] = item;
	queue->filled++;
	queue->unfinished += !item.stop;
	if (queue->filled > queue->most)
		queue->most = queue->filled;
	condition_signal(w, &queue->not_empty);
	lock_give(w, &queue->lock);
}

/* False: there are no more, and will not be. */
static bool get(struct worker *w, bool counted, struct item *item)
{
	struct queue *queue = w->region;

	lock_take(w, &queue->lock);
	queue->empty_waits += queue->filled == 0 && !(counted && queue->left == 0);
	while (queue->filled == 0 && !(counted && queue->left == 0))
		condition_wait(w, &queue->not_empty, &queue->lock);
	if (queue->filled == 0) {
		lock_give(w, &queue->lock);
		return false;
	}
	*item = queue->ring[queue->first];
	queue->first = (queue->first + 1) % queue->bound;
	queue->filled--;
	if (!item->stop) {
		queue->taken++;
		queue->sum += worker_mix(item->number);
		queue->left--;
	}
	if (counted && queue->left == 0)
		condition_broadcast(w, &queue->not_empty);
	condition_signal(w, &queue->not_full);
	lock_give(w, &queue->lock);
	return !item->stop;
}

static void tell_done(struct worker *w)
{
	struct queue *queue = w->region;

	lock_take(w, &queue->lock);
	if (--queue->unfinished == 0)
		condition_broadcast(w, &queue->all_done);
	lock_give(w, &queue->lock);
}

/* Nothing is put meanwhile: the caller is the last producer. */
static void join(struct worker *w)
{
	struct queue *queue = w->region;

	lock_take(w, &queue->lock);
	while (queue->unfinished > 0)
		condition_wait(w, &queue->all_done, &queue->lock);
	if (queue->taken != w->size || queue->filled > 0)
		worker_fail(w, "the queue was joined after %llu items of %llu",
			    (unsigned long long)queue->taken, (unsigned long long)w->size);
	lock_give(w, &queue->lock);
}

static bool is_last_to_end(struct worker *w)
{
	struct queue *queue = w->region;
	bool last;

	lock_take(w, &queue->lock);
	last = --queue->producing == 0;
	lock_give(w, &queue->lock);
	return last;
}

static void produce(struct worker *w, unsigned producers)
{
	const uint64_t kind = param_number(w->params, "kind");
	uint64_t from, to;

	worker_share_of(w->size, producers, w->index, &from, &to);
	worker_role(w, "produces");
	worker_did(w, to - from);
	for (uint64_t number = from; number < to; number++) {
		put(w, (struct item){ .number = number, .put_ns = worker_now_ns() });
		worker_tick(w);
	}
	if (kind == KIND_CONDITION || !is_last_to_end(w))
		return;
	if (kind == KIND_JOINABLE)
		join(w);
	for (unsigned i = producers; i < w->count; i++)
		put(w, (struct item){ .stop = true });
}

static uint64_t consume(struct worker *w)
{
	const uint64_t kind = param_number(w->params, "kind");
	uint64_t sum = 0, items = 0;
	struct item item;

	worker_role(w, "consumes");
	while (get(w, kind == KIND_CONDITION, &item)) {
		worker_latency(w, worker_now_ns() - item.put_ns);
		sum += worker_mix(item.number);
		items++;
		if (kind == KIND_JOINABLE)
			tell_done(w);
		worker_tick(w);
	}
	worker_did(w, items);
	return sum;
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const unsigned producers = producers_of(w);

	(void)phase;
	if (w->index >= producers)
		return consume(w);
	produce(w, producers);
	return 0;
}

static uint64_t check(struct worker *w)
{
	const struct queue *queue = w->region;
	uint64_t sum = 0;

	if (w->index > 0)
		return 0;
	worker_count(w, FULL_WAITS, queue->full_waits);
	worker_count(w, EMPTY_WAITS, queue->empty_waits);
	worker_count(w, MOST, queue->most);
	for (uint64_t number = 0; number < w->size; number++)
		sum += worker_mix(number);
	if (queue->taken != w->size || queue->sum != sum)
		worker_fail(w, "%llu items were taken, not each of the %llu once",
			    (unsigned long long)queue->taken, (unsigned long long)w->size);
	if (queue->filled > 0)
		worker_fail(w, "%llu items are left", (unsigned long long)queue->filled);
	if (queue->most > queue->bound)
		worker_fail(w, "the queue held %llu items, %llu are allowed",
			    (unsigned long long)queue->most, (unsigned long long)queue->bound);
	return 0;
}

const struct workload workload_queue = {
	.name = "queue",
	.summary =
		"producers and consumers with a bounded queue between them: an item's time in it",
	.params = params,
	.size_unit = "items",
	.size_default = "10k",
	.size_low = 1,
	.size_high = 1000000000000,
	.workers_default = "4",
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
	.check = check,
};
