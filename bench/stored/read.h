/* Reads a JSON tree strictly. Every value is checked when it is used, and what is wrong is named by
 * its place in the file: "cells[3].summary.median_ns is not a number". */
#ifndef BENCH_STORED_READ_H
#define BENCH_STORED_READ_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* A value and the way to it; lives on the reader's stack, inside of its parent's life. */
struct place {
	const struct place *in; /* null: the whole file */
	const char *name;       /* null: an element of an array */
	size_t index;
	json_t *value;    /* null: there is none */
	const char *file; /* for the error */
};

struct place read_member(const struct place *in, const char *name);
struct place read_element(const struct place *in, size_t index);
/* Fails with the place and what is wrong with it. */
bool read_wrong(const struct place *at, const char *what, struct err *err);
/* Fails unless the value is of the kind; *null is set for a JSON null where 'null' is not null. */
bool read_object(const struct place *at, bool *null, struct err *err);
bool read_array(const struct place *at, bool *null, struct err *err);
/* Members. Texts live as long as the tree; the '_or_null' ones give null for a JSON null. */
bool read_text(const struct place *in, const char *name, const char **to, struct err *err);
bool read_text_or_null(const struct place *in, const char *name, const char **to, struct err *err);
bool read_bool(const struct place *in, const char *name, bool *to, struct err *err);
/* Whole and not negative. */
bool read_count(const struct place *in, const char *name, uint64_t *to, struct err *err);
bool read_number(const struct place *in, const char *name, double *to, struct err *err);
/* NaN for a JSON null. */
bool read_number_or_null(const struct place *in, const char *name, double *to, struct err *err);

#endif
