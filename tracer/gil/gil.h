/* The interpreters' locks of a trace: which there are, and what taking each came to. Two readings
 * of the trace: find.h says what may be such a lock, follow.h follows each as its protocol has it,
 * and what does not behave as a lock that its threads hold whenever they run is dropped.
 *
 * What is measured, in raw units (base/clock.h), as recorded:
 * - A take's wait lasts from asking, the first record of taking it, to having it. It counts as a
 *   wait when the lock was found held (contended).
 * - A hold, or slice, lasts from having it to letting go.
 * - A drop is forced when the lock's rule made the thread let go: somebody had asked for it
 *   (CPython 3, Ruby), or the check interval was over (CPython 2), and the thread asks for the lock
 *   again with nothing in between. All others are voluntary: around a call, or at its end.
 *   drops_requested counts those that were asked for, whatever the thread did then, where asking is
 * a flag under the lock (CPython 3).
 * - A forced switch is the dropper's wait until another thread has the lock.
 * An interval belongs to the window when its end does, and counts from the window's beginning. */
#ifndef TRACER_GIL_GIL_H
#define TRACER_GIL_GIL_H

#include "tracer/gil/find.h"
#include "tracer/report/spread.h"
#include "tracer/syscalls.h"

struct gil_tally {
	uint64_t takes, contended, timeouts, requests, switches;
	uint64_t drops_forced, drops_voluntary, drops_requested, forced_waits;
	uint64_t barged; /* takes by a thread that asked after one that still waits */
	struct spread hold, wait, forced_wait;
};

/* Coming back from where the lock was let go of one's own will: how long that took, and how long it
 * then took to have the lock. */
struct gil_return {
	struct spread call, wait;
	uint64_t waited;                  /* that found the lock held */
	uint64_t calls[TRACE_CALL_COUNT]; /* by the last call that was recorded meanwhile */
};

enum gil_state { GIL_OUT, GIL_ASKING, GIL_COMMITTING, GIL_HOLDING, GIL_DROPPING, GIL_YIELDING };

/* What a thread does from taking a queue's mutex to letting go of it (queue.c). */
struct gil_section {
	uint64_t begun_at, woken_at;
	uint64_t own; /* the mutex of its own that it had just let go of */
	bool open;    /* it is in one */
	bool changed; /* who runs was changed */
	bool given;   /* it gave the lock to another */
	bool woke;    /* it gave it to another, and did not have it */
	bool waited;
};

/* What a thread is to the lock while it makes a system call. */
enum gil_standing { GIL_WITH, GIL_WAITING, GIL_WITHOUT, GIL_STANDINGS };

/* A call that may block and took longer than this with the lock is told of. */
#define GIL_KEPT_NS 1000000

/* What a system call of a thread came to. Times are raw units, of calls that have ended. */
struct gil_call {
	struct {
		uint64_t calls, time;
	} by[GIL_STANDINGS];
	/* Of those that kept the lock for long: */
	uint64_t kept, kept_time, kept_longest;
	uint64_t kept_waited; /* others meanwhile, in all */
	size_t kept_waiters;  /* the most of them at once */
};

/* A thread that uses the lock. */
struct gil_user {
	uint32_t thread, index; /* in the trace; among the lock's users */
	/* As of now. */
	enum gil_state state;
	uint64_t asked_at, taken_at, dropped_at;
	uint64_t own_at;   /* its last record that is of this lock */
	uint64_t switches; /* the lock's, as its timed wait began */
	uint64_t forced_at, forced_until;
	uint64_t switch_cond; /* that this yield waits at */
	bool timed;           /* its wait has a limit */
	uint64_t led;
	uint64_t called;      /* how long the call took that it comes back from */
	bool contended;       /* this take */
	bool tried;           /* by a try that failed, and nothing since */
	bool dropped;         /* whether it was forced is not known yet */
	bool requested;       /* somebody had asked for it when it let go */
	bool between;         /* it has done something else since */
	bool leading;         /* 'led' is how long it took to do something else */
	bool leads_to_call;   /* the same was a call that may block */
	bool unwatched;       /* nobody waited when it let go */
	bool coming_back;     /* from a voluntary drop */
	uint32_t call;        /* the last trace_call since it let go */
	uint64_t waited_with; /* the mutex of its last wait that is not for this lock */
	struct gil_section section;
	uint64_t outer, touched; /* queue: the mutex of its own that it holds, and just let go of */
	bool asleep;             /* queue: waits, but not for its turn, until another ... */
	uint64_t sleeps_under;   /* ... has this mutex of its own */
	bool in_doubt;           /* its last drop may be none; then this was its hold: */
	uint64_t doubtful_hold;
	bool doubtful_counts;
	struct gil_user *next; /* of those that wait */

	struct gil_tally tally;
	struct gil_return back;
	uint64_t *blame; /* its waits, by the index of who held the lock meanwhile */
	size_t blame_room;
	uint64_t blame_nobody;                     /* the lock was free or on its way */
	uint64_t unfinished_wait, unfinished_hold; /* that had not ended at the end; in blame too */
	/* How it behaves without the lock. */
	struct spread lead;       /* from letting go to the next thing that it does */
	uint64_t lead_calls;      /* those that led to a call that may block */
	uint64_t inside, outside; /* other locks that it let go of, with the lock and without */
	struct gil_call *calls;   /* by slot of gils.slots */
	uint32_t call_room;
};

/* More users than this are blamed as one. */
#define GIL_BLAMED 512
#define GIL_WAITERS 64

struct gil {
	struct suspect suspect;
	const struct thing *thing;
	uint64_t from; /* what ends earlier does not count; raw */
	bool accepted;
	/* As of now. */
	struct gil_user *holder, *last, *waiting;
	size_t waiters;
	struct gil_user *doubtful; /* whose drop was the last, and may be none */
	bool requested;
	bool offset_known; /* state_offset */
	uint64_t first_taken_at;
	uint64_t switched; /* holders so far, the window's and those before */
	uint64_t changed_at;

	struct gil_user **users;
	size_t user_count, user_room;
	struct gil_tally tally;             /* of all; when the reading is over */
	uint64_t held, handed, unheld;      /* time: held; free while somebody waits; free */
	uint64_t waiting_time[GIL_WAITERS]; /* by how many waited; the last one: or more */
	size_t most_waiters;
	uint64_t violations;     /* had by two at once, or let go by another */
	struct spread deadlines; /* how far timed waits' were away; ns */
	uint64_t handovers;      /* pypy: announced ones */
	/* The interpreter's own account. */
	uint64_t states, disagreements, state_interval_us, state_offset;
	uint64_t first_disagreement_own, first_disagreement_state;
	/* The objects that it consists of. */
	uint64_t *parts;
	size_t part_count, part_room;
};

struct gils {
	const struct trace *trace;
	struct finding finding;
	struct gil *all; /* suspects; the accepted ones are what was found */
	size_t count;
	size_t found;
	struct gil *idle; /* not among them: is made, and hardly ever taken */
	uint64_t from, to;
	double raw_per_ns;
	bool with_calls;            /* what threads' system calls came to, too */
	struct syscall_slots slots; /* of their numbers */
	bool no_memory;
};

/* The window is in nanoseconds since the first record. On failure nothing is left. */
bool gils_read(struct gils *gils, const struct trace *trace, uint64_t from_ns, uint64_t to_ns,
	       bool with_calls, struct err *err);
/* Follows the locks that were found once more, from the beginning, beside another reading of the
 * same records; the books are made anew. Null: no memory. */
struct follow;
struct follow *gils_follow(struct gils *gils);
/* The next record, in the order of time, behind which 'count' - 1 more of its thread follow. */
void gils_see(struct follow *follow, uint32_t thread, const struct record *record, size_t count);
/* No more records; false without memory. */
bool gils_follow_end(struct follow *follow);
/* The index of the lock that a thread has now; SIZE_MAX: none. */
size_t gils_held_by(const struct follow *follow, uint32_t thread);
/* Whether the object at an address of a process is a part of the lock. */
bool gil_has_part(const struct gil *gil, uint32_t process, uint64_t address);
void gils_finish(struct gils *gils);
uint64_t gils_ns(const struct gils *gils, uint64_t raw);
const char *gil_kind_name(enum gil_kind kind);    /* as the lock models are called */
const char *gil_kind_summary(enum gil_kind kind); /* whose lock it is */
/* Whether it asks its holder by calls that are seen, and hands over by force. */
bool gil_kind_asks(enum gil_kind kind);
/* What of it cannot be seen from outside; null: nothing. */
const char *gil_kind_hidden(enum gil_kind kind);

#endif
