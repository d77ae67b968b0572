/* What hazards come to, in sentences, and what a trace or a program cannot show of them. */
#include "tracer/report/hazards.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void say(struct hazards *hazards, const char *format,
						      ...)
{
	va_list args;

	if (hazards->sentence_count == REPORT_SENTENCES)
		return;
	va_start(args, format);
	vsnprintf(hazards->verdict[hazards->sentence_count++], REPORT_SENTENCE, format, args);
	va_end(args);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static unsigned number_of(const struct hazards *hazards, uint32_t thread)
{
	return hazards->report->trace->threads[thread].header.number;
}

static void judge_ring(struct hazards *hazards, const struct stuck_ring *ring)
{
	const struct watch_copy *copy = ring->waits[0]->copy;
	const unsigned first = number_of(hazards, ring->waits[0]->thread);
	char threads[300] = "";
	size_t used = 0;

	for (size_t i = 0; i < ring->length && used < sizeof(threads); i++)
		used += (size_t)snprintf(threads + used, sizeof(threads) - used, "%s%u",
					 i ? ", " : "", number_of(hazards, ring->waits[i]->thread));
	if (copy)
		say(hazards,
		    "DEADLOCK: thread %u waited for a lock that thread %u held at the fork of its "
		    "process",
		    first, number_of(hazards, copy->holder));
	else if (ring->length == 1)
		say(hazards, "DEADLOCK: thread %u waited for a lock that it held itself", first);
	else
		say(hazards, "DEADLOCK: threads %s waited for each other", threads);
}

/* Whether a part of what happened is not in the records. */
static bool is_incomplete(const struct hazards *hazards)
{
	const struct trace *trace = hazards->report->trace;
	bool damaged = hazards->report->locks.family.unseen > 0 || trace->lost > 0 ||
		       trace->info.arena || !trace->info.finished;

	for (size_t i = 0; i < trace->thread_count; i++)
		damaged |= trace->threads[i].trouble || trace->threads[i].header.number != i + 1;
	return damaged;
}

/* What the verdict does not cover. */
static void judge_rest(struct hazards *hazards)
{
	const size_t undecided = hazards->cycles.undecided;
	const bool damaged = is_incomplete(hazards);

	if (undecided > 0)
		say(hazards,
		    "MAY DEADLOCK: %zu ring%s of locks in which not all ways were kept or compared",
		    undecided, plural(undecided));
	if (hazards->sentence_count == 0 && (damaged || hazards->cycles.cut))
		say(hazards, "nothing was found in what was seen and compared");
	else if (hazards->sentence_count == 0)
		say(hazards, "no hazard was found");
	if (hazards->cycles.cut && undecided == 0)
		say(hazards, "not all orders of locks were compared");
	if (damaged)
		say(hazards,
		    "records are missing or damaged: what those threads did is not judged");
}

/* Of more deadlocks the verdict gives the number: it has room for what else there is. */
#define RINGS_TOLD 4

void hazards_judge(struct hazards *hazards)
{
	const size_t rings = hazards->stuck.ring_count;
	size_t left = 0, behind = 0;

	for (size_t i = 0; i < rings && i < RINGS_TOLD; i++)
		judge_ring(hazards, &hazards->stuck.rings[i]);
	if (rings > RINGS_TOLD)
		say(hazards, "DEADLOCK: %zu in all", rings);
	for (size_t i = 0; i < hazards->stuck.count; i++) {
		const struct stuck_wait *wait = &hazards->stuck.waits[i];

		behind += wait->ring == 0 && wait->behind_ring;
		left += wait->ring == 0 && !wait->behind_ring && hazards_tells_wait(hazards, wait);
	}
	if (behind > 0)
		say(hazards, "%zu more thread%s waited for those", behind, plural(behind));
	if (hazards->cycle_count > 0)
		say(hazards,
		    "COULD DEADLOCK: %zu cycle%s in the order in which locks are taken; with other "
		    "timing the threads wait for each other for ever",
		    hazards->cycle_count, plural(hazards->cycle_count));
	if (hazards->livelock_count > 0)
		say(hazards,
		    "LIVELOCK: %zu pair%s of threads failed each other's tries in turns, without "
		    "progress",
		    hazards->livelock_count, plural(hazards->livelock_count));
	if (left > 0)
		say(hazards, "%zu thread%s still waited for a lock or a thread at the end", left,
		    plural(left));
	if (hazards->loop_count > 0)
		say(hazards, "%zu loop%s of %d tries or more for one lock, all in vain",
		    hazards->loop_count, plural(hazards->loop_count), HAZARDS_LOOP_TRIES);
	if (hazards->starved)
		say(hazards, "STARVATION: others got a lock %" PRIu64 " times in one wait for it",
		    hazards->longest->passed);
	if (hazards->stay_count > 0)
		say(hazards,
		    "%zu time%s a lock was wanted while its holder did something that may block",
		    hazards->stay_count, plural(hazards->stay_count));
	if (hazards->kept_count > 0)
		say(hazards,
		    "%zu time%s an interpreter's lock was kept in a call that blocked, and others "
		    "waited",
		    hazards->kept_count, plural(hazards->kept_count));
	judge_rest(hazards);
}

#define TRACE_VERSION_TRIES 4

/* Whether a process has an object whose file's name begins so: the number behind that, or else 1.
 */
static unsigned has_module(const struct family_process *process, const char *begin, size_t length)
{
	for (size_t i = 0; i < process->module_count; i++) {
		const char *path = process->modules[i].path ? process->modules[i].path : "";
		const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		unsigned long number;

		if (strncmp(name, begin, length) != 0)
			continue;
		number = strtoul(name + length, NULL, 10);
		return number > 0 ? (unsigned)number : 1;
	}
	return 0;
}

/* Whether it has a semaphore that is used as a lock. */
static bool has_semaphore(const struct objects *objects, uint32_t process)
{
	for (size_t i = 0; i < objects->count; i++) {
		const struct object *object = objects->all[i];

		if (object->process == process && object->type == OBJECT_SEM && !object->no_hold &&
		    object->uses[OBJECT_ALONE] && !object_is_part(object))
			return true;
	}
	return false;
}

static void add_note(struct hazards *hazards, const char *text)
{
	for (size_t i = 0; i < hazards->note_count; i++) {
		if (strcmp(hazards->notes[i], text) == 0)
			return;
	}
	if (hazards->note_count < HAZARDS_NOTES)
		hazards->notes[hazards->note_count++] = text;
}

#define BEGINS(process, name) has_module(process, name, sizeof(name) - 1)

/* The first Python whose locks may be words of its own; those of its predecessors are semaphores.
 */
#define PYTHON_MUTEX_MINOR 13

/* Whether a Python's locks may be words of its own, and none was seen that is not. */
static bool hides_locks(const struct locks *locks, uint32_t process)
{
	const struct family_process *facts = &locks->family.processes[process];

	return (BEGINS(facts, "python3.") >= PYTHON_MUTEX_MINOR ||
		BEGINS(facts, "libpython3.") >= PYTHON_MUTEX_MINOR) &&
	       !has_semaphore(&locks->objects, process);
}

/* What such a runtime does not show. */
static void note_runtimes(struct hazards *hazards)
{
	static const char *const ruby =
		"the locks of Ruby's own threads (Mutex, Queue): they change under the "
		"interpreter's lock, and leave no record";
	static const char *const python =
		"the locks of this Python's own threads: words of its own that leave no record";
	static const char *const pypy =
		"who has PyPy's interpreter lock: deadlocks with that are not told";
	const struct locks *locks = &hazards->report->locks;

	for (uint32_t i = 0; i < locks->family.process_count; i++) {
		const struct family_process *process = &locks->family.processes[i];

		if (BEGINS(process, "libruby"))
			add_note(hazards, ruby);
		if (hides_locks(locks, i))
			add_note(hazards, python);
		if (BEGINS(process, "libpypy"))
			add_note(hazards, pypy);
	}
}

/* What such a trace or program cannot show. */
void hazards_note(struct hazards *hazards)
{
	const struct trace *trace = hazards->report->trace;
	bool tries = true;

	if (is_incomplete(hazards))
		add_note(hazards, "what threads did whose records are missing or damaged");
	/* Of a thread that could not be read nothing is known, its version neither. */
	for (size_t i = 0; i < trace->thread_count; i++)
		tries &= trace->threads[i].header.version >= TRACE_VERSION_TRIES ||
			 (trace->threads[i].records == 0 && trace->threads[i].trouble);
	if (!tries)
		add_note(hazards,
			 "tries: in a trace of this version those that succeeded look like "
			 "other takes, and may make cycles");
	note_runtimes(hazards);
}
