/* Finds how many spins make a tick as long as asked for. By the median of many short measurements,
 * bare and spinning in turn: on a shared machine a core's speed can double for a moment, so that
 * the shortest would be a tick of another machine. */
#include "workloads/runtime/run.h"

#include <limits.h>
#include <stdlib.h>

#define TICKS 1024
#define ROUNDS 51
#define SPINS 64

static uint64_t time_ticks(uint64_t spins)
{
	struct tick tick = { INT_MAX, 0 };
	struct worker w = { .tick_spins = spins, .tick = &tick };
	const uint64_t start = clock_now_ns();

	for (int i = 0; i < TICKS; i++)
		worker_tick(&w);
	return clock_now_ns() - start;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

uint64_t run_calibrate_tick(uint64_t tick_ns)
{
	double needed[ROUNDS];

	if (tick_ns == 0)
		return 0;
	for (int i = 0; i < ROUNDS; i++) {
		const double bare = (double)time_ticks(0) / TICKS;
		const double spin = ((double)time_ticks(SPINS) / TICKS - bare) / SPINS;

		needed[i] = spin > 0 ? ((double)tick_ns - bare) / spin : 0;
	}
	qsort(needed, ROUNDS, sizeof(needed[0]), by_value);
	return needed[ROUNDS / 2] > 0 ? (uint64_t)(needed[ROUNDS / 2] + 0.5) : 0;
}
