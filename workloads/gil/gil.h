/* The contract of a lock model: an interpreter's lock, with the interpreter's own pthread and
 * semaphore calls in the interpreter's own order, so that from outside it looks like the real one.
 * A model is one file that ends in a const struct; its state is private to it. */
#ifndef WORKLOADS_GIL_GIL_H
#define WORKLOADS_GIL_GIL_H

#include "base/clock.h"
#include "base/param.h"
#include "workloads/workload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a model counts of itself, each as it happens and under a lock of its own. All but the times
 * (raw counter differences, base/clock.h) are facts of the protocol: who sees the model's calls
 * from outside, in their order, comes to the same numbers. docs/gil-models.md says by which calls.
 */
struct gil_counts {
	uint64_t takes;
	uint64_t contended;       /* takes that found the lock held */
	uint64_t timeouts;        /* timed waits that ran out */
	uint64_t requests;        /* waits after which the holder was asked to let go */
	uint64_t switches;        /* takes by another thread than the taker before */
	uint64_t drops_voluntary; /* let go to wait, or at the thread's end */
	uint64_t drops_forced;    /* let go at a tick, because the model's rule said so */
	/* Let go, at a tick or not, while a request was pending; where requests are flags that are
	 * read under the lock (cpython3, cpython313), else 0. */
	uint64_t drops_requested;
	uint64_t forced_waits; /* holders that let go and then waited for a successor to take */
	/* In contended takes, summed over the threads; of the holds; in forced waits, which are
	 * neither waiting nor holding. */
	uint64_t wait_raw;
	uint64_t hold_raw;
	uint64_t forced_wait_raw;
};

enum gil_drop {
	GIL_DROP_TICK,  /* due said so */
	GIL_DROP_BLOCK, /* the thread is about to wait */
	GIL_DROP_END,   /* the thread is done */
};

struct gil {
	const char *name;
	const char *summary; /* one line: whose lock, and the rule by which it changes hands */
	const struct param *params;
	/* It may change hands between any two bytecodes; else only at backward jumps and calls. */
	bool anywhere;
	/* What the state takes: so much, and so much more for each thread behind it. */
	size_t state_bytes, thread_bytes;
	/* The state is zeroed and aligned to 64 bytes; the caller owns it. */
	bool (*init)(void *state, unsigned threads, const struct param_set *params,
		     struct err *err);
	/* 'self' is the thread's number, from 0. Returns holding the lock. */
	void (*acquire)(void *state, unsigned self);
	/* What thread 'self' looks at on each of its ticks. */
	struct tick *(*tick)(void *state, unsigned self);
	/* Asked by the holder when its tick has run out or its breaker is set: must the lock be let
	 * go here? Winds the tick up again. */
	bool (*due)(void *state, unsigned self);
	/* Lets go and takes again, where the interpreter does this in one operation; it may find
	 * that nobody waits, and keep the lock. Null: release, then acquire. */
	void (*yield)(void *state, unsigned self);
	void (*release)(void *state, unsigned self, enum gil_drop why);
	/* In the child of a fork by the holder, by its only thread: makes the lock anew as the
	 * interpreter does. The thread holds it afterwards, and the counts start with that take. */
	void (*forked)(void *state, unsigned self);
	/* After the last release. */
	void (*finish)(void *state, struct gil_counts *counts);
};

static inline size_t gil_bytes(const struct gil *gil, unsigned threads)
{
	return (gil->state_bytes + gil->thread_bytes * threads + 63) / 64 * 64;
}

static inline void gil_counts_add(struct gil_counts *sum, const struct gil_counts *one)
{
	sum->takes += one->takes;
	sum->contended += one->contended;
	sum->timeouts += one->timeouts;
	sum->requests += one->requests;
	sum->switches += one->switches;
	sum->drops_voluntary += one->drops_voluntary;
	sum->drops_forced += one->drops_forced;
	sum->drops_requested += one->drops_requested;
	sum->forced_waits += one->forced_waits;
	sum->wait_raw += one->wait_raw;
	sum->hold_raw += one->hold_raw;
	sum->forced_wait_raw += one->forced_wait_raw;
}

/* The part of the counting that is the same for all; both are called by the holder. */
struct gil_tally {
	struct gil_counts counts;
	uint64_t taken_at; /* raw */
	unsigned last;     /* the last taker, plus 1; 0: none yet */
};

/* All times raw; 'asked_at' is read only if the take was contended. */
static inline void gil_tally_take(struct gil_tally *tally, unsigned self, bool contended,
				  uint64_t asked_at, uint64_t now)
{
	tally->counts.takes++;
	if (contended) {
		tally->counts.contended++;
		tally->counts.wait_raw += now - asked_at;
	}
	tally->counts.switches += tally->last != 0 && tally->last != self + 1;
	tally->last = self + 1;
	tally->taken_at = now;
}

static inline void gil_tally_drop(struct gil_tally *tally, enum gil_drop why)
{
	tally->counts.hold_raw += clock_raw() - tally->taken_at;
	if (why == GIL_DROP_TICK)
		tally->counts.drops_forced++;
	else
		tally->counts.drops_voluntary++;
}

#endif
