/* Every worker is a thread, and a model of an interpreter's lock lets one run at a time. */
#include "workloads/runtime/threads.h"

static bool run_gil(struct run *run, struct err *err)
{
	void *lock = run_open_lock(run, run->workers, err);

	if (!lock)
		return false;
	for (unsigned i = 0; i < run->workers; i++)
		run_seat(&run->worker[i], run->gil, lock, i, run->workers);
	if (!run_threads(run, err))
		return false; /* threads that were started still use the lock */
	run_close_lock(run, lock);
	return true;
}

const struct mode mode_gil = {
	.name = "gil",
	.summary = "a thread per worker, serialized by a model of an interpreter's lock (--gil)",
	.gil = "cpython3",
	.run = run_gil,
};
