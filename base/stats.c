/* Medians and their exact intervals. */
#include "base/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
}

double stats_quantile(const double *sorted, size_t n, double p)
{
	const double at = p * (double)(n - 1);
	const size_t below = (size_t)at;

	assert(n > 0);
	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

double stats_median(const double *sorted, size_t n)
{
	return stats_quantile(sorted, n, 0.5);
}

/* The terms C(n, k) / 2^n one from the other; in logarithms while they are too small for a double,
 * and for the tail. */
size_t stats_median_rank(size_t n, double confidence)
{
	const double allowed = (1 - confidence) / 2;
	double log_term = -(double)n * log(2), tail = 0;
	size_t k = 0;

	for (; log_term < -600 && k < n / 2; k++)
		log_term += log((double)(n - k) / (double)(k + 1));
	for (double term = exp(log_term); k < n / 2; k++) {
		/* A hair of slack: 2^-n is exact, its logarithm is not. */
		if (tail + term > allowed * (1 + 1e-9))
			break;
		tail += term;
		term *= (double)(n - k) / (double)(k + 1);
	}
	return k;
}

struct interval stats_median_interval(const double *sorted, size_t n, double confidence)
{
	const size_t k = stats_median_rank(n, confidence);

	if (k == 0)
		return (struct interval){ 0 };
	return (struct interval){ .low = sorted[k - 1], .high = sorted[n - k], .known = true };
}

double stats_mad(const double *sorted, size_t n, double *scratch)
{
	const double median = stats_median(sorted, n);

	for (size_t i = 0; i < n; i++)
		scratch[i] = fabs(sorted[i] - median);
	stats_sort(scratch, n);
	return stats_median(scratch, n);
}
