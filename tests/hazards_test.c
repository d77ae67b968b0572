/* gilscope report --hazards on made-up traces: each hazard, and what looks like one and is none. */
#include "command/command.h"
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define A 0x10000u     /* objects */
#define B 0x20000u
#define C 0x30000u
#define G 0x40000u
#define HANDLE(number) (0x7f0000000000 + 0x1000 * (uint64_t)(number))
#define THREADS 12

extern const struct command command_report;

static struct made_trace made;
static struct made_thread threads[THREADS + 1]; /* by number */
static uint64_t now;                            /* ns: each record is a microsecond later */
static char output[1 << 20];
static json_t *json;

static int make(void **state)
{
	(void)state;
	made_trace_start(&made, NULL);
	memset(threads, 0, sizeof(threads));
	now = 0;
	json = NULL;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	json_decref(json);
	made_trace_remove(&made);
	return 0;
}

static void put(uint32_t thread, unsigned kind, unsigned detail, uint64_t value)
{
	if (!threads[thread].file) {
		made_thread_start(&threads[thread], &made, thread);
		threads[thread].header.handle = HANDLE(thread);
	}
	now += 1000;
	made_record(&threads[thread], START + now, kind, detail, value);
}

static void put_arg(uint32_t thread, uint64_t value)
{
	made_arg(&threads[thread], value);
}

static void lock(uint32_t thread, uint64_t mutex)
{
	put(thread, TRACE_MUTEX_ACQUIRE, 0, mutex);
}

static void unlock(uint32_t thread, uint64_t mutex)
{
	put(thread, TRACE_MUTEX_RELEASE, 0, mutex);
}

/* Both, the second within the first. */
static void nest(uint32_t thread, uint64_t first, uint64_t second)
{
	lock(thread, first);
	lock(thread, second);
	unlock(thread, second);
	unlock(thread, first);
}

static void create(uint32_t thread, uint32_t child)
{
	put(thread, TRACE_THREAD_CREATE, 0, HANDLE(child));
	put_arg(thread, 0x4000);
}

static void join(uint32_t thread, uint32_t child)
{
	put(child, TRACE_THREAD_EXIT, 0, HANDLE(child));
	put(thread, TRACE_THREAD_JOIN, 0, HANDLE(child));
	put(thread, TRACE_THREAD_JOINED, 0, HANDLE(child));
}

static void semaphore(uint32_t thread, uint64_t address, uint64_t value)
{
	put(thread, TRACE_SEM_INIT, 0, address);
	put_arg(thread, 0x5000);
	put_arg(thread, value);
}

static void end(void)
{
	for (uint32_t i = 1; i <= THREADS; i++) {
		if (threads[i].file)
			made_thread_end(&threads[i]);
	}
	made_trace_finish(&made);
}

static void print(int argc, char **argv)
{
	const int saved = dup(1),
		  file = open(made_path(&made, "output"), O_CREAT | O_TRUNC | O_RDWR, 0644);
	struct err err = { 0 };
	ssize_t got;

	fflush(stdout);
	dup2(file, 1);
	if (command_report.run(argc, argv, &err) != 0)
		fail_msg("%s", err.text);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	got = pread(file, output, sizeof(output) - 1, 0);
	assert_true(got >= 0);
	output[got] = '\0';
	close(file);
}

static void report(bool as_json)
{
	char *argv[] = { (char *)"report", made.folder, (char *)"--hazards", (char *)"--json",
			 NULL };

	print(as_json ? 4 : 3, argv);
}

static void read_all(void)
{
	json_error_t error;

	end();
	report(true);
	json = json_loads(output, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("%s at line %d", error.text, error.line);
	assert_string_equal(json_string_value(json_object_get(json, "schema")),
			    "gilscope.hazards/1");
}

/* By its way from the top: "cycles.0.links.1.taken.id". */
static const json_t *member(const char *way)
{
	const json_t *at = json;
	char words[128];

	snprintf(words, sizeof(words), "%s", way);
	for (char *rest = words, *word; (word = strsep(&rest, "."));)
		at = json_is_array(at) ? json_array_get(at, strtoul(word, NULL, 10)) :
					 json_object_get(at, word);
	if (!at)
		fail_msg("there is no %s in\n%s", way, output);
	return at;
}

static size_t count(const char *way)
{
	return json_array_size(member(way));
}

static uint64_t number(const char *way)
{
	return (uint64_t)json_integer_value(member(way));
}

static void assert_clean(void)
{
	assert_int_equal(count("deadlocks"), 0);
	assert_int_equal(count("cycles"), 0);
	assert_int_equal(count("livelocks"), 0);
	assert_int_equal(count("waiting_at_end"), 0);
	assert_string_equal(json_string_value(member("verdict.0")), "no hazard was found");
}

static void assert_says(const char *what)
{
	if (!strstr(output, what))
		fail_msg("'%s' is not in:\n%s", what, output);
}

static void two_threads_that_take_two_locks_in_opposite_order_could_deadlock(void **state)
{
	(void)state;
	nest(1, A, B);
	nest(2, B, A);
	nest(1, A, B);
	read_all();
	assert_int_equal(count("cycles"), 1);
	assert_int_equal(count("deadlocks"), 0);
	assert_int_equal(count("cycles.0.links"), 2);
	assert_int_equal(number("cycles.0.links.0.thread.number"), 1);
	assert_int_equal(number("cycles.0.links.0.times"), 2);
	assert_int_equal(number("cycles.0.links.1.thread.number"), 2);
	assert_int_equal(number("cycles.0.links.0.taken.id"), number("cycles.0.links.1.held.id"));
	assert_int_equal(number("cycles.0.links.0.held_since_ns") + 1000,
			 number("cycles.0.links.0.taken_ns"));
	report(false);
	assert_says("COULD DEADLOCK: 1 cycle");
	assert_says("thread 1 made took #");
}

static void three_locks_of_three_threads_are_a_cycle_too(void **state)
{
	(void)state;
	nest(1, A, B);
	nest(2, B, C);
	nest(3, C, A);
	read_all();
	assert_int_equal(count("cycles"), 1);
	assert_int_equal(count("cycles.0.links"), 3);
}

static void the_same_order_everywhere_is_no_hazard(void **state)
{
	(void)state;
	nest(1, A, B);
	nest(2, A, B);
	nest(3, B, C);
	nest(1, A, C);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.pairs"), 3);
}

static void what_one_thread_does_alone_cannot_deadlock(void **state)
{
	(void)state;
	nest(1, A, B);
	nest(1, B, A);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.harmless_rings.one_thread"), 1);
}

static void two_threads_cannot_make_a_cycle_of_three_locks_unless_one_has_two_links(void **state)
{
	(void)state;
	nest(1, A, B);
	nest(1, B, C);
	nest(2, C, A);
	read_all();
	assert_clean();
}

static void a_lock_around_both_orders_keeps_them_apart(void **state)
{
	(void)state;
	lock(1, G);
	nest(1, A, B);
	unlock(1, G);
	lock(2, G);
	nest(2, B, A);
	unlock(2, G);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.harmless_rings.common_lock"), 1);
}

static void a_lock_around_some_of_them_does_not(void **state)
{
	(void)state;
	lock(1, G);
	nest(1, A, B);
	unlock(1, G);
	lock(2, G);
	nest(2, B, A);
	unlock(2, G);
	nest(2, B, A);
	read_all();
	assert_int_equal(count("cycles"), 1);
}

static void read_locks_around_them_keep_nothing_apart(void **state)
{
	(void)state;
	put(1, TRACE_READ_ACQUIRE, 0, G);
	nest(1, A, B);
	put(1, TRACE_RWLOCK_RELEASE, 0, G);
	put(2, TRACE_READ_ACQUIRE, 0, G);
	nest(2, B, A);
	put(2, TRACE_RWLOCK_RELEASE, 0, G);
	read_all();
	assert_int_equal(count("cycles"), 1);
}

static void readers_do_not_wait_for_readers(void **state)
{
	(void)state;
	put(1, TRACE_READ_ACQUIRE, 0, A);
	put(1, TRACE_READ_ACQUIRE, 0, B);
	put(1, TRACE_RWLOCK_RELEASE, 0, B);
	put(1, TRACE_RWLOCK_RELEASE, 0, A);
	put(2, TRACE_READ_ACQUIRE, 0, B);
	put(2, TRACE_READ_ACQUIRE, 0, A);
	put(2, TRACE_RWLOCK_RELEASE, 0, A);
	put(2, TRACE_RWLOCK_RELEASE, 0, B);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.harmless_rings.readers"), 1);
}

static void a_reader_and_a_writer_do(void **state)
{
	(void)state;
	put(1, TRACE_READ_ACQUIRE, 0, A);
	put(1, TRACE_WRITE_ACQUIRE, 0, B);
	put(1, TRACE_RWLOCK_RELEASE, 0, B);
	put(1, TRACE_RWLOCK_RELEASE, 0, A);
	put(2, TRACE_READ_ACQUIRE, 0, B);
	put(2, TRACE_WRITE_ACQUIRE, 0, A);
	put(2, TRACE_RWLOCK_RELEASE, 0, A);
	put(2, TRACE_RWLOCK_RELEASE, 0, B);
	read_all();
	assert_int_equal(count("cycles"), 1);
	assert_string_equal(json_string_value(member("cycles.0.links.0.held_mode")), "read");
	assert_string_equal(json_string_value(member("cycles.0.links.0.taken_mode")), "write");
}

static void what_comes_before_a_threads_start_is_not_beside_it(void **state)
{
	(void)state;
	nest(1, A, B);
	create(1, 2);
	nest(2, B, A);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.harmless_rings.not_together"), 1);
}

static void what_comes_behind_a_threads_start_is_beside_it(void **state)
{
	(void)state;
	nest(1, A, B);
	create(1, 2);
	nest(2, B, A);
	nest(1, A, B);
	read_all();
	assert_int_equal(count("cycles"), 1);
	/* The take that can meet the other one is told, and not the first. */
	assert_true(number("cycles.0.links.0.taken_ns") > number("cycles.0.links.1.taken_ns"));
}

static void what_comes_behind_a_join_is_not_beside_the_thread(void **state)
{
	(void)state;
	create(1, 2);
	nest(2, A, B);
	join(1, 2);
	nest(1, B, A);
	read_all();
	assert_clean();
}

static void threads_one_behind_the_other_are_not_beside_each_other(void **state)
{
	(void)state;
	create(1, 2);
	nest(2, A, B);
	join(1, 2);
	create(1, 3);
	create(3, 4);
	nest(4, B, A);
	read_all();
	assert_clean();
}

static void what_lies_between_a_start_and_a_join_is_beside_the_thread(void **state)
{
	(void)state;
	nest(1, B, A);
	create(1, 2);
	nest(2, A, B);
	nest(1, B, A);
	join(1, 2);
	nest(1, B, A);
	read_all();
	assert_int_equal(count("cycles"), 1);
}

/* Python's threads are detached; each makes a lock, takes it, and lets go of it at its end. */
static void python_joins_threads_by_a_lock_that_they_hold_while_they_live(void **state)
{
	(void)state;
	create(1, 2);
	semaphore(2, C, 1);
	put(2, TRACE_SEM_ACQUIRE, 0, C);
	nest(2, A, B);
	put(1, TRACE_SEM_CONFLICT, 0, C);
	put(2, TRACE_SEM_RELEASE, 0, C);
	put(1, TRACE_SEM_ACQUIRE, 0, C);
	put(1, TRACE_SEM_RELEASE, 0, C);
	nest(1, B, A);
	read_all();
	assert_clean();
}

/* PyPy looks whether threads live by trying their locks. */
static void a_thread_that_looks_at_such_a_lock_has_not_joined(void **state)
{
	(void)state;
	create(1, 2);
	create(1, 3);
	semaphore(2, C, 1);
	put(2, TRACE_SEM_ACQUIRE, TRACE_TRIED, C);
	nest(2, A, B);
	put(2, TRACE_SEM_RELEASE, 0, C);
	lock(3, G);
	put(3, TRACE_SEM_ACQUIRE, TRACE_TRIED, C);
	put(3, TRACE_SEM_RELEASE, 0, C);
	unlock(3, G);
	nest(3, B, A);
	read_all();
	assert_int_equal(count("cycles"), 1);
	assert_int_equal(number("checked.pairs"), 4);
}

static void a_try_that_finds_the_lock_held_waits_for_nothing(void **state)
{
	(void)state;
	nest(1, A, B);
	lock(2, B);
	lock(1, A);
	put(2, TRACE_MUTEX_BUSY, EBUSY, A);
	unlock(1, A);
	unlock(2, B);
	read_all();
	assert_clean();
}

static void a_try_that_succeeds_would_not_have_waited(void **state)
{
	(void)state;
	nest(1, A, B);
	lock(2, B);
	put(2, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, A);
	unlock(2, A);
	unlock(2, B);
	put(3, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, B);
	put(3, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, C);
	unlock(3, C);
	unlock(3, B);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.pairs"), 1);
}

static void what_was_got_by_a_try_is_in_the_way_of_others(void **state)
{
	(void)state;
	nest(1, A, B);
	put(2, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, B);
	lock(2, A);
	unlock(2, A);
	unlock(2, B);
	read_all();
	assert_int_equal(count("cycles"), 1);
}

static void taking_a_lock_again_is_no_order(void **state)
{
	(void)state;
	lock(1, A);
	nest(1, B, A);
	unlock(1, A);
	lock(2, A);
	lock(2, B);
	lock(2, B);
	unlock(2, B);
	unlock(2, B);
	unlock(2, A);
	read_all();
	assert_clean();
}

static void memory_that_is_used_again_is_another_lock(void **state)
{
	(void)state;
	put(1, TRACE_MUTEX_INIT, 0, A);
	put_arg(1, 0x5000);
	nest(1, A, B);
	put(1, TRACE_MUTEX_DESTROY, 0, A);
	put(2, TRACE_MUTEX_INIT, 0, A);
	put_arg(2, 0x5000);
	nest(2, B, A);
	read_all();
	assert_clean();
}

static void a_lock_that_is_destroyed_is_held_no_more(void **state)
{
	(void)state;
	semaphore(1, A, 1);
	put(1, TRACE_SEM_ACQUIRE, 0, A);
	put(1, TRACE_SEM_DESTROY, 0, A);
	lock(1, B);
	lock(1, C);
	read_all();
	assert_int_equal(number("checked.pairs"), 1);
}

static void a_condition_lets_go_of_its_mutex(void **state)
{
	(void)state;
	lock(1, A);
	put(1, TRACE_COND_WAIT, 0, C);
	put_arg(1, A);
	nest(2, B, A);
	put(2, TRACE_COND_SIGNAL, 0, C);
	put(1, TRACE_COND_RETURN, 0, C);
	unlock(1, A);
	read_all();
	assert_clean();
}

static void a_condition_takes_its_mutex_back_under_what_else_is_held(void **state)
{
	(void)state;
	lock(1, A);
	lock(1, B);
	put(1, TRACE_COND_WAIT, 0, C);
	put_arg(1, A);
	put(1, TRACE_COND_RETURN, 0, C);
	unlock(1, A);
	unlock(1, B);
	nest(2, A, B);
	read_all();
	assert_int_equal(count("cycles"), 1);
}

static void a_semaphore_that_others_let_go_of_is_no_lock(void **state)
{
	(void)state;
	semaphore(1, A, 1);
	put(1, TRACE_SEM_ACQUIRE, 0, A);
	lock(1, B);
	unlock(1, B);
	put(2, TRACE_SEM_RELEASE, 0, A);
	lock(2, B);
	put(2, TRACE_SEM_ACQUIRE, 0, A);
	put(2, TRACE_SEM_RELEASE, 0, A);
	unlock(2, B);
	read_all();
	assert_clean();
}

static void a_semaphore_that_is_used_as_a_lock_is_one(void **state)
{
	(void)state;
	semaphore(1, A, 1);
	semaphore(1, B, 1);
	for (uint32_t i = 1; i <= 2; i++) {
		put(i, TRACE_SEM_ACQUIRE, TRACE_TRIED, i == 1 ? A : B);
		put(i, TRACE_SEM_ACQUIRE, TRACE_TRIED, i == 1 ? B : A);
		put(i, TRACE_SEM_RELEASE, 0, i == 1 ? B : A);
		put(i, TRACE_SEM_RELEASE, 0, i == 1 ? A : B);
	}
	read_all();
	assert_int_equal(count("cycles"), 1);
	report(false);
	assert_says("a semaphore counts as a lock");
}

/* Two threads that each hold one lock and wait for the other's. */
static void put_ring(void)
{
	lock(1, A);
	lock(2, B);
	put(1, TRACE_MUTEX_CONFLICT, 0, B);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
}

static void a_ring_at_the_end_is_a_deadlock_and_told_once(void **state)
{
	(void)state;
	put_ring();
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	assert_int_equal(count("deadlocks.0"), 2);
	assert_int_equal(number("deadlocks.0.0.thread.number"), 1);
	assert_int_equal(number("deadlocks.0.0.held_by.0.thread.number"), 2);
	assert_int_equal(number("deadlocks.0.0.held_by.0.since_ns"), 1000);
	assert_int_equal(number("deadlocks.0.0.since_ns"), 2000);
	assert_int_equal(number("deadlocks.0.1.thread.number"), 2);
	assert_int_equal(count("waiting_at_end"), 0);
	assert_int_equal(count("cycles"), 1);
	assert_true(json_is_true(member("cycles.0.happened")));
	report(false);
	assert_says("DEADLOCK: threads 1, 2 waited for each other");
	assert_null(strstr(output, "could deadlock"));
}

/* A lock as CPython 3 has it: a flag under a mutex, and forced switching under another. */
#define GIL_MUTEX 0x81000u
#define GIL_COND 0x81030u
#define GIL_SWITCH_MUTEX 0x81058u
#define GIL_SWITCH_COND 0x81090u

static void make_gil(uint32_t thread)
{
	static const struct {
		unsigned kind;
		uint64_t address;
	} parts[] = {
		{ TRACE_MUTEX_INIT, GIL_MUTEX },
		{ TRACE_MUTEX_INIT, GIL_SWITCH_MUTEX },
		{ TRACE_COND_INIT, GIL_COND },
		{ TRACE_COND_INIT, GIL_SWITCH_COND },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		put(thread, parts[i].kind, 0, parts[i].address);
		put_arg(thread, 0x6000);
	}
}

static void take_gil(uint32_t thread)
{
	lock(thread, GIL_MUTEX);
	lock(thread, GIL_SWITCH_MUTEX);
	put(thread, TRACE_COND_SIGNAL, 0, GIL_SWITCH_COND);
	unlock(thread, GIL_SWITCH_MUTEX);
	unlock(thread, GIL_MUTEX);
}

static void drop_gil(uint32_t thread)
{
	lock(thread, GIL_MUTEX);
	put(thread, TRACE_COND_SIGNAL, 0, GIL_COND);
	unlock(thread, GIL_MUTEX);
}

static void wait_for_gil(uint32_t thread)
{
	lock(thread, GIL_MUTEX);
	put(thread, TRACE_COND_WAIT, TRACE_COND_CLOCK, GIL_COND);
	put_arg(thread, GIL_MUTEX);
	put_arg(thread, MADE_REALTIME_NS + START - MADE_RAW + now + 5000000);
}

static void a_lock_waited_for_with_the_interpreters_by_whose_holder_wants_that(void **state)
{
	(void)state;
	make_gil(1);
	take_gil(1);
	put(1, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, A);
	drop_gil(1);
	take_gil(1);
	unlock(1, A);
	drop_gil(1);
	take_gil(2);
	lock(2, A);
	unlock(2, A);
	drop_gil(2);
	read_all();
	assert_int_equal(count("cycles"), 1);
	assert_int_equal(count("cycles.0.links"), 2);
	assert_string_equal(json_string_value(member("cycles.0.links.0.held.type")), "gil");
	assert_string_equal(json_string_value(member("cycles.0.links.1.held.type")), "mutex");
	report(false);
	assert_says("took the GIL of process 1 (cpython3) at");
	assert_says("let go of the interpreter's lock before waiting");
}

static void the_same_by_a_try_lets_go_of_the_interpreters_lock_before_it_waits(void **state)
{
	(void)state;
	make_gil(1);
	take_gil(1);
	put(1, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, A);
	drop_gil(1);
	take_gil(1);
	unlock(1, A);
	drop_gil(1);
	take_gil(2);
	put(2, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, A);
	unlock(2, A);
	drop_gil(2);
	read_all();
	assert_clean();
}

static void orders_made_under_the_interpreters_lock_cannot_meet(void **state)
{
	(void)state;
	make_gil(1);
	take_gil(1);
	nest(1, A, B);
	drop_gil(1);
	take_gil(2);
	nest(2, B, A);
	drop_gil(2);
	read_all();
	assert_clean();
	assert_int_equal(number("checked.harmless_rings.common_lock"), 1);
}

static void those_that_begin_with_tries_can(void **state)
{
	(void)state;
	make_gil(1);
	for (uint32_t i = 1; i <= 2; i++) {
		take_gil(i);
		put(i, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, i == 1 ? A : B);
		put(i, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, i == 1 ? B : A);
		unlock(i, i == 1 ? B : A);
		unlock(i, i == 1 ? A : B);
		drop_gil(i);
	}
	read_all();
	assert_int_equal(count("cycles"), 1);
}

static void a_ring_through_the_interpreters_lock_is_a_deadlock(void **state)
{
	(void)state;
	make_gil(1);
	take_gil(1);
	put(1, TRACE_MUTEX_ACQUIRE, TRACE_TRIED, A);
	drop_gil(1);
	take_gil(2);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	wait_for_gil(1);
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	assert_int_equal(count("deadlocks.0"), 2);
	assert_string_equal(json_string_value(member("deadlocks.0.0.lock.type")), "gil");
	assert_int_equal(number("deadlocks.0.0.held_by.0.thread.number"), 2);
	assert_int_equal(number("longest_gil_wait.thread.number"), 1);
	report(false);
	assert_says("thread 1 made waits since");
	assert_says("for the GIL of process 1 (cpython3), which thread 2 made has");
}

/* The record of a thread's creation may come when the thread is over, and its memory used again. */
static void a_handle_that_is_used_again_leaves_each_thread_its_creation(void **state)
{
	(void)state;
	put(1, TRACE_THREAD_DETACH, 0, HANDLE(9));
	semaphore(2, C, 1);
	threads[2].header.handle = HANDLE(9);
	put(2, TRACE_SEM_ACQUIRE, 0, C);
	nest(2, A, B);
	put(2, TRACE_SEM_RELEASE, 0, C);
	put(2, TRACE_THREAD_EXIT, 0, HANDLE(9));
	now += 1000000;
	create(1, 9);
	put(1, TRACE_SEM_ACQUIRE, 0, C);
	put(1, TRACE_SEM_RELEASE, 0, C);
	create(1, 9);
	put(3, TRACE_THREAD_START, 0, HANDLE(9));
	put_arg(3, 0x4000);
	threads[3].header.handle = HANDLE(9);
	nest(3, B, A);
	read_all();
	assert_clean();
}

static void a_recording_that_was_cut_shows_the_same_ring(void **state)
{
	(void)state;
	made.unfinished = true;
	put_ring();
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	report(false);
	assert_says("the recording was not finished");
}

static void others_that_wait_for_a_ring_are_told_apart(void **state)
{
	(void)state;
	put_ring();
	put(3, TRACE_MUTEX_CONFLICT, 0, A);
	put(4, TRACE_THREAD_JOIN, 0, HANDLE(3));
	read_all();
	assert_int_equal(count("deadlocks.0"), 2);
	assert_int_equal(count("waiting_at_end"), 2);
	assert_int_equal(number("waiting_at_end.1.held_by.0.thread.number"), 3);
	report(false);
	assert_says("2 more threads waited for those");
}

static void a_thread_that_waits_for_what_it_holds_is_a_deadlock(void **state)
{
	(void)state;
	lock(1, A);
	put(1, TRACE_MUTEX_CONFLICT, 0, A);
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	assert_int_equal(count("deadlocks.0"), 1);
	report(false);
	assert_says("thread 1 waited for a lock that it held itself");
	assert_says("which it itself has held since");
}

static void a_reader_that_would_write_waits_for_itself(void **state)
{
	(void)state;
	put(1, TRACE_READ_ACQUIRE, 0, A);
	put(1, TRACE_WRITE_CONFLICT, 0, A);
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	report(false);
	assert_says("let go of the read lock before");
}

static void a_writer_waits_for_each_of_its_readers(void **state)
{
	(void)state;
	put(3, TRACE_READ_ACQUIRE, 0, A);
	put(2, TRACE_READ_ACQUIRE, 0, A);
	lock(1, B);
	put(1, TRACE_WRITE_CONFLICT, 0, A);
	put(2, TRACE_MUTEX_CONFLICT, 0, B);
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	assert_int_equal(count("deadlocks.0"), 2);
	assert_int_equal(count("deadlocks.0.0.held_by"), 2);
}

static void a_join_of_a_thread_that_waits_for_its_joiner_is_a_deadlock(void **state)
{
	(void)state;
	create(1, 2);
	lock(1, A);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, TRACE_THREAD_JOIN, 0, HANDLE(2));
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	assert_int_equal(count("deadlocks.0"), 2);
	report(false);
	assert_says("waits since 0.000003s for thread 2 made to end");
}

/* As Condition.wait does: a lock that was made and taken under the condition's. */
static void a_python_condition_that_nobody_notifies_is_no_deadlock(void **state)
{
	(void)state;
	semaphore(1, A, 1);
	put(1, TRACE_SEM_ACQUIRE, TRACE_TRIED, A);
	semaphore(1, B, 1);
	put(1, TRACE_SEM_ACQUIRE, TRACE_TRIED, B);
	put(1, TRACE_SEM_RELEASE, 0, A);
	put(1, TRACE_SEM_BUSY, EAGAIN, B);
	put(1, TRACE_SEM_CONFLICT, 0, B);
	read_all();
	assert_int_equal(count("deadlocks"), 0);
	assert_int_equal(count("waiting_at_end"), 1);
	assert_true(json_is_true(member("waiting_at_end.0.for_a_signal")));
}

static void a_lock_whose_holder_has_ended_is_waited_for_for_ever(void **state)
{
	(void)state;
	lock(2, A);
	put(2, TRACE_THREAD_EXIT, 0, HANDLE(2));
	put(1, TRACE_MUTEX_CONFLICT, 0, A);
	read_all();
	assert_int_equal(count("deadlocks"), 0);
	assert_int_equal(count("waiting_at_end"), 1);
	assert_string_equal(json_string_value(member("waiting_at_end.0.held_by.0.state.doing")),
			    "ended");
	report(false);
	assert_says("thread 2 made had ended at 0.000001s");
}

/* A process that is forked by a thread of the first. */
static void fork_process(uint32_t thread, uint32_t child)
{
	put(thread, TRACE_FORK, 0, 0);
	put(child, TRACE_PROCESS_START, TRACE_BY_FORK, 4002);
	put_arg(child, 4001);
	put_arg(child, 0);
	threads[child].header.process = 2;
	threads[child].header.parent = 1;
	threads[child].header.pid = 4002;
	put(thread, TRACE_FORKED, 0, 4002);
}

static void a_lock_held_by_another_at_fork_is_a_deadlock_in_the_child(void **state)
{
	(void)state;
	lock(2, A);
	fork_process(1, 3);
	unlock(2, A);
	put(3, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, TRACE_EXIT, TRACE_EXIT_RETURN, 0);
	read_all();
	assert_int_equal(count("deadlocks"), 1);
	assert_int_equal(count("deadlocks.0"), 1);
	assert_int_equal(number("deadlocks.0.0.held_at_fork_by.number"), 2);
	report(false);
	assert_says("thread 3 waited for a lock that thread 2 held at the fork of its process");
	assert_says("pthread_atfork");
}

static void a_lock_that_the_child_lets_go_of_is_free(void **state)
{
	(void)state;
	lock(1, A);
	lock(2, B);
	fork_process(1, 3);
	unlock(3, A);
	lock(3, A);
	put(4, TRACE_MUTEX_CONFLICT, 0, A);
	threads[4].header.process = 2;
	threads[4].header.parent = 1;
	read_all();
	assert_int_equal(count("deadlocks"), 0);
	assert_int_equal(count("waiting_at_end"), 1);
	assert_int_equal(number("waiting_at_end.0.held_by.0.thread.number"), 3);
}

static void what_a_holder_is_doing_at_the_end_is_told(void **state)
{
	(void)state;
	lock(2, A);
	put(2, TRACE_CALL, 0, TRACE_CALL_READ);
	put(1, TRACE_MUTEX_CONFLICT, 0, A);
	read_all();
	assert_string_equal(json_string_value(member("waiting_at_end.0.held_by.0.state.doing")),
			    "calling");
	assert_string_equal(json_string_value(member("waiting_at_end.0.held_by.0.state.call")),
			    "read");
}

static void who_waits_when_a_process_exits_is_no_hazard(void **state)
{
	(void)state;
	lock(1, A);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, TRACE_EXIT, TRACE_EXIT_RETURN, 0);
	read_all();
	assert_int_equal(count("waiting_at_end"), 0);
}

static void two_that_fail_each_others_tries_in_turns_are_a_livelock(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		lock(1, A);
		lock(2, B);
		put(1, TRACE_MUTEX_BUSY, EBUSY, B);
		put(2, TRACE_MUTEX_BUSY, EBUSY, A);
		unlock(1, A);
		unlock(2, B);
	}
	read_all();
	assert_int_equal(count("livelocks"), 1);
	assert_int_equal(number("livelocks.0.tries"), 40);
	assert_int_equal(number("livelocks.0.turns"), 39);
	assert_true(json_is_false(member("livelocks.0.ended")));
	assert_int_equal(number("livelocks.0.sides.0.thread.number"), 1);
	assert_int_equal(count("cycles"), 0);
	report(false);
	assert_says("LIVELOCK: 1 pair of threads");
}

static void failed_tries_that_end_in_having_it_are_progress(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		lock(1, A);
		lock(2, B);
		put(1, TRACE_MUTEX_BUSY, EBUSY, B);
		put(2, TRACE_MUTEX_BUSY, EBUSY, A);
		unlock(2, B);
		lock(1, B);
		unlock(1, B);
		unlock(1, A);
	}
	read_all();
	assert_int_equal(count("livelocks"), 0);
}

static void a_thousand_tries_in_vain_are_a_loop(void **state)
{
	(void)state;
	lock(1, A);
	for (int i = 0; i < 1000; i++)
		put(2, TRACE_MUTEX_BUSY, EBUSY, A);
	for (int i = 0; i < 999; i++)
		put(3, TRACE_MUTEX_BUSY, EBUSY, A);
	read_all();
	assert_int_equal(count("try_loops"), 1);
	assert_int_equal(number("try_loops.0.tries"), 1000);
	assert_int_equal(number("try_loops.0.thread"), 2);
	assert_true(json_is_false(member("try_loops.0.got_it")));
}

static void one_that_waits_while_others_take_turns_without_it_starves(void **state)
{
	(void)state;
	lock(1, A);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	for (int i = 0; i < 600; i++) {
		unlock(1, A);
		now += 20000;
		lock(1, A);
	}
	unlock(1, A);
	lock(2, A);
	unlock(2, A);
	read_all();
	assert_true(json_is_true(member("longest_wait.starvation")));
	assert_int_equal(number("longest_wait.passed"), 600);
	assert_int_equal(number("longest_wait.thread.number"), 2);
	assert_int_equal(number("longest_wait.wait_ns"), 13202000);
	report(false);
	assert_says("STARVATION: others got a lock 600 times");
}

static void a_long_wait_that_nobody_passes_is_no_starvation(void **state)
{
	(void)state;
	lock(1, A);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	now += 50000000;
	unlock(1, A);
	lock(2, A);
	unlock(2, A);
	read_all();
	assert_true(json_is_false(member("longest_wait.starvation")));
	assert_string_equal(json_string_value(member("verdict.0")), "no hazard was found");
}

static void a_lock_that_is_wanted_while_its_holder_sleeps_is_in_the_way(void **state)
{
	(void)state;
	lock(1, A);
	put(1, TRACE_CALL, 0, TRACE_CALL_READ);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	now += 5000000;
	unlock(1, A);
	lock(2, A);
	unlock(2, A);
	read_all();
	assert_int_equal(count("held_while_blocked"), 1);
	assert_string_equal(json_string_value(member("held_while_blocked.0.during")), "read");
	assert_int_equal(number("held_while_blocked.0.wanted"), 1);
	assert_int_equal(number("held_while_blocked.0.longest_ns"), 5002000);
	assert_int_equal(number("held_while_blocked.0.longest_begin_ns"), 1000);
}

static void the_same_by_system_calls_lasts_until_they_return(void **state)
{
	(void)state;
	lock(1, A);
	made_enter(&threads[1], START + (now += 1000), 0, 3); /* read */
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	now += 5000000;
	made_leave(&threads[1], START + (now += 1000), 10);
	now += 7000000;
	unlock(1, A);
	lock(2, A);
	unlock(2, A);
	read_all();
	assert_int_equal(count("held_while_blocked"), 1);
	assert_int_equal(number("held_while_blocked.0.longest_ns"), 5002000);
}

static void a_lock_that_nobody_wants_may_be_held_in_a_call(void **state)
{
	(void)state;
	lock(1, A);
	put(1, TRACE_CALL, 0, TRACE_CALL_READ);
	now += 5000000;
	unlock(1, A);
	lock(2, A);
	unlock(2, A);
	read_all();
	assert_clean();
	assert_int_equal(count("held_while_blocked"), 0);
}

static void a_lock_held_at_a_condition_of_another_is_in_the_way(void **state)
{
	(void)state;
	lock(1, A);
	lock(1, B);
	put(1, TRACE_COND_WAIT, 0, C);
	put_arg(1, B);
	put(2, TRACE_MUTEX_CONFLICT, 0, A);
	now += 5000000;
	put(1, TRACE_COND_RETURN, 0, C);
	unlock(1, B);
	unlock(1, A);
	lock(2, A);
	read_all();
	assert_int_equal(count("held_while_blocked"), 1);
	assert_non_null(strstr(json_string_value(member("held_while_blocked.0.during")),
			       "waiting at condition"));
}

#define GUARDS 7
#define MORE_WAYS 80 /* than are kept, each with other guards */

static void more_ways_than_are_kept_are_told(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= MORE_WAYS; i++) {
		for (uint64_t bit = 0; bit < GUARDS; bit++) {
			if (i >> bit & 1)
				lock(1, G + 0x100 * bit);
		}
		nest(1, A, B);
		for (uint64_t bit = 0; bit < GUARDS; bit++) {
			if (i >> bit & 1)
				unlock(1, G + 0x100 * bit);
		}
	}
	for (uint64_t bit = 0; bit < GUARDS; bit++)
		lock(2, G + 0x100 * bit);
	nest(2, B, A);
	read_all();
	assert_int_equal(count("cycles"), 0);
	assert_true(json_is_false(member("checked.complete")));
	assert_int_equal(number("checked.undecided_rings"), 1);
	assert_int_equal(number("checked.harmless_rings.common_lock"), 0);
	assert_says("MAY DEADLOCK: 1 ring of locks");
}

/* In each round a thread is started and joined; that of one round takes the locks the other way
 * round while this one has them. */
static void put_rounds(size_t rounds, size_t opposite)
{
	for (size_t i = 0; i < rounds; i++) {
		create(1, i == opposite ? 2 : 3);
		if (i == opposite)
			nest(2, B, A);
		else
			put(3, TRACE_THREAD_NAME, 0, 0);
		nest(1, A, B);
		join(1, i == opposite ? 2 : 3);
	}
}

static void one_round_of_twenty_that_could_hang_is_found(void **state)
{
	(void)state;
	put_rounds(20, 10);
	read_all();
	assert_int_equal(count("cycles"), 1);
	assert_int_equal(number("checked.harmless_rings.not_together"), 0);
}

static void where_rounds_are_dropped_no_ring_is_called_harmless(void **state)
{
	(void)state;
	put_rounds(200, 100);
	read_all();
	assert_int_equal(count("cycles"), 0);
	assert_int_equal(number("checked.harmless_rings.not_together"), 0);
	assert_int_equal(number("checked.undecided_rings"), 1);
	assert_says("MAY DEADLOCK: 1 ring of locks");
}

#define CHAIN 30000

/* That takes the square of their number when locks drop out one layer after the other. */
static void thousands_of_locks_in_one_order_are_compared(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < CHAIN; i++)
		nest(1, 0x1000000 + 0x100 * i, 0x1000000 + 0x100 * (i + 1));
	nest(2, A, B);
	nest(3, B, A);
	nest(2, 0x1000000 + 0x100 * 10, 0x1000000);
	read_all();
	assert_int_equal(number("checked.pairs"), CHAIN + 3);
	assert_true(json_is_true(member("checked.complete")));
	assert_int_equal(count("cycles"), 1);
}

static void print_from(const char *from)
{
	char *argv[] = { (char *)"report", made.folder,  (char *)"--hazards",
			 (char *)"--from", (char *)from, NULL };

	end();
	print(5, argv);
}

static void a_deadlock_from_before_the_window_goes_on_in_it(void **state)
{
	(void)state;
	lock(1, A);
	lock(2, B);
	put(1, TRACE_MUTEX_CONFLICT, TRACE_UNTIMED, B);
	put(2, TRACE_MUTEX_CONFLICT, TRACE_UNTIMED, A);
	for (size_t i = 0; i < 10; i++)
		lock(3, C + 0x100 * i);
	print_from("8us");
	assert_non_null(strstr(output, "DEADLOCK: threads 1, 2 waited for each other"));
}

static void orders_from_before_the_window_are_left_out(void **state)
{
	(void)state;
	nest(1, A, B);
	nest(2, B, A);
	for (size_t i = 0; i < 10; i++)
		lock(3, C + 0x100 * i);
	print_from("12us");
	assert_null(strstr(output, "COULD DEADLOCK"));
	assert_non_null(strstr(output, "no hazard was found"));
}

static void an_order_in_the_window_under_a_lock_from_before_it_counts(void **state)
{
	(void)state;
	lock(1, A);
	for (size_t i = 0; i < 10; i++) {
		lock(3, C);
		unlock(3, C);
	}
	lock(1, B);
	unlock(1, B);
	unlock(1, A);
	nest(2, B, A);
	print_from("12us");
	assert_non_null(strstr(output, "COULD DEADLOCK: 1 cycle"));
}

static void missing_threads_are_part_of_the_verdict(void **state)
{
	(void)state;
	lock(1, A);
	lock(3, B);
	read_all();
	assert_says("records are missing or damaged");
	assert_null(strstr(output, "no hazard was found"));
}

static void a_thread_that_was_created_and_left_no_file_is_missing(void **state)
{
	(void)state;
	create(1, 2);
	lock(1, A);
	read_all();
	assert_says("records are missing or damaged");
	assert_null(strstr(output, "no hazard was found"));
}

static void of_a_thread_that_cannot_be_read_the_version_is_not_known(void **state)
{
	(void)state;
	lock(1, A);
	lock(2, B);
	end();
	assert_int_equal(truncate(made_path(&made, "threads/00002.gst"), 10), 0);
	report(true);
	assert_null(strstr(output, "tries: in a trace of this version"));
	assert_non_null(strstr(output, "records are missing or damaged"));
	assert_null(strstr(output, "no hazard was found"));
}

static void module(uint32_t thread, const char *path)
{
	put(thread, TRACE_MODULE, 0, 0x7000000);
	put_arg(thread, 0x1000);
	made_text(&threads[thread], path);
}

static void what_a_runtime_does_not_show_is_said(void **state)
{
	(void)state;
	module(1, "/usr/lib/libruby-3.1.so.3.1");
	module(1, "/opt/bin/python3.14");
	lock(1, A);
	read_all();
	assert_int_equal(count("not_seen"), 2);
	assert_says("Ruby's own threads");
	assert_says("this Python's own threads");
}

static void where_pythons_locks_are_seen_nothing_is_said(void **state)
{
	(void)state;
	module(1, "/usr/lib/libpython3.13.so.1.0");
	semaphore(1, A, 1);
	put(1, TRACE_SEM_ACQUIRE, TRACE_TRIED, A);
	put(1, TRACE_SEM_RELEASE, 0, A);
	module(2, "/opt/bin/python3.9");
	threads[2].header.process = 2;
	read_all();
	assert_int_equal(count("not_seen"), 0);
}

static void a_trace_that_does_not_tell_tries_says_so(void **state)
{
	(void)state;
	lock(1, A);
	threads[1].header.version = 3;
	read_all();
	assert_int_equal(count("not_seen"), 1);
	assert_says("tries: in a trace of this version");
}

static void it_is_a_report_of_its_own(void **state)
{
	static const char *const others[] = { "--gil", "--locks", "--threads", "--syscalls" };

	(void)state;
	lock(1, A);
	end();
	for (size_t i = 0; i < 4; i++) {
		char *argv[] = { (char *)"report", made.folder, (char *)"--hazards",
				 (char *)others[i], NULL };
		struct err err = { 0 };

		assert_int_equal(command_report.run(4, argv, &err), EXIT_MISUSE);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

static const struct CMUnitTest tests[] = {
	TEST(two_threads_that_take_two_locks_in_opposite_order_could_deadlock),
	TEST(three_locks_of_three_threads_are_a_cycle_too),
	TEST(the_same_order_everywhere_is_no_hazard),
	TEST(what_one_thread_does_alone_cannot_deadlock),
	TEST(two_threads_cannot_make_a_cycle_of_three_locks_unless_one_has_two_links),
	TEST(a_lock_around_both_orders_keeps_them_apart),
	TEST(a_lock_around_some_of_them_does_not),
	TEST(read_locks_around_them_keep_nothing_apart),
	TEST(readers_do_not_wait_for_readers),
	TEST(a_reader_and_a_writer_do),
	TEST(what_comes_before_a_threads_start_is_not_beside_it),
	TEST(what_comes_behind_a_threads_start_is_beside_it),
	TEST(what_comes_behind_a_join_is_not_beside_the_thread),
	TEST(threads_one_behind_the_other_are_not_beside_each_other),
	TEST(what_lies_between_a_start_and_a_join_is_beside_the_thread),
	TEST(python_joins_threads_by_a_lock_that_they_hold_while_they_live),
	TEST(a_thread_that_looks_at_such_a_lock_has_not_joined),
	TEST(a_try_that_finds_the_lock_held_waits_for_nothing),
	TEST(a_try_that_succeeds_would_not_have_waited),
	TEST(what_was_got_by_a_try_is_in_the_way_of_others),
	TEST(taking_a_lock_again_is_no_order),
	TEST(memory_that_is_used_again_is_another_lock),
	TEST(a_lock_that_is_destroyed_is_held_no_more),
	TEST(a_condition_lets_go_of_its_mutex),
	TEST(a_condition_takes_its_mutex_back_under_what_else_is_held),
	TEST(a_semaphore_that_others_let_go_of_is_no_lock),
	TEST(a_semaphore_that_is_used_as_a_lock_is_one),
	TEST(a_ring_at_the_end_is_a_deadlock_and_told_once),
	TEST(a_lock_waited_for_with_the_interpreters_by_whose_holder_wants_that),
	TEST(the_same_by_a_try_lets_go_of_the_interpreters_lock_before_it_waits),
	TEST(orders_made_under_the_interpreters_lock_cannot_meet),
	TEST(those_that_begin_with_tries_can),
	TEST(a_ring_through_the_interpreters_lock_is_a_deadlock),
	TEST(a_handle_that_is_used_again_leaves_each_thread_its_creation),
	TEST(a_recording_that_was_cut_shows_the_same_ring),
	TEST(others_that_wait_for_a_ring_are_told_apart),
	TEST(a_thread_that_waits_for_what_it_holds_is_a_deadlock),
	TEST(a_reader_that_would_write_waits_for_itself),
	TEST(a_writer_waits_for_each_of_its_readers),
	TEST(a_join_of_a_thread_that_waits_for_its_joiner_is_a_deadlock),
	TEST(a_python_condition_that_nobody_notifies_is_no_deadlock),
	TEST(a_lock_whose_holder_has_ended_is_waited_for_for_ever),
	TEST(a_lock_held_by_another_at_fork_is_a_deadlock_in_the_child),
	TEST(a_lock_that_the_child_lets_go_of_is_free),
	TEST(what_a_holder_is_doing_at_the_end_is_told),
	TEST(who_waits_when_a_process_exits_is_no_hazard),
	TEST(two_that_fail_each_others_tries_in_turns_are_a_livelock),
	TEST(failed_tries_that_end_in_having_it_are_progress),
	TEST(a_thousand_tries_in_vain_are_a_loop),
	TEST(one_that_waits_while_others_take_turns_without_it_starves),
	TEST(a_long_wait_that_nobody_passes_is_no_starvation),
	TEST(a_lock_that_is_wanted_while_its_holder_sleeps_is_in_the_way),
	TEST(the_same_by_system_calls_lasts_until_they_return),
	TEST(a_lock_that_nobody_wants_may_be_held_in_a_call),
	TEST(a_lock_held_at_a_condition_of_another_is_in_the_way),
	TEST(more_ways_than_are_kept_are_told),
	TEST(one_round_of_twenty_that_could_hang_is_found),
	TEST(where_rounds_are_dropped_no_ring_is_called_harmless),
	TEST(thousands_of_locks_in_one_order_are_compared),
	TEST(a_deadlock_from_before_the_window_goes_on_in_it),
	TEST(orders_from_before_the_window_are_left_out),
	TEST(an_order_in_the_window_under_a_lock_from_before_it_counts),
	TEST(a_thread_that_was_created_and_left_no_file_is_missing),
	TEST(missing_threads_are_part_of_the_verdict),
	TEST(of_a_thread_that_cannot_be_read_the_version_is_not_known),
	TEST(what_a_runtime_does_not_show_is_said),
	TEST(where_pythons_locks_are_seen_nothing_is_said),
	TEST(a_trace_that_does_not_tell_tries_says_so),
	TEST(it_is_a_report_of_its_own),
};

int main(void)
{
	return cmocka_run_group_tests_name("hazards", tests, NULL, NULL);
}
