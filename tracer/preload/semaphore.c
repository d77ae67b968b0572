/* Semaphores. Their errors are in errno, which a success must leave alone; their waits are
 * cancellation points even when they need not wait. */
#include "tracer/preload/locks.h"
#include "tracer/preload/real.h"
#include "tracer/preload/unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

/* What other processes may have too: glibc keeps that behind the value, since 2.21. */
static bool is_shared(const sem_t *semaphore)
{
	return ((const int *)semaphore)[2] != 0;
}

static void got(const sem_t *semaphore, int result)
{
	locks_got(TRACE_SEM_ACQUIRE, result == 0 ? 0 : errno, semaphore);
}

int sem_init(sem_t *semaphore, int shared, unsigned value)
{
	const int result = REAL(sem_init)(semaphore, shared, value);
	const uint64_t args[] = { (uintptr_t)__builtin_return_address(0), value };

	if (result == 0)
		ring_put_args(TRACE_SEM_INIT, ring_operand(shared != 0, (uintptr_t)semaphore), args,
			      2);
	return result;
}

int sem_destroy(sem_t *semaphore)
{
	const int result = REAL(sem_destroy)(semaphore);

	ring_event(TRACE_SEM_DESTROY, result == 0 ? 0 : (unsigned)errno & 0xff,
		   (uintptr_t)semaphore);
	return result;
}

sem_t *sem_open(const char *name, int flags, ...)
{
	const uint64_t args[] = { (uintptr_t)__builtin_return_address(0) };
	unsigned value = 0;
	mode_t mode = 0;
	sem_t *semaphore;
	va_list list;

	if (flags & O_CREAT) {
		va_start(list, flags);
		mode = va_arg(list, mode_t);
		value = va_arg(list, unsigned);
		va_end(list);
	}
	semaphore = REAL(sem_open)(name, flags, mode, value);
	if (semaphore == SEM_FAILED)
		ring_put_text(TRACE_SEM_OPEN, ring_operand((unsigned)errno & 0xff, 0), args, 1,
			      name, RING_TEXT_MAX);
	else
		ring_put_text(TRACE_SEM_OPEN, ring_operand(0, (uintptr_t)semaphore), args, 1, name,
			      RING_TEXT_MAX);
	return semaphore;
}

int sem_close(sem_t *semaphore)
{
	const int result = REAL(sem_close)(semaphore);

	ring_event(TRACE_SEM_CLOSE, result == 0 ? 0 : (unsigned)errno & 0xff, (uintptr_t)semaphore);
	return result;
}

/* True when it could be had without waiting. */
static bool taken_at_once(sem_t *semaphore, uint64_t *before)
{
	const int saved = errno;

	pthread_testcancel();
	*before = clock_raw();
	if (__builtin_expect(REAL(sem_trywait)(semaphore) == 0, 1)) {
		ring_acquired(TRACE_SEM_ACQUIRE, 0, (uintptr_t)semaphore, is_shared(semaphore),
			      *before);
		return true;
	}
	errno = saved;
	return false;
}

int sem_wait(sem_t *semaphore)
{
	uint64_t before;
	int result;

	if (__builtin_expect(taken_at_once(semaphore, &before), 1))
		return 0;
	locks_conflict(TRACE_SEM_ACQUIRE, TRACE_UNTIMED, semaphore, NULL, before);
	UNWIND_RECORDS(TRACE_SEM_FAIL, (uintptr_t)semaphore, 0, result = REAL(sem_wait)(semaphore));
	got(semaphore, result);
	return result;
}

static int wait_until(sem_t *semaphore, clockid_t clock, const struct timespec *deadline,
		      bool clocked)
{
	const unsigned timeout = locks_timeout(clock, deadline);
	uint64_t before;
	int result;

	if (timeout != TRACE_UNTIMED) {
		if (taken_at_once(semaphore, &before))
			return 0;
		locks_conflict(TRACE_SEM_ACQUIRE, timeout, semaphore, deadline, before);
	}
	UNWIND_RECORDS(TRACE_SEM_FAIL, (uintptr_t)semaphore, 0,
		       result = clocked ? REAL(sem_clockwait)(semaphore, clock, deadline) :
					  REAL(sem_timedwait)(semaphore, deadline));
	got(semaphore, result);
	return result;
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline)
{
	return wait_until(semaphore, CLOCK_REALTIME, deadline, false);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *deadline)
{
	return wait_until(semaphore, clock, deadline, true);
}

int sem_trywait(sem_t *semaphore)
{
	const uint64_t before = clock_raw();
	const int result = REAL(sem_trywait)(semaphore);

	if (result == 0)
		ring_acquired(TRACE_SEM_ACQUIRE, TRACE_TRIED, (uintptr_t)semaphore,
			      is_shared(semaphore), before);
	else if (errno == EAGAIN)
		ring_put(ring_current, ring_head(TRACE_SEM_BUSY, before),
			 ring_operand(EAGAIN, (uintptr_t)semaphore));
	else
		got(semaphore, result);
	return result;
}

int sem_post(sem_t *semaphore)
{
	int result;

	ring_event(TRACE_SEM_RELEASE, 0, (uintptr_t)semaphore);
	/* Whoever waits next must not be stamped before this, though it may have waited last. */
	ring_own(ring_current, (uintptr_t)semaphore);
	result = REAL(sem_post)(semaphore);
	if (__builtin_expect(result != 0, 0))
		ring_event(TRACE_SEM_RELEASE_FAIL, (unsigned)errno & 0xff, (uintptr_t)semaphore);
	return result;
}
