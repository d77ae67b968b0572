/* Made-up traces: written plainly, from docs/trace-format.md, and not with the code that is tested.
 */
#include "tests/made_trace.h"

#include "tests/test.h"
#include "tracer/syscalls.h"

#include <ftw.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct trace_clock clock_at(const struct made_trace *trace, uint64_t raw)
{
	const uint64_t ns = (raw - MADE_RAW) * 1000 / trace->raw_per_us;

	return (struct trace_clock){ raw, MADE_MONOTONIC_NS + ns, MADE_REALTIME_NS + ns };
}

const char *made_path(const struct made_trace *trace, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", trace->folder, name);
	return path;
}

void made_trace_start(struct made_trace *trace, const char *parent)
{
	const char *temporary = getenv("TMPDIR");

	*trace = (struct made_trace){ .raw_per_us = 1000,
				      .command = "[\"made\", \"up\"]",
				      .more = "" };
	snprintf(trace->folder, sizeof(trace->folder), "%s/gilscope-trace-XXXXXX",
		 parent    ? parent :
		 temporary ? temporary :
			     "/tmp");
	assert_non_null(mkdtemp(trace->folder));
	assert_int_equal(mkdir(made_path(trace, "threads"), 0755), 0);
}

static void print_clock(FILE *to, const struct trace_clock *clock)
{
	fprintf(to, "[%llu,%llu,%llu]", (unsigned long long)clock->raw,
		(unsigned long long)clock->monotonic_ns, (unsigned long long)clock->realtime_ns);
}

static void print_json(const struct made_trace *trace, FILE *to)
{
	const struct trace_clock start = clock_at(trace, MADE_RAW);
	const struct trace_clock end = clock_at(trace, trace->end_raw + 1000000);

	fprintf(to,
		"{\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID "\",\"command\":%s,"
		"\"started\":\"2023-11-14T22:13:20Z\",\"finished\":%s,\"status\":%s,",
		trace->command, trace->unfinished ? "false" : "true",
		trace->unfinished ? "null" : "0");
	fprintf(to, "\"counter\":\"tsc\",\"arena\":null,\"cost\":{\"record_ns\":8.5},");
	fprintf(to, "\"lost\":%llu,\"stalls\":%llu,\"still_running\":0,\"clocks\":[",
		(unsigned long long)trace->lost, (unsigned long long)trace->stalls);
	print_clock(to, &start);
	if (!trace->unfinished) {
		fputc(',', to);
		print_clock(to, &end);
	}
	fprintf(to, "]%s}\n", trace->more);
}

void made_trace_finish(struct made_trace *trace)
{
	FILE *file = fopen(made_path(trace, "trace.json"), "w");

	assert_non_null(file);
	if (trace->json)
		fputs(trace->json, file);
	else
		print_json(trace, file);
	assert_int_equal(fclose(file), 0);
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *place)
{
	(void)info;
	(void)kind;
	(void)place;
	return remove(path);
}

void made_trace_remove(struct made_trace *trace)
{
	assert_int_equal(nftw(trace->folder, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void made_thread_start(struct made_thread *thread, struct made_trace *trace, uint32_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "threads/%05u.gst", number);
	*thread = (struct made_thread){
		.trace = trace,
		.file = fopen(made_path(trace, name), "w"),
		.header = {
			.magic = TRACE_MAGIC,
			.version = TRACE_VERSION,
			.number = number,
			.process = 1,
			.pid = 4001,
			.tid = 4000 + number,
			.handle = 0x7f0000000000 + 0x1000 * number,
			.comm = "made",
		},
	};
	for (size_t i = 0; i < sizeof(thread->header.uuid); i++)
		thread->header.uuid[i] = (uint8_t)i;
	assert_non_null(thread->file);
	assert_int_equal(fwrite(&thread->header, sizeof(thread->header), 1, thread->file), 1);
}

static void write_record(struct made_thread *thread, uint64_t raw, unsigned kind, uint64_t operand)
{
	const uint64_t record[2] = { raw << 8 | kind, operand };

	assert_int_equal(fwrite(record, sizeof(record), 1, thread->file), 1);
	if (thread->records++ == 0)
		thread->begin_raw = raw;
	thread->last_raw = raw;
	if (raw > thread->trace->end_raw)
		thread->trace->end_raw = raw;
}

void made_enter(struct made_thread *thread, uint64_t raw, uint32_t number, uint32_t arg)
{
	write_record(thread, raw, TRACE_SYSCALL, (uint64_t)arg << 32 | number);
}

void made_leave(struct made_thread *thread, uint64_t raw, int64_t result)
{
	write_record(thread, raw, TRACE_SYSCALL_EXIT, (uint64_t)result);
}

static void put_futex(struct made_thread *thread, unsigned operation, uint64_t word)
{
	write_record(thread, thread->last_raw, TRACE_FUTEX,
		     (uint64_t)(operation | FUTEX_PRIVATE_FLAG) << 56 | word);
	made_leave(thread, thread->last_raw, operation == FUTEX_WAKE ? 1 : -11);
}

/* What the call that left the last record does inside. */
static void put_calls_inside(struct made_thread *thread)
{
	switch (thread->kind) {
	case TRACE_MUTEX_CONFLICT:
	case TRACE_SEM_CONFLICT:
	case TRACE_SEM_BUSY:
		put_futex(thread, FUTEX_WAIT, thread->value);
		put_futex(thread, FUTEX_WAIT, thread->value);
		break;
	case TRACE_COND_WAIT:
		put_futex(thread, FUTEX_WAIT_BITSET, thread->value + 40);
		break;
	case TRACE_COND_SIGNAL:
	case TRACE_COND_BROADCAST:
		put_futex(thread, FUTEX_WAKE, thread->value + 40);
		break;
	case TRACE_MUTEX_RELEASE:
	case TRACE_SEM_RELEASE:
		put_futex(thread, FUTEX_WAKE, thread->value);
		break;
	case TRACE_CALL:
		made_enter(thread, thread->last_raw, thread->value == TRACE_CALL_WRITE ? 1 : 0, 3);
		made_leave(thread, thread->last_raw, 1);
		break;
	default:
		break;
	}
}

/* And others that say nothing of locks, one of them in a signal's handler. */
static void put_calls_behind(struct made_thread *thread)
{
	if (thread->trace->syscalls == MADE_NONE || !thread->kind)
		return;
	put_calls_inside(thread);
	thread->kind = TRACE_NONE;
	made_enter(thread, thread->last_raw, 11, 0xf7000000); /* munmap */
	write_record(thread, thread->last_raw, TRACE_SYSCALL_MISSED, 0x7f0000001234);
	made_enter(thread, thread->last_raw, 24, 0); /* sched_yield */
	made_leave(thread, thread->last_raw, 0);
	made_enter(thread, thread->last_raw, SYSCALL_NUMBER_RT_SIGRETURN, 0);
	made_leave(thread, thread->last_raw, -22);
}

static void complete(struct made_thread *thread)
{
	struct trace_file *header = &thread->header;

	header->begin_raw = thread->begin_raw;
	if (header->start.raw == 0)
		header->start =
			clock_at(thread->trace, thread->begin_raw ? thread->begin_raw : MADE_RAW);
	if (thread->trace->unfinished)
		return;
	header->flags |= TRACE_FLAG_FINISHED;
	header->end_raw = thread->last_raw;
	header->end = clock_at(thread->trace, thread->last_raw ? thread->last_raw : MADE_RAW);
	header->records = thread->records;
	header->content_bits = 8 * (sizeof(*header) + 16 * thread->records);
	header->packet_bits = header->content_bits;
}

void made_thread_end(struct made_thread *thread)
{
	put_calls_behind(thread);
	complete(thread);
	assert_int_equal(fseek(thread->file, 0, SEEK_SET), 0);
	assert_int_equal(fwrite(&thread->header, sizeof(thread->header), 1, thread->file), 1);
	assert_int_equal(fclose(thread->file), 0);
}

void made_record(struct made_thread *thread, uint64_t raw, unsigned kind, unsigned detail,
		 uint64_t value)
{
	put_calls_behind(thread);
	thread->kind = kind;
	thread->value = value;
	if (kind == TRACE_CALL && thread->trace->syscalls == MADE_INSTEAD) {
		thread->last_raw = raw;
		put_calls_behind(thread);
		return;
	}
	write_record(thread, raw, kind,
		     (uint64_t)detail << 56 | (value & ((UINT64_C(1) << 56) - 1)));
}

void made_arg(struct made_thread *thread, uint64_t value)
{
	const uint64_t record[2] = { thread->last_raw << 8 | TRACE_ARG, value };

	assert_int_equal(fwrite(record, sizeof(record), 1, thread->file), 1);
	thread->records++;
}

void made_text(struct made_thread *thread, const char *text)
{
	const size_t length = strlen(text);

	for (size_t at = 0; at < length; at += 8) {
		uint64_t word = 0;

		memcpy(&word, text + at, length - at < 8 ? length - at : 8);
		made_arg(thread, word);
	}
}
