/* The three gates. */
#include "bench/gate/selftest.h"

#include "bench/gate/judge.h"
#include "bench/gate/make.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is expected of a gate. */
struct expectation {
	const char *what, *mode; /* null: in all of the gate's own */
	const char *sample;      /* how long one lasts; null: as usual */
	const char *inject;      /* null: nothing, and no cell may fail */
	enum metric_id metric;   /* that is to fail */
};

static const struct expectation expectations[] = {
	{ "beside itself it does not fail", NULL, NULL, NULL, METRIC_TIME },
	{ "20 % slower it fails", "sequential", NULL, "slowdown=20%", METRIC_TIME },
	{ "with five times the conflicts it fails", "gil", "50ms", "conflicts=5",
	  METRIC_CONTENDED },
};

enum outcome { HELD, OPEN, BROKEN };

static const char *const words_of[] = { "ok", "OPEN", "BROKEN" };

static enum outcome compare(const struct expectation *expected, const struct gate *gate)
{
	enum outcome worst = HELD;

	if (!expected->inject)
		return gate->verdict == VERDICT_FAIL ? BROKEN : HELD;
	for (size_t i = 0; i < gate->count; i++) {
		const struct gate_cell *cell = &gate->cells[i];
		const struct judgement *judgement = &cell->judgements[expected->metric];

		/* A crash is no regression of the metric, and no noise. */
		if (cell->reason[0] || !judgement->known || judgement->verdict == VERDICT_PASS)
			return BROKEN;
		if (judgement->verdict != VERDICT_FAIL)
			worst = OPEN;
	}
	return worst;
}

/* What was seen, cell by cell. */
static void tell(const struct expectation *expected, const struct gate *gate, const char *word)
{
	const struct metric *metric = &gate->metrics[expected->metric];

	printf("%-7s%s\n", word, expected->what);
	if (gate->reason[0])
		printf("       %s\n", gate->reason);
	for (size_t i = 0; i < gate->count; i++) {
		const struct gate_cell *cell = &gate->cells[i];
		const struct judgement *judgement = &cell->judgements[expected->metric];

		printf("       %s: %s", cell->id, verdict_name(cell->verdict));
		if (cell->reason[0])
			printf(", %s", cell->reason);
		else if (judgement->known && isnan(judgement->effect.ratio))
			printf(", %s %.6g, and %.6g in the baseline, in %zu pairs", metric->name,
			       judgement->median[CANDIDATE], judgement->median[BASELINE],
			       judgement->pairs);
		else if (judgement->known)
			printf(", %s %.3f times the baseline's (%.3f to %.3f) in %zu pairs",
			       metric->name, judgement->effect.ratio, judgement->effect.ci99.low,
			       judgement->effect.ci99.high, judgement->pairs);
		putchar('\n');
	}
}

static bool prepare(struct param_set *options, const struct expectation *expected, struct err *err)
{
	return param_set_text(options, "workload", "countdown", err) &&
	       (!expected->mode || param_set_text(options, "mode", expected->mode, err)) &&
	       (!expected->sample || param_set_text(options, "sample", expected->sample, err));
}

/* Returns GATE_EXIT_PASS when it was asked; else what the gate exits with, that could not be. */
static int ask(const struct expectation *expected, const struct param_set *given,
	       enum outcome *outcome, struct err *err)
{
	static struct gate gate; /* large */
	static struct plan plan;
	struct param_set options = *given;
	int status = GATE_EXIT_ERROR;

	gate = (struct gate){ .injected = expected->inject };
	if (prepare(&options, expected, err) && gate_make(&gate, &plan, &options, err)) {
		const bool asked = gate.verdict != VERDICT_SKIPPED &&
				   gate.verdict != VERDICT_NOT_COMPARABLE &&
				   gate.verdict != VERDICT_ERROR;

		*outcome = compare(expected, &gate);
		tell(expected, &gate, asked ? words_of[*outcome] : verdict_name(gate.verdict));
		status = asked ? GATE_EXIT_PASS : judge_exit(&gate, GATE_EXIT_ERROR);
	}
	plan_finish(&plan, &gate);
	return status;
}

int self_test(const struct param_set *options, int undecided, struct err *err)
{
	enum outcome worst = HELD;

	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		enum outcome outcome = HELD;

		const int status = ask(&expectations[i], options, &outcome, err);

		if (status != GATE_EXIT_PASS)
			return status;
		worst = outcome > worst ? outcome : worst;
	}
	if (worst == BROKEN)
		puts("SELF-TEST FAILED: this gate's verdicts are worth nothing here");
	else if (worst == OPEN)
		puts("SELF-TEST INCONCLUSIVE: the machine is too noisy for --budget");
	else
		puts("SELF-TEST PASSED: the gate goes red when it should, and only then");
	return worst == BROKEN ? GATE_EXIT_FAIL : worst == OPEN ? undecided : GATE_EXIT_PASS;
}
