/* The report for people, in 100 columns: first what the trace is worth, then the verdict, then
 * tables. */
#include "tracer/report/report_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABEL 10

static void put(const char *label, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	printf("%-*s", LABEL, label);
	wrap_print(stdout, LABEL, text);
}

const char *text_count(uint64_t count, char to[16])
{
	if (count < 10000000)
		snprintf(to, 16, "%" PRIu64, count);
	else if (count < 1000000000)
		snprintf(to, 16, "%.1fM", (double)count / 1e6);
	else
		snprintf(to, 16, "%.2fG", (double)count / 1e9);
	return to;
}

void text_put_count(int width, uint64_t count)
{
	char text[16];

	printf("%*s", width, text_count(count, text));
}

void text_put_time(const struct report *report, int width, uint64_t raw)
{
	char text[16];

	printf("%*s", width, report_time(report, raw, text));
}

bool text_begin_table(const struct report *report, const char *title, size_t rows)
{
	if (rows == 0)
		return false;
	printf("\n%s", title);
	if (rows > report->top)
		printf("; %zu of %zu, --top shows more", report->top, rows);
	putchar('\n');
	return true;
}

const char *text_thread(const struct report *report, uint32_t thread, char to[40])
{
	const struct family_thread *facts = &report->locks.family.threads[thread];

	snprintf(to, 40, "%u %.15s", report->trace->threads[thread].header.number, facts->name);
	for (char *c = to; *c; c++)
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	return to;
}

void text_print_losses(const struct report *report)
{
	const struct trace *trace = report->trace;

	if (trace->lost > 0)
		put("LOST",
		    "%" PRIu64 " events could not be recorded%s%s: what follows is incomplete",
		    trace->lost, trace->info.lost_reason ? ": " : "",
		    trace->info.lost_reason ? trace->info.lost_reason : "");
	if (trace->abandoned > 0)
		put("abandoned", "%" PRIu64 " records: signal handlers left them by a jump",
		    trace->abandoned);
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (trace->threads[i].trouble)
			put("trouble", "%s", trace->threads[i].trouble);
	}
	if (trace->info.arena)
		put("trouble", "records that were not collected are in '%s'", trace->info.arena);
	if (!trace->info.finished)
		put("trouble", "the recording was not finished: its end is missing");
	if (!trace->rate_known)
		put("trouble", "the counter's rate is not known: times are its ticks");
}

void text_print_trace(const struct report *report)
{
	const struct trace *trace = report->trace;
	const struct trace_info *info = &trace->info;
	char status[32] = "status unknown", lasted[16] = "unknown time";

	if (info->status >= 0)
		snprintf(status, sizeof(status), "status %d", info->status);
	if (info->elapsed_ns > 0)
		report_time(report, (uint64_t)((double)info->elapsed_ns * report->locks.raw_per_ns),
			    lasted);
	put("trace", "%s", info->command ? info->command : "(command unknown)");
	put("", "%s after %s; %zu thread%s in %zu process%s", status, lasted, trace->thread_count,
	    trace->thread_count == 1 ? "" : "s", report->locks.family.process_count,
	    report->locks.family.process_count == 1 ? "" : "es");
	if (info->still_running > 0)
		put("", "%u process%s outlived the command and %s not recorded to the end",
		    info->still_running, info->still_running == 1 ? "" : "es",
		    info->still_running == 1 ? "was" : "were");
	if (report->from_ns > 0 || report->to_ns != UINT64_MAX) {
		char from[16], to[16] = "the end";

		report_time(report, report->locks.from, from);
		if (report->to_ns != UINT64_MAX)
			report_time(report, report->locks.to, to);
		put("window", "%s to %s", from, to);
	}
}

static void print_truth(const struct report *report)
{
	const struct report_sums *sums = &report->sums;
	const struct trace *trace = report->trace;
	const double lived_ns = (double)locks_ns(&report->locks, sums->lived);
	char lived[16], stall[16], records[16];

	put("records", "%s%s", text_count(report->locks.records, records),
	    trace->lost ? "" : ", none lost");
	if (sums->cost_ns < 0)
		put("own cost", "unknown: %s", report_no_correction(report));
	else
		put("own cost", "%.1fns a record: %s of the threads' %s, %.2g%%",
		    trace->info.record_ns,
		    report_time(report, (uint64_t)(sums->cost_ns * report->locks.raw_per_ns),
				stall),
		    report_time(report, sums->lived, lived),
		    lived_ns > 0 ? 100 * sums->cost_ns / lived_ns : 0.0);
	if (trace->stalls > 0)
		put("stalls",
		    "threads waited %" PRIu64
		    " times for room to record, %s in all, %.2g%% of their "
		    "time; others may have waited for them",
		    trace->stalls, report_time(report, sums->stall, stall),
		    sums->lived ? 100 * (double)sums->stall / (double)sums->lived : 0.0);
	put("checks",
	    "%s; released by others %" PRIu64 ", not acquired here %" PRIu64 ", refused %" PRIu64
	    ", held at the end %" PRIu64,
	    sums->overlaps ? "OVERLAPPING HOLDS" : "no lock was held by two threads at once",
	    sums->foreign, sums->unpaired, sums->refused, sums->held_at_end);
	for (size_t i = 0; i < report->sentence_count; i++)
		put(i == 0 ? "verdict" : "", "%s", report->verdict[i]);
}

static void put_thread(const struct report *report, uint32_t thread)
{
	const struct family_thread *facts = &report->locks.family.threads[thread];
	const struct trace_file *header = &report->trace->threads[thread].header;
	const struct actor *actor = &report->locks.actors[thread];
	char text[40], parent[16] = "-";

	if (facts->parent != FAMILY_NONE)
		snprintf(parent, sizeof(parent), "%u",
			 report->trace->threads[facts->parent].header.number);
	printf("%-17.16s%8u%6u%5s", text_thread(report, thread, text), header->tid, header->process,
	       parent);
	text_put_time(report, 7, report_lived(report, thread));
	for (size_t kind = 0; kind < WAIT_KINDS; kind++) {
		if (kind != WAIT_ONCE)
			text_put_time(report, kind == WAIT_BARRIER ? 9 : 7,
				      actor->waited[kind].raw);
	}
	text_put_time(report, 8, actor->holding.raw);
	printf("%8s\n", text_count(actor->position - actor->skipped, text));
}

static void print_threads(const struct report *report)
{
	if (!text_begin_table(report, "threads, by the time they waited for locks and semaphores",
			      report->trace->thread_count))
		return;
	printf("%-17s%8s%6s%5s%7s%7s%7s%7s%9s%7s%8s%8s\n", "", "tid", "proc.", "by", "lived",
	       "locks", "sems", "conds", "barriers", "joins", "holding", "records");
	for (size_t i = 0; i < report->trace->thread_count && i < report->top; i++)
		put_thread(report, report->threads[i]);
}

void text_put_path(const char *path, size_t room)
{
	const size_t length = strlen(path), cut = length > room ? length - room + 3 : 0;

	printf("%s", cut ? "..." : "");
	for (const char *c = path + cut; *c; c++)
		putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
}

/* Deeper processes are not indented further. */
static int indent(unsigned depth)
{
	return (int)(depth < 12 ? depth : 12) * 2;
}

static void put_child(const struct family_child *child, unsigned depth)
{
	static const char *const ways[] = { "forked", "spawned", "executed" };

	printf("%*spid %u, %s%s", indent(depth + 1), "", child->pid, ways[child->way],
	       child->path ? " " : "");
	text_put_path(child->path ? child->path : "", 24);
	printf(": not recorded: static, setuid, or never ran\n");
}

static void put_process(const struct report *report, uint32_t index, unsigned depth)
{
	static const char *const ways[] = { "exited", "exited at once", "returned" };
	const struct family_process *process = &report->locks.family.processes[index];
	char begin[16], end[16];

	printf("%*s%u, pid %u, %s", indent(depth), "", process->number, process->pid,
	       process->origin == TRACE_BY_FORK ? "forked " : "");
	text_put_path(process->path ? process->path : "?", 30);
	printf(", %s to %s", report_time(report, process->begin, begin),
	       report_time(report, process->end, end));
	if (process->exited)
		printf(", %s %u",
		       process->exit_way < TRACE_EXIT_COUNT ? ways[process->exit_way] : "exited",
		       (unsigned)process->exit_status & 0xff);
	putchar('\n');
}

/* Prints a process with all below it, up to a number of lines. */
static void put_tree(const struct report *report, uint32_t parent, unsigned depth, size_t *left)
{
	const struct family *family = &report->locks.family;

	for (uint32_t i = 0; i<family->process_count && * left> 0; i++) {
		const struct family_process *process = &family->processes[i];

		/* Children have the higher number; damaged headers shall make no ring. */
		if ((process->parent < i ? process->parent : FAMILY_NONE) != parent)
			continue;
		put_process(report, i, depth);
		--*left;
		for (size_t j = 0; j<process->child_count && * left> 0; j++) {
			if (!process->children[j].recorded) {
				put_child(&process->children[j], depth);
				--*left;
			}
		}
		put_tree(report, i, depth + 1, left);
	}
}

static void print_processes(const struct report *report)
{
	/* One that did nothing but start others is many lines, and one question. */
	size_t left = 2 * report->top;

	printf("\nprocesses\n");
	put_tree(report, FAMILY_NONE, 0, &left);
	if (left == 0)
		printf("... of %zu in all; --top shows more\n", report->locks.family.process_count);
}

void report_print(struct report *report)
{
	text_print_losses(report);
	text_print_trace(report);
	print_truth(report);
	if (!report->only_threads)
		text_print_objects(report);
	if (!report->only_locks) {
		print_threads(report);
		print_processes(report);
	}
}
