/* The verdict: what the sums mean, in a few sentences that are computed from them. */
#include "tracer/report/report.h"

#include "tracer/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What the order of two CPUs' counters can be wrong by: tens of nanoseconds (docs/design.md). */
#define COUNTER_ERROR_NS 200

__attribute__((format(printf, 2, 3))) static void say(struct report *report, const char *format,
						      ...)
{
	va_list args;

	if (report->sentence_count == REPORT_SENTENCES)
		return;
	va_start(args, format);
	vsnprintf(report->verdict[report->sentence_count++], REPORT_SENTENCE, format, args);
	va_end(args);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

const char *report_time(const struct report *report, uint64_t raw, char to[16])
{
	return words_duration((double)locks_ns(&report->locks, raw), to);
}

/* The row of locks that were waited for most: the first of the order that is such. */
static const struct report_row *worst(const struct report *report)
{
	for (size_t i = 0; i < report->row_count; i++) {
		if (report_is_lock(report->rows[i].object))
			return &report->rows[i];
	}
	return NULL;
}

static void judge_locks(struct report *report)
{
	const struct report_sums *sums = &report->sums;
	const struct report_row *row = worst(report);
	char alike[48] = "";
	struct symbol_name name;
	char waited[16], longest[16];

	if (sums->acquisitions == 0 && sums->conflicts == 0) {
		say(report, "no lock was taken");
		return;
	}
	if (sums->wait.raw == 0 && sums->unfinished > 0)
		return; /* what there is to say of them, judge_end says */
	if (sums->wait.raw == 0 || !row) {
		say(report,
		    "no lock was waited for: %" PRIu64 " acquisitions of %zu lock%s, %" PRIu64
		    " conflicts",
		    sums->acquisitions, sums->locks, sums->locks == 1 ? "" : "s", sums->conflicts);
		return;
	}
	symbols_object(report->symbols, row->object, &name);
	if (row->others > 0)
		snprintf(alike, sizeof(alike), " and %zu more", row->others);
	say(report,
	    "threads waited %s for locks, %.2g%% of the time they lived; the longest wait: %s",
	    report_time(report, sums->wait.raw, waited), percent(sums->wait.raw, sums->lived),
	    report_time(report, sums->longest_wait, longest));
	say(report,
	    "%" PRIu64 " of %" PRIu64
	    " acquisitions (%.2g%%) found the lock held; %.0f%% of the waiting was for #%zu%s: %s",
	    sums->conflicts, sums->acquisitions, percent(sums->conflicts, sums->acquisitions),
	    percent(report_waited(row->object), sums->wait.raw), row->object->rank, alike,
	    name.text);
}

static void judge_threads(struct report *report)
{
	static const char *const what[WAIT_KINDS] = {
		[WAIT_LOCK] = "waiting for locks", [WAIT_SEM] = "at semaphores",
		[WAIT_COND] = "at conditions",     [WAIT_BARRIER] = "at barriers",
		[WAIT_ONCE] = "in once routines",  [WAIT_JOIN] = "joining threads",
	};
	const struct report_sums *sums = &report->sums;
	char text[400], time[16];
	size_t used = 0;

	for (size_t kind = 0; kind < WAIT_KINDS && used < sizeof(text); kind++) {
		const double share = percent(sums->waited[kind].raw, sums->lived);

		if (share >= 0.05)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.1f%% %s",
						 used ? ", " : "", share, what[kind]);
	}
	if (used > 0)
		say(report, "of the threads' %s: %s", report_time(report, sums->lived, time), text);
}

/* The thread that holds what this one waits for at the end; FAMILY_NONE when there is no such. */
static uint32_t next_in_the_way(const struct report *report, uint32_t thread)
{
	const struct pending *pending = locks_stuck(&report->locks, thread);

	if (!pending || (pending->kind != WAIT_LOCK && pending->kind != WAIT_SEM) ||
	    !pending->object->holder)
		return FAMILY_NONE;
	return pending->object->holder - 1;
}

/* Whether following who waits for whom from a thread leads back to it, and it has the smallest
 * number on the way, so that a ring is told once. */
static bool begins_ring(const struct report *report, uint32_t thread)
{
	uint32_t at = thread;

	for (size_t steps = 0; steps <= report->trace->thread_count; steps++) {
		at = next_in_the_way(report, at);
		if (at == thread)
			return true;
		if (at == FAMILY_NONE || at < thread)
			return false;
	}
	return false;
}

/* Another thread may let go of a semaphore, and Python's conditions rely on it. */
static bool tell_own_semaphore(struct report *report, uint32_t thread)
{
	const struct object *object = locks_stuck(&report->locks, thread)->object;

	if (object->type != OBJECT_SEM || object->holder != thread + 1)
		return false;
	say(report,
	    "thread %u waits for #%zu, which it took itself: a deadlock, unless another thread has "
	    "to let go of it; gilscope report --hazards tells which",
	    report->trace->threads[thread].header.number, object->rank);
	return true;
}

static void tell_ring(struct report *report, uint32_t first)
{
	char text[REPORT_SENTENCE - 60];
	size_t used = 0;
	uint32_t at = first;

	if (tell_own_semaphore(report, first))
		return;
	do {
		const struct pending *pending = locks_stuck(&report->locks, at);
		const uint32_t next = next_in_the_way(report, at);
		struct symbol_name name;

		symbols_object(report->symbols, pending->object, &name);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%sthread %u waits for #%zu %.80s, which thread %u holds",
					 used ? "; " : "", report->trace->threads[at].header.number,
					 pending->object->rank, name.text,
					 report->trace->threads[next].header.number);
		at = next;
	} while (at != first && used < sizeof(text));
	say(report, "DEADLOCK: %s; gilscope report --hazards tells more", text);
}

static void judge_end(struct report *report)
{
	size_t stuck = 0, rings = 0;

	for (size_t i = 0; i < report->trace->thread_count; i++) {
		const struct pending *pending = locks_stuck(&report->locks, i);

		stuck += pending && pending->kind == WAIT_LOCK;
		if (!begins_ring(report, (uint32_t)i))
			continue;
		tell_ring(report, (uint32_t)i);
		rings++;
	}
	if (stuck > 0)
		say(report, "%zu thread%s still waited for a lock at the end%s", stuck,
		    stuck == 1 ? "" : "s",
		    rings ? "" : "; gilscope report --hazards tells what the holder did");
}

static void judge_overlaps(struct report *report)
{
	const struct report_sums *sums = &report->sums;
	char longest[16];

	if (sums->overlaps == 0)
		return;
	report_time(report, sums->longest_overlap, longest);
	if (locks_ns(&report->locks, sums->longest_overlap) <= COUNTER_ERROR_NS)
		say(report,
		    "%" PRIu64 " times two threads seem to hold one lock at once, for %s at most: "
		    "as far as the counters of two CPUs may differ",
		    sums->overlaps, longest);
	else
		say(report,
		    "%" PRIu64
		    " times two threads hold one lock at once, for up to %s: the trace is "
		    "incomplete, or its counter cannot be trusted",
		    sums->overlaps, longest);
}

void report_judge(struct report *report)
{
	judge_end(report);
	judge_locks(report);
	judge_threads(report);
	judge_overlaps(report);
}
