/* The second reading: each record goes to the locks that have a part in its object, and tells the
 * others that its thread was busy with something else. */
#include "tracer/gil/account.h"

#include "tracer/syscalls.h"

#include <stdlib.h>

#define FEW 8          /* times that tell nothing yet */
#define SOON_NS 200000 /* CPython takes its lock within some microseconds after it made it */

/* What an object is to a lock; a chain for each address. */
struct part {
	uint32_t gil, next; /* indices; next + 1, 0: none */
	enum role role;
};

/* The locks that a thread uses; a chain for each thread. */
struct usage {
	struct gil_user *user;
	uint32_t gil, next; /* next + 1; 0: none */
};

struct follow {
	struct gils *gils;
	struct places places; /* to index + 1 of a part */
	struct part *parts;
	size_t part_count, part_room;
	struct usage *usages;
	size_t usage_count, usage_room;
	uint32_t *by_thread; /* index + 1 of its first usage */
	bool *called;        /* by thread: its last record was a CALL */
};

static void (*const protocols[])(const struct sight *sight, enum role role) = {
	[PROTOCOL_CPYTHON3] = cpython3_see,   [PROTOCOL_PYPY] = pypy_see,
	[PROTOCOL_MONITOR] = monitor_see,     [PROTOCOL_QUEUE] = queue_see,
	[PROTOCOL_SEMAPHORE] = semaphore_see, [PROTOCOL_MUTEX] = mutex_see,
};

/* Room for one more in an array; false without memory. */
static bool make_room(void **array, size_t count, size_t *room, size_t size)
{
	const size_t wanted = *room ? 2 * *room : 32;
	void *larger;

	if (count < *room)
		return true;
	larger = realloc(*array, wanted * size);
	if (!larger)
		return false;
	*array = larger;
	*room = wanted;
	return true;
}

static void add_part(struct follow *follow, uint32_t gil, uint64_t address, enum role role)
{
	const uint32_t process = follow->gils->all[gil].suspect.process;
	const uint32_t first = places_find(&follow->places, process, address);

	if (address == 0)
		return;
	if (!make_room((void **)&follow->parts, follow->part_count, &follow->part_room,
		       sizeof(*follow->parts)) ||
	    !places_put(&follow->places, process, address, (uint32_t)follow->part_count + 1)) {
		follow->gils->no_memory = true;
		return;
	}
	follow->parts[follow->part_count++] = (struct part){ gil, first, role };
}

/* What it takes whenever it changes who runs, and the mutexes under which it is taken. */
static void add_parts_of_queue(struct follow *follow, uint32_t index)
{
	const struct finding *finding = &follow->gils->finding;
	const struct thing *thing = follow->gils->all[index].thing;

	add_part(follow, index, thing->inner, ROLE_SWITCH_MUTEX);
	for (size_t i = 0; i < finding->thing_count; i++) {
		const struct thing *outer = &finding->things[i];

		if (thing_is_around(outer, thing) && outer->process == thing->process)
			add_part(follow, index, outer->address, ROLE_OUTER);
	}
}

static void add_parts(struct follow *follow, uint32_t index)
{
	const struct gil *gil = &follow->gils->all[index];
	const struct finding *finding = &follow->gils->finding;
	const struct thing *thing = gil->thing;

	add_part(follow, index, thing->address, ROLE_LOCK);
	if (gil->suspect.protocol == PROTOCOL_CPYTHON3) {
		add_part(follow, index, thing->cond, ROLE_COND);
		add_part(follow, index, thing->switch_mutex, ROLE_SWITCH_MUTEX);
		add_part(follow, index, thing->switch_cond, ROLE_SWITCH_COND);
		return;
	}
	if (gil->suspect.protocol == PROTOCOL_PYPY) {
		add_part(follow, index, thing->outer, ROLE_OUTER);
		if (thing->cond) {
			add_part(follow, index, thing->cond, ROLE_COND);
			return;
		}
	}
	for (size_t i = 0; i < finding->bond_count; i++) {
		const struct bond *bond = &finding->bonds[i];
		const struct thing *cond = &finding->things[bond->cond];

		if (bond->mutex == thing->address && cond->process == thing->process)
			add_part(follow, index, cond->address, ROLE_COND);
	}
	if (gil->suspect.protocol == PROTOCOL_QUEUE)
		add_parts_of_queue(follow, index);
}

static struct gil_user *new_user(struct follow *follow, uint32_t index, uint32_t thread)
{
	struct gil *gil = &follow->gils->all[index];
	struct gil_user *user;

	if (!make_room((void **)&gil->users, gil->user_count, &gil->user_room,
		       sizeof(struct gil_user *)) ||
	    !make_room((void **)&follow->usages, follow->usage_count, &follow->usage_room,
		       sizeof(*follow->usages)))
		return NULL;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->thread = thread;
	user->index = (uint32_t)gil->user_count;
	gil->users[gil->user_count++] = user;
	follow->usages[follow->usage_count++] =
		(struct usage){ user, index, follow->by_thread[thread] };
	follow->by_thread[thread] = (uint32_t)follow->usage_count;
	if (gil->suspect.first == thread + 1 && !gil->last) {
		user->state = GIL_HOLDING;
		gil->holder = gil->last = user;
	}
	return user;
}

static struct gil_user *known_user(const struct follow *follow, uint32_t gil, uint32_t thread)
{
	for (uint32_t at = follow->by_thread[thread]; at; at = follow->usages[at - 1].next) {
		if (follow->usages[at - 1].gil == gil)
			return follow->usages[at - 1].user;
	}
	return NULL;
}

static struct gil_user *user_of(struct follow *follow, uint32_t gil, uint32_t thread)
{
	struct gil_user *user = known_user(follow, gil, thread);

	if (user)
		return user;
	user = new_user(follow, gil, thread);
	follow->gils->no_memory |= !user;
	return user;
}

static bool has_part(const struct follow *follow, uint32_t first, uint32_t gil)
{
	for (uint32_t at = first; at; at = follow->parts[at - 1].next) {
		if (follow->parts[at - 1].gil == gil)
			return true;
	}
	return false;
}

static void see(struct follow *follow, struct sight *sight, uint32_t thread)
{
	struct gils *gils = follow->gils;
	const uint32_t process = gils->finding.family.threads[thread].process;
	const uint32_t first = places_find(&follow->places, process, record_value(sight->record));
	/* A number may look like an address. */
	const uint32_t parts = sight->kind == TRACE_CALL ? 0 : first;

	for (uint32_t at = follow->by_thread[thread]; at; at = follow->usages[at - 1].next) {
		if (has_part(follow, parts, follow->usages[at - 1].gil))
			continue;
		sight->gil = &gils->all[follow->usages[at - 1].gil];
		sight->user = follow->usages[at - 1].user;
		account_other(sight);
	}
	for (uint32_t at = parts; at; at = follow->parts[at - 1].next) {
		const struct part *part = &follow->parts[at - 1];

		sight->gil = &gils->all[part->gil];
		if (part->role == ROLE_SWITCH_MUTEX && !known_user(follow, part->gil, thread))
			continue;
		sight->user = user_of(follow, part->gil, thread);
		if (!sight->user)
			return;
		protocols[sight->gil->suspect.protocol](sight, part->role);
		sight->user->own_at = sight->when;
	}
}

/* Records that say nothing of what their thread does with a lock; of system calls those that may
 * block alone do, as CALL. */
static bool is_aside(unsigned kind)
{
	switch (kind) {
	case TRACE_ARG:
	case TRACE_MODULE:
	case TRACE_THREAD_NAME:
	case TRACE_MUTEX_INIT:
	case TRACE_MUTEX_DESTROY:
	case TRACE_COND_INIT:
	case TRACE_COND_DESTROY:
	case TRACE_SEM_INIT:
	case TRACE_SEM_DESTROY:
	case TRACE_SYSCALL:
	case TRACE_FUTEX:
	case TRACE_SYSCALL_EXIT:
	case TRACE_SYSCALL_MISSED:
	case TRACE_SYSCALLS:
	case TRACE_SITES:
		return true;
	default:
		return false;
	}
}

/* A lock is made where another one was, as when subinterpreters come and go. */
static void see_making(struct follow *follow, const struct sight *sight, uint32_t thread)
{
	struct gils *gils = follow->gils;
	const uint32_t process = gils->finding.family.threads[thread].process;
	uint32_t at = places_find(&follow->places, process, record_value(sight->record));

	for (; at; at = follow->parts[at - 1].next) {
		if (follow->parts[at - 1].role == ROLE_LOCK)
			account_renew(&gils->all[follow->parts[at - 1].gil]);
	}
}

/* A call that may block is a CALL, or a system call of that name, or the one and right behind it
 * the other: then the first counts, which has the name of the function. */
static void see_call(struct sight *sight, bool called)
{
	sight->call = TRACE_CALL_NONE;
	if (sight->kind == TRACE_CALL && record_value(sight->record) < TRACE_CALL_COUNT)
		sight->call = (unsigned)record_value(sight->record);
	if (sight->kind == TRACE_SYSCALL && !called)
		sight->call = syscall_call((uint32_t)sight->record->operand);
	if (sight->call != TRACE_CALL_NONE)
		sight->kind = TRACE_CALL;
}

static void read_run(struct follow *follow, const struct trace_run *run)
{
	struct sight sight = { .gils = follow->gils };
	bool *called = &follow->called[run->thread];

	for (size_t i = 0; i < run->count; i++) {
		sight.record = &run->records[i];
		sight.kind = record_kind(sight.record);
		if (sight.kind == TRACE_CALL || sight.kind == TRACE_SYSCALL) {
			see_call(&sight, *called);
			*called = false;
		}
		if (sight.kind == TRACE_MUTEX_INIT || sight.kind == TRACE_SEM_INIT)
			see_making(follow, &sight, (uint32_t)run->thread);
		if (is_aside(sight.kind))
			continue;
		*called = record_kind(sight.record) == TRACE_CALL;
		sight.count = run->count - i;
		sight.when = trace_when(follow->gils->trace, sight.record);
		see(follow, &sight, (uint32_t)run->thread);
	}
}

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
static void choose(struct gils *gils)
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

static uint64_t end_of(const struct gils *gils, const struct gil *gil)
{
	const uint64_t end = gils->finding.family.processes[gil->suspect.process].end;

	return end < gils->to ? end : gils->to;
}

static bool read_all(struct follow *follow, uint64_t to_ns, struct err *err)
{
	struct gils *gils = follow->gils;
	struct trace_merge *merge;
	struct trace_run run;
	struct err why = { 0 };

	follow->by_thread = calloc(gils->trace->thread_count + 1, sizeof(*follow->by_thread));
	follow->called = calloc(gils->trace->thread_count + 1, sizeof(*follow->called));
	gils->no_memory |= !follow->by_thread || !follow->called || !places_init(&follow->places);
	for (uint32_t i = 0; !gils->no_memory && i < gils->count; i++)
		add_parts(follow, i);
	if (gils->no_memory)
		return true;
	merge = trace_merge_create(gils->trace, 0, to_ns, err);
	if (!merge)
		return false;
	while (!gils->no_memory && trace_merge_next(merge, &run, &why))
		read_run(follow, &run);
	trace_merge_destroy(merge);
	if (why.text[0])
		return err_set(err, why.code, "%s", why.text);
	for (size_t i = 0; i < gils->count; i++)
		account_finish(gils, &gils->all[i], end_of(gils, &gils->all[i]));
	return true;
}

static bool follow_all(struct gils *gils, uint64_t to_ns, struct err *err)
{
	struct follow follow = { .gils = gils };
	const bool right = read_all(&follow, to_ns, err);

	places_finish(&follow.places);
	free(follow.parts);
	free(follow.usages);
	free(follow.by_thread);
	free(follow.called);
	return right;
}

static void finish_tally(struct gil_tally *tally)
{
	spread_finish(&tally->hold);
	spread_finish(&tally->wait);
	spread_finish(&tally->forced_wait);
}

static void finish_user(struct gil_user *user)
{
	finish_tally(&user->tally);
	spread_finish(&user->back.call);
	spread_finish(&user->back.wait);
	spread_finish(&user->lead);
	free(user->blame);
	free(user);
}

static void finish_gil(struct gil *gil)
{
	for (size_t k = 0; k < gil->user_count; k++)
		finish_user(gil->users[k]);
	free(gil->users);
	finish_tally(&gil->tally);
	spread_finish(&gil->deadlines);
}

static void start_gils(struct gils *gils, uint64_t from)
{
	for (size_t i = 0; i < gils->count; i++) {
		const struct suspect suspect = gils->finding.suspects[i];

		gils->all[i] = (struct gil){ .suspect = suspect,
					     .thing = &gils->finding.things[suspect.thing],
					     .from = from,
					     .accepted = gils->all[i].accepted };
	}
}

/* Which of them are locks is told by all of the trace; then the window is followed alone. */
static bool follow_window(struct gils *gils, uint64_t to_ns, struct err *err)
{
	start_gils(gils, 0);
	if (!follow_all(gils, to_ns, err) || gils->no_memory)
		return false;
	choose(gils);
	if (gils->from == 0)
		return true;
	for (size_t i = 0; i < gils->count; i++)
		finish_gil(&gils->all[i]);
	start_gils(gils, gils->from);
	return follow_all(gils, to_ns, err) && !gils->no_memory;
}

bool gils_read(struct gils *gils, const struct trace *trace, uint64_t from_ns, uint64_t to_ns,
	       struct err *err)
{
	*gils = (struct gils){
		.trace = trace,
		.raw_per_ns = 1 / trace->rate,
		.from = from_ns ? trace_time(trace, from_ns) : 0,
		.to = to_ns == UINT64_MAX ? UINT64_MAX : trace_time(trace, to_ns),
	};
	if (!finding_read(&gils->finding, trace, to_ns, err))
		return false;
	gils->count = gils->finding.suspect_count;
	gils->all = calloc(gils->count + 1, sizeof(*gils->all));
	gils->no_memory = !gils->all;
	if (!gils->no_memory && follow_window(gils, to_ns, err))
		return true;
	if (gils->no_memory)
		err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu locks", gils->count);
	gils_finish(gils);
	return false;
}

void gils_finish(struct gils *gils)
{
	for (size_t i = 0; gils->all && i < gils->count; i++)
		finish_gil(&gils->all[i]);
	free(gils->all);
	if (gils->finding.trace)
		finding_finish(&gils->finding);
	*gils = (struct gils){ 0 };
}

uint64_t gils_ns(const struct gils *gils, uint64_t raw)
{
	return gils->raw_per_ns > 0 ? (uint64_t)((double)raw / gils->raw_per_ns + 0.5) : 0;
}
