/* The recogniser of interpreters' locks on made-up traces: calls that real interpreters make beside
 * those that take their lock and let go of it. */
#include "tests/made_trace.h"
#include "tests/syscalls_beside.h"
#include "tests/test.h"
#include "tracer/gil/show.h"

#include <errno.h>
#include <string.h>

#define START 2000000u /* of stamps; a unit is a nanosecond */
#define LOCK 0x100030u
#define COND (LOCK + 48)
#define INNER 0x200000u
#define OTHER 0x300000u
#define OWN(thread) (0x400000u + 0x100u * (thread)) /* a mutex and a condition of each thread's */
#define OWN_COND(thread) (OWN(thread) + 48)
#define MS UINT64_C(1000000)

static struct made_trace made;
static struct made_thread threads[6]; /* by number */
static struct trace trace;
static struct gils gils;

static int make(void **state)
{
	made_trace_start(&made, NULL);
	made.syscalls = *(const enum made_syscalls *)*state;
	memset(threads, 0, sizeof(threads));
	return 0;
}

static int drop(void **state)
{
	(void)state;
	gils_finish(&gils);
	trace_close(&trace);
	made_trace_remove(&made);
	return 0;
}

static void put(uint32_t thread, uint64_t ns, unsigned kind, uint64_t value)
{
	if (!threads[thread].file)
		made_thread_start(&threads[thread], &made, thread);
	made_record(&threads[thread], START + ns, kind, 0, value);
}

static void init(uint32_t thread, uint64_t ns, unsigned kind, uint64_t value)
{
	put(thread, ns, kind, value);
	made_arg(&threads[thread], 0x1234);
}

static void lock(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, mutex);
}

static void unlock(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	put(thread, ns, TRACE_MUTEX_RELEASE, mutex);
}

/* Takes a mutex and lets go of it. */
static void touch(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	lock(thread, ns, mutex);
	unlock(thread, ns, mutex);
}

static void signal_cond(uint32_t thread, uint64_t ns, uint64_t cond)
{
	put(thread, ns, TRACE_COND_SIGNAL, cond);
}

static void wait_at(uint32_t thread, uint64_t ns, uint64_t cond, uint64_t mutex)
{
	put(thread, ns, TRACE_COND_WAIT, cond);
	made_arg(&threads[thread], mutex);
}

static void wake(uint32_t thread, uint64_t ns, uint64_t cond)
{
	put(thread, ns, TRACE_COND_RETURN, cond);
}

/* 1 ms at its own condition and mutex, as Ruby's threads sleep. */
static void sleep_at_own(uint32_t thread, uint64_t ns)
{
	lock(thread, ns, OWN(thread));
	made_record(&threads[thread], START + ns, TRACE_COND_WAIT, TRACE_COND_CLOCK,
		    OWN_COND(thread));
	made_arg(&threads[thread], OWN(thread));
	made_arg(&threads[thread], MADE_MONOTONIC_NS + (START - MADE_RAW) + ns + MS);
	made_record(&threads[thread], START + ns + MS, TRACE_COND_RETURN, ETIMEDOUT,
		    OWN_COND(thread));
	unlock(thread, ns + MS, OWN(thread));
}

static void read_all(void)
{
	struct err err = { 0 };

	for (uint32_t i = 1; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (threads[i].file)
			made_thread_end(&threads[i]);
	}
	made_trace_finish(&made);
	assert_true(trace_open(&trace, made.folder, &err));
	assert_true(gils_read(&gils, &trace, 0, UINT64_MAX, true, &err));
	assert_same_report(&made, &gils);
}

static const struct gil *read_one(enum gil_kind kind)
{
	read_all();
	assert_int_equal(gils.found, 1);
	for (size_t i = 0; i < gils.count; i++) {
		if (!gils.all[i].accepted)
			continue;
		assert_int_equal(gils.all[i].suspect.kind, kind);
		assert_int_equal(gils.all[i].violations, 0);
		return &gils.all[i];
	}
	return NULL;
}

/* OCaml 4. The condition lies behind the mutex. */
static void ocaml_takes(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	touch(thread, ns, mutex);
}

static void ocaml_drops(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	touch(thread, ns, mutex);
	signal_cond(thread, ns, mutex + 48);
}

static void ocaml_waits(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	lock(thread, ns, mutex);
	wait_at(thread, ns, mutex + 48, mutex);
}

static void ocaml_wakes(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	wake(thread, ns, mutex + 48);
	unlock(thread, ns, mutex);
}

static void ocaml_yields(uint32_t thread, uint64_t ns, uint64_t mutex)
{
	lock(thread, ns, mutex);
	signal_cond(thread, ns, mutex + 48);
	wait_at(thread, ns, mutex + 48, mutex);
}

/* Two threads take turns every 50 ms; the first one has it now, the other waits. */
static void ocaml_turns(uint32_t first, uint32_t second, uint64_t ns, uint64_t mutex)
{
	for (uint64_t i = 0; i < 4; i++) {
		const uint32_t from = i % 2 ? second : first, to = i % 2 ? first : second;

		ocaml_yields(from, ns + (i + 1) * 50 * MS, mutex);
		ocaml_wakes(to, ns + (i + 1) * 50 * MS + 1000, mutex);
	}
}

static void who_had_it_from_its_making_is_told_by_others_that_wait(void **unused)
{
	const struct gil *gil;

	(void)unused;
	ocaml_waits(2, 0, LOCK);
	/* The first to take it is 1 again, though 2 was woken. */
	ocaml_drops(1, MS, LOCK);
	put(1, MS, TRACE_CALL, TRACE_CALL_READ);
	ocaml_takes(1, MS + 100, LOCK);
	ocaml_drops(1, 2 * MS, LOCK);
	put(1, 2 * MS + 100, TRACE_CALL, TRACE_CALL_READ);
	ocaml_wakes(2, 2 * MS + 1000, LOCK);
	ocaml_waits(1, 3 * MS, LOCK);
	ocaml_turns(2, 1, 3 * MS, LOCK);
	gil = read_one(GIL_OCAML4);
	assert_int_equal(gil->tally.takes, 6);
	assert_int_equal(gil->tally.drops_forced, 4);
	assert_int_equal(gil->tally.drops_voluntary, 2);
}

/* Thread.join of one that has ended: a mutex that is taken without the lock, and was let go of with
 * it. */
static void a_call_that_might_have_blocked_is_nothing_done_without_the_lock(void **unused)
{
	(void)unused;
	ocaml_waits(2, 0, LOCK);
	ocaml_drops(1, MS, LOCK);
	put(1, MS, TRACE_CALL, TRACE_CALL_READ);
	ocaml_wakes(2, MS + 1000, LOCK);
	ocaml_waits(1, 3 * MS, LOCK);
	ocaml_turns(2, 1, 3 * MS, LOCK);
	touch(2, 210 * MS, OTHER);
	ocaml_drops(2, 211 * MS, LOCK);
	ocaml_wakes(1, 211 * MS + 1000, LOCK);
	ocaml_drops(1, 212 * MS, LOCK);
	touch(1, 212 * MS + 100, OTHER);
	ocaml_takes(1, 212 * MS + 200, LOCK);
	read_one(GIL_OCAML4);
}

/* A write and a read with nothing between beside a thread that computes. */
static void holds_may_be_as_short_as_the_way_to_the_next_call(void **unused)
{
	uint64_t ns = 0;
	const struct gil *gil;

	(void)unused;
	ocaml_drops(1, ns, LOCK);
	put(1, ns, TRACE_CALL, TRACE_CALL_READ);
	for (uint64_t round = 0; round < 5; round++) {
		for (uint64_t i = 0; i < 20; i++, ns += 1000) {
			ocaml_takes(2, ns + 100, LOCK);
			ocaml_drops(2, ns + 200, LOCK);
			put(2, ns + 500, TRACE_CALL, TRACE_CALL_WRITE);
		}
		ocaml_takes(3, ns, LOCK);
		ocaml_waits(2, ns + 1000, LOCK);
		ocaml_drops(3, ns + 50 * MS, LOCK);
		put(3, ns + 50 * MS, TRACE_CALL, TRACE_CALL_READ);
		ocaml_wakes(2, ns + 50 * MS + 1000, LOCK);
		ocaml_drops(2, ns + 50 * MS + 1100, LOCK);
		put(2, ns + 50 * MS + 1500, TRACE_CALL, TRACE_CALL_WRITE);
		ns += 51 * MS;
	}
	gil = read_one(GIL_OCAML4);
	assert_int_equal(gil->tally.takes, 5 * 22);
	assert_int_equal(gil->tally.contended, 5);
}

static void each_domain_has_a_lock_of_its_own(void **unused)
{
	(void)unused;
	for (uint32_t domain = 0; domain < 2; domain++) {
		const uint32_t first = 1 + 2 * domain, second = first + 1;
		const uint64_t mutex = domain ? OTHER : LOCK;

		ocaml_drops(first, 0, mutex);
		put(first, 0, TRACE_CALL, TRACE_CALL_READ);
		ocaml_takes(second, 1000, mutex);
		ocaml_waits(first, MS, mutex);
		ocaml_turns(second, first, MS, mutex);
	}
	read_all();
	assert_int_equal(gils.found, 2);
}

/* Ruby to 3.2, whose threads wait for the lock and sleep at the same condition. */
static void a_sleep_that_is_over_is_no_timeout_of_the_lock(void **unused)
{
	const struct gil *gil;

	(void)unused;
	init(1, 0, TRACE_MUTEX_INIT, LOCK);
	init(1, 0, TRACE_COND_INIT, LOCK + 72);
	init(1, 0, TRACE_COND_INIT, LOCK + 120);
	touch(1, 1000, LOCK);
	for (uint64_t i = 1; i < 10; i++) {
		touch(1, i * 10 * MS, LOCK);
		sleep_at_own(1, i * 10 * MS + 100);
		touch(2, i * 10 * MS + 200, LOCK);
		lock(1, i * 10 * MS + 2 * MS, LOCK);
		wait_at(1, i * 10 * MS + 2 * MS, OWN_COND(1), LOCK);
		lock(2, i * 10 * MS + 3 * MS, LOCK);
		signal_cond(2, i * 10 * MS + 3 * MS, OWN_COND(1));
		unlock(2, i * 10 * MS + 3 * MS, LOCK);
		wake(1, i * 10 * MS + 3 * MS + 1000, OWN_COND(1));
		unlock(1, i * 10 * MS + 3 * MS + 1000, LOCK);
	}
	gil = read_one(GIL_RUBY);
	assert_int_equal(gil->tally.takes, 1 + 2 * 9);
	assert_int_equal(gil->tally.contended, 9);
	assert_int_equal(gil->tally.timeouts, 0);
}

/* Ruby from 3.3. */
static void ruby_takes(uint32_t thread, uint64_t ns)
{
	lock(thread, ns, LOCK);
	touch(thread, ns, INNER);
	unlock(thread, ns, LOCK);
}

/* To nobody; making the first thread ready looks the same. */
static void ruby_drops(uint32_t thread, uint64_t ns)
{
	ruby_takes(thread, ns);
}

static void ruby_gives(uint32_t thread, uint64_t ns, uint32_t to)
{
	lock(thread, ns, LOCK);
	signal_cond(thread, ns, OWN_COND(to));
	touch(thread, ns, INNER);
	unlock(thread, ns, LOCK);
}

/* Gives it to another, and waits: for its turn, or until it is made ready. */
static void ruby_gives_and_waits(uint32_t thread, uint64_t ns, uint32_t to)
{
	lock(thread, ns, LOCK);
	signal_cond(thread, ns, OWN_COND(to));
	touch(thread, ns, INNER);
	wait_at(thread, ns, OWN_COND(thread), LOCK);
}

static void ruby_waits(uint32_t thread, uint64_t ns)
{
	lock(thread, ns, LOCK);
	wait_at(thread, ns, OWN_COND(thread), LOCK);
}

static void ruby_wakes(uint32_t thread, uint64_t ns)
{
	wake(thread, ns, OWN_COND(thread));
	touch(thread, ns, INNER);
	unlock(thread, ns, LOCK);
}

/* Two threads that compute, started and joined by the first. */
static void ruby_program(void)
{
	uint64_t ns = 20 * MS;

	init(1, 0, TRACE_MUTEX_INIT, LOCK);
	for (uint64_t i = 0; i < 10; i++) {
		touch(1, i * MS, OWN(1));
		ruby_drops(1, i * MS);
		put(1, i * MS, TRACE_CALL, TRACE_CALL_READ);
		touch(1, i * MS + 1000, OWN(1));
		ruby_takes(1, i * MS + 1000);
	}
	/* Starts 2, which is the first in the queue, and 3, which is not. */
	ruby_drops(1, 11 * MS);
	touch(1, 12 * MS, LOCK);
	ruby_waits(2, 13 * MS);
	ruby_waits(3, 13 * MS);
	touch(1, 20 * MS, OWN(1));
	ruby_gives_and_waits(1, 20 * MS, 2);
	ruby_wakes(2, 20 * MS + 1000);
	for (uint64_t i = 0; i < 4; i++, ns += 100 * MS) {
		const uint32_t from = i % 2 ? 3 : 2, to = i % 2 ? 2 : 3;

		ruby_gives_and_waits(from, ns + 100 * MS, to);
		ruby_wakes(to, ns + 100 * MS + 1000);
	}
	/* 2 makes 1 ready at its end, which waits for 3's turn to end. */
	lock(2, ns + 10 * MS, OWN(1));
	touch(2, ns + 10 * MS, LOCK);
	unlock(2, ns + 10 * MS, OWN(1));
	ruby_gives(2, ns + 11 * MS, 3);
	ruby_wakes(3, ns + 11 * MS + 1000);
	ruby_gives(3, ns + 20 * MS, 1);
	ruby_wakes(1, ns + 20 * MS + 1000);
	touch(1, ns + 21 * MS, OWN(1));
	ruby_drops(1, ns + 21 * MS);
	put(1, ns + 21 * MS, TRACE_CALL, TRACE_CALL_READ);
}

static void a_thread_that_joins_another_does_not_ask_before_it_is_made_ready(void **unused)
{
	const struct gil *gil;

	(void)unused;
	ruby_program();
	gil = read_one(GIL_RUBY33);
	assert_int_equal(gil->tally.takes, 10 + 1 + 4 + 1 + 1);
	assert_int_equal(gil->tally.drops_forced, 4);
	assert_int_equal(gil->tally.drops_voluntary, 10 + 1 + 2 + 1);
	assert_int_equal(gil->tally.contended, 1 + 4 + 1 + 1);
	/* The first thread slept while the others ran, and then waited for one of them. */
	assert_int_equal(gil->users[0]->tally.wait.n, 1);
	assert_int_equal(gil->users[0]->tally.wait.sum, 10 * MS + 1000);
	assert_int_equal(gil->users[0]->tally.hold.max, 11 * MS - 1000);
}

/* It may also be woken through another mutex's condition; that is how CPython 3 takes its own. */
static void a_signal_under_two_mutexes_does_not_make_it_cpythons(void **unused)
{
	(void)unused;
	ruby_program();
	lock(4, 600 * MS, LOCK);
	lock(4, 600 * MS, INNER);
	signal_cond(4, 600 * MS, INNER + 48);
	unlock(4, 600 * MS, INNER);
	unlock(4, 600 * MS, LOCK);
	read_all();
	for (size_t i = 0; i < gils.count; i++)
		assert_int_not_equal(gils.all[i].suspect.kind, GIL_CPYTHON3);
}

/* CPython 3. */
static void python_makes(uint32_t thread, uint64_t ns)
{
	init(thread, ns, TRACE_MUTEX_INIT, LOCK);
	init(thread, ns, TRACE_MUTEX_INIT, LOCK + 88);
	init(thread, ns, TRACE_COND_INIT, LOCK - 48);
	init(thread, ns, TRACE_COND_INIT, LOCK + 40);
}

static void python_takes(uint32_t thread, uint64_t ns)
{
	lock(thread, ns, LOCK);
	lock(thread, ns, LOCK + 88);
	signal_cond(thread, ns, LOCK + 40);
	unlock(thread, ns, LOCK + 88);
	unlock(thread, ns, LOCK);
}

static void python_drops(uint32_t thread, uint64_t ns)
{
	lock(thread, ns, LOCK);
	signal_cond(thread, ns, LOCK - 48);
	unlock(thread, ns, LOCK);
}

static void a_free_threaded_build_takes_its_lock_around_imports_alone(void **unused)
{
	struct show show = { .trace = &trace };
	char text[SHOW_SENTENCE];

	(void)unused;
	python_makes(1, 0);
	lock(1, MS, 0x900000);
	unlock(1, MS, 0x900000);
	for (uint64_t i = 2; i < 8; i++) {
		python_takes(1, i * MS);
		python_drops(1, i * MS + 1000);
	}
	put(2, 10 * MS, TRACE_CALL, TRACE_CALL_READ);
	read_all();
	assert_int_equal(gils.found, 0);
	show.gils = gils;
	show_judge_none(&show, text);
	assert_non_null(strstr(text, "no GIL is in use: process 1 made CPython's and took it 6"));
}

static void one_that_is_taken_as_it_is_made_is_in_use_though_its_thread_sleeps(void **unused)
{
	(void)unused;
	python_makes(1, 0);
	python_takes(1, 1000);
	python_drops(1, MS);
	put(1, MS, TRACE_CALL, TRACE_CALL_READ);
	python_takes(1, 900 * MS);
	python_drops(1, 901 * MS);
	read_one(GIL_CPYTHON3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_AND_WITHOUT_SYSCALLS(who_had_it_from_its_making_is_told_by_others_that_wait),
		WITH_AND_WITHOUT_SYSCALLS(
			a_call_that_might_have_blocked_is_nothing_done_without_the_lock),
		WITH_AND_WITHOUT_SYSCALLS(holds_may_be_as_short_as_the_way_to_the_next_call),
		WITH_AND_WITHOUT_SYSCALLS(each_domain_has_a_lock_of_its_own),
		WITH_AND_WITHOUT_SYSCALLS(a_sleep_that_is_over_is_no_timeout_of_the_lock),
		WITH_AND_WITHOUT_SYSCALLS(
			a_thread_that_joins_another_does_not_ask_before_it_is_made_ready),
		WITH_AND_WITHOUT_SYSCALLS(a_signal_under_two_mutexes_does_not_make_it_cpythons),
		WITH_AND_WITHOUT_SYSCALLS(
			a_free_threaded_build_takes_its_lock_around_imports_alone),
		WITH_AND_WITHOUT_SYSCALLS(
			one_that_is_taken_as_it_is_made_is_in_use_though_its_thread_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
