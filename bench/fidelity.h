/* How well a lock model stands for its interpreter: what is compared, and how it is shown. */
#ifndef BENCH_FIDELITY_H
#define BENCH_FIDELITY_H

#include "bench/matrix.h"

#include <stdio.h>

#define FIDELITY_ROWS 128

/* One quantity of an interpreter and of its model. */
struct fidelity_row {
	char runtime[32], version[64];
	const char *model, *quantity, *unit;
	double interpreter, model_value; /* negative: not known */
	struct interval interpreter_ci95, model_ci95;
	const char *note; /* what explains a difference, known from the source; null: nothing */
};

struct fidelity {
	struct fidelity_row rows[FIDELITY_ROWS];
	size_t count;
};

/* Within so much of each other. */
#define FIDELITY_GOAL 0.10

/* The model that stands for an interpreter of that version. */
const char *fidelity_model(const struct runtime *runtime);
/* How many echoes of the convoy last about a second under that model. */
uint64_t fidelity_echoes(const char *model);
/* Adds the quantities that the cells of a matrix have: those of 'runtime', and of the C binaries in
 * mode gil (or processes). */
void fidelity_add(struct fidelity *fidelity, const struct matrix *matrix,
		  const struct runtime *runtime);
/* One more, of which quantity, unit and values are given. */
void fidelity_add_row(struct fidelity *fidelity, const struct runtime *runtime,
		      struct fidelity_row row);
void fidelity_print(const struct fidelity *fidelity, FILE *to);
void fidelity_tsv(const struct fidelity *fidelity, FILE *to);

#endif
