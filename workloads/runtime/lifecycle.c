/* One worker's life beside others: place, start together, phases, finish, check. And its clocks. */
#include "workloads/runtime/run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Nanoseconds ready to run but not running, field 2 of schedstat (Documentation/scheduler). */
static bool read_run_delay(uint64_t *ns)
{
	char text[96];
	char *end;
	ssize_t length;
	const int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	strtoull(text, &end, 10);
	*ns = strtoull(end, NULL, 10);
	return true;
}

static void testify(struct worker *w, struct witness *now)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	now->cpu_ns = clock_now_ns_of(CLOCK_THREAD_CPUTIME_ID);
	now->nvcsw = (uint64_t)usage.ru_nvcsw;
	now->nivcsw = (uint64_t)usage.ru_nivcsw;
	now->run_delay_ns = 0;
	w->result->run_delay_known = read_run_delay(&now->run_delay_ns);
}

void run_clock_start(struct worker *w, struct witness *since)
{
	testify(w, since);
	since->cpu_ns = clock_now_ns_of(CLOCK_THREAD_CPUTIME_ID);
	w->result->finish_ns = clock_now_ns();
	if (w->result->start_ns == 0)
		w->result->start_ns = w->result->finish_ns;
	/* finish_ns holds the start of this stretch until run_clock_stop replaces it. */
}

void run_clock_stop(struct worker *w, const struct witness *since)
{
	const uint64_t began = w->result->finish_ns;
	struct witness now;

	w->result->finish_ns = clock_now_ns();
	w->result->elapsed_ns += w->result->finish_ns - began;
	testify(w, &now);
	w->result->spent.cpu_ns += now.cpu_ns - since->cpu_ns;
	w->result->spent.run_delay_ns += now.run_delay_ns - since->run_delay_ns;
	w->result->spent.nvcsw += now.nvcsw - since->nvcsw;
	w->result->spent.nivcsw += now.nivcsw - since->nivcsw;
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

void run_worker(struct worker *w)
{
	const struct run *run = w->run;
	const unsigned phases = run->plan.phases;
	struct witness since;

	run_place(run, w->index);
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
	if (run->gil)
		run->gil->release(w->gil, w->index, GIL_DROP_END);
	run_clock_stop(w, &since);
	pthread_barrier_wait(run->barrier);
	if (run->workload->check)
		w->result->checksum += run->workload->check(w);
}
