/* Ends what the runner started when the runner itself is killed and cannot. A small process of its
 * own waits at a socket whose other end only the runner has: the end of file is the runner's end,
 * whatever caused it. Then it asks the last process group that it was told of to end, and every
 * process that has the runner's mark in its environment, which is how those are found that left the
 * group, and after a while kills them.
 *
 * Out of its reach is what has both a group of its own and another environment (sudo, programs that
 * write their titles over it), and what another user runs. */
#ifndef BENCH_GUARD_H
#define BENCH_GUARD_H

#include "base/err.h"

#include <sys/types.h>

/* How long who is asked to end (SIGTERM) may take, to put away what is its own, as the launcher of
 * a trace does, before it is killed. */
#define GUARD_GRACE_MS 3000

/* Starts it, unless it runs, and marks the environment of all that we start from now on. */
bool guard_start(struct err *err);
/* Tells it of a group that is about to run; 0: of none. A write. */
void guard_watch(pid_t group);
/* Tells it of a temporary folder that it is to remove; null: of none. */
void guard_remove(const char *folder);
/* Kills all marked processes, here and now, and waits for those that have become our children. */
void guard_end_strays(void);

#endif
