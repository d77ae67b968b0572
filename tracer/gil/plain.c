/* Locks that are one object: the semaphore of CPython 2 and a plain mutex. Nothing tells why the
 * holder lets go; when it asks again at once it was a check interval that was over.
 *
 * A try that fails and is followed by a wait at once is a take that found the lock held. */
#include "tracer/gil/account.h"

static void try_failed(const struct sight *sight)
{
	if (sight->user->state == GIL_OUT)
		account_ask(sight, sight->when);
	account_wait(sight);
	sight->user->tried = sight->kind == TRACE_SEM_BUSY || sight->kind == TRACE_MUTEX_BUSY;
}

/* Timed out, or was interrupted. */
static void fail(const struct sight *sight)
{
	if (sight->user->state == GIL_ASKING)
		account_give_up(sight);
}

static void take(const struct sight *sight)
{
	if (sight->user->state == GIL_OUT)
		account_ask(sight, sight->when);
	account_take(sight);
}

void semaphore_see(const struct sight *sight, enum role role)
{
	(void)role;
	switch (sight->kind) {
	case TRACE_SEM_CONFLICT:
	case TRACE_SEM_BUSY:
		try_failed(sight);
		break;
	case TRACE_SEM_ACQUIRE:
		take(sight);
		break;
	case TRACE_SEM_RELEASE:
		account_drop(sight, true);
		break;
	default:
		break;
	}
}

void mutex_see(const struct sight *sight, enum role role)
{
	(void)role;
	switch (sight->kind) {
	case TRACE_MUTEX_CONFLICT:
	case TRACE_MUTEX_BUSY:
		try_failed(sight);
		break;
	case TRACE_MUTEX_ACQUIRE:
		take(sight);
		break;
	case TRACE_MUTEX_FAIL:
		fail(sight);
		break;
	case TRACE_MUTEX_RELEASE:
		account_drop(sight, true);
		break;
	default:
		break;
	}
}
