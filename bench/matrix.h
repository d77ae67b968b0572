/* Which cells are measured: the suite's own rows, narrowed or replaced by what the user asked for.
 */
#ifndef BENCH_MATRIX_H
#define BENCH_MATRIX_H

#include "base/param.h"
#include "bench/cell.h"

#define CELLS_MAX 1024

struct suite_row;

struct matrix {
	struct cell *cells; /* CELLS_MAX */
	size_t count;
	/* Set by the caller, whose they stay. */
	struct runtimes *runtimes;     /* null: the C binaries alone */
	struct runtime *like;          /* whose tick the C cells get; null: their own */
	const char *folder;            /* where the workloads are */
	const struct suite_row *suite; /* null: the quick one, or with --full the full one */
};

/* Fills the matrix from the options --full, --workload, --mode, --gil, --workers, --size and --set,
 * for each runtime that is here. Modes that an interpreter does not have are no cells, unless they
 * were asked for and no runtime has them. Unknown workloads fail here; the workload itself checks
 * the rest (sample_check). */
bool matrix_fill(struct matrix *matrix, const struct param_set *options, struct err *err);
/* Keeps each setting of --set only in the cells whose workload, lock model or mode takes it, and
 * makes of each cell that takes what --sweep varies one per value. A name that none takes fails. */
bool matrix_settle(struct matrix *matrix, const struct param_set *options, struct err *err);
void matrix_finish(struct matrix *matrix);

#endif
