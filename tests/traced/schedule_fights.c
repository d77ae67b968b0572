/* Threads that fight for a lock of each kind. Who has it writes that down; the trace must show the
 * same order. */
#include "tests/traced/schedule.h"

#include <sched.h>
#include <semaphore.h>
#include <threads.h>
#include <unistd.h>

#define FIGHTERS 3
#define ROUNDS 1000

/* Each fight has its own, so that their orders can be told apart by the address. */
static union lock {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_spinlock_t spin;
	sem_t semaphore;
	mtx_t c11;
} locks[7], *lock;

static pid_t order[FIGHTERS * ROUNDS];
static size_t count;
static bool go;

static int mutex_begin(void)
{
	return pthread_mutex_init(&lock->mutex, NULL);
}

static int inherit_begin(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	return pthread_mutex_init(&lock->mutex, &attributes);
}

static int robust_begin(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	return pthread_mutex_init(&lock->mutex, &attributes);
}

static int mutex_lock(void)
{
	return pthread_mutex_lock(&lock->mutex);
}

static int mutex_unlock(void)
{
	return pthread_mutex_unlock(&lock->mutex);
}

static int write_begin(void)
{
	return pthread_rwlock_init(&lock->rwlock, NULL);
}

static int write_lock(void)
{
	return pthread_rwlock_wrlock(&lock->rwlock);
}

static int write_unlock(void)
{
	return pthread_rwlock_unlock(&lock->rwlock);
}

static int spin_begin(void)
{
	return pthread_spin_init(&lock->spin, PTHREAD_PROCESS_PRIVATE);
}

static int spin_lock(void)
{
	return pthread_spin_lock(&lock->spin);
}

static int spin_unlock(void)
{
	return pthread_spin_unlock(&lock->spin);
}

static int semaphore_begin(void)
{
	return sem_init(&lock->semaphore, 0, 1);
}

static int semaphore_lock(void)
{
	return sem_wait(&lock->semaphore);
}

static int semaphore_unlock(void)
{
	return sem_post(&lock->semaphore);
}

static int c11_begin(void)
{
	return mtx_init(&lock->c11, mtx_plain);
}

static int c11_lock(void)
{
	return mtx_lock(&lock->c11);
}

static int c11_unlock(void)
{
	return mtx_unlock(&lock->c11);
}

static const struct fight {
	int (*begin)(void);
	int (*lock)(void);
	int (*unlock)(void);
	unsigned init, acquire, release;
} fights[] = {
	{ mutex_begin, mutex_lock, mutex_unlock, TRACE_MUTEX_INIT, TRACE_MUTEX_ACQUIRE,
	  TRACE_MUTEX_RELEASE },
	{ inherit_begin, mutex_lock, mutex_unlock, TRACE_MUTEX_INIT, TRACE_MUTEX_ACQUIRE,
	  TRACE_MUTEX_RELEASE },
	{ robust_begin, mutex_lock, mutex_unlock, TRACE_MUTEX_INIT, TRACE_MUTEX_ACQUIRE,
	  TRACE_MUTEX_RELEASE },
	{ write_begin, write_lock, write_unlock, TRACE_RWLOCK_INIT, TRACE_WRITE_ACQUIRE,
	  TRACE_RWLOCK_RELEASE },
	{ spin_begin, spin_lock, spin_unlock, TRACE_SPIN_INIT, TRACE_SPIN_ACQUIRE,
	  TRACE_SPIN_RELEASE },
	{ semaphore_begin, semaphore_lock, semaphore_unlock, TRACE_SEM_INIT, TRACE_SEM_ACQUIRE,
	  TRACE_SEM_RELEASE },
	{ c11_begin, c11_lock, c11_unlock, TRACE_MUTEX_INIT, TRACE_MUTEX_ACQUIRE,
	  TRACE_MUTEX_RELEASE },
};

static void take_part(void *fight_)
{
	const struct fight *fight = fight_;
	const pid_t self = gettid();

	/* All begin at once, as far as there are CPUs. */
	while (!__atomic_load_n(&go, __ATOMIC_RELAXED))
		sched_yield();
	for (int i = 0; i < ROUNDS; i++) {
		must(fight->lock() == 0, "the lock is had");
		order[count++] = self;
		must(fight->unlock() == 0, "the lock is let go");
	}
}

static void fight_once(const struct fight *fight)
{
	struct actor actors[FIGHTERS];

	count = 0;
	__atomic_store_n(&go, false, __ATOMIC_RELAXED);
	must(fight->begin() == 0, "the lock is made");
	expect(fight->init, 0);
	for (int i = 0; i < FIGHTERS; i++)
		actor_start(&actors[i], take_part, (void *)fight);
	__atomic_store_n(&go, true, __ATOMIC_RELAXED);
	for (int i = 0; i < FIGHTERS; i++)
		actor_join(&actors[i]);
	expect_many(fight->acquire, FIGHTERS * (unsigned long)ROUNDS);
	expect_many(fight->release, FIGHTERS * (unsigned long)ROUNDS);
	expect_unknown(fight->acquire + 1);
}

void schedule_fights(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(fights) / sizeof(fights[0]); i++) {
		lock = &locks[i];
		fight_once(&fights[i]);
		expect_order(fights[i].acquire, lock, order, count);
	}
}
