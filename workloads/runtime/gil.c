/* Every worker is a thread, and a model of an interpreter's lock lets one run at a time. */
#include "workloads/runtime/threads.h"

#include <stdlib.h>
#include <string.h>

static bool run_gil(struct run *run, struct err *err)
{
	const struct gil *gil = run->gil;
	const size_t bytes = (gil->state_bytes + 63) / 64 * 64;
	void *state = aligned_alloc(64, bytes);

	if (!state)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate the lock");
	memset(state, 0, bytes);
	if (!gil->init(state, &run->params, err)) {
		free(state);
		return false;
	}
	for (unsigned i = 0; i < run->workers; i++) {
		run->worker[i].gil = state;
		run->worker[i].tick = gil->tick(state, i);
	}
	if (!run_threads(run, err))
		return false; /* threads that were started still use the state */
	gil->finish(state, &run->gil_counts);
	free(state);
	return true;
}

const struct mode mode_gil = {
	.name = "gil",
	.summary = "a thread per worker, serialized by a model of an interpreter's lock (--gil)",
	.takes_gil = true,
	.run = run_gil,
};
