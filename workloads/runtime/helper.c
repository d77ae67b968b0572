/* Threads that workers start beside themselves. */
#include "workloads/runtime/run.h"

#include <assert.h>
#include <string.h>

static void *live(void *memory)
{
	struct helper *helper = memory;
	struct worker *w = &helper->worker;

	worker_unblock(w);
	helper->body(w, helper->given);
	if (w->gil)
		w->gil->release(w->lock, w->seat, GIL_DROP_END);
	return NULL;
}

/* As CPython does, with the lock held. */
bool worker_start(struct worker *w, void (*body)(struct worker *helper, void *given), void *given)
{
	struct helper *helper;
	int failed;

	assert(w->run->helper);
	helper = &w->run->helper[w->self];
	helper->worker.index = w->index;
	helper->worker.region = w->region;
	helper->body = body;
	helper->given = given;
	failed = pthread_create(&helper->thread, NULL, live, helper);
	if (failed)
		worker_fail(w, "cannot start a thread: %s", strerror(failed));
	return !failed;
}

void worker_join(struct worker *w)
{
	worker_block(w);
	pthread_join(w->run->helper[w->self].thread, NULL);
	worker_unblock(w);
}
