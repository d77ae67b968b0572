/* Every worker is a thread, and nothing keeps them apart. */
#include "workloads/runtime/threads.h"

#include <stdio.h>
#include <string.h>

static void *start(void *memory)
{
	struct worker *w = memory;
	char name[16];

	/* So that traces and debuggers tell them apart. */
	snprintf(name, sizeof(name), "worker %u", w->index);
	pthread_setname_np(pthread_self(), name);
	run_worker(w);
	return NULL;
}

bool run_threads(struct run *run, struct err *err)
{
	pthread_t threads[WORKERS_MAX];

	for (unsigned i = 0; i < run->workers; i++) {
		const int failed = pthread_create(&threads[i], NULL, start, &run->worker[i]);

		if (failed)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot start thread %u of %u: %s",
				       i + 1, run->workers, strerror(failed));
	}
	for (unsigned i = 0; i < run->workers; i++)
		pthread_join(threads[i], NULL);
	return true;
}

const struct mode mode_threads = {
	.name = "threads",
	.summary = "a POSIX thread per worker, no lock",
	.objects = OBJECTS_AT_ONCE,
	.run = run_threads,
};
