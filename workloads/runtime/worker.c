/* What a worker can ask for: the tick's work, letting go of the lock, waiting, handing over. */
#include "workloads/runtime/loop.h"
#include "workloads/runtime/mode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void worker_share_of(uint64_t whole, unsigned count, unsigned index, uint64_t *from, uint64_t *to)
{
	const uint64_t each = whole / count, rest = whole % count;

	*from = each * index + (index < rest ? index : rest);
	*to = *from + each + (index < rest);
}

void worker_share(const struct worker *w, unsigned index, uint64_t *from, uint64_t *to)
{
	worker_share_of(w->size, w->count, index, from, to);
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

	if (loop_has(w)) {
		loop_sleep_until(w, ns);
		return;
	}
	worker_block(w);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		;
	worker_unblock(w);
}

bool worker_wait_for(struct worker *w, int fd, short events, uint64_t deadline_ns)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int count;

	if (loop_has(w))
		return loop_wait_for(w, fd, events, deadline_ns);
	worker_block(w);
	do {
		const uint64_t now = deadline_ns ? clock_now_ns() : 0;
		const struct timespec left =
			clock_timespec(deadline_ns > now ? deadline_ns - now : 0);

		count = ppoll(&ready, 1, deadline_ns ? &left : NULL, NULL);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		worker_fail(w, "cannot wait for a descriptor: %s", strerror(errno));
	worker_unblock(w);
	return count > 0;
}

/* Coroutines must not wait in a call: the descriptor refuses to. */
static void never_block(const struct worker *w, int fd)
{
	const int flags = loop_has(w) ? fcntl(fd, F_GETFL) : -1;

	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* Whether a call that failed is to be made again: a signal came between, or it was time to wait,
 * which a coroutine has done then. */
static bool try_again(struct worker *w, int fd, short events)
{
	if (errno == EAGAIN && loop_has(w))
		return loop_wait_for(w, fd, events, 0);
	return errno == EINTR;
}

bool worker_write(struct worker *w, int fd, const void *from, size_t bytes)
{
	bool good = true;

	never_block(w, fd);
	worker_block(w);
	for (const char *at = from; bytes > 0 && good;) {
		const ssize_t done = write(fd, at, bytes);

		if (done < 0 && try_again(w, fd, POLLOUT))
			continue;
		good = done >= 0;
		at += good ? done : 0;
		bytes -= good ? (size_t)done : 0;
	}
	if (!good)
		worker_fail(w, "cannot write: %s", strerror(errno));
	worker_unblock(w);
	return good;
}

bool worker_read(struct worker *w, int fd, void *to, size_t bytes, size_t *got)
{
	size_t have = 0;
	ssize_t done = 1;

	never_block(w, fd);
	worker_block(w);
	while (have < bytes && done > 0) {
		done = read(fd, (char *)to + have, bytes - have);
		if (done > 0)
			have += (size_t)done;
		else if (done < 0 && try_again(w, fd, POLLIN))
			done = 1;
	}
	if (done < 0 || (have < bytes && !got))
		worker_fail(w, "cannot read: %s",
			    done < 0 ? strerror(errno) : "the other end is gone");
	worker_unblock(w);
	if (got)
		*got = have;
	return done > 0 || (done == 0 && got);
}

unsigned char worker_echo(struct worker *w, unsigned char byte)
{
	const int *ends = w->run->echo[w->self];
	unsigned char answer = 0;

	worker_write(w, ends[0], &byte, 1);
	worker_read(w, ends[1], &answer, 1, NULL);
	return answer;
}

void worker_give(struct worker *w, const void *part, size_t bytes)
{
	if (!w->run->pipes)
		return;
	worker_write(w, w->run->pipes[w->index][1], part, bytes);
}

void worker_take(struct worker *w, unsigned from, void *part, size_t bytes)
{
	if (!w->run->pipes)
		return;
	worker_read(w, w->run->pipes[from][0], part, bytes, NULL);
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
	char *mine = w->result->role;

	/* In a pool a worker may have tasks of every kind. */
	snprintf(mine, sizeof(w->result->role), "%s",
		 mine[0] && strcmp(mine, role) != 0 ? "mixed" : role);
}

/* Why no other worker comes between two steps of this one: a sentence without its end; null: others
 * may. */
static const char *why_alone(const struct worker *w, bool waits)
{
	const struct mode *mode = w->run->mode;

	if (w->run->workers == 1 || w->count == 1)
		return "there is one worker";
	if (mode->alone && (mode->in_turn || !waits))
		return mode->alone;
	if (mode_objects(w->run) == OBJECTS_IN_TURN && !w->steps && !waits)
		return "the lock of this model is looked at as CPython's since 3.10, at backward "
		       "jumps and calls alone, and the read and "
		       "the write have none between them";
	return NULL;
}

void worker_count(struct worker *w, unsigned which, uint64_t n)
{
	w->result->counts[which] += n;
	w->result->told[which] = true;
}

void worker_note(struct worker *w, const char *format, ...)
{
	va_list args;

	if (w->result->note[0])
		return;
	va_start(args, format);
	vsnprintf(w->result->note, sizeof(w->result->note), format, args);
	va_end(args);
}

void worker_explain_none_lost(struct worker *w, bool locked, bool waits, const char *else_note)
{
	const char *alone = why_alone(w, waits);

	if (locked)
		worker_note(w, "no update can be lost: a lock protects each");
	else if (alone)
		worker_note(w, "no update can be lost: %s", alone);
	else
		worker_note(w, "updates can be lost here; %s", else_note);
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
