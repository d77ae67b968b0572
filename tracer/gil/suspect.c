/* What may be an interpreter's lock, by how it was made and what its conditions are used for. */
#include "tracer/gil/find.h"

#include <stdlib.h>

#define OTHERS 16            /* suspects of a process that are not certain */
#define PYPY_WAIT_NS 1000000 /* ten times what it waits */

/* What the conditions of a mutex come to. */
struct company {
	uint64_t own; /* conditions that one thread waited at */
	uint64_t conds, waits, timed, longest_ns, inside, after, under;
};

/* Signalled under one mutex, waited for with another. */
static bool is_waited_elsewhere(const struct finding *finding, const struct bond *bond)
{
	if (bond->waits > 0)
		return false;
	for (uint32_t at = finding->things[bond->cond].bonds; at;
	     at = finding->bonds[at - 1].next) {
		if (finding->bonds[at - 1].waits > 0)
			return true;
	}
	return false;
}

static struct company *gather(const struct finding *finding)
{
	struct company *all = calloc(finding->thing_count + 1, sizeof(*all));

	for (size_t i = 0; all && i < finding->bond_count; i++) {
		const struct bond *bond = &finding->bonds[i];
		const uint32_t process = finding->things[bond->cond].process;
		struct company *company = &all[places_find(&finding->places, process, bond->mutex)];

		if (is_waited_elsewhere(finding, bond))
			continue;
		company->conds++;
		company->own += bond->waits > 0 && !bond->many;
		company->waits += bond->waits;
		company->timed += bond->timed;
		company->inside += bond->inside;
		company->after += bond->after;
		company->under += bond->under;
		if (bond->longest_ns > company->longest_ns)
			company->longest_ns = bond->longest_ns;
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

/* Which thread has a lock from its making on, that is not taken by a call then. */
static uint32_t first_of(const struct thing *thing, enum gil_kind kind)
{
	if (kind == GIL_RUBY33)
		return thing->maker == thing->user ? thing->user : 0;
	return thing->signalled && kind != GIL_RUBY ? thing->user : 0;
}

static struct suspect *add_monitor(struct finding *finding, uint32_t i, enum gil_kind kind)
{
	struct suspect *suspect = add_suspect(
		finding, i, kind == GIL_RUBY33 ? PROTOCOL_QUEUE : PROTOCOL_MONITOR, kind);

	if (suspect)
		suspect->first = first_of(&finding->things[i], kind);
	return suspect;
}

/* Whether it is taken as CPython 3 takes its lock, and nothing else is done under it: who gives
 * Ruby's lock away may signal in the same way, once. If its making was not seen, letting go must
 * be: a tree of nodes that are put into a queue is taken so, too. */
static bool is_cpythons(const struct thing *thing)
{
	const bool made = thing->made && thing->made_as == GIL_CPYTHON3;

	return 2 * thing->nests > thing->inners &&
	       (made || (thing->cond && thing->cond != thing->switch_cond));
}

/* Whether somebody took the mutex on which those queue who did not get PyPy's lock. */
static bool is_queued_for(const struct finding *finding, const struct thing *thing)
{
	const uint32_t outer = places_find(&finding->places, thing->process, thing->outer);

	return outer && finding->things[outer - 1].taken > 0 && thing->taken > 0;
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
	if (thing->made && thing->made_as == GIL_PYPY) {
		/* By its making alone it might be any struct with two mutexes. */
		if (!is_queued_for(finding, thing))
			finding->pypy_made++;
		else
			return add_suspect(finding, i, PROTOCOL_PYPY, GIL_PYPY);
	}
	if (is_cpythons(thing))
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
		suspect = add_monitor(finding, i, thing->inner ? GIL_RUBY33 : GIL_FAIR);
		if (suspect)
			suspect->unwaited = true;
		return;
	}
	add_monitor(finding, i, kind_of(thing, company));
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
			if (!heir)
				continue;
			heir->heir_of = (uint32_t)s + 1;
			if (parent.protocol == PROTOCOL_MONITOR ||
			    parent.protocol == PROTOCOL_QUEUE)
				heir->first = first_of(&finding->things[own - 1], parent.kind);
		}
	}
}

void suspect_things(struct finding *finding)
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
