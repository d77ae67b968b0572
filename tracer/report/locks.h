/* The analysis of a trace's locks, in one pass over the merged records: per object what taking it
 * came to, per thread where its time went, and the longest waits. Memory grows with threads and
 * objects, not with records. Durations are raw units; locks_ns converts.
 *
 * What is measured:
 * - A wait lasts from CONFLICT to ACQUIRE or FAIL. That of a condition lasts from COND_WAIT to
 *   COND_RETURN: waking up and getting the mutex back both happen inside the call, so how long
 *   the second took is not visible to a recorder around it.
 * - A hold lasts from ACQUIRE to RELEASE, of a recursive mutex the outermost. COND_WAIT ends the
 *   hold of its mutex and COND_RETURN begins a new one.
 * - A semaphore has no holder, unless it behaves as a lock: it began with 1, and only the thread
 *   that acquired it releases it.
 * - Corrected durations are less the cost of the records that the thread wrote meanwhile, the
 *   closing one included, and not less than zero.
 * An interval belongs to the window when its ending record does; one that began before it counts
 * as if it had begun with what is in the window; but for hazards all is followed from the first
 * record on, as who waits in the window may have begun before: then intervals begin when they did,
 * and only the sums of the watch (watch.h) leave out what was over before the window. */
#ifndef TRACER_REPORT_LOCKS_H
#define TRACER_REPORT_LOCKS_H

#include "tracer/report/syscalls.h"

enum wait_kind {
	WAIT_LOCK, /* mutex, rwlock, spin lock */
	WAIT_SEM,
	WAIT_COND,
	WAIT_BARRIER,
	WAIT_ONCE,
	WAIT_JOIN,
	WAIT_KINDS,
};

struct duration {
	uint64_t raw, corrected;
};

/* Something that a thread holds. */
struct hold {
	struct object *object;
	uint64_t since, position; /* position: of its record in the thread's */
	uint32_t depth;
	enum object_mode mode;
};

/* A wait that has begun. */
struct pending {
	enum wait_kind kind;
	enum object_mode mode;
	struct object *object; /* null for a join */
	struct object *mutex;  /* condition: what to take again */
	bool held;             /* condition: the mutex was known to be held */
	uint64_t handle;       /* join: of the thread; lock: the mode; else 0 */
	uint64_t since, position;
	uint32_t holder, readers; /* as the wait began; holder is an index + 1 */
	uint64_t before; /* lock: its acquisitions, condition: its signals, as the wait began */
};

/* A wait for a lock that was, or still is, long. */
struct long_wait {
	const struct object *object;
	enum object_mode mode;
	uint32_t thread; /* index */
	uint64_t begin;
	struct duration duration; /* so far, when it has not ended */
	uint32_t holder, readers; /* as it began; holder is an index + 1, 0: nobody was recorded */
	uint32_t released_by;     /* index + 1: who let go of it last meanwhile; 0: nobody */
	uint64_t passed;          /* acquisitions by others meanwhile */
	bool ended;
	unsigned error; /* errno with which it failed; 0: it got it */
};

#define LOCKS_PENDING 8 /* a signal handler may wait while its thread waits */
#define LOCKS_CACHED 8

/* A thread: what is known now, and its sums. */
struct actor {
	uint64_t position; /* records so far */
	uint64_t skipped;  /* of them before the window */
	struct hold *holds;
	size_t hold_count, hold_room;
	uint64_t holding_since, holding_position; /* of the first of them */
	struct pending pending[LOCKS_PENDING];
	size_t pending_count;
	unsigned calling; /* watched: the trace_call that its last record told of; 0: none */
	struct object *cached[LOCKS_CACHED]; /* by its address */
	struct object *retried;              /* with retries failed tries so far */
	uint64_t retries;
	/* A RELEASE of something not held, should it turn out to have been refused. */
	struct {
		struct object *object; /* null: none */
		uint64_t when, position;
		uint32_t holder; /* index + 1; 0: it was unpaired */
		struct hold hold;
	} undo;

	uint64_t waits[WAIT_KINDS];
	struct duration waited[WAIT_KINDS]; /* unfinished waits too, up to the end */
	struct duration holding;            /* at least one lock */
};

struct locks {
	const struct trace *trace;
	uint64_t from, to; /* the window, both inclusive */
	double raw_per_ns;
	bool cost_known;
	uint64_t cost; /* of a record, in raw units / 1,024 */
	struct family family;
	struct objects objects;
	struct actor *actors;      /* by thread */
	struct long_wait *longest; /* sorted when all is read; a heap before */
	size_t longest_count, longest_room;
	struct syscalls *syscalls; /* null: not asked for */
	struct watch *watch;       /* for hazards; null: not asked for */
	uint64_t records;          /* in the window */
	bool no_memory;            /* some of the above could not be kept */
};

struct locks_wish {
	uint64_t from_ns, to_ns; /* the window, since the first record; 0, UINT64_MAX: all */
	size_t top;              /* longest waits that are kept */
	bool syscalls;           /* system calls, too */
	bool hazards;            /* what they are found by, too: watch.h */
	struct gils *gils;       /* the interpreters' locks, for hazards; null: not known */
};

/* Reads all of it; what came before the window is read for names and makers only, unless hazards
 * are asked for. Fails on what
 * trace_merge_next fails on, and without memory; nothing is left then. */
bool locks_read(struct locks *locks, const struct trace *trace, const struct locks_wish *wish,
		struct err *err);
void locks_finish(struct locks *locks);
/* Raw units in nanoseconds. */
uint64_t locks_ns(const struct locks *locks, uint64_t raw);
/* What a thread was still waiting for at the end; null: nothing. */
const struct pending *locks_stuck(const struct locks *locks, size_t thread);

#endif
