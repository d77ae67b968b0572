/* Rows of tab-separated values, as gnuplot and everybody else reads them. */
#ifndef PLOTS_TSV_H
#define PLOTS_TSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct tsv {
	FILE *to;
	bool begun; /* the row has a field */
};

/* Tabs, line ends and double quotes, which would end the field or open one, become spaces. */
void tsv_text(struct tsv *row, const char *text);
void tsv_count(struct tsv *row, uint64_t value);
/* NaN where it is not known. */
void tsv_number(struct tsv *row, double value);
void tsv_end(struct tsv *row);

#endif
