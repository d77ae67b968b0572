/* A result that was stored, or one side of a gate's verdict, with all its samples: what is exported
 * and compared. */
#ifndef BENCH_STORED_STORED_H
#define BENCH_STORED_STORED_H

#include "base/param.h"
#include "bench/stored/findings.h"

#include <limits.h>

/* The rows of the table, in its order. */
enum quantity_id {
	QUANTITY_TIME,
	QUANTITY_WALL,
	QUANTITY_CPU,
	QUANTITY_TAKES,
	QUANTITY_CONTENDED,
	QUANTITY_FORCED,
	QUANTITY_SWITCHES,
	QUANTITY_VOLUNTARY,
	QUANTITY_INVOLUNTARY,
	QUANTITY_FUTEX,
	QUANTITY_P50,
	QUANTITY_P90,
	QUANTITY_P99,
	QUANTITY_P999,
	QUANTITY_MAX,
	QUANTITIES
};

/* Of all of them less is better. */
struct quantity {
	const char *name; /* one word, the same in all formats; those of the gate have its names */
	const char *unit; /* "ns", "events" */
	const char *what; /* for people */
};

extern const struct quantity quantities[QUANTITIES];

/* The values of a quantity in the order in which the samples were taken; none at all unless each
 * sample knows it. Calls of futex may be of samples of their own, another number of them. */
struct column {
	double *values;
	size_t n;
};

struct samples {
	struct column of[QUANTITIES];
};

struct stored {
	char path[PATH_MAX];
	struct findings findings;
	struct samples *samples; /* of each cell of the findings; none of one that failed */
	const json_t *host;      /* the object in the file */
};

struct stored_part {
	const char *side; /* of a gate: "baseline" or "candidate"; null: it is a result */
	const char *cell; /* the id of this cell alone; null: all */
};
/* The word is a folder or a file of 'gilscope bench -o', or of 'gilscope gate -o'. To be freed also
 * after a failure. */
bool stored_read(struct stored *stored, const char *word, struct stored_part part, struct err *err);
void stored_free(struct stored *stored);
/* Whether the cell has samples that count. */
bool stored_has(const struct stored *stored, size_t cell);

/* Reads options and words in any order; at least 'least' words, at most 'most', else fails with
 * 'lacking' for what the words are. */
struct wanted_words {
	int least, most;
	const char *lacking;
};
bool stored_words(struct param_set *set, int argc, char *argv[], const struct wanted_words *wanted,
		  const char *words[], struct err *err);

#endif
