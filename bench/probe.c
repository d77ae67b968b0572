/* Measures the machine for gilscope doctor. */
#include "bench/probe.h"

#include "base/clock.h"
#include "base/machine.h"
#include "base/stats.h"
#include "base/sysfile.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 20
#define CALLS 1000

/* Keeps a value alive without storing it: the calls and the work are not to be optimized away. */
static void keep(uint64_t value)
{
	__asm__ __volatile__("" : : "r"(value));
}

static uint64_t gettime_batch_ns(void)
{
	const uint64_t start = clock_now_ns();

	for (int i = 0; i < CALLS; i++)
		keep(clock_now_ns());
	return clock_now_ns() - start;
}

static uint64_t raw_batch_ns(void)
{
	const uint64_t start = clock_now_ns();

	for (int i = 0; i < CALLS; i++)
		keep(clock_raw());
	return clock_now_ns() - start;
}

static double least_per_call_ns(uint64_t (*batch_ns)(void))
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < BATCHES; i++) {
		const uint64_t ns = batch_ns();

		least = ns < least ? ns : least;
	}
	return (double)least / CALLS;
}

void probe_clock(struct probe_clock *clock)
{
	clock->gettime_ns = least_per_call_ns(gettime_batch_ns);
	clock->raw_ns = least_per_call_ns(raw_batch_ns);
}

void probe_sleep(struct probe_sleep *sleep)
{
	const uint64_t asked_ns = 1000000;
	const struct timespec pause = clock_timespec(asked_ns);
	double late_ns[PROBE_SLEEPS];

	for (int i = 0; i < PROBE_SLEEPS; i++) {
		const uint64_t start = clock_now_ns();

		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		late_ns[i] = (double)(clock_now_ns() - start) - (double)asked_ns;
	}
	stats_sort(late_ns, PROBE_SLEEPS);
	sleep->median_ns = stats_median(late_ns, PROBE_SLEEPS);
	sleep->max_ns = late_ns[PROBE_SLEEPS - 1];
}

/* Each step needs the last one's result, so that it takes the same cycles whatever runs beside it.
 */
static void spin(uint64_t steps)
{
	uint64_t x = steps;

	for (uint64_t i = 0; i < steps; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	keep(x);
}

static uint64_t spin_ns(uint64_t steps)
{
	const uint64_t start = clock_now_ns();

	spin(steps);
	return clock_now_ns() - start;
}

static uint64_t steps_of_1_ms(void)
{
	const uint64_t trial = 100000;
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 10; i++) {
		const uint64_t ns = spin_ns(trial);

		least = ns < least ? ns : least;
	}
	return trial * 1000000 / (least ? least : 1);
}

static double share(int64_t before, int64_t after, double of_ns)
{
	return before < 0 || after < 0 ? -1 : (double)(after - before) / of_ns;
}

static void spin_many(double *spins_ns, struct probe_noise *noise)
{
	const uint64_t steps = steps_of_1_ms();
	const int64_t delay_before = disturbance_run_delay_ns();
	struct disturbance before, after;
	uint64_t start, took_ns;

	disturbance_read(&before);
	start = clock_now_ns();
	for (int i = 0; i < PROBE_SPINS; i++)
		spins_ns[i] = (double)spin_ns(steps);
	took_ns = clock_now_ns() - start;
	disturbance_read(&after);
	noise->waited = share(delay_before, disturbance_run_delay_ns(), (double)took_ns);
	noise->stolen = share(before.steal_ns, after.steal_ns,
			      (double)took_ns * (double)sysconf(_SC_NPROCESSORS_ONLN));
}

void probe_noise(struct probe_noise *noise)
{
	double spins_ns[PROBE_SPINS];
	cpu_set_t allowed, one;
	const bool moved = sched_getaffinity(0, sizeof(allowed), &allowed) == 0;

	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu() % CPU_SETSIZE, &one);
	if (moved)
		sched_setaffinity(0, sizeof(one), &one);
	spin_many(spins_ns, noise);
	if (moved)
		sched_setaffinity(0, sizeof(allowed), &allowed);
	stats_sort(spins_ns, PROBE_SPINS);
	noise->median_ns = stats_median(spins_ns, PROBE_SPINS);
	noise->p99_ns = stats_quantile(spins_ns, PROBE_SPINS, 0.99);
	noise->max_ns = spins_ns[PROBE_SPINS - 1];
}
