/* What workers wait for one another with: the primitives of a language's threading library, on
 * those of libc. They lie in the region, work between threads and between processes, and treat the
 * interpreter's lock as an interpreter does: a try with the lock held; where that fails the lock is
 * let go of for the wait, and taken again behind it.
 *
 * All are made by setup, with w as it got it, and never destroyed: a region ends with its process.
 * What cannot fail in a right program is asserted. */
#ifndef WORKLOADS_PRIMITIVES_H
#define WORKLOADS_PRIMITIVES_H

#include "workloads/workload.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

enum lock_kind {
	LOCK_PLAIN,
	LOCK_RECURSIVE, /* its owner may take it again */
	LOCK_INHERIT,   /* its owner runs with the highest priority of who waits
			   (PTHREAD_PRIO_INHERIT) */
};

/* Of each primitive the rest is for coroutines (mode events): they are one thread, which libc would
 * take for one and the same owner, and which must not wait. */
struct lock {
	pthread_mutex_t mutex;
	struct worker *owner; /* null: free */
	unsigned depth;
	bool recursive;
};

/* Of a lock that can be made where the workers are. */
void lock_attributes(const struct worker *w, enum lock_kind kind, pthread_mutexattr_t *attr);

struct condition {
	pthread_cond_t cond;
};

struct semaphore {
	sem_t sem;
	unsigned value;
};

/* Set or not; who waits goes on when it is set. */
struct event {
	struct lock lock;
	struct condition condition;
	bool set;
};

struct barrier {
	pthread_barrier_t barrier;
	unsigned parties, arrived;
};

/* Made by whoever calls this, so that a trace has the workload's own function as the lock's maker;
 * also where a sanitizer keeps functions apart. */
__attribute__((always_inline)) static inline void lock_make(struct worker *w, struct lock *lock,
							    enum lock_kind kind)
{
	pthread_mutexattr_t attr;

	lock_attributes(w, kind, &attr);
	if (pthread_mutex_init(&lock->mutex, &attr))
		abort();
	pthread_mutexattr_destroy(&attr);
	lock->owner = NULL;
	lock->depth = 0;
	lock->recursive = kind == LOCK_RECURSIVE;
}
void lock_take(struct worker *w, struct lock *lock);
/* False: it is held. */
bool lock_try(struct worker *w, struct lock *lock);
/* Waits up to a moment of CLOCK_MONOTONIC; false: it was still held. */
bool lock_take_until(struct worker *w, struct lock *lock, uint64_t deadline_ns);
/* Waits with the interpreter's lock held, as an extension does that forgets to let go of it; up to
 * a moment of CLOCK_MONOTONIC, or for ever (0). False: it was still held. */
bool lock_take_clinging(struct worker *w, struct lock *lock, uint64_t deadline_ns);
void lock_give(struct worker *w, struct lock *lock);

void condition_make(struct worker *w, struct condition *condition);
/* With the lock held, which is let go of meanwhile. May return without a signal. */
void condition_wait(struct worker *w, struct condition *condition, struct lock *lock);
void condition_signal(struct worker *w, struct condition *condition);
void condition_broadcast(struct worker *w, struct condition *condition);

void semaphore_make(struct worker *w, struct semaphore *semaphore, unsigned value);
void semaphore_take(struct worker *w, struct semaphore *semaphore);
void semaphore_give(struct worker *w, struct semaphore *semaphore);

void event_make(struct worker *w, struct event *event);
void event_set(struct worker *w, struct event *event);
void event_clear(struct worker *w, struct event *event);
void event_wait(struct worker *w, struct event *event);

void barrier_make(struct worker *w, struct barrier *barrier, unsigned parties);
/* Waits for the others; true for one of them. */
bool barrier_meet(struct worker *w, struct barrier *barrier);

#endif
