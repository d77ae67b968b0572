/* Barriers and things done once. */
#include "tracer/preload/barrier.h"

#include "tracer/preload/locks.h"
#include "tracer/preload/real.h"

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr,
			 unsigned count)
{
	const int result = REAL(pthread_barrier_init)(barrier, attr, count);
	const uint64_t args[] = { (uintptr_t)__builtin_return_address(0), count };
	int shared = 0;

	if (attr)
		pthread_barrierattr_getpshared(attr, &shared);
	if (result == 0)
		ring_put_args(TRACE_BARRIER_INIT, ring_operand(shared != 0, (uintptr_t)barrier),
			      args, 2);
	return result;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	const int result = REAL(pthread_barrier_destroy)(barrier);

	ring_event(TRACE_BARRIER_DESTROY, (unsigned)result & 0xff, (uintptr_t)barrier);
	return result;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	int result;

	ring_event(TRACE_BARRIER_WAIT, 0, (uintptr_t)barrier);
	result = REAL(pthread_barrier_wait)(barrier);
	ring_ordered(TRACE_BARRIER_RETURN, result == PTHREAD_BARRIER_SERIAL_THREAD,
		     (uintptr_t)barrier, (uintptr_t)barrier);
	return result;
}

/* Once done, a control word is only read, at each use: no lock operation, and no record. glibc sets
 * bit 1 then, since 2.2. */
bool barrier_once_done(const int *control)
{
	return (__atomic_load_n(control, __ATOMIC_RELAXED) & 2) != 0;
}

/* A routine that throws leaves without an end. */
int pthread_once(pthread_once_t *control, void (*routine)(void))
{
	int result;

	if (barrier_once_done(control))
		return REAL(pthread_once)(control, routine);
	ring_event(TRACE_ONCE_BEGIN, 0, (uintptr_t)control);
	result = REAL(pthread_once)(control, routine);
	ring_event(TRACE_ONCE_END, 0, (uintptr_t)control);
	return result;
}
