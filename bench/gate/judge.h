/* From pairs to verdicts; takes no samples. */
#ifndef BENCH_GATE_JUDGE_H
#define BENCH_GATE_JUDGE_H

#include "bench/gate/gate.h"

/* Ends a cell with a verdict that its metrics have no part in, and the sentence why. */
void judge_end(struct gate_cell *cell, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A look at the pairs that there are: each gated metric that is not decided yet is decided, if it
 * can be, and stays so. True when all are. */
bool judge_look(const struct gate *gate, struct gate_cell *cell);
/* How many fresh pairs are to confirm what failed; 0 when nothing did. */
size_t judge_confirming(const struct gate_cell *cell);
/* After the confirmation's pairs: what does not fail again is not decided. */
void judge_confirm(const struct gate *gate, struct gate_cell *cell);
/* No more pairs come: what is not decided is INCONCLUSIVE, for this reason. Fills the medians and
 * effects of all metrics, and the cell's verdict, unless it has one with a reason of its own. */
void judge_close(const struct gate *gate, struct gate_cell *cell, const char *why);
/* Of the gate, from its cells. */
void judge_gate(struct gate *gate);
/* For 'inconclusive': GATE_EXIT_PASS, GATE_EXIT_FAIL or GATE_EXIT_INCONCLUSIVE. */
int judge_exit(const struct gate *gate, int inconclusive);

#endif
