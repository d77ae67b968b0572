/* One meek worker wants a lock now and then; greedy ones take it again as soon as they have given
 * it back. A plain lock has no order: who is awake gets it. A ticket lock serves in the order of
 * arrival. So that it ends, the greedy ones stand back when the meek one has waited too long. */
#include "workloads/primitives.h"

#include <stdalign.h>

enum { GREEDY_TAKES, LONGEST_WAIT, MOST_OVERTAKES, RESCUES };
enum { LOCK_OF_LIBC, LOCK_TICKET };

static const char *const counts[] = { "greedy_takes", "longest_wait_ns", "most_overtakes",
				      "rescues", NULL };
static const char *const locks[] = { "plain", "ticket", NULL };

static const struct param params[] = {
	{ .name = "lock",
	  .kind = PARAM_CHOICE,
	  .fallback = "plain",
	  .choices = locks,
	  .value = "KIND",
	  .help = "a lock without an order, or one that serves in the order of arrival" },
	{ .name = "hold",
	  .kind = PARAM_TIME,
	  .fallback = "100us",
	  .low = 1000,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "how long a greedy worker sleeps with the lock held, and the meek one without" },
	{ .name = "patience",
	  .kind = PARAM_TIME,
	  .fallback = "50ms",
	  .low = 1000,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "after such a wait of the meek worker the greedy ones stand back" },
	{ 0 },
};

struct shared {
	/* The lock itself, or what protects the tickets. */
	alignas(64) struct lock lock;
	struct condition served; /* another ticket is */
	uint64_t ticket, serving;
	/* Takes by greedy workers: raised with the lock held. */
	_Atomic uint64_t greedy_takes;
	/* Written by the meek worker, read by the greedy ones before each take. */
	alignas(64) _Atomic uint64_t asked_ns; /* since when it waits; 0: it does not */
	_Atomic bool through;
	/* Written by the greedy workers: for which wait, by its 'asked_ns', they stood back last.
	 */
	alignas(64) _Atomic uint64_t stood_back_ns;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)w;
	(void)err;
	plan->region_bytes = sizeof(struct shared);
	plan->loop = "closed";
	return true;
}

static void setup(struct worker *w)
{
	struct shared *shared = w->region;

	lock_make(w, &shared->lock, LOCK_PLAIN);
	condition_make(w, &shared->served);
}

/* Returns how often greedy workers took it between one's asking and one's turn. With tickets that
 * is known exactly, and at most one each. */
static uint64_t take(struct worker *w, struct shared *shared, bool by_ticket)
{
	uint64_t asked_at = atomic_load_explicit(&shared->greedy_takes, memory_order_relaxed);
	uint64_t taken_at;

	lock_take(w, &shared->lock);
	if (by_ticket) {
		const uint64_t ticket = shared->ticket++;

		asked_at = atomic_load_explicit(&shared->greedy_takes, memory_order_relaxed);
		while (shared->serving != ticket)
			condition_wait(w, &shared->served, &shared->lock);
	}
	taken_at = atomic_fetch_add_explicit(&shared->greedy_takes, w->index > 0,
					     memory_order_relaxed);
	if (by_ticket)
		lock_give(w, &shared->lock);
	return taken_at - asked_at;
}

static void give(struct worker *w, struct shared *shared, bool by_ticket)
{
	if (by_ticket) {
		lock_take(w, &shared->lock);
		shared->serving++;
		condition_broadcast(w, &shared->served);
	}
	lock_give(w, &shared->lock);
}

static uint64_t be_meek(struct worker *w, struct shared *shared, bool by_ticket)
{
	const uint64_t hold_ns = param_number(w->params, "hold");
	uint64_t sum = 0, longest_ns = 0, most = 0, rescues = 0;

	for (uint64_t op = 0; op < w->size; op++) {
		const uint64_t asked_ns = worker_now_ns();
		uint64_t waited_ns, overtakes;

		atomic_store_explicit(&shared->asked_ns, asked_ns, memory_order_relaxed);
		overtakes = take(w, shared, by_ticket);
		waited_ns = worker_now_ns() - asked_ns;
		atomic_store_explicit(&shared->asked_ns, 0, memory_order_relaxed);
		give(w, shared, by_ticket);
		worker_latency(w, waited_ns);
		longest_ns = waited_ns > longest_ns ? waited_ns : longest_ns;
		most = overtakes > most ? overtakes : most;
		rescues += atomic_load_explicit(&shared->stood_back_ns, memory_order_relaxed) ==
			   asked_ns;
		sum += worker_mix(op);
		worker_tick(w);
		worker_sleep_until(w, worker_now_ns() + hold_ns);
	}
	/* Relaxed: nothing is read on the strength of it but the end itself. */
	atomic_store_explicit(&shared->through, true, memory_order_relaxed);
	worker_did(w, w->size);
	worker_count(w, LONGEST_WAIT, longest_ns);
	worker_count(w, MOST_OVERTAKES, most);
	worker_count(w, RESCUES, rescues);
	if (by_ticket && most >= w->count)
		worker_fail(w, "greedy workers took the lock %llu times before a ticket was served",
			    (unsigned long long)most);
	if (rescues > 0)
		worker_note(w,
			    "the greedy workers stood back %llu times: else the meek one would "
			    "have waited longer",
			    (unsigned long long)rescues);
	return sum;
}

/* Has the meek worker waited too long? */
static bool stands_back(struct shared *shared, uint64_t patience_ns)
{
	const uint64_t asked_ns = atomic_load_explicit(&shared->asked_ns, memory_order_relaxed);

	if (asked_ns == 0 || worker_now_ns() <= asked_ns + patience_ns)
		return false;
	atomic_store_explicit(&shared->stood_back_ns, asked_ns, memory_order_relaxed);
	return true;
}

static void be_greedy(struct worker *w, struct shared *shared, bool by_ticket)
{
	const uint64_t hold_ns = param_number(w->params, "hold");
	const uint64_t patience_ns = param_number(w->params, "patience");
	uint64_t takes = 0;

	while (!atomic_load_explicit(&shared->through, memory_order_relaxed)) {
		if (stands_back(shared, patience_ns)) {
			worker_sleep_until(w, worker_now_ns() + hold_ns);
			continue;
		}
		take(w, shared, by_ticket);
		/* Who has queued for it so long gives it back at once. */
		if (!stands_back(shared, patience_ns))
			worker_sleep_until(w, worker_now_ns() + hold_ns);
		give(w, shared, by_ticket);
		takes++;
		worker_tick(w);
	}
	worker_did(w, takes);
	worker_count(w, GREEDY_TAKES, takes);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const bool by_ticket = param_number(w->params, "lock") == LOCK_TICKET;

	(void)phase;
	worker_role(w, w->index == 0 ? "meek" : "greedy");
	worker_count(w, GREEDY_TAKES, 0);
	if (w->index == 0)
		return be_meek(w, w->region, by_ticket);
	be_greedy(w, w->region, by_ticket);
	return 0;
}

const struct workload workload_starvation = {
	.name = "starvation",
	.summary =
		"a meek worker wants a lock that greedy ones take again at once: how long it waits",
	.params = params,
	.size_unit = "takes",
	.size_default = "20",
	.size_low = 1,
	.size_high = 1000000000,
	.workers_default = "4",
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
};
