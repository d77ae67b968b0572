/* Who waits for whom when the records end: the waits-for graph of a program that hung or was
 * killed, and the rings in it. */
#ifndef TRACER_REPORT_STUCK_H
#define TRACER_REPORT_STUCK_H

#include "tracer/report/watch.h"

/* A thread that waits for other threads: for what they hold, or for their end. */
struct stuck_wait {
	uint32_t thread;             /* index */
	uint64_t since;              /* raw */
	const struct object *object; /* null: it joins a thread, which has this handle: */
	uint64_t handle;
	size_t holders, holder_count; /* from that place of stuck.holders on */
	size_t ring;                  /* from 1: which ring it is in; 0: none */
	/* Its copy of a lock that was held when its process was forked; null: it is none. Then it
	 * is a ring by itself. */
	const struct watch_copy *copy;
	bool behind_ring; /* it waits, at last, for one that is in a ring */
	bool signal; /* for a lock that it made and took itself, as Python's conditions do: it is
			for others to let go of */
};

/* A ring: each waits for the next, the last for the first. */
struct stuck_ring {
	const struct stuck_wait **waits;
	size_t length;
};

struct stuck {
	struct stuck_wait *waits; /* by thread; of processes that were not over, or in a ring */
	size_t count;
	uint32_t *holders; /* indices of threads */
	struct stuck_ring *rings;
	size_t ring_count;
};

/* What a thread was doing when its records ended. */
enum stuck_doing {
	STUCK_WAITING, /* in its pending wait */
	STUCK_CALLING, /* in a call that may block */
	STUCK_ENDED,
	STUCK_RUNNING, /* something that leaves no record */
};

struct stuck_state {
	enum stuck_doing doing;
	const struct pending *pending; /* null: it waits for an interpreter's lock, */
	const struct object *gil;      /* which is this */
	uint32_t number;               /* of the system call; UINT32_MAX: it is one of these: */
	unsigned call;                 /* a trace_call */
	uint64_t since;                /* raw; RUNNING: its last record */
};

/* All has been read. False: no memory; then there is nothing to finish. */
bool stuck_find(struct stuck *stuck, const struct locks *locks);
void stuck_finish(struct stuck *stuck);
struct stuck_state stuck_state(const struct locks *locks, uint32_t thread);
/* When a thread took what it holds; raw. False: it does not hold it. */
bool stuck_held_since(const struct locks *locks, uint32_t thread, const struct object *object,
		      uint64_t *since);

#endif
