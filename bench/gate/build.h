/* The builds that a gate compares: where their workloads are, and how they were built. */
#ifndef BENCH_GATE_BUILD_H
#define BENCH_GATE_BUILD_H

#include "bench/gate/gate.h"

/* Fills what is known of a side from the word that names it: a build folder (it has workloads/), a
 * prefix where gilscope is installed, or a revision in git, which is built unless it has been
 * (revision.h). A folder wins. 'word' is kept, not copied. Fails with what the word should have
 * been, or what went wrong. After process_catch_signals. */
bool build_find(struct gate_side *side, const char *word, struct err *err);

/* False when times of one say nothing of the other: then 'reason' is the sentence why. Otherwise
 * 'reason' is empty, or says what makes the comparison worth less. Commands are not builds: nothing
 * is known of them, and nothing said. */
bool builds_comparable(const struct gate_side *baseline, const struct gate_side *candidate,
		       char *reason, size_t room);

#endif
