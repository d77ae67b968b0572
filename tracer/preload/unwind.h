/* A wait that is a cancellation point may end by unwinding through the hook: then the end of the
 * wait is recorded, with ECANCELED, on the way. The kind of clean-up handler that saves registers,
 * 10 ns of a wait; the other kind would load libgcc_s into every program. */
#ifndef TRACER_PRELOAD_UNWIND_H
#define TRACER_PRELOAD_UNWIND_H

#include "tracer/preload/ring.h"

#include <errno.h>
#include <pthread.h>

struct unwind {
	uint64_t object;
	unsigned kind;
};

static inline void unwind_record(void *unwind_)
{
	const struct unwind *unwind = unwind_;

	ring_event(unwind->kind, ECANCELED, unwind->object);
}

/* Does 'call', a statement. */
#define UNWIND_RECORDS(kind_, object_, call) \
	do { \
		struct unwind unwind = { .object = (object_), .kind = (kind_) }; \
\
		pthread_cleanup_push(unwind_record, &unwind); \
		call; \
		pthread_cleanup_pop(0); \
	} while (0)

#endif
