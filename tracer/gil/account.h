/* The book-keeping of one lock: what asking, taking and letting go come to. The protocols' files
 * call these as they understand the records. */
#ifndef TRACER_GIL_ACCOUNT_H
#define TRACER_GIL_ACCOUNT_H

#include "tracer/gil/gil.h"
#include "tracer/report/nest.h"

/* A record of a thread that may tell something of a lock. */
struct sight {
	struct gils *gils;
	struct gil *gil;
	struct gil_user *user;
	const struct record *record;
	size_t count; /* of records from this one on; its ARGs are among them */
	uint64_t when;
	unsigned kind; /* CALL: of a system call that may block, too */
	unsigned call; /* CALL: which, a trace_call; TRACE_CALL_NONE: one that is unknown */
};

/* What an address is to a lock. */
enum role { ROLE_LOCK, ROLE_COND, ROLE_SWITCH_MUTEX, ROLE_SWITCH_COND, ROLE_OUTER };

/* The thread wants it, as of a moment that may be some records ago. */
void account_ask(const struct sight *sight, uint64_t when);
/* It did not take it after all. */
void account_give_up(const struct sight *sight);
/* It found it held. */
void account_wait(const struct sight *sight);
/* A timed wait runs out, or is over. */
void account_deadline(const struct sight *sight, uint64_t deadline_ns);
void account_timeout(const struct sight *sight);
/* It asks the holder to let go. */
void account_request(const struct sight *sight);
void account_take(const struct sight *sight);
/* The same of a lock that does not tell who holds it. */
void account_gain(const struct sight *sight);
/* 'requested': the lock's rule is why, if the thread asks for it again at once. */
void account_drop(const struct sight *sight, bool requested);
/* The same, and it may turn out to be none: until the thread asks again, or another takes the lock
 * without a wait, it can be undone. */
void account_drop_in_doubt(const struct sight *sight, bool requested);
void account_undo_drop(const struct sight *sight);
/* The drop that was just made was forced, whatever follows. */
void account_drop_forced(const struct sight *sight);
/* Having let go it waits for a successor: from its first such wait to the return of the last. */
void account_forced_begin(const struct sight *sight);
void account_forced_pause(const struct sight *sight);
void account_forced_end(const struct sight *sight);
/* A record of the thread that is not of this lock. */
void account_other(const struct sight *sight);
/* calls.c: a system call of the thread is over, or was not when the records ended: then it has no
 * time. */
void account_call(const struct sight *sight, const struct nest_call *call, bool ended);
/* No more records, and it is the raw time 'end': what is open is closed, and the users' tallies are
 * summed up. */
void account_finish(struct gils *gils, struct gil *gil, uint64_t end);

/* choose.c: of all that were followed through the trace, those that are locks are accepted. */
void gils_choose(struct gils *gils);

/* It is made anew: nobody has it, and its own account begins again. */
void account_renew(struct gil *gil);

/* The protocols. */
void cpython3_see(const struct sight *sight, enum role role);
void monitor_see(const struct sight *sight, enum role role);
void pypy_see(const struct sight *sight, enum role role);
void queue_see(const struct sight *sight, enum role role);
void semaphore_see(const struct sight *sight, enum role role);
void mutex_see(const struct sight *sight, enum role role);

#endif
