/* What it takes to hand over: workers take turns at a lock, pass a token round, meet at a barrier,
 * or raise a number of their own. Each primitive has its loop, and what a loop writes down of it is
 * little: tests/plain.c has the same loops without a runtime, and they must not be faster.
 *
 * A worker's share is fixed: who has done it leaves the lock to the others, and counts of fairness
 * tell of the time when somebody waited. */
#include "workloads/primitives.h"

#include <stdalign.h>

enum { HANDOVERS, REPEATS, LONGEST_RUN };
enum primitive {
	USE_LOCK,
	USE_RLOCK,
	USE_EVENT,
	USE_CONDITION,
	USE_SEMAPHORE,
	USE_BARRIER,
	USE_LOCAL
};

static const char *const counts[] = { "handovers", "repeats", "longest_run", NULL };
static const char *const primitives[] = { "lock",      "rlock",   "event", "condition",
					  "semaphore", "barrier", "local", NULL };

static const struct param params[] = {
	{ .name = "primitive",
	  .kind = PARAM_CHOICE,
	  .fallback = "lock",
	  .choices = primitives,
	  .value = "WHAT",
	  .help = "what the workers take, wait for or write",
	  .other_work = true },
	{ .name = "hold",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .low = 0,
	  .high = 1000000000,
	  .value = "N",
	  .help = "ticks while it is held" },
	{ 0 },
};

/* What waits, and what is written by whoever holds it, lie apart. */
struct shared {
	alignas(64) struct lock lock;
	alignas(64) struct semaphore semaphore;
	alignas(64) struct barrier barrier;
	/* Raised before a take and lowered behind it: who else wants the lock now. */
	alignas(64) _Atomic unsigned asking;
	/* Written by the lock's holder. */
	alignas(64) unsigned last; /* the last taker, plus 1; 0: none yet */
	uint64_t released_ns;      /* when it gave the lock back */
	uint64_t handovers, repeats, run, longest_run;
	unsigned turn;   /* of condition: who has the token */
	uint64_t passed; /* by whoever has the token: how often it was passed on */
	/* A place for each worker. */
	struct place {
		alignas(64) struct event event;
		struct condition condition;
		uint64_t given_ns;      /* when the token was given to it; 0: it had it first */
		uint64_t arrived_ns[2]; /* at the barrier, of a round and of the next */
		uint64_t round[2];      /* the same: which that was, from 1 */
	} places[];
};

static _Thread_local _Atomic uint64_t own_number;

static enum primitive primitive_of(const struct worker *w)
{
	return (enum primitive)param_number(w->params, "primitive");
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	const enum primitive primitive = primitive_of(w);

	(void)err;
	plan->region_bytes = sizeof(struct shared) + w->count * sizeof(struct place);
	plan->together =
		primitive == USE_EVENT || primitive == USE_CONDITION || primitive == USE_BARRIER;
	plan->loop = primitive == USE_LOCAL ? NULL : "closed";
	return true;
}

static void setup(struct worker *w)
{
	struct shared *shared = w->region;

	lock_make(w, &shared->lock, primitive_of(w) == USE_RLOCK ? LOCK_RECURSIVE : LOCK_PLAIN);
	semaphore_make(w, &shared->semaphore, 1);
	barrier_make(w, &shared->barrier, w->count);
	for (unsigned i = 0; i < w->count; i++) {
		event_make(w, &shared->places[i].event);
		condition_make(w, &shared->places[i].condition);
	}
	shared->places[0].event.set = true;
}

static void hold(struct worker *w, uint64_t ticks)
{
	for (; ticks > 0; ticks--)
		worker_tick(w);
}

static inline void take(struct worker *w, struct shared *shared, enum primitive primitive)
{
	if (primitive == USE_SEMAPHORE) {
		semaphore_take(w, &shared->semaphore);
		return;
	}
	lock_take(w, &shared->lock);
	if (primitive == USE_RLOCK)
		lock_take(w, &shared->lock);
}

static inline void give(struct worker *w, struct shared *shared, enum primitive primitive)
{
	if (primitive == USE_SEMAPHORE) {
		semaphore_give(w, &shared->semaphore);
		return;
	}
	if (primitive == USE_RLOCK)
		lock_give(w, &shared->lock);
	lock_give(w, &shared->lock);
}

/* Called by the holder. True: it has the lock from another, whose release it has waited for. */
static inline bool count_take(struct shared *shared, unsigned self, uint64_t asked_ns)
{
	/* Relaxed: what is read on the strength of it is a count. */
	const bool alone = atomic_fetch_sub_explicit(&shared->asking, 1, memory_order_relaxed) == 1;
	const bool again = shared->last == self + 1, first = shared->last == 0;

	shared->last = self + 1;
	shared->repeats += again;
	shared->handovers += !again && !first;
	shared->run = alone ? 0 : again ? shared->run + 1 : 1;
	if (shared->run > shared->longest_run)
		shared->longest_run = shared->run;
	return !again && asked_ns < shared->released_ns;
}

static void take_turns(struct worker *w, enum primitive primitive, uint64_t times)
{
	const uint64_t ticks = param_number(w->params, "hold");
	struct shared *shared = w->region;

	for (; times > 0; times--) {
		uint64_t asked_ns, taken_ns, waited_ns;
		bool handed;

		atomic_fetch_add_explicit(&shared->asking, 1, memory_order_relaxed);
		asked_ns = worker_now_ns();
		take(w, shared, primitive);
		taken_ns = worker_now_ns();
		handed = count_take(shared, w->self, asked_ns);
		waited_ns = taken_ns - shared->released_ns;
		hold(w, ticks);
		shared->released_ns = worker_now_ns();
		give(w, shared, primitive);
		if (handed)
			worker_latency(w, waited_ns);
		worker_tick(w);
	}
}

/* The token is here for the times-th time: writes down how long it took, and returns who is next.
 * It has come round all others since it was here. */
static unsigned got_token(struct worker *w, uint64_t times, uint64_t got_ns, uint64_t ticks)
{
	struct shared *shared = w->region;
	const struct place *own = &shared->places[w->index];

	if (shared->passed != times * w->count + w->index)
		worker_fail(w, "the token came after it was passed on %llu times",
			    (unsigned long long)shared->passed);
	shared->passed++;
	if (own->given_ns > 0)
		worker_latency(w, got_ns - own->given_ns);
	hold(w, ticks);
	worker_tick(w);
	return (w->index + 1) % w->count;
}

static void pass_by_events(struct worker *w, uint64_t times)
{
	const uint64_t ticks = param_number(w->params, "hold");
	struct shared *shared = w->region;
	struct place *own = &shared->places[w->index];

	for (uint64_t i = 0; i < times; i++) {
		uint64_t got_ns;
		struct place *next;

		event_wait(w, &own->event);
		got_ns = worker_now_ns();
		event_clear(w, &own->event);
		next = &shared->places[got_token(w, i, got_ns, ticks)];
		next->given_ns = worker_now_ns();
		event_set(w, &next->event);
	}
}

static void pass_by_conditions(struct worker *w, uint64_t times)
{
	const uint64_t ticks = param_number(w->params, "hold");
	struct shared *shared = w->region;
	struct place *own = &shared->places[w->index];

	for (uint64_t i = 0; i < times; i++) {
		struct place *next;

		lock_take(w, &shared->lock);
		while (shared->turn != w->index)
			condition_wait(w, &own->condition, &shared->lock);
		shared->turn = got_token(w, i, worker_now_ns(), ticks);
		next = &shared->places[shared->turn];
		next->given_ns = worker_now_ns();
		condition_signal(w, &next->condition);
		lock_give(w, &shared->lock);
	}
}

/* The moments of one round are read while those of the next are written. */
static void meet(struct worker *w, uint64_t rounds)
{
	const uint64_t ticks = param_number(w->params, "hold");
	struct shared *shared = w->region;
	struct place *own = &shared->places[w->index];

	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t left_ns, last_ns = 0;

		hold(w, ticks);
		own->round[round % 2] = round + 1;
		own->arrived_ns[round % 2] = worker_now_ns();
		barrier_meet(w, &shared->barrier);
		left_ns = worker_now_ns();
		for (unsigned i = 0; i < w->count; i++) {
			const struct place *place = &shared->places[i];

			if (place->round[round % 2] != round + 1)
				worker_fail(w, "worker %u had not come when worker %u left", i,
					    w->index);
			if (place->arrived_ns[round % 2] > last_ns)
				last_ns = place->arrived_ns[round % 2];
		}
		worker_latency(w, left_ns - last_ns);
		worker_tick(w);
	}
}

static void raise_own(struct worker *w, uint64_t times)
{
	const uint64_t before = atomic_load_explicit(&own_number, memory_order_relaxed);
	uint64_t raised;

	for (uint64_t i = 0; i < times; i++) {
		const uint64_t number = atomic_load_explicit(&own_number, memory_order_relaxed);

		worker_step(w);
		atomic_store_explicit(&own_number, number + 1, memory_order_relaxed);
		worker_tick(w);
	}
	raised = atomic_load_explicit(&own_number, memory_order_relaxed) - before;
	if (raised != times)
		worker_fail(w, "a number of the thread's own was raised by %llu and not by %llu",
			    (unsigned long long)raised, (unsigned long long)times);
}

/* The checksum is that of the whole share, at the barrier too, where all meet equally often. */
static uint64_t work(struct worker *w, unsigned phase)
{
	const enum primitive primitive = primitive_of(w);
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	if (primitive == USE_EVENT)
		pass_by_events(w, to - from);
	else if (primitive == USE_CONDITION)
		pass_by_conditions(w, to - from);
	else if (primitive == USE_BARRIER)
		meet(w, w->size / w->count);
	else if (primitive == USE_LOCAL)
		raise_own(w, to - from);
	else
		take_turns(w, primitive, to - from);
	worker_did(w, primitive == USE_BARRIER ? w->size / w->count : to - from);
	for (uint64_t op = from; op < to; op++)
		sum += worker_mix(op);
	return sum;
}

static const char *why_uncounted(enum primitive primitive)
{
	if (primitive == USE_BARRIER)
		return "all go on together";
	return primitive == USE_LOCAL ? "nobody waits" : "the token goes round in one order";
}

static uint64_t check(struct worker *w)
{
	const enum primitive primitive = primitive_of(w);
	const struct shared *shared = w->region;
	const unsigned long long takes = 1ull + shared->handovers + shared->repeats;

	if (w->index > 0)
		return 0;
	if (primitive != USE_LOCK && primitive != USE_RLOCK && primitive != USE_SEMAPHORE) {
		worker_note(w, "hand-overs are not counted: %s", why_uncounted(primitive));
		return 0;
	}
	worker_count(w, HANDOVERS, shared->handovers);
	worker_count(w, REPEATS, shared->repeats);
	worker_count(w, LONGEST_RUN, shared->longest_run);
	if (takes != w->size)
		worker_fail(w, "%llu takes were counted of %llu", takes,
			    (unsigned long long)w->size);
	return 0;
}

const struct workload workload_sync = {
	.name = "sync",
	.summary =
		"workers hand over a lock or a token, or meet: how long it takes, and who gets it",
	.params = params,
	.size_unit = "hand-overs",
	.size_default = "10k",
	.size_low = 1,
	.size_high = 1000000000000,
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
	.check = check,
};
