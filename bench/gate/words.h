/* What is said of a gate, in the sentences that the table, the files for CI and the chart share.
 * A sentence is cut when it does not fit; it has no newline and no control character. */
#ifndef BENCH_GATE_WORDS_H
#define BENCH_GATE_WORDS_H

#include "bench/gate/gate.h"

#define SENTENCE 1200

/* Whether the metric decides something in that cell, or was to: then it is a row of a table. */
bool words_is_row(const struct judgement *judgement);
/* The first metric that made the cell's verdict, of one that passed the nearest to what is not
 * allowed; METRICS when something else made it: cell->reason says what. */
enum metric_id words_decisive(const struct gate *gate, const struct gate_cell *cell);
/* The cell that made the gate's, the worst of several; null when there is none. */
const struct gate_cell *words_decisive_cell(const struct gate *gate);

/* Why the gate's verdict is what it is, without the verdict's name. */
void words_headline(const struct gate *gate, char to[SENTENCE]);
/* The same of a cell, without its id. */
void words_cell(const struct gate *gate, const struct gate_cell *cell, char to[SENTENCE]);
/* What would decide an inconclusive cell. */
void words_help(const struct gate *gate, const struct gate_cell *cell, char to[SENTENCE]);
/* "build-old (revision 1a2b3c4, gcc 12.2.0, debugoptimized)" */
void words_side(const struct gate_side *side, char to[SENTENCE]);
/* What makes the gate worth less; empty: nothing is known to. */
void words_warning(const struct gate *gate, char to[SENTENCE]);
/* How often such a gate fails though both sides are equal. */
void words_false_alarm(const struct gate *gate, char to[SENTENCE]);
/* "4 cells, 240 pairs and 40 to confirm in 32.1 s, seed 12345" */
void words_run(const struct gate *gate, char to[SENTENCE]);
/* Why the exit status is not the verdict's own; empty when it is. */
void words_exit(const struct gate *gate, char to[SENTENCE]);

#endif
