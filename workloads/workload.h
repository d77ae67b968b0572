/* The contract between a workload and what runs it. A workload is a struct of functions that do
 * share i of n of a fixed piece of work. It does not know whether the n workers are one thread, n
 * threads, n threads behind an interpreter's lock, or n processes: it ticks where an interpreter
 * would look up from its work, and says when it is about to wait. */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include "base/param.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker_result;
struct run;
struct gil;
struct object;

/* What a tick looks at: the two ways in which interpreters decide to look up from their work. Both
 * are relaxed: nothing is read on the strength of them. */
struct tick {
	_Atomic int left;    /* counted down by whoever ticks; below 0 something is due */
	_Atomic int breaker; /* set by others; not 0: something is due */
};

/* One worker, as it sees itself. Written by the runtime before the worker starts, then only by the
 * worker's own thread. */
struct worker {
	/* What a tick touches comes first: one cache line. */
	uint64_t tick_spins;
	struct tick *tick;            /* the lock's, or one's own where there is no lock */
	const struct gil *gil;        /* the lock's model; null: no lock */
	void *lock;                   /* its state */
	_Atomic uint64_t *references; /* of 'object'; see worker_use_object */
	void (*use_object)(struct worker *w);
	struct object *object;
	unsigned seat; /* the worker's number among those of its lock */
	unsigned self; /* its number among those that run at once; of most modes the index */
	bool steps;    /* the lock may change hands between any two steps */
	unsigned index, count; /* share i of n */
	const char *shares;    /* for plan: the option that n is of, "workers" or "tasks" */
	uint64_t size;         /* of the whole work, in the workload's own unit */
	void *region;          /* plan->region_bytes, the same address for all */
	const struct param_set *params;
	struct worker_result *result;
	struct run *run;
	void *own; /* what prepare made */
};

enum echo_kind {
	ECHO_NONE,
	ECHO_PIPE,       /* a pipe to oneself: the byte is there at once */
	ECHO_SOCKETPAIR, /* a peer outside the lock sends it back: a real wait, every time */
};

/* What a use of an object is, and whose the object is. */
enum object_use {
	OBJECT_PRIVATE,  /* one's own: a reference is taken and given back */
	OBJECT_REFCOUNT, /* one for all: the same */
	OBJECT_LIST,     /* one for all: appended to */
	OBJECT_NUMBER,   /* one for all: raised under a lock */
};

/* What a workload asks for. Zeroed, with one phase, before plan is called. */
struct workload_plan {
	size_t region_bytes;
	/* Workers that are processes get copies of the region, and use give and take; otherwise
	 * they share it. Threads share it in any case. */
	bool region_private;
	unsigned phases; /* at least 1; all workers end one before any starts the next */
	/* Workers wait for one another: all must be there at once. */
	bool together;
	/* A worker computes until others have done something, and waits nowhere. */
	bool busy_until;
	unsigned helpers; /* threads that a worker starts beside itself, at one time: 0 or 1 */
	enum echo_kind echo;
	enum object_use object;
	bool one_lock;       /* the workers must share an interpreter's lock */
	const char *refusal; /* why no mode can run it here: a sentence without its end; or null */
	const char *loop;    /* of the latencies: "open" (from the intended start) or "closed" */
};

/* A mode that a workload cannot run in, and why: a sentence without its end. */
struct workload_refusal {
	const char *mode, *reason;
};

#define WORKLOAD_COUNTS 8

/* The option from which what looks random comes: a row of a workload's table. */
#define PARAM_SEED(what) \
	{ \
		.name = "seed", .kind = PARAM_NUMBER, .fallback = "1", .low = 0, \
		.high = INT64_MAX, /* what readers of JSON take */ \
			.value = "N", .help = "seed of " what \
	}

struct workload {
	const char *name;
	const char *summary; /* one line */
	const struct param *params;
	const char *size_unit; /* plural: "decrements" */
	const char *size_default;
	uint64_t size_low, size_high;
	const char *workers_default;             /* null: two */
	const char *const *counts;               /* names of results of its own, at most
						  * WORKLOAD_COUNTS, null-ended; null: none */
	const struct workload_refusal *refusals; /* ends in a null mode; null: none */
	/* Before anything else; null: nothing is needed. Of 'w' only count, shares, size and params
	 * are set. */
	bool (*plan)(const struct worker *w, struct workload_plan *plan, struct err *err);
	/* Once, before there are workers: what is more than memory, as descriptors and servers.
	 * False: it cannot be had. And once when they are gone, if it could be. May be null. */
	bool (*open)(struct worker *w, struct err *err);
	void (*close)(struct worker *w);
	/* Once, after open and before the clock starts: fills the region. May be null. */
	void (*setup)(struct worker *w);
	/* Each worker, in its own thread or process, before the clock starts and without the lock:
	 * what others cannot make for it, kept in w->own. May be null. */
	void (*prepare)(struct worker *w);
	/* Each worker, each phase, timed. The sum over all is the checksum, equal in every mode. */
	uint64_t (*work)(struct worker *w, unsigned phase);
	/* Each worker, after the clock has stopped: proves the result (worker_fail), and adds to
	 * the checksum. May be null. */
	uint64_t (*check)(struct worker *w);
};

/* The worker's share of the whole: from (inclusive) to (exclusive). Shares differ by 1 at most. */
void worker_share(const struct worker *w, unsigned index, uint64_t *from, uint64_t *to);
/* Share 'index' of 'count' of another whole. */
void worker_share_of(uint64_t whole, unsigned count, unsigned index, uint64_t *from, uint64_t *to);

/* Work that is worth 'spins' steps of a loop of one addition each; never optimised away. */
void worker_spin(uint64_t spins);
/* Something may be due: asks the lock's model, and lets go of the lock if it says so. */
void worker_tick_due(struct worker *w);

/* One unit of interpreted work is done. The lock may change hands here. The same instructions run
 * in every mode, as an interpreter's do with one thread or many, so that modes differ by the lock
 * alone. */
static inline void worker_tick(struct worker *w)
{
	const int left = atomic_load_explicit(&w->tick->left, memory_order_relaxed) - 1;

	worker_spin(w->tick_spins);
	atomic_store_explicit(&w->tick->left, left, memory_order_relaxed);
	if (__builtin_expect(
		    (left < 0) | atomic_load_explicit(&w->tick->breaker, memory_order_relaxed), 0))
		worker_tick_due(w);
}

/* One step of a unit of interpreted work is done: a bytecode of several in one statement. The lock
 * may change hands here under the models of interpreters that look up between any two (CPython 2,
 * PyPy); others do so at backward jumps and calls alone, which is where worker_tick stands. */
static inline void worker_step(struct worker *w)
{
	if (w->steps)
		worker_tick(w);
}

/* Uses the object that the plan asks for, once per unit that is told by worker_did. What protects a
 * shared one is the mode's business: where workers take turns (sequential, gil) nothing has to;
 * where they run at once (threads, nogil) it is atomic counts and the object's own lock, as in a
 * free-threaded interpreter; where they share no objects (processes, subinterpreters) each has its
 * own. */
static inline void worker_use_object(struct worker *w)
{
	uint64_t references;

	if (w->use_object) {
		w->use_object(w);
		return;
	}
	/* Two stores of their own: an interpreter's count goes up and down in different places. */
	references = atomic_load_explicit(w->references, memory_order_relaxed);
	atomic_store_explicit(w->references, references + 1, memory_order_relaxed);
	references = atomic_load_explicit(w->references, memory_order_relaxed);
	atomic_store_explicit(w->references, references - 1, memory_order_relaxed);
}
/* For check: fails the worker if uses were lost. Returns, once per object, the uses that can be
 * counted afterwards: of lists and numbers, else 0. */
uint64_t worker_check_object(struct worker *w);

/* About to wait, and back: the lock is let go in between. Not nested. */
void worker_block(struct worker *w);
void worker_unblock(struct worker *w);

/* Waits for a moment of CLOCK_MONOTONIC with the lock let go; at once if it is past. */
void worker_sleep_until(struct worker *w, uint64_t ns);
/* Waits, with the lock let go, until a descriptor is ready for what is asked (POLLIN, POLLOUT); up
 * to a moment of CLOCK_MONOTONIC, 0: for ever. False: the moment came first. */
bool worker_wait_for(struct worker *w, int fd, short events, uint64_t deadline_ns);
/* As read and write, with the lock let go: they move all the bytes, or fail the worker and return
 * false. The bytes that worker_read got before the end of the file are in 'got'; null: the end is a
 * failure. */
bool worker_read(struct worker *w, int fd, void *to, size_t bytes, size_t *got);
bool worker_write(struct worker *w, int fd, const void *from, size_t bytes);
/* Sends a byte and waits for its echo; the lock is let go around the write and around the read. */
unsigned char worker_echo(struct worker *w, unsigned char byte);

/* Hands a part of the region to another worker, who must take the same part in the same phase.
 * Where the region is shared neither does anything; where it is private the bytes go through a
 * pipe. A worker gives at most once per phase. */
void worker_give(struct worker *w, const void *part, size_t bytes);
void worker_take(struct worker *w, unsigned from, void *part, size_t bytes);

/* Starts a thread beside the worker; it has the interpreter's lock when 'body' begins. 'helper' is
 * the thread as a worker: it may tick, wait, and use primitives, and its results are the worker's,
 * who must not touch them meanwhile. One at a time, if the plan asks for helpers; join waits for
 * its end with the lock let go. False: it could not be started; the worker has failed. */
bool worker_start(struct worker *w, void (*body)(struct worker *helper, void *given), void *given);
void worker_join(struct worker *w);

/* Adds to a result of the workload's own, by its index in the names; one that nobody told is null,
 * and one below zero is told in two's complement. What explains a result: one sentence per worker,
 * the first. */
void worker_count(struct worker *w, unsigned which, uint64_t n);
void worker_note(struct worker *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The note of a run that lost no update of what is read and written back in steps: because of a
 * lock, because no other worker comes between two steps, or by luck: 'else_note'. 'waits': the
 * worker sleeps in between. */
void worker_explain_none_lost(struct worker *w, bool locked, bool waits, const char *else_note);
/* Records one latency. Units done, and what kind of worker this is ("io",
 * "cpu"), for the result. */
void worker_latency(struct worker *w, uint64_t ns);
void worker_did(struct worker *w, uint64_t units);
void worker_role(struct worker *w, const char *role);

/* The result is wrong: the run fails with this sentence. The first one counts. */
void worker_fail(struct worker *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

uint64_t worker_now_ns(void);

/* A 64-bit mixer (splitmix64, Steele, Lea, Flood 2014): spreads small numbers over a checksum. */
static inline uint64_t worker_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#endif
