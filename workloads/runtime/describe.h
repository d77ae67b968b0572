/* What a workload binary is and takes, as one JSON object: how gilscope
 * lists without linking it. */
#ifndef WORKLOADS_RUNTIME_DESCRIBE_H
#define WORKLOADS_RUNTIME_DESCRIBE_H

#include "base/param.h"
#include "workloads/workload.h"

void describe(const struct workload *workload, const struct param *common, FILE *to);

#endif
