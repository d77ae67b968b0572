/* How two samples differ that were taken apart: no value of one belongs to a value of the other. */
#ifndef BENCH_STORED_INDEPENDENT_H
#define BENCH_STORED_INDEPENDENT_H

#include "base/stats.h"

struct difference {
	/* The median of new / old over all pairs of an old and a new value (J. L. Hodges, E. L.
	 * Lehmann: Estimates of Location Based on Rank Tests, 1963), of logarithms; NaN where a
	 * value of 0 has none. */
	double ratio;
	/* Of that ratio: what the exact test of Mann and Whitney does not reject (M. Hollander,
	 * D. A. Wolfe, E. Chicken: Nonparametric Statistical Methods, 3rd edition, 4.3). It has
	 * 95 % if both are alike but for a factor, whatever their distribution; equal values make
	 * it wider, not narrower. It knows nothing of a machine that is slower today. */
	struct interval ci95;
	/* The probability that a new value is larger than an old one, equal ones by half: A. Vargha
	 * and H. D. Delaney's A, 2000. 0.5: neither is. */
	double larger;
};

/* Both sorted upwards, of finite values that are not negative; m, n >= 1. */
struct difference independent_difference(const double *old, size_t m, const double *new, size_t n);
/* From 1: the interval goes from the k-th smallest to the k-th largest of the m * n ratios; 0:
 * there are too few values for one. Exact for up to INDEPENDENT_EXACT values on both sides, else by
 * the normal distribution, rounded so that the interval is rather too wide. */
#define INDEPENDENT_EXACT 30
size_t independent_rank(size_t m, size_t n);

#endif
