/* All that is written of a finished gate: for people, for CI and for other programs.
 * docs/gate-verdict.md has the files, field by field. None of these changes the gate. */
#ifndef BENCH_GATE_SHOW_H
#define BENCH_GATE_SHOW_H

#include "bench/gate/gate.h"
#include "bench/result.h"

/* For people: the verdict comes first. */
void gate_print(const struct gate *gate, FILE *to);

/* The files of a gate, for result_open; the subject is a struct gate. verdict.json is the last. */
extern const struct result_output gate_outputs[];
void gate_chart_tsv(const void *subject, FILE *to);
void gate_pairs_tsv(const void *subject, FILE *to);
void gate_junit_xml(const void *subject, FILE *to);
void gate_summary_md(const void *subject, FILE *to);
void gate_verdict_json(const void *subject, FILE *to);

/* Workflow commands by which GitHub shows the verdict, and the cells that did not pass, beside the
 * change: for the standard output of a step, where GITHUB_ACTIONS is true. */
void gate_annotate(const struct gate *gate, FILE *to);
/* gate_print, or verdict.json, for the log of such a step: what a program printed is no workflow
 * command there. False without memory. */
bool gate_print_log(const struct gate *gate, bool json, FILE *to);
/* Adds summary.md to the file that GITHUB_STEP_SUMMARY names. */
bool gate_append_summary(const struct gate *gate, const char *path, struct err *err);
/* Draws gate.svg and gate.png in the folder, where gate.tsv is already. */
bool gate_chart(const struct gate *gate, const char *folder, struct err *err);
/* Removes those of an earlier gate. */
bool gate_remove_chart(const char *folder, struct err *err);

#endif
