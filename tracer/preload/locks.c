/* Mutexes, read-write locks and spin locks: their bodies are the rows of hooks.def.
 *
 * A lock is tried first: success is one record, as if the program had called the try function; held
 * is a conflict, and the real call follows. Whether the real call would have refused, spun or slept
 * is still its own business. */
#include "tracer/preload/locks.h"

#include "tracer/preload/gil.h"
#include "tracer/preload/real.h"
#include "tracer/preload/system.h"

#include <errno.h>
#include <linux/futex.h>

#define SAME_ORDER(family, first) \
	_Static_assert(TRACE_##family##_CONFLICT == TRACE_##family##_ACQUIRE + LOCKS_CONFLICT && \
			       TRACE_##family##_FAIL == TRACE_##family##_ACQUIRE + LOCKS_FAIL && \
			       TRACE_##family##_BUSY == TRACE_##family##_ACQUIRE + LOCKS_BUSY, \
		       "the order of a family")
SAME_ORDER(MUTEX, );
SAME_ORDER(READ, );
SAME_ORDER(WRITE, );
SAME_ORDER(SPIN, );
SAME_ORDER(SEM, );

static unsigned mutex_bits(const pthread_mutexattr_t *attr)
{
	int type = 0, robust = 0, protocol = 0, shared = 0;

	if (!attr)
		return 0;
	pthread_mutexattr_gettype(attr, &type);
	pthread_mutexattr_getrobust(attr, &robust);
	pthread_mutexattr_getprotocol(attr, &protocol);
	pthread_mutexattr_getpshared(attr, &shared);
	return ((unsigned)type & 3) | (robust ? TRACE_INIT_ROBUST : 0) |
	       ((unsigned)protocol & 3) << TRACE_INIT_PROTOCOL_SHIFT |
	       (shared ? TRACE_INIT_SHARED : 0);
}

static unsigned rwlock_bits(const pthread_rwlockattr_t *attr)
{
	int kind = 0, shared = 0;

	if (!attr)
		return 0;
	pthread_rwlockattr_getkind_np(attr, &kind);
	pthread_rwlockattr_getpshared(attr, &shared);
	return ((unsigned)kind & 3) | (shared ? TRACE_INIT_SHARED : 0);
}

/* Detail of the kinds that tell nothing else. */
static unsigned shared_bits(int shared)
{
	return shared != 0;
}

/* What other processes may hold too; the kind is where glibc keeps it since 2.0. */
static bool shared_MUTEX(const pthread_mutex_t *mutex)
{
	return (mutex->__data.__kind & 128) != 0;
}

static bool shared_READ(const pthread_rwlock_t *lock)
{
	return lock->__data.__shared != 0;
}

/* Readers come and go without the writer that had it last. */
static bool shared_WRITE(const pthread_rwlock_t *lock)
{
	(void)lock;
	return true;
}

/* A spin lock does not tell. One that processes share may be stamped early, at most when its thread
 * last looked before it got it. */
static bool shared_SPIN(const pthread_spinlock_t *lock)
{
	(void)lock;
	return false;
}

void locks_init(unsigned kind, unsigned bits, const void *object, const void *caller)
{
	const uint64_t args[] = { (uintptr_t)caller }, at = ring_current->next;

	ring_put_args(kind, ring_operand(bits, (uintptr_t)object), args, 1);
	gil_made(kind, object, at);
}

void locks_conflict(unsigned family, unsigned timeout, const void *object,
		    const struct timespec *deadline, uint64_t tried)
{
	const uint64_t args[] = { locks_deadline(deadline) };
	const uint64_t operand = ring_operand(timeout, (uintptr_t)object);

	if (timeout == TRACE_UNTIMED)
		ring_put(ring_current, ring_head(family + LOCKS_CONFLICT, tried), operand);
	else
		ring_put_args_at(tried, family + LOCKS_CONFLICT, operand, args, 1);
}

void locks_got(unsigned family, int result, const void *object)
{
	if (result == 0 || result == EOWNERDEAD)
		ring_ordered(family, (unsigned)result, (uintptr_t)object, (uintptr_t)object);
	else
		ring_event(family + LOCKS_FAIL, (unsigned)result & 0xff, (uintptr_t)object);
}

#define INIT(name, kind, type, with, bits) \
	int name(type *object, with attribute) \
	{ \
		const int result = REAL(name)(object, attribute); \
\
		if (result == 0) \
			locks_init(TRACE_##kind##_INIT, bits(attribute), (const void *)object, \
				   __builtin_return_address(0)); \
		return result; \
	}

#define DESTROY(name, kind, type) \
	int name(type *object) \
	{ \
		const int result = REAL(name)(object); \
\
		ring_event(TRACE_##kind##_DESTROY, (unsigned)result & 0xff, (uintptr_t)object); \
		return result; \
	}

/* glibc's trylock of a robust mutex that nobody can recover refuses, and keeps the word of the
 * lock: whoever wants it then would sleep for ever. Lets go of it. */
static int unrecoverable(void *object)
{
	int *const word = &((pthread_mutex_t *)object)->__data.__lock;

	if (((unsigned)__atomic_load_n(word, __ATOMIC_RELAXED) & FUTEX_TID_MASK) ==
	    (unsigned)SYSTEM(SYS_gettid)) {
		/* Nothing is protected by it: others find the same. */
		__atomic_store_n(word, 0, __ATOMIC_RELAXED);
		SYSTEM(SYS_futex, word, FUTEX_WAKE, 1);
	}
	return ENOTRECOVERABLE;
}

/* The result of a try that leaves nothing to the real call; else 'otherwise' is made. */
#define DECIDED(tried, object, otherwise) \
	((tried) == 0 || (tried) == EOWNERDEAD ? (tried) : \
	 (tried) == ENOTRECOVERABLE            ? unrecoverable((void *)(object)) : \
						 (otherwise))

/* Other results than success and busy are left to the real call. */
#define LOCK(name, kind, type, try) \
	static __attribute__((noinline)) int name##_contended(type *object, int tried, \
							      uint64_t before) \
	{ \
		int result; \
\
		if (tried == EBUSY) \
			locks_conflict(TRACE_##kind##_ACQUIRE, TRACE_UNTIMED, \
				       (const void *)object, NULL, before); \
		result = DECIDED(tried, object, REAL(name)(object)); \
		locks_got(TRACE_##kind##_ACQUIRE, result, (const void *)object); \
		return result; \
	} \
\
	int name(type *object) \
	{ \
		const uint64_t before = clock_raw(); \
		const int tried = REAL(try)(object); \
\
		if (__builtin_expect(tried != 0, 0)) \
			return name##_contended(object, tried, before); \
		ring_acquired(TRACE_##kind##_ACQUIRE, 0, (uintptr_t)object, shared_##kind(object), \
			      before); \
		return 0; \
	}

/* A deadline that is no time is the real call's to refuse, even when the lock is free. */
#define TIMED(name, kind, type, try, parameters, arguments, clock) \
	int name parameters \
	{ \
		const unsigned timeout = locks_timeout(clock, deadline); \
		const uint64_t before = clock_raw(); \
		const int tried = timeout == TRACE_UNTIMED ? EINVAL : REAL(try)(object); \
		int result; \
\
		if (tried == 0) { \
			ring_acquired(TRACE_##kind##_ACQUIRE, 0, (uintptr_t)object, \
				      shared_##kind(object), before); \
			return 0; \
		} \
		if (tried == EBUSY) \
			locks_conflict(TRACE_##kind##_ACQUIRE, timeout, (const void *)object, \
				       deadline, before); \
		result = DECIDED(tried, object, REAL(name) arguments); \
		locks_got(TRACE_##kind##_ACQUIRE, result, (const void *)object); \
		return result; \
	}
#define TIMEDLOCK(name, kind, type, try) \
	TIMED(name, kind, type, try, (type * object, const struct timespec *deadline), \
	      (object, deadline), CLOCK_REALTIME)
#define CLOCKLOCK(name, kind, type, try) \
	TIMED(name, kind, type, try, \
	      (type * object, clockid_t clock, const struct timespec *deadline), \
	      (object, clock, deadline), clock)

#define TRY(name, kind, type) \
	int name(type *object) \
	{ \
		const uint64_t before = clock_raw(); \
		const int result = REAL(name)(object); \
\
		if (result == 0) \
			ring_acquired(TRACE_##kind##_ACQUIRE, TRACE_TRIED, (uintptr_t)object, \
				      shared_##kind(object), before); \
		else if (result == EBUSY) \
			ring_put(ring_current, ring_head(TRACE_##kind##_BUSY, before), \
				 ring_operand(EBUSY, (uintptr_t)object)); \
		else \
			locks_got(TRACE_##kind##_ACQUIRE, result, (const void *)object); \
		return result; \
	}

/* Stamped and stored before: afterwards the object may be another's, or freed. */
#define RELEASE(name, kind, type) \
	int name(type *object) \
	{ \
		int result; \
\
		ring_event(TRACE_##kind##_RELEASE, 0, (uintptr_t)object); \
		result = REAL(name)(object); \
		if (__builtin_expect(result != 0, 0)) \
			ring_event(TRACE_##kind##_RELEASE_FAIL, (unsigned)result & 0xff, \
				   (uintptr_t)object); \
		return result; \
	}
#define OTHER(result, name, parameters)
#define CALLING(result, name, call, parameters, arguments)

#include "tracer/preload/hooks.def"
