/* Short measurements of the machine itself: what its clocks cost, how late it wakes, how steadily
 * it computes. Together a third of a second. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_SLEEPS 50
#define PROBE_SPINS 200

/* Of one call, in the quietest of many batches. */
struct probe_clock {
	double gettime_ns; /* clock_gettime(CLOCK_MONOTONIC) */
	double raw_ns;     /* clock_raw */
};

/* How much longer than 1 ms a sleep of 1 ms takes. */
struct probe_sleep {
	double median_ns, max_ns;
};

/* The same work of about 1 ms again and again on one CPU. */
struct probe_noise {
	double median_ns, p99_ns, max_ns;
	double waited; /* the share of the time this thread waited for the CPU; negative: unknown */
	double stolen; /* the share of all CPUs' time that the hypervisor took; negative: unknown */
};

void probe_clock(struct probe_clock *clock);
void probe_sleep(struct probe_sleep *sleep);
void probe_noise(struct probe_noise *noise);

#endif
