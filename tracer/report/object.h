/* The objects of a trace - locks, semaphores, conditions, barriers, once controls - and the table
 * that finds them by process and address. Memory is reused: an INIT at an address, use after a
 * DESTROY, or use as another type starts a new generation, which is an object of its own. What a
 * forked process inherits is its own object with the same maker; what is process-shared is one. */
#ifndef TRACER_REPORT_OBJECT_H
#define TRACER_REPORT_OBJECT_H

#include "tracer/report/family.h"
#include "tracer/report/spread.h"

enum object_type {
	OBJECT_MUTEX,
	OBJECT_RWLOCK,
	OBJECT_SPIN,
	OBJECT_SEM,
	OBJECT_COND,
	OBJECT_BARRIER,
	OBJECT_ONCE,
	OBJECT_TYPES,
};

/* How it is taken: alone, or with others as read locks are. */
enum object_mode { OBJECT_ALONE, OBJECT_SHARED, OBJECT_MODES };

/* Durations in raw units: as recorded, and less what recording cost meanwhile. */
struct measure {
	struct spread raw, corrected;
};

struct failure {
	unsigned error; /* errno */
	uint64_t count;
};

/* What taking a lock in one mode came to. */
struct object_use {
	uint64_t acquisitions;   /* by calls that take it */
	uint64_t reacquisitions; /* by calls that wait for a condition, before they return */
	uint64_t conflicts;
	uint64_t busy;            /* tries that found it held */
	uint64_t unfinished;      /* waits that had not ended at the end */
	uint64_t unfinished_wait; /* raw: up to the end */
	uint64_t owner_died;      /* acquisitions with EOWNERDEAD */
	/* A loop: tries of one thread that found it held, timed out or were interrupted, up to the
	 * acquisition; the tries are its retries. */
	uint64_t loops, retries, longest_loop;
	struct failure *failures;
	size_t failure_count;
	struct measure wait, hold;
};

/* What waiting at an object that nobody holds came to. */
struct object_meeting {
	uint64_t waits, unfinished;
	uint64_t returns, timeouts, failures; /* timeouts are no failures */
	uint64_t serial;                      /* barrier: rounds that were completed */
	uint64_t signals, unheard_signals; /* the second: there was no waiter as the call began */
	uint64_t broadcasts, unheard_broadcasts;
	uint64_t unsignalled;       /* returns with neither signal nor broadcast since the wait */
	uint64_t waiters;           /* now */
	const struct object *mutex; /* condition: that it was last waited with */
	struct measure wait;
};

/* What a futex call is for. */
enum futex_way { FUTEX_WAITS, FUTEX_WAKES, FUTEX_OTHERS, FUTEX_WAYS };

/* What futex calls of one way at one object came to. */
struct futex_use {
	uint64_t calls, errors;
	struct spread time; /* raw; of those that have ended */
};

/* What a holder did that may have blocked it: a call, or a wait for something else. */
struct object_stay {
	struct object_stay *next;
	unsigned call;           /* a trace_call; 0: it waited, */
	uint8_t wait;            /* in a wait_kind, */
	const struct object *at; /* for this; null: for a thread */
	uint64_t count, time;    /* raw */
	uint64_t longest, longest_at;
	uint32_t thread;   /* index: of the longest */
	uint64_t hindered; /* of them: meanwhile another thread found the lock held */
	uint64_t hindered_time;
};

/* What only hazards (watch.h) are found by. */
struct object_watch {
	bool looked_up; /* whether it is a part of an interpreter's lock, which is: */
	bool is_part;
	uint64_t wanted_at; /* when it was last found held */
	uint32_t born_to;   /* index + 1: the thread that made it and took it at once; 0: none */
	struct long_wait *longest;
	struct object_stay *stays;
};

struct object {
	uint64_t address;
	uint32_t process;    /* index: where it was seen first */
	uint32_t generation; /* from 1, at its address */
	uint64_t since;      /* raw: when it was seen first */
	uint8_t type, bits;  /* bits: INIT's detail */
	bool inited;         /* its INIT is known: bits, creator and count are */
	bool retired;        /* destroyed, or another generation has taken its place */
	bool shared;         /* between processes */
	uint64_t creator;    /* return address of its INIT; 0 unknown */
	uint64_t count;      /* first value of a semaphore, threads of a barrier */
	char *name;          /* of a named semaphore; else null */
	const char *no_hold; /* why it has no holder; null: it has */

	/* As of now. Threads are indices + 1; 0: none. */
	uint32_t holder, released_by;
	uint32_t readers, reader_xor; /* how many; xor of them, which of one reader is itself */
	uint64_t released_at, overlap_since;

	uint64_t releases; /* that were not refused */
	uint64_t overlaps,
		longest_overlap; /* two threads of a process held it alone at once; raw */
	uint64_t unpaired;       /* released, and acquired before the records begin */
	uint64_t foreign;        /* released by a thread that did not hold it */
	uint64_t refused;        /* releases that failed */
	uint64_t held_at_end;
	size_t rank; /* the report's: from 1, in the order of what was waited for most */

	struct object_use *uses[OBJECT_MODES]; /* null: never so */
	struct object_meeting *meeting;        /* null: a lock, or never used */
	struct futex_use *futex;               /* by futex_way; null: no futex call was seen */
	struct object_watch *watch;            /* null: nothing was kept */
};

struct object_slot {
	uint64_t address;
	uint32_t process;
	struct object *object; /* null: an empty slot */
};

/* Of an interpreter's lock, as far as that was looked up. */
static inline bool object_is_part(const struct object *object)
{
	return object->watch && object->watch->is_part;
}

struct objects {
	const struct family *family;
	struct object_slot *slots;
	unsigned bits; /* there are 2^bits slots */
	size_t used;
	bool redirected; /* an address of a process has left an object it shared; the reader resets
			  */
	struct object **all; /* every generation, in the order in which they were seen first */
	size_t count, room;
};

bool objects_init(struct objects *objects, const struct family *family, struct err *err);
void objects_finish(struct objects *objects);
/* The object of a type at an address of a process, made when it is new. Null: no memory. */
struct object *objects_get(struct objects *objects, uint32_t process, uint64_t address,
			   enum object_type type, uint64_t when);
/* A new generation, whatever was there. Null: no memory. */
struct object *objects_renew(struct objects *objects, uint32_t process, uint64_t address,
			     enum object_type type, uint64_t when);
/* Of one that is in no table. */
void object_destroy(struct object *object);
/* Its counts in that mode. Null: no memory. */
struct object_use *object_use(struct object *object, enum object_mode mode);
struct object_meeting *object_meeting(struct object *object);
/* Its counts of futex calls, FUTEX_WAYS of them. Null: no memory. */
struct futex_use *object_futex(struct object *object);
/* Null: no memory. */
struct object_watch *object_watch(struct object *object);
/* The object of a process of which this word of memory is a part; null when none is known. */
struct object *objects_at_word(const struct objects *objects, uint32_t process, uint64_t word);
/* False: no memory. */
bool futex_merge(struct futex_use *into, const struct futex_use *from);
void futex_finish(struct futex_use *futex); /* of FUTEX_WAYS */
/* False: no memory. */
bool object_failed(struct object_use *use, unsigned error);
uint64_t object_failures(const struct object_use *use); /* of all errors */
const char *object_type_name(enum object_type type);

#endif
