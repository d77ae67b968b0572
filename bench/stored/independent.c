/* The distribution of Mann and Whitney's statistic, and the order statistics of all m * n ratios
 * without making them: they are counted in sorted values. */
#include "bench/stored/independent.h"

#include <math.h>

#define ALPHA 0.05
#define NORMAL_QUANTILE 1.959963984540054 /* of 1 - ALPHA / 2 */
#define HALVINGS 100                      /* of a range of ratios: to the last bit long before */
#define U_MOST (INDEPENDENT_EXACT * INDEPENDENT_EXACT / 2)

/* How many pairs are in order, if all orders of the m + n values are equally likely: probabilities
 * of 0 to U_MOST, by which sample has the largest value. row[j] is that of i values against j. */
static void exact_distribution(size_t m, size_t n, double (*row)[U_MOST + 1])
{
	for (size_t j = 0; j <= n; j++) {
		for (size_t u = 0; u <= U_MOST; u++)
			row[j][u] = u == 0;
	}
	for (size_t i = 1; i <= m; i++) {
		for (size_t j = 1; j <= n; j++) {
			const double first = (double)i / (double)(i + j);

			for (size_t u = U_MOST + 1; u-- > 0;) {
				const double before = u >= j ? row[j][u - j] : 0;

				row[j][u] = first * before + (1 - first) * row[j - 1][u];
			}
		}
	}
}

static size_t exact_rank(size_t m, size_t n)
{
	static double row[INDEPENDENT_EXACT + 1][U_MOST + 1];
	double tail = 0;
	size_t k = 0;

	exact_distribution(m, n, row);
	for (; k < m * n / 2; k++) {
		tail += row[n][k];
		/* A hair of slack: rounding must not cost a rank. */
		if (tail > ALPHA / 2 * (1 + 1e-9))
			break;
	}
	return k;
}

size_t independent_rank(size_t m, size_t n)
{
	static size_t last_m, last_n, last_rank;
	const double pairs = (double)m * (double)n;
	double k;

	if (m > INDEPENDENT_EXACT || n > INDEPENDENT_EXACT) {
		k = floor(pairs / 2 - NORMAL_QUANTILE * sqrt(pairs * ((double)(m + n) + 1) / 12) -
			  0.5);
		return k < 1 ? 0 : (size_t)k;
	}
	/* All cells of two results are likely to have as many. */
	if (m != last_m || n != last_n) {
		last_rank = exact_rank(m, n);
		last_m = m;
		last_n = n;
	}
	return last_rank;
}

struct both {
	const double *old, *new; /* sorted */
	size_t m, n;
};

/* How many of the pairs have a ratio new / old of at most 'limit'. */
static double count_up_to(const struct both *both, double limit)
{
	double count = 0;
	size_t low = 0;

	/* The larger the new value, the larger an old one must be beside it. */
	for (size_t i = 0; i < both->n; i++) {
		while (low < both->m && both->old[low] * limit < both->new[i])
			low++;
		count += (double)(both->m - low);
	}
	return count;
}

/* The rank-th smallest ratio, from 1; all values are above 0. */
static double ratio_at(const struct both *both, double rank)
{
	double low = both->new[0] / both->old[both->m - 1] / 2;
	double high = both->new[both->n - 1] / both->old[0] * 2;

	for (int i = 0; i < HALVINGS; i++) {
		const double middle = sqrt(low * high);

		if (middle <= low || middle >= high)
			break;
		if (count_up_to(both, middle) >= rank)
			high = middle;
		else
			low = middle;
	}
	return high;
}

/* P(new > old) + P(new = old) / 2 */
static double larger(const struct both *both)
{
	double score = 0;
	size_t below = 0, up_to = 0;

	for (size_t i = 0; i < both->n; i++) {
		while (below < both->m && both->old[below] < both->new[i])
			below++;
		while (up_to < both->m && both->old[up_to] <= both->new[i])
			up_to++;
		score += (double)(below + up_to) / 2;
	}
	return score / ((double)both->m * (double)both->n);
}

struct difference independent_difference(const double *old, size_t m, const double *new, size_t n)
{
	const struct both both = { old, new, m, n };
	const double pairs = (double)m * (double)n;
	const double rank = (double)independent_rank(m, n);
	struct difference found = { .ratio = NAN, .larger = larger(&both) };

	if (!(old[0] > 0) || !(new[0] > 0))
		return found;
	found.ratio = sqrt(ratio_at(&both, floor((pairs + 1) / 2)) *
			   ratio_at(&both, floor((pairs + 2) / 2)));
	if (rank < 1)
		return found;
	found.ci95.known = true;
	found.ci95.low = ratio_at(&both, rank);
	found.ci95.high = ratio_at(&both, pairs + 1 - rank);
	return found;
}
