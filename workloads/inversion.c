/* Priority inversion: a worker of low priority has the lock that one of high priority wants, and
 * one of medium priority, which wants no lock, keeps the low one from going on. All are on one CPU,
 * scheduled by SCHED_FIFO: who has the higher priority runs. A lock whose holder inherits the
 * priority of who waits for it ends that. */
#include "workloads/primitives.h"

#include <sched.h>
#include <stdalign.h>
#include <time.h>

#define HOLD_NS 200000 /* what the low worker computes with the lock held */

enum { LOW, MEDIUM, HIGH, WORKERS };
enum { INVERSIONS };
enum { PROTOCOL_NONE, PROTOCOL_INHERIT };

static const char *const counts[] = { "inversions", NULL };
static const char *const protocols[] = { "none", "inherit", NULL };
static const char *const roles[WORKERS] = { "low", "medium", "high" };

static const struct param params[] = {
	{ .name = "protocol",
	  .kind = PARAM_CHOICE,
	  .fallback = "none",
	  .choices = protocols,
	  .value = "WHAT",
	  .help = "the lock's holder keeps its priority, or inherits that of who waits" },
	{ .name = "medium",
	  .kind = PARAM_TIME,
	  .fallback = "5ms",
	  .low = 1000,
	  .high = 500000000,
	  .value = "TIME",
	  .help = "how long the medium worker computes in each round" },
	{ 0 },
};

static const struct workload_refusal refusals[] = {
	{ "events", "its workers are one thread, which has one priority" },
	{ 0 },
};

struct shared {
	alignas(64) struct lock lock;
	alignas(64) struct semaphore start[WORKERS];
	struct barrier met;
	size_t cpu;        /* CPU_SETSIZE: not known */
	uint64_t woken_ns; /* when the low worker, which has the lock, woke the high one */
	/* Rounds that the medium worker has ended; the high one reads it when it has the lock. */
	_Atomic uint64_t medium_ended;
};

static bool set_priority(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, policy, &param) == 0;
}

/* Asks by doing it. */
static bool may_set_priorities(void)
{
	const int policy = sched_getscheduler(0);
	struct sched_param param;

	if (sched_getparam(0, &param) || !set_priority(SCHED_FIFO, WORKERS))
		return false;
	return sched_setscheduler(0, policy, &param) == 0;
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	if (w->count != WORKERS)
		return err_set(
			err, EXIT_MISUSE,
			"--%s %u: one has a low, one a medium and one a high priority; give 3",
			w->shares, w->count);
	plan->region_bytes = sizeof(struct shared);
	plan->together = true;
	plan->loop = "closed";
	if (!may_set_priorities())
		plan->refusal = "needs CAP_SYS_NICE or an RLIMIT_RTPRIO of 3: SCHED_FIFO was "
				"refused";
	return true;
}

static size_t first_cpu(void)
{
	cpu_set_t allowed;
	size_t cpu = 0;

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &allowed))
		cpu++;
	return cpu;
}

static void setup(struct worker *w)
{
	const bool inherits = param_number(w->params, "protocol") == PROTOCOL_INHERIT;
	struct shared *shared = w->region;

	lock_make(w, &shared->lock, inherits ? LOCK_INHERIT : LOCK_PLAIN);
	barrier_make(w, &shared->met, w->count);
	for (unsigned i = 0; i < WORKERS; i++)
		semaphore_make(w, &shared->start[i], 0);
	shared->cpu = first_cpu();
}

static uint64_t cpu_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* So much of one's own time: what passes while others run is not work. */
static void compute(struct worker *w, uint64_t ns)
{
	const uint64_t end = cpu_time_ns() + ns;

	while (cpu_time_ns() < end)
		worker_tick(w);
}

/* The low worker wakes the high one, which finds the lock held, and then the medium one. The wait
 * is from the wake-up: where there is an interpreter's lock, that one is waited for first. */
static void do_round(struct worker *w, struct shared *shared, uint64_t round)
{
	if (w->index == LOW) {
		lock_take(w, &shared->lock);
		shared->woken_ns = worker_now_ns();
		semaphore_give(w, &shared->start[HIGH]);
		semaphore_give(w, &shared->start[MEDIUM]);
		compute(w, HOLD_NS);
		lock_give(w, &shared->lock);
		return;
	}
	semaphore_take(w, &shared->start[w->index]);
	if (w->index == MEDIUM) {
		compute(w, param_number(w->params, "medium"));
		atomic_store_explicit(&shared->medium_ended, round + 1, memory_order_relaxed);
		return;
	}
	lock_take(w, &shared->lock);
	worker_latency(w, worker_now_ns() - shared->woken_ns);
	/* Relaxed: which of two ended first is all that is asked. */
	worker_count(w, INVERSIONS,
		     atomic_load_explicit(&shared->medium_ended, memory_order_relaxed) > round);
	lock_give(w, &shared->lock);
}

/* Places the thread and raises its priority; where it was before is for lower_priority. */
static void raise_priority(struct worker *w, const struct shared *shared, cpu_set_t *before)
{
	cpu_set_t one;

	CPU_ZERO(before);
	CPU_ZERO(&one);
	if (shared->cpu < CPU_SETSIZE)
		CPU_SET(shared->cpu, &one);
	if (sched_getaffinity(0, sizeof(*before), before) ||
	    sched_setaffinity(0, sizeof(one), &one))
		worker_fail(w, "the worker cannot be placed on one CPU");
	if (!set_priority(SCHED_FIFO, (int)w->index + 1))
		worker_fail(w, "SCHED_FIFO was refused");
}

static void lower_priority(const cpu_set_t *before)
{
	set_priority(SCHED_OTHER, 0);
	sched_setaffinity(0, sizeof(*before), before);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	struct shared *shared = w->region;
	uint64_t sum = 0;
	cpu_set_t before;

	(void)phase;
	worker_role(w, roles[w->index]);
	raise_priority(w, shared, &before);
	for (uint64_t round = 0; round < w->size; round++) {
		barrier_meet(w, &shared->met);
		do_round(w, shared, round);
		if (w->index == HIGH)
			sum += worker_mix(round);
	}
	lower_priority(&before);
	worker_did(w, w->size);
	return sum;
}

const struct workload workload_inversion = {
	.name = "inversion",
	.summary =
		"a worker of high priority waits for a lock of a low one that a medium one keeps "
		"away",
	.params = params,
	.size_unit = "rounds",
	.size_default = "10",
	.size_low = 1,
	.size_high = 1000000,
	.workers_default = "3",
	.counts = counts,
	.refusals = refusals,
	.plan = plan,
	.setup = setup,
	.work = work,
};
