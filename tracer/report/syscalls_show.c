/* System calls for people, in 100 columns: first what the figures are worth, then what they mean,
 * then tables. */
#include "tracer/report/report_text.h"
#include "tracer/report/syscalls_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL 10

static void put_recorded(const struct syscalls_view *view)
{
	const struct syscalls *syscalls = view->syscalls;
	uint64_t found = 0, patched = 0;
	size_t unread = 0;
	char how[SYSCALLS_SENTENCE];

	syscalls_say_ways(view->ways, view->way_count, how);
	wrap_label(stdout, "recorded", LABEL, "%s", how);
	for (size_t i = 0; i < view->object_count; i++) {
		found += view->objects[i].found;
		patched += view->objects[i].patched;
		unread += view->objects[i].found == 0;
	}
	if (found > 0)
		wrap_label(stdout, "sites", LABEL,
			   "%" PRIu64 " of %" PRIu64
			   " syscall instructions are patched, in %zu object%s",
			   patched, found, view->object_count - unread,
			   view->object_count - unread == 1 ? "" : "s");
	if (unread > 0)
		wrap_label(stdout, "UNREAD", LABEL,
			   "%zu object%s could not be looked at: calls by instructions of their "
			   "own are not patched",
			   unread, unread == 1 ? "" : "s");
	if (syscalls_audited(view->ways, view->way_count))
		wrap_label(stdout, syscalls->missed_calls ? "MISSED" : "missed", LABEL,
			   "%" PRIu64 " calls by the patches%s; %" PRIu64
			   " returns of signal handlers, whose instruction is left alone by intent",
			   syscalls->missed_calls,
			   syscalls->missed_calls ? ", and caught by dispatch" : "",
			   syscalls->missed_returns);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void put_sums(const struct syscalls_view *view)
{
	const struct syscalls *syscalls = view->syscalls;
	const struct syscalls_tally *tally = &syscalls->tally;
	uint64_t unfinished = 0, gils = 0;
	char text[SYSCALLS_SENTENCE], time[16], errors[16];

	for (uint32_t i = 0; i < syscalls->slots.count; i++)
		unfinished += syscalls_unfinished(syscalls, i);
	wrap_label(stdout, "calls", LABEL,
		   "%" PRIu64 " in all, %s errors, %s from entry to return; %" PRIu64
		   " had not returned at the end",
		   tally->calls, text_count(tally->errors, errors),
		   report_time(view->report, tally->time, time), unfinished);
	for (size_t i = 0; i < view->row_count; i++)
		gils += view->rows[i].gil ? syscalls_row_calls(&view->rows[i]) : 0;
	if (view->gil_count > 0)
		snprintf(text, sizeof(text),
			 "; %" PRIu64 " of them (%.1f%%) are those of interpreters' locks", gils,
			 percent(gils, tally->futex));
	else
		snprintf(text, sizeof(text), "; no interpreter's lock was found");
	wrap_label(stdout, "futex", LABEL, "%" PRIu64 " calls, %.1f%% of all%s", tally->futex,
		   percent(tally->futex, tally->calls), text);
	for (size_t i = 0; i < view->finding_count && i < view->report->top; i++) {
		syscalls_say_finding(view, &view->findings[i], text);
		wrap_label(stdout, i ? "" : "FINDING", LABEL, "%s", text);
	}
	if (view->finding_count > view->report->top)
		wrap_label(stdout, "", LABEL, "... %zu in all; --top shows more",
			   view->finding_count);
}

static void print_objects(const struct syscalls_view *view)
{
	size_t unpatched = 0, shown = 0;

	for (size_t i = 0; i < view->object_count; i++)
		unpatched += !syscalls_all_patched(&view->objects[i]);
	if (!text_begin_table(
		    view->report,
		    "objects not all patched; returns from signal handlers are left alone",
		    unpatched))
		return;
	printf("%8s%10s%11s  %s\n", "found", "patched", "processes", "object");
	for (size_t i = 0; i < view->object_count && shown < view->report->top; i++) {
		const struct syscalls_object *object = &view->objects[i];

		if (syscalls_all_patched(object))
			continue;
		if (object->found > 0)
			text_put_count(8, object->found);
		else
			printf("%8s", "?");
		text_put_count(10, object->patched);
		text_put_count(11, object->processes);
		printf("  ");
		text_put_path(object->path, TEXT_COLUMNS - 31);
		putchar('\n');
		shown++;
	}
}

static void print_places(const struct syscalls_view *view)
{
	char name[SYSCALL_NAME];

	if (!text_begin_table(view->report, "where the patches missed calls", view->place_count))
		return;
	printf("%8s  %-22s%s\n", "calls", "call", "instruction");
	for (size_t i = 0; i < view->place_count && i < view->report->top; i++) {
		const struct syscalls_place *place = &view->places[i];

		text_put_count(8, place->calls);
		printf("  %-22s%.68s\n",
		       syscall_slot_name(&view->syscalls->slots, place->slot, name), place->text);
	}
}

static void put_head(const char *first)
{
	printf("%-22s%8s%8s%7s%7s%7s%7s%7s\n", first, "calls", "errors", "total", "p50", "p99",
	       "max", "share");
}

static void put_row(const struct syscalls_view *view, uint64_t calls, uint64_t errors,
		    const struct spread *time)
{
	char share[16];

	text_put_count(8, calls);
	text_put_count(8, errors);
	text_put_spread(view->report, time, "-");
	printf("%7s\n", text_share(time->sum, view->syscalls->tally.time, share));
}

static void print_calls(const struct syscalls_view *view)
{
	const struct syscalls *syscalls = view->syscalls;
	char name[SYSCALL_NAME];

	if (!text_begin_table(view->report, "calls, by the time they took", syscalls->slots.count))
		return;
	put_head("");
	for (uint32_t i = 0; i < syscalls->slots.count && i < view->report->top; i++) {
		const uint32_t slot = view->slots[i];

		printf("%-22.22s", syscall_slot_name(&syscalls->slots, slot, name));
		put_row(view, syscalls->calls[slot].calls, syscalls->calls[slot].errors,
			&syscalls->calls[slot].time);
	}
}

/* "GIL 1 (cpython3)", "mutex #3", "joins of threads". */
static void say_what(const struct syscalls_row *row, char to[64])
{
	if (row->gil)
		snprintf(to, 64, "GIL %zu (%s)", row->gil_number,
			 gil_kind_name(row->gil->suspect.kind));
	else if (row->object && row->object->rank)
		snprintf(to, 64, "%s #%zu", row->what, row->object->rank);
	else if (row->object)
		snprintf(to, 64, "%s", row->what);
	else
		snprintf(to, 64, "%s",
			 strcmp(row->what, "join") == 0 ? "joins of threads" : "unknown words");
}

/* The name is cut where it is too long, what stands behind it is not. */
static void put_what(const struct syscalls_view *view, const struct syscalls_row *row)
{
	const struct family *family = &view->report->locks.family;
	const uint32_t process = row->gil    ? row->gil->suspect.process :
				 row->object ? row->object->process :
					       FAMILY_NONE;
	char name[SYMBOL_TEXT], what[64], behind[96];
	size_t used = 0;

	say_what(row, what);
	syscalls_row_name(view, row, name);
	behind[0] = '\0';
	if (row->others > 0)
		used += (size_t)snprintf(behind, sizeof(behind), ", and %zu more", row->others);
	if (family->process_count > 1 && process != FAMILY_NONE)
		used += (size_t)snprintf(behind + used, sizeof(behind) - used, ", process %u",
					 family->processes[process].number);
	if (row->released && row->releases > 0)
		snprintf(behind + used, sizeof(behind) - used, "; %.3g for each %s",
			 (double)syscalls_row_calls(row) / (double)row->releases,
			 row->gil ? "drop" : "release");
	printf("%s%s%.*s%s\n", what, name[0] ? "  " : "",
	       (int)(TEXT_COLUMNS - 2 - strlen(what) - strlen(behind)), name, behind);
}

static void print_futex(const struct syscalls_view *view)
{
	static const char *const ways[FUTEX_WAYS] = { "      wait", "      wake", "      other" };

	if (!text_begin_table(view->report, "futex calls, by what they were for", view->row_count))
		return;
	put_head("");
	for (size_t i = 0; i < view->row_count && i < view->report->top; i++) {
		const struct syscalls_row *row = &view->rows[i];

		put_what(view, row);
		for (size_t way = 0; way < FUTEX_WAYS; way++) {
			if (row->uses[way].calls == 0)
				continue;
			printf("%-22s", ways[way]);
			put_row(view, row->uses[way].calls, row->uses[way].errors,
				&row->uses[way].time);
		}
	}
}

static void put_tally(const struct syscalls_view *view, const struct syscalls_tally *tally)
{
	text_put_count(10, tally->calls);
	text_put_count(9, tally->errors);
	text_put_count(10, tally->futex);
	text_put_time(view->report, 8, tally->time);
	putchar('\n');
}

static size_t count_threads(const struct syscalls_view *view, uint32_t process)
{
	const struct family *family = &view->report->locks.family;
	size_t count = 0;

	for (size_t i = 0; i < view->report->trace->thread_count; i++)
		count += family->threads[i].process == process;
	return count;
}

/* The threads of a process, who called most first. */
static void put_threads(const struct syscalls_view *view, uint32_t process)
{
	const struct family *family = &view->report->locks.family;
	const size_t count = view->report->trace->thread_count;
	uint64_t before = UINT64_MAX;
	size_t last = 0;
	char text[40];

	for (size_t shown = 0; shown < view->report->top; shown++) {
		const struct syscalls_tally *most = NULL;
		size_t at = 0;

		for (size_t i = 0; i < count; i++) {
			const struct syscalls_tally *tally = &view->syscalls->threads[i].tally;
			const bool behind =
				tally->calls < before || (tally->calls == before && i > last);

			if (family->threads[i].process == process && tally->calls > 0 && behind &&
			    (!most || tally->calls > most->calls)) {
				most = tally;
				at = i;
			}
		}
		if (!most)
			return;
		before = most->calls;
		last = at;
		printf("      %-36.35s", text_thread(view->report, (uint32_t)at, text));
		put_tally(view, most);
	}
}

static void put_process(const struct syscalls_view *view, uint32_t index)
{
	const struct syscalls_process *process = &view->syscalls->processes[index];
	const struct family *family = &view->report->locks.family;
	const char *path = "?";
	char text[64];
	int used;

	if (process->process != FAMILY_NONE) {
		used = snprintf(text, sizeof(text), "%u, pid %u, ",
				family->processes[process->process].number, process->pid);
		if (family->processes[process->process].path)
			path = family->processes[process->process].path;
	} else {
		used = snprintf(text, sizeof(text), "pid %u, ", process->pid);
		path = "a child of vfork";
	}
	printf("%s", text);
	text_put_path(path, (size_t)(41 - used));
	used += (int)strlen(path) < 41 - used ? (int)strlen(path) : 41 - used;
	printf("%*s", 42 - used, "");
	if (syscalls_are_known(process))
		put_tally(view, &process->tally);
	else
		printf("%10s%9s%10s%8s\n", "?", "?", "?", "?");
}

static void print_processes(const struct syscalls_view *view)
{
	if (!text_begin_table(view->report, "processes and their threads, by their calls",
			      view->process_count))
		return;
	printf("%42s%10s%9s%10s%8s\n", "", "calls", "errors", "futex", "time");
	for (size_t i = 0; i < view->process_count && i < view->report->top; i++) {
		const uint32_t index = view->processes[i];

		put_process(view, index);
		if (count_threads(view, index) > 1)
			put_threads(view, index);
	}
}

static void print_gil(const struct syscalls_view *view, const struct gil *gil, size_t number)
{
	const bool hidden = gil_kind_hidden(gil->suspect.kind) != NULL;
	struct syscalls_gil_call *calls;
	char title[96], name[SYSCALL_NAME];
	size_t count;

	calls = syscalls_gil_calls(view, gil, &count);
	snprintf(title, sizeof(title), "calls of the threads of GIL %zu, by what they were to it",
		 number);
	if (calls && text_begin_table(view->report, title, count)) {
		printf("%-22s%17s%17s%17s\n", "", hidden ? "with it: unseen" : "having it",
		       "waiting for it", hidden ? "with it or not" : "without it");
		printf("%-22s%9s%8s%9s%8s%9s%8s\n", "", "calls", "total", "calls", "total", "calls",
		       "total");
	}
	for (size_t i = 0; calls && i < count && i < view->report->top; i++) {
		printf("%-22.22s", syscall_slot_name(&view->show.gils.slots, calls[i].slot, name));
		for (size_t by = 0; by < GIL_STANDINGS; by++) {
			if (calls[i].by[by].calls == 0) {
				printf("%9s%8s", "-", "-");
				continue;
			}
			text_put_count(9, calls[i].by[by].calls);
			text_put_time(view->report, 8, calls[i].by[by].time);
		}
		putchar('\n');
	}
	free(calls);
}

void syscalls_text(const struct syscalls_view *view)
{
	text_print_losses(view->report);
	text_print_trace(view->report);
	put_recorded(view);
	if (!syscalls_recorded(view->syscalls))
		return;
	put_sums(view);
	print_objects(view);
	print_places(view);
	print_calls(view);
	print_futex(view);
	print_processes(view);
	for (size_t i = 0; i < view->gil_count && i < view->report->top; i++)
		print_gil(view, view->gils[i], i + 1);
}
