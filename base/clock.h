/* Time, in two units: nanoseconds of CLOCK_MONOTONIC, and raw counter values, which cost a third of
 * that to read and are what hot paths store. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
	return clock_now_ns_of(CLOCK_MONOTONIC);
}

static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u),
				  .tv_nsec = (long)(ns % 1000000000u) };
}

/* The raw counter. Not serialising: neighbouring instructions may move across it, by tens of cycles
 * at most, which is below what is measured with it. */
static inline uint64_t clock_raw(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t value;

	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(value));
	return value;
#else
	return clock_now_ns();
#endif
}

/* A moment on both clocks. Two of them convert raw differences to nanoseconds without a calibrating
 * pause: the pair is taken at the start and at the end of what is measured. */
struct clock_pair {
	uint64_t raw, ns;
};

struct clock_pair clock_pair_now(void);
/* Nanoseconds in raw units, by a rate measured over a millisecond: for bounds, not for results. */
uint64_t clock_ns_to_raw(uint64_t ns);
/* A raw difference in nanoseconds, by the rate between two pairs; 0 when the pairs coincide. */
uint64_t clock_raw_to_ns(uint64_t raw, struct clock_pair from, struct clock_pair to);

#endif
