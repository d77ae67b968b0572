/* What the values, details and ARGs of each kind are, by format.h's words for them. */
#include "tracer/event.h"

#include "tracer/read.h"
#include "tracer/syscalls.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *value, *detail;
} kinds[TRACE_KIND_COUNT] = {
#define X(kind, text, what, which, count) [TRACE_##kind] = { what, which },
	TRACE_KINDS(X)
#undef X
};

static const struct {
	const char *what, *name;
	enum field_kind kind;
} values[] = {
	{ "mutex", "mutex", FIELD_ADDRESS },
	{ "rwlock", "rwlock", FIELD_ADDRESS },
	{ "spinlock", "spinlock", FIELD_ADDRESS },
	{ "semaphore", "semaphore", FIELD_ADDRESS },
	{ "semaphore, 0: failed", "semaphore", FIELD_ADDRESS },
	{ "condition", "condition", FIELD_ADDRESS },
	{ "barrier", "barrier", FIELD_ADDRESS },
	{ "once control", "once", FIELD_ADDRESS },
	{ "thread", "handle", FIELD_ADDRESS },
	{ "load address", "base", FIELD_ADDRESS },
	{ "pid", "pid", FIELD_NUMBER },
	{ "child's pid, 0: failed", "child", FIELD_NUMBER },
	{ "status", "status", FIELD_NUMBER },
	{ "call", "call", FIELD_NUMBER },
	{ "futex word", "futex", FIELD_ADDRESS },
	{ "instruction", "instruction", FIELD_ADDRESS },
};

static const char *const calls[TRACE_CALL_COUNT] = {
#define X(call, text) [TRACE_CALL_##call] = (text),
	TRACE_CALLS(X)
#undef X
};

const char *trace_call_name(unsigned call)
{
	return call < TRACE_CALL_COUNT && calls[call] ? calls[call] : "unknown";
}

/* The ARGs that always follow. */
#define ARGS_NAMED 4

static const struct {
	uint8_t kind;
	struct {
		const char *name;
		enum field_kind kind;
	} args[ARGS_NAMED];
} args_of[] = {
	{ TRACE_MUTEX_INIT, { { "caller", FIELD_ADDRESS } } },
	{ TRACE_RWLOCK_INIT, { { "caller", FIELD_ADDRESS } } },
	{ TRACE_SPIN_INIT, { { "caller", FIELD_ADDRESS } } },
	{ TRACE_SEM_INIT, { { "caller", FIELD_ADDRESS }, { "count", FIELD_NUMBER } } },
	{ TRACE_SEM_OPEN, { { "caller", FIELD_ADDRESS } } },
	{ TRACE_COND_INIT, { { "caller", FIELD_ADDRESS } } },
	{ TRACE_COND_WAIT, { { "mutex", FIELD_ADDRESS } } },
	{ TRACE_BARRIER_INIT, { { "caller", FIELD_ADDRESS }, { "count", FIELD_NUMBER } } },
	{ TRACE_THREAD_CREATE, { { "routine", FIELD_ADDRESS } } },
	{ TRACE_THREAD_START, { { "routine", FIELD_ADDRESS } } },
	{ TRACE_PROCESS_START, { { "parent", FIELD_NUMBER }, { "base", FIELD_ADDRESS } } },
	{ TRACE_MODULE, { { "size", FIELD_NUMBER } } },
	{ TRACE_LOCK_STATE,
	  { { "interval", FIELD_NUMBER },
	    { "holder", FIELD_ADDRESS },
	    { "locked", FIELD_NUMBER },
	    { "switches", FIELD_NUMBER } } },
	{ TRACE_SITES, { { "found", FIELD_NUMBER }, { "patched", FIELD_NUMBER } } },
};

static struct field *add(struct event *event, const char *name, enum field_kind kind,
			 uint64_t number)
{
	struct field *field = &event->fields[event->count++];

	*field = (struct field){ .name = name, .kind = kind, .number = number };
	return field;
}

static void add_word(struct event *event, const char *name, const char *word)
{
	add(event, name, FIELD_WORD, 0)->text = word;
}

/* One that this version does not know stays a number. */
static void add_call(struct event *event, uint64_t call)
{
	struct field *field = &event->fields[event->count - 1];

	if (call < TRACE_CALL_COUNT && calls[call]) {
		field->kind = FIELD_WORD;
		field->text = calls[call];
	}
}

static void add_value(struct event *event, const struct record *record)
{
	const char *what = kinds[record_kind(record)].value;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(values[i].what, what) == 0)
			add(event, values[i].name, values[i].kind, record_value(record))->operand =
				true;
	}
}

static void add_bits(struct event *event, const char *const words[], size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (words[i])
			used += (size_t)snprintf(event->bits + used, sizeof(event->bits) - used,
						 "%s%s", used ? "," : "", words[i]);
	}
	if (event->bits[0])
		add_word(event, "bits", event->bits);
}

static void add_mutex_bits(struct event *event, unsigned bits)
{
	static const char *const types[] = {
		[PTHREAD_MUTEX_NORMAL] = NULL,
		[PTHREAD_MUTEX_RECURSIVE] = "recursive",
		[PTHREAD_MUTEX_ERRORCHECK] = "errorcheck",
		[PTHREAD_MUTEX_ADAPTIVE_NP] = "adaptive",
	};
	static const char *const protocols[] = {
		[PTHREAD_PRIO_NONE] = NULL,
		[PTHREAD_PRIO_INHERIT] = "inherit",
		[PTHREAD_PRIO_PROTECT] = "protect",
		NULL,
	};
	const char *const words[] = {
		types[bits & 3],
		bits & TRACE_INIT_ROBUST ? "robust" : NULL,
		protocols[bits >> TRACE_INIT_PROTOCOL_SHIFT & 3],
		bits & TRACE_INIT_SHARED ? "shared" : NULL,
	};

	add_bits(event, words, sizeof(words) / sizeof(words[0]));
}

static void add_rwlock_bits(struct event *event, unsigned bits)
{
	static const char *const preferences[] = {
		[PTHREAD_RWLOCK_PREFER_READER_NP] = NULL,
		[PTHREAD_RWLOCK_PREFER_WRITER_NP] = "writers",
		[PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP] = "writers-nonrecursive",
		NULL,
	};
	const char *const words[] = { preferences[bits & 3],
				      bits & TRACE_INIT_SHARED ? "shared" : NULL };

	add_bits(event, words, sizeof(words) / sizeof(words[0]));
}

static void add_condition_bits(struct event *event, unsigned bits)
{
	const char *const words[] = { bits & TRACE_INIT_MONOTONIC ? "monotonic" : NULL,
				      bits & TRACE_INIT_SHARED ? "shared" : NULL };

	add_bits(event, words, sizeof(words) / sizeof(words[0]));
}

static void add_shared(struct event *event, unsigned detail)
{
	if (detail)
		add_word(event, "bits", "shared");
}

static void add_serial(struct event *event, unsigned detail)
{
	if (detail)
		add_word(event, "bits", "serial");
}

static void add_errno(struct event *event, unsigned detail)
{
	const char *name = strerrorname_np((int)detail);

	if (detail && name)
		add_word(event, "errno", name);
	else if (detail)
		add(event, "errno", FIELD_NUMBER, detail);
}

static void add_errno_or_try(struct event *event, unsigned detail)
{
	if (detail == TRACE_TRIED)
		add_word(event, "by", "try");
	else
		add_errno(event, detail);
}

static void add_timeout(struct event *event, unsigned detail)
{
	static const char *const clocks[TRACE_TIMEOUT_COUNT] = {
		[TRACE_REALTIME] = "realtime",
		[TRACE_MONOTONIC] = "monotonic",
		[TRACE_COND_CLOCK] = "condition",
	};

	if (detail && detail < TRACE_TIMEOUT_COUNT)
		add_word(event, "clock", clocks[detail]);
}

static void add_origin(struct event *event, unsigned detail)
{
	add_word(event, "by", detail == TRACE_BY_FORK ? "fork" : "exec");
}

static void add_exit(struct event *event, unsigned detail)
{
	static const char *const ways[] = { "exit", "at-once", "return", "unknown" };

	add_word(event, "by", ways[detail < TRACE_EXIT_COUNT ? detail : TRACE_EXIT_COUNT]);
}

static void add_futex(struct event *event, unsigned detail)
{
	static const char *const operations[] = {
		[FUTEX_WAIT] = "wait",
		[FUTEX_WAKE] = "wake",
		[FUTEX_FD] = "fd",
		[FUTEX_REQUEUE] = "requeue",
		[FUTEX_CMP_REQUEUE] = "cmp-requeue",
		[FUTEX_WAKE_OP] = "wake-op",
		[FUTEX_LOCK_PI] = "lock-pi",
		[FUTEX_UNLOCK_PI] = "unlock-pi",
		[FUTEX_TRYLOCK_PI] = "trylock-pi",
		[FUTEX_WAIT_BITSET] = "wait-bitset",
		[FUTEX_WAKE_BITSET] = "wake-bitset",
		[FUTEX_WAIT_REQUEUE_PI] = "wait-requeue-pi",
		[FUTEX_CMP_REQUEUE_PI] = "cmp-requeue-pi",
		[FUTEX_LOCK_PI2] = "lock-pi2",
	};
	const unsigned operation = detail & ~(unsigned)FUTEX_PRIVATE_FLAG;

	if (operation < sizeof(operations) / sizeof(operations[0]))
		add_word(event, "operation", operations[operation]);
	else
		add(event, "operation", FIELD_NUMBER, operation);
	if (detail & FUTEX_PRIVATE_FLAG)
		add_word(event, "bits", "private");
}

static const struct {
	const char *what;
	void (*add)(struct event *event, unsigned detail);
} details[] = {
	{ "errno", add_errno },
	{ "errno or try", add_errno_or_try },
	{ "timeout", add_timeout },
	{ "mutex bits", add_mutex_bits },
	{ "rwlock bits", add_rwlock_bits },
	{ "condition bits", add_condition_bits },
	{ "1: process-shared", add_shared },
	{ "1: the serial thread", add_serial },
	{ "trace_origin", add_origin },
	{ "trace_exit", add_exit },
	{ "operation", add_futex },
};

static void add_detail(struct event *event, const struct record *record)
{
	const char *what = kinds[record_kind(record)].detail;

	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
		if (strcmp(details[i].what, what) == 0)
			details[i].add(event, record_detail(record));
	}
}

/* All 64 bits of these operands are theirs. */
static void add_syscall(struct event *event, uint64_t operand)
{
	const uint32_t number = (uint32_t)operand;

	add_word(event, "call", syscall_name(number, event->bits));
	event->fields[event->count - 1].operand = true;
	if (syscall_takes_number(number))
		add(event, "arg", FIELD_NUMBER, (uint64_t)(int32_t)(operand >> 32));
}

static void add_result(struct event *event, uint64_t operand)
{
	add(event, "result", FIELD_RESULT, operand)->operand = true;
	add_errno(event, syscall_error(operand));
}

static void add_recording(struct event *event, const struct record *record)
{
	add_word(event, "mode", syscalls_mode(record_detail(record)));
	event->fields[event->count - 1].operand = true;
	if (record_value(record) != TRACE_SYSCALLS_AS_ASKED)
		add_word(event, "reason", syscalls_reason(record_value(record)));
}

/* What the tables do not have. */
static void add_special(struct event *event, const struct record *record)
{
	switch (record_kind(record)) {
	case TRACE_CALL:
		add_call(event, record_value(record));
		break;
	case TRACE_SYSCALL:
		add_syscall(event, record->operand);
		break;
	case TRACE_SYSCALL_EXIT:
		add_result(event, record->operand);
		break;
	case TRACE_SYSCALLS:
		add_recording(event, record);
		break;
	default:
		break;
	}
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* A condition's own clock is told by its COND_INIT, which may be long past or never recorded: the
 * two clocks are decades apart, so it is the one on which the deadline is near. */
static void add_deadline(struct event *event, const struct trace *trace,
			 const struct record *record, uint64_t deadline)
{
	const uint64_t ns = trace_ns(trace, trace_when(trace, record));
	const uint64_t realtime = trace->first.realtime_ns + ns;
	const uint64_t monotonic = trace->first.monotonic_ns + ns;
	const unsigned clock = record_detail(record);
	const bool near = distance(deadline, monotonic) < distance(deadline, realtime);
	struct field *field = add(event, "timeout", FIELD_DEADLINE, deadline);

	field->from_now =
		(int64_t)(deadline -
			  (clock == TRACE_MONOTONIC || (clock == TRACE_COND_CLOCK && near) ?
				   monotonic :
				   realtime));
}

static void add_build_id(struct event *event, const struct record *args, size_t size)
{
	for (size_t i = 0; i < size; i++)
		snprintf(event->id + 2 * i, 3, "%02x",
			 (unsigned)(args[i / 8].operand >> (8 * (i % 8)) & 0xff));
	if (size > 0)
		add_word(event, "build_id", event->id);
}

/* Returns how many ARGs have names. */
static size_t add_named(struct event *event, const struct record *record)
{
	size_t named = 0;

	for (size_t i = 0; i < sizeof(args_of) / sizeof(args_of[0]); i++) {
		if (args_of[i].kind != record_kind(record))
			continue;
		for (; named < ARGS_NAMED && args_of[i].args[named].name; named++)
			add(event, args_of[i].args[named].name, args_of[i].args[named].kind,
			    record[1 + named].operand);
	}
	return named;
}

static void add_args(struct event *event, const struct trace *trace, const struct record *record,
		     size_t args)
{
	const unsigned kind = record_kind(record), must = trace_args(record);
	size_t named;

	if (args < must)
		return;
	named = add_named(event, record);
	if (kind == TRACE_MODULE)
		add_build_id(event, record + 1 + named, record_detail(record));
	else if (must > named)
		add_deadline(event, trace, record, record[1 + named].operand);
	if (kind_text(kind)) {
		trace_text(record + 1 + must, args - must, event->text, sizeof(event->text));
		add(event, kind_text(kind), FIELD_TEXT, 0)->text = event->text;
	}
}

void event_read(struct event *event, const struct trace *trace, const struct record *record,
		size_t args)
{
	event->count = 0;
	event->text[0] = event->bits[0] = event->id[0] = '\0';
	if (record_kind(record) == TRACE_NONE || record_kind(record) >= TRACE_KIND_COUNT)
		return;
	add_value(event, record);
	add_special(event, record);
	add_detail(event, record);
	add_args(event, trace, record, args);
}
