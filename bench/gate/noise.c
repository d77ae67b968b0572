/* Measures, plays, prints. */
#include "bench/gate/noise.h"

#include "base/random.h"
#include "bench/gate/judge.h"
#include "bench/gate/make.h"
#include "bench/result.h"

#include <math.h>
#include <stdio.h>

#define GATES 400 /* played for each question */

/* The pairs that gates are played with. */
struct deck {
	const struct pair *pairs;
	size_t count, most;
	uint64_t random;
};

static struct pair draw(struct deck *deck, double effect)
{
	struct pair pair = deck->pairs[random_next(&deck->random) % deck->count];

	if (random_next(&deck->random) & 1)
		pair = (struct pair){ pair.candidate, pair.baseline };
	pair.candidate *= effect;
	return pair;
}

/* One gate, confirmation and all. */
static enum decision play(struct deck *deck, struct allowance allowed, double effect)
{
	struct pair pairs[DECIDE_MOST], fresh[DECIDE_CONFIRM_MOST];
	enum decision decision = DECIDE_MORE;
	size_t n = 0, confirming;

	while (decision == DECIDE_MORE && n < deck->most) {
		pairs[n++] = draw(deck, effect);
		if (n % DECIDE_LOOK == 0)
			decision = decide(pairs, n, allowed);
	}
	if (decision != DECIDE_FAIL)
		return decision;
	confirming = decide_confirm_pairs(n);
	for (size_t i = 0; i < confirming; i++)
		fresh[i] = draw(deck, effect);
	return decide_confirms(fresh, confirming, allowed) ? DECIDE_FAIL : DECIDE_MORE;
}

static double share(struct deck *deck, struct allowance allowed, double effect, enum decision of)
{
	unsigned count = 0;

	for (unsigned i = 0; i < GATES; i++)
		count += play(deck, allowed, effect) == of;
	return (double)count / GATES;
}

static double find_delta(struct deck *deck, double slack)
{
	static const double deltas[] = { 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1 };

	for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
		if (share(deck, (struct allowance){ deltas[i], slack }, 1, DECIDE_PASS) >= 0.95)
			return deltas[i];
	}
	return NAN;
}

/* By halving, to a hundredth. */
static double find_detectable(struct deck *deck, struct allowance allowed)
{
	double low = 1 + allowed.delta, high = 10;

	if (share(deck, allowed, high, DECIDE_FAIL) < 0.9)
		return NAN;
	while (high / low > 1.005) {
		const double middle = sqrt(low * high);

		if (share(deck, allowed, middle, DECIDE_FAIL) >= 0.9)
			high = middle;
		else
			low = middle;
	}
	return high - 1;
}

static double spread_of(const struct pair *pairs, size_t count)
{
	double logs[DECIDE_MOST], scratch[DECIDE_MOST];

	for (size_t i = 0; i < count; i++) {
		if (!(pairs[i].baseline > 0) || !(pairs[i].candidate > 0))
			return NAN;
		logs[i] = log(pairs[i].candidate / pairs[i].baseline);
	}
	stats_sort(logs, count);
	/* Of normal values the median deviation is 0.6745 of the standard deviation. */
	return stats_mad(logs, count, scratch) / 0.6745;
}

struct noise noise_of(const struct pair *pairs, size_t count, double slack, size_t most,
		      uint64_t seed)
{
	struct deck deck = { pairs, count, most, seed };
	struct noise noise = { NAN, NAN, NAN };

	if (count < DECIDE_LOOK || most < DECIDE_LOOK)
		return noise;
	noise.spread = spread_of(pairs, count);
	noise.delta = find_delta(&deck, slack);
	if (!isnan(noise.delta))
		noise.detectable = find_detectable(&deck, (struct allowance){ noise.delta, slack });
	return noise;
}

/* Of a metric that all pairs of a cell have; false: they have not. */
static bool noise_in(const struct gate *gate, const struct gate_cell *cell, size_t metric,
		     struct noise *noise)
{
	const double fits = (double)gate->budget_ns / cell->pair_ns;
	const size_t most = fits < DECIDE_MOST ? (size_t)fits : DECIDE_MOST;
	struct pair pairs[DECIDE_MOST];

	if (!cell->judgements[metric].known)
		return false;
	for (size_t i = 0; i < cell->pair_count; i++)
		pairs[i] = (struct pair){ cell->pairs[i].side[BASELINE].value[metric],
					  cell->pairs[i].side[CANDIDATE].value[metric] };
	*noise = noise_of(pairs, cell->pair_count, gate->metrics[metric].allowed.slack, most,
			  gate->seed);
	return true;
}

static void say_share(char *to, size_t room, double value)
{
	if (isnan(value))
		snprintf(to, room, "-");
	else
		snprintf(to, room, value < 0.1 ? "%.1f %%" : "%.0f %%", value * 100);
}

static void print_noise(const struct gate *gate, const struct gate_cell *cell)
{
	if (cell->reason[0]) {
		printf("%-34s %s\n", cell->id, cell->reason);
		return;
	}
	for (size_t i = 0; i < METRICS; i++) {
		char spread[24], delta[24], detectable[24];
		struct noise noise;

		if (!gate->metrics[i].gated || !noise_in(gate, cell, i, &noise))
			continue;
		say_share(spread, sizeof(spread), noise.spread);
		say_share(delta, sizeof(delta), noise.delta);
		say_share(detectable, sizeof(detectable), noise.detectable);
		printf("%-34s %-10s %6zu %9.1f %9s %10s %11s\n", cell->id, gate->metrics[i].name,
		       cell->pair_count, cell->pair_ns / 2e6, spread, delta, detectable);
	}
}

static void print(const struct gate *gate)
{
	printf("%-34s %-10s %6s %9s %9s %10s %11s\n", "cell", "metric", "pairs", "sample ms",
	       "noise", "threshold", "detectable");
	for (size_t i = 0; i < gate->count; i++)
		print_noise(gate, &gate->cells[i]);
	printf("noise: standard deviation of a pair's ratio; threshold: the least under which "
	       "equal builds pass in\n95 of 100 gates of %.3g s a cell; detectable: the least "
	       "regression that fails in 90 of 100, beyond it\n",
	       (double)gate->budget_ns / 1e9);
}

static void put_cell(struct emit *emit, const struct gate *gate, const struct gate_cell *cell)
{
	emit_open(emit, NULL, '{');
	emit_string(emit, "id", cell->id);
	emit_string(emit, "reason", cell->reason[0] ? cell->reason : NULL);
	emit_u64(emit, "pairs", cell->pair_count);
	emit_double(emit, "sample_ns", cell->pair_count ? cell->pair_ns / 2 : NAN);
	emit_open(emit, "metrics", '{');
	for (size_t i = 0; i < METRICS; i++) {
		struct noise noise;

		if (!gate->metrics[i].gated || !noise_in(gate, cell, i, &noise))
			continue;
		emit_open(emit, gate->metrics[i].name, '{');
		emit_double(emit, "noise", noise.spread);
		emit_double(emit, "threshold", noise.delta);
		emit_double(emit, "detectable", noise.detectable);
		emit_close(emit, '}');
	}
	emit_close(emit, '}');
	emit_close(emit, '}');
}

static void calibration_json(const void *subject, FILE *to)
{
	const struct gate *gate = subject;
	struct emit emit;

	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "schema", "gilscope.calibration/1");
	machine_json(&gate->machine, &emit, "machine");
	emit_u64(&emit, "budget_ns", gate->budget_ns);
	emit_u64(&emit, "seed", gate->seed);
	emit_open(&emit, "cells", '[');
	for (size_t i = 0; i < gate->count; i++)
		put_cell(&emit, gate, &gate->cells[i]);
	emit_close(&emit, ']');
	emit_close(&emit, '}');
	fputc('\n', to);
}

static const struct result_output outputs[] = {
	{ "calibration.json", calibration_json },
	{ 0 },
};

int noise_run(const struct param_set *options, struct err *err)
{
	static struct gate gate; /* large */
	static struct plan plan;
	const char *folder = param_text(options, "output");
	struct result_files *files = folder ? result_open(folder, outputs, err) : NULL;

	if (folder && !files)
		return GATE_EXIT_ERROR;
	gate = (struct gate){ .keep_on = true };
	if (!gate_make(&gate, &plan, options, err)) {
		result_abandon(files);
	} else if (gate.reason[0]) {
		result_abandon(files);
		err_set(err, judge_exit(&gate, GATE_EXIT_PASS), "%s", gate.reason);
	} else if (!files || result_write(files, &gate, err)) {
		param_number(options, "json") ? calibration_json(&gate, stdout) : print(&gate);
	}
	plan_finish(&plan, &gate);
	/* Nothing is decided: that is no fault. */
	return err->text[0] ? err->code : judge_exit(&gate, GATE_EXIT_PASS);
}
