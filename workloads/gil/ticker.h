/* OCaml's tick thread: sets a flag every so often, until it is stopped. Apart because two models
 * have one; it makes no calls on locks. */
#ifndef WORKLOADS_GIL_TICKER_H
#define WORKLOADS_GIL_TICKER_H

#include "workloads/workload.h"

#include <pthread.h>

struct ticker {
	pthread_t thread;
	uint64_t tick_ns;
	struct tick *tick; /* its breaker is set */
	int stop_fd;
};

/* Returns an error number, 0 for none. */
int ticker_start(struct ticker *t, uint64_t tick_ns, struct tick *tick);
/* Returns when the thread has ended. */
void ticker_stop(struct ticker *t);
/* In the child of a fork, where the thread is not. */
void ticker_forget(struct ticker *t);

#endif
