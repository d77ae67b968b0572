/* Can the recorder be preloaded into a program at all? */
#ifndef TRACER_LAUNCHER_TARGET_H
#define TRACER_LAUNCHER_TARGET_H

#include "base/err.h"

/* Looks at the file, and for a script at its interpreter. Fails with the reason: static, set-uid,
 * of another architecture. A file that is neither, or cannot be read, is left to exec. */
bool target_check(const char *path, struct err *err);

#endif
