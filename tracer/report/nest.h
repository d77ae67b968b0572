/* A thread's system calls that have not returned yet: one within the other where signal handlers
 * come between, and those of a child that runs on its parent's memory while that sleeps in vfork.
 * Which call an exit belongs to is told here, for all who read them. */
#ifndef TRACER_REPORT_NEST_H
#define TRACER_REPORT_NEST_H

#include "tracer/syscalls.h"

#include <stddef.h>

/* More were left by jumps: the oldest is forgotten. */
#define NEST_DEPTH 16

struct nest_call {
	uint64_t since; /* its time */
	void *of;       /* its user's */
	uint32_t number;
	bool child; /* of it has returned and runs */
};

/* All zero is an empty one. */
struct nest {
	struct nest_call calls[NEST_DEPTH];
	uint32_t count;
	uint32_t children; /* how many of them have a child that runs */
};

enum nest_meaning {
	NEST_NOTHING, /* it began before the records do */
	NEST_END,
	NEST_CHILD,  /* a child begins to run; the call goes on */
	NEST_PARENT, /* the call whose child ran has ended */
};

/* Whether a call that succeeds returns at all, so that it can be waited for. */
static inline bool nest_returns(uint32_t number)
{
	return number != SYSCALL_NUMBER_EXIT && number != SYSCALL_NUMBER_EXIT_GROUP &&
	       number != SYSCALL_NUMBER_RT_SIGRETURN;
}

static inline bool nest_is_exec(uint32_t number)
{
	return number == SYSCALL_NUMBER_EXECVE || number == SYSCALL_NUMBER_EXECVEAT;
}

/* Makes room for one more: forgets the oldest, which is returned in 'forgotten'; false when there
 * was room. */
bool nest_make_room(struct nest *nest, struct nest_call *forgotten);

/* A call begins; there must be room, and it must be one that returns. */
static inline void nest_enter(struct nest *nest, uint32_t number, uint64_t since, void *of)
{
	struct nest_call *call = &nest->calls[nest->count++];

	call->since = since;
	call->of = of;
	call->number = number;
	call->child = false;
}

/* What is not the usual end of the last one. */
enum nest_meaning nest_leave_rare(struct nest *nest, uint64_t result, struct nest_call *ended);

/* A call returns. 'ended' is the call, unless the meaning is NEST_NOTHING. */
static inline enum nest_meaning nest_leave(struct nest *nest, uint64_t result,
					   struct nest_call *ended)
{
	if (nest->count == 0)
		return NEST_NOTHING;
	if (nest->children > 0 || result == 0)
		return nest_leave_rare(nest, result, ended);
	*ended = nest->calls[--nest->count];
	return NEST_END;
}

/* The parent is known to go on: the call whose child ran last has ended. False: there is none. */
bool nest_resume(struct nest *nest, struct nest_call *ended);

#endif
