/* The samples of a cell in a result.json, as columns. */
#ifndef BENCH_STORED_SAMPLES_H
#define BENCH_STORED_SAMPLES_H

#include "bench/stored/read.h"
#include "bench/stored/stored.h"

/* 'cell' is the cell's object in the file. To be freed also after a failure. */
bool samples_read(const struct place *cell, struct samples *samples, struct err *err);
void samples_free(struct samples *samples);
/* The column for a quantity whose 'n' values are not known yet; null: no memory. */
double *samples_column(struct samples *samples, enum quantity_id id, size_t n);
/* Takes away each column in which a value is not known. */
void samples_keep_known(struct samples *samples);

#endif
