/* One fresh process: starts it with counters attached, waits with a limit, collects what it
 * printed, what it used and what it counted. Nothing it started outlives it, nor us, even if we are
 * killed: guard.h says how, and what that cannot reach. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include "bench/counters.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>

#define PROCESS_OUTPUT 262144
/* The exit status of a process whose program could not be run, as a shell's. */
#define PROCESS_NOT_RUN 127

struct process {
	const cpu_set_t
		*cpus; /* the caller's: where it may run, from before exec; null: where we may */
	int status;    /* as waitpid gives it */
	bool timed_out;
	bool interrupted;    /* we were asked to stop; so was the process, and then killed */
	uint64_t wall_ns;    /* from before the fork to after the wait */
	struct rusage usage; /* with its waited-for descendants */
	struct counter_value counters[COUNTERS_MAX];
	size_t output_size, error_size;
	char output[PROCESS_OUTPUT]; /* standard output, ended by '\0'; more is cut off */
	char error[512];             /* the beginning of standard error */
};

/* From now on SIGINT, SIGTERM and SIGHUP end the process that runs and are remembered; a child
 * ends when this process dies. Call once, before the first process. */
void process_catch_signals(void);
/* The signal that asked us to stop, or 0. */
int process_stop_signal(void);
/* Dies of that signal, as if it had not been caught: so our own parent knows. */
_Noreturn void process_die_of_signal(void);

/* Runs argv[0] (a path). A null 'counters' counts nothing. False when it could not be started or
 * waited for, which is our trouble and not the program's. */
bool process_run(struct process *process, char *const argv[], const struct counters *counters,
		 uint64_t limit_ns, struct err *err);
/* True when it ended with status 0; otherwise says how it ended, with its own words. */
bool process_judge(const struct process *process, uint64_t limit_ns, struct err *err);

#endif
