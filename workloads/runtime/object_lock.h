/* The lock of one object, as CPython's PyMutex (Python/lock.c, parking_lot.c of 3.13.5): one byte,
 * spinning, then parking; handed over to who has waited for a millisecond. */
#ifndef WORKLOADS_RUNTIME_OBJECT_LOCK_H
#define WORKLOADS_RUNTIME_OBJECT_LOCK_H

#include "workloads/workload.h"

#include <stdalign.h>

struct object_waiter;

/* Zeroed: free. */
struct object_lock {
	alignas(64) _Atomic uint8_t bits;
	/* Who has parked. The interpreter finds the list by the lock's address. */
	alignas(64) _Atomic uint8_t queue_bits;
	struct object_waiter *first, *last;
};

void object_lock(struct object_lock *lock, struct worker *w);
void object_unlock(struct object_lock *lock);

#endif
