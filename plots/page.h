/* index.html: the whole result on one page that needs no network and no script. */
#ifndef PLOTS_PAGE_H
#define PLOTS_PAGE_H

#include "plots/figure.h"

/* How a figure came out. */
struct outcome {
	const struct figure *figure;
	const char *format; /* of the picture to show; null: there is none */
	size_t rows;
	char why[400]; /* why there is no picture, a sentence */
};

/* Where things are. */
struct page_folders {
	const char *plots; /* of the style sheet */
	const char *to;    /* of the pictures, and where the page goes */
};

/* 'outcomes' ends with a null figure. */
bool page_write(const struct findings *findings, const struct outcome *outcomes,
		const struct page_folders *folders, struct err *err);

#endif
