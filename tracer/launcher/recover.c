/* gilscope recover: finishes a recording whose launcher was killed. What it had not collected is
 * still in shared memory, as long as the machine runs. */
#include "base/param.h"
#include "command/command.h"
#include "tracer/launcher/drain.h"
#include "tracer/launcher/folder.h"
#include "tracer/read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct param params[] = { { 0 } };

static bool collect(const struct folder *folder, const struct trace_info *info,
		    struct drain_totals *totals, struct err *err)
{
	struct cost cost;
	char *const words[] = { info->command, NULL };
	struct memory *memory = calloc(1, sizeof(*memory));
	struct folder_facts facts = {
		.command = words, .memory = memory, .cost = &cost, .totals = totals, .status = -1
	};
	struct drain *drain;
	bool ok = false;

	cost_unknown(&cost, "the launcher was killed; record_ns is its own");
	cost.record_ns = info->record_ns;
	if (!memory)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory");
	if (memory_open(memory, info->arena, err)) {
		drain = drain_resume(memory, folder->threads);
		if (drain) {
			drain_finish(drain, totals);
			ok = totals->full ?
				     err_set(err, EXIT_IMPOSSIBLE,
					     "no room in '%s'; what is left is still in '%s': make "
					     "room and try again",
					     folder->path, info->arena) :
				     folder_describe(folder, &facts, err);
		} else {
			err_set(err, EXIT_IMPOSSIBLE, "no memory");
		}
		drain_destroy(drain);
		if (ok)
			memory_destroy(memory);
	}
	free(memory);
	return ok;
}

static bool recover(const char *path, struct err *err)
{
	struct drain_totals totals = { 0 };
	struct folder folder;
	struct info_more more;
	struct trace_info info;
	bool ok;

	/* There may be no thread's file yet: all is in the arena. */
	if (!info_read(&info, &more, path, err))
		return false;
	if (info.finished || !info.arena) {
		info_finish(&info);
		return err_set(err, EXIT_MISUSE, "'%s' is finished: there is nothing to recover",
			       path);
	}
	snprintf(folder.path, sizeof(folder.path), "%s", path);
	snprintf(folder.threads, sizeof(folder.threads), "%.*s/threads", PATH_MAX - 16, path);
	ok = collect(&folder, &info, &totals, err);
	info_finish(&info);
	if (ok)
		printf("%" PRIu64 " records of %" PRIu64 " threads in '%s', %" PRIu64 " lost\n",
		       totals.records, totals.threads, path, totals.lost);
	return ok;
}

static int run(int argc, char *argv[], struct err *err)
{
	struct param_set set = { 0 };
	int next = 1;

	param_set_add(&set, params);
	if (!param_set_parse(&set, argc, argv, &next, err))
		return err->code;
	if (next != argc - 1) {
		err_set(err, EXIT_MISUSE, "give one trace folder to recover");
		return err->code;
	}
	return recover(argv[next], err) ? EXIT_DONE : err->code;
}

const struct command command_recover = {
	.name = "recover",
	.arguments = "TRACE",
	.summary = "finish a recording whose launcher was killed",
	.params = params,
	.run = run,
};
