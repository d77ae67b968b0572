/* Mutexes, conditions, semaphores and barriers of libc, with the interpreter's lock let go of
 * around each wait. */
#include "workloads/primitives.h"

#include "workloads/runtime/loop.h"
#include "workloads/runtime/mode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Misuse of a primitive is a mistake of the workload's, found when it is written. */
static void must(int failed, const char *what)
{
	if (!failed)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(failed));
	abort();
}

static int sharing(const struct worker *w)
{
	return w->run->mode->apart ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
}

void lock_attributes(const struct worker *w, enum lock_kind kind, pthread_mutexattr_t *attr)
{
	pthread_mutexattr_init(attr);
	pthread_mutexattr_setpshared(attr, sharing(w));
	if (kind == LOCK_RECURSIVE)
		pthread_mutexattr_settype(attr, PTHREAD_MUTEX_RECURSIVE);
	if (kind == LOCK_INHERIT)
		pthread_mutexattr_setprotocol(attr, PTHREAD_PRIO_INHERIT);
}

bool lock_try(struct worker *w, struct lock *lock)
{
	int failed;

	if (w->run->loop)
		return loop_lock_try(w, lock);
	failed = pthread_mutex_trylock(&lock->mutex);
	must(failed == EBUSY ? 0 : failed, "pthread_mutex_trylock");
	return !failed;
}

void lock_take(struct worker *w, struct lock *lock)
{
	if (w->run->loop) {
		loop_lock_take(w, lock, 0);
		return;
	}
	/* Where no lock has to be let go of, libc's own call is all that is made. */
	if (!w->gil) {
		must(pthread_mutex_lock(&lock->mutex), "pthread_mutex_lock");
		return;
	}
	if (lock_try(w, lock))
		return;
	worker_block(w);
	must(pthread_mutex_lock(&lock->mutex), "pthread_mutex_lock");
	worker_unblock(w);
}

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
/* What ThreadSanitizer does not know it takes for no lock; it knows the call by the other clock. */
#define pthread_mutex_clocklock lock_by_the_other_clock
static int lock_by_the_other_clock(pthread_mutex_t *mutex, clockid_t clock,
				   const struct timespec *deadline)
{
	const uint64_t ns = (uint64_t)deadline->tv_sec * 1000000000 + (uint64_t)deadline->tv_nsec;
	const struct timespec other =
		clock_timespec(ns + clock_now_ns_of(CLOCK_REALTIME) - clock_now_ns_of(clock));

	return pthread_mutex_timedlock(mutex, &other);
}
#endif

bool lock_take_until(struct worker *w, struct lock *lock, uint64_t deadline_ns)
{
	const struct timespec deadline = clock_timespec(deadline_ns);
	int failed;

	if (w->run->loop)
		return loop_lock_take(w, lock, deadline_ns);
	if (w->gil && lock_try(w, lock))
		return true;
	worker_block(w);
	failed = pthread_mutex_clocklock(&lock->mutex, CLOCK_MONOTONIC, &deadline);
	worker_unblock(w);
	must(failed == ETIMEDOUT ? 0 : failed, "pthread_mutex_clocklock");
	return !failed;
}

bool lock_take_clinging(struct worker *w, struct lock *lock, uint64_t deadline_ns)
{
	const struct timespec deadline = clock_timespec(deadline_ns);
	int failed;

	if (w->run->loop)
		return loop_lock_take(w, lock, deadline_ns);
	failed = deadline_ns ? pthread_mutex_clocklock(&lock->mutex, CLOCK_MONOTONIC, &deadline) :
			       pthread_mutex_lock(&lock->mutex);
	must(failed == ETIMEDOUT ? 0 : failed, "pthread_mutex_clocklock");
	return !failed;
}

void lock_give(struct worker *w, struct lock *lock)
{
	if (w->run->loop) {
		loop_lock_give(w, lock);
		return;
	}
	must(pthread_mutex_unlock(&lock->mutex), "pthread_mutex_unlock");
}

void condition_make(struct worker *w, struct condition *condition)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setpshared(&attr, sharing(w));
	must(pthread_cond_init(&condition->cond, &attr), "pthread_cond_init");
	pthread_condattr_destroy(&attr);
}

/* The interpreter's lock is let go of first: who signals needs it. It is taken again with the mutex
 * held, as CPython's conditions take their lock again; who has it only tries the mutex. */
void condition_wait(struct worker *w, struct condition *condition, struct lock *lock)
{
	if (w->run->loop) {
		loop_condition_wait(w, condition, lock);
		return;
	}
	worker_block(w);
	must(pthread_cond_wait(&condition->cond, &lock->mutex), "pthread_cond_wait");
	worker_unblock(w);
}

void condition_signal(struct worker *w, struct condition *condition)
{
	if (w->run->loop) {
		loop_wake(w, condition);
		return;
	}
	must(pthread_cond_signal(&condition->cond), "pthread_cond_signal");
}

void condition_broadcast(struct worker *w, struct condition *condition)
{
	if (w->run->loop) {
		while (loop_wake(w, condition))
			;
		return;
	}
	must(pthread_cond_broadcast(&condition->cond), "pthread_cond_broadcast");
}

void semaphore_make(struct worker *w, struct semaphore *semaphore, unsigned value)
{
	semaphore->value = value;
	must(sem_init(&semaphore->sem, w->run->mode->apart, value) ? errno : 0, "sem_init");
}

static void wait_for_semaphore(struct semaphore *semaphore)
{
	int failed;

	do
		failed = sem_wait(&semaphore->sem) ? errno : 0;
	while (failed == EINTR);
	must(failed, "sem_wait");
}

void semaphore_take(struct worker *w, struct semaphore *semaphore)
{
	if (w->run->loop) {
		loop_semaphore_take(w, semaphore);
		return;
	}
	if (!w->gil) {
		wait_for_semaphore(semaphore);
		return;
	}
	if (sem_trywait(&semaphore->sem) == 0)
		return;
	worker_block(w);
	wait_for_semaphore(semaphore);
	worker_unblock(w);
}

void semaphore_give(struct worker *w, struct semaphore *semaphore)
{
	if (w->run->loop) {
		loop_semaphore_give(w, semaphore);
		return;
	}
	must(sem_post(&semaphore->sem) ? errno : 0, "sem_post");
}

void event_make(struct worker *w, struct event *event)
{
	lock_make(w, &event->lock, LOCK_PLAIN);
	condition_make(w, &event->condition);
	event->set = false;
}

void event_set(struct worker *w, struct event *event)
{
	lock_take(w, &event->lock);
	event->set = true;
	condition_broadcast(w, &event->condition);
	lock_give(w, &event->lock);
}

void event_clear(struct worker *w, struct event *event)
{
	lock_take(w, &event->lock);
	event->set = false;
	lock_give(w, &event->lock);
}

void event_wait(struct worker *w, struct event *event)
{
	lock_take(w, &event->lock);
	while (!event->set)
		condition_wait(w, &event->condition, &event->lock);
	lock_give(w, &event->lock);
}

void barrier_make(struct worker *w, struct barrier *barrier, unsigned parties)
{
	pthread_barrierattr_t attr;

	barrier->parties = parties;
	barrier->arrived = 0;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, sharing(w));
	must(pthread_barrier_init(&barrier->barrier, &attr, parties), "pthread_barrier_init");
	pthread_barrierattr_destroy(&attr);
}

bool barrier_meet(struct worker *w, struct barrier *barrier)
{
	int met;

	if (w->run->loop)
		return loop_barrier_meet(w, barrier);
	worker_block(w);
	met = pthread_barrier_wait(&barrier->barrier);
	worker_unblock(w);
	return met == PTHREAD_BARRIER_SERIAL_THREAD;
}
