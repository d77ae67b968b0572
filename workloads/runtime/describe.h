/* What a workload binary is and takes, as one JSON object: how gilscope
 * lists without linking it. */
#ifndef WORKLOADS_RUNTIME_DESCRIBE_H
#define WORKLOADS_RUNTIME_DESCRIBE_H

#include "workloads/runtime/run.h"

/* After run_plan. */
void describe(const struct run *run, const struct param *common, FILE *to);

#endif
