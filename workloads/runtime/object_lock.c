/* A byte to lock, and a list of threads that sleep on semaphores of their own.
 *
 * Why it is correct:
 * 1. LOCKED is set by a compare-and-swap that found it clear, or stays set for the one waiter it is
 *    handed to: one owner. What an owner has done is seen by the next: [object-lock] on the byte,
 * or the semaphore when it is handed over.
 * 2. No wake-up is lost: a thread parks only when it reads LOCKED and PARKED with the queue locked;
 *    with PARKED set the owner cannot unlock without locking the queue, where it finds the thread.
 * If the owner comes first, it clears PARKED, and the thread does not park.
 * 3. PARKED is set again by an unlocker that leaves others in the queue; a thread that is woken,
 * not handed over to, competes as a new one. */
#include "workloads/runtime/object_lock.h"

#include "base/clock.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>

#define LOCKED 1
#define PARKED 2

/* MAX_SPIN_COUNT and TIME_TO_BE_FAIR_NS of a free-threaded build. */
#define SPINS_MAX 40
#define FAIR_NS 1000000

struct object_waiter {
	struct object_waiter *next;
	sem_t wake;
	uint64_t fair_ns; /* from when on it is handed over to */
	bool handed_over;
};

static bool swap(_Atomic uint8_t *bits, uint8_t from, uint8_t to)
{
	/* [object-lock] [object-queue] Taking: what the owner before has done is seen. */
	return atomic_compare_exchange_strong_explicit(bits, &from, to, memory_order_acquire,
						       memory_order_relaxed);
}

/* Held for some instructions: the interpreter waits for it as for the lock itself, here it is tried
 * again. */
static void lock_queue(struct object_lock *lock)
{
	while (!swap(&lock->queue_bits, 0, LOCKED))
		sched_yield();
}

static void unlock_queue(struct object_lock *lock)
{
	/* [object-queue] The list is as it was left. */
	atomic_store_explicit(&lock->queue_bits, 0, memory_order_release);
}

static void enqueue(struct object_lock *lock, struct object_waiter *me)
{
	me->next = NULL;
	if (lock->first)
		lock->last->next = me;
	else
		lock->first = me;
	lock->last = me;
}

/* True if the lock was handed over. */
static bool park(struct object_lock *lock, struct object_waiter *me, struct worker *w)
{
	lock_queue(lock);
	if (atomic_load_explicit(&lock->bits, memory_order_relaxed) != (LOCKED | PARKED)) {
		unlock_queue(lock);
		return false;
	}
	me->handed_over = false;
	sem_init(&me->wake, 0, 0);
	enqueue(lock, me);
	unlock_queue(lock);
	worker_block(w);
	while (sem_wait(&me->wake) != 0 && errno == EINTR)
		;
	worker_unblock(w);
	sem_destroy(&me->wake);
	return me->handed_over;
}

static void lock_slowly(struct object_lock *lock, struct worker *w)
{
	struct object_waiter me = { .fair_ns = clock_now_ns() + FAIR_NS };
	int spins = 0;

	for (;;) {
		const uint8_t bits = atomic_load_explicit(&lock->bits, memory_order_relaxed);

		if (!(bits & LOCKED)) {
			if (swap(&lock->bits, bits, bits | LOCKED))
				return;
		} else if (!(bits & PARKED) && spins < SPINS_MAX) {
			spins++;
			sched_yield();
		} else if ((bits & PARKED || swap(&lock->bits, bits, bits | PARKED)) &&
			   park(lock, &me, w)) {
			return;
		}
	}
}

void object_lock(struct object_lock *lock, struct worker *w)
{
	if (!swap(&lock->bits, 0, LOCKED))
		lock_slowly(lock, w);
}

static void unlock_slowly(struct object_lock *lock)
{
	struct object_waiter *first;
	uint8_t bits = 0;

	lock_queue(lock);
	first = lock->first;
	if (first) {
		lock->first = first->next;
		first->handed_over = clock_now_ns() >= first->fair_ns;
		bits = first->handed_over ? LOCKED : 0;
	}
	bits |= lock->first ? PARKED : 0;
	/* [object-lock] Without it the next owner could miss what was done under the lock. */
	atomic_store_explicit(&lock->bits, bits, memory_order_release);
	unlock_queue(lock);
	if (first)
		sem_post(&first->wake);
}

void object_unlock(struct object_lock *lock)
{
	uint8_t held = LOCKED;

	/* [object-lock] The same. */
	if (!atomic_compare_exchange_strong_explicit(&lock->bits, &held, 0, memory_order_release,
						     memory_order_relaxed))
		unlock_slowly(lock);
}
