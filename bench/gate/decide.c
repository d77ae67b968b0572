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

/* With candidates that are 'factor' times what they are. */
static struct signs count_signs(const struct pair *pairs, size_t n, struct allowance allowed,
				double factor)
{
	struct signs signs = { 0 };

	for (size_t i = 0; i < n; i++) {
		const double limit = pairs[i].baseline * (1 + allowed.delta) + allowed.slack;

		signs.worse += factor * pairs[i].candidate > pairs[i].baseline;
		signs.beyond += factor * pairs[i].candidate > limit;
		signs.inside += factor * pairs[i].candidate < limit;
	}
	return signs;
}

/* An order statistic is above nothing when fewer than its rank are not. */
static bool is_worse(struct signs signs, size_t n, double probability)
{
	return n - signs.worse < rank_at(n, probability) && signs.beyond > n / 2;
}

struct beyond decide_beyond(const struct pair *pairs, size_t n, struct allowance allowed)
{
	const size_t rank = rank_at(n, per_look(DECIDE_FALSE_PASS));

	return (struct beyond){ n - count_signs(pairs, n, allowed, 1).inside,
				rank > 0 ? rank - 1 : 0 };
}

enum decision decide(const struct pair *pairs, size_t n, struct allowance allowed)
{
	const struct signs signs = count_signs(pairs, n, allowed, 1);

	if (is_worse(signs, n, per_look(DECIDE_FALSE_FAIL)))
		return DECIDE_FAIL;
	if (n - signs.inside < rank_at(n, per_look(DECIDE_FALSE_PASS)))
		return DECIDE_PASS;
	return DECIDE_MORE;
}

size_t decide_confirm_pairs(size_t n)
{
	const size_t half = (n / 2 + DECIDE_LOOK - 1) / DECIDE_LOOK * DECIDE_LOOK;

	return half > DECIDE_CONFIRM ? half : DECIDE_CONFIRM;
}

bool decide_confirms(const struct pair *pairs, size_t n, struct allowance allowed)
{
	return is_worse(count_signs(pairs, n, allowed, 1), n, DECIDE_FALSE_CONFIRM);
}

/* P(at least k of n, of which each has this chance). */
static double at_least(size_t n, size_t k, double chance)
{
	double sum = 0;

	if (chance <= 0 || chance >= 1)
		return k <= (chance <= 0 ? 0 : n);
	for (; k <= n; k++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)k + 1) -
			   lgamma((double)(n - k) + 1) + (double)k * log(chance) +
			   (double)(n - k) * log1p(-chance));
	return sum;
}

/* That n pairs are worse in the sense of is_worse, each as likely as these shares. */
static double chance_of_worse(double worse, double beyond, size_t n, double probability)
{
	return fmin(at_least(n, n + 1 - rank_at(n, probability), worse),
		    at_least(n, n / 2 + 1, beyond));
}

/* That a slow-down is found in as many pairs that spread as these do, and confirmed. What more a
 * look finds than all before it is confirmed by as many pairs as that look asks for. */
static double chance_of_finding(const struct pair *pairs, size_t n, struct allowance allowed,
				double factor)
{
	const struct signs signs = count_signs(pairs, n, allowed, factor);
	const double worse = (double)signs.worse / (double)n;
	const double beyond = (double)signs.beyond / (double)n;
	double found = 0, sum = 0;

	for (size_t look = n % DECIDE_LOOK; look <= n; look += DECIDE_LOOK) {
		const size_t fresh = decide_confirm_pairs(look);
		const double chance =
			chance_of_worse(worse, beyond, look, per_look(DECIDE_FALSE_FAIL));

		if (chance <= found)
			continue;
		sum += (chance - found) *
		       chance_of_worse(worse, beyond, fresh, DECIDE_FALSE_CONFIRM);
		found = chance;
	}
	return sum;
}

/* By halving. 'ratio' is the median of these pairs. */
static double find_smallest(const struct pair *pairs, size_t n, struct allowance allowed,
			    double ratio)
{
	double low = 1, high = 1000;

	if (chance_of_finding(pairs, n, allowed, high / ratio) < DECIDE_POWER)
		return NAN;
	while (high / low > 1.001) {
		const double middle = sqrt(low * high);

		if (chance_of_finding(pairs, n, allowed, middle / ratio) < DECIDE_POWER)
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct effect decide_effect(const struct pair *pairs, size_t n, struct allowance allowed,
			    double *scratch)
{
	struct effect effect = { .ratio = NAN, .smallest = NAN };

	for (size_t i = 0; i < n; i++) {
		if (!(pairs[i].baseline > 0) || !(pairs[i].candidate > 0))
			return effect;
		scratch[i] = log(pairs[i].candidate / pairs[i].baseline);
	}
	if (n == 0)
		return effect;
	stats_sort(scratch, n);
	effect.ratio = exp(stats_median(scratch, n));
	effect.smallest = find_smallest(pairs, n, allowed, effect.ratio);
	effect.ci99 = stats_median_interval(scratch, n, DECIDE_CONFIDENCE);
	if (!effect.ci99.known)
		return effect;
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
	return confirmed ? sum * DECIDE_FALSE_CONFIRM : sum;
}
