/* A wait that is a cancellation point may end by unwinding through the hook, or by a signal
 * handler's jump out of it: then the end of the wait is recorded, with ECANCELED, on the way. The
 * old kind of clean-up handler does both and is a store and a load; the newer kinds would leave a
 * pointer into the frame that was jumped out of, or load libgcc_s into every program. */
#ifndef TRACER_PRELOAD_UNWIND_H
#define TRACER_PRELOAD_UNWIND_H

#include "tracer/preload/ring.h"

#include <errno.h>
#include <pthread.h>

/* As glibc has them since 2.0; its header declares them for older standards of C++ only. */
extern void _pthread_cleanup_push(struct _pthread_cleanup_buffer *buffer, void (*routine)(void *),
				  void *argument);
extern void _pthread_cleanup_pop(struct _pthread_cleanup_buffer *buffer, int execute);

struct unwind {
	uint64_t value;  /* of the record */
	uintptr_t mutex; /* that the thread has again; 0: none */
	unsigned kind;
};

static inline void unwind_record(void *unwind_)
{
	const struct unwind *unwind = unwind_;

	if (unwind->mutex)
		ring_ordered(unwind->kind, ECANCELED, unwind->value, unwind->mutex);
	else
		ring_event(unwind->kind, ECANCELED, unwind->value);
}

/* Does 'call', a statement. */
#define UNWIND_RECORDS(kind_, value_, mutex_, call) \
	do { \
		struct unwind unwind = { .value = (value_), .mutex = (mutex_), .kind = (kind_) }; \
		struct _pthread_cleanup_buffer buffer; \
\
		_pthread_cleanup_push(&buffer, unwind_record, &unwind); \
		call; \
		_pthread_cleanup_pop(&buffer, 0); \
	} while (0)

#endif
