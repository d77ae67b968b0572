/* What is looked for is a few records of one thread in a row, so each thread has a short memory of
 * what it did last. */
#include "tracer/gil/find.h"

#include "tracer/syscalls.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY 8
#define DAYS_NS (INT64_C(86400000000000) * 1000)
#define HELD 8
#define WITHIN (sizeof(((struct thing *)NULL)->within) / sizeof(uint64_t))

/* sizeof(pthread_mutex_t), sizeof(pthread_cond_t) of the traced program: x86-64, aarch64 (glibc).
 */
static const uint64_t mutex_sizes[] = { 40, 48 };
#define COND_SIZE INT64_C(48)
#define WORD_SIZE INT64_C(8)

struct deed {
	unsigned kind;
	uint64_t address;
};

/* One thread's last deeds, the latest at 'at' - 1, and the mutexes it holds. */
struct doer {
	struct deed deeds[MEMORY];
	unsigned at;
	uint64_t held[HELD];
	unsigned held_count;
	uint64_t tried; /* a semaphore that it found taken, just now; 0: none */
};

struct reading {
	struct finding *finding;
	struct doer *doers;
	/* The record at hand. */
	struct doer *doer;
	uint32_t thread, process;
	uint64_t when;
	const struct record *record;
	size_t count;
};

static const struct deed *deed(const struct doer *doer, unsigned ago)
{
	return &doer->deeds[(doer->at - ago) % MEMORY];
}

static bool did(const struct doer *doer, unsigned ago, unsigned kind, uint64_t address)
{
	return deed(doer, ago)->kind == kind && deed(doer, ago)->address == address;
}

static void remember(struct doer *doer, unsigned kind, uint64_t address)
{
	doer->deeds[doer->at++ % MEMORY] = (struct deed){ kind, address };
}

/* The thing at an address, made when it is new; null without memory. */
static struct thing *thing_at(const struct reading *reading, uint64_t address)
{
	struct finding *finding = reading->finding;
	const uint32_t known = places_find(&finding->places, reading->process, address);
	struct thing *things = finding->things;

	if (known)
		return &things[known - 1];
	if (finding->thing_count == finding->thing_room) {
		const size_t room = finding->thing_room ? 2 * finding->thing_room : 64;

		things = realloc(things, room * sizeof(*things));
		if (!things)
			goto no_memory;
		finding->things = things;
		finding->thing_room = room;
	}
	if (!places_put(&finding->places, reading->process, address,
			(uint32_t)finding->thing_count + 1))
		goto no_memory;
	things[finding->thing_count] =
		(struct thing){ .address = address, .process = reading->process };
	return &things[finding->thing_count++];
no_memory:
	finding->no_memory = true;
	return NULL;
}

/* What a condition is to a mutex, made when it is new; null without memory. The last one that was
 * looked for is the first of the chain. */
static struct bond *bond_of(const struct reading *reading, struct thing *cond, uint64_t mutex)
{
	struct finding *finding = reading->finding;
	struct bond *bonds = finding->bonds;
	uint32_t at = cond->bonds, before = 0;

	for (; at; before = at, at = bonds[at - 1].next) {
		if (bonds[at - 1].mutex != mutex)
			continue;
		if (before) {
			bonds[before - 1].next = bonds[at - 1].next;
			bonds[at - 1].next = cond->bonds;
			cond->bonds = at;
		}
		return &bonds[at - 1];
	}
	if (finding->bond_count == finding->bond_room) {
		const size_t room = finding->bond_room ? 2 * finding->bond_room : 64;

		bonds = realloc(bonds, room * sizeof(*bonds));
		if (!bonds) {
			finding->no_memory = true;
			return NULL;
		}
		finding->bonds = bonds;
		finding->bond_room = room;
	}
	bonds[finding->bond_count] = (struct bond){
		.cond = (uint32_t)(cond - finding->things),
		.next = cond->bonds,
		.mutex = mutex,
	};
	cond->bonds = (uint32_t)++finding->bond_count;
	return &bonds[cond->bonds - 1];
}

static void use(struct thing *thing, uint32_t thread)
{
	thing->taken++;
	thing->many |= thing->user && thing->user != thread + 1;
	if (!thing->user)
		thing->user = thread + 1;
}

/* How a lock is made: INITs in a row, with the objects where the lock's struct has them. */
struct making {
	uint8_t as, count; /* of objects */
	struct {
		unsigned kind;
		int8_t mutexes, conds, words; /* how far it lies behind the first */
	} made[4];
};

static bool is_made(const struct doer *doer, const struct making *making, uint64_t mutex_size)
{
	const uint64_t first = deed(doer, making->count)->address;

	for (unsigned i = 0; i < making->count; i++) {
		const int64_t behind = making->made[i].mutexes * (int64_t)mutex_size +
				       making->made[i].conds * COND_SIZE +
				       making->made[i].words * WORD_SIZE;

		if (!did(doer, making->count - i, making->made[i].kind, first + (uint64_t)behind))
			return false;
	}
	return true;
}

/* The first that is made is what its takers queue on. */
static void make_pypy(const struct reading *reading, uint64_t outer, uint64_t cond)
{
	struct thing *thing = thing_at(reading, deed(reading->doer, 2)->address);

	if (!thing)
		return;
	thing->made = true;
	thing->made_as = GIL_PYPY;
	thing->outer = outer;
	thing->cond = cond;
}

static void match_making(const struct reading *reading, uint64_t last)
{
	static const struct making makings[] = {
		{ GIL_CPYTHON3,
		  4,
		  { { TRACE_MUTEX_INIT, 0, 0, 0 },
		    { TRACE_MUTEX_INIT, 1, 1, 0 },
		    { TRACE_COND_INIT, 0, -1, 0 },
		    { TRACE_COND_INIT, 1, 0, 0 } } },
		{ GIL_RUBY,
		  3,
		  { { TRACE_MUTEX_INIT, 0, 0, 0 },
		    { TRACE_COND_INIT, 1, 0, 4 },
		    { TRACE_COND_INIT, 1, 1, 4 } } },
		{ GIL_PYPY,
		  3,
		  { { TRACE_MUTEX_INIT, 0, 0, 0 },
		    { TRACE_MUTEX_INIT, -1, -1, 0 },
		    { TRACE_COND_INIT, 0, -1, 0 } } },
	};

	for (size_t i = 0; i < 2 * sizeof(makings) / sizeof(makings[0]); i++) {
		const struct making *making = &makings[i / 2];
		const uint64_t first = deed(reading->doer, making->count)->address;
		struct thing *thing;

		if (!is_made(reading->doer, making, mutex_sizes[i % 2]))
			continue;
		if (making->as == GIL_PYPY) {
			make_pypy(reading, first, last);
			return;
		}
		thing = thing_at(reading, first);
		if (!thing)
			return;
		thing->made = true;
		thing->made_as = making->as;
		thing->made_at = reading->when;
		if (making->as == GIL_CPYTHON3) {
			thing->switch_cond = last;
			thing->cond = deed(reading->doer, 2)->address;
			thing->switch_mutex = deed(reading->doer, 3)->address;
		}
		return;
	}
}

static void see_init(const struct reading *reading, unsigned kind, uint64_t address)
{
	struct thing *thing = thing_at(reading, address);

	if (!thing)
		return;
	if (kind == TRACE_MUTEX_INIT) {
		thing->maker = reading->thread + 1;
	} else if (kind == TRACE_SEM_INIT) {
		thing->first_value = reading->count > 2 ? reading->record[2].operand : 0;
		thing->holder = 0;
	} else if (kind == TRACE_COND_INIT) {
		thing->is_cond = true;
		match_making(reading, address);
	}
}

/* The mutex that most of the takes under 'around' are of: the majority's vote in one pass. */
static void nest(struct thing *around, uint64_t address)
{
	around->inners++;
	for (size_t i = 0; i < WITHIN && around->within[i] != address; i++) {
		if (around->within[i] == 0) {
			around->within[i] = address;
			break;
		}
	}
	if (around->inner == address) {
		around->inner_lead++;
	} else if (--around->inner_lead < 0) {
		around->inner = address;
		around->inner_lead = 1;
	}
}

static void see_mutex_acquire(const struct reading *reading, uint64_t address)
{
	struct doer *doer = reading->doer;
	struct thing *thing = thing_at(reading, address);

	if (!thing)
		return;
	use(thing, reading->thread);
	if (doer->held_count > 0) {
		struct thing *around = thing_at(reading, doer->held[doer->held_count - 1]);

		if (around)
			nest(around, address);
		thing = thing_at(reading, address);
		if (thing)
			thing->nested++;
	}
	if (doer->held_count < HELD)
		doer->held[doer->held_count++] = address;
}

/* L(M) ... L(SM) S(SC) U(SM) U(M): how CPython 3 takes its lock, and nobody else. */
static void match_nest(const struct reading *reading, uint64_t mutex)
{
	const struct doer *doer = reading->doer;
	const uint64_t inner = deed(doer, 1)->address, cond = deed(doer, 2)->address;
	struct thing *thing;

	if (inner == mutex || !did(doer, 1, TRACE_MUTEX_RELEASE, inner) ||
	    !did(doer, 2, TRACE_COND_SIGNAL, cond) || !did(doer, 3, TRACE_MUTEX_ACQUIRE, inner) ||
	    (!did(doer, 4, TRACE_MUTEX_ACQUIRE, mutex) && deed(doer, 4)->kind != TRACE_COND_RETURN))
		return;
	thing = thing_at(reading, mutex);
	if (!thing)
		return;
	thing->nests++;
	thing->switch_mutex = inner;
	thing->switch_cond = cond;
}

static void see_mutex_release(const struct reading *reading, uint64_t address)
{
	struct doer *doer = reading->doer;
	struct thing *thing;

	match_nest(reading, address);
	for (unsigned i = doer->held_count; i-- > 0;) {
		if (doer->held[i] != address)
			continue;
		memmove(&doer->held[i], &doer->held[i + 1],
			(--doer->held_count - i) * sizeof(doer->held[0]));
		break;
	}
	thing = thing_at(reading, address);
	if (thing && thing->taken == 1 && deed(doer, 1)->kind == TRACE_COND_SIGNAL)
		thing->signalled = true;
}

static void see_signal(const struct reading *reading, uint64_t address)
{
	const struct doer *doer = reading->doer;
	const bool inside = doer->held_count > 0;
	struct thing *cond = thing_at(reading, address), *mutex;
	struct bond *bond;
	uint64_t around;

	if (!cond)
		return;
	cond->is_cond = true;
	if (!inside && deed(doer, 1)->kind != TRACE_MUTEX_RELEASE)
		return;
	around = inside ? doer->held[doer->held_count - 1] : deed(doer, 1)->address;
	bond = bond_of(reading, cond, around);
	if (!bond)
		return;
	*(inside ? &bond->inside : &bond->after) += 1;
	mutex = thing_at(reading, around);
	if (!mutex)
		return;
	if (mutex->taken == 1)
		mutex->signalled = true;
	if (did(doer, 1, TRACE_MUTEX_ACQUIRE, around))
		mutex->cond = address; /* L(M) S(C): what CPython 3 does to let go */
}

static void see_wait(const struct reading *reading, uint64_t address)
{
	const struct doer *doer = reading->doer;
	struct thing *cond = thing_at(reading, address), *mutex;
	struct bond *bond;

	if (!cond || reading->count < 2)
		return;
	cond->is_cond = true;
	bond = bond_of(reading, cond, reading->record[1].operand);
	if (!bond)
		return;
	bond->waits++;
	bond->many |= bond->user && bond->user != reading->thread + 1;
	bond->user = bond->user ? bond->user : reading->thread + 1;
	if (record_detail(reading->record) != TRACE_UNTIMED && reading->count > 2) {
		const int64_t in = finding_deadline_in(reading->finding->trace, reading->when,
						       reading->record[2].operand);

		bond->timed++;
		if (in > 0 && (uint64_t)in > bond->longest_ns)
			bond->longest_ns = (uint64_t)in;
	}
	if (doer->held_count > 1 && doer->held[doer->held_count - 1] == bond->mutex) {
		bond->under++;
		mutex = thing_at(reading, bond->mutex);
		if (mutex)
			mutex->outer = doer->held[doer->held_count - 2];
	}
}

static void see_sem(const struct reading *reading, unsigned kind, uint64_t address)
{
	struct doer *doer = reading->doer;
	struct thing *thing = thing_at(reading, address);

	if (!thing)
		return;
	if (kind == TRACE_SEM_RELEASE) {
		thing->foreign += thing->holder != reading->thread + 1;
		thing->holder = 0;
		return;
	}
	thing->adjacent += did(doer, 1, TRACE_SEM_RELEASE, address);
	if (kind == TRACE_SEM_BUSY) {
		doer->tried = address;
	} else if (kind == TRACE_SEM_ACQUIRE) {
		use(thing, reading->thread);
		thing->foreign += thing->holder != 0;
		thing->holder = reading->thread + 1;
	}
}

/* A semaphore that was tried, and then something else was done, is a lock that may be missed. */
static void see_giving_up(const struct reading *reading, unsigned kind, uint64_t address)
{
	struct thing *thing;

	if (!reading->doer->tried)
		return;
	if (address != reading->doer->tried ||
	    (kind != TRACE_SEM_ACQUIRE && kind != TRACE_SEM_CONFLICT)) {
		thing = thing_at(reading, reading->doer->tried);
		if (thing)
			thing->gave_up++;
	}
	reading->doer->tried = 0;
}

/* What a record of a thread is to what it does with locks: system calls are nothing, but those
 * that may block are a CALL, once more where it has been recorded as well. */
static unsigned kind_of(const struct record *record)
{
	const unsigned kind = record_kind(record);

	switch (kind) {
	case TRACE_SYSCALL:
		return syscall_call((uint32_t)record->operand) ? TRACE_CALL : TRACE_NONE;
	case TRACE_FUTEX:
	case TRACE_SYSCALL_EXIT:
	case TRACE_SYSCALL_MISSED:
	case TRACE_SYSCALLS:
	case TRACE_SITES:
		return TRACE_NONE;
	default:
		return kind;
	}
}

static void see(const struct reading *reading)
{
	const unsigned kind = kind_of(reading->record);
	const uint64_t address = record_value(reading->record);

	if (kind == TRACE_NONE)
		return;
	see_giving_up(reading, kind, address);
	switch (kind) {
	case TRACE_MUTEX_INIT:
	case TRACE_COND_INIT:
	case TRACE_SEM_INIT:
		remember(reading->doer, kind, address);
		see_init(reading, kind, address);
		return;
	case TRACE_MUTEX_ACQUIRE:
		see_mutex_acquire(reading, address);
		break;
	case TRACE_MUTEX_RELEASE:
		see_mutex_release(reading, address);
		break;
	case TRACE_COND_SIGNAL:
	case TRACE_COND_BROADCAST:
		see_signal(reading, address);
		break;
	case TRACE_COND_WAIT:
		see_wait(reading, address);
		break;
	case TRACE_SEM_ACQUIRE:
	case TRACE_SEM_BUSY:
	case TRACE_SEM_RELEASE:
		see_sem(reading, kind, address);
		break;
	case TRACE_COND_RETURN:
		break;
	case TRACE_MUTEX_CONFLICT:
	case TRACE_SEM_CONFLICT:
	case TRACE_LOCK_STATE:
		return; /* the acquisition follows */
	default:
		remember(reading->doer, kind, 0);
		return;
	}
	remember(reading->doer, kind, address);
}

static void read_run(struct reading *reading, const struct trace_run *run)
{
	struct finding *finding = reading->finding;

	reading->thread = (uint32_t)run->thread;
	reading->doer = &reading->doers[run->thread];
	reading->process = finding->family.threads[run->thread].process;
	for (size_t i = 0; i < run->count; i++) {
		reading->record = &run->records[i];
		if (record_kind(reading->record) == TRACE_ARG)
			continue;
		reading->count = run->count - i;
		reading->when = trace_when(finding->trace, reading->record);
		finding->no_memory |= !family_event(&finding->family, run->thread, reading->record,
						    reading->count, reading->when);
		see(reading);
	}
}

bool thing_is_around(const struct thing *around, const struct thing *mutex)
{
	for (size_t i = 0; i < WITHIN; i++) {
		if (around->within[i] == mutex->address)
			return true;
	}
	return false;
}

int64_t finding_deadline_in(const struct trace *trace, uint64_t when, uint64_t deadline_ns)
{
	const uint64_t since = trace_ns(trace, when);
	const int64_t in = (int64_t)(deadline_ns - trace->first.monotonic_ns - since);

	/* The two clocks are decades apart. */
	if (in < DAYS_NS && in > -DAYS_NS)
		return in;
	return (int64_t)(deadline_ns - trace->first.realtime_ns - since);
}

static bool read_all(struct finding *finding, uint64_t to_ns, struct err *err)
{
	struct reading reading = { .finding = finding };
	struct trace_merge *merge;
	struct trace_run run;
	struct err why = { 0 };

	reading.doers = calloc(finding->trace->thread_count + 1, sizeof(*reading.doers));
	merge = reading.doers ? trace_merge_create(finding->trace, 0, to_ns, err) : NULL;
	while (merge && !finding->no_memory && trace_merge_next(merge, &run, &why))
		read_run(&reading, &run);
	free(reading.doers);
	if (!reading.doers)
		finding->no_memory = true;
	else if (!merge)
		return false;
	trace_merge_destroy(merge);
	if (why.text[0])
		return err_set(err, why.code, "%s", why.text);
	family_complete(&finding->family);
	return true;
}

bool finding_read(struct finding *finding, const struct trace *trace, uint64_t to_ns,
		  struct err *err)
{
	*finding = (struct finding){ .trace = trace };
	if (!family_init(&finding->family, trace, err))
		return false;
	if (!places_init(&finding->places))
		finding->no_memory = true;
	else if (!read_all(finding, to_ns, err)) {
		finding_finish(finding);
		return false;
	}
	if (!finding->no_memory)
		suspect_things(finding);
	if (!finding->no_memory)
		return true;
	err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu locks", finding->thing_count);
	finding_finish(finding);
	return false;
}

void finding_finish(struct finding *finding)
{
	if (finding->family.trace)
		family_finish(&finding->family);
	places_finish(&finding->places);
	free(finding->things);
	free(finding->bonds);
	free(finding->suspects);
	*finding = (struct finding){ 0 };
}
