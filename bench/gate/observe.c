/* Takes it, and checks what is exact: the same work, the same checksum. */
#include "bench/gate/observe.h"

#include "bench/gate/judge.h"
#include "bench/traced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct cell *cell_of(const struct gate_cell *cell, enum side side)
{
	return side == CANDIDATE && cell->injected ? cell->injected : cell->cell;
}

/* What our own trouble keeps us from knowing says nothing of the candidate. */
static void end_of_error(struct gate_cell *cell, enum side side, const struct err *err)
{
	const char *whose = side == BASELINE ? "baseline" : "candidate";

	if (err->code != EXIT_FAILED)
		judge_end(cell, VERDICT_ERROR, "the %s could not be measured: %s", whose,
			  err->text);
	else
		judge_end(cell, side == BASELINE ? VERDICT_ERROR : VERDICT_FAIL, "the %s %s", whose,
			  err->text);
}

/* Whether the two were told to do the same; what one side does not know it does as ever. */
static bool is_same_work(const struct gate_cell *cell, const json_t *params, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)params, name, value)
	{
		json_t *expected = json_object_get(cell->cell->params, name);
		char *texts[2];

		if (!expected || json_equal(expected, value))
			continue;
		if (cell->injected && cell_setting(cell->injected, name))
			continue;
		texts[0] = json_dumps(expected, JSON_ENCODE_ANY);
		texts[1] = json_dumps(value, JSON_ENCODE_ANY);
		err_set(err, EXIT_FAILED, "does other work: %s is %s, and %s in the baseline", name,
			texts[1] ? texts[1] : "?", texts[0] ? texts[0] : "?");
		free(texts[0]);
		free(texts[1]);
		return false;
	}
	return true;
}

/* The baseline's first sample says what is expected; of a candidate that was given more to do its
 * own first one. */
static bool is_expected(struct gate_cell *cell, enum side side, const struct sample *sample)
{
	const char *sum = json_string_value(json_object_get(sample->line, "checksum"));
	json_t *params = json_object_get(sample->line, "params");
	const bool more = cell->injected && cell->injected->size != cell->cell->size;
	struct cell *first = side == CANDIDATE && more ? cell->injected : cell->cell;
	struct err err = { 0 };

	if (!first->checksum[0]) {
		snprintf(first->checksum, sizeof(first->checksum), "%s", sum);
		if (first == cell->cell)
			first->params = json_incref(params);
	}
	if (!is_same_work(cell, params, &err)) {
		judge_end(cell, VERDICT_NOT_COMPARABLE, "the %s %s",
			  side == BASELINE ? "baseline" : "candidate", err.text);
		return false;
	}
	if (strcmp(first->checksum, sum) == 0)
		return true;
	err_set(&err, EXIT_FAILED, "has the checksum %s, %s expected", sum, first->checksum);
	end_of_error(cell, side, &err);
	return false;
}

/* False when there is no count, or the cell has its verdict by what the sample said. */
static bool count_futex(struct observer *observer, struct gate_cell *cell, enum side side,
			struct observation *seen, struct err *err)
{
	struct sample sample;
	struct calls calls;
	const bool counted =
		traced_calls(&observer->sampler[side], cell_of(cell, side), &sample, &calls, err);
	const bool good = counted && is_expected(cell, side, &sample);

	json_decref(sample.line);
	if (good)
		seen->value[METRIC_FUTEX] = (double)calls.futex;
	/* That it cannot be traced says nothing about it. */
	if (!counted)
		err_set(err, EXIT_IMPOSSIBLE, "under the tracer: %s", err->text);
	return good;
}

static bool observe_workload(struct observer *observer, const struct gate *gate,
			     struct gate_cell *cell, enum side side, struct observation *seen)
{
	const bool futex =
		observer->traced && gate->metrics[METRIC_FUTEX].gated &&
		(!cell->judgements[METRIC_FUTEX].decided || cell->judgements[METRIC_FUTEX].failed);
	struct sample sample;
	struct err err = { 0 };
	const bool taken =
		sample_take(&observer->sampler[side], cell_of(cell, side), &sample, &err);
	bool good = taken && is_expected(cell, side, &sample);

	if (good)
		metric_observe(&sample, seen);
	json_decref(sample.line);
	if (good && futex)
		good = count_futex(observer, cell, side, seen, &err);
	if (err.text[0] && !process_stop_signal())
		end_of_error(cell, side, &err);
	return good;
}

static void copy_figures(const struct lock_figures *figures, struct observation *seen)
{
	seen->value[METRIC_TAKES] = figures->takes;
	seen->value[METRIC_CONTENDED] = figures->contended;
	seen->value[METRIC_SWITCHES] = figures->switches;
	seen->value[METRIC_FORCED] = figures->drops_forced;
	seen->value[METRIC_WAIT_SHARE] = figures->wait_share;
	seen->value[METRIC_HOLD_P50] = figures->hold_p50_ns;
	seen->value[METRIC_HOLD_P99] = figures->hold_p99_ns;
	seen->value[METRIC_WAIT_P99] = figures->wait_p99_ns;
}

/* By a shell, which takes as long on both sides. */
static bool run_command(struct sampler *sampler, const char *command, struct sample *sample,
			struct err *err)
{
	char shell[] = "/bin/sh", run[] = "-c";
	char *const words[] = { shell, run, (char *)command, NULL };
	struct process *process = &sampler->process;

	process->cpus = NULL;
	if (!process_run(process, words, NULL, sampler->limit_ns, err))
		return false;
	if (process->interrupted)
		return err_set(err, EXIT_FAILED, "was interrupted");
	sample->elapsed_ns = process->wall_ns;
	sample->usage = process->usage;
	return process_judge(process, sampler->limit_ns, err);
}

/* What only a trace tells of a command. */
static const enum metric_id traced_metrics[] = {
	METRIC_TAKES,      METRIC_CONTENDED, METRIC_SWITCHES, METRIC_FORCED,
	METRIC_WAIT_SHARE, METRIC_HOLD_P50,  METRIC_HOLD_P99, METRIC_WAIT_P99,
};

/* Whether one of them is still to be decided, or confirmed. */
static bool wants_trace(const struct gate *gate, const struct gate_cell *cell)
{
	for (size_t i = 0; i < sizeof(traced_metrics) / sizeof(traced_metrics[0]); i++) {
		const struct judgement *judgement = &cell->judgements[traced_metrics[i]];

		if (gate->metrics[traced_metrics[i]].gated &&
		    (!judgement->decided || judgement->failed))
			return true;
	}
	return false;
}

/* Its time is that of a run without the tracer, whose start and end would be part of it. */
static bool observe_command(struct observer *observer, const struct gate *gate,
			    struct gate_cell *cell, enum side side, struct observation *seen)
{
	const char *command = gate->side[side].command;
	struct sampler *sampler = &observer->sampler[side];
	struct lock_figures figures = { 0 };
	struct sample sample = { 0 };
	struct err err = { 0 };
	bool good = run_command(sampler, command, &sample, &err);

	if (good)
		metric_observe(&sample, seen);
	if (good && observer->traced && wants_trace(gate, cell)) {
		good = traced_command(sampler, command, &figures, &err);
		copy_figures(&figures, seen);
	}
	if (!good && !process_stop_signal())
		end_of_error(cell, side, &err);
	return good;
}

bool observe(struct observer *observer, const struct gate *gate, struct gate_cell *cell,
	     enum side side, struct observation *seen)
{
	return cell->cell ? observe_workload(observer, gate, cell, side, seen) :
			    observe_command(observer, gate, cell, side, seen);
}
