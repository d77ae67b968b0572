/* Finds how many spins make a tick as long as asked for. By the median of many short measurements:
 * on a shared machine a core's speed can double for a moment, so that the shortest would be a tick
 * of another machine. */
#include "base/stats.h"
#include "workloads/runtime/run.h"

#include <limits.h>

#define TICKS 1024
#define ROUNDS 25
#define SPINS 64
#define CORRECTIONS 3

static uint64_t time_ticks(uint64_t spins)
{
	struct tick tick = { INT_MAX, 0 };
	struct worker w = { .tick_spins = spins, .tick = &tick };
	const uint64_t start = clock_now_ns();

	for (int i = 0; i < TICKS; i++)
		worker_tick(&w);
	return clock_now_ns() - start;
}

/* Nanoseconds of a tick, by the median. */
static double tick_ns_of(uint64_t spins)
{
	double took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		took[i] = (double)time_ticks(spins) / TICKS;
	stats_sort(took, ROUNDS);
	return stats_median(took, ROUNDS);
}

/* A first guess from the cost of a spin, then corrected by ticks of that very length: what a
 * processor does of a short loop beside what surrounds it is no straight line. */
uint64_t run_calibrate_tick(uint64_t tick_ns)
{
	const double wanted = (double)tick_ns;
	double bare, spin, spins;

	if (tick_ns == 0)
		return 0;
	bare = tick_ns_of(0);
	spin = (tick_ns_of(SPINS) - bare) / SPINS;
	spins = spin > 0 ? (wanted - bare) / spin : 0;
	for (int step = 0; step < CORRECTIONS && spins >= 1; step++) {
		const double off = wanted - tick_ns_of((uint64_t)(spins + 0.5));

		spins += spin > 0 ? off / spin : 0;
	}
	return spins > 0 ? (uint64_t)(spins + 0.5) : 0;
}
