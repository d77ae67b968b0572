/* Prints the tables of a workload binary as JSON. */
#include "workloads/runtime/describe.h"

#include "base/emit.h"
#include "base/machine.h"
#include "workloads/runtime/mode.h"
#include "workloads/runtime/tables.h"

static void describe_params(struct emit *emit, const char *name, const struct param *rows)
{
	emit_open(emit, name, '[');
	for (; rows && rows->name; rows++) {
		emit_open(emit, NULL, '{');
		emit_string(emit, "name", rows->name);
		emit_string(emit, "default", rows->fallback);
		emit_string(emit, "help", rows->help);
		if (rows->other_work)
			emit_bool(emit, "other_work", true);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void describe_size(struct emit *emit, const struct workload *workload)
{
	emit_open(emit, "size", '{');
	emit_string(emit, "unit", workload->size_unit);
	emit_string(emit, "default", workload->size_default);
	emit_u64(emit, "low", workload->size_low);
	emit_u64(emit, "high", workload->size_high);
	emit_close(emit, '}');
}

static void describe_modes(struct emit *emit, const struct run *run)
{
	emit_open(emit, "modes", '[');
	for (size_t i = 0; modes[i]; i++) {
		emit_open(emit, NULL, '{');
		emit_string(emit, "name", modes[i]->name);
		emit_string(emit, "summary", modes[i]->summary);
		emit_bool(emit, "takes_gil", modes[i]->gil);
		emit_string(emit, "gil", modes[i]->gil);
		describe_params(emit, "params", modes[i]->params);
		emit_string(emit, "reason", run_refusal(run, modes[i]));
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

void describe(const struct run *run, const struct param *common, FILE *to)
{
	const struct workload *workload = run->workload;
	struct emit emit;

	emit_start(&emit, to, false);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "workload", workload->name);
	emit_string(&emit, "summary", workload->summary);
	machine_build_json(&emit, "build");
	describe_size(&emit, workload);
	describe_params(&emit, "options", common);
	describe_params(&emit, "params", workload->params);
	emit_open(&emit, "counts", '[');
	for (size_t i = 0; workload->counts && workload->counts[i]; i++)
		emit_string(&emit, NULL, workload->counts[i]);
	emit_close(&emit, ']');
	/* Its workers wait for one another: a pool must not have fewer workers than tasks. */
	emit_bool(&emit, "together", run->plan.together);
	describe_modes(&emit, run);
	emit_open(&emit, "gils", '[');
	for (size_t i = 0; gils[i]; i++) {
		emit_open(&emit, NULL, '{');
		emit_string(&emit, "name", gils[i]->name);
		emit_string(&emit, "summary", gils[i]->summary);
		describe_params(&emit, "params", gils[i]->params);
		emit_close(&emit, '}');
	}
	emit_close(&emit, ']');
	emit_close(&emit, '}');
}
