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
	uint32_t place;            /* its index in the arena + 1; 0: it is in none */
	uint32_t rounds;           /* of thread-specific destructors */
	void *(*start)(void *);
	int (*start_c11)(void *);
	void *argument;
	/* Of the thread that it is taken for; and how many have begun with it, which is kept when
	 * it is taken anew. */
	_Atomic pthread_t handle;
	_Atomic uint32_t starts;
	uint32_t starts_before;
};

/* The calling thread's; never null. Static TLS: reading it calls nothing. */
extern __thread struct ring *ring_current
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Who had an object last, by a hash of its address.
 *
 * Reading the counter is not ordered with the atomic instruction that acquires: read after it, the
 * stamp may still be earlier than the release that made the acquisition possible. A fence would
 * order them, for 7 ns within the critical section. So:
 * 1. The counter is read before the acquisition is tried. When the object's last owner was the same
 *    thread, nobody had it since, and this stamp is in the true order; the critical section has not
 *    become longer, and if the object turns out to be held, it is the time of the attempt.
 * 2. Otherwise the object has changed hands, and the stamp is taken again, behind a fence: it is
 * later than the previous owner's release, which was stamped before it happened.
 * 3. An entry is written by the thread that has the object (or is about to post the semaphore), so
 * it is visible to the next. Two objects in one entry cost a needless fence, nothing else. */
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
/* The same with the counter as it was before. */
void ring_put_args_at(uint64_t raw, unsigned kind, uint64_t operand, const uint64_t *args,
		      unsigned count);
/* As ring_put_args with the text behind the arguments, at most so many bytes of it. */
void ring_put_text(unsigned kind, uint64_t operand, const uint64_t *args, unsigned count,
		   const char *text, size_t most);
#define RING_TEXT_MAX 4096
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

static inline void ring_store(struct record *record, uint64_t head, uint64_t operand)
{
	ring_prefetch(record);
	__atomic_store_n(&record->operand, operand, __ATOMIC_RELAXED);
	/* [record-commit] A reader that sees the head must see the operand. */
	__atomic_store_n(&record->head, head, __ATOMIC_RELEASE);
}

static inline void ring_write(struct ring *ring, uint64_t at, uint64_t head, uint64_t operand)
{
	ring_store((struct record *)((char *)ring->records + (at & ring->mask)), head, operand);
}

static inline void ring_put(struct ring *ring, uint64_t head, uint64_t operand)
{
	const uint64_t at = ring_reserve(ring, sizeof(struct record));
	const uint64_t mask = __atomic_load_n(&ring->mask, __ATOMIC_RELAXED);
	char *const records = (char *)__atomic_load_n(&ring->records, __ATOMIC_RELAXED);

	/* The limit last: if a handler has forked since, and the child returns from it, the pages
	 * are empty, and the limit is 0 at the latest now. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(at >= __atomic_load_n(&ring->limit, __ATOMIC_RELAXED), 0))
		ring_put_slow(ring, at, head, operand);
	else
		ring_store((struct record *)(records + (at & mask)), head, operand);
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

static inline _Atomic uint64_t *ring_owner(uintptr_t object)
{
	return &owners[(object >> 4) % OWNERS];
}

/* The calling thread has the object, or hands it on. True when it was the last to do so. */
static inline bool ring_own(const struct ring *ring, uintptr_t object)
{
	const uint64_t token = ring->token + object;
	_Atomic uint64_t *owner = ring_owner(object);

	if (__builtin_expect(atomic_load_explicit(owner, memory_order_relaxed) == token, 1))
		return true;
	atomic_store_explicit(owner, token, memory_order_relaxed);
	return false;
}

/* An acquisition that succeeded at the first try; 'before' is the counter as it was tried. An
 * object that is 'shared' with other processes may have had owners that the table does not know. */
static inline void ring_acquired(unsigned kind, unsigned detail, uintptr_t object, bool shared,
				 uint64_t before)
{
	struct ring *ring = ring_current;

	if (__builtin_expect(!ring_own(ring, object) || shared, 0))
		before = ring_raw_after();
	ring_put(ring, ring_head(kind, before), ring_operand(detail, object));
}

/* An event that ends a wait; the thread has the object now. */
static inline void ring_ordered(unsigned kind, unsigned detail, uint64_t value, uintptr_t object)
{
	struct ring *ring = ring_current;

	ring_own(ring, object);
	ring_put(ring, ring_head(kind, ring_raw_after()), ring_operand(detail, value));
}

#endif
