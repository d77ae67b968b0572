/* The tick thread. It waits in ppoll and not, as the interpreter's, in select or nanosleep, so that
 * it ends at once when told to, and not up to 50 ms later. */
#include "workloads/gil/ticker.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *run(void *ticker)
{
	struct ticker *t = ticker;
	struct pollfd stop = { .fd = t->stop_fd, .events = POLLIN };
	const struct timespec wait = clock_timespec(t->tick_ns);

	while (ppoll(&stop, 1, &wait, NULL) <= 0)
		atomic_store_explicit(&t->tick->breaker, 1, memory_order_relaxed);
	return NULL;
}

int ticker_start(struct ticker *t, uint64_t tick_ns, struct tick *tick)
{
	t->tick_ns = tick_ns;
	t->tick = tick;
	t->stop_fd = eventfd(0, EFD_CLOEXEC);
	return t->stop_fd < 0 ? errno : pthread_create(&t->thread, NULL, run, t);
}

void ticker_stop(struct ticker *t)
{
	const uint64_t one = 1;

	if (write(t->stop_fd, &one, sizeof(one)) < 0)
		abort();
	pthread_join(t->thread, NULL);
	close(t->stop_fd);
}

void ticker_forget(struct ticker *t)
{
	close(t->stop_fd);
}
