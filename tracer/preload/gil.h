/* What CPython keeps before the condition of its GIL, recorded as it is: the reader judges it. */
#ifndef TRACER_PRELOAD_GIL_H
#define TRACER_PRELOAD_GIL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How many slots have had a condition: none in most programs, which then have nothing to look for.
 */
extern _Atomic uint32_t gil_used __attribute__((visibility("hidden")));

/* The thread has made an object, and recorded that from position 'at' of its ring on. */
void gil_made(unsigned kind, const void *object, uint64_t at);
void gil_forget_it(const void *condition);
void gil_record_it(const void *condition);
/* All that are remembered, whether they are still there or not; for the end of the process. */
void gil_record_all(void);

/* The condition will be no more: it is recorded for the last time. */
static inline void gil_forget(const void *condition)
{
	if (atomic_load_explicit(&gil_used, memory_order_relaxed) != 0)
		gil_forget_it(condition);
}

/* The thread has returned from a wait for it, and has its mutex. */
static inline void gil_returned(const void *condition)
{
	if (atomic_load_explicit(&gil_used, memory_order_relaxed) != 0)
		gil_record_it(condition);
}

#endif
