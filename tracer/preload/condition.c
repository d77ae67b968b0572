/* Condition variables. A wait is release, wait and acquire in one call: COND_WAIT is the mutex's
 * release, COND_RETURN its acquisition. When the thread was woken in between is not to be seen from
 * here.
 *
 * On x86-64 both symbol versions are here: a program linked before glibc 2.3.2 has conditions of
 * another layout, and must reach the functions that know it. */
#include "tracer/preload/gil.h"
#include "tracer/preload/locks.h"
#include "tracer/preload/real.h"
#include "tracer/preload/unwind.h"

static void begin(const void *condition, const void *mutex, unsigned timeout,
		  const struct timespec *deadline)
{
	const uint64_t args[] = { (uintptr_t)mutex, locks_deadline(deadline) };

	ring_put_args(TRACE_COND_WAIT, ring_operand(timeout, (uintptr_t)condition), args,
		      deadline ? 2 : 1);
}

static int end(const void *condition, const void *mutex, int result)
{
	ring_ordered(TRACE_COND_RETURN, (unsigned)result & 0xff, (uintptr_t)condition,
		     (uintptr_t)mutex);
	gil_returned(condition);
	return result;
}

static void record_init(const void *condition, const pthread_condattr_t *attribute,
			const void *caller)
{
	clockid_t clock = CLOCK_REALTIME;
	int shared = 0;

	if (attribute) {
		pthread_condattr_getclock(attribute, &clock);
		pthread_condattr_getpshared(attribute, &shared);
	}
	locks_init(TRACE_COND_INIT,
		   (clock == CLOCK_MONOTONIC ? TRACE_INIT_MONOTONIC : 0) |
			   (shared ? TRACE_INIT_SHARED : 0),
		   condition, caller);
}

/* The bodies, once for each version; 'at' turns a name into the function's and 'of' into the real
 * one's. */
#define CONDITION(at, of) \
	int at(init)(pthread_cond_t * condition, const pthread_condattr_t *attribute) \
	{ \
		const int result = of(init)(condition, attribute); \
\
		if (result == 0) \
			record_init(condition, attribute, __builtin_return_address(0)); \
		return result; \
	} \
\
	int at(destroy)(pthread_cond_t * condition) \
	{ \
		int result; \
\
		gil_forget(condition); \
		result = of(destroy)(condition); \
		ring_event(TRACE_COND_DESTROY, (unsigned)result & 0xff, (uintptr_t)condition); \
		return result; \
	} \
\
	int at(wait)(pthread_cond_t * condition, pthread_mutex_t * mutex) \
	{ \
		int result; \
\
		begin(condition, mutex, TRACE_UNTIMED, NULL); \
		UNWIND_RECORDS(TRACE_COND_RETURN, (uintptr_t)condition, (uintptr_t)mutex, \
			       result = of(wait)(condition, mutex)); \
		return end(condition, mutex, result); \
	} \
\
	int at(timedwait)(pthread_cond_t * condition, pthread_mutex_t * mutex, \
			  const struct timespec *deadline) \
	{ \
		int result; \
\
		begin(condition, mutex, TRACE_COND_CLOCK, deadline); \
		UNWIND_RECORDS(TRACE_COND_RETURN, (uintptr_t)condition, (uintptr_t)mutex, \
			       result = of(timedwait)(condition, mutex, deadline)); \
		return end(condition, mutex, result); \
	} \
\
	int at(signal)(pthread_cond_t * condition) \
	{ \
		ring_event(TRACE_COND_SIGNAL, 0, (uintptr_t)condition); \
		return of(signal)(condition); \
	} \
\
	int at(broadcast)(pthread_cond_t * condition) \
	{ \
		ring_event(TRACE_COND_BROADCAST, 0, (uintptr_t)condition); \
		return of(broadcast)(condition); \
	}

#define REAL_NOW(name) REAL(pthread_cond_##name)

#if defined(__x86_64__)
#define NOW(name) now_##name
#define OLD(name) old_##name
#define REAL_OLD(name) REAL(old.name)
#define VERSIONS(name) \
	extern __typeof__(pthread_cond_##name) now_##name, old_##name; \
	__asm__(".symver now_" #name ", pthread_cond_" #name "@@GLIBC_2.3.2, remove\n" \
		".symver old_" #name ", pthread_cond_" #name "@GLIBC_2.2.5, remove");
VERSIONS(init)
VERSIONS(destroy)
VERSIONS(wait)
VERSIONS(timedwait)
VERSIONS(signal)
VERSIONS(broadcast)
CONDITION(NOW, REAL_NOW)
CONDITION(OLD, REAL_OLD)
#else
#define NOW(name) pthread_cond_##name
CONDITION(NOW, REAL_NOW)
#endif

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
			   const struct timespec *deadline)
{
	int result;

	begin(condition, mutex, clock == CLOCK_MONOTONIC ? TRACE_MONOTONIC : TRACE_REALTIME,
	      deadline);
	UNWIND_RECORDS(TRACE_COND_RETURN, (uintptr_t)condition, (uintptr_t)mutex,
		       result = REAL(pthread_cond_clockwait)(condition, mutex, clock, deadline));
	return end(condition, mutex, result);
}
