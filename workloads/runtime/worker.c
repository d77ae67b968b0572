/* What a worker can ask for: the tick's work, letting go of the lock, waiting, handing over. */
#include "workloads/runtime/run.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void worker_share(const struct worker *w, unsigned index, uint64_t *from, uint64_t *to)
{
	const uint64_t each = w->size / w->count, rest = w->size % w->count;

	*from = each * index + (index < rest ? index : rest);
	*to = *from + each + (index < rest);
}

/* Apart, never inlined and on its own cache line, so that a spin costs the same from wherever it is
 * called. The empty asm keeps the loop: one decrement and one branch a spin, about one cycle. */
__attribute__((noinline, aligned(64))) void worker_spin(uint64_t spins)
{
	for (; spins; spins--)
		__asm__ volatile("" : "+r"(spins));
}

void worker_tick_due(struct worker *w)
{
	const struct gil *gil = w->gil;

	if (!gil) {
		atomic_store_explicit(&w->tick->left, INT_MAX, memory_order_relaxed);
		return;
	}
	if (!gil->due(w->lock, w->seat))
		return;
	if (gil->yield) {
		gil->yield(w->lock, w->seat);
		return;
	}
	gil->release(w->lock, w->seat, GIL_DROP_TICK);
	gil->acquire(w->lock, w->seat);
}

/* As Py_BEGIN_ALLOW_THREADS does: errno is the caller's, whatever the lock does. */
void worker_block(struct worker *w)
{
	const int saved = errno;

	if (w->gil)
		w->gil->release(w->lock, w->seat, GIL_DROP_BLOCK);
	errno = saved;
}

void worker_unblock(struct worker *w)
{
	const int saved = errno;

	if (w->gil)
		w->gil->acquire(w->lock, w->seat);
	errno = saved;
}

uint64_t worker_now_ns(void)
{
	return clock_now_ns();
}

void worker_sleep_until(struct worker *w, uint64_t ns)
{
	const struct timespec deadline = clock_timespec(ns);

	worker_block(w);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		;
	worker_unblock(w);
}

/* Moves all the bytes or fails the worker. */
static bool write_all(struct worker *w, int fd, const void *from, size_t bytes)
{
	for (const char *at = from; bytes > 0;) {
		const ssize_t done = write(fd, at, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			worker_fail(w, "cannot write to a pipe: %s", strerror(errno));
			return false;
		}
		at += done;
		bytes -= (size_t)done;
	}
	return true;
}

static bool read_all(struct worker *w, int fd, void *to, size_t bytes)
{
	for (char *at = to; bytes > 0;) {
		const ssize_t done = read(fd, at, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			worker_fail(w, "cannot read from a pipe: %s",
				    done < 0 ? strerror(errno) : "the other end is gone");
			return false;
		}
		at += done;
		bytes -= (size_t)done;
	}
	return true;
}

unsigned char worker_echo(struct worker *w, unsigned char byte)
{
	const int *ends = w->run->echo[w->index];
	unsigned char answer = 0;

	worker_block(w);
	write_all(w, ends[0], &byte, 1);
	worker_unblock(w);
	worker_block(w);
	read_all(w, ends[1], &answer, 1);
	worker_unblock(w);
	return answer;
}

void worker_give(struct worker *w, const void *part, size_t bytes)
{
	if (!w->run->pipes)
		return;
	worker_block(w);
	write_all(w, w->run->pipes[w->index][1], part, bytes);
	worker_unblock(w);
}

void worker_take(struct worker *w, unsigned from, void *part, size_t bytes)
{
	if (!w->run->pipes)
		return;
	worker_block(w);
	read_all(w, w->run->pipes[from][0], part, bytes);
	worker_unblock(w);
}

void worker_latency(struct worker *w, uint64_t ns)
{
	histogram_add(&w->result->latency, ns);
}

void worker_did(struct worker *w, uint64_t units)
{
	w->result->units += units;
}

void worker_role(struct worker *w, const char *role)
{
	snprintf(w->result->role, sizeof(w->result->role), "%s", role);
}

void worker_fail(struct worker *w, const char *format, ...)
{
	va_list args;

	if (w->result->failure[0])
		return;
	va_start(args, format);
	vsnprintf(w->result->failure, sizeof(w->result->failure), format, args);
	va_end(args);
}
