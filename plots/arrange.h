/* Which cells lie side by side in the charts, and which have the same colour. */
#ifndef PLOTS_ARRANGE_H
#define PLOTS_ARRANGE_H

#include "bench/stored/findings.h"

/* What lies side by side in a chart: one workload of one runtime, one size, one set of its options.
 */
struct group {
	char name[200];
	const char *workload, *runtime;
};

/* What keeps its colour through all charts: a mode or a lock model, with its options where these
 * differ between cells. */
struct series {
	char name[120];
	const char *mode, *gil;
	unsigned rank, slot; /* the order in charts; the colour in style.gp, from 1 */
};

/* Makes the groups and series of the cells with samples, and sets the cells' own. Fails when there
 * is no memory. */
bool arrange_cells(struct findings *findings, struct err *err);

/* The number of workers at which a group's series are best compared: 2, as the experiments of the
 * literature have it, else the largest that all its series have. */
uint64_t arranged_workers(const struct findings *findings, size_t group);
/* The cell with samples at that point; null when there is none. */
const struct cell *arranged_cell(const struct findings *findings, size_t group, size_t series,
				 uint64_t workers);
/* The series of a mode, and of a lock model by its name; null when there is none. */
const struct series *arranged_series(const struct findings *findings, const char *mode,
				     const char *gil);

#endif
