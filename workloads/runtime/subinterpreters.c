/* Every worker is a thread with a lock of its own, as interpreters in one process have it since
 * CPython 3.12 (PEP 684), OCaml 5's domains and Ruby's Ractors: nobody waits for another's lock,
 * but every drop and take is paid for. */
#include "workloads/runtime/threads.h"

static bool run_subinterpreters(struct run *run, struct err *err)
{
	for (unsigned i = 0; i < run->workers; i++) {
		void *lock = run_open_lock(run, 1, err);

		if (!lock)
			return false;
		run_seat(&run->worker[i], run->gil, lock, 0, 1);
	}
	if (!run_threads(run, err))
		return false; /* threads that were started still use their locks */
	for (unsigned i = 0; i < run->workers; i++)
		run_close_lock(run, run->worker[i].lock);
	return true;
}

const struct mode mode_subinterpreters = {
	.name = "subinterpreters",
	.summary = "a thread per worker, each with an interpreter's lock of its own (--gil)",
	.gil = "cpython313",
	.objects = OBJECTS_APART,
	.run = run_subinterpreters,
};
