/* The report as one JSON object, schema "gilscope.report/1". Times are nanoseconds; names of
 * members end in their unit. What is not known is null, and beside it NAME_reason says why.
 *
 * trace, window: what was traced, and which part of it the rest is about. truth: what the figures
 * are worth: losses, damages, the recorder's own cost, and checks that must be 0. verdict:
 * sentences. totals: sums over all locks; waited_ns: over all threads, with waits that had not
 * ended. locks, semaphores, conditions, barriers, onces: an object per lock and so on, by the time
 * waited at it; 'id' is what other members refer to. A 'generation' above 1 is memory that was used
 * before. 'uses' has an element per way to take a lock; 'hold' is null where none is defined.
 * Durations are given as recorded, and 'corrected' less the cost of the records that the thread
 * wrote meanwhile. longest_waits: the --top longest. threads, processes: by number; 'children' that
 * did not record. A condition's wait is the whole call: when the thread was woken is inside of it
 * ('wake_ns'). */
#include "tracer/report/report_writer.h"

#include <stdio.h>

void writer_put_ns(struct writer *writer, const char *name, uint64_t raw)
{
	emit_u64(&writer->emit, name, locks_ns(&writer->report->locks, raw));
}

void writer_put_unknown(struct writer *writer, const char *name, const char *reason)
{
	char member[64];

	emit_null(&writer->emit, name);
	snprintf(member, sizeof(member), "%s_reason", name);
	emit_string(&writer->emit, member, reason);
}

void writer_put_duration(struct writer *writer, const char *name, struct duration duration)
{
	emit_open(&writer->emit, name, '{');
	writer_put_ns(writer, "raw_ns", duration.raw);
	if (writer->report->locks.cost_known)
		writer_put_ns(writer, "corrected_ns", duration.corrected);
	else
		writer_put_unknown(writer, "corrected_ns", report_no_correction(writer->report));
	emit_close(&writer->emit, '}');
}

void writer_put_thread_number(struct writer *writer, const char *name, uint32_t thread)
{
	if (thread == 0)
		emit_null(&writer->emit, name);
	else
		emit_u64(&writer->emit, name,
			 writer->report->trace->threads[thread - 1].header.number);
}

void writer_put_trace(struct writer *writer)
{
	const struct trace *trace = writer->report->trace;
	const struct trace_info *info = &trace->info;
	struct emit *emit = &writer->emit;

	emit_open(emit, "trace", '{');
	emit_string(emit, "folder", trace->folder);
	emit_string(emit, "command", info->command);
	emit_bool(emit, "finished", info->finished);
	if (info->status >= 0)
		emit_u64(emit, "status", (uint64_t)info->status);
	else
		writer_put_unknown(writer, "status", "the recording was not finished");
	if (info->elapsed_ns > 0)
		emit_u64(emit, "elapsed_ns", info->elapsed_ns);
	else
		writer_put_unknown(writer, "elapsed_ns", "the recording was not finished");
	emit_u64(emit, "still_running", info->still_running);
	emit_close(emit, '}');
	emit_open(emit, "window", '{');
	emit_u64(emit, "from_ns", writer->report->from_ns);
	if (writer->report->to_ns == UINT64_MAX)
		writer_put_unknown(writer, "to_ns", "to the end");
	else
		emit_u64(emit, "to_ns", writer->report->to_ns);
	emit_close(emit, '}');
}

void writer_put_troubles(struct writer *writer)
{
	const struct trace *trace = writer->report->trace;
	struct emit *emit = &writer->emit;

	emit_open(emit, "troubles", '[');
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (!trace->threads[i].trouble)
			continue;
		emit_open(emit, NULL, '{');
		emit_string(emit, "file", trace->threads[i].path);
		emit_string(emit, "trouble", trace->threads[i].trouble);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_cost(struct writer *writer)
{
	const struct report_sums *sums = &writer->report->sums;
	const struct trace *trace = writer->report->trace;
	const double lived_ns = (double)locks_ns(&writer->report->locks, sums->lived);
	const char *reason = report_no_correction(writer->report);
	struct emit *emit = &writer->emit;

	if (reason) {
		writer_put_unknown(writer, "record_ns", reason);
		writer_put_unknown(writer, "own_cost_ns", reason);
		writer_put_unknown(writer, "own_share", reason);
		return;
	}
	emit_double(emit, "record_ns", trace->info.record_ns);
	emit_double(emit, "own_cost_ns", sums->cost_ns);
	if (lived_ns > 0)
		emit_double(emit, "own_share", sums->cost_ns / lived_ns);
	else
		writer_put_unknown(writer, "own_share", "no thread lived in the window");
}

static void put_truth(struct writer *writer)
{
	const struct report_sums *sums = &writer->report->sums;
	const struct trace *trace = writer->report->trace;
	struct emit *emit = &writer->emit;

	emit_open(emit, "truth", '{');
	emit_u64(emit, "lost", trace->lost);
	emit_string(emit, "lost_reason", trace->info.lost_reason);
	emit_u64(emit, "records", trace->records);
	emit_u64(emit, "records_in_window", writer->report->locks.records);
	emit_u64(emit, "abandoned", trace->abandoned);
	writer_put_troubles(writer);
	emit_string(emit, "not_collected_in", trace->info.arena);
	emit_u64(emit, "stalls", trace->stalls);
	writer_put_ns(writer, "stall_ns", sums->stall);
	emit_bool(emit, "counter_rate_known", trace->rate_known);
	put_cost(writer);
	writer_put_ns(writer, "lived_ns", sums->lived);
	emit_u64(emit, "overlapping_holds", sums->overlaps);
	writer_put_ns(writer, "longest_overlap_ns", sums->longest_overlap);
	emit_u64(emit, "released_by_others", sums->foreign);
	emit_u64(emit, "released_not_acquired", sums->unpaired);
	emit_u64(emit, "releases_refused", sums->refused);
	emit_u64(emit, "held_at_end", sums->held_at_end);
	emit_close(emit, '}');
	emit_open(emit, "verdict", '[');
	for (size_t i = 0; i < writer->report->sentence_count; i++)
		emit_string(emit, NULL, writer->report->verdict[i]);
	emit_close(emit, ']');
}

/* An object's time by what it was passed with. */
static void put_waited(struct writer *writer, const struct duration *waited)
{
	static const char *const names[WAIT_KINDS] = {
		[WAIT_LOCK] = "locks",       [WAIT_SEM] = "semaphores", [WAIT_COND] = "conditions",
		[WAIT_BARRIER] = "barriers", [WAIT_ONCE] = "onces",     [WAIT_JOIN] = "joins",
	};

	emit_open(&writer->emit, "waited", '{');
	for (size_t kind = 0; kind < WAIT_KINDS; kind++)
		writer_put_duration(writer, names[kind], waited[kind]);
	emit_close(&writer->emit, '}');
}

static void put_totals(struct writer *writer)
{
	const struct report_sums *sums = &writer->report->sums;
	struct emit *emit = &writer->emit;

	emit_open(emit, "totals", '{');
	emit_u64(emit, "locks", sums->locks);
	emit_u64(emit, "acquisitions", sums->acquisitions);
	emit_u64(emit, "conflicts", sums->conflicts);
	emit_u64(emit, "busy_tries", sums->busy);
	writer_put_duration(writer, "wait", sums->wait);
	put_waited(writer, sums->waited);
	emit_close(emit, '}');
}

static void put_thread(struct writer *writer, size_t index)
{
	const struct report *report = writer->report;
	const struct family_thread *facts = &report->locks.family.threads[index];
	const struct trace_file *header = &report->trace->threads[index].header;
	const struct actor *actor = &report->locks.actors[index];
	const struct pending *stuck = locks_stuck(&report->locks, index);
	struct emit *emit = &writer->emit;
	struct symbol_name routine;

	emit_open(emit, NULL, '{');
	emit_u64(emit, "number", header->number);
	emit_string(emit, "name", facts->name);
	emit_u64(emit, "tid", header->tid);
	emit_u64(emit, "process", header->process);
	writer_put_thread_number(writer, "created_by",
				 facts->parent == FAMILY_NONE ? 0 : facts->parent + 1);
	if (facts->routine) {
		symbols_data(report->symbols, facts->process, facts->routine, &routine);
		emit_string(emit, "routine", routine.text);
	} else {
		writer_put_unknown(writer, "routine",
				   "it is a main thread, or its start is not recorded");
	}
	writer_put_ns(writer, "begin_ns", facts->begin);
	writer_put_ns(writer, "end_ns", facts->end);
	writer_put_ns(writer, "lived_ns", report_lived(report, index));
	emit_u64(emit, "records", actor->position - actor->skipped);
	put_waited(writer, actor->waited);
	writer_put_duration(writer, "holding", actor->holding);
	if (stuck && stuck->object)
		emit_u64(emit, "waiting_at_end_for", stuck->object->rank);
	else
		emit_null(emit, "waiting_at_end_for");
	emit_u64(emit, "lost", header->lost);
	emit_u64(emit, "stalls", header->stalls);
	emit_close(emit, '}');
}

static void put_children(struct writer *writer, const struct family_process *process)
{
	static const char *const ways[] = { "fork", "spawn", "exec" };
	struct emit *emit = &writer->emit;

	emit_open(emit, "not_recorded", '[');
	for (size_t i = 0; i < process->child_count; i++) {
		const struct family_child *child = &process->children[i];

		if (child->recorded)
			continue;
		emit_open(emit, NULL, '{');
		emit_u64(emit, "pid", child->pid);
		emit_string(emit, "way", ways[child->way]);
		emit_string(emit, "path", child->path);
		emit_string(emit, "reason", "static, setuid, or it never ran");
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void put_process(struct writer *writer, const struct family_process *process)
{
	static const char *const ways[] = { "call", "at once", "return" };
	const struct family *family = &writer->report->locks.family;
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	emit_u64(emit, "number", process->number);
	emit_u64(emit, "pid", process->pid);
	if (process->parent == FAMILY_NONE)
		emit_null(emit, "parent");
	else
		emit_u64(emit, "parent", family->processes[process->parent].number);
	emit_string(emit, "origin",
		    process->origin == TRACE_BY_FORK ? "fork" :
		    process->origin == TRACE_BY_EXEC ? "exec" :
						       NULL);
	emit_string(emit, "path", process->path);
	writer_put_ns(writer, "begin_ns", process->begin);
	writer_put_ns(writer, "end_ns", process->end);
	if (process->exited) {
		emit_u64(emit, "status", process->exit_status & 0xff);
		emit_string(emit, "exit_way",
			    process->exit_way < TRACE_EXIT_COUNT ? ways[process->exit_way] : NULL);
	} else {
		writer_put_unknown(writer, "status", "it did not end by a call that is recorded");
	}
	put_children(writer, process);
	emit_close(emit, '}');
}

static void put_people(struct writer *writer)
{
	const struct report *report = writer->report;
	const struct family *family = &report->locks.family;
	struct emit *emit = &writer->emit;

	emit_open(emit, "threads", '[');
	for (size_t i = 0; i < report->trace->thread_count; i++)
		put_thread(writer, i);
	emit_close(emit, ']');
	emit_open(emit, "processes", '[');
	for (size_t i = 0; i < family->process_count; i++)
		put_process(writer, &family->processes[i]);
	emit_close(emit, ']');
}

void report_emit(struct report *report)
{
	struct writer writer = { .report = report };
	struct emit *emit = &writer.emit;

	emit_start(emit, stdout, true);
	emit_open(emit, NULL, '{');
	emit_string(emit, "schema", "gilscope.report/1");
	writer_put_trace(&writer);
	put_truth(&writer);
	put_totals(&writer);
	writer_put_objects(&writer);
	put_people(&writer);
	emit_close(emit, '}');
}
