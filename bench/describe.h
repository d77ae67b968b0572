/* What a workload binary says of itself: size, options, parameters, modes, lock models. */
#ifndef BENCH_DESCRIBE_H
#define BENCH_DESCRIBE_H

#include "base/err.h"

#include <jansson.h>

/* Runs 'FOLDER/NAME --describe'. The caller drops the object; null with the reason when the binary
 * cannot be run or says something else than an object. */
json_t *describe_workload(const char *folder, const char *name, struct err *err);

#endif
