/* Finds how many spins make a tick as long as asked for. The shortest of many short measurements:
 * what disturbs one only ever makes it longer. */
#include "workloads/runtime/run.h"

#define TICKS 4096
#define ROUNDS 25
#define SPINS 64

/* Nanoseconds of one tick with this many spins. */
static double tick_cost(uint64_t spins)
{
	struct tick tick = { TICKS, 0 };
	struct worker w = { .tick_spins = spins, .tick = &tick };
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		const uint64_t start = clock_now_ns();
		uint64_t took;

		atomic_store_explicit(&tick.left, TICKS, memory_order_relaxed);
		for (int i = 0; i < TICKS; i++)
			worker_tick(&w);
		took = clock_now_ns() - start;
		least = took < least ? took : least;
	}
	return (double)least / TICKS;
}

uint64_t run_calibrate_tick(uint64_t tick_ns)
{
	const double bare = tick_cost(0);
	const double spin = (tick_cost(SPINS) - bare) / SPINS;

	if ((double)tick_ns <= bare || spin <= 0)
		return 0;
	return (uint64_t)(((double)tick_ns - bare) / spin + 0.5);
}
