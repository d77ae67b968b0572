/* Which cells are measured: the suite's own rows, narrowed or replaced by what the user asked for.
 */
#ifndef BENCH_MATRIX_H
#define BENCH_MATRIX_H

#include "base/param.h"
#include "bench/cell.h"

#define CELLS_MAX 1024

struct matrix {
	struct cell *cells; /* CELLS_MAX */
	size_t count;
};

/* Fills the matrix from the options --full, --workload, --mode, --gil, --workers, --size and --set.
 * Unknown workloads fail here; the workload itself checks the rest (sample_check). */
bool matrix_fill(struct matrix *matrix, const struct param_set *options, struct err *err);
/* Keeps each setting of --set only in the cells whose workload or lock model takes it; 'folder' is
 * where the workloads are. A setting that none takes fails. */
bool matrix_settle(struct matrix *matrix, const struct param_set *options, const char *folder,
		   struct err *err);
void matrix_finish(struct matrix *matrix);

#endif
