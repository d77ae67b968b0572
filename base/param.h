/* Options as rows: what can be given on a command line, to a workload or to a lock model. Help,
 * parsing, defaults, "did you mean" and the JSON of a run all come from the rows. */
#ifndef BASE_PARAM_H
#define BASE_PARAM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum param_kind {
	PARAM_NUMBER, /* whole, with k, M, G (powers of 1000) allowed */
	PARAM_TIME,   /* nanoseconds; 'ns', 'us', 'ms', 's' allowed, bare is nanoseconds */
	PARAM_CHOICE, /* one of a null-ended list */
	PARAM_FLAG,   /* given or not; takes no value */
	PARAM_TEXT,   /* anything; checked by its reader */
};

struct param {
	const char *name; /* without the dashes; null ends a table */
	enum param_kind kind;
	const char *fallback; /* the default, as it would be typed; null: none */
	uint64_t low, high;   /* PARAM_NUMBER and PARAM_TIME, both inclusive */
	const char *const *choices;
	const char *value; /* the value's name in help, as in '--size N' */
	const char *help;  /* one line */
	bool other_work;   /* of a workload: another value is other work, with other checksums or
			      costs */
};

#define PARAM_TIMES 16

/* One parsed option; 'number' for NUMBER, TIME, FLAG (0 or 1) and CHOICE (its index). */
struct param_value {
	const struct param *row;
	const char *text;
	uint64_t number;
	bool given;
	const char *texts[PARAM_TIMES]; /* each time it was given; the last one counts */
	size_t times;
};

#define PARAM_MAX 40

struct param_set {
	struct param_value values[PARAM_MAX];
	size_t count;
};

/* Adds the rows of a table with their defaults; the table must outlive the set. */
void param_set_add(struct param_set *set, const struct param *rows);
/* Sets one by its text. Fails with what the value should have been. */
bool param_set_text(struct param_set *set, const char *name, const char *text, struct err *err);
/* Reads '--name value', '--name=value', '--flag', and '-o' for '--output', '-h' for '--help'. Stops
 * at '--' or at the first word that is no option; *next is its index. Unknown names fail with the
 * nearest one. */
bool param_set_parse(struct param_set *set, int argc, char *const argv[], int *next,
		     struct err *err);
/* Sets a number that was found out rather than given. */
void param_set_number(struct param_set *set, const char *name, uint64_t number);
/* By name; the name must be in the set (asserted). */
const struct param_value *param_get(const struct param_set *set, const char *name);
uint64_t param_number(const struct param_set *set, const char *name);
const char *param_text(const struct param_set *set, const char *name);
/* Prints a line per option. */
void param_help(const struct param *rows, FILE *to);

/* The nearest of the names to the word, null when none is near enough to be meant. */
const char *param_nearest(const char *word, const char *const *names, size_t count);
/* Fails with "unknown WHAT 'word'; did you mean 'near'?", or lists the names when none is near. */
bool param_unknown(const char *what, const char *word, const char *const *names, size_t count,
		   struct err *err);

#endif
