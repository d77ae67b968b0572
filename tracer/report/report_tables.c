/* The tables of the text report: a line for the name, for it may be long, and below it figures. */
#include "tracer/report/report_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of what was made in one process the process is told when there are several. */
static void put_name(const struct report *report, const struct report_row *row)
{
	const struct object *object = row->object;
	const struct family *family = &report->locks.family;
	struct symbol_name name;
	char others[32] = "", process[32] = "";

	symbols_object(report->symbols, object, &name);
	if (row->others > 0)
		snprintf(others, sizeof(others), ", and %zu more", row->others);
	if (family->process_count > 1)
		snprintf(process, sizeof(process), ", process %u",
			 family->processes[object->process].number);
	printf("%4zu  %.*s%s%s\n", object->rank,
	       (int)(TEXT_COLUMNS - 6 - strlen(others) - strlen(process)), name.text, others,
	       process);
}

void text_put_spread(const struct report *report, const struct spread *spread, const char *none)
{
	if (spread->n == 0) {
		printf("%7s%7s%7s%7s", none, none, none, none);
		return;
	}
	text_put_time(report, 7, spread->sum);
	text_put_time(report, 7, spread_percentile(spread, 0.5));
	text_put_time(report, 7, spread_percentile(spread, 0.99));
	text_put_time(report, 7, spread->max);
}

/* Whether they look the same when printed. */
static bool looks_same(const struct report *report, const struct measure *measure)
{
	const struct spread *const raw = &measure->raw, *const less = &measure->corrected;
	const uint64_t pairs[][2] = {
		{ raw->sum, less->sum },
		{ raw->max, less->max },
		{ spread_percentile(raw, 0.5), spread_percentile(less, 0.5) },
		{ spread_percentile(raw, 0.99), spread_percentile(less, 0.99) },
	};
	char one[16], other[16];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strcmp(report_time(report, pairs[i][0], one),
			   report_time(report, pairs[i][1], other)) != 0)
			return false;
	}
	return true;
}

static void put_failures(const struct object *object, const struct object_use *use)
{
	const char *between = "      ";

	for (size_t i = 0; i < use->failure_count; i++) {
		const char *name = strerrorname_np((int)use->failures[i].error);

		printf("%s%" PRIu64 " failed: %s", between, use->failures[i].count,
		       name ? name : "unknown error");
		between = ", ";
	}
	if (use->unfinished > 0) {
		printf("%s%" PRIu64 " still waiting at the end", between, use->unfinished);
		between = ", ";
	}
	if (object->held_at_end > 0) {
		printf("%s%" PRIu64 " held at the end", between, object->held_at_end);
		between = ", ";
	}
	if (object->foreign > 0) {
		printf("%s%" PRIu64 " released by others", between, object->foreign);
		between = ", ";
	}
	if (between[0] == ',')
		putchar('\n');
}

const char *text_share(uint64_t part, uint64_t whole, char to[16])
{
	const double share = whole ? 100 * (double)part / (double)whole : 0;

	if (part > 0 && share < 0.1)
		snprintf(to, 16, "<0.1%%");
	else
		snprintf(to, 16, "%.*f%%", part == 0 || share >= 99.95 ? 0 : 1, share);
	return to;
}

static void put_use(const struct report *report, const struct object *object, enum object_mode mode)
{
	static const char *const kinds[] = { "mutex", "write", "spin", "sem" };
	const struct object_use *use = object->uses[mode];
	const struct spread none = { 0 };
	const bool held = report_is_lock(object);
	const uint64_t tries = use->acquisitions + object_failures(use) + use->unfinished;
	char share[16];

	printf("      %-5s", mode == OBJECT_SHARED ? "read" : kinds[object->type]);
	text_put_count(8, use->acquisitions);
	text_put_count(10, use->conflicts);
	printf("%7s", text_share(use->conflicts, tries, share));
	text_put_count(8, use->retries);
	text_put_spread(report, &use->wait.raw, "");
	text_put_spread(report, held ? &use->hold.raw : &none, held ? "" : "-");
	putchar('\n');
	if (report->locks.cost_known &&
	    !(looks_same(report, &use->wait) && (!held || looks_same(report, &use->hold)))) {
		printf("%44s", "less the tracer's cost");
		text_put_spread(report, &use->wait.corrected, "");
		text_put_spread(report, held ? &use->hold.corrected : &none, held ? "" : "-");
		putchar('\n');
	}
	put_failures(object, use);
}

static void print_uses(const struct report *report, bool semaphores, const char *title)
{
	size_t rows = 0, shown = 0;

	for (size_t i = 0; i < report->row_count; i++) {
		const struct object *object = report->rows[i].object;

		rows += (semaphores ? object->type == OBJECT_SEM : object->type < OBJECT_SEM) &&
			(object->uses[OBJECT_ALONE] || object->uses[OBJECT_SHARED]);
	}
	if (!text_begin_table(report, title, rows))
		return;
	printf("%44s%-28s%s\n", "", "   time waited", "   time held");
	printf("      %-5s%8s%10s%7s%8s%7s%7s%7s%7s%7s%7s%7s%7s\n", "", "taken", "conflicts",
	       "share", "retries", "total", "p50", "p99", "max", "total", "p50", "p99", "max");
	for (size_t i = 0; i < report->row_count && shown < report->top; i++) {
		const struct object *object = report->rows[i].object;

		if ((semaphores ? object->type != OBJECT_SEM : object->type >= OBJECT_SEM) ||
		    (!object->uses[OBJECT_ALONE] && !object->uses[OBJECT_SHARED]))
			continue;
		put_name(report, &report->rows[i]);
		for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
			if (object->uses[mode])
				put_use(report, object, (enum object_mode)mode);
		}
		shown++;
	}
}

static const char *holder_text(const struct report *report, const struct long_wait *wait,
			       char to[40])
{
	if (wait->holder)
		return text_thread(report, wait->holder - 1, to);
	if (wait->readers > 0)
		snprintf(to, 40, "%u readers", wait->readers);
	else
		snprintf(to, 40, "(free again)");
	return to;
}

static void put_long_wait(const struct report *report, const struct long_wait *wait)
{
	const struct locks *locks = &report->locks;
	char text[40];

	text_put_time(report, 8, wait->duration.raw);
	printf("%11.6fs", (double)locks_ns(locks, wait->begin) / 1e9);
	printf("  %-20.19s", text_thread(report, wait->thread, text));
	printf("%-20.19s", holder_text(report, wait, text));
	printf("%-20.19s",
	       wait->released_by ? text_thread(report, wait->released_by - 1, text) : "-");
	text_put_count(7, wait->passed);
	printf("  #%zu%s\n", wait->object->rank, !wait->ended ? " *" : wait->error ? " !" : "");
}

static void print_longest(const struct report *report)
{
	const struct locks *locks = &report->locks;
	bool marked = false;

	if (locks->longest_count == 0)
		return;
	puts("\nlongest waits: who held the lock as the wait began, who let go of it last before");
	puts("the wait ended, and how often others got it meanwhile");
	printf("%8s%12s  %-20s%-20s%-20s%7s  %s\n", "waited", "from", "thread", "held by",
	       "let go by", "others", "lock");
	for (size_t i = 0; i < locks->longest_count; i++) {
		put_long_wait(report, &locks->longest[i]);
		marked |= !locks->longest[i].ended || locks->longest[i].error;
	}
	if (marked)
		puts("* it had not ended at the end; ! it failed, by time-out or signal");
}

static size_t count_type(const struct report *report, enum object_type type)
{
	size_t count = 0;

	for (size_t i = 0; i < report->row_count; i++)
		count += report->rows[i].object->type == type && report->rows[i].object->meeting;
	return count;
}

static void put_condition(const struct report *report, const struct report_row *row)
{
	const struct object_meeting *meeting = row->object->meeting;

	put_name(report, row);
	printf("      ");
	text_put_count(8, meeting->waits);
	text_put_count(10, meeting->timeouts);
	text_put_count(12, meeting->unsignalled);
	text_put_count(8, meeting->signals + meeting->broadcasts);
	text_put_count(10, meeting->unheard_signals + meeting->unheard_broadcasts);
	text_put_count(7, meeting->unfinished);
	text_put_spread(report, &meeting->wait.raw, "");
	if (meeting->mutex)
		printf("  #%zu", meeting->mutex->rank);
	putchar('\n');
}

static void print_conditions(const struct report *report)
{
	size_t shown = 0;

	if (!text_begin_table(report, "conditions, by the time waited at them",
			      count_type(report, OBJECT_COND)))
		return;
	printf("      %8s%10s%12s%8s%10s%7s%7s%7s%7s%7s  %s\n", "waits", "timed out", "unsignalled",
	       "signals", "to nobody", "at end", "total", "p50", "p99", "max", "mutex");
	for (size_t i = 0; i < report->row_count && shown < report->top; i++) {
		const struct report_row *row = &report->rows[i];

		if (row->object->type != OBJECT_COND || !row->object->meeting)
			continue;
		put_condition(report, row);
		shown++;
	}
}

static void print_meetings(const struct report *report, enum object_type type, const char *title)
{
	size_t shown = 0;

	if (!text_begin_table(report, title, count_type(report, type)))
		return;
	printf("      %8s%11s%10s %7s%7s%7s%7s\n", "calls", type == OBJECT_BARRIER ? "rounds" : "",
	       "at end", "total", "p50", "p99", "max");
	for (size_t i = 0; i < report->row_count && shown < report->top; i++) {
		const struct object *object = report->rows[i].object;
		char rounds[16] = "";

		if (object->type != type || !object->meeting)
			continue;
		put_name(report, &report->rows[i]);
		if (type == OBJECT_BARRIER)
			text_count(object->meeting->serial, rounds);
		printf("      ");
		text_put_count(8, object->meeting->waits);
		printf("%11s", rounds);
		text_put_count(10, object->meeting->unfinished);
		putchar(' ');
		text_put_spread(report, &object->meeting->wait.raw, "");
		putchar('\n');
		shown++;
	}
}

void text_print_objects(const struct report *report)
{
	print_uses(report, false, "locks, by the time waited for them");
	print_longest(report);
	print_uses(report, true, "semaphores; what is not used as a lock is not held");
	print_conditions(report);
	print_meetings(report, OBJECT_BARRIER, "barriers");
	print_meetings(report, OBJECT_ONCE, "things done once");
}
