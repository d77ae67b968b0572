/* Prints the tables of a workload binary as JSON. */
#include "workloads/runtime/describe.h"

#include "base/json.h"
#include "workloads/runtime/mode.h"
#include "workloads/runtime/tables.h"

static void describe_params(struct json *json, const char *name, const struct param *rows)
{
	json_open(json, name, '[');
	for (; rows && rows->name; rows++) {
		json_open(json, NULL, '{');
		json_string(json, "name", rows->name);
		json_string(json, "default", rows->fallback);
		json_string(json, "help", rows->help);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void describe_size(struct json *json, const struct workload *workload)
{
	json_open(json, "size", '{');
	json_string(json, "unit", workload->size_unit);
	json_string(json, "default", workload->size_default);
	json_u64(json, "low", workload->size_low);
	json_u64(json, "high", workload->size_high);
	json_close(json, '}');
}

void describe(const struct workload *workload, const struct param *common, FILE *to)
{
	struct json json;

	json_start(&json, to, false);
	json_open(&json, NULL, '{');
	json_string(&json, "workload", workload->name);
	json_string(&json, "summary", workload->summary);
	describe_size(&json, workload);
	describe_params(&json, "options", common);
	describe_params(&json, "params", workload->params);
	json_open(&json, "modes", '[');
	for (size_t i = 0; modes[i]; i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "name", modes[i]->name);
		json_string(&json, "summary", modes[i]->summary);
		json_bool(&json, "takes_gil", modes[i]->takes_gil);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_open(&json, "gils", '[');
	for (size_t i = 0; gils[i]; i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "name", gils[i]->name);
		json_string(&json, "summary", gils[i]->summary);
		describe_params(&json, "params", gils[i]->params);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
}
