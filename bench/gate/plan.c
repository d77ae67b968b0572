/* A matrix as bench has it, on the workloads of two builds. */
#include "bench/gate/plan.h"

#include "base/cpus.h"
#include "bench/gate/judge.h"
#include "bench/suite.h"

#include <stdlib.h>
#include <string.h>

/* What other suites give a sample is too long for pairs of them. */
#define SAMPLE_MOST_NS 50000000u

static void add(struct gate *gate, struct cell *cell)
{
	struct gate_cell *to = &gate->cells[gate->count];

	*to = (struct gate_cell){ .cell = cell };
	to->pairs = calloc(DECIDE_MOST, sizeof(*to->pairs));
	to->confirming = calloc(DECIDE_CONFIRM_MOST, sizeof(*to->confirming));
	if (!to->pairs || !to->confirming)
		abort();
	snprintf(to->id, sizeof(to->id), "%s", cell ? cell->id : "command");
	gate->count++;
}

static bool set_up(struct plan *plan, struct gate *gate, const struct param_set *options,
		   struct err *err)
{
	const char *pin = param_text(options, "pin");

	if (strlen(pin) >= sizeof(plan->pin))
		return err_set(err, EXIT_MISUSE, "--pin: the list is too long");
	if (strcmp(pin, "auto") == 0 &&
	    cpus_spread("", gate->machine.cpus_list, plan->pin, sizeof(plan->pin)))
		pin = plan->pin;
	for (int side = 0; side < SIDES; side++) {
		struct sampler *sampler = &plan->observer.sampler[side];

		sampler->workloads = gate->side[side].workloads;
		sampler->pin = strcmp(pin, "off") == 0 || strcmp(pin, "auto") == 0 ? NULL : pin;
		sampler->limit_ns = param_number(options, "limit");
	}
	plan->observer.traced = param_number(options, "trace");
	return true;
}

/* --sample, or what the suite gives, but no more than fits. */
static void set_targets(struct plan *plan, const struct param_set *options)
{
	const struct param_value *sample = param_get(options, "sample");

	for (size_t i = 0; i < plan->matrix.count; i++) {
		struct cell *cell = &plan->matrix.cells[i];

		if (sample->given || cell->target_ns > SAMPLE_MOST_NS)
			cell->target_ns = sample->given ? sample->number : SAMPLE_MOST_NS;
	}
}

/* What cannot be asked, or crashes when it is. */
static void end_unanswered(struct gate_cell *cell, const enum sample_answer answers[],
			   const struct err told[])
{
	if (answers[BASELINE] == SAMPLE_NOT_ASKED || answers[CANDIDATE] == SAMPLE_NOT_ASKED)
		judge_end(cell, VERDICT_ERROR, "it could not be asked for: %s",
			  told[answers[BASELINE] == SAMPLE_NOT_ASKED ? BASELINE : CANDIDATE].text);
	else if (answers[BASELINE] == SAMPLE_CRASHED)
		judge_end(cell, VERDICT_ERROR, "the baseline's %s", told[BASELINE].text);
	else
		judge_end(cell, VERDICT_FAIL, "the candidate's %s", told[CANDIDATE].text);
}

/* What both refuse cannot be run here; what one refuses cannot be compared. */
static void end_refused(struct gate_cell *cell, const struct err told[])
{
	if (told[BASELINE].text[0] && told[CANDIDATE].text[0])
		judge_end(cell, VERDICT_SKIPPED, "it cannot run here: %s", told[BASELINE].text);
	else if (told[BASELINE].text[0])
		judge_end(cell, VERDICT_NOT_COMPARABLE, "the baseline does not have it: %s",
			  told[BASELINE].text);
	else
		judge_end(cell, VERDICT_NOT_COMPARABLE, "the candidate does not have it: %s",
			  told[CANDIDATE].text);
}

/* Whether both sides can run it. False when it is misuse, or we were asked to stop. */
static bool check(struct plan *plan, struct gate_cell *cell, struct err *err)
{
	enum sample_answer answers[SIDES];
	struct err told[SIDES] = { 0 };

	for (int side = 0; side < SIDES; side++) {
		answers[side] =
			sample_check(&plan->observer.sampler[side], cell->cell, &told[side]);
		if (process_stop_signal())
			return false;
	}
	if (answers[BASELINE] == SAMPLE_ACCEPTED && answers[CANDIDATE] == SAMPLE_ACCEPTED)
		return true;
	if (answers[BASELINE] > SAMPLE_REFUSED || answers[CANDIDATE] > SAMPLE_REFUSED)
		end_unanswered(cell, answers, told);
	else if (told[BASELINE].code == EXIT_MISUSE && told[CANDIDATE].code == EXIT_MISUSE)
		return err_set(err, EXIT_MISUSE, "%s", told[BASELINE].text);
	else
		end_refused(cell, told);
	/* Others are not to get their sizes from it. */
	cell_fail(cell->cell, cell->reason);
	return true;
}

static void find_sizes(struct plan *plan, struct gate *gate)
{
	calibrate(&plan->observer.sampler[BASELINE], &plan->matrix, plan->calibrations,
		  &plan->calibration_count);
	for (size_t i = 0; i < gate->count; i++) {
		struct gate_cell *cell = &gate->cells[i];

		if (!cell->decided && cell->cell->status == CELL_FAILED)
			judge_end(cell, VERDICT_ERROR, "the baseline: %s", cell->cell->reason);
	}
}

/* Nothing was left, because no runtime that was asked for is here. */
static bool is_absent(const struct plan *plan)
{
	for (size_t i = 0; i < plan->runtimes.count; i++) {
		if (!plan->runtimes.row[i].reason[0])
			return false;
	}
	return plan->runtimes.count > 0;
}

static bool skip(const struct plan *plan, struct gate *gate, struct err *err)
{
	if (!is_absent(plan))
		return false;
	snprintf(gate->reason, sizeof(gate->reason), "%s", err->text);
	*err = (struct err){ 0 };
	return true;
}

bool plan_cells(struct plan *plan, struct gate *gate, const struct param_set *options,
		struct err *err)
{
	struct matrix *matrix = &plan->matrix;

	*matrix = (struct matrix){ .runtimes = &plan->runtimes,
				   .folder = gate->side[BASELINE].workloads,
				   .suite = suite_gate };
	if (!set_up(plan, gate, options, err) ||
	    !runtimes_find(&plan->runtimes, param_get(options, "runtime"), matrix->folder, err) ||
	    !matrix_fill(matrix, options, err) || !matrix_settle(matrix, options, err))
		return skip(plan, gate, err);
	set_targets(plan, options);
	gate->cells = calloc(matrix->count, sizeof(*gate->cells));
	if (!gate->cells)
		abort();
	for (size_t i = 0; i < matrix->count; i++) {
		add(gate, &matrix->cells[i]);
		if (!check(plan, &gate->cells[i], err))
			return false;
	}
	find_sizes(plan, gate);
	return !process_stop_signal();
}

bool plan_commands(struct plan *plan, struct gate *gate, const struct param_set *options,
		   struct err *err)
{
	gate->cells = calloc(1, sizeof(*gate->cells));
	if (!gate->cells)
		abort();
	add(gate, NULL);
	return set_up(plan, gate, options, err);
}

void plan_finish(struct plan *plan, struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++) {
		free(gate->cells[i].pairs);
		free(gate->cells[i].confirming);
		free(gate->cells[i].injected);
	}
	free(gate->cells);
	gate->cells = NULL;
	gate->count = 0;
	matrix_finish(&plan->matrix);
	plan->matrix = (struct matrix){ 0 };
	runtimes_finish(&plan->runtimes);
}
