/* gilscope dump: a trace's events, one on each line, in the order of time. */
#include "base/param.h"
#include "command/command.h"
#include "tracer/event.h"
#include "tracer/trace.h"
#include "tracer/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct param params[] = {
	{ .name = "thread",
	  .kind = PARAM_NUMBER,
	  .low = 1,
	  .high = UINT32_MAX,
	  .value = "N",
	  .help = "only this thread's events, by its number in the trace" },
	{ .name = "from",
	  .kind = PARAM_TIME,
	  .high = WORDS_TIME_HIGH,
	  .value = "T",
	  .help = "only events from this time since the trace's first" },
	{ .name = "to",
	  .kind = PARAM_TIME,
	  .high = WORDS_TIME_HIGH,
	  .value = "T",
	  .help = "only events to this time" },
	{ .name = "json", .kind = PARAM_FLAG, .help = "print a JSON object on each line" },
	{ 0 },
};

struct dump {
	struct trace trace;
	struct emit emit;
	bool as_json;
	uint64_t from_ns, to_ns;
	struct event event;
};

static void print_head(const struct trace *trace)
{
	const struct trace_info *info = &trace->info;

	printf("# command ");
	event_print_text(info->command, stdout);
	printf("\n# threads %zu, records %" PRIu64 ", lost %" PRIu64 ", abandoned %" PRIu64
	       ", waits for space %" PRIu64 "\n",
	       trace->thread_count, trace->records, trace->lost, trace->abandoned, trace->stalls);
	if (info->lost_reason) {
		printf("# lost: ");
		event_print_text(info->lost_reason, stdout);
		putchar('\n');
	}
	if (!info->finished)
		printf("# the recording was not finished\n");
	if (info->arena) {
		printf("# records that were not collected are in ");
		event_print_text(info->arena, stdout);
		putchar('\n');
	}
	if (info->still_running)
		printf("# %u processes outlived the command\n", info->still_running);
	if (!trace->rate_known)
		printf("# the rate of the counter is not known: a second is 1e9 of its units\n");
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (trace->threads[i].trouble)
			printf("# %s\n", trace->threads[i].trouble);
	}
}

static void emit_head(struct emit *emit, const struct trace *trace)
{
	const struct trace_info *info = &trace->info;

	emit_open(emit, NULL, '{');
	emit_string(emit, "command", info->command);
	emit_bool(emit, "finished", info->finished);
	emit_u64(emit, "threads", trace->thread_count);
	emit_u64(emit, "records", trace->records);
	emit_u64(emit, "lost", trace->lost);
	emit_string(emit, "lost_reason", info->lost_reason);
	emit_u64(emit, "abandoned", trace->abandoned);
	emit_u64(emit, "stalls", trace->stalls);
	emit_u64(emit, "still_running", info->still_running);
	emit_string(emit, "arena", info->arena);
	emit_bool(emit, "rate_known", trace->rate_known);
	emit_open(emit, "troubles", '[');
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (trace->threads[i].trouble)
			emit_string(emit, NULL, trace->threads[i].trouble);
	}
	emit_close(emit, ']');
	emit_close(emit, '}');
}

static void put_event(struct dump *dump, const struct trace_thread *thread,
		      const struct record *record, size_t args)
{
	const struct trace_file *header = &thread->header;
	const uint64_t ns = trace_ns(&dump->trace, trace_when(&dump->trace, record));
	const char *name = trace_kind_name(record_kind(record));

	event_read(&dump->event, &dump->trace, record, args);
	if (!dump->as_json) {
		printf("%4" PRIu64 ".%09" PRIu64 " %3u/%-7u %s", ns / 1000000000u, ns % 1000000000u,
		       header->number, header->tid, name);
		event_print(&dump->event, stdout);
		putchar('\n');
		return;
	}
	emit_start(&dump->emit, stdout, false);
	emit_open(&dump->emit, NULL, '{');
	emit_u64(&dump->emit, "time_ns", ns);
	emit_u64(&dump->emit, "thread", header->number);
	emit_u64(&dump->emit, "process", header->process);
	emit_u64(&dump->emit, "tid", header->tid);
	emit_string(&dump->emit, "kind", name);
	event_emit(&dump->event, &dump->emit);
	emit_close(&dump->emit, '}');
}

static void put_run(struct dump *dump, const struct trace_thread *thread,
		    const struct trace_run *run)
{
	for (size_t at = 0, args; at < run->count; at += 1 + args) {
		for (args = 0; at + 1 + args < run->count; args++) {
			if (record_kind(&run->records[at + 1 + args]) != TRACE_ARG)
				break;
		}
		put_event(dump, thread, &run->records[at], args);
	}
}

/* The whole trace's clocks, and those threads that are asked for. */
static bool put_events(struct dump *dump, const struct trace *part, struct err *err)
{
	struct trace_merge *merge = trace_merge_create(part, dump->from_ns, dump->to_ns, err);
	struct trace_run run;

	if (!merge)
		return false;
	/* Who has seen enough closes the pipe. */
	while (!ferror(stdout) && trace_merge_next(merge, &run, err))
		put_run(dump, &part->threads[run.thread], &run);
	trace_merge_destroy(merge);
	return err->text[0] == '\0';
}

static bool pick(struct trace *part, const struct param_value *number, struct err *err)
{
	const size_t count = part->thread_count;

	if (!number->given)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (part->threads[i].header.number == number->number) {
			part->threads += i;
			part->thread_count = 1;
			return true;
		}
	}
	return err_set(err, EXIT_MISUSE, "'%s' has no thread %s; it has %zu, to number %u",
		       part->folder, number->text, count, part->threads[count - 1].header.number);
}

static bool dump_trace(struct dump *dump, const struct param_set *set, struct err *err)
{
	struct trace part = dump->trace;

	if (!pick(&part, param_get(set, "thread"), err))
		return false;
	if (dump->as_json) {
		emit_start(&dump->emit, stdout, false);
		emit_head(&dump->emit, &dump->trace);
	} else {
		print_head(&dump->trace);
	}
	return put_events(dump, &part, err);
}

static int run(int argc, char *argv[], struct err *err)
{
	static struct dump dump; /* large */
	struct param_set set = { .count = 0 };
	const char *folder = NULL;
	bool right;

	param_set_add(&set, params);
	if (!words_read(argc, argv, &set, &folder, err))
		return err->code;
	dump.as_json = param_number(&set, "json");
	dump.from_ns = param_number(&set, "from");
	dump.to_ns = param_get(&set, "to")->given ? param_number(&set, "to") : UINT64_MAX;
	if (!trace_open(&dump.trace, folder, err))
		return err->code;
	right = dump_trace(&dump, &set, err);
	trace_close(&dump.trace);
	return right ? EXIT_DONE : err->code;
}

const struct command command_dump = {
	.name = "dump",
	.arguments = "TRACE [--thread N] [--from T] [--to T] [--json]",
	.summary = "the events of a trace, one on each line",
	.params = params,
	.run = run,
};
