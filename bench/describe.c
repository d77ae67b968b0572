/* Asks a workload for its description. */
#include "bench/describe.h"

#include "bench/process.h"

#include <stdlib.h>

/* It prints one line; a machine that needs longer, even to start a Java, is out of order. */
#define LIMIT_NS 30000000000u

static json_t *parse(const struct process *process, const char *name, struct err *err)
{
	json_error_t error;
	json_t *found = json_loads(process->output, 0, &error);

	if (json_is_object(found))
		return found;
	json_decref(found);
	err_set(err, EXIT_IMPOSSIBLE, "workload '%s' does not describe itself: %s", name,
		found ? "not an object" : error.text);
	return NULL;
}

json_t *describe_workload(char *const words[], const char *name, struct err *err)
{
	struct process *process = calloc(1, sizeof(*process));
	struct err why = { 0 };
	json_t *found = NULL;

	if (!process) {
		err_set(err, EXIT_IMPOSSIBLE, "no memory");
		return NULL;
	}
	if (process_run(process, words, NULL, LIMIT_NS, err)) {
		if (process_judge(process, LIMIT_NS, &why))
			found = parse(process, name, err);
		else
			err_set(err, EXIT_IMPOSSIBLE, "workload '%s' %s", name, why.text);
	}
	free(process);
	return found;
}
