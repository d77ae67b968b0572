/* gilscope dump on made-up traces: every kind of event in words, as text and as JSON. */
#include "command/command.h"
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define NOW_MONOTONIC (MADE_MONOTONIC_NS + START - MADE_RAW)
#define NOW_REALTIME (MADE_REALTIME_NS + START - MADE_RAW)

extern const struct command command_dump;

static struct made_trace made;
static struct made_thread thread;
static char output[65536];
static struct err err;

static int make(void **state)
{
	(void)state;
	made_trace_start(&made, NULL);
	made_thread_start(&thread, &made, 1);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	made_trace_remove(&made);
	return 0;
}

/* Runs the command with these words behind its name, a blank between them; '@' is the trace. */
static int dump(const char *line)
{
	char words[512], *argv[16] = { (char *)"dump" };
	const int saved = dup(1),
		  file = open(made_path(&made, "output"), O_CREAT | O_TRUNC | O_RDWR, 0644);
	int argc = 1, status;
	ssize_t got;

	snprintf(words, sizeof(words), "%s", line);
	for (char *rest = words, *word; (word = strsep(&rest, " "));)
		argv[argc++] = strcmp(word, "@") == 0 ? made.folder : word;
	fflush(stdout);
	dup2(file, 1);
	err = (struct err){ 0 };
	status = command_dump.run(argc, argv, &err);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	got = pread(file, output, sizeof(output) - 1, 0);
	assert_true(got >= 0);
	output[got] = '\0';
	close(file);
	return status;
}

static void end(void)
{
	made_thread_end(&thread);
	made_trace_finish(&made);
}

/* An event whose stamp is START, with ARGs up to a value of 0. */
static void put(unsigned kind, unsigned detail, uint64_t value, const uint64_t args[],
		const char *text)
{
	made_record(&thread, START, kind, detail, value);
	for (size_t i = 0; args && args[i]; i++)
		made_arg(&thread, args[i]);
	if (text)
		made_text(&thread, text);
}

#define ARGS(...) ((const uint64_t[]){ __VA_ARGS__, 0 })

/* What made_record takes for the lower 7 bytes of the operand. */
#define SYSCALL(number, arg) ((uint64_t)(arg) << 32 | (number))
#define RESULT(result) ((uint64_t)(int64_t)(result) & ((UINT64_C(1) << 56) - 1))

static const struct {
	unsigned kind, detail;
	uint64_t value, args[6];
	const char *text, *line;
} rows[] = {
	{ TRACE_MUTEX_INIT,
	  0x2d,
	  0x10,
	  { 0x99 },
	  NULL,
	  "mutex-init 0x10 bits=recursive,robust,inherit,shared caller=0x99" },
	{ TRACE_MUTEX_INIT, 0, 0x10, { 0x99 }, NULL, "mutex-init 0x10 caller=0x99" },
	{ TRACE_MUTEX_ACQUIRE,
	  EOWNERDEAD,
	  0x10,
	  { 0 },
	  NULL,
	  "mutex-acquire 0x10 errno=EOWNERDEAD" },
	{ TRACE_MUTEX_ACQUIRE, 254, 0x10, { 0 }, NULL, "mutex-acquire 0x10 errno=254" },
	{ TRACE_MUTEX_ACQUIRE, TRACE_TRIED, 0x10, { 0 }, NULL, "mutex-acquire 0x10 by=try" },
	{ TRACE_MUTEX_CONFLICT,
	  TRACE_REALTIME,
	  0x10,
	  { NOW_REALTIME + 1500000000 },
	  NULL,
	  "mutex-conflict 0x10 clock=realtime timeout=+1.500000000" },
	{ TRACE_RWLOCK_INIT,
	  0x22,
	  0x10,
	  { 0x99 },
	  NULL,
	  "rwlock-init 0x10 bits=writers-nonrecursive,shared caller=0x99" },
	{ TRACE_SPIN_INIT, 1, 0x10, { 0x99 }, NULL, "spin-init 0x10 bits=shared caller=0x99" },
	{ TRACE_SEM_INIT, 0, 0x10, { 0x99, 3 }, NULL, "sem-init 0x10 caller=0x99 count=3" },
	{ TRACE_SEM_OPEN,
	  ENOENT,
	  0,
	  { 0x99 },
	  "/it's\n",
	  "sem-open 0x0 errno=ENOENT caller=0x99 name='/it\\x27s\\x0a'" },
	{ TRACE_COND_INIT, 1, 0x10, { 0x99 }, NULL, "cond-init 0x10 bits=monotonic caller=0x99" },
	{ TRACE_COND_WAIT, 0, 0x10, { 0x20 }, NULL, "cond-wait 0x10 mutex=0x20" },
	{ TRACE_COND_WAIT,
	  TRACE_COND_CLOCK,
	  0x10,
	  { 0x20, NOW_MONOTONIC - 1 },
	  NULL,
	  "cond-wait 0x10 clock=condition mutex=0x20 timeout=-0.000000001" },
	{ TRACE_COND_WAIT,
	  TRACE_COND_CLOCK,
	  0x10,
	  { 0x20, NOW_REALTIME + 7 },
	  NULL,
	  "cond-wait 0x10 clock=condition mutex=0x20 timeout=+0.000000007" },
	{ TRACE_BARRIER_RETURN, 1, 0x10, { 0 }, NULL, "barrier-return 0x10 bits=serial" },
	{ TRACE_THREAD_CREATE,
	  EAGAIN,
	  0x7000,
	  { 0x400 },
	  NULL,
	  "thread-create 0x7000 errno=EAGAIN routine=0x400" },
	{ TRACE_PROCESS_START,
	  TRACE_BY_FORK,
	  17,
	  { 16, 0x1000 },
	  "/bin/x y",
	  "process-start 17 by=fork parent=16 base=0x1000 path='/bin/x y'" },
	{ TRACE_MODULE,
	  9,
	  0x1000,
	  { 4096, UINT64_C(0x0807060504030201), 0x09 },
	  "/lib/l.so",
	  "module 0x1000 size=4096 build_id=010203040506070809 path='/lib/l.so'" },
	{ TRACE_FORK, 0, 0, { 0 }, NULL, "fork" },
	{ TRACE_FORKED, EAGAIN, 0, { 0 }, NULL, "forked 0 errno=EAGAIN" },
	{ TRACE_EXEC, 0, 17, { 0 }, "\xff", "exec 17 path='\\xff'" },
	{ TRACE_EXIT, TRACE_EXIT_AT_ONCE, 3, { 0 }, NULL, "exit 3 by=at-once" },
	{ TRACE_ABANDONED, 0, 0, { 1, 2 }, NULL, "abandoned" },
	{ TRACE_CALL, 0, TRACE_CALL_READ, { 0 }, NULL, "call read" },
	{ TRACE_CALL, 0, TRACE_CALL_COUNT, { 0 }, NULL, "call 46" },
	{ TRACE_CALL, 0, 0, { 0 }, NULL, "call 0" },
	{ TRACE_LOCK_STATE,
	  0,
	  0x10,
	  { 5000, 0x7000, UINT64_MAX, 12 },
	  NULL,
	  "lock-state 0x10 interval=5000 holder=0x7000 locked=-1 switches=12" },
	{ TRACE_SYSCALL, 0xff, SYSCALL(257, 0xffff9c), { 0 }, NULL, "syscall openat arg=-100" },
	{ TRACE_SYSCALL, 0, SYSCALL(0, 7), { 0 }, NULL, "syscall read arg=7" },
	{ TRACE_SYSCALL, 0x7f, SYSCALL(11, 0xf00000), { 0 }, NULL, "syscall munmap" },
	{ TRACE_SYSCALL, 0, SYSCALL(500, 1), { 0 }, NULL, "syscall syscall_500" },
	{ TRACE_SYSCALL, 0, SYSCALL(UINT32_MAX, 1), { 0 }, NULL, "syscall syscall_4294967295" },
	{ TRACE_FUTEX, 0x80, 0x7f10, { 0 }, NULL, "futex 0x7f10 operation=wait bits=private" },
	{ TRACE_FUTEX, 0x0a, 0x7f10, { 0 }, NULL, "futex 0x7f10 operation=wake-bitset" },
	{ TRACE_FUTEX, 0xff, 0x7f10, { 0 }, NULL, "futex 0x7f10 operation=127 bits=private" },
	{ TRACE_SYSCALL_EXIT, 0, 3, { 0 }, NULL, "syscall-exit 3" },
	{ TRACE_SYSCALL_EXIT, 0, 0x7f1234567000, { 0 }, NULL, "syscall-exit 0x7f1234567000" },
	{ TRACE_SYSCALL_EXIT, 0xff, RESULT(-EAGAIN), { 0 }, NULL, "syscall-exit -11 errno=EAGAIN" },
	{ TRACE_SYSCALL_EXIT, 0xff, RESULT(-4095), { 0 }, NULL, "syscall-exit -4095 errno=4095" },
	{ TRACE_SYSCALL_EXIT, 0xff, RESULT(-4096), { 0 }, NULL, "syscall-exit -4096" },
	{ TRACE_SYSCALL_MISSED, 0, 0x400123, { 0 }, NULL, "syscall-missed 0x400123" },
	{ TRACE_SYSCALLS, TRACE_SYSCALLS_AUDIT, 0, { 0 }, NULL, "syscalls patch,audit" },
	{ TRACE_SYSCALLS,
	  TRACE_SYSCALLS_OFF,
	  TRACE_SYSCALLS_NO_DISPATCH,
	  { 0 },
	  NULL,
	  "syscalls off reason=this kernel has no syscall user dispatch" },
	{ TRACE_SYSCALLS,
	  TRACE_SYSCALLS_DISPATCH,
	  999,
	  { 0 },
	  NULL,
	  "syscalls dispatch reason=for a reason that this version does not know" },
	{ TRACE_SITES, 0, 0x7f00, { 526, 525 }, NULL, "sites 0x7f00 found=526 patched=525" },
};

static void each_event_is_told_in_words(void **state)
{
	char expected[sizeof(output)] = "";
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(rows[i].kind, rows[i].detail, rows[i].value, rows[i].args, rows[i].text);
		used += (size_t)snprintf(expected + used, sizeof(expected) - used,
					 "   0.000000000   1/4001    %s\n", rows[i].line);
	}
	end();
	assert_int_equal(dump("@"), EXIT_DONE);
	assert_non_null(strstr(output, "# command 'made up'\n"));
	assert_string_equal(strstr(output, "   0.0"), expected);
}

/* The n-th line, from 0. */
static json_t *line_of(size_t n)
{
	const char *line = output;
	json_error_t error;
	json_t *object;

	for (; n > 0; n--)
		line = strchr(line, '\n') + 1;
	object = json_loadb(line, (size_t)(strchrnul(line, '\n') - line), JSON_REJECT_DUPLICATES,
			    &error);
	if (!object)
		fail_msg("%s: %s", error.text, line);
	return object;
}

static void json_has_an_object_on_each_line(void **state)
{
	json_t *line;

	(void)state;
	put(TRACE_MUTEX_CONFLICT, TRACE_MONOTONIC, 0x10, ARGS(NOW_MONOTONIC - 5), NULL);
	put(TRACE_EXEC, 0, 17, NULL, "\xff\"");
	put(TRACE_SYSCALL, 0, SYSCALL(0, 7), NULL, NULL);
	put(TRACE_SYSCALL_EXIT, 0, 0x7f1234567000, NULL, NULL);
	put(TRACE_SYSCALL_EXIT, 0xff, RESULT(-EAGAIN), NULL, NULL);
	put(TRACE_SYSCALLS, TRACE_SYSCALLS_OFF, TRACE_SYSCALLS_UNREAD, NULL, NULL);
	end();
	assert_int_equal(dump("--json @"), EXIT_DONE);
	line = line_of(0);
	assert_int_equal(json_integer_value(json_object_get(line, "records")), 8);
	assert_true(json_is_null(json_object_get(line, "lost_reason")));
	json_decref(line);
	line = line_of(1);
	assert_string_equal(json_string_value(json_object_get(line, "kind")), "mutex-conflict");
	assert_string_equal(json_string_value(json_object_get(line, "mutex")), "0x10");
	assert_int_equal(json_integer_value(json_object_get(line, "timeout_ns")), -5);
	assert_int_equal(json_integer_value(json_object_get(line, "deadline_ns")),
			 NOW_MONOTONIC - 5);
	assert_int_equal(json_integer_value(json_object_get(line, "tid")), 4001);
	json_decref(line);
	line = line_of(2);
	assert_string_equal(json_string_value(json_object_get(line, "path")), "\xef\xbf\xbd\"");
	json_decref(line);
	line = line_of(3);
	assert_string_equal(json_string_value(json_object_get(line, "call")), "read");
	assert_int_equal(json_integer_value(json_object_get(line, "arg")), 7);
	json_decref(line);
	line = line_of(4);
	assert_int_equal(json_integer_value(json_object_get(line, "result")), 0x7f1234567000);
	assert_null(json_object_get(line, "errno"));
	json_decref(line);
	line = line_of(5);
	assert_int_equal(json_integer_value(json_object_get(line, "result")), -EAGAIN);
	assert_string_equal(json_string_value(json_object_get(line, "errno")), "EAGAIN");
	json_decref(line);
	line = line_of(6);
	assert_string_equal(json_string_value(json_object_get(line, "mode")), "off");
	assert_string_equal(json_string_value(json_object_get(line, "reason")),
			    "libc's code could not be read by the launcher");
	json_decref(line);
}

static void each_kind_is_an_object_of_distinct_members(void **state)
{
	(void)state;
	for (unsigned kind = TRACE_ARG + 1; kind < TRACE_KIND_COUNT; kind++) {
		const struct record bare = { .head = kind };

		put(kind, 0, 0, NULL, NULL);
		for (unsigned i = 0; i < trace_args(&bare); i++)
			made_arg(&thread, 1);
	}
	end();
	assert_int_equal(dump("@ --json"), EXIT_DONE);
	for (size_t i = 0; i < TRACE_KIND_COUNT - TRACE_ARG; i++)
		json_decref(line_of(i));
}

static void a_thread_and_a_stretch_of_time_can_be_picked(void **state)
{
	struct made_thread other;

	(void)state;
	made_thread_start(&other, &made, 7);
	for (uint64_t i = 0; i < 10; i++) {
		made_record(&thread, START + 10 * i, TRACE_FORK, 0, 0);
		made_record(&other, START + 10 * i + 5, TRACE_VFORK, 0, 0);
	}
	made_thread_end(&other);
	end();
	assert_int_equal(dump("@ --thread 7 --from 20ns --to 0.000000035s"), EXIT_DONE);
	assert_string_equal(strstr(output, "   0.0"), "   0.000000025   7/4007    vfork\n"
						      "   0.000000035   7/4007    vfork\n");
	assert_int_equal(dump("@ --thread 2"), EXIT_MISUSE);
	assert_non_null(strstr(err.text, "has no thread 2; it has 2, to number 7"));
}

static void losses_and_troubles_come_first(void **state)
{
	(void)state;
	made.lost = 12;
	made.more = ",\"lost_reason\":\"no space left\"";
	made.unfinished = true;
	put(TRACE_FORK, 0, 0, NULL, NULL);
	fwrite("cut", 3, 1, thread.file);
	end();
	assert_int_equal(dump("@"), EXIT_DONE);
	assert_non_null(strstr(output, ", lost 12, "));
	assert_non_null(strstr(output, "# lost: 'no space left'\n"));
	assert_non_null(strstr(output, "# the recording was not finished\n"));
	assert_non_null(strstr(output, "ends in 3 bytes that are no whole record\n   0.0"));
}

static void what_comes_before_the_damage_is_printed(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		made_record(&thread, START + i, TRACE_FORK, 0, 0);
	made_record(&thread, START, 200, 0, 0);
	end();
	assert_int_equal(dump("@ --from 4us"), EXIT_MISUSE);
	assert_non_null(strstr(err.text, "record 5000 at byte 80256 has kind 200"));
	assert_non_null(strstr(output, "0.000004094   1/4001    fork\n"));
}

static void wrong_words_are_told(void **state)
{
	(void)state;
	end();
	assert_int_equal(dump("--json"), EXIT_MISUSE);
	assert_string_equal(err.text, "dump needs a trace: the folder that 'gilscope trace' wrote");
	assert_int_equal(dump("@ @"), EXIT_MISUSE);
	assert_non_null(strstr(err.text, "is too much; give one trace"));
	assert_int_equal(dump("@ --thread 0"), EXIT_MISUSE);
	assert_int_equal(dump("/nowhere"), EXIT_MISUSE);
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(each_event_is_told_in_words),
		WITH_TRACE(json_has_an_object_on_each_line),
		WITH_TRACE(each_kind_is_an_object_of_distinct_members),
		WITH_TRACE(a_thread_and_a_stretch_of_time_can_be_picked),
		WITH_TRACE(losses_and_troubles_come_first),
		WITH_TRACE(what_comes_before_the_damage_is_printed),
		WITH_TRACE(wrong_words_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
