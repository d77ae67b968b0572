/* The locks and threads of C11: glibc's call its pthread functions from inside, where no hook
 * stands. */
#include "tracer/preload/barrier.h"
#include "tracer/preload/gil.h"
#include "tracer/preload/locks.h"
#include "tracer/preload/real.h"
#include "tracer/preload/thread.h"
#include "tracer/preload/unwind.h"

#include <errno.h>

static int to_errno(int result)
{
	switch (result) {
	case thrd_success:
		return 0;
	case thrd_busy:
		return EBUSY;
	case thrd_nomem:
		return ENOMEM;
	case thrd_timedout:
		return ETIMEDOUT;
	default:
		return EINVAL;
	}
}

static void ended(unsigned kind, int result, uint64_t object)
{
	ring_event(kind, (unsigned)to_errno(result), object);
}

int mtx_init(mtx_t *mutex, int type)
{
	const int result = REAL(mtx_init)(mutex, type);

	if (result == thrd_success)
		locks_init(TRACE_MUTEX_INIT,
			   type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL,
			   mutex, __builtin_return_address(0));
	return result;
}

void mtx_destroy(mtx_t *mutex)
{
	REAL(mtx_destroy)(mutex);
	ring_event(TRACE_MUTEX_DESTROY, 0, (uintptr_t)mutex);
}

int mtx_lock(mtx_t *mutex)
{
	const uint64_t before = clock_raw();
	const int tried = REAL(mtx_trylock)(mutex);
	int result;

	if (__builtin_expect(tried == thrd_success, 1)) {
		ring_acquired(TRACE_MUTEX_ACQUIRE, 0, (uintptr_t)mutex, false, before);
		return tried;
	}
	if (tried == thrd_busy)
		locks_conflict(TRACE_MUTEX_ACQUIRE, TRACE_UNTIMED, mutex, NULL, before);
	result = REAL(mtx_lock)(mutex);
	locks_got(TRACE_MUTEX_ACQUIRE, to_errno(result), mutex);
	return result;
}

int mtx_timedlock(mtx_t *mutex, const struct timespec *deadline)
{
	const unsigned timeout = locks_timeout(CLOCK_REALTIME, deadline);
	const uint64_t before = clock_raw();
	const int tried = timeout == TRACE_UNTIMED ? thrd_error : REAL(mtx_trylock)(mutex);
	int result;

	if (tried == thrd_success) {
		ring_acquired(TRACE_MUTEX_ACQUIRE, 0, (uintptr_t)mutex, false, before);
		return tried;
	}
	if (tried == thrd_busy)
		locks_conflict(TRACE_MUTEX_ACQUIRE, timeout, mutex, deadline, before);
	result = REAL(mtx_timedlock)(mutex, deadline);
	locks_got(TRACE_MUTEX_ACQUIRE, to_errno(result), mutex);
	return result;
}

int mtx_trylock(mtx_t *mutex)
{
	const uint64_t before = clock_raw();
	const int result = REAL(mtx_trylock)(mutex);

	if (result == thrd_success)
		ring_acquired(TRACE_MUTEX_ACQUIRE, TRACE_TRIED, (uintptr_t)mutex, false, before);
	else
		ended(result == thrd_busy ? TRACE_MUTEX_BUSY : TRACE_MUTEX_FAIL, result,
		      (uintptr_t)mutex);
	return result;
}

int mtx_unlock(mtx_t *mutex)
{
	int result;

	ring_event(TRACE_MUTEX_RELEASE, 0, (uintptr_t)mutex);
	result = REAL(mtx_unlock)(mutex);
	if (result != thrd_success)
		ended(TRACE_MUTEX_RELEASE_FAIL, result, (uintptr_t)mutex);
	return result;
}

int cnd_init(cnd_t *condition)
{
	const int result = REAL(cnd_init)(condition);

	if (result == thrd_success)
		locks_init(TRACE_COND_INIT, 0, condition, __builtin_return_address(0));
	return result;
}

void cnd_destroy(cnd_t *condition)
{
	gil_forget(condition);
	REAL(cnd_destroy)(condition);
	ring_event(TRACE_COND_DESTROY, 0, (uintptr_t)condition);
}

static int wait_until(cnd_t *condition, mtx_t *mutex, const struct timespec *deadline)
{
	const uint64_t args[] = { (uintptr_t)mutex, locks_deadline(deadline) };
	int result;

	ring_put_args(
		TRACE_COND_WAIT,
		ring_operand(deadline ? TRACE_COND_CLOCK : TRACE_UNTIMED, (uintptr_t)condition),
		args, deadline ? 2 : 1);
	UNWIND_RECORDS(TRACE_COND_RETURN, (uintptr_t)condition, (uintptr_t)mutex,
		       result = deadline ? REAL(cnd_timedwait)(condition, mutex, deadline) :
					   REAL(cnd_wait)(condition, mutex));
	ring_ordered(TRACE_COND_RETURN, (unsigned)to_errno(result), (uintptr_t)condition,
		     (uintptr_t)mutex);
	return result;
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	return wait_until(condition, mutex, NULL);
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *deadline)
{
	return wait_until(condition, mutex, deadline);
}

int cnd_signal(cnd_t *condition)
{
	ring_event(TRACE_COND_SIGNAL, 0, (uintptr_t)condition);
	return REAL(cnd_signal)(condition);
}

int cnd_broadcast(cnd_t *condition)
{
	ring_event(TRACE_COND_BROADCAST, 0, (uintptr_t)condition);
	return REAL(cnd_broadcast)(condition);
}

void call_once(once_flag *flag, void (*routine)(void))
{
	if (barrier_once_done((const int *)flag)) {
		REAL(call_once)(flag, routine);
		return;
	}
	ring_event(TRACE_ONCE_BEGIN, 0, (uintptr_t)flag);
	REAL(call_once)(flag, routine);
	ring_event(TRACE_ONCE_END, 0, (uintptr_t)flag);
}

int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
	struct ring *ring = thread_prepare(NULL, start, argument);
	const int result = ring ? REAL(thrd_create)(thread, thread_main_c11, ring) :
				  REAL(thrd_create)(thread, start, argument);

	thread_created(ring, thread, to_errno(result), (uintptr_t)start);
	return result;
}

int thrd_join(thrd_t thread, int *status)
{
	int result;

	ring_event(TRACE_THREAD_JOIN, 0, thread);
	UNWIND_RECORDS(TRACE_THREAD_JOINED, thread, 0, result = REAL(thrd_join)(thread, status));
	ended(TRACE_THREAD_JOINED, result, thread);
	return result;
}

int thrd_detach(thrd_t thread)
{
	const int result = REAL(thrd_detach)(thread);

	ended(TRACE_THREAD_DETACH, result, thread);
	return result;
}

/* Ends by unwinding, through the frame in which the thread's end is recorded. */
void thrd_exit(int status)
{
	thread_exits();
	REAL(thrd_exit)(status);
	__builtin_unreachable();
}
