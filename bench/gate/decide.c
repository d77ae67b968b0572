/* Counts signs. */
#include "bench/gate/decide.h"

#include <math.h>

/* What each look may add to the false passes. */
static double pass_confidence(void)
{
	const size_t looks = DECIDE_MOST / DECIDE_LOOK;

	return 1 - 2 * DECIDE_FALSE_PASS / (double)looks;
}

enum decision decide(const struct pair *pairs, size_t n, struct allowance allowed)
{
	const size_t fail_rank = stats_median_rank(n, DECIDE_CONFIDENCE);
	const size_t pass_rank = stats_median_rank(n, pass_confidence());
	size_t worse = 0, beyond = 0, inside = 0;

	for (size_t i = 0; i < n; i++) {
		const double limit = pairs[i].baseline * (1 + allowed.delta) + allowed.slack;

		worse += pairs[i].candidate > pairs[i].baseline;
		beyond += pairs[i].candidate > limit;
		inside += pairs[i].candidate < limit;
	}
	/* The k-th smallest difference is above nothing when fewer than k are not. */
	if (fail_rank > 0 && n - worse < fail_rank && beyond > n / 2)
		return DECIDE_FAIL;
	/* The k-th largest is inside when fewer than k are not. */
	if (pass_rank > 0 && n - inside < pass_rank)
		return DECIDE_PASS;
	return DECIDE_MORE;
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

/* P(a fair coin shows heads fewer than 'rank' times in n). */
static double tail(size_t n, size_t rank)
{
	double sum = 0;

	for (size_t k = 0; k < rank; k++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)k + 1) -
			   lgamma((double)(n - k) + 1) - (double)n * log(2));
	return sum;
}

double decide_false_alarm(size_t n, bool confirmed)
{
	double sum = 0;

	for (size_t look = DECIDE_LOOK; look <= n; look += DECIDE_LOOK)
		sum += tail(look, stats_median_rank(look, DECIDE_CONFIDENCE));
	if (confirmed)
		sum *= tail(DECIDE_CONFIRM, stats_median_rank(DECIDE_CONFIRM, DECIDE_CONFIDENCE));
	return fmin(sum, 1);
}
