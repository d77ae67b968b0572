/* Counts signs. */
#include "bench/gate/decide.h"

#include <math.h>

/* The k for which fewer than k of n fair coins show heads with at most this probability. */
static size_t rank_at(size_t n, double probability)
{
	return stats_median_rank(n, 1 - 2 * probability);
}

/* Of what may go wrong at one of all looks, the share of one. */
static double per_look(double probability)
{
	const size_t looks = DECIDE_MOST / DECIDE_LOOK;

	return probability / (double)looks;
}

struct signs {
	size_t worse, beyond, inside;
};

static struct signs count_signs(const struct pair *pairs, size_t n, struct allowance allowed)
{
	struct signs signs = { 0 };

	for (size_t i = 0; i < n; i++) {
		const double limit = pairs[i].baseline * (1 + allowed.delta) + allowed.slack;

		signs.worse += pairs[i].candidate > pairs[i].baseline;
		signs.beyond += pairs[i].candidate > limit;
		signs.inside += pairs[i].candidate < limit;
	}
	return signs;
}

/* An order statistic is above nothing when fewer than its rank are not. */
static bool is_worse(struct signs signs, size_t n, double probability)
{
	return n - signs.worse < rank_at(n, probability) && signs.beyond > n / 2;
}

enum decision decide(const struct pair *pairs, size_t n, struct allowance allowed)
{
	const struct signs signs = count_signs(pairs, n, allowed);

	if (is_worse(signs, n, per_look(DECIDE_FALSE_FAIL)))
		return DECIDE_FAIL;
	if (n - signs.inside < rank_at(n, per_look(DECIDE_FALSE_PASS)))
		return DECIDE_PASS;
	return DECIDE_MORE;
}

bool decide_confirms(const struct pair *pairs, size_t n, struct allowance allowed)
{
	return is_worse(count_signs(pairs, n, allowed), n, DECIDE_FALSE_CONFIRM);
}

struct effect decide_effect(const struct pair *pairs, size_t n, struct allowance allowed,
			    double *scratch)
{
	struct effect effect = { .ratio = NAN, .smallest = NAN };
	double least;

	for (size_t i = 0; i < n; i++) {
		if (!(pairs[i].baseline > 0) || !(pairs[i].candidate > 0))
			return effect;
		scratch[i] = log(pairs[i].candidate / pairs[i].baseline);
	}
	if (n == 0)
		return effect;
	stats_sort(scratch, n);
	effect.ratio = exp(stats_median(scratch, n));
	effect.ci99 = stats_median_interval(scratch, n, DECIDE_CONFIDENCE);
	if (!effect.ci99.known)
		return effect;
	least = log1p(allowed.delta);
	effect.smallest = exp(fmax(least, stats_median(scratch, n) - effect.ci99.low));
	effect.ci99.low = exp(effect.ci99.low);
	effect.ci99.high = exp(effect.ci99.high);
	return effect;
}

/* What is left of a random walk of fair coins that have not shown enough heads at a look yet:
 * alive[h] is P(h heads, and going on). Moves it by one coin. */
static void toss(double *alive, size_t tossed)
{
	alive[tossed + 1] = alive[tossed] / 2;
	for (size_t heads = tossed; heads > 0; heads--)
		alive[heads] = (alive[heads] + alive[heads - 1]) / 2;
	alive[0] /= 2;
}

/* P(so many heads that those who are not are fewer than the rank); they go on no more. */
static double take_beyond(double *alive, size_t tossed, size_t rank)
{
	double sum = 0;

	for (size_t heads = tossed + 1 - rank; heads <= tossed; heads++) {
		sum += alive[heads];
		alive[heads] = 0;
	}
	return sum;
}

double decide_false_alarm(size_t n, bool confirmed)
{
	double alive[DECIDE_MOST + 1] = { 1 }, sum = 0;

	for (size_t tossed = 1; tossed <= n && tossed <= DECIDE_MOST; tossed++) {
		toss(alive, tossed - 1);
		if (tossed % DECIDE_LOOK == 0)
			sum += take_beyond(alive, tossed,
					   rank_at(tossed, per_look(DECIDE_FALSE_FAIL)));
	}
	if (confirmed) {
		double fresh[DECIDE_CONFIRM + 1] = { 1 };

		for (size_t tossed = 0; tossed < DECIDE_CONFIRM; tossed++)
			toss(fresh, tossed);
		sum *= take_beyond(fresh, DECIDE_CONFIRM,
				   rank_at(DECIDE_CONFIRM, DECIDE_FALSE_CONFIRM));
	}
	return sum;
}
