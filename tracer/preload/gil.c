/* Finds conditions that are made as CPython from 3.7 on makes that of a GIL, remembers them, and
 * records the words before them.
 *
 * One thread makes M, SM, C and SC, one right after the other, and they lie in one struct behind
 * four words, in the order C, M, SC, SM. Other programs may make such a struct for themselves:
 * nothing is concluded here. */
#include "tracer/preload/gil.h"

#include "tracer/preload/attach.h"
#include "tracer/preload/ring.h"
#include "tracer/preload/system.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* An interpreter has one, and there are few in a process; those beyond are not remembered. */
#define SLOTS 64
/* The smallest that there are. */
#define PAGE 4096

/* As CPython lays it out on 64-bit machines. */
struct words {
	uint64_t interval; /* us */
	uint64_t holder;
	int32_t locked;
	int32_t unused;
	uint64_t switches;
};
_Static_assert(sizeof(struct words) == 32 && sizeof(long) == 8, "the words before the condition");

/* How far the calling thread has come with making one. */
static __thread struct {
	const struct ring *ring;
	uint64_t next; /* of the ring, if nothing else has been recorded since */
	uintptr_t mutex;
	unsigned count;
} made __attribute__((tls_model("initial-exec")));

/* Any thread enters and removes; null: free. */
static const void *_Atomic conditions[SLOTS];
_Atomic uint32_t gil_used;

static bool is_next(unsigned kind, uintptr_t object)
{
	const uintptr_t switch_condition = made.mutex + sizeof(pthread_mutex_t);

	switch (made.count) {
	case 1:
		return kind == TRACE_MUTEX_INIT &&
		       object == switch_condition + sizeof(pthread_cond_t);
	case 2:
		return kind == TRACE_COND_INIT && object == made.mutex - sizeof(pthread_cond_t);
	case 3:
		return kind == TRACE_COND_INIT && object == switch_condition;
	default:
		return false;
	}
}

static const void *_Atomic *find(const void *condition)
{
	const uint32_t used = atomic_load_explicit(&gil_used, memory_order_relaxed);

	for (uint32_t i = 0; i < used; i++) {
		if (atomic_load_explicit(&conditions[i], memory_order_relaxed) == condition)
			return &conditions[i];
	}
	return NULL;
}

static void use_slot(uint32_t slot)
{
	uint32_t used = atomic_load_explicit(&gil_used, memory_order_relaxed);

	while (used <= slot &&
	       !atomic_compare_exchange_weak_explicit(&gil_used, &used, slot + 1,
						      memory_order_relaxed, memory_order_relaxed))
		continue;
}

/* Only if the words are on the condition's page: on the one before there may be nothing. */
static void remember(const void *condition)
{
	const uintptr_t at = (uintptr_t)condition;

	if (at % PAGE < sizeof(struct words) || at % sizeof(uint64_t) != 0 || find(condition))
		return;
	for (uint32_t i = 0; i < SLOTS; i++) {
		const void *none = NULL;

		if (atomic_compare_exchange_strong_explicit(&conditions[i], &none, condition,
							    memory_order_relaxed,
							    memory_order_relaxed)) {
			use_slot(i);
			return;
		}
	}
}

void gil_made(unsigned kind, const void *object, uint64_t at)
{
	const struct ring *ring = ring_current;

	if (made.ring != ring || made.next != at || !is_next(kind, (uintptr_t)object)) {
		made.count = 0;
		made.mutex = (uintptr_t)object;
	}
	if (made.count == 0 && kind != TRACE_MUTEX_INIT)
		return;
	made.count++;
	made.ring = ring;
	made.next = ring->next;
	/* The last is SC, which C lies before. */
	if (made.count == 4)
		remember((const char *)object - sizeof(pthread_mutex_t) - sizeof(pthread_cond_t));
}

static void record(const void *condition, const struct words *words)
{
	const uint64_t args[] = { words->interval, words->holder, (uint64_t)(int64_t)words->locked,
				  words->switches };

	ring_put_args(TRACE_LOCK_STATE, ring_operand(0, (uintptr_t)condition), args, 4);
}

static void record_now(const void *condition)
{
	const struct words *at = (const struct words *)condition - 1;
	const struct words words = {
		.interval = __atomic_load_n(&at->interval, __ATOMIC_RELAXED),
		.holder = __atomic_load_n(&at->holder, __ATOMIC_RELAXED),
		.locked = __atomic_load_n(&at->locked, __ATOMIC_RELAXED),
		.switches = __atomic_load_n(&at->switches, __ATOMIC_RELAXED),
	};

	record(condition, &words);
}

void gil_record_it(const void *condition)
{
	if (find(condition))
		record_now(condition);
}

void gil_forget_it(const void *condition)
{
	const void *_Atomic *slot = find(condition);

	if (!slot)
		return;
	record_now(condition);
	atomic_store_explicit(slot, NULL, memory_order_relaxed);
}

/* They may lie in memory that was given back without their being destroyed: so they are read by a
 * call that can fail. */
void gil_record_all(void)
{
	const uint32_t used = atomic_load_explicit(&gil_used, memory_order_relaxed);
	const int saved = errno;

	/* A filter that was set by the bare system call may kill for what it does not know. */
	if (used == 0 || SYSTEM(SYS_prctl, PR_GET_SECCOMP) != 0) {
		errno = saved;
		return;
	}
	for (uint32_t i = 0; i < used && !attach_is_quiet(); i++) {
		const void *condition = atomic_load_explicit(&conditions[i], memory_order_relaxed);
		struct words words;
		struct iovec to = { .iov_base = &words, .iov_len = sizeof(words) };
		struct iovec from = { .iov_base = (struct words *)condition - 1,
				      .iov_len = sizeof(words) };

		if (condition && SYSTEM(SYS_process_vm_readv, SYSTEM(SYS_getpid), &to, 1, &from,
					1) == sizeof(words))
			record(condition, &words);
	}
	errno = saved;
}
