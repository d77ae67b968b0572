/* One entry and one return of a call are two records: what is done for each is some additions, and
 * finding what a futex word is part of is remembered by thread. */
#include "tracer/report/step.h"
#include "tracer/report/watch.h"

#include <linux/futex.h>
#include <stdlib.h>

/* The first version that has them. */
#define TRACE_VERSION_SYSCALLS 3

static uint32_t process_of(const struct step *step)
{
	return step->at.locks->family.threads[step->at.thread].process;
}

/* A thread's calls are within what it does: a release and its refusal stay neighbours. */
static void look_through(const struct step *step)
{
	struct actor *actor = step->at.actor;

	actor->undo.position += actor->undo.position + 1 == step->at.position;
}

/* Room for one more in a list; false when there is no memory. */
static bool more(void **list, size_t count, size_t *room, size_t size)
{
	const size_t wanted = *room ? 2 * *room : 32;
	void *larger;

	if (count < *room)
		return true;
	larger = realloc(*list, wanted * size);
	if (!larger)
		return false;
	*list = larger;
	*room = wanted;
	return true;
}

/* Of a process by its slot; null when there is no memory. */
static uint64_t *calls_of(struct syscalls_process *process, uint32_t slot)
{
	uint32_t room = process->call_room ? process->call_room : 32;
	uint64_t *calls;

	if (slot < process->call_room)
		return &process->calls[slot];
	while (room <= slot)
		room *= 2;
	calls = realloc(process->calls, room * sizeof(*calls));
	if (!calls)
		return NULL;
	for (uint32_t i = process->call_room; i < room; i++)
		calls[i] = 0;
	process->calls = calls;
	process->call_room = room;
	return &calls[slot];
}

static void miss(const struct step *step, uint32_t number, uint32_t slot)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_thread *thread = &syscalls->threads[step->at.thread];
	const uint32_t process = process_of(step);
	uint32_t *first = &syscalls->processes[process].missed;

	thread->missed = false;
	*(number == SYSCALL_NUMBER_RT_SIGRETURN ? &syscalls->missed_returns :
						  &syscalls->missed_calls) += 1;
	for (uint32_t at = *first; at; at = syscalls->missed[at - 1].next) {
		struct syscalls_missed *missed = &syscalls->missed[at - 1];

		if (missed->instruction == thread->instruction && missed->slot == slot) {
			missed->calls++;
			return;
		}
	}
	if (!more((void **)&syscalls->missed, syscalls->missed_count, &syscalls->missed_room,
		  sizeof(*syscalls->missed))) {
		step->at.locks->no_memory = true;
		return;
	}
	syscalls->missed[syscalls->missed_count++] = (struct syscalls_missed){
		.instruction = thread->instruction,
		.calls = 1,
		.slot = slot,
		.process = process,
		.next = *first,
	};
	*first = (uint32_t)syscalls->missed_count;
}

/* Counts a call that begins. */
static void begin(const struct step *step, uint32_t number, struct futex_use *use)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_thread *thread = &syscalls->threads[step->at.thread];
	struct syscalls_process *process = &syscalls->processes[thread->process];
	const uint32_t slot = syscall_slot(&syscalls->slots, number);
	uint64_t *calls = calls_of(process, slot);
	struct nest_call forgotten;

	step->at.locks->no_memory |= !calls;
	syscalls->calls[slot].calls++;
	process->tally.futex += use != NULL;
	if (calls)
		++*calls;
	if (thread->nest.children == 0) {
		thread->tally.calls++;
		thread->tally.futex += use != NULL;
	}
	if (use)
		use->calls++;
	if (thread->missed)
		miss(step, number, slot);
	if (!nest_returns(number))
		return;
	if (nest_make_room(&thread->nest, &forgotten) && thread->nest.children == 0)
		thread->process = process_of(step);
	nest_enter(&thread->nest, number, step->at.when, use);
}

void syscalls_enter(const struct step *step)
{
	look_through(step);
	if (step->at.locks->syscalls)
		begin(step, (uint32_t)step->record->operand, NULL);
}

static enum futex_way way_of(unsigned operation)
{
	switch (operation & ~(unsigned)FUTEX_PRIVATE_FLAG) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		return FUTEX_WAITS;
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
	case FUTEX_UNLOCK_PI:
		return FUTEX_WAKES;
	default:
		return FUTEX_OTHERS;
	}
}

/* What the word is part of; null when that is unknown. */
static struct object *object_of(const struct step *step, uint64_t word)
{
	struct syscalls_thread *thread = &step->at.locks->syscalls->threads[step->at.thread];
	const struct objects *objects = &step->at.locks->objects;
	const size_t at = (word * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - SYSCALLS_WORD_BITS);

	if (thread->words[at].word == word &&
	    (thread->words[at].object ? !thread->words[at].object->retired :
					thread->words[at].objects == objects->count))
		return thread->words[at].object;
	thread->words[at].word = word;
	thread->words[at].objects = objects->count;
	thread->words[at].object = objects_at_word(objects, process_of(step), word);
	return thread->words[at].object;
}

void syscalls_futex(const struct step *step)
{
	const enum futex_way way = way_of(step_detail(step));
	const uint64_t word = step_value(step);
	struct locks *locks = step->at.locks;
	struct futex_use *uses;
	struct object *object;

	look_through(step);
	if (!locks->syscalls)
		return;
	object = object_of(step, word);
	if (object)
		uses = object_futex(object);
	else if (family_is_in_handle(&locks->family, process_of(step), word))
		uses = locks->syscalls->joins;
	else
		uses = locks->syscalls->unknown;
	if (uses)
		begin(step, SYSCALL_NUMBER_FUTEX, &uses[way]);
	locks->no_memory |= !uses;
}

/* A child of vfork begins to run: what comes next is its own. */
static void begin_child(const struct step *step)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_thread *thread = &syscalls->threads[step->at.thread];

	if (!more((void **)&syscalls->processes, syscalls->process_count, &syscalls->process_room,
		  sizeof(*syscalls->processes))) {
		step->at.locks->no_memory = true;
		return;
	}
	syscalls->processes[syscalls->process_count] = (struct syscalls_process){
		.process = FAMILY_NONE,
		.parent = thread->process,
		.begin = step->at.when,
	};
	thread->process = (uint32_t)syscalls->process_count++;
}

static void end_child(const struct step *step, uint64_t pid)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_thread *thread = &syscalls->threads[step->at.thread];
	struct syscalls_process *child = &syscalls->processes[thread->process];

	if (child->process != FAMILY_NONE)
		return; /* its beginning was forgotten */
	child->pid = syscall_error(pid) ? 0 : (uint32_t)pid;
	thread->process = child->parent;
}

/* Counts a call that has ended. */
static void end(const struct step *step, const struct nest_call *call, uint64_t result)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_thread *thread = &syscalls->threads[step->at.thread];
	struct syscalls_process *process = &syscalls->processes[thread->process];
	struct syscalls_call *sums = &syscalls->calls[syscall_slot(&syscalls->slots, call->number)];
	const uint64_t time = step->at.when > call->since ? step->at.when - call->since : 0;
	const bool failed = syscall_error(result) != 0;
	struct futex_use *use = call->of;

	if (step->at.locks->watch && thread->nest.children == 0)
		watch_called(&step->at, syscall_call(call->number), call->since);
	sums->ended++;
	sums->errors += failed;
	process->tally.errors += failed;
	process->tally.time += time;
	if (thread->nest.children == 0) {
		thread->tally.errors += failed;
		thread->tally.time += time;
	}
	step->at.locks->no_memory |= !spread_add(&sums->time, time);
	if (!use)
		return;
	use->errors += failed;
	step->at.locks->no_memory |= !spread_add(&use->time, time);
}

void syscalls_leave(const struct step *step)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	const uint64_t result = step->record->operand;
	enum nest_meaning meaning;
	struct nest_call call;

	look_through(step);
	if (!syscalls)
		return;
	meaning = nest_leave(&syscalls->threads[step->at.thread].nest, result, &call);
	if (meaning == NEST_CHILD)
		begin_child(step);
	else if (meaning == NEST_PARENT)
		end_child(step, result);
	if (meaning == NEST_END || meaning == NEST_PARENT)
		end(step, &call, result);
}

/* posix_spawn has returned, so its child runs on its parent's memory no more: its last call may
 * have been one in which it was killed. */
void syscalls_spawned(const struct step *step)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct nest_call call;

	if (!syscalls || !nest_resume(&syscalls->threads[step->at.thread].nest, &call))
		return;
	end_child(step, step_value(step));
	end(step, &call, step_value(step));
}

void syscalls_miss(const struct step *step)
{
	struct syscalls *syscalls = step->at.locks->syscalls;

	look_through(step);
	if (!syscalls)
		return;
	syscalls->threads[step->at.thread].missed = true;
	syscalls->threads[step->at.thread].instruction = step_value(step);
}

void syscalls_mode_of(const struct step *step)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_process *process;

	if (!syscalls)
		return;
	process = &syscalls->processes[process_of(step)];
	process->mode_known = true;
	process->mode = (uint8_t)step_detail(step);
	process->mode_reason = step_value(step);
}

void syscalls_sites_of(const struct step *step)
{
	struct syscalls *syscalls = step->at.locks->syscalls;
	struct syscalls_sites sites = { .base = step_value(step) };
	uint32_t *first;

	if (!syscalls || step->count < 3)
		return;
	sites.process = process_of(step);
	sites.found = step->record[1].operand;
	sites.patched = step->record[2].operand;
	first = &syscalls->processes[sites.process].sites;
	sites.next = *first;
	/* What is said again is said better. */
	for (uint32_t at = *first; at; at = syscalls->sites[at - 1].next) {
		if (syscalls->sites[at - 1].base == sites.base) {
			sites.next = syscalls->sites[at - 1].next;
			syscalls->sites[at - 1] = sites;
			return;
		}
	}
	if (!more((void **)&syscalls->sites, syscalls->site_count, &syscalls->site_room,
		  sizeof(*syscalls->sites))) {
		step->at.locks->no_memory = true;
		return;
	}
	syscalls->sites[syscalls->site_count++] = sites;
	*first = (uint32_t)syscalls->site_count;
}

struct syscalls *syscalls_create(const struct family *family)
{
	struct syscalls *syscalls = calloc(1, sizeof(*syscalls));

	if (!syscalls)
		return NULL;
	syscalls->processes = calloc(family->process_count + 1, sizeof(*syscalls->processes));
	syscalls->threads = calloc(family->trace->thread_count + 1, sizeof(*syscalls->threads));
	if (!syscalls->processes || !syscalls->threads) {
		syscalls_destroy(syscalls);
		return NULL;
	}
	syscalls->process_count = family->process_count;
	syscalls->process_room = family->process_count + 1;
	for (uint32_t i = 0; i < family->process_count; i++) {
		syscalls->processes[i].process = i;
		syscalls->processes[i].pid = family->processes[i].pid;
		syscalls->processes[i].begin = family->processes[i].begin;
	}
	for (size_t i = 0; i < family->trace->thread_count; i++)
		syscalls->threads[i].process = family->threads[i].process;
	return syscalls;
}

void syscalls_destroy(struct syscalls *syscalls)
{
	if (!syscalls)
		return;
	for (size_t i = 0; syscalls->processes && i < syscalls->process_count; i++)
		free(syscalls->processes[i].calls);
	for (uint32_t i = 0; i < syscalls->slots.count; i++)
		spread_finish(&syscalls->calls[i].time);
	futex_finish(syscalls->joins);
	futex_finish(syscalls->unknown);
	free(syscalls->processes);
	free(syscalls->threads);
	free(syscalls->sites);
	free(syscalls->missed);
	free(syscalls);
}

/* The image that a child executed: the next one of its pid. */
static uint32_t find_image(const struct syscalls *syscalls, const struct family *family,
			   const struct syscalls_process *child)
{
	uint32_t found = FAMILY_NONE;

	for (uint32_t i = 0; child->pid != 0 && i < family->process_count; i++) {
		const struct family_process *image = &family->processes[i];

		if (image->pid == child->pid && image->origin == TRACE_BY_EXEC &&
		    image->begin >= child->begin &&
		    (found == FAMILY_NONE || image->begin < syscalls->processes[found].begin))
			found = i;
	}
	return found;
}

/* False: no memory. */
static bool join(struct syscalls_process *image, struct syscalls_process *child)
{
	for (uint32_t slot = 0; slot < child->call_room; slot++) {
		uint64_t *calls = child->calls[slot] ? calls_of(image, slot) : NULL;

		if (!calls && child->calls[slot])
			return false;
		if (calls)
			*calls += child->calls[slot];
	}
	image->tally.errors += child->tally.errors;
	image->tally.futex += child->tally.futex;
	image->tally.time += child->tally.time;
	child->joined = true;
	return true;
}

static void inherit_modes(struct syscalls *syscalls, const struct family *family)
{
	for (uint32_t i = 0; i < syscalls->process_count; i++) {
		struct syscalls_process *process = &syscalls->processes[i];
		const uint32_t parent =
			i < family->process_count ? family->processes[i].parent : process->parent;
		const bool forked =
			i >= family->process_count || family->processes[i].origin == TRACE_BY_FORK;

		/* Children have the higher number; damaged headers shall make no ring. */
		if (process->mode_known || !forked || parent >= i ||
		    !syscalls->processes[parent].mode_known)
			continue;
		process->mode_known = true;
		process->mode = syscalls->processes[parent].mode;
		process->mode_reason = syscalls->processes[parent].mode_reason;
	}
}

/* Nothing is told of what nobody asked for, by a version that could have. */
static void note_unasked(struct syscalls *syscalls, const struct family *family)
{
	bool could = false;

	for (size_t i = 0; i < syscalls->process_count; i++) {
		if (syscalls->processes[i].mode_known || syscalls->processes[i].call_room > 0)
			return;
	}
	for (size_t i = 0; i < family->trace->thread_count; i++)
		could |= family->trace->threads[i].header.version >= TRACE_VERSION_SYSCALLS;
	for (size_t i = 0; could && i < syscalls->process_count; i++) {
		syscalls->processes[i].mode_known = true;
		syscalls->processes[i].mode = TRACE_SYSCALLS_OFF;
		syscalls->processes[i].mode_reason = TRACE_SYSCALLS_AS_ASKED;
	}
}

bool syscalls_complete(struct syscalls *syscalls, const struct family *family)
{
	note_unasked(syscalls, family);
	inherit_modes(syscalls, family);
	for (size_t i = family->process_count; i < syscalls->process_count; i++) {
		struct syscalls_process *child = &syscalls->processes[i];
		const uint32_t image = find_image(syscalls, family, child);

		if (image != FAMILY_NONE && !join(&syscalls->processes[image], child))
			return false;
	}
	for (size_t i = 0; i < syscalls->process_count; i++) {
		struct syscalls_process *process = &syscalls->processes[i];

		for (uint32_t slot = 0; slot < process->call_room; slot++)
			process->tally.calls += process->calls[slot];
		if (process->joined)
			continue;
		syscalls->tally.calls += process->tally.calls;
		syscalls->tally.errors += process->tally.errors;
		syscalls->tally.futex += process->tally.futex;
		syscalls->tally.time += process->tally.time;
	}
	return true;
}

uint64_t syscalls_unfinished(const struct syscalls *syscalls, uint32_t slot)
{
	const struct syscalls_call *call = &syscalls->calls[slot];
	const uint32_t number = syscalls->slots.numbers[slot];

	return nest_returns(number) && !nest_is_exec(number) ? call->calls - call->ended : 0;
}

bool syscalls_are_known(const struct syscalls_process *process)
{
	return (process->mode_known && process->mode != TRACE_SYSCALLS_OFF) ||
	       process->tally.calls > 0;
}

bool syscalls_recorded(const struct syscalls *syscalls)
{
	for (size_t i = 0; i < syscalls->process_count; i++) {
		if (syscalls_are_known(&syscalls->processes[i]))
			return true;
	}
	return false;
}
