/* The slow path of recording: a thread without a ring, one at the end of what it may write, or one
 * whose counter is not the processor's. */
#include "tracer/preload/ring.h"

#include "tracer/preload/attach.h"
#include "tracer/preload/system.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* How much is asked for at once: so often a thread looks at what is granted. */
#define STEP_SMALL (ARENA_SMALL_BYTES / 2)
#define STEP_LARGE (UINT64_C(256) << 10)

_Atomic uint64_t owners[OWNERS];

/* Page tables are filled here, in one call for many pages, rather than by a fault for each. Pages
 * are there already: the launcher has allocated them. */
static void populate(const struct ring *ring, uint64_t from, uint64_t to)
{
	if (from > ring->mask || attach_is_quiet())
		return;
	SYSTEM(SYS_madvise, (char *)ring->records + from, to - from, MADV_POPULATE_WRITE);
}

/* By the counter that stamps records. */
static uint64_t now(const struct ring *ring)
{
	return ring->limit ? clock_raw() : clock_now_ns();
}

/* Sleeps until the launcher grants more; an interruption only makes it look again. */
static void wait_for_grant(struct ring *ring, uint64_t granted)
{
	struct arena_ring *shared = ring->shared;
	const struct timespec limit = { .tv_nsec = 20000000 };
	const uint64_t begin = now(ring);

	atomic_store_explicit(&shared->waiting, 1, memory_order_relaxed);
	attach_wake_launcher();
	if (attach_is_quiet()) {
		for (int i = 0; i < 1000; i++)
			__asm__ __volatile__("" : : : "memory");
		return;
	}
	/* The low half of a little-endian word; it changes with each grant. */
	SYSTEM(SYS_futex, &shared->granted, FUTEX_WAIT, (uint32_t)granted, &limit);
	atomic_store_explicit(&shared->waiting, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->stalls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->stall_raw, now(ring) - begin, memory_order_relaxed);
}

static void advance(struct ring *ring, uint64_t end, uint64_t granted)
{
	const uint64_t step = ring->mask < ARENA_SMALL_BYTES ? STEP_SMALL : STEP_LARGE;
	uint64_t allowed = (end + step - 1) / step * step;

	if (allowed > granted)
		allowed = granted;
	populate(ring, ring->allowed, allowed);
	if (ring->limit)
		ring->limit = allowed;
	ring->allowed = allowed;
	if (granted - allowed <= ring->mask / 2)
		attach_wake_launcher();
}

/* Makes sure that 'bytes' from 'at' may be written. False: they may not, because the thread has
 * moved to another ring, here or in a signal handler, or because recording is over. */
static bool make_room(struct ring *ring, uint64_t at, uint64_t bytes)
{
	while ((ring_current == ring || attach_shares()) && at + bytes > ring->allowed) {
		/* [ring-grant] Below it the launcher has read and zeroed the slots. */
		const uint64_t granted =
			atomic_load_explicit(&ring->shared->granted, memory_order_acquire);

		if (at + bytes <= granted)
			advance(ring, at + bytes, granted);
		else if (attach_stopped() || (!attach_shares() && attach_larger(ring, at)))
			return false;
		else
			wait_for_grant(ring, granted);
	}
	return ring_current == ring || attach_shares();
}

/* What an interrupted event had reserved in a ring that a handler has closed is not written there.
 */
static void give_up(struct ring *ring, uint64_t at)
{
	if (ring_current != ring &&
	    atomic_load_explicit(&ring->shared->end, memory_order_relaxed) > at)
		atomic_store_explicit(&ring->shared->end, at, memory_order_relaxed);
}

/* A ring that can take 'bytes', reserved from *at on; null: the event is lost. */
static struct ring *find_room(struct ring *ring, uint64_t *at, uint64_t bytes)
{
	if (attach_shares()) {
		ring = attach_mine();
		if (!ring) {
			attach_lost(1);
			return NULL;
		}
		*at = ring_reserve(ring, bytes);
	}
	for (;;) {
		if (ring->shared && make_room(ring, *at, bytes))
			return ring;
		if (ring->shared && (ring_current == ring || attach_shares())) {
			if (!attach_ended())
				atomic_fetch_add_explicit(&ring->shared->lost, 1,
							  memory_order_relaxed);
			return NULL;
		}
		if (ring->shared)
			give_up(ring, *at);
		/* It may have moved to a ring that can take more, though recording is over. */
		if (!ring_current->shared && !ring_attach()) {
			attach_lost(1);
			return NULL;
		}
		ring = ring_current;
		*at = ring_reserve(ring, bytes);
	}
}

/* When an event in 'ring' was that was to go into 'first' at 'raw'. Another ring begins with
 * records of its own, which are before. */
static uint64_t time_in(const struct ring *ring, const struct ring *first, uint64_t raw)
{
	if (!ring->limit)
		return clock_now_ns();
	return ring == first ? raw : clock_raw();
}

void ring_put_slow(struct ring *first, uint64_t at, uint64_t head, uint64_t operand)
{
	const int saved = errno;
	struct ring *ring = find_room(first, &at, sizeof(struct record));

	if (ring)
		ring_write(ring, at,
			   ring_head((unsigned)(head & 0xff), time_in(ring, first, head >> 8)),
			   operand);
	errno = saved;
}

/* The ARGs of an event: numbers, then the text behind them. */
struct tail {
	const uint64_t *args;
	unsigned count;
	const char *text;
	size_t length;
};

static uint64_t argument(const struct tail *tail, unsigned i)
{
	const size_t from = (i - tail->count) * sizeof(uint64_t);
	uint64_t part = 0;

	if (i < tail->count)
		return tail->args[i];
	if (tail->text)
		memcpy(&part, tail->text + from,
		       tail->length - from < sizeof(part) ? tail->length - from : sizeof(part));
	return part;
}

/* Nothing large is on the stack: it may be a signal handler's small one. */
static void put(uint64_t raw, unsigned kind, uint64_t operand, const struct tail *tail)
{
	const unsigned all = tail->count + (unsigned)((tail->length + 7) / 8);
	const uint64_t bytes = (1 + all) * sizeof(struct record);
	struct ring *const first = ring_current, *ring = first;
	uint64_t at = ring_reserve(ring, bytes);
	const int saved = errno;

	if (at + bytes > ring->limit)
		ring = find_room(ring, &at, bytes);
	if (ring)
		raw = time_in(ring, first, raw);
	/* The first record last: without it the launcher does not look at those behind it. */
	for (unsigned i = all; ring && i > 0; i--)
		ring_write(ring, at + i * sizeof(struct record), ring_head(TRACE_ARG, raw),
			   argument(tail, i - 1));
	if (ring)
		ring_write(ring, at, ring_head(kind, raw), operand);
	errno = saved;
}

void ring_put_args_at(uint64_t raw, unsigned kind, uint64_t operand, const uint64_t *args,
		      unsigned count)
{
	put(raw, kind, operand, &(struct tail){ .args = args, .count = count });
}

void ring_put_args(unsigned kind, uint64_t operand, const uint64_t *args, unsigned count)
{
	ring_put_args_at(clock_raw(), kind, operand, args, count);
}

void ring_put_text(unsigned kind, uint64_t operand, const uint64_t *args, unsigned count,
		   const char *text, size_t most)
{
	put(clock_raw(), kind, operand,
	    &(struct tail){ .args = args,
			    .count = count,
			    .text = text,
			    .length = text ? strnlen(text, most) : 0 });
}
