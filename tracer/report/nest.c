/* The cold ways of a nest: children of vfork, and calls that handlers left by a jump. */
#include "tracer/report/nest.h"

#include <string.h>

bool nest_make_room(struct nest *nest, struct nest_call *forgotten)
{
	if (nest->count < NEST_DEPTH)
		return false;
	*forgotten = nest->calls[0];
	nest->children -= forgotten->child;
	memmove(nest->calls, nest->calls + 1, --nest->count * sizeof(nest->calls[0]));
	return true;
}

static bool makes_children(uint32_t number)
{
	return number == SYSCALL_NUMBER_VFORK || number == SYSCALL_NUMBER_CLONE ||
	       number == SYSCALL_NUMBER_CLONE3;
}

bool nest_resume(struct nest *nest, struct nest_call *ended)
{
	uint32_t i = nest->count;

	while (i-- > 0) {
		if (!nest->calls[i].child)
			continue;
		*ended = nest->calls[i];
		nest->count = i;
		nest->children--;
		return true;
	}
	return false;
}

/* Only what runs on its parent's memory writes the 0 of a child among its parent's records. That
 * child returns no more once an exec succeeded: then what returns a pid is its parent. */
enum nest_meaning nest_leave_rare(struct nest *nest, uint64_t result, struct nest_call *ended)
{
	struct nest_call *last = &nest->calls[nest->count - 1];

	if (result == 0 && !last->child && makes_children(last->number)) {
		last->child = true;
		nest->children++;
		*ended = *last;
		return NEST_CHILD;
	}
	if (last->child ||
	    (nest->children > 0 && nest_is_exec(last->number) && syscall_error(result) == 0))
		return nest_resume(nest, ended) ? NEST_PARENT : NEST_NOTHING;
	*ended = *last;
	nest->count--;
	return NEST_END;
}
