/* A format of other tools that results are exported to: one file that ends in a const struct, and
 * one word in that folder's meson.build. */
#ifndef COMMAND_FORMAT_H
#define COMMAND_FORMAT_H

#include "base/err.h"

#include <stdio.h>

struct stored;

struct format {
	const char *name;    /* as the other tool's users know it */
	const char *summary; /* one line: which tools read it */
	/* Writes the cells of a result; fails when it lacks what the format is for. Trouble with
	 * the stream stays in it. */
	bool (*result)(const struct stored *stored, FILE *to, struct err *err);
};

extern const struct format *const formats[];

#endif
