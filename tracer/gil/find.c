/* What is looked for is a few records of one thread in a row, so each thread has a short memory of
 * what it did last. */
#include "tracer/gil/find.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY 8
#define OTHERS 16            /* suspects of a process that are not certain */
#define PYPY_WAIT_NS 1000000 /* ten times what it waits */
#define DAYS_NS (INT64_C(86400000000000) * 1000)
#define HELD 8

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
	if (kind == TRACE_SEM_INIT) {
		thing->first_value = reading->count > 2 ? reading->record[2].operand : 0;
		thing->holder = 0;
	} else if (kind == TRACE_COND_INIT) {
		thing->is_cond = true;
		thing->monotonic = record_detail(reading->record) & TRACE_INIT_MONOTONIC;
		match_making(reading, address);
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
			around->inner = address;
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
	struct thing *cond = thing_at(reading, address), *mutex;
	uint64_t around;

	if (!cond)
		return;
	cond->is_cond = true;
	if (doer->held_count > 0) {
		around = doer->held[doer->held_count - 1];
		cond->inside++;
	} else if (deed(doer, 1)->kind == TRACE_MUTEX_RELEASE) {
		around = deed(doer, 1)->address;
		cond->after++;
	} else {
		return;
	}
	if (!cond->mutex)
		cond->mutex = around;
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

	if (!cond || reading->count < 2)
		return;
	cond->is_cond = true;
	cond->mutex = reading->record[1].operand;
	cond->waits++;
	use(cond, reading->thread);
	if (record_detail(reading->record) != TRACE_UNTIMED && reading->count > 2) {
		const int64_t in = finding_deadline_in(reading->finding->trace, reading->when,
						       reading->record[2].operand);

		cond->timed++;
		if (in > 0 && (uint64_t)in > cond->longest_ns)
			cond->longest_ns = (uint64_t)in;
	}
	if (doer->held_count > 1 && doer->held[doer->held_count - 1] == cond->mutex) {
		cond->under++;
		mutex = thing_at(reading, cond->mutex);
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

static void see(const struct reading *reading)
{
	const unsigned kind = record_kind(reading->record);
	const uint64_t address = record_value(reading->record);

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

int64_t finding_deadline_in(const struct trace *trace, uint64_t when, uint64_t deadline_ns)
{
	const uint64_t since = trace_ns(trace, when);
	const int64_t in = (int64_t)(deadline_ns - trace->first.monotonic_ns - since);

	/* The two clocks are decades apart. */
	if (in < DAYS_NS && in > -DAYS_NS)
		return in;
	return (int64_t)(deadline_ns - trace->first.realtime_ns - since);
}

/* What the conditions of a mutex come to. */
struct company {
	uint64_t own, shared; /* conditions that one thread waited at, and that many did */
	uint64_t conds, waits, timed, longest_ns, inside, after, under;
};

static struct company *gather(const struct finding *finding)
{
	struct company *all = calloc(finding->thing_count + 1, sizeof(*all));

	for (size_t i = 0; all && i < finding->thing_count; i++) {
		const struct thing *cond = &finding->things[i];
		const uint32_t mutex =
			cond->is_cond ? places_find(&finding->places, cond->process, cond->mutex) :
					0;
		struct company *company = &all[mutex];

		if (!mutex || (cond->waits == 0 && cond->inside == 0 && cond->after == 0))
			continue;
		company->conds++;
		company->own += cond->waits > 0 && !cond->many;
		company->shared += cond->many;
		company->waits += cond->waits;
		company->timed += cond->timed;
		company->inside += cond->inside;
		company->after += cond->after;
		company->under += cond->under;
		if (cond->longest_ns > company->longest_ns)
			company->longest_ns = cond->longest_ns;
	}
	return all;
}

static struct suspect *add_suspect(struct finding *finding, uint32_t thing, enum protocol protocol,
				   enum gil_kind kind)
{
	const struct thing *of = &finding->things[thing];
	struct suspect *suspects = finding->suspects;

	if (finding->suspect_count == finding->suspect_room) {
		const size_t room = finding->suspect_room ? 2 * finding->suspect_room : 16;

		suspects = realloc(suspects, room * sizeof(*suspects));
		if (!suspects) {
			finding->no_memory = true;
			return NULL;
		}
		finding->suspects = suspects;
		finding->suspect_room = room;
	}
	suspects[finding->suspect_count] = (struct suspect){
		.protocol = protocol,
		.kind = kind,
		.process = of->process,
		.thing = thing,
		.certain = protocol == PROTOCOL_CPYTHON3 || protocol == PROTOCOL_PYPY,
	};
	return &suspects[finding->suspect_count++];
}

/* Those that nothing else looks like. True: the mutex is one. */
static bool suspect_certain(struct finding *finding, uint32_t i, const struct company *company)
{
	const struct thing *thing = &finding->things[i];

	if (thing->made && thing->made_as == GIL_CPYTHON3 && thing->nests == 0) {
		finding->idle_made++;
		finding->idle_process = thing->process;
		return true;
	}
	if (thing->made && thing->made_as == GIL_PYPY)
		return add_suspect(finding, i, PROTOCOL_PYPY, GIL_PYPY);
	if (thing->nests > 0)
		return add_suspect(finding, i, PROTOCOL_CPYTHON3, GIL_CPYTHON3);
	if (company->waits > 0 && company->timed == company->waits &&
	    company->under == company->waits && company->longest_ns <= PYPY_WAIT_NS)
		return add_suspect(finding, i, PROTOCOL_PYPY, GIL_PYPY);
	return false;
}

/* Whose monitor it is, by who waits at which condition, how long, and when it is signalled. */
static enum gil_kind kind_of(const struct thing *thing, const struct company *company)
{
	const bool one = company->conds == 1 && company->inside + company->after > company->waits;

	if (thing->made && thing->made_as == GIL_RUBY)
		return GIL_RUBY;
	if (one || company->own == 0)
		return company->after ? GIL_OCAML4 : thing->inner ? GIL_OCAML5 : GIL_CPYTHON2COND;
	if (company->timed > 0)
		return GIL_RUBY;
	return thing->inner ? GIL_RUBY33 : GIL_FAIR;
}

static void suspect_others(struct finding *finding, uint32_t i, const struct company *company)
{
	const struct thing *thing = &finding->things[i];
	struct suspect *suspect;

	if (thing->is_cond || (!thing->many && !(thing->made && thing->made_as == GIL_RUBY)))
		return;
	if (thing->first_value == 1) {
		if (thing->foreign == 0 && thing->gave_up == 0)
			add_suspect(finding, i, PROTOCOL_SEMAPHORE, GIL_CPYTHON2);
		return;
	}
	if (company->conds == 0 && !(thing->made && thing->made_as == GIL_RUBY)) {
		/* Either itself, or what guards a flag that nobody has waited for yet. */
		if (2 * thing->nested <= thing->taken)
			add_suspect(finding, i, PROTOCOL_MUTEX, GIL_MUTEX);
		suspect = add_suspect(finding, i, PROTOCOL_MONITOR,
				      thing->inner ? GIL_RUBY33 : GIL_FAIR);
		if (suspect)
			suspect->unwaited = true;
		return;
	}
	suspect = add_suspect(finding, i, PROTOCOL_MONITOR, kind_of(thing, company));
	if (suspect && thing->signalled && suspect->kind != GIL_RUBY)
		suspect->first = thing->user;
}

static int busiest_first(const void *a, const void *b, void *finding)
{
	const struct thing *things = ((const struct finding *)finding)->things;
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	if (things[i].process != things[j].process)
		return things[i].process < things[j].process ? -1 : 1;
	if (things[i].taken != things[j].taken)
		return things[i].taken < things[j].taken ? 1 : -1;
	return (i > j) - (i < j);
}

/* By process, the busiest first: of what is not certain only a few are looked at. */
static void suspect_all(struct finding *finding, const uint32_t *order,
			const struct company *company)
{
	bool *certain = calloc(finding->family.process_count + 1, sizeof(*certain));
	size_t others = 0;
	uint32_t process = FAMILY_NONE;

	finding->no_memory |= !certain;
	for (size_t k = 0; certain && k < finding->thing_count; k++) {
		const uint32_t i = order[k];

		if (suspect_certain(finding, i, &company[i + 1]))
			certain[finding->things[i].process] = true;
	}
	for (size_t k = 0; certain && k < finding->thing_count; k++) {
		const struct thing *thing = &finding->things[order[k]];
		const size_t before = finding->suspect_count;

		if (thing->process != process)
			others = 0;
		process = thing->process;
		if (certain[process] || others >= OTHERS)
			continue;
		suspect_others(finding, order[k], &company[order[k] + 1]);
		others += finding->suspect_count > before;
	}
	free(certain);
}

/* A forked process goes on with its parent's lock, and may use it too little to be told by. */
static void suspect_heirs(struct finding *finding)
{
	const size_t count = finding->suspect_count;

	for (uint32_t p = 0; p < finding->family.process_count; p++) {
		const struct family_process *process = &finding->family.processes[p];

		if (process->origin != TRACE_BY_FORK || process->parent == FAMILY_NONE)
			continue;
		for (size_t s = 0; s < count; s++) {
			const struct suspect parent = finding->suspects[s];
			const struct thing *thing = &finding->things[parent.thing];
			uint32_t own;
			struct suspect *heir;

			if (parent.process != process->parent || parent.certain)
				continue;
			own = places_find(&finding->places, p, thing->address);
			if (!own || finding->things[own - 1].taken == 0)
				continue;
			heir = add_suspect(finding, own - 1, parent.protocol, parent.kind);
			if (heir)
				heir->heir_of = (uint32_t)s + 1;
		}
	}
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

static void suspect_things(struct finding *finding)
{
	uint32_t *order = calloc(finding->thing_count + 1, sizeof(*order));
	struct company *company = gather(finding);

	finding->no_memory |= !order || !company;
	for (uint32_t i = 0; order && i < finding->thing_count; i++)
		order[i] = i;
	if (!finding->no_memory) {
		qsort_r(order, finding->thing_count, sizeof(*order), busiest_first, finding);
		suspect_all(finding, order, company);
		suspect_heirs(finding);
	}
	free(order);
	free(company);
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
	free(finding->suspects);
	*finding = (struct finding){ 0 };
}
