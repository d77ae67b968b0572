/* Which cells lie side by side in the charts, and which have the same colour. */
#ifndef PLOTS_ARRANGE_H
#define PLOTS_ARRANGE_H

#include "plots/findings.h"

/* Makes the groups and series of the cells with samples, and sets the cells' own. False: no memory.
 */
bool arrange_cells(struct findings *findings);

#endif
