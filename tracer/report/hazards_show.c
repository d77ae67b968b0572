/* Hazards for people, in 100 columns: what was lost, the verdict, then each finding with its
 * threads, locks and times, the most serious ones first. */
#include "tracer/report/hazards.h"
#include "tracer/report/report_text.h"

#include "tracer/syscalls.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABEL 10
#define INDENT 4

/* A line of a finding; what does not fit goes on below. */
__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
	char text[2 * REPORT_SENTENCE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("%*s", INDENT, "");
	wrap_print(stdout, INDENT, text);
}

#define NAME 300

/* "#3 lock_a (program)". */
static const char *lock_name(const struct hazards *hazards, const struct object *object,
			     char to[NAME])
{
	struct symbol_name name;

	if (object->rank == 0)
		return hazards_word(object, to);
	symbols_object(hazards->report->symbols, object, &name);
	snprintf(to, NAME, "#%zu %.*s", object->rank, NAME - 24, name.text);
	return to;
}

/* One of the locks of a finding, whose sentences then need its number alone. */
static void put_lock(const struct hazards *hazards, const struct object *object)
{
	char name[NAME], since[32];

	if (object->rank == 0)
		return; /* an interpreter's */
	put("%s, a %s, %s at %s", lock_name(hazards, object, name),
	    object->type == OBJECT_SEM ? "semaphore used as a lock" :
					 object_type_name((enum object_type)object->type),
	    object->inited ? "made" : "seen first", hazards_moment(hazards, object->since, since));
}

static const char *thread_name(const struct hazards *hazards, uint32_t thread, char to[40])
{
	return text_thread(hazards->report, thread, to);
}

/* Rings of locks that cannot hang, by why not. */
static void say_harmless(const struct cycles *cycles, char to[HAZARDS_TEXT])
{
	const struct {
		size_t count;
		const char *why;
	} kinds[] = {
		{ cycles->one_thread, "by one thread alone" },
		{ cycles->shared, "of readers" },
		{ cycles->guarded, "under a common lock" },
		{ cycles->ordered, "by threads one behind the other" },
	};
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].count > 0)
			used += (size_t)snprintf(to + used, HAZARDS_TEXT - used, "%s%zu %s",
						 used ? ", " : "; rings that cannot hang: ",
						 kinds[i].count, kinds[i].why);
	}
}

static void show_checked(const struct hazards *hazards)
{
	const struct cycles *cycles = &hazards->cycles;
	char harmless[HAZARDS_TEXT];

	say_harmless(cycles, harmless);
	wrap_label(
		stdout, "checked", LABEL,
		"%zu lock%s; %zu time%s one was taken while another was held, counting each pair "
		"once%s",
		hazards->lock_count, hazards->lock_count == 1 ? "" : "s", cycles->pairs,
		cycles->pairs == 1 ? "" : "s", harmless);
	if (cycles->cut)
		wrap_label(stdout, "CUT", LABEL,
			   "not all orders of locks were compared: there are too many; whether %zu "
			   "ring%s can hang is not known",
			   cycles->undecided, cycles->undecided == 1 ? "" : "s");
}

static void show_link(const struct hazards *hazards, const struct stuck_wait *wait, uint32_t holder)
{
	const struct locks *locks = &hazards->report->locks;
	char thread[40], other[60], name[40], since[32], held[32] = "", lock[HAZARDS_WORD];
	uint64_t when;

	thread_name(hazards, wait->thread, thread);
	thread_name(hazards, holder, name);
	hazards_moment(hazards, wait->since, since);
	if (!wait->object) {
		put("thread %s waits since %s for thread %s to end", thread, since, name);
		return;
	}
	if (wait->copy) {
		put("thread %s waits since %s for its process's copy of %s, which thread %s held "
		    "at the fork",
		    thread, since, hazards_word(wait->object, lock),
		    thread_name(hazards, wait->copy->holder, name));
		return;
	}
	if (stuck_held_since(locks, holder, wait->object, &when))
		hazards_moment(hazards, when, held);
	if (holder == wait->thread)
		snprintf(other, sizeof(other), "it itself");
	else
		snprintf(other, sizeof(other), "thread %s", name);
	put("thread %s waits since %s for %s, which %s has held since %s", thread, since,
	    hazards_word(wait->object, lock), other, held);
}

/* Where a thread waits for itself, or for a thread of the process that its own is a copy of. */
static const char *advise_one(const struct stuck_wait *wait)
{
	if (wait->copy)
		return "fork before there are threads, exec at once, or hold all locks around fork "
		       "(pthread_atfork)";
	if (wait->object && wait->object->type == OBJECT_RWLOCK)
		return "let go of the read lock before asking for the write lock";
	if (wait->object && wait->object->type == OBJECT_MUTEX)
		return "let go of the lock first, or use a recursive one";
	return "let go of the lock first";
}

static void show_ring(const struct hazards *hazards, size_t index)
{
	const struct stuck_ring *ring = &hazards->stuck.rings[index];
	bool joins = false, gil = false;

	printf("\ndeadlock of %zu thread%s: nobody could go on\n", ring->length,
	       ring->length == 1 ? "" : "s");
	for (size_t i = 0; i < ring->length; i++) {
		if (ring->waits[i]->object)
			put_lock(hazards, ring->waits[i]->object);
		else
			joins = true;
		gil |= ring->waits[i]->object && ring->waits[i]->object->rank == 0;
	}
	for (size_t i = 0; i < ring->length; i++) {
		const struct stuck_wait *next = ring->waits[(i + 1) % ring->length];

		show_link(hazards, ring->waits[i], next->thread);
	}
	if (ring->length == 1)
		put("do: %s", advise_one(ring->waits[0]));
	else if (gil)
		put("do: let go of the interpreter's lock before waiting for another one");
	else if (joins)
		put("do: let go of the lock before waiting for a thread to end");
	else
		put("do: take these locks in one order everywhere, or hold only one at a time");
}

static void show_cycle_link(const struct hazards *hazards, const struct cycle_link *link)
{
	const struct order_way *way = link->way;
	char thread[40], when[32], since[32], times[40] = "", to[HAZARDS_WORD], from[HAZARDS_WORD];

	if (link->edge->count > 1)
		snprintf(times, sizeof(times), ", and so %" PRIu64 " times", link->edge->count);
	put("thread %s %s %s at %s while it held %s since %s%s%s",
	    thread_name(hazards, link->edge->thread, thread),
	    way->wanted == OBJECT_SHARED ? "read-locked" : "took", hazards_word(link->edge->to, to),
	    hazards_moment(hazards, way->first, when), hazards_word(link->edge->from, from),
	    hazards_moment(hazards, way->held_since, since),
	    way->limited ? ", waiting for a limited time" : "", times);
}

static bool was_reused(const struct hazards *hazards, const struct object *object)
{
	return !object->inited &&
	       !family_module(&hazards->report->locks.family, object->process, object->address);
}

static void show_cycle(const struct hazards *hazards, const struct cycle *cycle)
{
	bool semaphores = false, reused = false, gil = false;

	printf("\na cycle in the order of %zu locks: could deadlock\n", cycle->length);
	for (size_t i = 0; i < cycle->length; i++) {
		const struct object *from = cycle->links[i].edge->from;

		put_lock(hazards, from);
		semaphores |= from->type == OBJECT_SEM;
		gil |= from->rank == 0;
		reused |= from->rank > 0 && was_reused(hazards, from);
	}
	for (size_t i = 0; i < cycle->length; i++)
		show_cycle_link(hazards, &cycle->links[i]);
	if (cycle->limited)
		put("a time limit ended such waits: then it is a livelock at worst");
	if (semaphores)
		put("a semaphore counts as a lock as long as only those who took it let go of it");
	if (reused)
		put("one lies in memory whose reuse is not seen: it may have been two locks");
	if (gil)
		put("do: let go of the interpreter's lock before waiting for another one");
	else
		put("do: take these locks in one order everywhere");
}

static void show_cycles(const struct hazards *hazards)
{
	const struct cycles *cycles = &hazards->cycles;
	const size_t top = hazards->report->top;

	size_t shown = 0;

	for (size_t i = 0; i < cycles->count && shown < top; i++) {
		if (cycles->all[i].happened)
			continue;
		show_cycle(hazards, &cycles->all[i]);
		shown++;
	}
	if (hazards->cycle_count > top)
		printf("\n... of %zu cycles; --top shows more\n", hazards->cycle_count);
}

static void show_livelocks(const struct hazards *hazards)
{
	for (size_t i = 0; i < hazards->livelock_count && i < hazards->report->top; i++) {
		const struct watch_duel *duel = hazards->livelocks[i];
		char one[40], other[40], first[NAME], second[NAME], begin[32], end[32];

		printf("\nlivelock of two threads\n");
		put("thread %s tried for %s, and thread %s for %s, %" PRIu64
		    " times in all, each while the other had it: %" PRIu64
		    " times in turns from %s to %s before either got it%s",
		    thread_name(hazards, duel->threads[0], one),
		    lock_name(hazards, duel->objects[0], first),
		    thread_name(hazards, duel->threads[1], other),
		    lock_name(hazards, duel->objects[1], second), duel->tries, duel->longest.turns,
		    hazards_moment(hazards, duel->longest.begin, begin),
		    hazards_moment(hazards, duel->longest.end, end),
		    duel->unended ? ", and so at the end" : "");
		put("do: wait for a random time after letting go, or take the locks in one order");
	}
}

/* One that nobody seems to hold. */
static void show_unheld(const struct hazards *hazards, const struct stuck_wait *wait)
{
	char thread[40], since[32], word[HAZARDS_WORD] = "a thread that left no records";
	const char *why = "";

	if (wait->object)
		hazards_word(wait->object, word);
	if (wait->signal)
		why = ", which it made and took itself, as Python's conditions do: nobody has "
		      "woken it";
	else if (wait->object)
		why = ", which nobody that was recorded held";
	put("thread %s waits since %s for %s%s", thread_name(hazards, wait->thread, thread),
	    hazards_moment(hazards, wait->since, since), word, why);
}

static void show_wait(const struct hazards *hazards, const struct stuck_wait *wait)
{
	if (wait->object)
		put_lock(hazards, wait->object);
	if (wait->holder_count == 0)
		show_unheld(hazards, wait);
	for (size_t i = 0; i < wait->holder_count; i++) {
		const uint32_t holder = hazards->stuck.holders[wait->holders + i];
		char thread[40], state[HAZARDS_TEXT];

		show_link(hazards, wait, holder);
		hazards_say_state(hazards, holder, state);
		put("thread %s %s", thread_name(hazards, holder, thread), state);
	}
}

static void show_waits(const struct hazards *hazards)
{
	bool any = false;

	for (size_t i = 0; i < hazards->stuck.count; i++) {
		const struct stuck_wait *wait = &hazards->stuck.waits[i];

		if (wait->ring > 0 || !hazards_tells_wait(hazards, wait))
			continue;
		if (!any)
			printf("\nwaiting at the end\n");
		any = true;
		show_wait(hazards, wait);
	}
}

static void show_loops(const struct hazards *hazards)
{
	for (size_t i = 0; i < hazards->loop_count && i < hazards->report->top; i++) {
		const struct hazards_loop *loop = &hazards->loops[i];
		char name[NAME], thread[40];

		if (i == 0)
			printf("\ntries in vain\n");
		lock_name(hazards, loop->object, name);
		if (loop->ended)
			put("%s was tried for %" PRIu64 " times in a row before its thread got it",
			    name, loop->tries);
		else
			put("thread %s tried %" PRIu64 " times in a row for %s, and never got it",
			    thread_name(hazards, loop->thread, thread), loop->tries, name);
	}
}

static void show_longest(const struct hazards *hazards)
{
	const struct long_wait *wait = hazards->longest;
	const uint64_t lived = wait ? report_lived(hazards->report, wait->thread) : 0;
	char thread[40], name[NAME], begin[32], time[16], share[16], life[16], other[40];

	if (!wait)
		return;
	printf("\nlongest wait for a lock%s\n", hazards->starved ? ": starvation" : "");
	put("thread %s waited %s from %s for %s%s: %s of the %s that it lived",
	    thread_name(hazards, wait->thread, thread),
	    report_time(hazards->report, wait->duration.raw, time),
	    hazards_moment(hazards, wait->begin, begin), lock_name(hazards, wait->object, name),
	    wait->ended ? wait->error ? ", in vain" : "" : ", and had not got it at the end",
	    text_share(wait->duration.raw, lived, share),
	    report_time(hazards->report, lived, life));
	if (wait->holder)
		put("when it began thread %s held it; others got it %" PRIu64 " times meanwhile",
		    thread_name(hazards, wait->holder - 1, other), wait->passed);
	else
		put("others got it %" PRIu64 " times meanwhile", wait->passed);
	if (hazards->starved)
		put("do: hold it for shorter, do something else between two holds, or use a lock "
		    "that is given in turns");
}

static void show_asker(const struct hazards *hazards)
{
	const struct gil_user *user = hazards->asker;
	const uint64_t lived = user ? report_lived(hazards->report, user->thread) : 0;
	const uint64_t waited = user ? user->tally.wait.sum + user->unfinished_wait : 0;
	char thread[40], word[HAZARDS_WORD], longest[16], total[16], share[16];

	if (!user)
		return;
	printf("\nlongest wait for an interpreter's lock\n");
	put("thread %s waited %s for %s, and %s in all, %s of its life",
	    thread_name(hazards, user->thread, thread),
	    report_time(hazards->report, hazards->asker_longest, longest),
	    hazards_word(hazards->asked, word), report_time(hazards->report, waited, total),
	    text_share(waited, lived, share));
}

static void show_kept(const struct hazards *hazards)
{
	for (size_t i = 0; i < hazards->kept_count && i < hazards->report->top; i++) {
		const struct hazards_kept *kept = &hazards->kept[i];
		char thread[40], word[HAZARDS_WORD], name[SYSCALL_NAME], longest[16], waited[16];

		if (i == 0)
			printf("\ninterpreters' locks that were kept in calls that blocked\n");
		put("thread %s kept %s in %" PRIu64
		    " calls of %s, %s at most; up to %zu others waited for it meanwhile, %s in all",
		    thread_name(hazards, kept->user->thread, thread),
		    hazards_word(kept->object, word), kept->call->kept,
		    syscall_slot_name(&hazards->report->locks.watch->gils->slots, kept->slot, name),
		    report_time(hazards->report, kept->call->kept_longest, longest),
		    kept->call->kept_waiters,
		    report_time(hazards->report, kept->call->kept_waited, waited));
	}
}

static void show_stays(const struct hazards *hazards)
{
	for (size_t i = 0; i < hazards->stay_count && i < hazards->report->top; i++) {
		const struct object_stay *stay = hazards->stays[i].stay;
		char name[NAME], what[HAZARDS_TEXT], total[16], longest[16], when[32], thread[40];

		if (i == 0)
			printf("\nlocks that were wanted while their holders were blocked\n");
		hazards_say_stay(stay, what);
		put("%s was held during %s %" PRIu64 " time%s, %" PRIu64
		    " of them wanted by others, "
		    "for %s; the longest, by thread %s from %s, took %s",
		    lock_name(hazards, hazards->stays[i].object, name), what, stay->count,
		    stay->count == 1 ? "" : "s", stay->hindered,
		    report_time(hazards->report, stay->hindered_time, total),
		    thread_name(hazards, stay->thread, thread),
		    hazards_moment(hazards, stay->longest_at, when),
		    report_time(hazards->report, stay->longest, longest));
	}
	if (hazards->stay_count > hazards->report->top)
		printf("... of %zu; --top shows more\n", hazards->stay_count);
}

void hazards_show(const struct hazards *hazards)
{
	text_print_losses(hazards->report);
	text_print_trace(hazards->report);
	show_checked(hazards);
	for (size_t i = 0; i < hazards->note_count; i++)
		wrap_label(stdout, i == 0 ? "not seen" : "", LABEL, "%s", hazards->notes[i]);
	for (size_t i = 0; i < hazards->sentence_count; i++)
		wrap_label(stdout, i == 0 ? "verdict" : "", LABEL, "%s", hazards->verdict[i]);
	for (size_t i = 0; i < hazards->stuck.ring_count; i++)
		show_ring(hazards, i);
	show_cycles(hazards);
	show_livelocks(hazards);
	show_waits(hazards);
	show_loops(hazards);
	show_longest(hazards);
	show_asker(hazards);
	show_stays(hazards);
	show_kept(hazards);
}
