/* What a workload says of itself: size, options, parameters, modes, lock models. */
#ifndef BENCH_DESCRIBE_H
#define BENCH_DESCRIBE_H

#include "base/err.h"

#include <jansson.h>

/* Runs 'words', that end in --describe; 'name' is the workload's, for the error. The caller drops
 * the object; null with the reason when it cannot be run or says something else than an object. */
json_t *describe_workload(char *const words[], const char *name, struct err *err);

#endif
