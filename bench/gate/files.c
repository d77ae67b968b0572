/* The list of a gate's files. */
#include "bench/gate/show.h"

const struct result_output gate_outputs[] = {
	{ "verdict.json", gate_verdict_json },
	{ 0 },
};
