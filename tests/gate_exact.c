/* What the gate's rule says of pairs that do not depend on each other, exactly: the probability of
 * each number of worse pairs and of those beyond what is allowed, from pair to pair. What they come
 * to is asked of the rule itself. */
#include "tests/made_pairs.h"

#include <math.h>
#include <string.h>

#define LOOKS (DECIDE_MOST / DECIDE_LOOK)
#define NEGLIGIBLE 1e-25

/* [worse][beyond]; rows of others than these are not kept. */
struct plane {
	double at[DECIDE_MOST + 1][DECIDE_MOST + 1];
	size_t from, to;
};

static struct plane planes[2];

static const struct allowance allowed = { .delta = 0.05 };

static void make(struct pair *pairs, size_t n, size_t worse, size_t beyond)
{
	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct pair){ 100, i < beyond ? 120 : i < worse ? 103 : 90 };
}

/* Of n pairs of which so many are worse, the fewest beyond for which there is no PASS, a FAIL, and
 * a confirmation. */
struct edge {
	size_t pass_ends, fail_begins, confirm_begins;
};

static bool is_beside_pass(const struct pair *pairs, size_t n)
{
	return decide(pairs, n, allowed) != DECIDE_PASS;
}

static bool is_fail(const struct pair *pairs, size_t n)
{
	return decide(pairs, n, allowed) == DECIDE_FAIL;
}

static bool is_confirmed(const struct pair *pairs, size_t n)
{
	return decide_confirms(pairs, n, allowed);
}

/* By halving: more that are beyond are never better. */
static size_t fewest(size_t n, size_t worse, bool (*is)(const struct pair *pairs, size_t n))
{
	struct pair pairs[DECIDE_MOST];
	size_t low = 0, high = worse + 1;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		make(pairs, n, worse, middle);
		if (is(pairs, n))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static const struct edge *edges_at(size_t n)
{
	static struct edge edges[LOOKS][DECIDE_MOST + 1];
	static bool known;

	for (size_t i = 0; i < LOOKS && !known; i++) {
		const size_t pairs = (i + 1) * DECIDE_LOOK;

		for (size_t w = 0; w <= pairs; w++)
			edges[i][w] = (struct edge){ fewest(pairs, w, is_beside_pass),
						     fewest(pairs, w, is_fail),
						     fewest(pairs, w, is_confirmed) };
	}
	known = true;
	return edges[n / DECIDE_LOOK - 1];
}

/* The plane of one pair more. */
static void add_pair(struct plane *to, const struct plane *from, double worse, double beyond)
{
	to->from = from->from;
	to->to = from->to + 1;
	for (size_t w = to->from; w <= to->to; w++) {
		const double *same = from->at[w];
		const double *less = w > from->from ? from->at[w - 1] : NULL;

		for (size_t b = 0; b <= w; b++) {
			double sum = w <= from->to ? (1 - worse) * same[b] : 0;

			if (less && b < w)
				sum += (worse - beyond) * less[b];
			if (less && b > 0)
				sum += beyond * less[b - 1];
			to->at[w][b] = sum;
		}
	}
}

static double row(const struct plane *plane, size_t worse)
{
	double sum = 0;

	for (size_t b = 0; b <= worse; b++)
		sum += plane->at[worse][b];
	return sum;
}

/* Those that are decided go on no more. Returns what FAILs. */
static double look(struct plane *plane, size_t n, struct outcome *outcome)
{
	const struct edge *edges = edges_at(n);
	double failed = 0;

	for (size_t w = plane->from; w <= plane->to; w++) {
		for (size_t b = 0; b < edges[w].pass_ends; b++) {
			outcome->passed += plane->at[w][b];
			plane->at[w][b] = 0;
		}
		for (size_t b = edges[w].fail_begins; b <= w; b++) {
			failed += plane->at[w][b];
			plane->at[w][b] = 0;
		}
	}
	while (plane->from < plane->to && row(plane, plane->from) < NEGLIGIBLE)
		plane->from++;
	while (plane->to > plane->from && row(plane, plane->to) < NEGLIGIBLE)
		plane->to--;
	return failed;
}

static void start(void)
{
	planes[0].from = planes[0].to = 0;
	planes[0].at[0][0] = 1;
}

static double share_confirmed(const struct plane *plane, size_t n)
{
	const struct edge *edges = edges_at(n);
	double sum = 0;

	for (size_t w = plane->from; w <= plane->to; w++) {
		for (size_t b = edges[w].confirm_begins; b <= w; b++)
			sum += plane->at[w][b];
	}
	return sum;
}

/* What confirmations of as many looks' pairs come to. */
static void confirm(double worse, double beyond, double *again)
{
	start();
	for (size_t n = 1; n <= DECIDE_CONFIRM_MOST; n++) {
		struct plane *now = &planes[n % 2];

		add_pair(now, &planes[(n + 1) % 2], worse, beyond);
		if (n % DECIDE_LOOK == 0)
			again[n / DECIDE_LOOK] = share_confirmed(now, n);
	}
}

struct outcome outcome_of(double worse, double beyond)
{
	struct outcome outcome = { .trials = 1 };
	double again[DECIDE_CONFIRM_MOST / DECIDE_LOOK + 1];

	confirm(worse, beyond, again);
	start();
	for (size_t n = 1; n <= DECIDE_MOST; n++) {
		struct plane *now = &planes[n % 2];
		double failed;

		if (n % DECIDE_LOOK == 1)
			outcome.pairs += DECIDE_LOOK * (1 - outcome.failed - outcome.passed);
		add_pair(now, &planes[(n + 1) % 2], worse, beyond);
		if (n % DECIDE_LOOK != 0)
			continue;
		failed = look(now, n, &outcome);
		outcome.failed += failed;
		outcome.confirmed += failed * again[decide_confirm_pairs(n) / DECIDE_LOOK];
		outcome.pairs += failed * (double)decide_confirm_pairs(n);
	}
	return outcome;
}

static double share_below(double z)
{
	return erfc(-z / sqrt(2)) / 2;
}

struct outcome outcome_of_normal(double width, double slow_down)
{
	const double shift = log(slow_down), limit = log1p(allowed.delta);

	return outcome_of(share_below(shift / width), share_below((shift - limit) / width));
}

double least_found(double width, double probability)
{
	double low = 1, high = 1000;

	while (high / low > 1.0005) {
		const double middle = sqrt(low * high);

		if (outcome_of_normal(width, middle).confirmed < probability)
			low = middle;
		else
			high = middle;
	}
	return high;
}
