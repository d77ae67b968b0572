/* Makes the tick of a C workload as long as an interpreter's: both do the same work, one after the
 * other, and take the same time. */
#ifndef BENCH_LIKE_H
#define BENCH_LIKE_H

#include "bench/calibrate.h"
#include "bench/runtime.h"

/* The runtime of '--like WORD', a name or NAME=COMMAND; one of 'runtimes' when it has that name,
 * else 'own'. It must be an interpreter, and here. Null with the reason. */
struct runtime *like_find(struct runtimes *runtimes, struct runtimes *own,
			  const struct param_value *word, const char *folder, struct err *err);
/* Refuses what makes no sense beside --like: no C cells, or a tick that is given. */
bool like_check(const struct matrix *matrix, struct err *err);
/* Finds size and tick_spins of the cells of which 'first' is the first, by pairs of fresh
 * processes; the tick of a workload that mostly waits cannot be seen in its time, and is that of
 * countdown. */
bool like_fit(struct sampler *sampler, const struct matrix *matrix, const struct cell *first,
	      struct calibration *found, struct err *err);

#endif
