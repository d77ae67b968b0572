/* The contract of a figure: a table that its gnuplot script NAME.gp draws, and what the table shows
 * in words. A figure is one file NAME.c that ends in a const struct, its script, and one word in
 * the list of meson.build. */
#ifndef PLOTS_FIGURE_H
#define PLOTS_FIGURE_H

#include "plots/arrange.h"

#include <stdio.h>

struct figure {
	const char *name;
	const char *title;
	const char *columns; /* of the table, with tabs between them */
	const char *lacking; /* a sentence: what the result would need to have for rows */
	/* Writes the rows; returns how many there are. */
	size_t (*rows)(const struct findings *findings, FILE *to);
	/* One to three sentences, plain text; asked only when there are rows. */
	void (*tell)(const struct findings *findings, FILE *to);
};

extern const struct figure *const figures[];

#endif
