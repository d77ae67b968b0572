/* One side of a gate's verdict.json, as if it were a result: for tools that compare two of them. */
#ifndef BENCH_STORED_VERDICT_H
#define BENCH_STORED_VERDICT_H

#include "bench/stored/stored.h"

/* Reads the file of stored->path. The samples are those of all pairs, confirming ones last. */
bool verdict_read(struct stored *stored, const char *side, struct err *err);

#endif
