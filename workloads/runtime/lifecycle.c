/* One worker's life beside others: place, start together, phases, finish, check. And its clocks. */
#include "base/machine.h"
#include "workloads/runtime/run.h"

#include <sys/resource.h>

void run_clock_prepare(struct witness *since)
{
	since->run_delay_ns = disturbance_run_delay_ns();
}

/* The cheap ones only: others may have started already. */
void run_clock_start(struct worker *w, struct witness *since)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	since->nvcsw = (uint64_t)usage.ru_nvcsw;
	since->nivcsw = (uint64_t)usage.ru_nivcsw;
	since->start_ns = clock_now_ns();
	since->cpu_ns = clock_now_ns_of(CLOCK_THREAD_CPUTIME_ID);
	if (w->result->start_ns == 0)
		w->result->start_ns = since->start_ns;
}

void run_clock_stop(struct worker *w, const struct witness *since)
{
	const uint64_t cpu_ns = clock_now_ns_of(CLOCK_THREAD_CPUTIME_ID);
	const uint64_t now = clock_now_ns();
	struct worker_result *result = w->result;
	struct rusage usage;
	int64_t run_delay_ns;

	getrusage(RUSAGE_THREAD, &usage);
	result->finish_ns = now;
	result->elapsed_ns += now - since->start_ns;
	result->spent.cpu_ns += cpu_ns - since->cpu_ns;
	result->spent.nvcsw += (uint64_t)usage.ru_nvcsw - since->nvcsw;
	result->spent.nivcsw += (uint64_t)usage.ru_nivcsw - since->nivcsw;
	run_delay_ns = disturbance_run_delay_ns();
	if (since->run_delay_ns < 0 || run_delay_ns < 0)
		result->run_delay_unknown = true;
	else
		result->spent.run_delay_ns += run_delay_ns - since->run_delay_ns;
}

void run_place(const struct run *run, unsigned index)
{
	cpu_set_t one;

	if (run->pin_count == 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(run->pins[index % run->pin_count], &one);
	/* The CPUs were found to be allowed when the options were read. */
	sched_setaffinity(0, sizeof(one), &one);
}

void run_prepare(struct worker *w)
{
	if (w->run->workload->prepare)
		w->run->workload->prepare(w);
}

void run_worker(struct worker *w)
{
	const struct run *run = w->run;
	const unsigned phases = run->plan.phases;
	struct witness since;

	run_prepare(w);
	run_place(run, w->self);
	run_clock_prepare(&since);
	pthread_barrier_wait(run->barrier);
	run_clock_start(w, &since);
	worker_unblock(w);
	for (unsigned phase = 0; phase < phases; phase++) {
		if (phase > 0) {
			worker_block(w);
			pthread_barrier_wait(run->barrier);
			worker_unblock(w);
		}
		w->result->checksum += run->workload->work(w, phase);
	}
	if (w->gil)
		w->gil->release(w->lock, w->seat, GIL_DROP_END);
	run_clock_stop(w, &since);
	pthread_barrier_wait(run->barrier);
	if (run->workload->check)
		w->result->checksum += run->workload->check(w);
}
