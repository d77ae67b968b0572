/* Ruby's lock from 3.3 on: a queue under a mutex. Who lets go gives the lock to the first of the
 * queue, and signals the condition of that thread's own (thread_sched_* in thread_pthread.c).
 *
 *   take   L(lock) [L(inner) U(inner)] [W(own condition)]* L(inner) U(inner) U(lock)
 *   drop   L(lock) [S(the first's)] L(inner) U(inner) U(lock)
 *   yield  L(lock) S(the first's) L(inner) U(inner) [W(own)]* L(inner) U(inner) U(lock)
 *   sleep  L(own) U(own) L(lock) [S(the first's)] L(inner) U(inner) [W(own)]* L(inner) ...
 *   ready  [L(another's own)] L(lock) [L(inner) U(inner)] U(lock) [U(another's own)]
 *
 * A thread that sleeps, in join or for a queue's next item, does not ask for the lock before
 * another makes it ready, under the mutex that is its own. 'inner' is taken when who runs changes,
 * and also when the first thread comes to the queue. So to let go while nobody waits looks like
 * making a thread ready, as starting one does: it is taken for a drop, and that is undone when the
 * thread is found to have the lock still, because it gives it to another or another has to wait. */
#include "tracer/gil/account.h"

static struct sight sight_of(const struct sight *sight, struct gil_user *user)
{
	struct sight theirs = *sight;

	theirs.user = user;
	return theirs;
}

static void begin_section(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	if (!user->section.open) /* else this is the end of an attempt */
		user->section = (struct gil_section){
			.open = true,
			.begun_at = sight->when,
			.own = user->touched,
		};
}

static void give(const struct sight *sight)
{
	struct gil_section *section = &sight->user->section;

	if (!section->open || section->waited)
		return;
	if (sight->gil->doubtful == sight->user)
		account_undo_drop(sight);
	if (sight->gil->holder == sight->user) {
		account_drop(sight, false);
		section->given = true;
	} else {
		section->woke = true;
	}
}

static void sleep_on(const struct sight *sight)
{
	account_other(sight);
	sight->user->asleep = true;
	sight->user->sleeps_under = sight->user->section.own;
}

static void ask(const struct sight *sight)
{
	account_ask(sight, sight->user->section.begun_at);
	account_wait(sight);
}

static void wait_for_turn(const struct sight *sight)
{
	struct gil_user *doubtful = sight->gil->doubtful;
	struct gil_section *section = &sight->user->section;

	if (!section->open || section->waited)
		return;
	section->waited = true;
	if (section->given && section->own == 0) {
		account_drop_forced(sight);
		ask(sight);
	} else if (section->given) {
		sleep_on(sight);
	} else if (sight->gil->holder == sight->user) {
		account_drop(sight, false);
		sleep_on(sight);
	} else {
		if (doubtful && doubtful != sight->user) {
			const struct sight theirs = sight_of(sight, doubtful);

			account_undo_drop(&theirs);
		}
		ask(sight);
	}
}

/* Under the mutex of a thread that sleeps: from now on that one asks. */
static bool makes_ready(const struct sight *sight)
{
	const struct gil *gil = sight->gil;

	for (size_t i = 0; i < gil->user_count && sight->user->outer; i++) {
		const struct sight theirs = sight_of(sight, gil->users[i]);

		if (!theirs.user->asleep || theirs.user->sleeps_under != sight->user->outer)
			continue;
		theirs.user->asleep = false;
		account_ask(&theirs, sight->user->section.begun_at);
		if (gil->holder)
			account_wait(&theirs);
		return true;
	}
	return false;
}

static void end_section(const struct sight *sight)
{
	struct gil_user *user = sight->user;
	struct gil_section *section = &user->section;

	if (!section->open)
		return;
	section->open = false;
	if (section->waited) {
		if (user->asleep)
			account_ask(sight, section->woken_at);
		user->asleep = false;
		account_take(sight);
	} else if (section->given || makes_ready(sight) || section->woke || !section->changed) {
		return;
	} else if (sight->gil->holder != user) {
		account_ask(sight, section->begun_at);
		account_take(sight);
	} else if (!sight->gil->waiting) {
		account_drop_in_doubt(sight, sight->gil->suspect.unwaited);
	}
}

static void see_lock(const struct sight *sight)
{
	if (sight->kind == TRACE_MUTEX_CONFLICT || sight->kind == TRACE_MUTEX_ACQUIRE)
		begin_section(sight);
	else if (sight->kind == TRACE_MUTEX_RELEASE)
		end_section(sight);
}

static void see_cond(const struct sight *sight)
{
	if (sight->kind == TRACE_COND_SIGNAL)
		give(sight);
	else if (sight->kind == TRACE_COND_WAIT)
		wait_for_turn(sight);
	else if (sight->kind == TRACE_COND_RETURN)
		sight->user->section.woken_at = sight->when;
}

void queue_see(const struct sight *sight, enum role role)
{
	struct gil_user *user = sight->user;
	const bool acquired = sight->kind == TRACE_MUTEX_ACQUIRE;
	const bool released = sight->kind == TRACE_MUTEX_RELEASE;

	if (role == ROLE_LOCK)
		see_lock(sight);
	else if (role == ROLE_COND)
		see_cond(sight);
	else if (role == ROLE_SWITCH_MUTEX)
		user->section.changed |= acquired;
	else if (role == ROLE_OUTER && (acquired || released))
		user->outer = acquired ? record_value(sight->record) : 0;
	user->touched = role == ROLE_OUTER && released ? record_value(sight->record) : 0;
}
