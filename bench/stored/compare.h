/* Two stored results beside each other: what of them can be compared, and how it differs. It
 * decides nothing; 'gilscope gate' does. */
#ifndef BENCH_STORED_COMPARE_H
#define BENCH_STORED_COMPARE_H

#include "bench/stored/independent.h"
#include "bench/stored/stored.h"

/* As a gate's. */
#define COMPARE_EXIT_NOT_COMPARABLE 4

enum age { OLD, NEW, AGES };

#define COMPARE_REASONS 6
#define COMPARE_REASON 300

struct compared_quantity {
	bool known; /* all samples of both know it */
	size_t n[AGES];
	double median[AGES];
	struct difference difference;
};

struct compared_cell {
	const char *id, *in;           /* "both", "old", "new" */
	const struct cell *cell[AGES]; /* null: it is in the other alone */
	char reason[COMPARE_REASON];   /* why the two cannot be compared; else empty */
	bool compared;
	struct compared_quantity of[QUANTITIES];
};

struct comparison {
	struct stored side[AGES];
	char reasons[COMPARE_REASONS][COMPARE_REASON]; /* why no cell can be compared */
	size_t reason_count;
	char warnings[COMPARE_REASONS][COMPARE_REASON];
	size_t warning_count;
	bool anyway; /* compared in spite of the reasons */
	struct compared_cell *cells;
	size_t count;
};

/* Sets the reasons and the warnings of the two as wholes. */
void comparable_results(struct comparison *comparison);
/* Sets the reason of a cell that is in both; empty: they can be compared. */
void comparable_cells(const struct comparison *comparison, struct compared_cell *cell);

/* What such a comparison is worth: one sentence, and what is worth more. */
extern const char compare_worth[];
/* For people; 'all': the quantities that are not told apart as well. */
void compare_print(const struct comparison *comparison, bool all, FILE *to);
/* Field by field as results/README.md has it. */
void compare_json(const struct comparison *comparison, FILE *to);
/* Whether old and new are told apart: the interval is beside 1, or where there is no ratio the
 * medians differ. */
bool compare_differs(const struct compared_quantity *quantity);

#endif
