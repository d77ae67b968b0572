/* CPython 3.2 and later: a flag under a mutex, waited for at a condition with a time limit; a
 * second mutex and condition for the forced switch (Python/ceval_gil.c).
 *
 *   take  L(lock) [TW(cond)]* L(switch_mutex) S(switch_cond) U(switch_mutex) U(lock)
 *   drop  L(lock) S(cond) U(lock) [L(switch_mutex) [W(switch_cond)] U(switch_mutex)]
 *
 * The two signals are made whether or not anybody waits, so they count takes and drops exactly. A
 * time-out asks the holder to let go when the lock is held and has not changed hands during that
 * wait; both are known here, because whoever changes them has the mutex. */
#include "tracer/gil/account.h"

#include <errno.h>

static void take_lock(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (user->state == GIL_HOLDING)
		user->state = GIL_DROPPING;
	else if (user->state == GIL_OUT)
		account_ask(sight, sight->when);
}

static void let_go_of_lock(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	/* Looked at the state and did nothing: a signal for the holder, a thread that must end. */
	if (user->state == GIL_DROPPING)
		user->state = GIL_HOLDING;
	else if (user->state == GIL_ASKING)
		account_give_up(sight);
}

static void see_lock(const struct sight *sight)
{
	switch (sight->kind) {
	case TRACE_MUTEX_CONFLICT:
	case TRACE_MUTEX_ACQUIRE:
		take_lock(sight);
		break;
	case TRACE_MUTEX_RELEASE:
		let_go_of_lock(sight);
		break;
	default:
		break;
	}
}

static void wait_returns(const struct sight *sight)
{
	struct gil *gil = sight->gil;

	if (record_detail(sight->record) != ETIMEDOUT)
		return;
	account_timeout(sight);
	if (!gil->holder || gil->switched != sight->user->switches)
		return;
	account_request(sight);
	gil->requested = true;
}

/* The interpreter's own account, under the lock's mutex: how often the lock has changed hands since
 * it was made, or since the first account of it in a forked process. */
static void compare_state(const struct sight *sight)
{
	struct gil *gil = sight->gil;
	uint64_t interval_us, switched;
	bool locked;

	if (sight->count < 5)
		return;
	interval_us = sight->record[1].operand;
	locked = sight->record[3].operand == 1;
	switched = sight->record[4].operand;
	gil->states++;
	if (!gil->offset_known)
		gil->state_offset = switched - gil->switched;
	gil->offset_known = true;
	gil->state_interval_us = interval_us;
	if (switched - gil->switched == gil->state_offset && locked == (gil->holder != NULL))
		return;
	if (gil->disagreements++ > 0)
		return;
	gil->first_disagreement_own = gil->switched + gil->state_offset;
	gil->first_disagreement_state = switched;
}

static void see_cond(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	switch (sight->kind) {
	case TRACE_COND_WAIT:
		if (user->state != GIL_ASKING)
			break;
		account_wait(sight);
		user->switches = sight->gil->switched;
		if (record_detail(sight->record) != TRACE_UNTIMED && sight->count > 2)
			account_deadline(sight, sight->record[2].operand);
		break;
	case TRACE_COND_RETURN:
		if (user->state == GIL_ASKING)
			wait_returns(sight);
		break;
	case TRACE_COND_SIGNAL:
		if (user->state == GIL_DROPPING)
			account_drop(sight, sight->gil->requested);
		break;
	case TRACE_LOCK_STATE:
		compare_state(sight);
		break;
	default:
		break;
	}
}

static void see_switch_cond(const struct sight *sight)
{
	switch (sight->kind) {
	case TRACE_COND_WAIT:
		/* The request is granted; the dropper has taken it back. */
		sight->gil->requested = false;
		account_forced_begin(sight);
		break;
	case TRACE_COND_RETURN:
		account_forced_pause(sight);
		account_forced_end(sight);
		break;
	case TRACE_COND_SIGNAL:
		if (sight->user->state == GIL_COMMITTING)
			account_take(sight);
		break;
	default:
		break;
	}
}

void cpython3_see(const struct sight *sight, enum role role)
{
	if (role == ROLE_LOCK)
		see_lock(sight);
	else if (role == ROLE_COND)
		see_cond(sight);
	else if (role == ROLE_SWITCH_COND)
		see_switch_cond(sight);
	else if (sight->kind == TRACE_MUTEX_ACQUIRE && sight->user->state == GIL_ASKING)
		sight->user->state = GIL_COMMITTING;
}
