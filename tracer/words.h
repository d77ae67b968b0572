/* The command line of those who read a trace: options on both sides of the trace's folder. */
#ifndef TRACER_WORDS_H
#define TRACER_WORDS_H

#include "base/param.h"

/* For --from and --to: 31 years, longer than any trace, and exact when it is printed. */
#define WORDS_TIME_HIGH (UINT64_C(1000000000) * 1000000000u)

/* argv[0] is the command's name; the set has its options, --from and --to among them. */
bool words_read(int argc, char *argv[], struct param_set *set, const char **folder,
		struct err *err);

#endif
