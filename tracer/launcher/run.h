/* Runs the command and keeps the drain going beside it. */
#ifndef TRACER_LAUNCHER_RUN_H
#define TRACER_LAUNCHER_RUN_H

#include "base/err.h"
#include "tracer/launcher/drain.h"

struct run {
	int status; /* as a shell gives it: 128 and the signal's number when one ended it */
	int signal; /* that number, or 0 */
	uint64_t elapsed_ns;
};

/* An interrupt from the terminal is the program's affair, SIGTERM and SIGHUP are passed on to it,
 * and a file that may not grow is an error like another: from the first until the second call, so
 * that the recording comes to its end, and the arena is removed. */
void run_catch_signals(void);
void run_release_signals(void);
/* Starts the program with the recorder, waits for it while draining, and a moment for the processes
 * it left behind. Fails, with exit code 126 or 127, when it could not be started. */
bool run_command(struct run *run, const char *path, char *const words[], struct memory *memory,
		 struct drain *drain, struct err *err);

#endif
