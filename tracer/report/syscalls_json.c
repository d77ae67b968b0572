/* The JSON of gilscope report --syscalls, schema "gilscope.syscalls/1". Times are nanoseconds, as
 * recorded, of calls that have returned. What is not known is null, and beside it NAME_reason says
 * why.
 *
 * trace, window: what was traced, and which part of it the rest is about. recorded: how, and what
 * is missing; 'missed' are calls that dispatch caught behind patches, but for 'returns' of signal
 * handlers, whose instruction is left alone by intent; a file's 'patched' is that of the process
 * where it is the least. totals: null when no process was recorded. calls: by the time they took.
 * futex: by what the word is a part of. processes: an element per image, and one for each child
 * that ran on its parent's memory and executed nothing that is recorded; what such a child did
 * before its exec counts with the image, but not in the thread whose records have it. One that is
 * off and has calls was recorded until it turned off. gils: by what the thread was to the lock,
 * from its first use of it on. findings: calls that may block through which a thread kept a GIL for
 * more than a millisecond. */
#include "tracer/report/report_writer.h"
#include "tracer/report/syscalls_view.h"

#include <stdio.h>
#include <stdlib.h>

struct output {
	struct writer writer;
	const struct syscalls_view *view;
};

static struct emit *emit_of(struct output *output)
{
	return &output->writer.emit;
}

static void put_spread(struct output *output, const struct spread *spread)
{
	struct writer *writer = &output->writer;

	writer_put_ns(writer, "total_ns", spread->sum);
	if (spread->n == 0) {
		emit_null(&writer->emit, "p50_ns");
		emit_null(&writer->emit, "p99_ns");
		emit_null(&writer->emit, "max_ns");
		return;
	}
	writer_put_ns(writer, "p50_ns", spread_percentile(spread, 0.5));
	writer_put_ns(writer, "p99_ns", spread_percentile(spread, 0.99));
	writer_put_ns(writer, "max_ns", spread->max);
}

static void put_way(struct output *output, const struct syscalls_way *way)
{
	struct emit *emit = emit_of(output);

	if (way->known)
		emit_string(emit, "mode", syscalls_mode(way->mode));
	else
		writer_put_unknown(&output->writer, "mode",
				   "they made no record of it, or by a version that has none");
	emit_string(emit, "reason",
		    way->known && (way->reason != TRACE_SYSCALLS_AS_ASKED ||
				   way->mode == TRACE_SYSCALLS_OFF) ?
			    syscalls_reason(way->reason) :
			    NULL);
}

static void put_ways(struct output *output)
{
	const struct syscalls_view *view = output->view;
	struct emit *emit = emit_of(output);

	if (view->way_count == 1) {
		put_way(output, &view->ways[0]);
	} else {
		emit_string(emit, "mode", "mixed");
		emit_null(emit, "reason");
	}
	emit_open(emit, "ways", '[');
	for (size_t i = 0; i < view->way_count; i++) {
		emit_open(emit, NULL, '{');
		put_way(output, &view->ways[i]);
		emit_u64(emit, "processes", view->ways[i].processes);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_missed(struct output *output)
{
	static const char *const reason = "no dispatch stood behind patches";
	const struct syscalls_view *view = output->view;
	struct emit *emit = emit_of(output);
	char name[SYSCALL_NAME];

	if (syscalls_audited(view->ways, view->way_count)) {
		emit_u64(emit, "missed", view->syscalls->missed_calls);
		emit_u64(emit, "returns", view->syscalls->missed_returns);
	} else {
		writer_put_unknown(&output->writer, "missed", reason);
		writer_put_unknown(&output->writer, "returns", reason);
	}
	emit_open(emit, "missed_at", '[');
	for (size_t i = 0; i < view->place_count; i++) {
		const struct syscalls_place *place = &view->places[i];

		emit_open(emit, NULL, '{');
		emit_string(emit, "instruction", place->text);
		emit_string(emit, "call",
			    syscall_slot_name(&view->syscalls->slots, place->slot, name));
		emit_u64(emit, "calls", place->calls);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_sites(struct output *output)
{
	const struct syscalls_view *view = output->view;
	struct emit *emit = emit_of(output);
	uint64_t found = 0, patched = 0;

	for (size_t i = 0; i < view->object_count; i++) {
		found += view->objects[i].found;
		patched += view->objects[i].patched;
	}
	emit_u64(emit, "sites", found);
	emit_u64(emit, "patched", patched);
	emit_open(emit, "objects", '[');
	for (size_t i = 0; i < view->object_count; i++) {
		const struct syscalls_object *object = &view->objects[i];

		emit_open(emit, NULL, '{');
		emit_string(emit, "path", object->path);
		if (object->found > 0)
			emit_u64(emit, "sites", object->found);
		else
			emit_null(emit, "sites");
		emit_u64(emit, "patched", object->patched);
		emit_u64(emit, "processes", object->processes);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_recorded(struct output *output)
{
	const struct trace *trace = output->view->report->trace;
	struct emit *emit = emit_of(output);

	emit_open(emit, "recorded", '{');
	put_ways(output);
	emit_u64(emit, "lost", trace->lost);
	emit_string(emit, "lost_reason", trace->info.lost_reason);
	writer_put_troubles(&output->writer);
	put_missed(output);
	put_sites(output);
	emit_close(emit, '}');
}

static void put_tally(struct output *output, const struct syscalls_tally *tally)
{
	struct emit *emit = emit_of(output);

	emit_u64(emit, "calls", tally->calls);
	emit_u64(emit, "errors", tally->errors);
	emit_u64(emit, "futex", tally->futex);
	writer_put_ns(&output->writer, "total_ns", tally->time);
}

static void put_totals(struct output *output)
{
	const struct syscalls *syscalls = output->view->syscalls;
	struct emit *emit = emit_of(output);
	char none[SYSCALLS_SENTENCE];
	uint64_t unfinished = 0;

	if (!syscalls_recorded(syscalls)) {
		syscalls_say_none(output->view, none);
		writer_put_unknown(&output->writer, "totals", none);
		return;
	}
	for (uint32_t i = 0; i < syscalls->slots.count; i++)
		unfinished += syscalls_unfinished(syscalls, i);
	emit_open(emit, "totals", '{');
	put_tally(output, &syscalls->tally);
	emit_u64(emit, "unfinished", unfinished);
	emit_close(emit, '}');
}

static void put_number(struct output *output, const struct syscall_slots *slots, uint32_t slot)
{
	if (slot == SYSCALL_SLOTS - 1)
		writer_put_unknown(&output->writer, "number", "there were too many of them");
	else
		emit_u64(emit_of(output), "number", slots->numbers[slot]);
}

static void put_calls(struct output *output)
{
	const struct syscalls *syscalls = output->view->syscalls;
	struct emit *emit = emit_of(output);
	char name[SYSCALL_NAME];

	emit_open(emit, "calls", '[');
	for (uint32_t i = 0; i < syscalls->slots.count; i++) {
		const uint32_t slot = output->view->slots[i];
		const struct syscalls_call *call = &syscalls->calls[slot];

		emit_open(emit, NULL, '{');
		emit_string(emit, "name", syscall_slot_name(&syscalls->slots, slot, name));
		put_number(output, &syscalls->slots, slot);
		emit_u64(emit, "calls", call->calls);
		emit_u64(emit, "errors", call->errors);
		emit_u64(emit, "unfinished", syscalls_unfinished(syscalls, slot));
		put_spread(output, &call->time);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_futex_use(struct output *output, const char *name, const struct futex_use *use)
{
	struct emit *emit = emit_of(output);

	emit_open(emit, name, '{');
	emit_u64(emit, "calls", use->calls);
	emit_u64(emit, "errors", use->errors);
	put_spread(output, &use->time);
	emit_close(emit, '}');
}

static void put_share(struct output *output, const char *name, uint64_t calls, uint64_t releases,
		      const char *reason)
{
	if (!reason && releases == 0)
		reason = "it was never let go of";
	if (reason)
		writer_put_unknown(&output->writer, name, reason);
	else
		emit_double(emit_of(output), name, (double)calls / (double)releases);
}

static void put_row(struct output *output, const struct syscalls_row *row)
{
	const struct family *family = &output->view->report->locks.family;
	struct emit *emit = emit_of(output);
	char name[SYMBOL_TEXT];

	syscalls_row_name(output->view, row, name);
	emit_open(emit, NULL, '{');
	emit_string(emit, "what", row->what);
	emit_string(emit, "name", name[0] ? name : NULL);
	if (row->gil)
		emit_u64(emit, "gil", row->gil_number);
	else
		emit_null(emit, "gil");
	if (row->gil || row->object)
		emit_u64(emit, "process",
			 family->processes[row->gil ? row->gil->suspect.process :
						      row->object->process]
				 .number);
	else
		emit_null(emit, "process");
	emit_u64(emit, "objects", row->object ? row->others + 1 : row->gil ? 1 : 0);
	emit_u64(emit, "calls", syscalls_row_calls(row));
	put_share(output, "per_release", syscalls_row_calls(row), row->releases,
		  row->released ? NULL : "what lets go of it is not a release, or is not seen");
	put_futex_use(output, "wait", &row->uses[FUTEX_WAITS]);
	put_futex_use(output, "wake", &row->uses[FUTEX_WAKES]);
	put_futex_use(output, "other", &row->uses[FUTEX_OTHERS]);
	emit_close(emit, '}');
}

static void put_by_call(struct output *output, const struct syscalls_process *process)
{
	const struct syscalls *syscalls = output->view->syscalls;
	struct emit *emit = emit_of(output);
	char name[SYSCALL_NAME];

	emit_open(emit, "by_call", '{');
	for (uint32_t slot = 0; slot < process->call_room; slot++) {
		if (process->calls[slot] > 0)
			emit_u64(emit, syscall_slot_name(&syscalls->slots, slot, name),
				 process->calls[slot]);
	}
	emit_close(emit, '}');
}

/* The same of a process whose calls were not recorded. */
static void put_no_tally(struct output *output, const struct syscalls_process *process)
{
	static const char *const names[] = { "calls", "errors", "futex", "total_ns" };
	const char *reason = process->mode_known ? syscalls_reason(process->mode_reason) :
						   "the trace does not say that they were recorded";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		writer_put_unknown(&output->writer, names[i], reason);
}

static void put_threads(struct output *output, uint32_t process)
{
	const struct report *report = output->view->report;
	const struct family *family = &report->locks.family;
	struct emit *emit = emit_of(output);

	emit_open(emit, "threads", '[');
	for (size_t i = 0; i < report->trace->thread_count; i++) {
		if (family->threads[i].process != process)
			continue;
		emit_open(emit, NULL, '{');
		emit_u64(emit, "thread", report->trace->threads[i].header.number);
		emit_u64(emit, "tid", report->trace->threads[i].header.tid);
		emit_string(emit, "name", family->threads[i].name);
		put_tally(output, &output->view->syscalls->threads[i].tally);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_process(struct output *output, const struct syscalls_process *process)
{
	const struct family *family = &output->view->report->locks.family;
	const struct syscalls *syscalls = output->view->syscalls;
	const bool own = process->process != FAMILY_NONE;
	struct emit *emit = emit_of(output);

	emit_open(emit, NULL, '{');
	if (own)
		emit_u64(emit, "process", family->processes[process->process].number);
	else
		writer_put_unknown(&output->writer, "process",
				   "it ran on its parent's memory, and executed nothing that is "
				   "recorded");
	if (process->pid)
		emit_u64(emit, "pid", process->pid);
	else
		writer_put_unknown(&output->writer, "pid", "the call that made it did not return");
	emit_string(emit, "path", own ? family->processes[process->process].path : NULL);
	if (!own)
		emit_u64(emit, "child_of_pid", syscalls->processes[process->parent].pid);
	put_way(output, &(struct syscalls_way){ .known = process->mode_known,
						.mode = process->mode,
						.reason = process->mode_reason });
	if (syscalls_are_known(process)) {
		put_tally(output, &process->tally);
		put_by_call(output, process);
		put_threads(output, process->process);
	} else {
		put_no_tally(output, process);
	}
	emit_close(emit, '}');
}

static void put_standing(struct output *output, const char *name, enum gil_standing standing,
			 const struct syscalls_gil_call *calls, size_t count)
{
	const struct syscall_slots *slots = &output->view->show.gils.slots;
	struct emit *emit = emit_of(output);
	char text[SYSCALL_NAME];

	emit_open(emit, name, '{');
	for (size_t i = 0; i < count; i++) {
		if (calls[i].by[standing].calls == 0 && calls[i].by[standing].time == 0)
			continue;
		emit_open(emit, syscall_slot_name(slots, calls[i].slot, text), '{');
		emit_u64(emit, "calls", calls[i].by[standing].calls);
		writer_put_ns(&output->writer, "total_ns", calls[i].by[standing].time);
		emit_close(emit, '}');
	}
	emit_close(emit, '}');
}

static void put_gil(struct output *output, const struct gil *gil, size_t number)
{
	const struct syscalls_view *view = output->view;
	const char *hidden = gil_kind_hidden(gil->suspect.kind);
	struct emit *emit = emit_of(output);
	struct syscalls_gil_call *calls;
	struct symbol_name name;
	uint64_t futex = 0;
	size_t count;

	calls = syscalls_gil_calls(view, gil, &count);
	for (size_t i = 0; i < view->row_count; i++)
		futex += view->rows[i].gil == gil ? syscalls_row_calls(&view->rows[i]) : 0;
	symbols_data(view->report->symbols, gil->suspect.process, gil->thing->address, &name);
	emit_open(emit, NULL, '{');
	emit_u64(emit, "gil", number);
	emit_string(emit, "kind", gil_kind_name(gil->suspect.kind));
	emit_u64(emit, "process",
		 view->report->locks.family.processes[gil->suspect.process].number);
	emit_string(emit, "lock", name.text);
	emit_u64(emit, "futex", futex);
	if (hidden)
		writer_put_unknown(&output->writer, "drops", hidden);
	else
		emit_u64(emit, "drops", syscalls_gil_drops(gil));
	put_share(output, "futex_per_drop", futex, syscalls_gil_drops(gil), hidden);
	if (hidden) {
		writer_put_unknown(&output->writer, "holding", hidden);
		writer_put_unknown(&output->writer, "outside", hidden);
	} else {
		put_standing(output, "holding", GIL_WITH, calls, calls ? count : 0);
		put_standing(output, "outside", GIL_WITHOUT, calls, calls ? count : 0);
	}
	put_standing(output, "waiting", GIL_WAITING, calls, calls ? count : 0);
	emit_close(emit, '}');
	free(calls);
}

static void put_finding(struct output *output, const struct syscalls_finding *finding)
{
	const struct syscalls_view *view = output->view;
	const uint32_t thread = finding->user->thread;
	struct writer *writer = &output->writer;
	struct emit *emit = emit_of(output);
	char text[SYSCALLS_SENTENCE], name[SYSCALL_NAME];

	emit_open(emit, NULL, '{');
	emit_string(emit, "kind", "a blocking call keeps the lock");
	emit_u64(emit, "gil", finding->gil_number);
	emit_u64(emit, "thread", view->report->trace->threads[thread].header.number);
	emit_u64(emit, "tid", view->report->trace->threads[thread].header.tid);
	emit_string(emit, "name", view->report->locks.family.threads[thread].name);
	emit_string(emit, "call", syscall_slot_name(&view->show.gils.slots, finding->slot, name));
	emit_u64(emit, "count", finding->call->kept);
	writer_put_ns(writer, "total_ns", finding->call->kept_time);
	writer_put_ns(writer, "longest_ns", finding->call->kept_longest);
	writer_put_ns(writer, "others_waited_ns", finding->call->kept_waited);
	emit_u64(emit, "most_waiting", finding->call->kept_waiters);
	syscalls_say_finding(view, finding, text);
	emit_string(emit, "sentence", text);
	emit_close(emit, '}');
}

/* All arrays are there, and empty, when nothing was recorded. */
static void put_parts(struct output *output)
{
	const struct syscalls_view *view = output->view;
	struct emit *emit = emit_of(output);

	put_calls(output);
	emit_open(emit, "futex", '[');
	for (size_t i = 0; i < view->row_count; i++)
		put_row(output, &view->rows[i]);
	emit_close(emit, ']');
	emit_open(emit, "processes", '[');
	for (size_t i = 0; i < view->syscalls->process_count; i++) {
		if (syscalls_recorded(view->syscalls) && !view->syscalls->processes[i].joined)
			put_process(output, &view->syscalls->processes[i]);
	}
	emit_close(emit, ']');
	emit_open(emit, "gils", '[');
	for (size_t i = 0; i < view->gil_count; i++)
		put_gil(output, view->gils[i], i + 1);
	emit_close(emit, ']');
	emit_open(emit, "findings", '[');
	for (size_t i = 0; i < view->finding_count; i++)
		put_finding(output, &view->findings[i]);
	emit_close(emit, ']');
}

void syscalls_json(const struct syscalls_view *view)
{
	struct output output = { .writer = { .report = view->report }, .view = view };
	struct emit *emit = emit_of(&output);

	emit_start(emit, stdout, true);
	emit_open(emit, NULL, '{');
	emit_string(emit, "schema", "gilscope.syscalls/1");
	writer_put_trace(&output.writer);
	put_recorded(&output);
	put_totals(&output);
	put_parts(&output);
	emit_close(emit, '}');
}
