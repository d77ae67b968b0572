/* Which of the suspects are interpreters' locks, by what following them has come to. */
#include "tracer/gil/account.h"

#define FEW 8          /* times that tell nothing yet */
#define SOON_NS 200000 /* CPython takes its lock within some microseconds after it made it */

/* So many times shorter, by a percentile of both. */
static bool is_shorter(const struct spread *one, const struct spread *other, double share,
		       uint64_t times)
{
	return times * spread_percentile(one, share) <= spread_percentile(other, share);
}

/* Whether letting go is followed by asking again or by something else soon, within half a hold. Or
 * by a call that may block: then holds may be as short as it takes to make the next call, if others
 * have it meanwhile. */
static bool is_prompt(const struct gil *gil, const struct spread *lead, uint64_t calls)
{
	/* Letting go a few times tells nothing; then waits must, and a mutex has them in any case.
	 */
	if (lead->n < FEW)
		return gil->tally.contended > 0 && gil->held > gil->unheld &&
		       gil->suspect.protocol != PROTOCOL_MUTEX;
	if (is_shorter(lead, &gil->tally.hold, 0.5, 2))
		return true;
	/* Where what is done with the lock is as short as letting go of it, and calls follow each
	 * time, one in two may be late by a cache miss. */
	if (calls >= lead->n - lead->n / 10 && is_shorter(lead, &gil->tally.hold, 0.25, 2) &&
	    spread_percentile(lead, 0.5) <= 2 * spread_percentile(&gil->tally.hold, 0.5))
		return true;
	return gil->tally.contended > 0 && calls >= lead->n - lead->n / 10 &&
	       gil->held > gil->unheld + gil->handed;
}

/* It is told by its making even where one thread alone uses it. */
static bool is_rubys(const struct gil *gil)
{
	return gil->thing->made && gil->thing->made_as == GIL_RUBY;
}

/* Whether its threads hold it whenever they run. */
static bool is_held_throughout(const struct gil *gil)
{
	uint64_t inside = 0, outside = 0, users = 0, calls = 0, allowed;
	struct spread lead = { 0 };
	bool prompt;

	for (size_t i = 0; i < gil->user_count; i++) {
		const struct gil_user *user = gil->users[i];

		inside += user->inside;
		outside += user->outside;
		calls += user->lead_calls;
		users += user->tally.takes > (gil->tally.contended ? 0 : 1);
		spread_merge(&lead, &user->lead);
	}
	prompt = is_prompt(gil, &lead, calls);
	spread_finish(&lead);
	/* A call that may block may be the taking of another lock, which then was free: joining a
	 * thread that has ended. */
	allowed = gil->held > 3 * (gil->unheld + gil->handed) ? inside : (inside + outside) / 4;
	if (allowed < gil->thing->taken / 32)
		allowed = gil->thing->taken / 32;
	return (users > 1 || is_rubys(gil)) && prompt && outside <= allowed;
}

/* Of what is not certain. */
static bool behaves(const struct gil *gil)
{
	const struct gil_tally *tally = &gil->tally;

	if (tally->takes == 0 || gil->violations > tally->takes / 1000)
		return false;
	/* OCaml 5's domains have mutexes of their own, which others take now and then. */
	if (gil->suspect.protocol == PROTOCOL_MUTEX && tally->contended == 0 &&
	    tally->switches < tally->takes / 16)
		return false;
	if (is_rubys(gil) && gil->suspect.protocol != PROTOCOL_MONITOR)
		return false;
	/* Those queues are not left without a reason: who lets go waits for something, or for its
	 * turn. A mutex that is taken again and again looks like one otherwise. */
	if (gil->suspect.unwaited && tally->drops_forced > tally->drops_voluntary / 10)
		return false;
	return is_held_throughout(gil);
}

/* A thread that holds one whenever it runs cannot do so with another. */
static bool share_a_user(const struct gil *a, const struct gil *b)
{
	for (size_t i = 0; i < a->user_count; i++) {
		for (size_t k = 0; k < b->user_count && a->users[i]->tally.takes > 0; k++) {
			if (b->users[k]->thread == a->users[i]->thread &&
			    b->users[k]->tally.takes > 0)
				return true;
		}
	}
	return false;
}

/* Whether one of two is it at most. A process can have several interpreters of a kind. */
static bool are_rivals(const struct gil *a, const struct gil *b)
{
	if (a->suspect.certain || b->suspect.certain || a->suspect.process != b->suspect.process)
		return false;
	if (a->suspect.kind != b->suspect.kind || a->thing == b->thing)
		return true;
	return !(a->thing->made && b->thing->made) && share_a_user(a, b);
}

/* Free-threaded builds of CPython make their lock, do not take it then, and later take it around
 * the loading of modules alone: hardly ever. */
static bool is_idle(const struct gils *gils, const struct gil *gil)
{
	const uint64_t soon = (uint64_t)(SOON_NS * gils->raw_per_ns);

	return gil->suspect.protocol == PROTOCOL_CPYTHON3 && gil->thing->made &&
	       gil->user_count == 1 && gil->tally.contended == 0 &&
	       gil->first_taken_at > gil->thing->made_at + soon &&
	       gil->held < (gil->held + gil->unheld) / 20;
}

/* Of the suspects that cannot all be it the one that was held longest is the lock. */
void gils_choose(struct gils *gils)
{
	for (size_t i = 0; i < gils->count; i++) {
		struct gil *gil = &gils->all[i];

		if (gil->suspect.heir_of)
			gil->accepted = gils->all[gil->suspect.heir_of - 1].accepted &&
					gil->violations == 0 && gil->tally.takes > 0;
		else if (gil->suspect.certain)
			gil->accepted = !is_idle(gils, gil);
		else
			gil->accepted = behaves(gil);
		if (gil->suspect.certain && !gil->accepted)
			gils->idle = gil;
		for (size_t k = 0; k < i && gil->accepted; k++) {
			if (!gils->all[k].accepted || !are_rivals(gil, &gils->all[k]))
				continue;
			if (gils->all[k].held >= gil->held)
				gil->accepted = false;
			else
				gils->all[k].accepted = false;
		}
	}
	for (size_t i = 0; i < gils->count; i++)
		gils->found += gils->all[i].accepted;
}
