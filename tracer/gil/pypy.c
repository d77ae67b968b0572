/* PyPy: a word that is taken by a compare-and-swap. Only what fails at that is seen: such a thread
 * queues on the stealer mutex, and the first of the queue waits 0.1 ms at a time at a condition
 * (rpython/translator/c/src/thread_gil.c).
 *
 *   contended take  L(outer) L(lock) [TW(cond)]* U(lock) U(outer)
 *   hand-over       L(lock) U(lock) S(cond): by a thread that yields, and by one that has won the
 *                   word while it polled and gives it to the first of the queue
 *
 * Who holds the lock is therefore not known, nor when it is let go. */
#include "tracer/gil/account.h"

#include <errno.h>

static void see_outer(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (sight->kind == TRACE_MUTEX_CONFLICT || sight->kind == TRACE_MUTEX_ACQUIRE) {
		if (user->state != GIL_ASKING)
			account_ask(sight, sight->when);
		account_wait(sight);
	} else if (sight->kind == TRACE_MUTEX_RELEASE && user->state == GIL_ASKING) {
		account_gain(sight);
	}
}

void pypy_see(const struct sight *sight, enum role role)
{
	if (role == ROLE_OUTER)
		see_outer(sight);
	if (role != ROLE_COND)
		return;
	if (sight->kind == TRACE_COND_SIGNAL)
		sight->gil->handovers += sight->when >= sight->gil->from;
	else if (sight->kind == TRACE_COND_RETURN && record_detail(sight->record) == ETIMEDOUT)
		account_timeout(sight);
	else if (sight->kind == TRACE_COND_WAIT && sight->count > 2)
		account_deadline(sight, sight->record[2].operand);
}
