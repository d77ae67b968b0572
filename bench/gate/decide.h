/* When pairs of measurements are enough to say that one side is worse than the other, or that it is
 * not: a sign test that looks again and again.
 *
 * A pair is two fresh processes, one of each side, one right after the other in an order that a
 * coin decides. If both sides are the same program each of the two is as likely to be the larger
 * one, whatever the machine does meanwhile: drift, bursts, skew and dependence between pairs are
 * all allowed (R. A. Fisher, The Design of Experiments, 1935, section 21). So what is decided on is
 * how many pairs are worse, not by how much: the bound of FAIL holds for all noise. That of PASS is
 * for pairs that say each something new: a candidate that is no worse as long as the gate lasts,
 * and is at other times, passes.
 *
 * The rules, at each look:
 *   FAIL  so many pairs are worse that equal programs would show it at one of all looks in fewer
 *         than DECIDE_FALSE_FAIL, and the median pair is beyond what is allowed;
 *   PASS  so few pairs are beyond what is allowed that a candidate whose median is there would show
 *         it at one of all looks in fewer than DECIDE_FALSE_PASS: a proof of "not slower than
 *         that", not an absence of proof;
 *   else more pairs, to the end of what may be spent; then nothing is known.
 * What fails must fail again in fresh pairs (decide_confirms). Those are few and looked at once, so
 * less is asked of them: the two together are what keeps false alarms away, and a confirmation that
 * asks for as much as the looks would lose most of what they found in noise.
 *
 * A coin for each pair, not for two: two pairs of one coin are not two tosses, and no bound holds.
 */
#ifndef BENCH_GATE_DECIDE_H
#define BENCH_GATE_DECIDE_H

#include "base/stats.h"

#include <stdbool.h>
#include <stddef.h>

/* Pairs between two looks; the most pairs; fresh pairs in which what has failed must fail again,
 * the fewest and the most. */
#define DECIDE_LOOK 20
#define DECIDE_MOST 640
#define DECIDE_CONFIRM 40
#define DECIDE_CONFIRM_MOST (DECIDE_MOST / 2)
/* Of the interval that is shown; nothing is decided by it. */
#define DECIDE_CONFIDENCE 0.99
/* Upper bounds, of all looks together: of equal programs that FAIL, before that is confirmed, and
 * of a candidate that PASSes and is exactly as bad as may not be. */
#define DECIDE_FALSE_FAIL 0.0012
#define DECIDE_FALSE_PASS 0.00005
/* Of equal programs that fail once more, in however many pairs: the quantity of a cell that took
 * most to fail says how many there are for all. */
#define DECIDE_FALSE_CONFIRM 0.1
/* Of 'smallest' below. */
#define DECIDE_POWER 0.9

/* Any quantity of which less is better; finite and not negative. */
struct pair {
	double baseline, candidate;
};

/* What is no regression yet: a candidate of up to baseline * (1 + delta) + slack. The slack is for
 * counts of few events, and for those that are zero. */
struct allowance {
	double delta, slack;
};

enum decision { DECIDE_MORE, DECIDE_FAIL, DECIDE_PASS };

/* The decision of n pairs. Which n there is a look at is the caller's business: the bounds are
 * those of a look after every DECIDE_LOOK, DECIDE_MOST at most. */
enum decision decide(const struct pair *pairs, size_t n, struct allowance allowed);
/* How many of n pairs are at or beyond what is allowed, and how many may be to PASS. */
struct beyond {
	size_t pairs, most;
};
struct beyond decide_beyond(const struct pair *pairs, size_t n, struct allowance allowed);
/* How many fresh pairs confirm what failed in n: where many were needed few would lose it again. */
size_t decide_confirm_pairs(size_t n);
/* Whether fresh pairs confirm a FAIL. */
bool decide_confirms(const struct pair *pairs, size_t n, struct allowance allowed);

/* How large the difference is, as candidate / baseline. */
struct effect {
	double ratio; /* the median; NaN where a baseline or a candidate of 0 makes it none */
	struct interval ci99;
	/* The smallest slow-down, as a ratio, that as many pairs which spread as these do would
	 * have shown, and 40 fresh ones confirmed, with the probability DECIDE_POWER; NaN as above,
	 * and where no slow-down could have been seen in so few. */
	double smallest;
};

/* 'scratch' has room for n. */
struct effect decide_effect(const struct pair *pairs, size_t n, struct allowance allowed,
			    double *scratch);

/* The probability that one quantity of two equal programs FAILs at one of the looks up to n pairs,
 * and is confirmed when 'confirmed', if the noise is so large that every worse pair is beyond what
 * is allowed, and no two measurements are equal: an upper bound for all noise. */
double decide_false_alarm(size_t n, bool confirmed);

#endif
