/* Proves that the gate can go red, and that it does not without a reason. */
#ifndef BENCH_GATE_SELFTEST_H
#define BENCH_GATE_SELFTEST_H

#include "base/param.h"

/* Three gates of the one build that the options name: beside itself, made slower, made to conflict.
 * Prints what came of them; returns the exit status, 'undecided' when one of them could not be
 * decided and none was wrong. */
int self_test(const struct param_set *options, int undecided, struct err *err);

#endif
