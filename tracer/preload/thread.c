/* Threads: creation, start, name, exit, join. */
#include "tracer/preload/thread.h"

#include "tracer/preload/attach.h"
#include "tracer/preload/locks.h"
#include "tracer/preload/real.h"
#include "tracer/preload/system.h"
#include "tracer/preload/unwind.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

/* Of the thread that pthread_create is making, in its creator. */
static __thread struct ring *pending __attribute__((tls_model("initial-exec")));

bool thread_is_pending(void)
{
	return pending != NULL;
}

void thread_give_ring(uint64_t storage)
{
	const uint64_t here = (uint64_t)(uintptr_t)&ring_current - (uint64_t)pthread_self();

	/* Other code makes threads too, with storage that may be no libc's. */
	if (pending)
		*(struct ring **)(uintptr_t)(storage + here) = pending;
	pending = NULL;
}

struct ring *thread_prepare(void *(*start)(void *), thrd_start_t start_c11, void *argument)
{
	struct ring *ring = attach_spare();

	if (ring) {
		ring->start = start;
		ring->start_c11 = start_c11;
		ring->argument = argument;
	}
	pending = ring;
	return ring;
}

/* The new thread may have freed what its handle was written to. So it is read from there by a call
 * that can fail, and holds only if the thread has not begun by then; else it has told us itself. */
static pthread_t read_handle(const struct ring *ring, const pthread_t *thread)
{
	pthread_t handle = 0;
	struct iovec to = { .iov_base = &handle, .iov_len = sizeof(handle) };
	struct iovec from = { .iov_base = (void *)(uintptr_t)thread, .iov_len = sizeof(handle) };
	const bool begun = ring && atomic_load_explicit(&ring->starts, memory_order_relaxed) !=
					   ring->starts_before;
	long error = 0;

	if (!begun)
		error = SYSTEM(SYS_process_vm_readv, SYSTEM(SYS_getpid), &to, 1, &from, 1);
	if (error < 0 && error != -EFAULT)
		handle = *thread; /* that call is not allowed here */
	/* [thread-begins] */
	if (ring &&
	    atomic_load_explicit(&ring->starts, memory_order_acquire) != ring->starts_before)
		handle = atomic_load_explicit(&ring->handle, memory_order_relaxed);
	return handle;
}

void thread_created(struct ring *ring, const pthread_t *thread, int error, uintptr_t start)
{
	const uint64_t args[] = { start };
	const int saved = errno;
	pthread_t handle = 0;

	pending = NULL;
	if (!error)
		handle = read_handle(ring, thread);
	else if (ring)
		attach_give_back(ring);
	ring_put_args(TRACE_THREAD_CREATE, ring_operand((unsigned)error & 0xff, handle), args, 1);
	errno = saved;
}

static void record_exit(void *self)
{
	ring_event(TRACE_THREAD_EXIT, 0, (uintptr_t)self);
}

static void *started(struct ring *ring, uintptr_t start)
{
	const uint64_t args[] = { start };
	const pthread_t self = pthread_self();

	atomic_store_explicit(&ring->handle, self, memory_order_relaxed);
	/* [thread-begins] Our creator sees the handle, and reads it nowhere else any more. */
	atomic_fetch_add_explicit(&ring->starts, 1, memory_order_release);
	attach_adopt(ring);
	ring_put_args(TRACE_THREAD_START, ring_operand(0, self), args, 1);
	return (void *)self;
}

/* The clean-up handler runs on return, on pthread_exit and on cancellation alike. */
void *thread_main(void *argument)
{
	struct ring *ring = argument;
	void *(*const start)(void *) = ring->start;
	void *const theirs = ring->argument;
	void *const self = started(ring, (uintptr_t)start);
	void *result;

	pthread_cleanup_push(record_exit, self);
	result = start(theirs);
	pthread_cleanup_pop(1);
	return result;
}

int thread_main_c11(void *argument)
{
	struct ring *ring = argument;
	const thrd_start_t start = ring->start_c11;
	void *const theirs = ring->argument;
	void *const self = started(ring, (uintptr_t)start);
	int result;

	pthread_cleanup_push(record_exit, self);
	result = start(theirs);
	pthread_cleanup_pop(1);
	return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		   void *argument)
{
	struct ring *ring = thread_prepare(start, NULL, argument);
	const int result = ring ? REAL(pthread_create)(thread, attributes, thread_main, ring) :
				  REAL(pthread_create)(thread, attributes, start, argument);

	thread_created(ring, thread, result, (uintptr_t)start);
	return result;
}

void thread_exits(void)
{
	const struct ring *ring = ring_current;

	/* Others have a frame below this one that records it. */
	if (!ring->start && !ring->start_c11)
		ring_event(TRACE_THREAD_EXIT, 0, pthread_self());
}

void pthread_exit(void *value)
{
	thread_exits();
	REAL(pthread_exit)(value);
	__builtin_unreachable();
}

static int joined(pthread_t thread, int result)
{
	ring_ordered(TRACE_THREAD_JOINED, (unsigned)result & 0xff, thread, thread);
	return result;
}

int pthread_join(pthread_t thread, void **value)
{
	int result;

	ring_event(TRACE_THREAD_JOIN, 0, thread);
	UNWIND_RECORDS(TRACE_THREAD_JOINED, thread, 0, result = REAL(pthread_join)(thread, value));
	return joined(thread, result);
}

int pthread_tryjoin_np(pthread_t thread, void **value)
{
	ring_event(TRACE_THREAD_JOIN, 0, thread);
	return joined(thread, REAL(pthread_tryjoin_np)(thread, value));
}

static void join_until(pthread_t thread, clockid_t clock, const struct timespec *deadline)
{
	const uint64_t args[] = { locks_deadline(deadline) };

	ring_put_args(TRACE_THREAD_JOIN,
		      ring_operand(!deadline                ? TRACE_UNTIMED :
				   clock == CLOCK_MONOTONIC ? TRACE_MONOTONIC :
							      TRACE_REALTIME,
				   thread),
		      args, deadline ? 1 : 0);
}

int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *deadline)
{
	int result;

	join_until(thread, CLOCK_REALTIME, deadline);
	UNWIND_RECORDS(TRACE_THREAD_JOINED, thread, 0,
		       result = REAL(pthread_timedjoin_np)(thread, value, deadline));
	return joined(thread, result);
}

int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock,
			 const struct timespec *deadline)
{
	int result;

	join_until(thread, clock, deadline);
	UNWIND_RECORDS(TRACE_THREAD_JOINED, thread, 0,
		       result = REAL(pthread_clockjoin_np)(thread, value, clock, deadline));
	return joined(thread, result);
}

int pthread_detach(pthread_t thread)
{
	const int result = REAL(pthread_detach)(thread);

	ring_event(TRACE_THREAD_DETACH, (unsigned)result & 0xff, thread);
	return result;
}

int pthread_setname_np(pthread_t thread, const char *name)
{
	const int result = REAL(pthread_setname_np)(thread, name);

	ring_put_text(TRACE_THREAD_NAME, ring_operand((unsigned)result & 0xff, thread), NULL, 0,
		      name, 15);
	return result;
}

int prctl(int option, ...)
{
	unsigned long arguments[4];
	va_list list;
	int result;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, unsigned long);
	va_end(list);
	/* A filter that comes now may kill for what the program itself does not call. */
	if (option == PR_SET_SECCOMP)
		attach_be_quiet();
	result = REAL(prctl)(option, arguments[0], arguments[1], arguments[2], arguments[3]);
	if (option == PR_SET_SECCOMP && arguments[0] == SECCOMP_MODE_STRICT && result == 0)
		attach_be_strict();
	if (option == PR_SET_NAME && result == 0)
		ring_put_text(TRACE_THREAD_NAME, ring_operand(0, pthread_self()), NULL, 0,
			      (const char *)arguments[0], 15);
	return result;
}
