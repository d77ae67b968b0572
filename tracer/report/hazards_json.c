/* Hazards as one JSON object, schema "gilscope.hazards/1". Times are nanoseconds since the first
 * record; 'id' of a lock is that of gilscope.report/1. What is not known is null, and beside it
 * NAME_reason says why.
 *
 * trace, window, troubles: as in gilscope.report/1. checked: how many locks there were, how many
 * pairs of them of which one was taken while the other was held; 'harmless_rings': rings of such
 * pairs that cannot hang, by why not; not 'complete': there were too many to compare all;
 * 'undecided_rings': those that may hang, as not all ways of them were kept or compared. not_seen:
 * what such a program may do besides, which leaves no record, and what is missing of the trace.
 * verdict: sentences. deadlocks: rings of threads that waited for each other at the end, each for
 * the next. waiting_at_end: other threads that waited for a lock or a thread, who has it and what
 * that did; 'for_a_signal': it made the lock itself to be woken by it; 'held_at_fork_by': the lock
 * is a copy of one that this thread held when the process was forked. cycles: orders of locks that
 * could hang, by the thread, the lock it held and the lock it took then; 'happened': they did, and
 * are among the deadlocks; 'time_limit': every wait there had one. livelocks: two threads whose
 * tries failed because of each other; 'turns': most failures of one behind one of the other with no
 * success in between. try_loops: tries for one lock in a row; thread: who never got it.
 * longest_wait: of one thread for one lock; 'passed': how often others got it meanwhile.
 * held_while_blocked: what a holder did that may block, 'wanted': how often another thread wanted
 * the lock meanwhile. longest_gil_wait, gil_kept_in_calls: the same of interpreters' locks
 * (gilscope report --gil), of which 'waited_ns' is what all others waited meanwhile. */
#include "tracer/report/hazards.h"
#include "tracer/report/report_writer.h"

#include "tracer/syscalls.h"

#include <stdio.h>

static void put_thread(struct writer *writer, const char *name, uint32_t thread)
{
	const struct family_thread *facts = &writer->report->locks.family.threads[thread];

	emit_open(&writer->emit, name, '{');
	writer_put_thread_number(writer, "number", thread + 1);
	emit_string(&writer->emit, "name", facts->name);
	emit_close(&writer->emit, '}');
}

static void put_lock(struct writer *writer, const char *name, const struct object *object)
{
	struct emit *emit = &writer->emit;
	struct symbol_name text;

	emit_open(emit, name, '{');
	if (object->rank == 0) {
		writer_put_unknown(writer, "id", "it is an interpreter's lock");
		emit_string(emit, "type", "gil");
		emit_string(emit, "name", object->name);
		emit_close(emit, '}');
		return;
	}
	symbols_object(writer->report->symbols, object, &text);
	emit_u64(emit, "id", object->rank);
	emit_string(emit, "type", object_type_name((enum object_type)object->type));
	emit_string(emit, "name", text.text);
	writer_put_ns(writer, "seen_first_ns", object->since);
	emit_bool(emit, "made_in_trace", object->inited);
	emit_close(emit, '}');
}

static void put_state(struct writer *writer, uint32_t thread)
{
	static const char *const doing[] = { "waiting", "calling", "ended", "running" };
	const struct stuck_state state = stuck_state(&writer->report->locks, thread);
	struct emit *emit = &writer->emit;
	char name[SYSCALL_NAME];

	emit_open(emit, "state", '{');
	emit_string(emit, "doing", doing[state.doing]);
	writer_put_ns(writer, "since_ns", state.since);
	emit_string(emit, "call",
		    state.doing != STUCK_CALLING ? NULL :
		    state.number != UINT32_MAX   ? syscall_name(state.number, name) :
						   trace_call_name(state.call));
	emit_close(emit, '}');
}

static void put_wait(struct writer *writer, const struct hazards *hazards,
		     const struct stuck_wait *wait)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	put_thread(writer, "thread", wait->thread);
	writer_put_ns(writer, "since_ns", wait->since);
	if (wait->object)
		put_lock(writer, "lock", wait->object);
	else
		writer_put_unknown(writer, "lock", "it waits for a thread to end");
	emit_bool(emit, "for_a_signal", wait->signal);
	if (wait->copy)
		put_thread(writer, "held_at_fork_by", wait->copy->holder);
	else
		emit_null(emit, "held_at_fork_by");
	emit_open(emit, "held_by", '[');
	for (size_t i = 0; i < wait->holder_count; i++) {
		const uint32_t holder = hazards->stuck.holders[wait->holders + i];
		uint64_t since;

		emit_open(emit, NULL, '{');
		put_thread(writer, "thread", holder);
		if (wait->object &&
		    stuck_held_since(&writer->report->locks, holder, wait->object, &since))
			writer_put_ns(writer, "since_ns", since);
		else
			writer_put_unknown(writer, "since_ns",
					   "it is the thread that is waited for");
		put_state(writer, holder);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
	emit_close(emit, '}');
}

static void put_stuck(struct writer *writer, const struct hazards *hazards)
{
	const struct stuck *stuck = &hazards->stuck;
	struct emit *emit = &writer->emit;

	emit_open(emit, "deadlocks", '[');
	for (size_t i = 0; i < stuck->ring_count; i++) {
		emit_open(emit, NULL, '[');
		for (size_t k = 0; k < stuck->rings[i].length; k++)
			put_wait(writer, hazards, stuck->rings[i].waits[k]);
		emit_close(emit, ']');
	}
	emit_close(emit, ']');
	emit_open(emit, "waiting_at_end", '[');
	for (size_t i = 0; i < stuck->count; i++) {
		if (stuck->waits[i].ring == 0 && hazards_tells_wait(hazards, &stuck->waits[i]))
			put_wait(writer, hazards, &stuck->waits[i]);
	}
	emit_close(emit, ']');
}

static void put_mode(struct writer *writer, const char *name, const struct object *object,
		     unsigned mode)
{
	emit_string(&writer->emit, name, report_mode_name(object, (enum object_mode)mode));
}

static void put_link(struct writer *writer, const struct cycle_link *link)
{
	const struct order_way *way = link->way;
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	put_thread(writer, "thread", link->edge->thread);
	put_lock(writer, "held", link->edge->from);
	put_mode(writer, "held_mode", link->edge->from, way->held);
	writer_put_ns(writer, "held_since_ns", way->held_since);
	put_lock(writer, "taken", link->edge->to);
	put_mode(writer, "taken_mode", link->edge->to, way->wanted);
	writer_put_ns(writer, "taken_ns", way->first);
	emit_u64(emit, "times", link->edge->count);
	emit_u64(emit, "waited", way->waits);
	emit_bool(emit, "time_limit", way->limited);
	emit_close(emit, '}');
}

static void put_cycles(struct writer *writer, const struct cycles *cycles)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, "cycles", '[');
	for (size_t i = 0; i < cycles->count; i++) {
		emit_open(emit, NULL, '{');
		emit_bool(emit, "happened", cycles->all[i].happened);
		emit_bool(emit, "time_limit", cycles->all[i].limited);
		emit_open(emit, "links", '[');
		for (size_t k = 0; k < cycles->all[i].length; k++)
			put_link(writer, &cycles->all[i].links[k]);
		emit_close(emit, ']');
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_checked(struct writer *writer, const struct hazards *hazards)
{
	const struct cycles *cycles = &hazards->cycles;
	struct emit *emit = &writer->emit;

	emit_open(emit, "checked", '{');
	emit_u64(emit, "locks", hazards->lock_count);
	emit_u64(emit, "pairs", cycles->pairs);
	emit_bool(emit, "complete", !cycles->cut);
	emit_u64(emit, "undecided_rings", cycles->undecided);
	emit_open(emit, "harmless_rings", '{');
	emit_u64(emit, "one_thread", cycles->one_thread);
	emit_u64(emit, "readers", cycles->shared);
	emit_u64(emit, "common_lock", cycles->guarded);
	emit_u64(emit, "not_together", cycles->ordered);
	emit_close(emit, '}');
	emit_close(emit, '}');
	emit_open(emit, "not_seen", '[');
	for (size_t i = 0; i < hazards->note_count; i++)
		emit_string(emit, NULL, hazards->notes[i]);
	emit_close(emit, ']');
}

static void put_livelocks(struct writer *writer, const struct hazards *hazards)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, "livelocks", '[');
	for (size_t i = 0; i < hazards->livelock_count; i++) {
		const struct watch_duel *duel = hazards->livelocks[i];

		emit_open(emit, NULL, '{');
		emit_open(emit, "sides", '[');
		for (size_t side = 0; side < 2; side++) {
			emit_open(emit, NULL, '{');
			put_thread(writer, "thread", duel->threads[side]);
			put_lock(writer, "tried_for", duel->objects[side]);
			emit_close(emit, '}');
		}
		emit_close(emit, ']');
		emit_u64(emit, "tries", duel->tries);
		emit_u64(emit, "turns", duel->longest.turns);
		writer_put_ns(writer, "begin_ns", duel->longest.begin);
		writer_put_ns(writer, "end_ns", duel->longest.end);
		emit_bool(emit, "ended", !duel->unended);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
	emit_open(emit, "try_loops", '[');
	for (size_t i = 0; i < hazards->loop_count; i++) {
		const struct hazards_loop *loop = &hazards->loops[i];

		emit_open(emit, NULL, '{');
		put_lock(writer, "lock", loop->object);
		emit_u64(emit, "tries", loop->tries);
		emit_bool(emit, "got_it", loop->ended);
		writer_put_thread_number(writer, "thread", loop->ended ? 0 : loop->thread + 1);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_longest(struct writer *writer, const struct hazards *hazards)
{
	const struct long_wait *wait = hazards->longest;
	struct emit *emit = &writer->emit;

	if (!wait) {
		writer_put_unknown(writer, "longest_wait", "nobody waited for a lock");
		return;
	}
	emit_open(emit, "longest_wait", '{');
	put_thread(writer, "thread", wait->thread);
	put_lock(writer, "lock", wait->object);
	writer_put_ns(writer, "begin_ns", wait->begin);
	writer_put_ns(writer, "wait_ns", wait->duration.raw);
	writer_put_ns(writer, "lived_ns", report_lived(writer->report, wait->thread));
	writer_put_thread_number(writer, "held_by", wait->holder);
	emit_u64(emit, "passed", wait->passed);
	emit_bool(emit, "got_it", wait->ended && wait->error == 0);
	emit_bool(emit, "starvation", hazards->starved);
	emit_close(emit, '}');
}

static void put_stays(struct writer *writer, const struct hazards *hazards)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, "held_while_blocked", '[');
	for (size_t i = 0; i < hazards->stay_count; i++) {
		const struct object_stay *stay = hazards->stays[i].stay;
		char what[HAZARDS_TEXT];

		hazards_say_stay(stay, what);
		emit_open(emit, NULL, '{');
		put_lock(writer, "lock", hazards->stays[i].object);
		emit_string(emit, "during", what);
		emit_u64(emit, "times", stay->count);
		writer_put_ns(writer, "time_ns", stay->time);
		emit_u64(emit, "wanted", stay->hindered);
		writer_put_ns(writer, "wanted_time_ns", stay->hindered_time);
		writer_put_ns(writer, "longest_ns", stay->longest);
		writer_put_ns(writer, "longest_begin_ns", stay->longest_at);
		put_thread(writer, "longest_thread", stay->thread);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_gils(struct writer *writer, const struct hazards *hazards)
{
	const struct gil_user *user = hazards->asker;
	struct emit *emit = &writer->emit;

	if (user) {
		emit_open(emit, "longest_gil_wait", '{');
		put_thread(writer, "thread", user->thread);
		put_lock(writer, "lock", hazards->asked);
		writer_put_ns(writer, "wait_ns", hazards->asker_longest);
		writer_put_ns(writer, "waited_ns", user->tally.wait.sum + user->unfinished_wait);
		writer_put_ns(writer, "lived_ns", report_lived(writer->report, user->thread));
		emit_close(emit, '}');
	} else {
		writer_put_unknown(writer, "longest_gil_wait",
				   "nobody is known to have waited for an interpreter's lock");
	}
	emit_open(emit, "gil_kept_in_calls", '[');
	for (size_t i = 0; i < hazards->kept_count; i++) {
		const struct hazards_kept *kept = &hazards->kept[i];
		char name[SYSCALL_NAME];

		emit_open(emit, NULL, '{');
		put_thread(writer, "thread", kept->user->thread);
		put_lock(writer, "lock", kept->object);
		emit_string(emit, "call",
			    syscall_slot_name(&writer->report->locks.watch->gils->slots, kept->slot,
					      name));
		emit_u64(emit, "times", kept->call->kept);
		writer_put_ns(writer, "longest_ns", kept->call->kept_longest);
		emit_u64(emit, "waiters", kept->call->kept_waiters);
		writer_put_ns(writer, "waited_ns", kept->call->kept_waited);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

void hazards_emit(const struct hazards *hazards)
{
	struct writer writer = { .report = hazards->report };
	const struct trace *trace = hazards->report->trace;
	struct emit *emit = &writer.emit;

	emit_start(emit, stdout, true);
	emit_open(emit, NULL, '{');
	emit_string(emit, "schema", "gilscope.hazards/1");
	writer_put_trace(&writer);
	emit_u64(emit, "lost", trace->lost);
	emit_string(emit, "lost_reason", trace->info.lost_reason);
	writer_put_troubles(&writer);
	put_checked(&writer, hazards);
	emit_open(emit, "verdict", '[');
	for (size_t i = 0; i < hazards->sentence_count; i++)
		emit_string(emit, NULL, hazards->verdict[i]);
	emit_close(emit, ']');
	put_stuck(&writer, hazards);
	put_cycles(&writer, &hazards->cycles);
	put_livelocks(&writer, hazards);
	put_longest(&writer, hazards);
	put_stays(&writer, hazards);
	put_gils(&writer, hazards);
	emit_close(emit, '}');
}
