/* Streams of pairs, each a row of a table. */
#include "tests/made_pairs.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>

/* Values are drawn from as many equally likely ones. */
#define PLACES 65536

struct weather {
	uint64_t random;
	const double *normal;
	double level, log_level;
	size_t left; /* of a burst */
};

static double draw(const double *values, uint64_t *random)
{
	return values[random_next(random) % PLACES];
}

/* The z below which a normal distribution has this share. */
static double find_normal(double share)
{
	double low = -9, high = 9;

	for (int i = 0; i < 40; i++) {
		const double z = (low + high) / 2;

		if (erfc(-z / sqrt(2)) / 2 < share)
			low = z;
		else
			high = z;
	}
	return (low + high) / 2;
}

/* At the middle of each place; from the end, so that the first says that all are there. */
static const double *normals(void)
{
	static double values[PLACES];

	for (size_t i = 0; i < PLACES && values[0] == 0; i++) {
		const size_t from_end = PLACES - 1 - i;

		values[from_end] = find_normal(((double)from_end + 0.5) / PLACES);
	}
	return values;
}

static double normal_at(double place)
{
	return normals()[(size_t)(place * PLACES)];
}

/* The two measurements of a pair have this noise each, so that it is that of their ratio. */
static double normal(const struct stream *stream, double place, double load)
{
	return load * exp(stream->noise / sqrt(2) * normal_at(place));
}

static double skewed(const struct stream *stream, double place, double load)
{
	return load * exp(-stream->noise * log(1 - place));
}

/* Of the third power: most are near the least, a few far beyond. */
static double heavy(const struct stream *stream, double place, double load)
{
	return load * (1 + stream->noise * pow(-log(1 - place), 3));
}

/* A Cauchy distribution has neither mean nor variance. */
static double wild(const struct stream *stream, double place, double load)
{
	return load * exp(fmin(stream->noise * tan(M_PI * (place - 0.5)), 100));
}

/* Each process has one of two CPUs, of which one is slower. */
static double two_speeds(const struct stream *stream, double place, double load)
{
	const double twice = 2 * place;

	return twice < 1 ? normal(stream, twice, load) : normal(stream, twice - 1, 1.3 * load);
}

/* The clock counts in steps of a 25th of the time. */
static double coarse(const struct stream *stream, double place, double load)
{
	return round(normal(stream, place, load) * 25) / 25;
}

static double poisson(const struct stream *stream, double place, double load)
{
	double term = exp(-load), below = term, count = 0;

	(void)stream;
	while (below < place && count < 10 * load + 100) {
		count++;
		term *= load / count;
		below += term;
	}
	return count;
}

static void drift(struct weather *weather)
{
	weather->level *= 1.002;
}

static void walk(struct weather *weather)
{
	weather->log_level += 0.03 * draw(weather->normal, &weather->random);
	weather->level = exp(weather->log_level);
}

/* Half of a deviation is left after 14 measurements. */
static void swing(struct weather *weather)
{
	weather->log_level =
		0.95 * weather->log_level + 0.04 * draw(weather->normal, &weather->random);
	weather->level = exp(weather->log_level);
}

/* One in forty measurements begins a stretch of 4 to 27 that take 1.5 to 3 times as long. */
static void burst(struct weather *weather)
{
	const uint64_t random = random_next(&weather->random);

	if (weather->left > 0) {
		weather->left--;
	} else if (random % 40 == 0) {
		weather->left = 3 + (random >> 8) % 24;
		weather->level = 1.5 + 1.5 * (double)(random >> 40) * 0x1p-24;
	} else {
		weather->level = 1;
	}
}

/* The clock of the CPU changes every 16 measurements or so. */
static void gears(struct weather *weather)
{
	if (random_next(&weather->random) % 16 == 0)
		weather->level = 2.5 - weather->level;
}

#define TIME .load = 1, .allowed = { .delta = 0.05 }
#define COUNT .allowed = { .delta = 0.2, .slack = 2 }

const struct stream streams[] = {
	{ "normal, 3 %", "ratios of pairs are log-normal, as all that have a percentage",
	  .value = normal, .noise = 0.03, TIME, .quiet = true },
	{ "normal, 5 %", "", .value = normal, .noise = 0.05, TIME, .quiet = true },
	{ "normal, 7 %", "", .value = normal, .noise = 0.07, TIME, .quiet = true },
	{ "skewed", "exponential tails", .value = skewed, .noise = 0.04, TIME, .quiet = true },
	{ "heavy", "tails of an exponential's third power", .value = heavy, .noise = 0.02, TIME,
	  .quiet = true },
	{ "drifting", "0.2 % more with each measurement, 5 % noise", .value = normal, .noise = 0.05,
	  .change = drift, TIME, .quiet = true },
	{ "random walk", "in steps of 3 %, 5 % noise", .value = normal, .noise = 0.05,
	  .change = walk, TIME, .quiet = true },
	{ "autocorrelated",
	  "swings of 13 %, half of which are left after 14 measurements, 5 % noise",
	  .value = normal, .noise = 0.05, .change = swing, TIME, .quiet = true },
	{ "bursts", "stretches of 4 to 27 measurements, 1.5 to 3 times as long, 5 % noise",
	  .value = normal, .noise = 0.05, .change = burst, TIME, .quiet = true },
	{ "gears", "a CPU that runs at two speeds, 1 to 1.5, for 16 measurements each; 5 % noise",
	  .value = normal, .noise = 0.05, .change = gears, TIME, .quiet = true },
	{ "second slower", "the second of a pair takes 3 % longer, 5 % noise", .value = normal,
	  .noise = 0.05, .second = 1.03, TIME, .quiet = true },
	{ "coarse clock", "steps of 4 %, many are equal; 5 % noise", .value = coarse, .noise = 0.05,
	  TIME, .quiet = true },
	{ "two CPUs", "of which one takes 1.3 times as long, at random for each process; 5 % noise",
	  .value = two_speeds, .noise = 0.05, TIME },
	{ "wild", "without mean or variance (Cauchy, 3 %)", .value = wild, .noise = 0.03, TIME },
	{ "normal, 15 %", "", .value = normal, .noise = 0.15, TIME },
	{ "normal, 30 %", "", .value = normal, .noise = 0.3, TIME },
	{ "normal, 300 %", "nothing can be seen", .value = normal, .noise = 3, TIME,
	  .blind = true },
	{ "0.2 events", "counts, Poisson; 20 % and 2 are allowed", .value = poisson, .load = 0.2,
	  COUNT, .quiet = true },
	{ "3 events", "", .value = poisson, .load = 3, COUNT, .quiet = true },
	{ "30 events", "", .value = poisson, .load = 30, COUNT, .quiet = true },
	{ "300 events", "", .value = poisson, .load = 300, COUNT, .quiet = true },
};
const size_t stream_count = sizeof(streams) / sizeof(streams[0]);

bool stream_is_normal(const struct stream *stream)
{
	return stream->value == normal && !stream->change && !(stream->second > 0);
}

/* What is drawn from, one of each for both sides. */
struct sides {
	double baseline[PLACES], candidate[PLACES];
};

static void fill(struct sides *sides, const struct stream *stream, double excess)
{
	const double limit = stream->load * stream->allowed.delta + stream->allowed.slack;

	for (size_t i = 0; i < PLACES; i++) {
		const double place = ((double)i + 0.5) / PLACES;

		sides->baseline[i] = stream->value(stream, place, stream->load);
		sides->candidate[i] = stream->value(stream, place, stream->load + excess * limit);
	}
}

static double take(const struct stream *stream, const double *values, struct weather *weather)
{
	if (stream->change)
		stream->change(weather);
	return weather->level * draw(values, &weather->random);
}

static void take_pairs(const struct stream *stream, const struct sides *sides,
		       struct weather *weather, struct pair *pairs, size_t n)
{
	const double second = stream->second > 0 ? stream->second : 1;

	for (size_t i = 0; i < n; i++) {
		struct pair *pair = &pairs[i];

		if (random_next(&weather->random) >> 63) {
			pair->baseline = take(stream, sides->baseline, weather);
			pair->candidate = second * take(stream, sides->candidate, weather);
		} else {
			pair->candidate = take(stream, sides->candidate, weather);
			pair->baseline = second * take(stream, sides->baseline, weather);
		}
	}
}

static void try_once(const struct stream *stream, const struct sides *sides,
		     struct weather *weather, struct outcome *outcome)
{
	struct pair pairs[DECIDE_MOST];
	enum decision decision = DECIDE_MORE;
	size_t n = 0;

	weather->level = 1;
	weather->log_level = 0;
	weather->left = 0;
	while (decision == DECIDE_MORE && n < DECIDE_MOST) {
		take_pairs(stream, sides, weather, &pairs[n], DECIDE_LOOK);
		n += DECIDE_LOOK;
		decision = decide(pairs, n, stream->allowed);
	}
	if (decision == DECIDE_FAIL) {
		const size_t fresh = decide_confirm_pairs(n);

		take_pairs(stream, sides, weather, pairs, fresh);
		n += fresh;
		outcome->failed++;
		outcome->confirmed += decide_confirms(pairs, fresh, stream->allowed);
	}
	outcome->passed += decision == DECIDE_PASS;
	outcome->pairs += (double)n;
	outcome->trials++;
}

struct outcome stream_try(const struct stream *stream, double excess, size_t trials, uint64_t seed)
{
	struct sides *sides = malloc(sizeof(*sides));
	struct outcome outcome = { 0 };
	struct weather weather = { .random = seed, .normal = normals() };

	if (!sides)
		abort();
	fill(sides, stream, excess);
	for (size_t i = 0; i < trials; i++)
		try_once(stream, sides, &weather, &outcome);
	free(sides);
	return outcome;
}

void make_normal_pairs(struct pair *pairs, size_t n, double width, double slow_down, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		const double place = ((double)(random_next(&seed) >> 11) + 0.5) * 0x1p-53;

		pairs[i] = (struct pair){ 1, slow_down * exp(width * normal_at(place)) };
	}
}
