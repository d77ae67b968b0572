/* Robust statistics of samples: no mean, no normal distribution. */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct interval {
	double low, high;
	bool known; /* false: too few samples for the confidence asked for */
};

/* Sorts in place, upwards. */
void stats_sort(double *values, size_t n);
/* The functions below take sorted values, n >= 1. */
double stats_median(const double *sorted, size_t n);
/* By linear interpolation between the closest ranks; p from 0 to 1. */
double stats_quantile(const double *sorted, size_t n, double p);
/* The interval of the median from order statistics, exact for every distribution: the k-th smallest
 * to the k-th largest, with the largest k for which both binomial(n, 1/2) tails together stay at or
 * below 1 - confidence. (David, Nagaraja: Order Statistics, 7.1.) */
struct interval stats_median_interval(const double *sorted, size_t n, double confidence);
/* The rank k of that interval, from 1; 0 when there is none. */
size_t stats_median_rank(size_t n, double confidence);
/* The median distance from the median. Allocates nothing: 'scratch' has room for n. */
double stats_mad(const double *sorted, size_t n, double *scratch);

#endif
