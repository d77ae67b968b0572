/* Runs gnuplot. */
#ifndef PLOTS_DRAW_H
#define PLOTS_DRAW_H

#include "base/err.h"

/* What all charts of one result have in common. */
struct drawing {
	const char *scripts; /* the folder of the gnuplot scripts */
	const char *folder;  /* of the tables and the pictures */
	char foot[2][300];   /* the lines below a chart */
};

/* Is there a gnuplot on the PATH? */
bool draw_possible(void);
/* NAME.tsv to NAME.FORMAT, by NAME.gp. The picture is there whole or not at all. */
bool draw_figure(const struct drawing *drawing, const char *name, const char *format,
		 struct err *err);

#endif
