/* gilscope trace: runs a command with the recorder and collects what it records. */
#include "base/home.h"
#include "base/param.h"
#include "base/path.h"
#include "command/command.h"
#include "tracer/launcher/cost.h"
#include "tracer/launcher/folder.h"
#include "tracer/gil/show.h"
#include "tracer/report/report.h"
#include "tracer/launcher/run.h"
#include "tracer/launcher/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A summary that takes half a second at most. */
#define SUMMARY_RECORDS 20000000

#define PRELOAD_BUILT "tracer/preload/" ARENA_LIBRARY

static const char *const counters[] = { "auto", "raw", "monotonic", NULL };

static const char *const syscalls[] = { "auto", "patch", "patch,audit", "dispatch", "off", NULL };

static const struct param params[] = {
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .value = "DIR",
	  .help = "the folder to make for the trace (-o); default: trace-COMMAND" },
	{ .name = "counter",
	  .kind = PARAM_CHOICE,
	  .fallback = "auto",
	  .choices = counters,
	  .value = "COUNTER",
	  .help = "what stamps records; auto: the processor's, unless the kernel mistrusts it" },
	{ .name = "syscalls",
	  .kind = PARAM_CHOICE,
	  .fallback = "auto",
	  .choices = syscalls,
	  .value = "HOW",
	  .help = "record system calls by patching code in memory, by the kernel's dispatch of "
		  "each call, or both; auto: by what is possible" },
	{ .name = "quiet", .kind = PARAM_FLAG, .help = "print no summary" },
	{ 0 },
};

struct launch {
	const char *counter, *syscalls, *output;
	char *const *words;
	char path[PATH_MAX], library[PATH_MAX];
	struct folder folder;
	struct memory memory;
	struct cost cost;
	struct drain *drain;
	struct drain_totals totals;
	struct run run;
};

static bool find_program(struct launch *launch, struct err *err)
{
	const char *name = launch->words[0];
	struct stat file;

	if (strchr(name, '/'))
		snprintf(launch->path, sizeof(launch->path), "%s", name);
	else if (!path_find_program(name, launch->path, sizeof(launch->path)))
		return err_set(err, 127, "cannot find '%s' in $PATH", name);
	if (stat(launch->path, &file) != 0)
		return err_set(err, errno == ENOENT ? 127 : 126, "cannot run '%s': %s",
			       launch->path, strerror(errno));
	if (S_ISDIR(file.st_mode))
		return err_set(err, 126, "cannot run '%s': it is a folder", launch->path);
	if (access(launch->path, X_OK) != 0)
		return err_set(err, 126, "cannot run '%s': %s", launch->path, strerror(errno));
	return target_check(launch->path, err);
}

static enum arena_syscalls choose_syscalls(const char *name)
{
	static const enum arena_syscalls choices[] = { ARENA_SYSCALLS_AUTO, ARENA_SYSCALLS_PATCH,
						       ARENA_SYSCALLS_AUDIT,
						       ARENA_SYSCALLS_DISPATCH,
						       ARENA_SYSCALLS_OFF };
	size_t i = 0;

	while (strcmp(syscalls[i], name) != 0)
		i++;
	return choices[i];
}

static bool prepare(struct launch *launch, struct err *err)
{
	struct folder_facts facts = { .command = launch->words,
				      .memory = &launch->memory,
				      .cost = &launch->cost };

	if (!home_find_file(launch->library, PRELOAD_BUILT, ARENA_LIBRARY, err) ||
	    !find_program(launch, err) ||
	    !folder_create(&launch->folder, launch->output, launch->words[0], err))
		return false;
	cost_measure(&launch->cost, launch->library, launch->counter);
	if (!memory_create(&launch->memory, launch->library, launch->counter, err) ||
	    !folder_describe(&launch->folder, &facts, err))
		return false;
	launch->memory.arena->syscalls = choose_syscalls(launch->syscalls);
	launch->drain = drain_create(&launch->memory, launch->folder.threads);
	return launch->drain || err_set(err, EXIT_IMPOSSIBLE, "no memory");
}

static void summarize(const struct launch *launch)
{
	const struct drain_totals *totals = &launch->totals;
	const char *reason = folder_lost_reason(totals);

	if (reason)
		fprintf(stderr, "gilscope: LOST %" PRIu64 " events: %s\n", totals->lost, reason);
	if (totals->still_running)
		fprintf(stderr,
			"gilscope: %" PRIu64 " processes outlived the command; recording "
			"ended with it\n",
			totals->still_running);
	if (totals->stalls)
		fprintf(stderr,
			"gilscope: threads had to wait %" PRIu64 " times for room to record\n",
			totals->stalls);
	if (totals->records == 0 && !reason)
		fprintf(stderr, "gilscope: nothing was recorded: the program makes no call that "
				"can be seen, or dropped the recorder\n");
	fprintf(stderr,
		"gilscope: %" PRIu64 " records of %" PRIu64 " thread%s in %" PRIu64
		" process%s in '%s'%s\n",
		totals->records, totals->threads, totals->threads == 1 ? "" : "s",
		totals->processes, totals->processes == 1 ? "" : "es", launch->folder.path,
		reason ? "" : ", none lost");
}

static bool finish(struct launch *launch, struct err *err)
{
	const struct folder_facts facts = { .command = launch->words,
					    .memory = &launch->memory,
					    .cost = &launch->cost,
					    .totals = &launch->totals,
					    .status = launch->run.status,
					    .elapsed_ns = launch->run.elapsed_ns };

	drain_finish(launch->drain, &launch->totals);
	return folder_describe(&launch->folder, &facts, err);
}

/* Records, and leaves nothing behind but the trace. */
static bool record(struct launch *launch, bool *described, struct err *err, struct err *late)
{
	bool ran;

	run_catch_signals();
	ran = prepare(launch, err) && run_command(&launch->run, launch->path, launch->words,
						  &launch->memory, launch->drain, err);
	if (ran)
		*described = finish(launch, late);
	else
		folder_remove(&launch->folder);
	drain_destroy(launch->drain);
	memory_destroy(&launch->memory);
	run_release_signals();
	return ran;
}

static int trace(struct launch *launch, bool quiet, struct err *err)
{
	struct err late = { 0 };
	bool described = false;

	if (!record(launch, &described, err, &late))
		return err->code;
	/* What was lost comes first. */
	if (!quiet)
		summarize(launch);
	if (described && !quiet)
		described = report_verdict(launch->folder.path, SUMMARY_RECORDS, stderr, &late) &&
			    show_verdict(launch->folder.path, SUMMARY_RECORDS, stderr, &late);
	if (!described)
		fprintf(stderr, "gilscope: %s\n", late.text);
	return launch->run.status;
}

static int run(int argc, char *argv[], struct err *err)
{
	struct param_set set = { 0 };
	struct launch *launch;
	int next = 1, status;

	param_set_add(&set, params);
	if (!param_set_parse(&set, argc, argv, &next, err))
		return err->code;
	if (next < argc && strcmp(argv[next], "--") == 0)
		next++;
	if (next >= argc) {
		err_set(err, EXIT_MISUSE, "no command to trace; give it behind the options");
		return err->code;
	}
	launch = calloc(1, sizeof(*launch));
	if (!launch) {
		err_set(err, EXIT_IMPOSSIBLE, "no memory");
		return err->code;
	}
	launch->counter = param_text(&set, "counter");
	launch->syscalls = param_text(&set, "syscalls");
	launch->output = param_get(&set, "output")->given ? param_text(&set, "output") : NULL;
	launch->words = argv + next;
	launch->memory.fd = -1;
	status = trace(launch, param_number(&set, "quiet") != 0, err);
	free(launch);
	return status;
}

const struct command command_trace = {
	.name = "trace",
	.arguments = "[OPTION]... [--] COMMAND [WORD]...",
	.summary = "record every lock operation and system call of a command and its children",
	.params = params,
	.runs_program = true,
	.run = run,
};
