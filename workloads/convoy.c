/* I/O workers beside CPU-bound ones: the convoy (Beazley, bpo-7946; ccbench by Pitrou 2010). The
 * fixed work is the I/O operations; the CPU-bound workers compute until these are done, so that
 * every operation has the same company. An operation is issued when the one before has ended (a
 * closed loop, as a program has that waits for its answers), and its latency counts from its
 * issue. */
#include "workloads/workload.h"

#include <stdatomic.h>

/* In the order of enum echo_kind. */
static const char *const ios[] = { "sleep", "pipe", "socketpair", NULL };

static const struct param params[] = {
	{ .name = "cpu",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .low = 0,
	  .high = 1023,
	  .value = "K",
	  .help = "how many of the workers are CPU-bound; the others do I/O" },
	{ .name = "io",
	  .kind = PARAM_CHOICE,
	  .fallback = "sleep",
	  .choices = ios,
	  .value = "KIND",
	  .help = "an operation: a sleep, a byte through one's own pipe, or one echoed by a peer",
	  .other_work = true },
	{ .name = "sleep",
	  .kind = PARAM_TIME,
	  .fallback = "1ms",
	  .low = 1000,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "how long a sleep is" },
	{ 0 },
};

/* Shared: the I/O workers count down as they end, the CPU-bound ones read it at every tick. */
struct shared {
	_Atomic unsigned io_left;
};

static unsigned io_workers(const struct worker *w)
{
	return w->count - (unsigned)param_number(w->params, "cpu");
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	const uint64_t cpu = param_number(w->params, "cpu");

	if (cpu >= w->count)
		return err_set(
			err, EXIT_MISUSE,
			"--cpu %llu leaves no I/O worker of %u; give more --workers or less --cpu",
			(unsigned long long)cpu, w->count);
	plan->region_bytes = sizeof(struct shared);
	plan->echo = (enum echo_kind)param_number(w->params, "io");
	plan->busy_until = cpu > 0;
	plan->loop = "closed";
	return true;
}

static void setup(struct worker *w)
{
	struct shared *shared = w->region;

	atomic_store_explicit(&shared->io_left, io_workers(w), memory_order_relaxed);
}

static uint64_t do_io(struct worker *w, struct shared *shared)
{
	const unsigned workers = io_workers(w);
	const uint64_t from = w->size * w->index / workers, to = w->size * (w->index + 1) / workers;
	const uint64_t sleep_ns = param_number(w->params, "sleep");
	const bool echoes = param_number(w->params, "io") != ECHO_NONE;
	uint64_t sum = 0;

	for (uint64_t op = from; op < to; op++) {
		const uint64_t issued = worker_now_ns();
		unsigned char byte = (unsigned char)op;

		if (echoes)
			byte = worker_echo(w, byte);
		else
			worker_sleep_until(w, issued + sleep_ns);
		worker_latency(w, worker_now_ns() - issued);
		sum += worker_mix(op << 8 | byte);
		worker_tick(w);
	}
	worker_did(w, to - from);
	/* Relaxed: nothing is read on the strength of it but the end itself. */
	atomic_fetch_sub_explicit(&shared->io_left, 1, memory_order_relaxed);
	return sum;
}

static void compute(struct worker *w, struct shared *shared)
{
	uint64_t ticks = 0;

	while (atomic_load_explicit(&shared->io_left, memory_order_relaxed)) {
		worker_tick(w);
		ticks++;
	}
	worker_did(w, ticks);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const bool does_io = w->index < io_workers(w);

	(void)phase;
	worker_role(w, does_io ? "io" : "cpu");
	if (does_io)
		return do_io(w, w->region);
	compute(w, w->region);
	return 0;
}

const struct workload workload_convoy = {
	.name = "convoy",
	.summary = "I/O workers beside CPU-bound ones: operations per second and their latency",
	.params = params,
	.size_unit = "operations",
	.size_default = "30",
	.size_low = 1,
	.size_high = 1000000000,
	.plan = plan,
	.setup = setup,
	.work = work,
};
