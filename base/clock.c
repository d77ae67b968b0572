/* Pairs of raw counter and nanoseconds. */
#include "base/clock.h"

struct clock_pair clock_pair_now(void)
{
	struct clock_pair best = { 0, 0 };
	uint64_t narrowest = UINT64_MAX;

	/* The narrowest of a few brackets: an interrupt inside one would skew the rate. */
	for (int i = 0; i < 5; i++) {
		const uint64_t before = clock_raw();
		const uint64_t ns = clock_now_ns();
		const uint64_t after = clock_raw();

		if (after - before < narrowest) {
			narrowest = after - before;
			best = (struct clock_pair){ .raw = before + (after - before) / 2,
						    .ns = ns };
		}
	}
	return best;
}

uint64_t clock_raw_to_ns(uint64_t raw, struct clock_pair from, struct clock_pair to)
{
	const uint64_t span = to.raw - from.raw;

	if (span == 0)
		return 0;
	return (uint64_t)((double)raw * ((double)(to.ns - from.ns) / (double)span));
}

uint64_t clock_ns_to_raw(uint64_t ns)
{
	const struct clock_pair from = clock_pair_now();
	struct clock_pair to = from;

	while (to.ns - from.ns < 1000000)
		to = clock_pair_now();
	return (uint64_t)((double)ns * ((double)(to.raw - from.raw) / (double)(to.ns - from.ns)));
}
