/* Times are clipped to the window here, so that the protocols need not know of it. */
#include "tracer/gil/account.h"

#include <assert.h>
#include <stdlib.h>

static bool counts(const struct sight *sight)
{
	return sight->when >= sight->gil->from;
}

/* From a moment to now, of what lies in the window. */
static uint64_t since(const struct sight *sight, uint64_t moment)
{
	const uint64_t from = moment > sight->gil->from ? moment : sight->gil->from;

	return sight->when > from ? sight->when - from : 0;
}

static void add(const struct sight *sight, struct spread *spread, uint64_t value)
{
	sight->gils->no_memory |= !spread_add(spread, value);
}

/* Who held it and how many waited since something of that changed. */
static void pass_time(const struct sight *sight)
{
	struct gil *gil = sight->gil;
	const uint64_t passed = since(sight, gil->changed_at);
	const size_t slot = gil->waiters < GIL_WAITERS ? gil->waiters : GIL_WAITERS - 1;

	if (gil->changed_at > 0) {
		if (passed > 0 && gil->waiters > gil->most_waiters)
			gil->most_waiters = gil->waiters;
		gil->waiting_time[slot] += passed;
		*(gil->holder ? &gil->held : gil->waiters ? &gil->handed : &gil->unheld) += passed;
	}
	if (sight->when > gil->changed_at)
		gil->changed_at = sight->when;
}

/* How soon a thread does something else, or asks again, when nobody waited for the lock: then
 * letting go was no more than that. It counts when the thread asks again; what it does at its end
 * does not.
 */
static void see_lead(const struct sight *sight, uint64_t when)
{
	struct gil_user *user = sight->user;

	if (user->dropped && !user->between && user->unwatched) {
		user->leading = true;
		user->leads_to_call = sight->kind == TRACE_CALL;
		user->led = when > user->own_at ? when - user->own_at : 0;
	}
}

static void settle_drop(const struct sight *sight, bool forced)
{
	struct gil_user *user = sight->user;

	if (!user->dropped)
		return;
	user->dropped = false;
	if (user->dropped_at < sight->gil->from)
		return;
	if (forced)
		user->tally.drops_forced++;
	else
		user->tally.drops_voluntary++;
}

/* It was a drop. */
static void settle_doubt(const struct sight *sight, struct gil_user *user)
{
	if (!user || !user->in_doubt)
		return;
	user->in_doubt = false;
	sight->gil->doubtful = NULL;
	if (user->doubtful_counts)
		add(sight, &user->tally.hold, user->doubtful_hold);
}

void account_ask(const struct sight *sight, uint64_t when)
{
	struct gil_user *user = sight->user;
	const bool forced = user->requested && !user->between;

	settle_doubt(sight, user);
	see_lead(sight, when);
	if (user->leading) {
		add(sight, &user->lead, user->led);
		user->lead_calls += user->leads_to_call;
	}
	user->leading = false;
	if (user->dropped) {
		user->coming_back = !forced;
		user->called =
			since(&(struct sight){ .gil = sight->gil, .when = when }, user->dropped_at);
		settle_drop(sight, forced);
	}
	user->state = GIL_ASKING;
	user->asked_at = when;
	user->contended = user->tried = false;
}

static void leave_waiting(const struct sight *sight)
{
	struct gil_user **at = &sight->gil->waiting;

	while (*at && *at != sight->user)
		at = &(*at)->next;
	if (!*at)
		return;
	pass_time(sight);
	*at = sight->user->next;
	sight->user->next = NULL;
	sight->gil->waiters--;
}

void account_give_up(const struct sight *sight)
{
	if (sight->user->contended)
		leave_waiting(sight);
	sight->user->contended = false;
	sight->user->state = GIL_OUT;
}

void account_wait(const struct sight *sight)
{
	struct gil *gil = sight->gil;

	if (sight->user->contended)
		return;
	pass_time(sight);
	sight->user->contended = true;
	sight->user->next = gil->waiting;
	gil->waiting = sight->user;
	gil->waiters++;
	if (counts(sight) && gil->waiters > gil->most_waiters)
		gil->most_waiters = gil->waiters;
}

void account_deadline(const struct sight *sight, uint64_t deadline_ns)
{
	const int64_t in = finding_deadline_in(sight->gils->trace, sight->when, deadline_ns);

	if (counts(sight) && in > 0)
		add(sight, &sight->gil->deadlines, (uint64_t)in);
}

void account_timeout(const struct sight *sight)
{
	sight->user->tally.timeouts += counts(sight);
}

void account_request(const struct sight *sight)
{
	sight->user->tally.requests += counts(sight);
}

/* Charges what a wait has come to since the holder took the lock. */
static void charge(const struct sight *sight, struct gil_user *waiter, const struct gil_user *to)
{
	const uint64_t begin = waiter->asked_at > to->taken_at ? waiter->asked_at : to->taken_at;
	const size_t at = to->index < GIL_BLAMED ? to->index : GIL_BLAMED - 1;

	if (!counts(sight))
		return;
	if (at >= waiter->blame_room) {
		size_t room = waiter->blame_room ? waiter->blame_room : 8;
		uint64_t *blame;

		while (room <= at)
			room *= 2;
		blame = realloc(waiter->blame, room * sizeof(*blame));
		if (!blame) {
			sight->gils->no_memory = true;
			return;
		}
		for (size_t i = waiter->blame_room; i < room; i++)
			blame[i] = 0;
		waiter->blame = blame;
		waiter->blame_room = room;
	}
	waiter->blame[at] += since(sight, begin);
}

static void take_counted(const struct sight *sight)
{
	struct gil_user *user = sight->user;
	const uint64_t waited = since(sight, user->asked_at);

	user->tally.takes++;
	if (user->contended) {
		user->tally.contended++;
		add(sight, &user->tally.wait, waited);
	}
	if (!user->coming_back)
		return;
	add(sight, &user->back.call, user->called);
	add(sight, &user->back.wait, user->contended ? waited : 0);
	user->back.waited += user->contended;
	if (user->call)
		user->back.calls[user->call]++;
}

void account_take(const struct sight *sight)
{
	struct gil *gil = sight->gil;
	struct gil_user *user = sight->user;

	settle_doubt(sight, gil->doubtful);
	if (user->contended)
		leave_waiting(sight);
	for (const struct gil_user *other = gil->waiting; other; other = other->next) {
		if (other->asked_at < user->asked_at) {
			user->tally.barged += counts(sight);
			break;
		}
	}
	pass_time(sight);
	if (gil->holder && gil->holder != user)
		gil->violations++;
	if (counts(sight))
		take_counted(sight);
	if (gil->last != user) {
		gil->switched++;
		user->tally.switches += gil->last && counts(sight);
	}
	gil->holder = gil->last = user;
	gil->requested = false;
	if (gil->first_taken_at == 0)
		gil->first_taken_at = sight->when;
	user->taken_at = sight->when;
	user->contended = user->coming_back = false;
	user->state = GIL_HOLDING;
}

void account_gain(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	leave_waiting(sight);
	if (counts(sight)) {
		user->tally.contended++;
		add(sight, &user->tally.wait, since(sight, user->asked_at));
	}
	user->contended = false;
	user->state = GIL_OUT;
}

static void end_hold(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	user->doubtful_hold = since(sight, user->taken_at);
	user->doubtful_counts = counts(sight) && user->taken_at > 0;
	if (user->doubtful_counts && !user->in_doubt)
		add(sight, &user->tally.hold, user->doubtful_hold);
	for (struct gil_user *waiter = sight->gil->waiting; waiter; waiter = waiter->next)
		charge(sight, waiter, user);
	sight->gil->holder = NULL;
}

void account_drop(const struct sight *sight, bool requested)
{
	struct gil *gil = sight->gil;
	struct gil_user *user = sight->user;

	assert(user);
	pass_time(sight);
	if (gil->holder != user)
		gil->violations++;
	else
		end_hold(sight);
	user->tally.drops_requested += gil->requested && counts(sight);
	user->dropped = true;
	user->requested = requested;
	user->between = false;
	user->unwatched = gil->waiters == 0;
	user->call = 0;
	user->dropped_at = sight->when;
	user->state = GIL_OUT;
}

void account_drop_in_doubt(const struct sight *sight, bool requested)
{
	assert(sight->gil->holder == sight->user && !sight->gil->waiting);
	sight->user->in_doubt = true;
	sight->gil->doubtful = sight->user;
	account_drop(sight, requested);
}

void account_undo_drop(const struct sight *sight)
{
	struct gil *gil = sight->gil;
	struct gil_user *user = sight->user;

	assert(gil->doubtful == user && !gil->holder);
	gil->doubtful = NULL;
	gil->holder = user;
	user->in_doubt = user->dropped = user->leading = false;
	user->state = GIL_HOLDING;
}

void account_drop_forced(const struct sight *sight)
{
	settle_drop(sight, true);
	sight->user->coming_back = false;
}

void account_forced_begin(const struct sight *sight)
{
	if (sight->user->forced_at == 0)
		sight->user->forced_at = sight->when;
}

void account_forced_pause(const struct sight *sight)
{
	sight->user->forced_until = sight->when;
}

void account_forced_end(const struct sight *sight)
{
	struct gil_user *user = sight->user;
	struct sight then = *sight;

	then.when = user->forced_until;
	if (user->forced_at > 0 && counts(&then)) {
		user->tally.forced_waits++;
		add(&then, &user->tally.forced_wait, since(&then, user->forced_at));
	}
	user->forced_at = 0;
}

/* Of another lock that several threads use; what is a thread's own says nothing. Nor does, without
 * the lock, letting go of what was waited with: that was a call that blocks. */
static bool lets_go_of_shared(const struct sight *sight)
{
	const struct finding *finding = &sight->gils->finding;
	const uint64_t address = record_value(sight->record);
	uint32_t thing;

	if (sight->kind != TRACE_MUTEX_RELEASE && sight->kind != TRACE_SEM_RELEASE)
		return false;
	thing = places_find(&finding->places, sight->gil->suspect.process, address);
	return thing && finding->things[thing - 1].many && address != sight->gil->thing->inner;
}

void account_other(const struct sight *sight)
{
	struct gil_user *user = sight->user;

	see_lead(sight, sight->when);
	/* Ruby tells those who listen under such a lock. */
	if (sight->kind < TRACE_RWLOCK_INIT || sight->kind > TRACE_RWLOCK_RELEASE_FAIL)
		user->touched = 0;
	user->between |= user->dropped;
	if (user->dropped && sight->kind == TRACE_CALL && sight->call && !user->section.open)
		user->call = sight->call;
	if (sight->kind == TRACE_COND_WAIT && sight->count > 1)
		user->waited_with = sight->record[1].operand;
	if (!lets_go_of_shared(sight))
		return;
	if (sight->gil->holder == user)
		user->inside++;
	else if (user->dropped && user->waited_with != record_value(sight->record))
		user->outside++;
	user->waited_with = 0;
}

static void add_tally(struct gils *gils, struct gil_tally *sum, const struct gil_tally *tally)
{
	sum->takes += tally->takes;
	sum->contended += tally->contended;
	sum->timeouts += tally->timeouts;
	sum->requests += tally->requests;
	sum->switches += tally->switches;
	sum->drops_forced += tally->drops_forced;
	sum->drops_voluntary += tally->drops_voluntary;
	sum->drops_requested += tally->drops_requested;
	sum->forced_waits += tally->forced_waits;
	sum->barged += tally->barged;
	gils->no_memory |= !spread_merge(&sum->hold, &tally->hold);
	gils->no_memory |= !spread_merge(&sum->wait, &tally->wait);
	gils->no_memory |= !spread_merge(&sum->forced_wait, &tally->forced_wait);
}

/* What is not over at the end is measured up to there, apart from what is. */
static void close_open(struct sight *sight)
{
	struct gil *gil = sight->gil;

	for (struct gil_user *user = gil->waiting; user; user = user->next) {
		user->unfinished_wait = since(sight, user->asked_at);
		if (gil->holder)
			charge(sight, user, gil->holder);
	}
	if (gil->holder)
		gil->holder->unfinished_hold = since(sight, gil->holder->taken_at);
}

void account_finish(struct gils *gils, struct gil *gil, uint64_t end)
{
	struct sight sight = { .gils = gils, .gil = gil, .when = end };

	pass_time(&sight);
	close_open(&sight);
	for (size_t i = 0; i < gil->user_count; i++) {
		struct gil_user *user = gil->users[i];
		uint64_t charged = 0, waited = user->tally.wait.sum + user->unfinished_wait;

		sight.user = user;
		settle_doubt(&sight, user);
		settle_drop(&sight, false);
		for (size_t k = 0; k < user->blame_room; k++)
			charged += user->blame[k];
		user->blame_nobody = waited > charged ? waited - charged : 0;
		add_tally(gils, &gil->tally, &user->tally);
	}
}

void account_renew(struct gil *gil)
{
	for (struct gil_user *user = gil->waiting; user; user = user->next)
		user->contended = false;
	gil->holder = gil->last = gil->waiting = gil->doubtful = NULL;
	gil->waiters = 0;
	gil->requested = gil->offset_known = false;
	gil->switched = 0;
	for (size_t i = 0; i < gil->user_count; i++)
		gil->users[i]->state = GIL_OUT;
}
