/* Locks that are a flag or a queue under a mutex: CPython 2 without semaphores, Ruby to 3.2, OCaml,
 * and the model that is first come, first served. From taking the mutex to letting go of it is a
 * section. A thread without the lock takes it in a section, one with the lock lets go of it in one;
 * one that waits for a condition while it had the lock has yielded: let go and taken again in one
 * section.
 *
 * Where all wait at one condition, letting go signals it every time (OCaml 4 when the section is
 * over): that tells a thread that had the lock from the beginning. */
#include "tracer/gil/account.h"

#include <errno.h>

static void begin_section(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (user->state == GIL_HOLDING)
		user->state = GIL_DROPPING;
	else if (user->state == GIL_OUT)
		account_ask(sight, sight->when);
}

/* Others wait for what nobody was seen to take, and it does not. */
static bool had_it_all_along(const struct sight *sight)
{
	return !sight->gil->last && !sight->user->contended && sight->gil->waiting;
}

static void end_section(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (user->state == GIL_DROPPING) {
		account_drop(sight, true);
	} else if (user->state == GIL_ASKING && had_it_all_along(sight)) {
		sight->gil->holder = sight->gil->last = user;
		account_drop(sight, true);
	} else if (user->state == GIL_ASKING || user->state == GIL_YIELDING) {
		account_forced_end(sight);
		account_take(sight);
	}
}

/* A holder that waits: it has let go, and asks again from there. */
static void yield(const struct sight *sight)
{
	account_drop(sight, true);
	account_drop_forced(sight);
	account_ask(sight, sight->when);
	sight->user->state = GIL_YIELDING;
	sight->user->switch_cond = 0;
}

/* Ruby's yielder first waits until the next thread has it, and then perhaps for its turn,
 * at its own condition. */
static bool is_hand_over(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (user->state != GIL_YIELDING || sight->gil->suspect.kind != GIL_RUBY)
		return false;
	if (user->switch_cond == 0)
		user->switch_cond = record_value(sight->record);
	return user->switch_cond == record_value(sight->record);
}

static void see_wait(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (user->state == GIL_DROPPING)
		yield(sight);
	if (user->state != GIL_ASKING && user->state != GIL_YIELDING)
		return;
	if (is_hand_over(sight)) {
		account_forced_begin(sight);
		return;
	}
	account_forced_end(sight);
	account_wait(sight);
	user->timed = record_detail(sight->record) != TRACE_UNTIMED && sight->count > 2;
	if (user->timed)
		account_deadline(sight, sight->record[2].operand);
}

static void see_return(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	/* Ruby's threads use their condition for other waits, too. */
	if (user->state != GIL_ASKING && user->state != GIL_YIELDING)
		return;
	if (user->switch_cond == record_value(sight->record)) {
		account_forced_pause(sight);
		return;
	}
	if (record_detail(sight->record) == ETIMEDOUT)
		account_timeout(sight);
	/* Ruby's timer is the first of the queue, and interrupts whoever has it when it
	 * wakes. */
	if (user->timed && sight->gil->holder)
		account_request(sight);
	user->timed = false;
}

void monitor_see(const struct sight *sight, enum role role)
{
	switch (sight->kind) {
	case TRACE_MUTEX_CONFLICT:
	case TRACE_MUTEX_ACQUIRE:
		if (role == ROLE_LOCK)
			begin_section(sight);
		break;
	case TRACE_MUTEX_RELEASE:
		if (role == ROLE_LOCK)
			end_section(sight);
		break;
	case TRACE_COND_WAIT:
		see_wait(sight);
		break;
	case TRACE_COND_RETURN:
		see_return(sight);
		break;
	default:
		break;
	}
}
