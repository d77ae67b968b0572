/* The words of those who read a trace: the command line, with options on both sides of the trace's
 * folder, and times as they are printed. */
#ifndef TRACER_WORDS_H
#define TRACER_WORDS_H

#include "base/param.h"

/* For --from and --to: 31 years, longer than any trace, and exact when it is printed. */
#define WORDS_TIME_HIGH (UINT64_C(1000000000) * 1000000000u)

/* argv[0] is the command's name; the set has its options, --from and --to among them. */
bool words_read(int argc, char *argv[], struct param_set *set, const char **folder,
		struct err *err);

/* Three digits and a unit: "1.23us". */
const char *words_duration(double ns, char to[16]);

#endif
