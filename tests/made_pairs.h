/* Made-up measurements of two programs on machines whose noise is known, and what the gate's whole
 * rule says of them: by trials, and where pairs do not depend on each other exactly. */
#ifndef TESTS_MADE_PAIRS_H
#define TESTS_MADE_PAIRS_H

#include "bench/gate/decide.h"

#include <stdbool.h>
#include <stdint.h>

struct weather;

/* How a machine's measurements are distributed. A measurement is a value that depends on the
 * program alone, times a level that depends on when it was taken. */
struct stream {
	const char *name, *what;
	/* The value at a random place from 0 to 1, for a program that takes 'load' times as long,
	 * or has 'load' events. */
	double (*value)(const struct stream *stream, double place, double load);
	double noise;                            /* for 'value' */
	void (*change)(struct weather *weather); /* the level, before each; null: it stays 1 */
	double second; /* times as long for the second of a pair; 0: no longer */
	struct allowance allowed;
	double load; /* of the baseline */
	/* So quiet that a slow-down of twice what is allowed is found in 99 %; so noisy that
	 * nothing can be. */
	bool quiet, blind;
};

extern const struct stream streams[];
extern const size_t stream_count;

/* What came of a number of gates of one quantity of one cell; as probabilities, 'trials' is 1. */
struct outcome {
	double trials;
	double failed, confirmed; /* at a look; in fresh pairs as well */
	double passed;
	double pairs; /* of all trials, those of confirmations too */
};

/* 'excess': how much worse the candidate is, in times of what is allowed; 0: both are equal. */
struct outcome stream_try(const struct stream *stream, double excess, size_t trials, uint64_t seed);
/* Whether nothing but normal noise is in it: then it is outcome_of_normal's. */
bool stream_is_normal(const struct stream *stream);
/* Their logarithms differ by a normal distribution of this width around that of 'slow_down'. */
void make_normal_pairs(struct pair *pairs, size_t n, double width, double slow_down, uint64_t seed);
/* Of a stream whose pairs do not depend on each other, and whose logarithms differ by a normal
 * distribution of this width; 5 % are allowed. */
struct outcome outcome_of_normal(double width, double slow_down);
/* The least slow-down, as a ratio, that is found and confirmed with this probability there. */
double least_found(double width, double probability);
/* Of any for which the probabilities of a pair are known: that it is worse, and that it is beyond
 * what is allowed. */
struct outcome outcome_of(double worse, double beyond);

#endif
