/* Locks for the modes that have them: made, given to workers, counted and freed. */
#include "workloads/runtime/run.h"

#include <stdlib.h>
#include <string.h>

void *run_open_lock(const struct run *run, unsigned parties, struct err *err)
{
	const unsigned threads = parties * (1 + run->plan.helpers);
	const size_t bytes = gil_bytes(run->gil, threads);
	void *lock = aligned_alloc(64, bytes);

	if (!lock) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot allocate the lock");
		return NULL;
	}
	memset(lock, 0, bytes);
	if (run->gil->init(lock, threads, &run->params, err))
		return lock;
	free(lock);
	return NULL;
}

static void seat_one(struct worker *w, const struct gil *gil, void *lock, unsigned seat)
{
	w->gil = gil;
	w->lock = lock;
	w->seat = seat;
	w->steps = gil->anywhere;
	w->tick = gil->tick(lock, seat);
}

void run_seat(struct worker *w, const struct gil *gil, void *lock, unsigned seat, unsigned parties)
{
	seat_one(w, gil, lock, seat);
	if (w->run->helper)
		seat_one(&w->run->helper[w->self].worker, gil, lock, parties + seat);
}

void run_close_lock(struct run *run, void *lock)
{
	struct gil_counts counts;

	run->gil->finish(lock, &counts);
	gil_counts_add(&run->gil_counts, &counts);
	free(lock);
}
