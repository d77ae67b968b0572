/* gilscope report --syscalls on made-up traces of which the answer is known. A unit of the counter
 * is a nanosecond. */
#include "command/command.h"
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/report/report.h"
#include "tracer/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define A 0x10000u     /* objects */
#define B 0x20000u
#define MS UINT64_C(1000000)
/* CPython 3's lock, as create_gil makes it. */
#define LOCK 0x100030u
#define COND (LOCK - 48)
#define SWITCH_COND (LOCK + 40)
#define SWITCH_MUTEX (LOCK + 88)

/* Numbers of x86-64. */
enum { READ = 0, CLOSE = 3, MUNMAP = 11, SIGPROCMASK = 14, PAUSE = 34, GETPID = 39, WAIT4 = 61 };

extern const struct command command_report;

static struct made_trace made;
static struct made_thread threads[6]; /* by number */
static char output[1 << 20];
static struct err err;

static int make(void **state)
{
	(void)state;
	made_trace_start(&made, NULL);
	memset(threads, 0, sizeof(threads));
	return 0;
}

static int drop(void **state)
{
	(void)state;
	made_trace_remove(&made);
	return 0;
}

static struct made_thread *thread_of(uint32_t number)
{
	if (!threads[number].file)
		made_thread_start(&threads[number], &made, number);
	return &threads[number];
}

static void process_of(uint32_t thread, uint32_t process, uint32_t parent, uint32_t pid)
{
	struct trace_file *header = &thread_of(thread)->header;

	header->process = process;
	header->parent = parent;
	header->pid = pid;
}

static void put(uint32_t thread, uint64_t ns, unsigned kind, unsigned detail, uint64_t value)
{
	made_record(thread_of(thread), START + ns, kind, detail, value);
}

static void mode(uint32_t thread, unsigned mode, unsigned reason)
{
	put(thread, 0, TRACE_SYSCALLS, mode, reason);
}

static void enter(uint32_t thread, uint64_t ns, uint32_t number)
{
	made_enter(thread_of(thread), START + ns, number, 3);
}

static void leave(uint32_t thread, uint64_t ns, int64_t result)
{
	made_leave(thread_of(thread), START + ns, result);
}

static void call(uint32_t thread, uint64_t from, uint64_t to, uint32_t number, int64_t result)
{
	enter(thread, from, number);
	leave(thread, to, result);
}

static void futex(uint32_t thread, uint64_t from, uint64_t to, unsigned operation, uint64_t word,
		  int64_t result)
{
	put(thread, from, TRACE_FUTEX, operation | FUTEX_PRIVATE_FLAG, word);
	leave(thread, to, result);
}

/* A process that came by exec or by fork. */
static void begin(uint32_t thread, uint64_t ns, unsigned origin, const char *path)
{
	put(thread, ns, TRACE_PROCESS_START, origin, thread_of(thread)->header.pid);
	made_arg(&threads[thread], 4000);
	made_arg(&threads[thread], 0x400000);
	made_text(&threads[thread], path);
}

static void end(void)
{
	for (uint32_t i = 1; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (threads[i].file)
			made_thread_end(&threads[i]);
	}
	made_trace_finish(&made);
}

/* Runs the command with these words behind its name, a blank between them; '@' is the trace. */
static int report(const char *line)
{
	char words[512], *argv[16] = { (char *)"report" };
	const int saved = dup(1),
		  file = open(made_path(&made, "output"), O_CREAT | O_TRUNC | O_RDWR, 0644);
	int argc = 1, status;
	ssize_t got;

	snprintf(words, sizeof(words), "%s", line);
	for (char *rest = words, *word; *line && (word = strsep(&rest, " "));)
		argv[argc++] = strcmp(word, "@") == 0 ? made.folder : word;
	fflush(stdout);
	dup2(file, 1);
	err = (struct err){ 0 };
	status = command_report.run(argc, argv, &err);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	got = pread(file, output, sizeof(output) - 1, 0);
	assert_true(got >= 0);
	output[got] = '\0';
	close(file);
	return status;
}

static void assert_says(const char *what)
{
	if (!strstr(output, what))
		fail_msg("'%s' is not in:\n%s", what, output);
}

static void assert_fits(void)
{
	for (const char *line = output; *line; line += strcspn(line, "\n") + 1) {
		if (strcspn(line, "\n") > 100)
			fail_msg("too long: %.*s", (int)strcspn(line, "\n"), line);
	}
}

/* The caller drops it. */
static json_t *report_json(const char *line, int status)
{
	json_error_t error;
	json_t *json;

	if (report(line) != status)
		fail_msg("%s", err.text);
	json = json_loads(output, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("%s at line %d", error.text, error.line);
	assert_string_equal(json_string_value(json_object_get(json, "schema")),
			    "gilscope.syscalls/1");
	return json;
}

/* By its way from the top: "calls.read.errors"; of an array's elements the one that has this
 * name, call or what, or this index. */
static const json_t *find(const json_t *json, const char *way)
{
	static const char *const names[] = { "name", "call", "what" };
	char words[128];

	snprintf(words, sizeof(words), "%s", way);
	for (char *rest = words, *word; json && (word = strsep(&rest, "."));) {
		const json_t *array = json;

		if (!json_is_array(array)) {
			json = json_object_get(json, word);
			continue;
		}
		json = json_array_get(array, strtoul(word, NULL, 10));
		for (size_t i = 0; i < 3 * json_array_size(array) && strtoul(word, NULL, 10) == 0;
		     i++) {
			const json_t *element = json_array_get(array, i / 3);
			const char *name =
				json_string_value(json_object_get(element, names[i % 3]));

			if (name && strcmp(name, word) == 0)
				json = element;
		}
	}
	if (!json)
		fail_msg("there is no %s in %s", way, output);
	return json;
}

/* -1 when it is null. */
static double number(const json_t *json, const char *way)
{
	json = find(json, way);
	return json_is_null(json) ? -1 : json_number_value(json);
}

static const char *text(const json_t *json, const char *way)
{
	return json_string_value(find(json, way));
}

static void calls_are_counted_and_timed_by_their_names(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	call(1, 1000, 1500, READ, 100);
	call(1, 2000, 2300, READ, -EAGAIN);
	call(1, 3000, 3100, CLOSE, -EBADF);
	call(2, 3000, 3200, 500, 7);
	call(2, 4000, 4300, MUNMAP, 0);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "totals.calls"), 5);
	assert_int_equal(number(json, "totals.errors"), 2);
	assert_int_equal(number(json, "totals.futex"), 0);
	assert_int_equal(number(json, "totals.unfinished"), 0);
	assert_int_equal(number(json, "totals.total_ns"), 1400);
	assert_int_equal(number(json, "calls.read.calls"), 2);
	assert_int_equal(number(json, "calls.read.errors"), 1);
	assert_int_equal(number(json, "calls.read.number"), 0);
	assert_int_equal(number(json, "calls.read.total_ns"), 800);
	assert_int_equal(number(json, "calls.read.p50_ns"), 300);
	assert_int_equal(number(json, "calls.read.max_ns"), 500);
	assert_int_equal(number(json, "calls.syscall_500.calls"), 1);
	assert_int_equal(number(json, "processes.0.calls"), 5);
	assert_int_equal(number(json, "processes.0.pid"), 4001);
	assert_int_equal(number(json, "processes.0.by_call.munmap"), 1);
	assert_int_equal(number(json, "processes.0.threads.0.calls"), 3);
	assert_int_equal(number(json, "processes.0.threads.1.total_ns"), 500);
	assert_string_equal(text(json, "recorded.mode"), "patch");
	assert_true(json_is_null(find(json, "recorded.reason")));
	assert_true(json_is_null(find(json, "recorded.missed")));
	json_decref(json);
}

static void a_handlers_calls_are_within_the_call_that_it_interrupts(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	enter(1, 1000, READ);
	call(1, 1100, 1200, GETPID, 4001);
	enter(1, 1300, SYSCALL_NUMBER_RT_SIGRETURN);
	leave(1, 2000, -EINTR);
	/* One that is left by a jump, and then again and again: it never returned. */
	for (uint64_t i = 0; i < 100; i++)
		enter(1, 3000 + i, PAUSE);
	call(1, 4000, 4100, CLOSE, 0);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "calls.read.total_ns"), 1000);
	assert_int_equal(number(json, "calls.read.errors"), 1);
	assert_int_equal(number(json, "calls.getpid.total_ns"), 100);
	assert_int_equal(number(json, "calls.rt_sigreturn.calls"), 1);
	assert_int_equal(number(json, "calls.rt_sigreturn.unfinished"), 0);
	assert_true(json_is_null(find(json, "calls.rt_sigreturn.max_ns")));
	assert_int_equal(number(json, "calls.pause.unfinished"), 100);
	assert_int_equal(number(json, "calls.close.total_ns"), 100);
	assert_int_equal(number(json, "totals.unfinished"), 100);
	json_decref(json);
}

static void what_has_no_return_is_not_unfinished(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	leave(1, 500, 0); /* of a call from before the records, as a forked child has */
	enter(1, 1000, SYSCALL_NUMBER_EXECVE);
	enter(2, 1000, READ);
	enter(3, 1000, SYSCALL_NUMBER_EXIT);
	enter(4, 2000, SYSCALL_NUMBER_EXIT_GROUP);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "totals.calls"), 4);
	assert_int_equal(number(json, "totals.unfinished"), 1);
	assert_int_equal(number(json, "calls.execve.unfinished"), 0);
	assert_int_equal(number(json, "calls.read.unfinished"), 1);
	assert_int_equal(number(json, "totals.errors"), 0);
	json_decref(json);
}

/* The parent, process 1, starts three: one executes an image that is recorded, one that is not,
 * one fails and ends. */
static void put_children(void)
{
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	begin(1, 0, TRACE_BY_EXEC, "/bin/parent");
	call(1, 100, 200, READ, 1);
	enter(1, 1000, SYSCALL_NUMBER_VFORK);
	leave(1, 1100, 0);
	call(1, 1200, 1300, CLOSE, 0);
	call(1, 1400, 1500, SYSCALL_NUMBER_EXECVE, -ENOENT);
	enter(1, 1600, SYSCALL_NUMBER_EXECVE);
	leave(1, 2000, 5001);
	call(1, 2100, 2200, READ, 1);
	enter(1, 3000, SYSCALL_NUMBER_CLONE3);
	leave(1, 3100, 0);
	call(1, 3200, 3300, SIGPROCMASK, 0);
	call(1, 3400, 3500, SYSCALL_NUMBER_EXECVE, -EACCES);
	enter(1, 3600, SYSCALL_NUMBER_EXIT_GROUP);
	leave(1, 4000, 5002);
	call(1, 4100, 4200, READ, 1);
	enter(1, 5000, SYSCALL_NUMBER_CLONE);
	leave(1, 5100, 0);
	enter(1, 5200, SYSCALL_NUMBER_EXECVE);
	leave(1, 5300, 5003);
	call(1, 6000, 9000, WAIT4, 5001);
	process_of(2, 2, 1, 5001);
	begin(2, 1900, TRACE_BY_EXEC, "/bin/child");
	put(2, 1900, TRACE_SYSCALLS, TRACE_SYSCALLS_PATCH, 0);
	call(2, 2500, 2600, GETPID, 5001);
	end();
}

static void what_a_child_does_on_its_parents_memory_is_the_childs(void **state)
{
	json_t *json;

	(void)state;
	put_children();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	/* The image has what came before it. */
	assert_int_equal(json_array_size(find(json, "processes")), 4);
	assert_int_equal(number(json, "processes.0.calls"), 3 + 3 + 1);
	assert_int_equal(number(json, "processes.0.by_call.read"), 3);
	assert_int_equal(number(json, "processes.0.by_call.vfork"), 1);
	assert_int_equal(number(json, "processes.0.errors"), 0);
	assert_int_equal(number(json, "processes.0.threads.0.calls"), 7);
	assert_int_equal(number(json, "processes.1.pid"), 5001);
	assert_int_equal(number(json, "processes.1.process"), 2);
	assert_string_equal(text(json, "processes.1.path"), "/bin/child");
	assert_int_equal(number(json, "processes.1.calls"), 4);
	assert_int_equal(number(json, "processes.1.by_call.execve"), 2);
	assert_int_equal(number(json, "processes.1.errors"), 1);
	assert_int_equal(number(json, "processes.1.threads.0.calls"), 1);
	assert_true(number(json, "processes.2.process") == -1);
	assert_int_equal(number(json, "processes.2.pid"), 5002);
	assert_int_equal(number(json, "processes.2.child_of_pid"), 4001);
	assert_int_equal(number(json, "processes.2.calls"), 3);
	assert_int_equal(number(json, "processes.3.pid"), 5003);
	assert_int_equal(number(json, "processes.3.by_call.execve"), 1);
	assert_int_equal(number(json, "totals.calls"), 15);
	assert_int_equal(number(json, "totals.unfinished"), 0);
	assert_int_equal(number(json, "calls.vfork.total_ns"), 1000);
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_fits();
	assert_says("\npid 5002, a child of vfork                         3        1");
}

static void a_child_that_is_killed_in_a_call_is_over_when_its_spawn_is(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	enter(1, 1000, SYSCALL_NUMBER_CLONE3);
	leave(1, 1100, 0);
	enter(1, 1200, READ);
	leave(1, 2000, 5001); /* the parent's, which looks like the child's */
	put(1, 2100, TRACE_SPAWNED, 0, 5001);
	call(1, 3000, 3100, GETPID, 4001);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "processes.0.by_call.getpid"), 1);
	assert_int_equal(number(json, "processes.1.by_call.read"), 1);
	assert_int_equal(number(json, "processes.1.pid"), 5001);
	json_decref(json);
}

static void init(uint32_t thread, uint64_t ns, unsigned kind, uint64_t address)
{
	put(thread, ns, kind, 0, address);
	made_arg(&threads[thread], 0x1234);
	if (kind == TRACE_SEM_INIT)
		made_arg(&threads[thread], 1);
}

static void futex_calls_are_for_what_their_word_is_a_part_of(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	thread_of(2);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 110, TRACE_MUTEX_CONFLICT, 0, A);
	futex(2, 120, 200, FUTEX_WAIT, A, 0);
	put(1, 190, TRACE_MUTEX_RELEASE, 0, A);
	futex(1, 195, 205, FUTEX_WAKE, A, 1);
	put(2, 210, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 220, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 300, TRACE_COND_SIGNAL, 0, B);
	futex(1, 310, 320, FUTEX_WAKE, B + 44, 0);
	futex(1, 330, 340, FUTEX_WAIT_BITSET, B + 40, -ETIMEDOUT);
	futex(1, 350, 360, FUTEX_CMP_REQUEUE, B + 47, 0);
	futex(1, 400, 450, FUTEX_WAIT_BITSET, threads[2].header.handle + 0x2d0, 0);
	futex(1, 500, 510, FUTEX_WAKE, B + 48, 0);
	put(1, 600, TRACE_MUTEX_DESTROY, 0, A);
	futex(1, 700, 710, FUTEX_WAIT, A, -EAGAIN);
	init(1, 800, TRACE_SEM_INIT, A + 8);
	futex(1, 900, 910, FUTEX_WAKE, A + 8, 1);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "totals.futex"), 9);
	assert_int_equal(number(json, "calls.futex.calls"), 9);
	assert_int_equal(number(json, "calls.futex.errors"), 2);
	assert_int_equal(number(json, "futex.mutex.wait.calls"), 1);
	assert_int_equal(number(json, "futex.mutex.wait.total_ns"), 80);
	assert_int_equal(number(json, "futex.mutex.wake.calls"), 1);
	assert_true(number(json, "futex.mutex.per_release") == 1);
	assert_string_equal(text(json, "futex.mutex.name"), "0x10000");
	assert_int_equal(number(json, "futex.condition.wake.calls"), 1);
	assert_int_equal(number(json, "futex.condition.wait.errors"), 1);
	assert_int_equal(number(json, "futex.condition.other.calls"), 0);
	assert_true(number(json, "futex.condition.per_release") == -1);
	assert_int_equal(number(json, "futex.join.wait.calls"), 1);
	/* A word that is none, one behind the condition, one in a mutex that is no more. */
	assert_int_equal(number(json, "futex.unknown.calls"), 3);
	assert_int_equal(number(json, "futex.unknown.other.calls"), 1);
	assert_int_equal(number(json, "futex.semaphore.wake.calls"), 1);
	assert_int_equal(number(json, "processes.0.futex"), 9);
	assert_int_equal(number(json, "processes.0.threads.1.futex"), 1);
	json_decref(json);
}

static void a_word_is_what_it_is_a_part_of_when_the_call_is_made(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	futex(1, 100, 110, FUTEX_WAKE, A, 0);
	put(1, 200, TRACE_MUTEX_ACQUIRE, 0, A);
	futex(1, 300, 310, FUTEX_WAKE, A, 0);
	put(1, 400, TRACE_COND_SIGNAL, 0, A); /* another object there */
	futex(1, 500, 510, FUTEX_WAKE, A, 0);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "futex.unknown.calls"), 1);
	assert_int_equal(number(json, "futex.mutex.calls"), 1);
	assert_int_equal(number(json, "futex.condition.calls"), 1);
	json_decref(json);
}

/* From having the mutex to being done. */
static void commit(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, 0, SWITCH_MUTEX);
	put(thread, ns, TRACE_COND_SIGNAL, 0, SWITCH_COND);
	put(thread, ns, TRACE_MUTEX_RELEASE, 0, SWITCH_MUTEX);
	put(thread, ns, TRACE_MUTEX_RELEASE, 0, LOCK);
}

static void let_go(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	put(thread, ns, TRACE_COND_SIGNAL, 0, COND);
	futex(thread, ns, ns, FUTEX_WAKE, COND + 40, 1);
	put(thread, ns, TRACE_MUTEX_RELEASE, 0, LOCK);
}

/* Thread 1 has the lock from 1 ms on and reads under it from 2 to 6 ms, and again for an instant;
 * thread 2 asks for it at 3 ms and has it from 8 ms on, to read without it from 9 to 15 ms. */
static void put_gil(void)
{
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	init(1, 0, TRACE_MUTEX_INIT, LOCK);
	init(1, 0, TRACE_MUTEX_INIT, SWITCH_MUTEX);
	init(1, 0, TRACE_COND_INIT, COND);
	init(1, 0, TRACE_COND_INIT, SWITCH_COND);
	put(1, MS, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	commit(1, MS);
	call(1, 2 * MS, 6 * MS, READ, 1);
	call(1, 7 * MS, 7 * MS + 1000, READ, 1);
	call(1, 7 * MS + 2000, 7 * MS + 3000, MUNMAP, 0);
	put(2, 3 * MS, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	put(2, 3 * MS, TRACE_COND_WAIT, 0, COND);
	made_arg(&threads[2], LOCK);
	futex(2, 3 * MS, 8 * MS, FUTEX_WAIT_BITSET, COND + 40, 0);
	let_go(1, 8 * MS);
	put(2, 8 * MS, TRACE_COND_RETURN, 0, COND);
	commit(2, 8 * MS);
	let_go(2, 9 * MS);
	call(2, 9 * MS, 15 * MS, READ, 1);
	put(2, 15 * MS, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	commit(2, 15 * MS);
	enter(2, 16 * MS, READ);
	end();
}

static void calls_are_told_by_what_their_thread_was_to_the_gil(void **state)
{
	json_t *json;

	(void)state;
	put_gil();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(json_array_size(find(json, "gils")), 1);
	assert_int_equal(number(json, "gils.0.drops"), 2);
	assert_int_equal(number(json, "gils.0.futex"), 3);
	assert_true(number(json, "gils.0.futex_per_drop") == 1.5);
	assert_int_equal(number(json, "gils.0.holding.read.calls"), 3);
	assert_int_equal(number(json, "gils.0.holding.read.total_ns"), 4 * MS + 1000);
	assert_int_equal(number(json, "gils.0.holding.munmap.calls"), 1);
	assert_int_equal(number(json, "gils.0.waiting.futex.calls"), 1);
	assert_int_equal(number(json, "gils.0.waiting.futex.total_ns"), 5 * MS);
	assert_int_equal(number(json, "gils.0.outside.read.calls"), 1);
	assert_int_equal(number(json, "gils.0.outside.read.total_ns"), 6 * MS);
	assert_int_equal(number(json, "futex.gil.gil"), 1);
	assert_int_equal(number(json, "futex.gil.calls"), 3);
	assert_int_equal(number(json, "futex.gil.wait.calls"), 1);
	json_decref(json);
}

static void a_blocking_call_that_keeps_the_lock_is_a_finding(void **state)
{
	json_t *json;

	(void)state;
	put_gil();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(json_array_size(find(json, "findings")), 1);
	assert_int_equal(number(json, "findings.0.thread"), 1);
	assert_string_equal(text(json, "findings.0.call"), "read");
	assert_int_equal(number(json, "findings.0.count"), 1);
	assert_int_equal(number(json, "findings.0.total_ns"), 4 * MS);
	assert_int_equal(number(json, "findings.0.longest_ns"), 4 * MS);
	assert_int_equal(number(json, "findings.0.others_waited_ns"), 3 * MS);
	assert_int_equal(number(json, "findings.0.most_waiting"), 1);
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_says("FINDING   GIL 1 was kept by thread 1 made through 1 call of read that took "
		    "longer than 1ms: 4.00ms");
	/* A window that begins behind the call has none. */
	json = report_json("@ --syscalls --json --from 5ms", EXIT_DONE);
	assert_int_equal(json_array_size(find(json, "findings")), 0);
	assert_int_equal(number(json, "calls.read.calls"), 3);
	assert_int_equal(number(json, "gils.0.holding.read.calls"), 2);
	json_decref(json);
}

/* Ruby's timer and PyPy's words are another matter: who holds such a lock is not seen. */
static void what_cannot_be_seen_of_a_gil_is_null_with_the_reason(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	init(1, 0, TRACE_MUTEX_INIT, A + 40 + 48);
	init(1, 0, TRACE_MUTEX_INIT, A);
	init(1, 0, TRACE_COND_INIT, A + 40);
	for (uint64_t i = 1; i < 20; i++) {
		put(2, i * MS, TRACE_MUTEX_ACQUIRE, 0, A + 40 + 48);
		put(2, i * MS, TRACE_MUTEX_ACQUIRE, 0, A);
		put(2, i * MS, TRACE_COND_WAIT, TRACE_REALTIME, A + 40);
		made_arg(&threads[2], A);
		made_arg(&threads[2], MADE_REALTIME_NS + (START - MADE_RAW) + i * MS + 100000);
		futex(2, i * MS, i * MS + 100000, FUTEX_WAIT_BITSET, A + 80, -ETIMEDOUT);
		put(2, i * MS + 100000, TRACE_COND_RETURN, ETIMEDOUT, A + 40);
		put(2, i * MS + 100000, TRACE_MUTEX_RELEASE, 0, A);
		put(2, i * MS + 100000, TRACE_MUTEX_RELEASE, 0, A + 40 + 48);
		call(2, i * MS + 200000, i * MS + 300000, READ, 1);
	}
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_string_equal(text(json, "gils.0.kind"), "pypy");
	assert_true(json_is_null(find(json, "gils.0.holding")));
	assert_true(json_is_null(find(json, "gils.0.drops")));
	assert_non_null(text(json, "gils.0.futex_per_drop_reason"));
	assert_int_equal(number(json, "gils.0.waiting.futex.calls"), 19);
	assert_int_equal(number(json, "gils.0.futex"), 19);
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_fits();
}

static void put_module(uint32_t thread, uint64_t base, const char *path)
{
	put(thread, 0, TRACE_MODULE, 0, base);
	made_arg(&threads[thread], 0x10000);
	made_text(&threads[thread], path);
}

static void put_sites(uint32_t thread, uint64_t base, uint64_t found, uint64_t patched)
{
	put(thread, 0, TRACE_SITES, 0, base);
	made_arg(&threads[thread], found);
	made_arg(&threads[thread], patched);
}

static void missed(uint32_t thread, uint64_t ns, uint64_t instruction, uint32_t number)
{
	put(thread, ns, TRACE_SYSCALL_MISSED, 0, instruction);
	enter(thread, ns, number);
}

static void missed_calls_are_told_by_place_and_returns_of_handlers_apart(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_AUDIT, 0);
	process_of(2, 2, 1, 4002);
	begin(2, 10, TRACE_BY_FORK, "/bin/x");
	put_module(1, 0x500000, "/lib/libodd.so");
	for (uint64_t i = 0; i < 3; i++) {
		missed(1, 1000 * i, 0x501234, GETPID);
		leave(1, 1000 * i + 10, 4001);
	}
	/* The forked process has its parent's modules, and its mode. */
	missed(2, 5000, 0x501234, GETPID);
	missed(2, 6000, 0x501234, CLOSE);
	call(2, 7000, 7010, READ, 1);
	missed(2, 8000, 0x7000, SYSCALL_NUMBER_RT_SIGRETURN);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_string_equal(text(json, "recorded.mode"), "patch,audit");
	assert_int_equal(number(json, "recorded.missed"), 5);
	assert_int_equal(number(json, "recorded.returns"), 1);
	assert_int_equal(json_array_size(find(json, "recorded.missed_at")), 2);
	assert_string_equal(text(json, "recorded.missed_at.0.instruction"), "libodd.so+0x1234");
	assert_int_equal(number(json, "recorded.missed_at.getpid.calls"), 4);
	assert_int_equal(number(json, "recorded.missed_at.close.calls"), 1);
	assert_int_equal(number(json, "totals.calls"), 7);
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_fits();
	assert_says("recorded  patched, with dispatch behind\n");
	assert_says("MISSED    5 calls by the patches, and caught by dispatch; 1 returns of");
	assert_says("       4  getpid                libodd.so+0x1234\n");
}

static void objects_that_are_not_all_patched_are_told(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	process_of(2, 2, 1, 4002);
	begin(2, 10, TRACE_BY_EXEC, "/bin/x");
	mode(2, TRACE_SYSCALLS_PATCH, 0);
	put_sites(1, 0x500000, 10, 9); /* before its module is told */
	put_module(1, 0x500000, "/lib/libodd.so");
	put_module(1, 0x600000, "/lib/libgood.so");
	put_module(2, 0x700000, "/lib/libodd.so");
	put_sites(1, 0x600000, 4, 3);
	put_sites(1, 0x600000, 4, 4);
	put_sites(1, 0x900000, 2, 0);
	put_sites(2, 0x700000, 10, 8);
	call(1, 100, 200, READ, 1);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "recorded.sites"), 16);
	assert_int_equal(number(json, "recorded.patched"), 12);
	assert_int_equal(json_array_size(find(json, "recorded.objects")), 3);
	assert_string_equal(text(json, "recorded.objects.1.path"), "/lib/libodd.so");
	assert_int_equal(number(json, "recorded.objects.1.patched"), 8);
	assert_int_equal(number(json, "recorded.objects.1.processes"), 2);
	assert_string_equal(text(json, "recorded.objects.2.path"), "[vdso]");
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_says("12 of 16 syscall instructions are patched, in 3 objects\n");
	assert_says("      10         8          2  /lib/libodd.so\n");
	assert_null(strstr(output, "libgood"));
}

static void off_is_told_with_its_reason(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_OFF, TRACE_SYSCALLS_POLICY);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	end();
	json = report_json("@ --syscalls --json", EXIT_FAILED);
	assert_string_equal(err.text, "no system calls are in the trace: off: a policy of the "
				      "system forbids to change code");
	assert_true(json_is_null(find(json, "totals")));
	assert_string_equal(text(json, "totals_reason"), err.text);
	assert_string_equal(text(json, "recorded.mode"), "off");
	assert_string_equal(text(json, "recorded.reason"),
			    "a policy of the system forbids to change code");
	assert_int_equal(json_array_size(find(json, "processes")), 0);
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_FAILED);
	assert_says("recorded  off: a policy of the system");
}

static void a_trace_for_which_nobody_asked_for_system_calls_has_none(void **state)
{
	json_t *json;

	(void)state;
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	end();
	json = report_json("@ --syscalls --json", EXIT_FAILED);
	assert_string_equal(err.text, "no system calls are in the trace: off: as asked");
	assert_string_equal(text(json, "recorded.mode"), "off");
	assert_true(json_is_null(find(json, "totals")));
	json_decref(json);
}

static void a_trace_of_an_older_version_has_no_system_calls(void **state)
{
	json_t *json;

	(void)state;
	thread_of(1)->header.version = 2;
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	end();
	json = report_json("@ --syscalls --json", EXIT_FAILED);
	assert_string_equal(err.text, "no system calls are in the trace: the version that made it "
				      "records none");
	assert_true(json_is_null(find(json, "recorded.mode")));
	assert_true(json_is_null(find(json, "totals")));
	json_decref(json);
}

static void a_process_that_was_not_recorded_has_no_counts(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	call(1, 100, 200, READ, 1);
	process_of(2, 2, 1, 4002);
	begin(2, 10, TRACE_BY_EXEC, "/bin/x");
	mode(2, TRACE_SYSCALLS_OFF, TRACE_SYSCALLS_OWN_DISPATCH);
	process_of(3, 3, 1, 4003);
	begin(3, 20, TRACE_BY_FORK, "/bin/made");
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_string_equal(text(json, "recorded.mode"), "mixed");
	assert_int_equal(number(json, "recorded.ways.0.processes"), 2);
	assert_true(number(json, "processes.1.calls") == -1);
	assert_string_equal(text(json, "processes.1.calls_reason"),
			    "the program uses syscall user dispatch itself");
	assert_string_equal(text(json, "processes.1.mode"), "off");
	assert_int_equal(number(json, "processes.2.calls"), 0);
	assert_string_equal(text(json, "processes.2.mode"), "patch");
	json_decref(json);
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_says("recorded  patched in 2 processes; off in 1 process: the program uses syscall "
		    "user dispatch itself\n");
}

static void a_window_has_the_calls_that_begin_in_it(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	call(1, 100, 5000, READ, 1);
	call(1, 6000, 7000, CLOSE, 0);
	call(1, 7500, 9000, MUNMAP, 0);
	end();
	json = report_json("@ --syscalls --json --from 1us --to 8us", EXIT_DONE);
	assert_int_equal(number(json, "totals.calls"), 2);
	assert_int_equal(number(json, "calls.close.total_ns"), 1000);
	assert_int_equal(number(json, "calls.munmap.unfinished"), 1);
	json_decref(json);
}

static void losses_come_first_and_wrong_words_are_refused(void **state)
{
	(void)state;
	made.lost = 17;
	mode(1, TRACE_SYSCALLS_DISPATCH, TRACE_SYSCALLS_UNREAD);
	call(1, 100, 200, READ, 1);
	end();
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_ptr_equal(strstr(output, "LOST      17 events"), output);
	assert_says("recorded  by dispatch: libc's code could not be read by the launcher\n");
	assert_int_equal(report("@ --syscalls --gil"), EXIT_MISUSE);
	assert_string_equal(err.text, "--gil is a report of its own; give no --locks, --threads "
				      "and --syscalls");
	assert_int_equal(report("@ --syscalls --locks"), EXIT_MISUSE);
}

/* The whole of it. */
static void the_text_is_this(void **state)
{
	/* clang-format off */
	static const char *const expected =
		"trace     made up\n"
		"          status 0 after unknown time; 2 threads in 1 process\n"
		"recorded  patched\n"
		"calls     8 in all, 0 errors, 15.0ms from entry to return; 1 had not "
		"returned at the end\n"
		"futex     3 calls, 37.5% of all; 3 of them (100.0%) are those of "
		"interpreters' locks\n"
		"FINDING   GIL 1 was kept by thread 1 made through 1 call of read that took "
		"longer than 1ms: 4.00ms\n"
		"          in all, 4.00ms the longest; others waited 3.00ms for it meanwhile, "
		"up to 1 at once\n"
		"\n"
		"calls, by the time they took\n"
		"                         calls  errors  total    p50    p99    max  share\n"
		"read                         4       0 10.0ms 4.00ms 6.00ms 6.00ms  66.7%\n"
		"futex                        3       0 5.00ms    0ns 5.00ms 5.00ms  33.3%\n"
		"munmap                       1       0 1.00us 1.00us 1.00us 1.00us  <0.1%\n"
		"\n"
		"futex calls, by what they were for\n"
		"                         calls  errors  total    p50    p99    max  share\n"
		"GIL 1 (cpython3)  0x100030; 1.5 for each drop\n"
		"      wait                   1       0 5.00ms 5.00ms 5.00ms 5.00ms  33.3%\n"
		"      wake                   2       0    0ns    0ns    0ns    0ns     0%\n"
		"\n"
		"processes and their threads, by their calls\n"
		"                                               calls   errors     futex    time\n"
		"1, pid 4001, ?                                     8        0         3  15.0ms\n"
		"      1 made                                       4        0         1  4.00ms\n"
		"      2 made                                       4        0         2  11.0ms\n"
		"\n"
		"calls of the threads of GIL 1, by what they were to it\n"
		"                              having it   waiting for it       without it\n"
		"                          calls   total    calls   total    calls   total\n"
		"read                          3  4.00ms        -       -        1  6.00ms\n"
		"futex                         -       -        1  5.00ms        2     0ns\n"
		"munmap                        1  1.00us        -       -        -       -\n";
	/* clang-format on */

	(void)state;
	put_gil();
	assert_int_equal(report("@ --syscalls"), EXIT_DONE);
	assert_fits();
	assert_string_equal(output, expected);
}

static void the_summary_has_a_line(void **state)
{
	FILE *file = tmpfile();
	char line[256];

	(void)state;
	assert_non_null(file);
	put_gil();
	err = (struct err){ 0 };
	assert_true(report_verdict(made.folder, 1000, file, &err));
	rewind(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_string_equal(line, "gilscope: 8 system calls, of which 3 futex; patched\n");
	fclose(file);
}

static void calls_of_any_number_are_told_until_there_are_too_many(void **state)
{
	json_t *json;

	(void)state;
	mode(1, TRACE_SYSCALLS_PATCH, 0);
	for (uint32_t i = 0; i < 1000; i++)
		call(1, 10 * i, 10 * i + 5, 1000 + i, -ENOSYS);
	call(1, 20000, 20001, READ, 1);
	end();
	json = report_json("@ --syscalls --json", EXIT_DONE);
	assert_int_equal(number(json, "totals.calls"), 1001);
	assert_int_equal(number(json, "calls.syscall_1638.calls"), 1);
	assert_int_equal(number(json, "calls.others.calls"), 1001 - 639);
	assert_true(number(json, "calls.others.number") == -1);
	json_decref(json);
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(calls_are_counted_and_timed_by_their_names),
		WITH_TRACE(a_handlers_calls_are_within_the_call_that_it_interrupts),
		WITH_TRACE(what_has_no_return_is_not_unfinished),
		WITH_TRACE(what_a_child_does_on_its_parents_memory_is_the_childs),
		WITH_TRACE(a_child_that_is_killed_in_a_call_is_over_when_its_spawn_is),
		WITH_TRACE(futex_calls_are_for_what_their_word_is_a_part_of),
		WITH_TRACE(a_word_is_what_it_is_a_part_of_when_the_call_is_made),
		WITH_TRACE(calls_are_told_by_what_their_thread_was_to_the_gil),
		WITH_TRACE(a_blocking_call_that_keeps_the_lock_is_a_finding),
		WITH_TRACE(what_cannot_be_seen_of_a_gil_is_null_with_the_reason),
		WITH_TRACE(missed_calls_are_told_by_place_and_returns_of_handlers_apart),
		WITH_TRACE(objects_that_are_not_all_patched_are_told),
		WITH_TRACE(off_is_told_with_its_reason),
		WITH_TRACE(a_trace_for_which_nobody_asked_for_system_calls_has_none),
		WITH_TRACE(a_trace_of_an_older_version_has_no_system_calls),
		WITH_TRACE(a_process_that_was_not_recorded_has_no_counts),
		WITH_TRACE(a_window_has_the_calls_that_begin_in_it),
		WITH_TRACE(losses_come_first_and_wrong_words_are_refused),
		WITH_TRACE(the_text_is_this),
		WITH_TRACE(the_summary_has_a_line),
		WITH_TRACE(calls_of_any_number_are_told_until_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
