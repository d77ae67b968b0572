/* Made-up gates, as they are when all is measured and judged. One at a time. */
#ifndef TESTS_GATE_MADE_H
#define TESTS_GATE_MADE_H

#include "bench/gate/gate.h"

#define MADE_CELLS 16

/* An empty one that has passed. */
struct gate *made_gate(void);
/* Adds a cell without pairs that has passed. */
struct gate_cell *made_cell(struct gate *gate, const char *id);
/* A metric of a cell, with n pairs of those medians; the verdicts of cell and gate follow. One that
 * failed is confirmed. */
struct judgement *made_judgement(struct gate *gate, struct gate_cell *cell, enum metric_id metric,
				 size_t n, const double median[SIDES], enum verdict verdict);
#define MADE_MEDIANS(baseline, candidate) ((const double[SIDES]){ baseline, candidate })
/* Sets the verdict of a cell that has no pairs, and the gate's. */
void made_verdict(struct gate *gate, struct gate_cell *cell, enum verdict verdict,
		  const char *reason);

/* By name: "many" (FAIL; all verdicts but two), "nasty" (the same with texts that are more than
 * text to what reads them), "pass", "none" (NOT COMPARABLE, without cells), "crowd" (more cells
 * than a chart has panels). Null: there is no such gate. */
struct gate *made_by_name(const char *name);

#endif
