/* Prints what the gate's rule says of made-up streams, as the tables of docs/ci.md:
 * gate_streams [TRIALS [SEED]] */
#include "tests/made_pairs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double percent(double count, const struct outcome *outcome)
{
	return 100 * count / outcome->trials;
}

static void print_stream(const struct stream *stream, size_t trials, uint64_t seed)
{
	const struct outcome equal = stream_try(stream, 0, trials, seed);
	const struct outcome more = stream_try(stream, 1.4, trials, seed);
	const struct outcome twice = stream_try(stream, 2, trials, seed);

	printf("| %s | %.3f %% | %.3f %% | %.1f %% | %.0f ", stream->name,
	       percent(equal.failed, &equal), percent(equal.confirmed, &equal),
	       percent(equal.passed, &equal), equal.pairs / equal.trials);
	printf("| %.1f %% | %.3f %% ", percent(more.confirmed, &more), percent(more.passed, &more));
	printf("| %.2f %% | %.0f |\n", percent(twice.confirmed, &twice),
	       twice.pairs / twice.trials);
	fflush(stdout);
}

/* What is less is not computed to a digit. */
static void print_chance(double chance)
{
	if (chance < 1e-12)
		printf("| < 1e-12 ");
	else
		printf("| %.0e ", chance);
}

static void print_noise(double noise)
{
	const struct outcome equal = outcome_of_normal(noise, 1);
	const struct outcome more = outcome_of_normal(noise, 1.07);
	const struct outcome twice = outcome_of_normal(noise, 1.1);

	printf("| %.0f %% ", 100 * noise);
	print_chance(equal.failed);
	print_chance(equal.confirmed);
	printf("| %.1f %% | %.0f | %.1f %% ", 100 * equal.passed, equal.pairs,
	       100 * more.confirmed);
	print_chance(more.passed);
	printf("| %.1f %% | %.0f ", 100 * twice.confirmed, twice.pairs);
	printf("| %.1f %% |\n", 100 * (least_found(noise, DECIDE_POWER) - 1));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const double noises[] = { 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5 };
	const size_t trials = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	puts("| stream | equal: FAIL at a look | and confirmed | PASS | pairs "
	     "| 1.4 times the allowed: FAIL | PASS | twice the allowed: FAIL | pairs |");
	puts("|---|---|---|---|---|---|---|---|---|");
	for (size_t i = 0; i < stream_count; i++)
		print_stream(&streams[i], trials, seed + i);
	puts("");
	puts("| noise | equal: FAIL at a look | and confirmed | PASS | pairs "
	     "| +7 %: FAIL | PASS | +10 %: FAIL | pairs | FAIL in 90 % from |");
	puts("|---|---|---|---|---|---|---|---|---|---|");
	for (size_t i = 0; i < sizeof(noises) / sizeof(noises[0]); i++)
		print_noise(noises[i]);
	return 0;
}
