/* Files that are there whole or not at all: written as NAME.part and renamed at the end. */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include "base/err.h"

#include <limits.h>
#include <stdio.h>

struct output {
	char path[PATH_MAX], part[PATH_MAX]; /* an empty part: it is no file */
	FILE *to;
};

/* The name is 'stem' and 'ending' put together, in both functions. */
bool output_open(struct output *output, const char *folder, const char *stem, const char *ending,
		 struct err *err);
/* The file that a user named: a device or a pipe is written to as it is. */
bool output_open_path(struct output *output, const char *path, struct err *err);
/* Ends the writing and gives the file its name; removes it when something was not written. */
bool output_close(struct output *output, struct err *err);
/* Ends the writing and removes what was written. */
void output_drop(struct output *output);
/* For files that another program writes. */
bool output_name(struct output *output, const char *folder, const char *stem, const char *ending,
		 struct err *err);
bool output_rename(const struct output *output, struct err *err);
/* Removes a file of an earlier time, and its part; that there is none is no failure. */
bool output_remove(const char *folder, const char *stem, const char *ending, struct err *err);

#endif
