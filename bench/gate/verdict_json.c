/* verdict.json, field by field as docs/gate-verdict.md has it. */
#include "bench/gate/show.h"
#include "bench/gate/words.h"

#include <math.h>
#include <string.h>
#include <stdlib.h>

static void put_text(struct emit *emit, const char *name, const char *value)
{
	emit_string(emit, name, value && value[0] ? value : NULL);
}

static void put_run(struct emit *emit, const struct gate *gate)
{
	char started[32];
	struct tm utc;

	gmtime_r(&gate->started, &utc);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &utc);
	emit_open(emit, "run", '{');
	emit_string(emit, "started_utc", started);
	emit_u64(emit, "duration_ns", gate->duration_ns);
	emit_open(emit, "command", '[');
	emit_string(emit, NULL, "gilscope");
	for (int i = 0; i < gate->argc; i++)
		emit_string(emit, NULL, gate->argv[i]);
	emit_close(emit, ']');
	emit_u64(emit, "seed", gate->seed);
	emit_u64(emit, "budget_ns", gate->budget_ns);
	emit_close(emit, '}');
}

static void put_rule(struct emit *emit, const struct gate *gate)
{
	emit_open(emit, "rule", '{');
	emit_u64(emit, "look", DECIDE_LOOK);
	emit_u64(emit, "most", DECIDE_MOST);
	emit_u64(emit, "confirm", DECIDE_CONFIRM);
	emit_double(emit, "confidence", DECIDE_CONFIDENCE);
	emit_double(emit, "false_fail", DECIDE_FALSE_FAIL);
	emit_double(emit, "false_pass", DECIDE_FALSE_PASS);
	emit_double(emit, "false_alarm", gate_false_alarm(gate));
	emit_close(emit, '}');
}

static void put_warnings(struct emit *emit, const struct machine *machine)
{
	char warnings[MACHINE_WARNINGS][160];
	const size_t count = machine_warnings(machine, warnings);

	emit_open(emit, "warnings", '[');
	for (size_t i = 0; i < count; i++)
		emit_string(emit, NULL, warnings[i]);
	emit_close(emit, ']');
}

static void put_option(struct emit *emit, const char *name, const char *value)
{
	if (value[0])
		emit_bool(emit, name, strcmp(value, "true") == 0);
	else
		emit_null(emit, name);
}

static void put_side(struct emit *emit, const char *name, const struct gate_side *side)
{
	emit_open(emit, name, '{');
	put_text(emit, "word", side->word);
	put_text(emit, "command", side->command);
	put_text(emit, "workloads", side->workloads);
	put_text(emit, "revision", side->revision);
	put_text(emit, "compiler", side->compiler);
	put_text(emit, "buildtype", side->buildtype);
	put_text(emit, "optimization", side->optimization);
	put_text(emit, "sanitize", side->sanitize);
	put_option(emit, "lto", side->lto);
	put_option(emit, "ndebug", side->ndebug);
	put_text(emit, "c_args", side->c_args);
	emit_close(emit, '}');
}

static void put_metric(struct emit *emit, const struct metric *metric)
{
	emit_open(emit, NULL, '{');
	emit_string(emit, "name", metric->name);
	emit_string(emit, "unit", metric->unit);
	emit_string(emit, "what", metric->what);
	emit_bool(emit, "gated", metric->gated);
	emit_double(emit, "delta", metric->allowed.delta);
	emit_double(emit, "slack", metric->allowed.slack);
	emit_close(emit, '}');
}

static void put_confirming(struct emit *emit, const struct judgement *judgement)
{
	if (judgement->confirming == 0) {
		emit_null(emit, "confirming");
		return;
	}
	emit_open(emit, "confirming", '{');
	emit_u64(emit, "pairs", judgement->confirming);
	emit_double(emit, "ratio", judgement->confirmed.ratio);
	result_interval(emit, "ci99", judgement->confirmed.ci99);
	emit_close(emit, '}');
}

static void put_judgement(struct emit *emit, const struct metric *metric,
			  const struct judgement *judgement)
{
	const bool known = judgement->known;
	const char *reason = judgement->reason;

	emit_open(emit, metric->name, '{');
	emit_bool(emit, "known", known);
	emit_bool(emit, "gated", judgement->gated);
	emit_string(emit, "verdict",
		    words_is_row(judgement) ? verdict_name(judgement->verdict) : NULL);
	emit_u64(emit, "pairs", known ? judgement->pairs : 0);
	emit_double(emit, "baseline", known ? judgement->median[BASELINE] : NAN);
	emit_double(emit, "candidate", known ? judgement->median[CANDIDATE] : NAN);
	emit_double(emit, "ratio", known ? judgement->effect.ratio : NAN);
	result_interval(emit, "ci99", known ? judgement->effect.ci99 : (struct interval){ 0 });
	emit_double(emit, "smallest", known ? judgement->effect.smallest : NAN);
	emit_bool(emit, "failed", judgement->failed);
	put_confirming(emit, judgement);
	put_text(emit, "reason", reason[0] || known ? reason : "no sample has it");
	emit_close(emit, '}');
}

/* What this side's sample has; what it has not is left out, as each cell lacks most. */
static void put_values(struct emit *emit, const struct gate *gate, const char *name,
		       const struct observation *seen)
{
	emit_open(emit, name, '{');
	for (size_t m = 0; m < METRICS; m++) {
		if (isfinite(seen->value[m]))
			emit_double(emit, gate->metrics[m].name, seen->value[m]);
	}
	emit_close(emit, '}');
}

static void put_pairs(struct emit *emit, const struct gate *gate, const char *name,
		      const struct gate_pair *pairs, size_t count)
{
	emit_open(emit, name, '[');
	for (size_t i = 0; i < count; i++) {
		emit_open(emit, NULL, '{');
		emit_string(emit, "first", pairs[i].candidate_first ? "candidate" : "baseline");
		put_values(emit, gate, "baseline", &pairs[i].side[BASELINE]);
		put_values(emit, gate, "candidate", &pairs[i].side[CANDIDATE]);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

/* What was measured; of a pair of commands only they are known. */
static void put_work(struct emit *emit, const struct cell *cell)
{
	char *params = cell && cell->params ? json_dumps(cell->params, JSON_COMPACT) : NULL;

	put_text(emit, "workload", cell ? cell->workload : NULL);
	put_text(emit, "mode", cell ? cell->mode : NULL);
	put_text(emit, "gil", cell ? cell->gil : NULL);
	if (cell) {
		emit_u64(emit, "workers", cell->workers);
		emit_u64(emit, "size", cell->size);
	} else {
		emit_null(emit, "workers");
		emit_null(emit, "size");
	}
	put_text(emit, "checksum", cell ? cell->checksum : NULL);
	emit_raw(emit, "params", params ? params : "null");
	free(params);
}

static void put_cell(struct emit *emit, const struct gate *gate, const struct gate_cell *cell)
{
	const enum metric_id decisive = words_decisive(gate, cell);

	emit_open(emit, NULL, '{');
	emit_string(emit, "id", cell->id);
	put_work(emit, cell->cell);
	emit_string(emit, "verdict", verdict_name(cell->verdict));
	emit_string(emit, "decisive", decisive == METRICS ? NULL : gate->metrics[decisive].name);
	put_text(emit, "reason", cell->reason);
	emit_double(emit, "spent_ns", cell->spent_ns);
	emit_double(emit, "pair_ns", cell->pair_count > 0 ? cell->pair_ns : NAN);
	emit_open(emit, "judgements", '{');
	for (size_t m = 0; m < METRICS; m++)
		put_judgement(emit, &gate->metrics[m], &cell->judgements[m]);
	emit_close(emit, '}');
	put_pairs(emit, gate, "pairs", cell->pairs, cell->pair_count);
	put_pairs(emit, gate, "confirming", cell->confirming, cell->confirming_count);
	emit_close(emit, '}');
}

void gate_verdict_json(const void *subject, FILE *to)
{
	const struct gate *gate = subject;
	const struct gate_cell *decisive = words_decisive_cell(gate);
	char headline[SENTENCE];
	struct emit emit;

	words_headline(gate, headline);
	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "schema", "gilscope.verdict/1");
	emit_string(&emit, "verdict", verdict_name(gate->verdict));
	emit_u64(&emit, "exit_status", (uint64_t)gate->exit_status);
	emit_string(&emit, "headline", headline);
	emit_string(&emit, "decisive", decisive ? decisive->id : NULL);
	put_text(&emit, "reason", gate->reason);
	put_text(&emit, "warning", gate->warning);
	emit_string(&emit, "injected", gate->injected);
	put_run(&emit, gate);
	put_rule(&emit, gate);
	machine_json(&gate->machine, &emit, "host");
	machine_build_json(&emit, "build");
	put_warnings(&emit, &gate->machine);
	put_side(&emit, "baseline", &gate->side[BASELINE]);
	put_side(&emit, "candidate", &gate->side[CANDIDATE]);
	emit_open(&emit, "metrics", '[');
	for (size_t m = 0; m < METRICS; m++)
		put_metric(&emit, &gate->metrics[m]);
	emit_close(&emit, ']');
	emit_open(&emit, "cells", '[');
	for (size_t i = 0; i < gate->count; i++)
		put_cell(&emit, gate, &gate->cells[i]);
	emit_close(&emit, ']');
	emit_close(&emit, '}');
}
