/* The rows of a suite: what gilscope bench measures when nothing else is asked for. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include <stdint.h>

/* Lists are as a user would type them. The first row of a workload is what it is, the others are
 * its variants. 'target_ms': how long the reference of the workload should last, so that every cell
 * of the quick suite lasts 30 to 200 ms. */
struct suite_row {
	const char *workload, *modes, *gils, *workers, *settings;
	uint64_t target_ms;
	uint64_t size; /* 0: found by target_ms */
};

/* Each ends in a null workload. */
extern const struct suite_row suite_quick[], suite_full[];
/* What gilscope gate measures: short samples of few cells. */
extern const struct suite_row suite_gate[];

#endif
