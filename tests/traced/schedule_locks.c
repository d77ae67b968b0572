/* The known schedule: mutexes of every kind, read-write locks, spin locks. */
#include "tests/traced/schedule.h"

#include <errno.h>

/* The kinds of a family follow its ACQUIRE. */
enum { ACQUIRE, CONFLICT, FAIL, BUSY, RELEASE, RELEASE_FAIL };

static void took(unsigned family, int wanted, int result, const char *what)
{
	must_be(wanted, result, what);
	expect(family + (result == 0 || result == EOWNERDEAD ? ACQUIRE :
			 result == EBUSY                     ? BUSY :
							       FAIL),
	       result);
}

static void released(unsigned kind, int wanted, int result, const char *what)
{
	must_be(wanted, result, what);
	expect(kind, 0);
	if (result != 0)
		expect(kind + 1, result);
}

#define TOOK(family, wanted, call) took(TRACE_##family##_ACQUIRE, wanted, call, #call)
#define RELEASED(family, wanted, call) released(TRACE_##family##_RELEASE, wanted, call, #call)

static void init(pthread_mutex_t *mutex, int type, int robust, int protocol, int shared)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, type);
	pthread_mutexattr_setrobust(&attributes, robust);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutexattr_setpshared(&attributes, shared);
	must_be(0, pthread_mutex_init(mutex, &attributes), "pthread_mutex_init");
	expect(TRACE_MUTEX_INIT, 0);
	pthread_mutexattr_destroy(&attributes);
}

static void lock_and_unlock(void *mutex)
{
	TOOK(MUTEX, 0, pthread_mutex_lock(mutex));
	RELEASED(MUTEX, 0, pthread_mutex_unlock(mutex));
}

static void timed_locks(void *mutex)
{
	const struct timespec real = actor_soon(CLOCK_REALTIME);
	const struct timespec steady = actor_soon(CLOCK_MONOTONIC);

	expect_many(TRACE_MUTEX_CONFLICT, 3);
	TOOK(MUTEX, ETIMEDOUT, pthread_mutex_timedlock(mutex, &real));
	TOOK(MUTEX, ETIMEDOUT, pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &steady));
	TOOK(MUTEX, ETIMEDOUT, pthread_mutex_timedlock(mutex, &actor_past));
	TOOK(MUTEX, EBUSY, pthread_mutex_trylock(mutex));
}

static void waiting_locks(void *mutex)
{
	const struct timespec real = actor_late(CLOCK_REALTIME);
	const struct timespec steady = actor_late(CLOCK_MONOTONIC);

	TOOK(MUTEX, 0, pthread_mutex_timedlock(mutex, &real));
	RELEASED(MUTEX, 0, pthread_mutex_unlock(mutex));
	TOOK(MUTEX, 0, pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &steady));
	RELEASED(MUTEX, 0, pthread_mutex_unlock(mutex));
}

static void contend(pthread_mutex_t *mutex, void (*act)(void *object))
{
	struct actor actor;

	TOOK(MUTEX, 0, pthread_mutex_lock(mutex));
	actor_start(&actor, act, mutex);
	actor_wait_blocked(&actor, mutex, sizeof(*mutex));
	expect(TRACE_MUTEX_CONFLICT, 0);
	RELEASED(MUTEX, 0, pthread_mutex_unlock(mutex));
	actor_join(&actor);
}

/* What every kind can. */
static void use(pthread_mutex_t *mutex)
{
	struct actor actor;

	for (int i = 0; i < 5; i++)
		lock_and_unlock(mutex);
	TOOK(MUTEX, 0, pthread_mutex_trylock(mutex));
	actor_start(&actor, timed_locks, mutex);
	actor_join(&actor);
	RELEASED(MUTEX, 0, pthread_mutex_unlock(mutex));
	contend(mutex, lock_and_unlock);
	contend(mutex, waiting_locks);
	must_be(0, pthread_mutex_destroy(mutex), "pthread_mutex_destroy");
	expect(TRACE_MUTEX_DESTROY, 0);
}

static void lock_and_keep(void *mutex)
{
	TOOK(MUTEX, 0, pthread_mutex_lock(mutex));
}

static void lock_and_die(pthread_mutex_t *mutex)
{
	struct actor actor;

	actor_start(&actor, lock_and_keep, mutex);
	actor_join(&actor);
}

static void owner_dies(void)
{
	pthread_mutex_t mutex;

	init(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, 0);
	lock_and_die(&mutex);
	TOOK(MUTEX, EOWNERDEAD, pthread_mutex_lock(&mutex));
	must_be(0, pthread_mutex_consistent(&mutex), "pthread_mutex_consistent");
	RELEASED(MUTEX, 0, pthread_mutex_unlock(&mutex));
	lock_and_die(&mutex);
	TOOK(MUTEX, EOWNERDEAD, pthread_mutex_trylock(&mutex));
	must_be(0, pthread_mutex_consistent(&mutex), "pthread_mutex_consistent");
	RELEASED(MUTEX, 0, pthread_mutex_unlock(&mutex));
	lock_and_die(&mutex);
	TOOK(MUTEX, EOWNERDEAD, pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &actor_past));
	RELEASED(MUTEX, 0, pthread_mutex_unlock(&mutex));
	/* Not made consistent. */
	TOOK(MUTEX, ENOTRECOVERABLE, pthread_mutex_lock(&mutex));
	TOOK(MUTEX, ENOTRECOVERABLE, pthread_mutex_trylock(&mutex));
	must_be(0, pthread_mutex_destroy(&mutex), "pthread_mutex_destroy");
	expect(TRACE_MUTEX_DESTROY, 0);
}

static void refuses(void)
{
	const struct timespec no_time = { .tv_nsec = -1 };
	pthread_mutex_t mutex;

	init(&mutex, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, 0);
	RELEASED(MUTEX, EPERM, pthread_mutex_unlock(&mutex));
	TOOK(MUTEX, 0, pthread_mutex_lock(&mutex));
	expect(TRACE_MUTEX_CONFLICT, 0);
	TOOK(MUTEX, EDEADLK, pthread_mutex_lock(&mutex));
	TOOK(MUTEX, EBUSY, pthread_mutex_trylock(&mutex));
	RELEASED(MUTEX, 0, pthread_mutex_unlock(&mutex));
	use(&mutex);
	init(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, 0);
	TOOK(MUTEX, 0, pthread_mutex_lock(&mutex));
	TOOK(MUTEX, EINVAL, pthread_mutex_timedlock(&mutex, &no_time));
	TOOK(MUTEX, EINVAL, pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &actor_past));
	RELEASED(MUTEX, 0, pthread_mutex_unlock(&mutex));
	use(&mutex);
}

static void recurs(void)
{
	pthread_mutex_t mutex;

	init(&mutex, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, 0);
	for (int i = 0; i < 4; i++)
		TOOK(MUTEX, 0, pthread_mutex_lock(&mutex));
	TOOK(MUTEX, 0, pthread_mutex_trylock(&mutex));
	for (int i = 0; i < 5; i++)
		RELEASED(MUTEX, 0, pthread_mutex_unlock(&mutex));
	RELEASED(MUTEX, EPERM, pthread_mutex_unlock(&mutex));
	use(&mutex);
}

void schedule_mutexes(void)
{
	static pthread_mutex_t still = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_t mutex;

	contend(&still, lock_and_unlock);
	init(&mutex, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, 0);
	use(&mutex);
	init(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, 0);
	use(&mutex);
	init(&mutex, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT, 0);
	use(&mutex);
	init(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT, 0);
	use(&mutex);
	init(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_SHARED);
	use(&mutex);
	refuses();
	recurs();
	if (!actor_is_emulated())
		owner_dies();
}

static void read_lock(void *lock)
{
	TOOK(READ, 0, pthread_rwlock_rdlock(lock));
	RELEASED(RWLOCK, 0, pthread_rwlock_unlock(lock));
}

static void write_lock(void *lock)
{
	TOOK(WRITE, 0, pthread_rwlock_wrlock(lock));
	RELEASED(RWLOCK, 0, pthread_rwlock_unlock(lock));
}

static void timed_read_lock(void *lock)
{
	const struct timespec late = actor_late(CLOCK_MONOTONIC);

	TOOK(READ, 0, pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, &late));
	RELEASED(RWLOCK, 0, pthread_rwlock_unlock(lock));
}

static void timed_write_lock(void *lock)
{
	const struct timespec late = actor_late(CLOCK_REALTIME);

	TOOK(WRITE, 0, pthread_rwlock_timedwrlock(lock, &late));
	RELEASED(RWLOCK, 0, pthread_rwlock_unlock(lock));
}

static void timed_out_by_reader(void *lock)
{
	const struct timespec real = actor_soon(CLOCK_REALTIME);
	const struct timespec steady = actor_soon(CLOCK_MONOTONIC);

	expect_many(TRACE_WRITE_CONFLICT, 2);
	TOOK(WRITE, ETIMEDOUT, pthread_rwlock_timedwrlock(lock, &real));
	TOOK(WRITE, ETIMEDOUT, pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &steady));
	TOOK(WRITE, EBUSY, pthread_rwlock_trywrlock(lock));
	TOOK(READ, 0, pthread_rwlock_tryrdlock(lock));
	RELEASED(RWLOCK, 0, pthread_rwlock_unlock(lock));
}

static void timed_out_by_writer(void *lock)
{
	const struct timespec real = actor_soon(CLOCK_REALTIME);
	const struct timespec steady = actor_soon(CLOCK_MONOTONIC);

	expect_many(TRACE_READ_CONFLICT, 2);
	TOOK(READ, ETIMEDOUT, pthread_rwlock_timedrdlock(lock, &real));
	TOOK(READ, ETIMEDOUT, pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, &steady));
	TOOK(READ, EBUSY, pthread_rwlock_tryrdlock(lock));
	TOOK(WRITE, EBUSY, pthread_rwlock_trywrlock(lock));
}

static void against(pthread_rwlock_t *lock, void (*act)(void *object), unsigned conflict)
{
	struct actor actor;

	actor_start(&actor, act, lock);
	if (conflict) {
		actor_wait_blocked(&actor, lock, sizeof(*lock));
		expect(conflict, 0);
		RELEASED(RWLOCK, 0, pthread_rwlock_unlock(lock));
	}
	actor_join(&actor);
}

void schedule_rwlocks(void)
{
	pthread_rwlock_t lock;

	must_be(0, pthread_rwlock_init(&lock, NULL), "pthread_rwlock_init");
	expect(TRACE_RWLOCK_INIT, 0);
	for (int i = 0; i < 3; i++) {
		read_lock(&lock);
		write_lock(&lock);
		timed_read_lock(&lock);
		timed_write_lock(&lock);
	}
	TOOK(READ, 0, pthread_rwlock_rdlock(&lock));
	against(&lock, timed_out_by_reader, 0);
	against(&lock, write_lock, TRACE_WRITE_CONFLICT);
	TOOK(READ, 0, pthread_rwlock_rdlock(&lock));
	against(&lock, timed_write_lock, TRACE_WRITE_CONFLICT);
	TOOK(WRITE, 0, pthread_rwlock_wrlock(&lock));
	against(&lock, timed_out_by_writer, 0);
	expect(TRACE_READ_CONFLICT, 0);
	TOOK(READ, EDEADLK, pthread_rwlock_rdlock(&lock));
	expect(TRACE_WRITE_CONFLICT, 0);
	TOOK(WRITE, EDEADLK, pthread_rwlock_wrlock(&lock));
	against(&lock, read_lock, TRACE_READ_CONFLICT);
	TOOK(WRITE, 0, pthread_rwlock_wrlock(&lock));
	against(&lock, timed_read_lock, TRACE_READ_CONFLICT);
	must_be(0, pthread_rwlock_destroy(&lock), "pthread_rwlock_destroy");
	expect(TRACE_RWLOCK_DESTROY, 0);
}

static void spin(void *lock)
{
	TOOK(SPIN, 0, pthread_spin_lock(lock));
	RELEASED(SPIN, 0, pthread_spin_unlock(lock));
}

static void try_spin(void *lock)
{
	TOOK(SPIN, EBUSY, pthread_spin_trylock(lock));
}

void schedule_spin_locks(void)
{
	pthread_spinlock_t lock;
	struct actor actor;

	must_be(0, pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE), "pthread_spin_init");
	expect(TRACE_SPIN_INIT, 0);
	for (int i = 0; i < 7; i++)
		spin((void *)&lock);
	TOOK(SPIN, 0, pthread_spin_trylock(&lock));
	actor_start(&actor, try_spin, (void *)&lock);
	actor_join(&actor);
	actor_start(&actor, spin, (void *)&lock);
	wait_until_spun(actor.tid);
	expect(TRACE_SPIN_CONFLICT, 0);
	RELEASED(SPIN, 0, pthread_spin_unlock(&lock));
	actor_join(&actor);
	must_be(0, pthread_spin_destroy(&lock), "pthread_spin_destroy");
	expect(TRACE_SPIN_DESTROY, 0);
}
