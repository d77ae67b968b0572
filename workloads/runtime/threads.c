/* Every worker is a thread, and nothing keeps them apart. */
#include "workloads/runtime/threads.h"

#include <stdio.h>
#include <string.h>

/* Of the one run in a process. */
static void (*life)(struct worker *w);

static void *start(void *memory)
{
	struct worker *w = memory;
	char name[16];

	/* So that traces and debuggers tell them apart. */
	snprintf(name, sizeof(name), "worker %u", w->self);
	pthread_setname_np(pthread_self(), name);
	life(w);
	return NULL;
}

bool threads_start(struct run *run, pthread_t *threads, void (*live)(struct worker *w),
		   struct err *err)
{
	life = live;
	for (unsigned i = 0; i < run->workers; i++) {
		const int failed = pthread_create(&threads[i], NULL, start, &run->worker[i]);

		if (failed)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot start thread %u of %u: %s",
				       i + 1, run->workers, strerror(failed));
	}
	return true;
}

void threads_join(const struct run *run, const pthread_t *threads)
{
	for (unsigned i = 0; i < run->workers; i++)
		pthread_join(threads[i], NULL);
}

bool run_threads(struct run *run, struct err *err)
{
	pthread_t threads[WORKERS_MAX];

	if (!threads_start(run, threads, run_worker, err))
		return false;
	threads_join(run, threads);
	return true;
}

const struct mode mode_threads = {
	.name = "threads",
	.summary = "a POSIX thread per worker, no lock",
	.objects = OBJECTS_AT_ONCE,
	.run = run_threads,
};
