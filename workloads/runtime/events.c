/* One thread and one event loop: every worker is a coroutine that gives way where it waits, and
 * nowhere else. Who computes, or blocks, keeps all others waiting. */
#include "workloads/runtime/loop.h"
#include "workloads/runtime/mode.h"

/* Of the one run in a process. */
static struct barrier phase_end;

static void live(struct worker *w)
{
	const struct run *run = w->run;
	struct worker_result *result = w->result;

	for (unsigned phase = 0; phase < run->plan.phases; phase++) {
		if (phase > 0)
			barrier_meet(w, &phase_end);
		result->checksum += run->workload->work(w, phase);
	}
	result->finish_ns = clock_now_ns();
	result->elapsed_ns = result->finish_ns - result->start_ns;
}

static bool run_events(struct run *run, struct err *err)
{
	uint64_t start_ns;
	bool good;

	for (unsigned i = 0; i < run->workers; i++)
		run_prepare(&run->worker[i]);
	run_place(run, 0);
	barrier_make(&run->worker[0], &phase_end, run->workers);
	start_ns = clock_now_ns();
	for (unsigned i = 0; i < run->workers; i++)
		run->result[i].start_ns = start_ns;
	good = loop_run(run->loop, live, err);
	loop_close(run->loop);
	for (unsigned i = 0; good && run->workload->check && i < run->workers; i++)
		run->result[i].checksum += run->workload->check(&run->worker[i]);
	return good;
}

const struct mode mode_events = {
	.name = "events",
	.summary = "one thread, a loop around epoll: workers give way where they wait",
	.in_loop = true,
	.alone = "coroutines give way only where they wait",
	.run = run_events,
};
