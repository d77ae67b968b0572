/* Made-up gates: medians and noise are given, pairs and judgements follow from them. */
#include "tests/gate_made.h"

#include <math.h>
#include <string.h>

#define NOISE 0.04

static struct gate_cell cells[MADE_CELLS];
static struct cell works[MADE_CELLS];
static struct gate_pair pairs[MADE_CELLS][DECIDE_MOST], confirming[MADE_CELLS][DECIDE_CONFIRM];

/* From -1 to 1, the same each time. */
static double wobble(size_t i)
{
	return (double)(i * 7919 % 101) / 50 - 1;
}

struct gate *made_gate(void)
{
	static char command[] = "gate", *words[] = { command };
	static struct gate gate;

	gate = (struct gate){ .argc = 1,
			      .argv = words,
			      .started = 1700000000,
			      .duration_ns = 32100000000,
			      .seed = INT64_MAX,
			      .budget_ns = 10000000000,
			      .cells = cells,
			      .verdict = VERDICT_PASS };
	memcpy(gate.metrics, metrics_usual, sizeof(gate.metrics));
	gate.side[BASELINE] = (struct gate_side){ .word = "old",
						  .workloads = "/old/workloads",
						  .revision = "1a2b3c4",
						  .compiler = "gcc 12.2.0",
						  .buildtype = "debugoptimized",
						  .optimization = "2",
						  .sanitize = "none" };
	gate.side[CANDIDATE] = gate.side[BASELINE];
	gate.side[CANDIDATE].word = "new";
	return &gate;
}

static void clear(struct gate_pair *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i].candidate_first = i % 3 == 1;
		for (size_t m = 0; m < METRICS; m++)
			to[i].side[BASELINE].value[m] = to[i].side[CANDIDATE].value[m] = NAN;
	}
}

struct gate_cell *made_cell(struct gate *gate, const char *id)
{
	struct gate_cell *cell = &cells[gate->count];
	struct cell *work = &works[gate->count];

	*work = (struct cell){ .workers = 2, .size = 1000000 };
	snprintf(work->workload, sizeof(work->workload), "countdown");
	snprintf(work->mode, sizeof(work->mode), "threads");
	*cell = (struct gate_cell){ .cell = work,
				    .pairs = pairs[gate->count],
				    .confirming = confirming[gate->count],
				    .spent_ns = 3.2e9,
				    .pair_ns = 6e7,
				    .verdict = VERDICT_PASS };
	snprintf(cell->id, sizeof(cell->id), "%s", id);
	clear(cell->pairs, DECIDE_MOST);
	clear(cell->confirming, DECIDE_CONFIRM);
	gate->count++;
	return cell;
}

static void fill(struct gate_pair *to, size_t n, enum metric_id metric, const double median[SIDES])
{
	for (size_t i = 0; i < n; i++) {
		to[i].side[BASELINE].value[metric] = median[BASELINE] * (1 + NOISE * wobble(i));
		to[i].side[CANDIDATE].value[metric] =
			median[CANDIDATE] * (1 + NOISE * wobble(i * 3 + 1));
	}
}

static struct effect effect_of(const struct gate_pair *from, size_t n, enum metric_id metric)
{
	static struct pair values[DECIDE_MOST];
	static double scratch[DECIDE_MOST];

	for (size_t i = 0; i < n; i++)
		values[i] = (struct pair){ from[i].side[BASELINE].value[metric],
					   from[i].side[CANDIDATE].value[metric] };
	return decide_effect(values, n, metrics_usual[metric].allowed, scratch);
}

static double median_of(const struct gate_pair *from, size_t n, enum metric_id metric,
			enum side side)
{
	static double values[DECIDE_MOST];

	for (size_t i = 0; i < n; i++)
		values[i] = from[i].side[side].value[metric];
	stats_sort(values, n);
	return stats_median(values, n);
}

void made_verdict(struct gate *gate, struct gate_cell *cell, enum verdict verdict,
		  const char *reason)
{
	snprintf(cell->reason, sizeof(cell->reason), "%s", reason);
	if (verdict > cell->verdict || reason[0])
		cell->verdict = verdict;
	if (cell->verdict > gate->verdict)
		gate->verdict = cell->verdict;
}

struct judgement *made_judgement(struct gate *gate, struct gate_cell *cell, enum metric_id metric,
				 size_t n, const double median[SIDES], enum verdict verdict)
{
	struct judgement *judgement = &cell->judgements[metric];

	fill(cell->pairs, n, metric, median);
	*judgement = (struct judgement){ .known = true,
					 .gated = metrics_usual[metric].gated,
					 .decided = true,
					 .verdict = verdict,
					 .pairs = n };
	for (enum side side = BASELINE; side < SIDES; side++)
		judgement->median[side] = median_of(cell->pairs, n, metric, side);
	judgement->effect = effect_of(cell->pairs, n, metric);
	cell->pair_count = n > cell->pair_count ? n : cell->pair_count;
	if (verdict == VERDICT_FAIL) {
		fill(cell->confirming, DECIDE_CONFIRM, metric, median);
		judgement->failed = true;
		judgement->confirming = cell->confirming_count = DECIDE_CONFIRM;
		judgement->confirmed = effect_of(cell->confirming, DECIDE_CONFIRM, metric);
	}
	made_verdict(gate, cell, verdict, "");
	return judgement;
}

static struct gate *make_many(void)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/gil:cpython3/2");

	made_judgement(gate, cell, METRIC_TIME, 20, MADE_MEDIANS(30.1e6, 33.9e6), VERDICT_FAIL);
	made_judgement(gate, cell, METRIC_TAKES, 40, MADE_MEDIANS(20000, 20010), VERDICT_PASS);
	made_judgement(gate, cell, METRIC_CONTENDED, 20, MADE_MEDIANS(0, 14), VERDICT_FAIL);
	made_judgement(gate, cell, METRIC_CPU, 20, MADE_MEDIANS(61e6, 66e6), VERDICT_SKIPPED);
	cell = made_cell(gate, "countdown/threads/2");
	made_judgement(gate, cell, METRIC_TIME, 180, MADE_MEDIANS(15.2e6, 15.7e6),
		       VERDICT_INCONCLUSIVE);
	cell = made_cell(gate, "countdown/sequential/1");
	made_judgement(gate, cell, METRIC_TIME, 20, MADE_MEDIANS(30.2e6, 29.1e6), VERDICT_PASS);
	cell = made_cell(gate, "mergesort/processes/2");
	made_verdict(gate, cell, VERDICT_ERROR, "the baseline was ended by signal 11");
	cell = made_cell(gate, "command");
	cell->cell = NULL;
	made_verdict(gate, cell, VERDICT_SKIPPED, "there is one CPU");
	gate->exit_status = GATE_EXIT_FAIL;
	return gate;
}

static struct gate *make_nasty(void)
{
	struct gate *gate = make_many();

	snprintf(gate->cells[3].id, sizeof(gate->cells[3].id), "a,b:c|d<e>&");
	snprintf(gate->cells[3].reason, sizeof(gate->cells[3].reason),
		 "said: \x1b[31m<b>&amp;]]></failure> \"q\" \xff\xfe \xef\xbf\xbe \x01 a|b `c` "
		 "*d*\r\n::error::x %% \xc3\xbc");
	gate->side[BASELINE].word = "we & you, \"it\" <x>\n::warning::";
	gate->injected = "slowdown=20% | <more>";
	return gate;
}

static struct gate *make_pass(void)
{
	struct gate *gate = made_gate();
	struct gate_cell *cell = made_cell(gate, "countdown/sequential/1");

	made_judgement(gate, cell, METRIC_TIME, 20, MADE_MEDIANS(30.2e6, 29.1e6), VERDICT_PASS);
	cell = made_cell(gate, "countdown/gil:cpython3/2");
	made_judgement(gate, cell, METRIC_TIME, 40, MADE_MEDIANS(30.2e6, 30.8e6), VERDICT_PASS);
	return gate;
}

static struct gate *make_none(void)
{
	struct gate *gate = made_gate();

	gate->verdict = VERDICT_NOT_COMPARABLE;
	gate->exit_status = GATE_EXIT_NOT_COMPARABLE;
	snprintf(gate->reason, sizeof(gate->reason), "the baseline is a debug build");
	return gate;
}

static struct gate *make_crowd(void)
{
	struct gate *gate = made_gate();

	for (size_t i = 0; i < MADE_CELLS; i++) {
		char id[64];
		struct gate_cell *cell;

		snprintf(id, sizeof(id), "countdown/gil:cpython3/%zu/interval=1ms", i + 1);
		cell = made_cell(gate, id);
		made_judgement(gate, cell, METRIC_TIME, 60,
			       MADE_MEDIANS(30e6, 30e6 * (1 + 0.01 * (double)i)),
			       i > 13 ? VERDICT_FAIL : VERDICT_PASS);
	}
	gate->exit_status = GATE_EXIT_FAIL;
	return gate;
}

struct gate *made_by_name(const char *name)
{
	static const struct {
		const char *name;
		struct gate *(*make)(void);
	} gates[] = { { "many", make_many },
		      { "nasty", make_nasty },
		      { "pass", make_pass },
		      { "none", make_none },
		      { "crowd", make_crowd } };

	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		if (strcmp(name, gates[i].name) == 0)
			return gates[i].make();
	}
	return NULL;
}
