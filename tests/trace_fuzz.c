/* Damages small made-up traces at random and reads them: trace_fuzz [ITERATIONS [SEED]]. Reading
 * may fail with a sentence, never crash, hang, or yield more than there is. Speaks TAP. */
#include "command/command.h"
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/event.h"
#include "tracer/gil/gil.h"
#include "tracer/report/locks.h"
#include "tracer/trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 3
#define EVENTS 12
#define START 2000000u
#define SIZE_MAX_BYTES 16384
/* A hang is no slow machine. */
#define LIMIT_S 60

extern const struct command command_report;

static struct made_trace made;
static uint64_t state, seed;
static uint64_t opened, ended, refused, events;
static FILE *nowhere;

/* xorshift64* (Vigna, 2016). */
static uint64_t random_below(uint64_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % limit;
}

static void complain(const char *what)
{
	printf("not ok 1 - damaged traces are read or refused\n");
	fprintf(stderr, "# %s; seed %llu, the trace is left in %s\n", what,
		(unsigned long long)seed, made.folder);
	exit(1);
}

/* Calls that begin and return in every order, those with children and without return among them. */
static void write_syscall(struct made_thread *thread, uint64_t raw)
{
	static const uint32_t numbers[] = { 0, 15, 56, 58, 59, 60, 231, 322, 435, 700 };
	static const int64_t results[] = { 0, 0, 0, -2, 5001, 1 };

	if (random_below(2))
		made_enter(thread, raw, numbers[random_below(10)], 1);
	else
		made_leave(thread, raw, results[random_below(6)]);
}

static void write_event(struct made_thread *thread, uint64_t raw)
{
	const unsigned kind = TRACE_ARG + 1 + (unsigned)random_below(TRACE_KIND_COUNT - 2);
	const struct record bare = { .head = kind };
	const unsigned args = trace_args(&bare);

	/* Half of them are of a few objects, so that they meet. */
	made_record(thread, raw, kind, 0,
		    random_below(2) ? 0x1000 + 8 * random_below(8) :
				      random_below(UINT64_C(1) << 48));
	for (unsigned i = 0; i < args; i++)
		made_arg(thread,
			 random_below(2) ? 0x1000 + 8 * random_below(8) : random_below(UINT64_MAX));
	if (kind == TRACE_EXEC || kind == TRACE_MODULE || kind == TRACE_PROCESS_START)
		made_text(thread, &"/usr/lib/some/where.so"[random_below(20)]);
}

/* Returns how many events there are. A large trace has more records than fit into a buffer. */
static uint64_t write_trace(bool large)
{
	struct made_thread thread;
	uint64_t count = 0;

	made.unfinished = random_below(3) == 0;
	made.raw_per_us = 500 + random_below(5000);
	for (uint32_t number = 1; number <= THREADS; number++) {
		uint64_t raw = START + random_below(100);

		made_thread_start(&thread, &made, number);
		for (uint64_t i = large ? random_below(3000) : 0; i > 0; i--, count++)
			made_record(&thread, raw++, TRACE_SPIN_RELEASE, 0, i);
		for (uint64_t i = random_below(large ? 3000 : EVENTS); i > 0; i--, count++) {
			if (random_below(3) == 0)
				write_syscall(&thread, raw);
			else
				write_event(&thread, raw);
			/* Now and then back, as behind a signal handler. */
			raw += random_below(100) - (random_below(10) == 0 ? 50 : 0);
		}
		made_thread_end(&thread);
	}
	made_trace_finish(&made);
	return count;
}

/* A byte that a reader might look at. */
static char random_byte(void)
{
	static const char likely[] = "{}[]\",:-.0e9tn\\\x00\x01\x7f\x80\xff";

	return random_below(2) ? likely[random_below(sizeof(likely) - 1)] : (char)random_below(256);
}

static void damage_once(char *bytes, size_t *size)
{
	const size_t at = *size ? random_below(*size) : 0;
	const size_t length = random_below(*size - at < 40 ? *size - at + 1 : 40);

	switch (random_below(6)) {
	case 0:
		for (uint64_t i = random_below(4) + 1; i > 0 && *size > 0; i--)
			bytes[random_below(*size)] ^= (char)(1 << random_below(8));
		break;
	case 1:
		*size = at;
		break;
	case 2:
		memset(bytes + at, random_below(2) ? 0 : 0xff, length);
		break;
	case 3:
		for (size_t i = 0; i < length; i++)
			bytes[at + i] = random_byte();
		break;
	case 4:
		memmove(bytes + at, bytes + at + length, *size - at - length);
		*size -= length;
		break;
	default:
		if (*size + length > SIZE_MAX_BYTES)
			break;
		memmove(bytes + at + length, bytes + at, *size - at);
		*size += length;
		break;
	}
}

/* Of a large file a stretch somewhere. */
static void damage(const char *name)
{
	static char bytes[SIZE_MAX_BYTES];
	const int fd = open(made_path(&made, name), O_RDWR);
	struct stat is = { 0 };
	uint64_t from = 0;
	ssize_t got = -1;
	size_t size;

	if (fd >= 0 && fstat(fd, &is) == 0) {
		if (is.st_size > SIZE_MAX_BYTES)
			from = random_below((uint64_t)is.st_size - SIZE_MAX_BYTES + 1);
		got = pread(fd, bytes, sizeof(bytes), (off_t)from);
	}
	if (got < 0)
		complain("cannot read a file of the made-up trace");
	size = (size_t)got;
	for (uint64_t i = random_below(3) + 1; i > 0; i--)
		damage_once(bytes, &size);
	if (pwrite(fd, bytes, size, (off_t)from) != (ssize_t)size)
		complain("cannot write a file of the made-up trace");
	if ((from + (uint64_t)got == (uint64_t)is.st_size || random_below(4) == 0) &&
	    ftruncate(fd, (off_t)(from + size)) != 0)
		complain("cannot cut a file of the made-up trace");
	close(fd);
}

static void damage_some(void)
{
	char name[32];

	if (random_below(4) == 0)
		damage("trace.json");
	for (uint32_t number = 1; number <= THREADS; number++) {
		snprintf(name, sizeof(name), "threads/%05u.gst", number);
		if (random_below(2) == 0)
			damage(name);
	}
}

static void look(const struct trace *trace, const struct trace_run *run, bool print)
{
	static struct event event;
	struct emit emit;

	for (size_t at = 0, args; at < run->count; at += 1 + args) {
		for (args = 0; at + 1 + args < run->count; args++) {
			if (record_kind(&run->records[at + 1 + args]) != TRACE_ARG)
				break;
		}
		events++;
		if (!print)
			continue;
		event_read(&event, trace, &run->records[at], args);
		event_print(&event, nowhere);
		emit_start(&emit, nowhere, false);
		emit_open(&emit, NULL, '{');
		event_emit(&event, &emit);
		emit_close(&emit, '}');
	}
}

static void check_sentence(const struct err *err)
{
	if (err->code != EXIT_MISUSE || strncmp(err->text, "cannot read '", 13) != 0)
		complain(err->text);
}

/* A report of its own, which prints much. */
static void report(const char *which, bool as_json)
{
	char *argv[] = { (char *)"report", made.folder, (char *)which, (char *)"--json", NULL };
	const int saved = dup(1);
	struct err err = { 0 };

	fflush(stdout);
	dup2(fileno(nowhere), 1);
	if (command_report.run(as_json ? 4 : 3, argv, &err) == EXIT_MISUSE)
		check_sentence(&err);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
}

/* What the records come to, of locks and of interpreters' locks. */
static void analyse(const struct trace *trace, uint64_t from_ns, uint64_t to_ns)
{
	struct err err = { 0 };
	struct locks locks;
	struct gils gils;

	if (locks_read(&locks, trace, &(struct locks_wish){ from_ns, to_ns, 3, true, true, NULL },
		       &err))
		locks_finish(&locks);
	else
		check_sentence(&err);
	if (gils_read(&gils, trace, from_ns, to_ns, true, &err))
		gils_finish(&gils);
	else
		check_sentence(&err);
	report("--syscalls", random_below(2));
	report("--hazards", random_below(2));
}

static bool read_trace(bool print)
{
	const uint64_t from = print ? random_below(200) : 0;
	const uint64_t to = print ? from + random_below(2000) : UINT64_MAX;
	struct trace_merge *merge;
	struct err err = { 0 };
	struct trace_run run;
	struct trace trace;
	uint64_t records = 0;

	if (!trace_open(&trace, made.folder, &err)) {
		check_sentence(&err);
		return false;
	}
	opened++;
	merge = trace_merge_create(&trace, from, to, &err);
	while (merge && trace_merge_next(merge, &run, &err)) {
		records += run.count;
		if (run.count == 0 || record_kind(run.records) == TRACE_ARG)
			complain("a run does not begin with an event");
		look(&trace, &run, print);
	}
	if (records > trace.records)
		complain("more records than there are");
	if (print)
		analyse(&trace, from, to);
	if (err.text[0])
		check_sentence(&err);
	trace_merge_destroy(merge);
	trace_close(&trace);
	return err.text[0] == '\0';
}

static void try_one(uint64_t iteration)
{
	const uint64_t before = events, count = write_trace(iteration % 256 < 2);

	if (iteration % 16 == 0) {
		if (!read_trace(false) || events - before != count)
			complain("an undamaged trace is not read as it was written");
		return;
	}
	damage_some();
	if (read_trace(iteration % 4 == 1))
		ended++;
	else
		refused++;
}

int main(int argc, char *argv[])
{
	const uint64_t iterations = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;

	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	nowhere = fopen("/dev/null", "w");
	made_trace_start(&made, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
	printf("1..1\n");
	for (uint64_t i = 0; i < iterations; i++) {
		if (i % 1000 == 0)
			alarm(LIMIT_S);
		try_one(i);
	}
	made_trace_remove(&made);
	fclose(nowhere);
	printf("# %llu traces: %llu opened, of the damaged %llu read to the end and %llu refused; "
	       "%llu events\nok 1 - damaged traces are read or refused\n",
	       (unsigned long long)iterations, (unsigned long long)opened,
	       (unsigned long long)ended, (unsigned long long)refused, (unsigned long long)events);
	return 0;
}
