/* The hot path: one record into this thread's ring, at the price of reading the counter. No lock,
 * allocation or system call; what is not hot is behind ring_put_slow.
 *
 * Signal handlers may interrupt it anywhere and record as well:
 * 1. A slot is reserved by one instruction that cannot be interrupted halfway; a handler that comes
 *    later takes later slots. The slot is written after that; until then it is zero, and the
 *    launcher waits for it.
 * 2. All that a record needs is reached from the 'ring' that was read first: a handler may move
 *    the thread to another ring, the interrupted record still goes where it was reserved.
 * Forks need no hook either: the rings' bookkeeping lies in pages that the kernel empties in a
 * child, where limit is then 0, so the first event comes to the slow path and takes a ring anew. */
#ifndef TRACER_PRELOAD_RING_H
#define TRACER_PRELOAD_RING_H

#include "base/clock.h"
#include "tracer/arena.h"

#include <stdbool.h>

struct ring {
	uint64_t next;  /* bytes reserved so far; changed by ring_reserve alone */
	uint64_t limit; /* up to here no question need be asked */
	uint64_t mask;
	struct record *records;
	uint64_t token;            /* distinguishes the threads of a process in 'owners' */
	struct arena_ring *shared; /* null: no ring, or one of the process we were forked from */
	uint64_t allowed;          /* as limit, which is 0 when raw counters cannot be used */
	uint32_t index;
	uint32_t rounds; /* of thread-specific destructors */
	void *(*start)(void *);
	int (*start_c11)(void *);
	void *argument;
};

/* The calling thread's; never null. Static TLS: reading it calls nothing. */
extern __thread struct ring *ring_current
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Who acquired an object last, by a hash of its address. A thread that acquires what another had
 * must not stamp before the acquisition has happened, and reading the counter is not ordered with
 * the atomic instruction that acquired; waiting for that instruction costs 7 ns, and only then is
 * it paid. An entry is read and written by the object's holder; two objects in one entry cost a
 * needless wait, nothing else. */
#define OWNERS 1024
extern _Atomic uint64_t owners[OWNERS] __attribute__((visibility("hidden")));

/* Prepares everything, once. */
void recorder_start(void);
/* Gives the thread a ring, so that vfork and its kin find one. False: not recording. */
bool ring_attach(void);
/* The rest of ring_put: 'at' was reserved, and is beyond the limit. */
void ring_put_slow(struct ring *ring, uint64_t at, uint64_t head, uint64_t operand);
/* An event with ARGs; returns with errno as it was, like all that record. */
void ring_put_args(unsigned kind, uint64_t operand, const uint64_t *args, unsigned count);
/* As ring_put_args with the text behind the arguments. */
void ring_put_text(unsigned kind, uint64_t operand, const uint64_t *args, unsigned count,
		   const char *text);
/* The thread will record no more here; if it does, it takes another ring. */
void ring_close(struct ring *ring);

/* 'value' is an address or a number. */
static inline uint64_t ring_operand(unsigned detail, uint64_t value)
{
	return detail * (UINT64_C(1) << 56) | (value & ((UINT64_C(1) << 56) - 1));
}

static inline uint64_t ring_head(unsigned kind, uint64_t raw)
{
	return raw << 8 | kind;
}

static inline uint64_t ring_reserve(struct ring *ring, uint64_t bytes)
{
#if defined(__x86_64__)
	/* One instruction, so that no signal comes between; not locked, as no other thread does. */
	__asm__ __volatile__("xaddq %0, %1" : "+r"(bytes), "+m"(ring->next) : : "cc");
	return bytes;
#else
	return __atomic_fetch_add(&ring->next, bytes, __ATOMIC_RELAXED);
#endif
}

/* The launcher has just zeroed what will be written next, so it is in another CPU's cache: it is
 * asked for ahead of need. Past the ring's end it is a hint for nothing. */
static inline void ring_prefetch(const struct record *record)
{
#if defined(__x86_64__)
	__asm__ __volatile__("prefetchw 1024(%0)" : : "r"(record));
#elif defined(__aarch64__)
	__asm__ __volatile__("prfm pstl1keep, [%0, #1024]" : : "r"(record));
#endif
}

static inline void ring_write(struct ring *ring, uint64_t at, uint64_t head, uint64_t operand)
{
	struct record *record = (struct record *)((char *)ring->records + (at & ring->mask));

	ring_prefetch(record);
	__atomic_store_n(&record->operand, operand, __ATOMIC_RELAXED);
	/* [record-commit] A reader that sees the head must see the operand. */
	__atomic_store_n(&record->head, head, __ATOMIC_RELEASE);
}

static inline void ring_put(struct ring *ring, uint64_t head, uint64_t operand)
{
	const uint64_t at = ring_reserve(ring, sizeof(struct record));

	if (__builtin_expect(at >= ring->limit, 0))
		ring_put_slow(ring, at, head, operand);
	else
		ring_write(ring, at, head, operand);
}

/* An event that is not an acquisition. */
static inline void ring_event(unsigned kind, unsigned detail, uint64_t value)
{
	ring_put(ring_current, ring_head(kind, clock_raw()), ring_operand(detail, value));
}

/* The counter, not before everything above has happened. */
static inline uint64_t ring_raw_after(void)
{
#if defined(__x86_64__)
	__asm__ __volatile__("lfence" : : : "memory");
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" : : : "memory");
#endif
	return clock_raw();
}

/* An event that ends a wait or gets an object; 'shared' with other processes, which 'owners' does
 * not know. */
static inline void ring_acquired(unsigned kind, unsigned detail, uintptr_t object, bool shared)
{
	struct ring *ring = ring_current;
	const uint64_t token = ring->token + object;
	_Atomic uint64_t *owner = &owners[(object >> 4) % OWNERS];
	uint64_t raw;

	if (__builtin_expect(atomic_load_explicit(owner, memory_order_relaxed) != token || shared,
			     0)) {
		atomic_store_explicit(owner, token, memory_order_relaxed);
		raw = ring_raw_after();
	} else {
		raw = clock_raw();
	}
	ring_put(ring, ring_head(kind, raw), ring_operand(detail, object));
}

#endif
