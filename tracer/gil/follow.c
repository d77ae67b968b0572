/* The second reading: each record goes to the locks that have a part in its object, and tells the
 * others that its thread was busy with something else. */
#include "tracer/gil/account.h"

#include "tracer/syscalls.h"

#include <stdlib.h>

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
	struct nest *nests;  /* by thread; null: what system calls came to is not asked for */
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

/* A mutex under which the lock is taken is no part of it; that of PyPy is. */
static bool is_part(const struct gil *gil, enum role role)
{
	return role != ROLE_OUTER || gil->suspect.protocol != PROTOCOL_QUEUE;
}

bool gil_has_part(const struct gil *gil, uint32_t process, uint64_t address)
{
	for (size_t i = 0; gil->suspect.process == process && i < gil->part_count; i++) {
		if (gil->parts[i] == address)
			return true;
	}
	return false;
}

static void add_part(struct follow *follow, uint32_t index, uint64_t address, enum role role)
{
	struct gil *gil = &follow->gils->all[index];
	const uint32_t process = gil->suspect.process;
	const uint32_t first = places_find(&follow->places, process, address);

	if (address == 0)
		return;
	if (!make_room((void **)&follow->parts, follow->part_count, &follow->part_room,
		       sizeof(*follow->parts)) ||
	    !make_room((void **)&gil->parts, gil->part_count, &gil->part_room,
		       sizeof(*gil->parts)) ||
	    !places_put(&follow->places, process, address, (uint32_t)follow->part_count + 1)) {
		follow->gils->no_memory = true;
		return;
	}
	follow->parts[follow->part_count++] = (struct part){ index, first, role };
	if (is_part(gil, role))
		gil->parts[gil->part_count++] = address;
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

static void end_call(struct follow *follow, struct sight *sight, uint32_t thread,
		     const struct nest_call *call, bool ended)
{
	for (uint32_t at = follow->by_thread[thread]; at; at = follow->usages[at - 1].next) {
		sight->gil = &follow->gils->all[follow->usages[at - 1].gil];
		sight->user = follow->usages[at - 1].user;
		account_call(sight, call, ended);
	}
}

static void begin_call(struct follow *follow, struct sight *sight, uint32_t thread)
{
	struct nest *nest = &follow->nests[thread];
	const bool is_futex = sight->kind == TRACE_FUTEX;
	struct nest_call call = {
		.since = sight->when,
		.number = is_futex ? SYSCALL_NUMBER_FUTEX : (uint32_t)sight->record->operand,
	};

	if (nest_returns(call.number)) {
		const struct nest_call begun = call;

		if (nest_make_room(nest, &call))
			end_call(follow, sight, thread, &call, false);
		nest_enter(nest, begun.number, begun.since, NULL);
	} else if (nest->children == 0) {
		end_call(follow, sight, thread, &call, false);
	}
}

/* System calls for the books; what a child of vfork does, its thread does not. */
static void see_syscall(struct follow *follow, struct sight *sight, uint32_t thread)
{
	struct nest *nest = &follow->nests[thread];
	struct nest_call call;
	enum nest_meaning meaning;

	if (sight->kind == TRACE_SYSCALL || sight->kind == TRACE_FUTEX) {
		begin_call(follow, sight, thread);
	} else if (sight->kind == TRACE_SYSCALL_EXIT) {
		meaning = nest_leave(nest, sight->record->operand, &call);
		if ((meaning == NEST_END || meaning == NEST_PARENT) && nest->children == 0)
			end_call(follow, sight, thread, &call, true);
	} else if (sight->kind == TRACE_SPAWNED && nest_resume(nest, &call)) {
		end_call(follow, sight, thread, &call, true);
	}
}

/* What had not returned at the end. */
static void end_calls(struct follow *follow)
{
	struct sight sight = { .gils = follow->gils };

	for (uint32_t i = 0; follow->nests && i < follow->gils->trace->thread_count; i++) {
		const struct nest *nest = &follow->nests[i];

		for (uint32_t k = 0; k < nest->count; k++) {
			sight.when = nest->calls[k].since;
			end_call(follow, &sight, i, &nest->calls[k], false);
			if (nest->calls[k].child)
				break;
		}
	}
}

void gils_see(struct follow *follow, uint32_t thread, const struct record *record, size_t count)
{
	struct sight sight = {
		.gils = follow->gils,
		.record = record,
		.count = count,
		.kind = record_kind(record),
		.when = trace_when(follow->gils->trace, record),
	};
	bool *called = &follow->called[thread];

	if (follow->nests && sight.kind >= TRACE_SPAWNED)
		see_syscall(follow, &sight, thread);
	if (sight.kind == TRACE_CALL || sight.kind == TRACE_SYSCALL) {
		see_call(&sight, *called);
		*called = false;
	}
	if (sight.kind == TRACE_MUTEX_INIT || sight.kind == TRACE_SEM_INIT)
		see_making(follow, &sight, thread);
	if (is_aside(sight.kind))
		return;
	*called = record_kind(record) == TRACE_CALL;
	see(follow, &sight, thread);
}

static uint64_t end_of(const struct gils *gils, const struct gil *gil)
{
	const uint64_t end = gils->finding.family.processes[gil->suspect.process].end;

	return end < gils->to ? end : gils->to;
}

/* False: no memory. */
static bool begin(struct follow *follow, struct gils *gils)
{
	const size_t threads = gils->trace->thread_count;

	*follow = (struct follow){ .gils = gils };
	follow->by_thread = calloc(threads + 1, sizeof(*follow->by_thread));
	follow->called = calloc(threads + 1, sizeof(*follow->called));
	if (gils->with_calls)
		follow->nests = calloc(threads + 1, sizeof(*follow->nests));
	gils->no_memory |= !follow->by_thread || !follow->called ||
			   (gils->with_calls && !follow->nests) || !places_init(&follow->places);
	for (uint32_t i = 0; !gils->no_memory && i < gils->count; i++)
		add_parts(follow, i);
	return !gils->no_memory;
}

static void account(struct follow *follow)
{
	struct gils *gils = follow->gils;

	end_calls(follow);
	for (size_t i = 0; i < gils->count; i++)
		account_finish(gils, &gils->all[i], end_of(gils, &gils->all[i]));
}

static void finish(struct follow *follow)
{
	places_finish(&follow->places);
	free(follow->parts);
	free(follow->usages);
	free(follow->by_thread);
	free(follow->called);
	free(follow->nests);
}

static bool read_all(struct follow *follow, uint64_t to_ns, struct err *err)
{
	struct gils *gils = follow->gils;
	struct trace_merge *merge = trace_merge_create(gils->trace, 0, to_ns, err);
	struct trace_run run;
	struct err why = { 0 };

	if (!merge)
		return false;
	while (!gils->no_memory && trace_merge_next(merge, &run, &why)) {
		for (size_t i = 0; i < run.count; i++)
			gils_see(follow, (uint32_t)run.thread, &run.records[i], run.count - i);
	}
	trace_merge_destroy(merge);
	if (why.text[0])
		return err_set(err, why.code, "%s", why.text);
	account(follow);
	return true;
}

static bool follow_all(struct gils *gils, uint64_t to_ns, struct err *err)
{
	struct follow follow;
	const bool right = !begin(&follow, gils) || read_all(&follow, to_ns, err);

	finish(&follow);
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
	free(user->calls);
	free(user);
}

static void finish_gil(struct gil *gil)
{
	for (size_t k = 0; k < gil->user_count; k++)
		finish_user(gil->users[k]);
	free(gil->users);
	free(gil->parts);
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
	gils_choose(gils);
	if (gils->from == 0)
		return true;
	for (size_t i = 0; i < gils->count; i++)
		finish_gil(&gils->all[i]);
	start_gils(gils, gils->from);
	return follow_all(gils, to_ns, err) && !gils->no_memory;
}

struct follow *gils_follow(struct gils *gils)
{
	struct follow *follow = calloc(1, sizeof(*follow));

	if (!follow)
		return NULL;
	for (size_t i = 0; i < gils->count; i++)
		finish_gil(&gils->all[i]);
	start_gils(gils, gils->from);
	if (begin(follow, gils))
		return follow;
	finish(follow);
	free(follow);
	return NULL;
}

bool gils_follow_end(struct follow *follow)
{
	const bool right = !follow->gils->no_memory;

	account(follow);
	finish(follow);
	free(follow);
	return right;
}

size_t gils_held_by(const struct follow *follow, uint32_t thread)
{
	for (uint32_t at = follow->by_thread[thread]; at; at = follow->usages[at - 1].next) {
		const struct usage *usage = &follow->usages[at - 1];
		const struct gil *gil = &follow->gils->all[usage->gil];

		if (gil->accepted && gil->holder == usage->user)
			return usage->gil;
	}
	return SIZE_MAX;
}

bool gils_read(struct gils *gils, const struct trace *trace, uint64_t from_ns, uint64_t to_ns,
	       bool with_calls, struct err *err)
{
	*gils = (struct gils){
		.trace = trace,
		.raw_per_ns = 1 / trace->rate,
		.from = from_ns ? trace_time(trace, from_ns) : 0,
		.to = to_ns == UINT64_MAX ? UINT64_MAX : trace_time(trace, to_ns),
		.with_calls = with_calls,
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
	/* A damaged trace may have any rate. */
	const double ns = gils->raw_per_ns > 0 ? (double)raw / gils->raw_per_ns + 0.5 : 0;

	return ns < 0x1p64 ? (uint64_t)ns : UINT64_MAX;
}
