/* All that is written of a finished gate: for people, for CI and for other programs.
 * results/README.md has the files, field by field. None of these changes the gate. */
#ifndef BENCH_GATE_SHOW_H
#define BENCH_GATE_SHOW_H

#include "bench/gate/gate.h"
#include "bench/result.h"

/* For people: the verdict comes first. */
void gate_print(const struct gate *gate, FILE *to);

/* The files of a gate, for result_open; the subject is a struct gate. */
extern const struct result_output gate_outputs[];
void gate_verdict_json(const void *subject, FILE *to);

#endif
