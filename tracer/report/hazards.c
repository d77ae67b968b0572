/* What is a hazard, of what was watched:
 * - A deadlock: a ring of threads that each waited, at the end, for what the next one held.
 * - A cycle in the order of locks (cycle.h).
 * - A thread that waited at the end for one that had ended, or did something else.
 * - A livelock: two threads that failed to get each other's lock, in turns, LIVELOCK_TURNS times
 *   without either getting it.
 * - A loop: HAZARDS_LOOP_TRIES tries of a thread for one lock in a row, all in vain.
 * - Starvation: in one wait of STARVED_NS or more others got the lock STARVED_PASSED times, and
 * more often than the process has threads: with turns taken none gets it twice.
 * - A holder in the way: it did what may block, for STAY_NS in all while another thread wanted the
 *   lock. */
#include "tracer/report/hazards.h"

#include "tracer/syscalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVELOCK_TURNS 10
#define STARVED_NS 10000000 /* shorter ones a scheduler makes, too */
#define STARVED_PASSED 10
#define STAY_NS 1000000

const char *hazards_moment(const struct hazards *hazards, uint64_t raw, char to[32])
{
	snprintf(to, 32, "%.6fs", (double)locks_ns(&hazards->report->locks, raw) / 1e9);
	return to;
}

bool hazards_tells_wait(const struct hazards *hazards, const struct stuck_wait *wait)
{
	const struct family *family = &hazards->report->locks.family;
	const struct family_thread *thread = &family->threads[wait->thread];
	const struct family_process *process = &family->processes[thread->process];

	return wait->ring > 0 || wait->behind_ring ||
	       !(process->exited || process->replaced || thread->exited);
}

const char *hazards_word(const struct object *object, char to[HAZARDS_WORD])
{
	if (object->rank > 0)
		snprintf(to, HAZARDS_WORD, "#%zu", object->rank);
	else
		snprintf(to, HAZARDS_WORD, "%s", object->name ? object->name : "a lock");
	return to;
}

static void say_wait(const struct pending *pending, char to[HAZARDS_TEXT])
{
	static const char *const at[WAIT_KINDS] = {
		[WAIT_LOCK] = "waits for",          [WAIT_SEM] = "waits at semaphore",
		[WAIT_COND] = "waits at condition", [WAIT_BARRIER] = "waits at barrier",
		[WAIT_ONCE] = "is in once routine", [WAIT_JOIN] = "waits for a thread to end",
	};

	if (pending->kind == WAIT_JOIN)
		snprintf(to, HAZARDS_TEXT, "%s", at[WAIT_JOIN]);
	else
		snprintf(to, HAZARDS_TEXT, "%s #%zu",
			 pending->kind == WAIT_SEM && !pending->object->no_hold ? at[WAIT_LOCK] :
										  at[pending->kind],
			 pending->object->rank);
}

void hazards_say_state(const struct hazards *hazards, uint32_t thread, char to[HAZARDS_TEXT])
{
	const struct stuck_state state = stuck_state(&hazards->report->locks, thread);
	char moment[32], name[SYSCALL_NAME], wait[HAZARDS_TEXT];

	hazards_moment(hazards, state.since, moment);
	switch (state.doing) {
	case STUCK_WAITING:
		if (state.gil)
			snprintf(wait, sizeof(wait), "waits for %s", state.gil->name);
		else
			say_wait(state.pending, wait);
		snprintf(to, HAZARDS_TEXT, "%.*s since %s", HAZARDS_TEXT - 50, wait, moment);
		break;
	case STUCK_CALLING:
		snprintf(to, HAZARDS_TEXT, "is in %s since %s",
			 state.number != UINT32_MAX ? syscall_name(state.number, name) :
						      trace_call_name(state.call),
			 moment);
		break;
	case STUCK_ENDED:
		snprintf(to, HAZARDS_TEXT, "had ended at %s", moment);
		break;
	default:
		snprintf(to, HAZARDS_TEXT, "ran: its last record is of %s", moment);
	}
}

void hazards_say_stay(const struct object_stay *stay, char to[HAZARDS_TEXT])
{
	static const char *const waits[WAIT_KINDS] = {
		[WAIT_LOCK] = "waiting for #",          [WAIT_SEM] = "waiting at semaphore #",
		[WAIT_COND] = "waiting at condition #", [WAIT_BARRIER] = "waiting at barrier #",
		[WAIT_ONCE] = "once routine #",         [WAIT_JOIN] = "joining a thread",
	};

	if (stay->call)
		snprintf(to, HAZARDS_TEXT, "%s", trace_call_name(stay->call));
	else if (stay->wait == WAIT_JOIN || !stay->at)
		snprintf(to, HAZARDS_TEXT, "%s", waits[WAIT_JOIN]);
	else
		snprintf(to, HAZARDS_TEXT, "%s%zu", waits[stay->wait], stay->at->rank);
}

static int most_turns_first(const void *a, const void *b)
{
	const struct watch_duel *x = *(const struct watch_duel *const *)a;
	const struct watch_duel *y = *(const struct watch_duel *const *)b;

	return (x->longest.turns < y->longest.turns) - (x->longest.turns > y->longest.turns);
}

static bool find_livelocks(struct hazards *hazards)
{
	const struct watch *watch = hazards->report->locks.watch;

	hazards->livelocks = calloc(watch->duel_count + 1, sizeof(struct watch_duel *));
	if (!hazards->livelocks)
		return false;
	for (size_t i = 0; i < watch->duel_count; i++) {
		const struct watch_duel *duel = &watch->duels[i];

		if (duel->longest.turns >= LIVELOCK_TURNS && duel->objects[0] && duel->objects[1])
			hazards->livelocks[hazards->livelock_count++] = duel;
	}
	qsort(hazards->livelocks, hazards->livelock_count, sizeof(struct watch_duel *),
	      most_turns_first);
	return true;
}

static int most_tries_first(const void *a, const void *b)
{
	const struct hazards_loop *x = a, *y = b;

	return (x->tries < y->tries) - (x->tries > y->tries);
}

static bool find_loops(struct hazards *hazards)
{
	const struct locks *locks = &hazards->report->locks;
	const size_t most = locks->trace->thread_count + OBJECT_MODES * locks->objects.count;

	hazards->loops = calloc(most + 1, sizeof(*hazards->loops));
	if (!hazards->loops)
		return false;
	for (uint32_t i = 0; i < locks->trace->thread_count; i++) {
		const struct actor *actor = &locks->actors[i];

		if (actor->retried && actor->retries >= HAZARDS_LOOP_TRIES &&
		    !object_is_part(actor->retried))
			hazards->loops[hazards->loop_count++] =
				(struct hazards_loop){ actor->retried, actor->retries, false, i };
	}
	for (size_t i = 0; i < locks->objects.count; i++) {
		const struct object *object = locks->objects.all[i];

		for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
			const struct object_use *use = object->uses[mode];

			if (use && use->longest_loop >= HAZARDS_LOOP_TRIES &&
			    !object_is_part(object))
				hazards->loops[hazards->loop_count++] =
					(struct hazards_loop){ object, use->longest_loop, true, 0 };
		}
	}
	qsort(hazards->loops, hazards->loop_count, sizeof(*hazards->loops), most_tries_first);
	return true;
}

/* How many threads a process had, at one time or another. */
static size_t count_threads(const struct locks *locks, uint32_t process)
{
	size_t count = 0;

	for (size_t i = 0; i < locks->trace->thread_count; i++)
		count += locks->family.threads[i].process == process;
	return count;
}

static void find_longest(struct hazards *hazards)
{
	const struct locks *locks = &hazards->report->locks;
	const struct long_wait *longest = NULL;

	for (size_t i = 0; i < locks->objects.count; i++) {
		const struct object *object = locks->objects.all[i];
		const struct long_wait *wait = object->watch ? object->watch->longest : NULL;

		hazards->lock_count += report_is_lock(object) &&
				       (object->uses[OBJECT_ALONE] || object->uses[OBJECT_SHARED]);
		/* Waiting for a thread's end is not waiting for a turn. */
		if (!wait || !report_is_lock(object) || object->watch->born_to)
			continue;
		if (!longest || wait->duration.raw > longest->duration.raw)
			longest = wait;
	}
	hazards->longest = longest;
	hazards->starved = longest && longest->passed >= STARVED_PASSED &&
			   locks_ns(locks, longest->duration.raw) >= STARVED_NS &&
			   longest->passed > count_threads(locks, longest->object->process);
}

static int longest_in_the_way_first(const void *a, const void *b)
{
	const struct object_stay *x = ((const struct hazards_stay *)a)->stay;
	const struct object_stay *y = ((const struct hazards_stay *)b)->stay;

	return (x->hindered_time < y->hindered_time) - (x->hindered_time > y->hindered_time);
}

static bool is_in_the_way(const struct hazards *hazards, const struct object *object,
			  const struct object_stay *stay)
{
	/* Waiting for another lock is what the order of locks is about. */
	return stay->hindered > 0 && !(stay->at && report_is_lock(stay->at)) &&
	       !object->watch->born_to && report_is_lock(object) && !object_is_part(object) &&
	       locks_ns(&hazards->report->locks, stay->hindered_time) >= STAY_NS;
}

static bool find_stays(struct hazards *hazards)
{
	const struct objects *objects = &hazards->report->locks.objects;
	size_t room = 0;

	for (size_t i = 0; i < objects->count; i++) {
		const struct object *object = objects->all[i];
		const struct object_stay *stay = object->watch ? object->watch->stays : NULL;

		for (; stay; stay = stay->next) {
			if (!is_in_the_way(hazards, object, stay))
				continue;
			if (hazards->stay_count == room) {
				struct hazards_stay *stays =
					realloc(hazards->stays, 2 * (room + 8) * sizeof(*stays));

				if (!stays)
					return false;
				hazards->stays = stays;
				room = 2 * (room + 8);
			}
			hazards->stays[hazards->stay_count++] =
				(struct hazards_stay){ object, stay };
		}
	}
	if (hazards->stay_count > 0)
		qsort(hazards->stays, hazards->stay_count, sizeof(*hazards->stays),
		      longest_in_the_way_first);
	return true;
}

static int most_waited_first(const void *a, const void *b)
{
	const struct gil_call *x = ((const struct hazards_kept *)a)->call;
	const struct gil_call *y = ((const struct hazards_kept *)b)->call;

	return (x->kept_waited < y->kept_waited) - (x->kept_waited > y->kept_waited);
}

/* Room for all calls of all users of a lock. */
static bool find_kept_of(struct hazards *hazards, size_t index)
{
	const struct watch *watch = hazards->report->locks.watch;
	const struct gil *gil = &watch->gils->all[index];
	size_t most = hazards->kept_count;
	struct hazards_kept *kept;

	for (size_t i = 0; i < gil->user_count; i++)
		most += gil->users[i]->call_room;
	kept = realloc(hazards->kept, (most + 1) * sizeof(*kept));
	if (!kept)
		return false;
	hazards->kept = kept;
	for (size_t i = 0; i < gil->user_count; i++) {
		const struct gil_user *user = gil->users[i];

		for (uint32_t slot = 0; slot < user->call_room; slot++) {
			if (user->calls[slot].kept_waiters > 0)
				kept[hazards->kept_count++] =
					(struct hazards_kept){ gil, watch->gil_objects[index], user,
							       &user->calls[slot], slot };
		}
	}
	return true;
}

static bool find_kept(struct hazards *hazards)
{
	const struct gils *gils = hazards->report->locks.watch->gils;

	for (size_t i = 0; gils && i < gils->count; i++) {
		if (hazards->report->locks.watch->gil_objects[i] && !find_kept_of(hazards, i))
			return false;
	}
	if (hazards->kept_count > 0)
		qsort(hazards->kept, hazards->kept_count, sizeof(*hazards->kept),
		      most_waited_first);
	return true;
}

static void find_asker(struct hazards *hazards)
{
	const struct watch *watch = hazards->report->locks.watch;

	for (size_t i = 0; watch->gils && i < watch->gils->count; i++) {
		const struct gil *gil = &watch->gils->all[i];

		for (size_t k = 0; watch->gil_objects[i] && k < gil->user_count; k++) {
			const struct gil_user *user = gil->users[k];
			const uint64_t longest = user->unfinished_wait > user->tally.wait.max ?
							 user->unfinished_wait :
							 user->tally.wait.max;

			if (longest <= hazards->asker_longest)
				continue;
			hazards->asker_longest = longest;
			hazards->asker = user;
			hazards->asked = watch->gil_objects[i];
		}
	}
}

static bool is_ring_of(const struct stuck_ring *ring, const struct cycle *cycle)
{
	size_t found = 0;

	for (size_t i = 0; i < ring->length; i++) {
		for (size_t k = 0; k < cycle->length; k++)
			found += ring->waits[i]->object == cycle->links[k].edge->from;
	}
	return ring->length == cycle->length && found == cycle->length;
}

/* A cycle that came to a deadlock is told as that. */
static void mark_happened(struct hazards *hazards)
{
	for (size_t i = 0; i < hazards->cycles.count; i++) {
		struct cycle *cycle = &hazards->cycles.all[i];

		for (size_t k = 0; k < hazards->stuck.ring_count; k++)
			cycle->happened |= is_ring_of(&hazards->stuck.rings[k], cycle);
		hazards->cycle_count += !cycle->happened;
	}
}

static bool find_all(struct hazards *hazards)
{
	const struct locks *locks = &hazards->report->locks;

	find_longest(hazards);
	if (!cycles_find(&hazards->cycles, locks) || !stuck_find(&hazards->stuck, locks))
		return false;
	mark_happened(hazards);
	find_asker(hazards);
	return find_livelocks(hazards) && find_loops(hazards) && find_stays(hazards) &&
	       find_kept(hazards);
}

bool hazards_report(struct report *report, bool as_json, struct err *err)
{
	struct hazards *hazards = calloc(1, sizeof(*hazards));
	bool right = false;

	if (hazards) {
		hazards->report = report;
		right = find_all(hazards);
	}
	if (right) {
		hazards_note(hazards);
		hazards_judge(hazards);
		if (as_json)
			hazards_emit(hazards);
		else
			hazards_show(hazards);
	}
	if (hazards) {
		cycles_finish(&hazards->cycles);
		stuck_finish(&hazards->stuck);
		free(hazards->livelocks);
		free(hazards->loops);
		free(hazards->stays);
		free(hazards->kept);
	}
	free(hazards);
	return right || err_set(err, EXIT_IMPOSSIBLE, "no memory for hazards");
}
