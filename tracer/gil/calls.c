/* The books of system calls: what each came to by what its thread was to the lock. That is told
 * when the call is over: a drop in doubt may be settled meanwhile. */
#include "tracer/gil/account.h"

#include <stdlib.h>

/* Its counts of a call; null without memory. */
static struct gil_call *call_of(const struct sight *sight, uint32_t number)
{
	const uint32_t slot = syscall_slot(&sight->gils->slots, number);
	struct gil_user *user = sight->user;
	uint32_t room = user->call_room ? user->call_room : 16;
	struct gil_call *calls;

	if (slot < user->call_room)
		return &user->calls[slot];
	while (room <= slot)
		room *= 2;
	calls = realloc(user->calls, room * sizeof(*calls));
	if (!calls) {
		sight->gils->no_memory = true;
		return NULL;
	}
	for (uint32_t i = user->call_room; i < room; i++)
		calls[i] = (struct gil_call){ 0 };
	user->calls = calls;
	user->call_room = room;
	return &calls[slot];
}

static enum gil_standing standing_of(const struct sight *sight)
{
	const struct gil_user *user = sight->user;

	if (sight->gil->holder == user)
		return GIL_WITH;
	return user->state == GIL_ASKING || user->state == GIL_COMMITTING ||
			       user->state == GIL_YIELDING ?
		       GIL_WAITING :
		       GIL_WITHOUT;
}

/* It kept the lock while it was in a call that may block. */
static void keep(const struct sight *sight, struct gil_call *sums, uint64_t since)
{
	const uint64_t time = sight->when - since;
	uint64_t waited = 0;

	if ((double)time <= GIL_KEPT_NS * sight->gils->raw_per_ns)
		return;
	for (const struct gil_user *at = sight->gil->waiting; at; at = at->next) {
		const uint64_t begin = at->asked_at > since ? at->asked_at : since;

		waited += sight->when > begin ? sight->when - begin : 0;
	}
	sums->kept++;
	sums->kept_time += time;
	sums->kept_waited += waited;
	if (time > sums->kept_longest)
		sums->kept_longest = time;
	if (sight->gil->waiters > sums->kept_waiters)
		sums->kept_waiters = sight->gil->waiters;
}

void account_call(const struct sight *sight, const struct nest_call *call, bool ended)
{
	const enum gil_standing standing = standing_of(sight);
	const struct gil_user *user = sight->user;
	struct gil_call *sums;
	uint64_t since = call->since;

	if (since < sight->gil->from)
		return;
	sums = call_of(sight, call->number);
	if (!sums)
		return;
	sums->by[standing].calls++;
	if (!ended || sight->when <= since)
		return;
	/* Who sleeps asks for the lock when another one makes it ready. */
	if (standing == GIL_WAITING && user->asked_at > since && user->asked_at < sight->when) {
		sums->by[GIL_WITHOUT].time += user->asked_at - since;
		since = user->asked_at;
	}
	sums->by[standing].time += sight->when - since;
	if (standing == GIL_WITH && user->taken_at <= since && syscall_call(call->number))
		keep(sight, sums, since);
}
