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

/* What both refuse cannot be run here, or is misuse; what one refuses cannot be compared. */
static bool check(struct plan *plan, struct gate_cell *cell, struct err *err)
{
	struct err refused[SIDES] = { 0 };

	for (int side = 0; side < SIDES; side++) {
		sample_check(&plan->observer.sampler[side], cell->cell, &refused[side]);
		if (process_stop_signal())
			return false;
	}
	if (!refused[BASELINE].text[0] && !refused[CANDIDATE].text[0])
		return true;
	if (refused[BASELINE].code == EXIT_MISUSE && refused[CANDIDATE].code == EXIT_MISUSE)
		return err_set(err, EXIT_MISUSE, "%s", refused[BASELINE].text);
	if (refused[BASELINE].text[0] && refused[CANDIDATE].text[0])
		judge_end(cell, VERDICT_SKIPPED, "it cannot run here: %s", refused[BASELINE].text);
	else if (refused[BASELINE].text[0])
		judge_end(cell, VERDICT_NOT_COMPARABLE, "the baseline does not have it: %s",
			  refused[BASELINE].text);
	else
		judge_end(cell, VERDICT_NOT_COMPARABLE, "the candidate does not have it: %s",
			  refused[CANDIDATE].text);
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
		return false;
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
