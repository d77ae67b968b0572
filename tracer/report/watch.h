/* What hazards are found by, kept while the analysis of locks (locks.c) reads: the order in which
 * locks are taken, threads that fail each other's tries, what holders do that may block, the
 * longest wait for each lock, and who outlived whom. Memory grows with threads, locks, edges and
 * pairs of threads, not with records. */
#ifndef TRACER_REPORT_WATCH_H
#define TRACER_REPORT_WATCH_H

#include "tracer/gil/show.h"
#include "tracer/report/order.h"

/* Tries of two threads that failed because of each other, taking turns. */
struct watch_run {
	uint64_t turns, tries; /* turns: a failure of one behind a failure of the other */
	uint64_t begin, end;   /* raw */
};

struct watch_duel {
	uint32_t threads[2];             /* indices, the lower first */
	const struct object *objects[2]; /* that each of them tried last, the other's */
	uint32_t last;                   /* who failed last: 0 or 1 */
	struct watch_run now, longest;   /* without either getting what it tried for */
	uint64_t tries;                  /* in all */
	bool unended;                    /* the longest was not over at the end */
	uint32_t next;                   /* index + 1 of the first thread's next */
};

/* Who waited until a thread had ended: then all that it did was before what the other does. */
struct watch_end {
	uint32_t joined_by; /* index + 1; 0: nobody that is known */
	uint64_t left_at;   /* what the thread did up to then */
	uint64_t joined_at;
};

/* A lock that was held when a process was forked: its copy in the child is held by nobody who could
 * let go of it, but for the thread that forked. */
struct watch_copy {
	uint32_t process;            /* index: the child */
	const struct object *object; /* the parent's */
	uint32_t holder;             /* index of its thread */
	bool own;                    /* that forked */
	bool released;               /* by the child */
};

struct watch_thread {
	bool forking; /* between FORK and FORKED */
	struct watch_end end;
	uint64_t called_at;        /* of actor.calling */
	struct hold gil;           /* the interpreter's lock that it has; object null: none */
	const struct object *made; /* the semaphore it made last, at this record of its own: */
	uint64_t made_position;
	uint32_t duels, duel; /* indices + 1: its first one as the lower thread; the last it was in
			       */
};

struct watch {
	struct order *order;
	struct watch_thread *threads;
	size_t thread_count;
	struct watch_duel *duels;
	size_t duel_count, duel_room;
	struct watch_copy *copies;
	size_t copy_count, copy_room;
	/* The interpreters' locks, followed beside; all null: they are not known. */
	struct gils *gils;
	struct follow *follow;
	/* By the gils' index: what stands for each as a lock; null: it may be none. */
	struct object **gil_objects;
};

/* Null: no memory. */
struct watch *watch_create(size_t threads, struct gils *gils);
void watch_destroy(struct watch *watch);
/* All is read. False: no memory. */
bool watch_complete(struct watch *watch);
/* The copy that this object of a forked process is, unless the child has let go of it; or null. */
const struct watch_copy *watch_copy(const struct watch *watch, const struct object *object);
/* The interpreter's lock that is this object, one of gil_objects; null: it is none. */
const struct gil *watch_gil(const struct watch *watch, const struct object *object);
/* The lock, one of gil_objects, that a thread asked for in vain when all was read, and since when;
 * null: none. */
struct object *watch_asked(const struct watch *watch, uint32_t thread, uint64_t *since);

/* A record, before the analysis takes it in, behind which 'count' - 1 more of its thread follow;
 * only needed where interpreters' locks are followed. */
void watch_see(const struct moment *at, const struct record *record, size_t count);

enum watch_how {
	WATCH_TAKEN, /* at once */
	WATCH_TRIED, /* at once, by a call that would not have waited */
	WATCH_WAITED,
};

/* A record of a thread: it makes an object; */
void watch_made(const struct moment *at, const struct object *object);
/* has found a lock held, with a trace_timeout; */
void watch_conflict(const struct moment *at, struct object *object, enum object_mode mode,
		    unsigned timeout);
/* has taken one, which is not yet in its holds; */
void watch_acquire(const struct moment *at, struct object *object, enum object_mode mode,
		   enum watch_how how);
/* has taken one back from a condition; */
void watch_acquire_again(const struct moment *at, struct object *mutex);
/* has tried in vain to take one, or got what it had tried for; */
void watch_refused(const struct moment *at, const struct object *object);
void watch_progress(const struct moment *at);
/* is in another part of its life; has seen the end of a thread; */
void watch_part(const struct moment *at);
void watch_joined(const struct moment *at, uint64_t handle);
/* will fork, or has; is the first of a forked process; lets go of what it did not take; */
void watch_fork(const struct moment *at, bool begins);
void watch_forked(const struct moment *at);
void watch_release_foreign(const struct moment *at, const struct object *object);
/* will call what may block; does something of this kind after that; has returned from it. */
void watch_call(const struct moment *at, unsigned call);
void watch_call_over(const struct moment *at, unsigned kind);
void watch_called(const struct moment *at, unsigned call, uint64_t since);
/* A wait is over, or its thread is; a wait for a lock. */
void watch_waited(const struct moment *at, const struct pending *pending);
void watch_long_wait(const struct moment *at, struct object *object, const struct long_wait *wait);

#endif
