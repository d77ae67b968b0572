/* Where gilscope's own files are: beside the executable in a build folder, in libexec and share
 * below the prefix when installed. Found from the executable, so that a prefix can be moved. */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include "base/err.h"

#include <limits.h>

struct home {
	char workloads[PATH_MAX]; /* the folder of the workload binaries */
	char plots[PATH_MAX];     /* the folder of the gnuplot scripts */
};

/* Fails when the workload binaries cannot be found. */
bool home_find(struct home *home, struct err *err);
/* The path of one file: by its name in the build folder, or by the name under which it is installed
 * in libexec. Fails when it is in neither. */
bool home_find_file(char path[PATH_MAX], const char *built, const char *installed, struct err *err);

#endif
