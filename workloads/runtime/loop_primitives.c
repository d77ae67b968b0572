/* Locks, conditions, semaphores and barriers between coroutines: numbers, since one runs at a time,
 * and a place to wait at. */
#include "workloads/runtime/loop.h"

bool loop_lock_try(struct worker *w, struct lock *lock)
{
	if (lock->owner && !(lock->recursive && lock->owner == w))
		return false;
	lock->owner = w;
	lock->depth++;
	return true;
}

bool loop_lock_take(struct worker *w, struct lock *lock, uint64_t deadline_ns)
{
	return loop_lock_try(w, lock) || loop_park(w, lock, deadline_ns);
}

void loop_lock_give(struct worker *w, struct lock *lock)
{
	lock->depth--;
	if (lock->depth > 0)
		return;
	lock->owner = loop_wake(w, lock);
	lock->depth = lock->owner ? 1 : 0;
}

void loop_condition_wait(struct worker *w, struct condition *condition, struct lock *lock)
{
	loop_lock_give(w, lock);
	loop_park(w, condition, 0);
	loop_lock_take(w, lock, 0);
}

void loop_semaphore_take(struct worker *w, struct semaphore *semaphore)
{
	if (semaphore->value > 0)
		semaphore->value--;
	else
		loop_park(w, semaphore, 0);
}

void loop_semaphore_give(struct worker *w, struct semaphore *semaphore)
{
	if (!loop_wake(w, semaphore))
		semaphore->value++;
}

bool loop_barrier_meet(struct worker *w, struct barrier *barrier)
{
	barrier->arrived++;
	if (barrier->arrived < barrier->parties) {
		loop_park(w, barrier, 0);
		return false;
	}
	barrier->arrived = 0;
	while (loop_wake(w, barrier))
		;
	return true;
}
