/* The trace folder as it is written: made before the program runs, described at the end. */
#ifndef TRACER_LAUNCHER_FOLDER_H
#define TRACER_LAUNCHER_FOLDER_H

#include "base/err.h"
#include "tracer/launcher/cost.h"
#include "tracer/launcher/drain.h"

#include <limits.h>

struct folder {
	char path[PATH_MAX];
	char threads[PATH_MAX]; /* where the files of threads go */
	bool made;
};

/* What trace.json says (docs/trace-format.md). */
struct folder_facts {
	char *const *command;
	const struct memory *memory;
	const struct cost *cost;
	const struct drain_totals *totals; /* null: recording goes on */
	int status; /* as a shell gives it; negative: not known, as is elapsed_ns */
	uint64_t elapsed_ns;
};

/* Makes 'wanted', which must not be there yet or be empty; null makes a free name from the
 * program's
 * ("trace-python3", "trace-python3-2"). */
bool folder_create(struct folder *folder, const char *wanted, const char *program, struct err *err);
/* Removes what was made, when there was nothing to record. */
void folder_remove(const struct folder *folder);
/* Writes trace.json under a temporary name and renames it. Room for it was kept when the folder was
 * made, so that a full disk does not prevent it. */
bool folder_describe(const struct folder *folder, const struct folder_facts *facts,
		     struct err *err);
/* Why something was lost; null when nothing was. */
const char *folder_lost_reason(const struct drain_totals *totals);

#endif
