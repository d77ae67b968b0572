/* The kinds of records as tables, made from the rows of format.h. */
#include "tracer/read.h"

#include <assert.h>
#include <string.h>

/* Known when compiling; no other has its length, which kind_checks asserts. */
#define IS_TIMEOUT(detail) (sizeof(detail) == sizeof("timeout"))

static const struct kind {
	const char *name, *detail;
	uint8_t args;
	bool timed;
} kinds[TRACE_KIND_COUNT] = {
#define X(kind, text, what, which, count) \
	[TRACE_##kind] = { text, which, count, IS_TIMEOUT(which) },
	TRACE_KINDS(X)
#undef X
};

/* Which details may be, by format.h's words for them. The last of the bits of a mutex that cannot
 * be is a protocol of 3. */
static const struct detail {
	const char *what;
	uint16_t plain; /* details below this are right without a look at 'may' */
	uint8_t may[256];
} details[] = {
	{ "", 1, { [0] = 1 } },
	{ "errno", 256, { [0 ... 255] = 1 } },
	{ "errno or try", 256, { [0 ... 255] = 1 } },
	{ "timeout", 1, { [0 ... TRACE_TIMEOUT_COUNT - 1] = 1 } },
	{ "mutex bits", 0, { [0 ... 0x17] = 1, [0x20 ... 0x37] = 1 } },
	{ "rwlock bits", 0, { [0 ... 2] = 1, [0x20 ... 0x22] = 1 } },
	{ "condition bits", 0, { [0 ... 1] = 1, [0x20 ... 0x21] = 1 } },
	{ "1: process-shared", 2, { [0 ... 1] = 1 } },
	{ "1: the serial thread", 2, { [0 ... 1] = 1 } },
	{ "trace_origin", TRACE_ORIGIN_COUNT, { [0 ... TRACE_ORIGIN_COUNT - 1] = 1 } },
	{ "trace_exit", TRACE_EXIT_COUNT, { [0 ... TRACE_EXIT_COUNT - 1] = 1 } },
	{ "length of the build-id", 0, { [0 ... 255] = 1 } },
	{ "high byte", 256, { [0 ... 255] = 1 } },
	{ "operation", 256, { [0 ... 255] = 1 } },
	{ "trace_syscalls", TRACE_SYSCALLS_COUNT, { [0 ... TRACE_SYSCALLS_COUNT - 1] = 1 } },
};

/* Behind their ARGs these have text. */
static const char *const texts[TRACE_KIND_COUNT] = {
	[TRACE_SEM_OPEN] = "name", [TRACE_THREAD_NAME] = "name", [TRACE_PROCESS_START] = "path",
	[TRACE_MODULE] = "path",   [TRACE_SPAWN] = "path",       [TRACE_EXEC] = "path",
};

const char *kind_text(unsigned kind)
{
	return kind < TRACE_KIND_COUNT ? texts[kind] : NULL;
}

const char *trace_kind_name(unsigned kind)
{
	return kind > TRACE_NONE && kind < TRACE_KIND_COUNT ? kinds[kind].name : "unknown";
}

unsigned trace_args(const struct record *record)
{
	const unsigned kind = record_kind(record), detail = record_detail(record);

	if (kind == TRACE_NONE || kind >= TRACE_KIND_COUNT)
		return 0;
	if (detail == 0)
		return kinds[kind].args;
	if (kind == TRACE_MODULE)
		return kinds[kind].args + (detail + 7) / 8;
	/* A deadline. */
	return kinds[kind].args + (kinds[kind].timed ? 1u : 0u);
}

void trace_text(const struct record *args, size_t count, char *to, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < 8 * count && used + 1 < room; i++) {
		const char c = (char)(args[i / 8].operand >> (8 * (i % 8)));

		if (c == '\0')
			break;
		to[used++] = c;
	}
	if (room > 0)
		to[used] = '\0';
}

static const struct detail *find_detail(const char *what)
{
	const struct detail *detail = details;

	while (strcmp(detail->what, what) != 0)
		detail++;
	return detail;
}

void kind_checks(struct kind_check checks[256])
{
	memset(checks, 0, 256 * sizeof(checks[0]));
	/* An ARG is looked at with the event before it. */
	for (unsigned kind = TRACE_ARG + 1; kind < TRACE_KIND_COUNT; kind++) {
		const struct detail *detail = find_detail(kinds[kind].detail);
		/* What an abandoned slot should have said first may have been written. */
		const bool more = texts[kind] || kind == TRACE_ABANDONED;

		assert(kinds[kind].timed == (strcmp(kinds[kind].detail, "timeout") == 0));
		checks[kind] = (struct kind_check){
			.plain = kinds[kind].args || more ? 0 : detail->plain,
			.known = true,
			.more = more,
			.details = detail->may,
		};
	}
}
