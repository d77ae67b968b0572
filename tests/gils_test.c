/* The recogniser of interpreters' locks on made-up traces: what it takes for one, and what taking
 * it came to. */
#include "tests/made_trace.h"
#include "tests/syscalls_beside.h"
#include "tests/test.h"
#include "tracer/gil/show.h"

#include <errno.h>
#include <string.h>

#define START 2000000u /* of stamps; a unit is a nanosecond */
#define LOCK 0x100030u /* CPython 3's mutex; the others lie around it as in its struct */
#define COND (LOCK - 48)
#define SWITCH_COND (LOCK + 40)
#define SWITCH_MUTEX (LOCK + 88)
#define OTHER 0x200000u

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

static void put(uint32_t thread, uint64_t ns, unsigned kind, unsigned detail, uint64_t value)
{
	if (!threads[thread].file)
		made_thread_start(&threads[thread], &made, thread);
	made_record(&threads[thread], START + ns, kind, detail, value);
}

static void init(uint32_t thread, uint64_t ns, unsigned kind, unsigned detail, uint64_t value)
{
	put(thread, ns, kind, detail, value);
	made_arg(&threads[thread], 0x1234);
}

/* As create_gil does. */
static void create(uint32_t thread, uint64_t ns)
{
	init(thread, ns, TRACE_MUTEX_INIT, 0, LOCK);
	init(thread, ns, TRACE_MUTEX_INIT, 0, SWITCH_MUTEX);
	init(thread, ns, TRACE_COND_INIT, 1, COND);
	init(thread, ns, TRACE_COND_INIT, 1, SWITCH_COND);
}

/* From having the mutex to being done; the lock is had at 'ns'. */
static void commit(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, 0, SWITCH_MUTEX);
	put(thread, ns, TRACE_COND_SIGNAL, 0, SWITCH_COND);
	put(thread, ns, TRACE_MUTEX_RELEASE, 0, SWITCH_MUTEX);
	put(thread, ns, TRACE_MUTEX_RELEASE, 0, LOCK);
}

static void take(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	commit(thread, ns);
}

/* Asks, and finds it held. */
static void wait(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	put(thread, ns, TRACE_COND_WAIT, TRACE_COND_CLOCK, COND);
	made_arg(&threads[thread], LOCK);
	made_arg(&threads[thread], MADE_MONOTONIC_NS + (START - MADE_RAW) + ns + 5000000);
}

static void wait_again(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_COND_RETURN, ETIMEDOUT, COND);
	put(thread, ns, TRACE_COND_WAIT, TRACE_COND_CLOCK, COND);
	made_arg(&threads[thread], LOCK);
	made_arg(&threads[thread], MADE_MONOTONIC_NS + (START - MADE_RAW) + ns + 5000000);
}

static void wake_and_take(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_COND_RETURN, 0, COND);
	commit(thread, ns);
}

static void let_go(uint32_t thread, uint64_t ns)
{
	put(thread, ns, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	put(thread, ns, TRACE_COND_SIGNAL, 0, COND);
	put(thread, ns, TRACE_MUTEX_RELEASE, 0, LOCK);
}

static void state(uint32_t thread, uint64_t ns, uint64_t locked, uint64_t switches)
{
	put(thread, ns, TRACE_LOCK_STATE, 0, COND);
	made_arg(&threads[thread], 5000);
	made_arg(&threads[thread], 0x7000);
	made_arg(&threads[thread], locked);
	made_arg(&threads[thread], switches);
}

static void read_window(uint64_t from_ns, uint64_t to_ns)
{
	struct err err = { 0 };

	for (uint32_t i = 1; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (threads[i].file)
			made_thread_end(&threads[i]);
	}
	made_trace_finish(&made);
	assert_true(trace_open(&trace, made.folder, &err));
	assert_true(gils_read(&gils, &trace, from_ns, to_ns, true, &err));
	assert_same_report(&made, &gils);
}

static const struct gil *found(size_t number)
{
	for (size_t i = 0; i < gils.count; i++) {
		if (gils.all[i].accepted && number-- == 0)
			return &gils.all[i];
	}
	fail_msg("there are only %zu locks", gils.found);
	return NULL;
}

static const struct gil *read_one(void)
{
	read_window(0, UINT64_MAX);
	assert_int_equal(gils.found, 1);
	return found(0);
}

/* Two threads: 1 has it from 1 to 9 ms, 2 asks at 3 ms, times out at 8 ms and has it from 9 to 12
 * ms; then 1 comes back. */
static void fight(void)
{
	create(1, 0);
	take(1, 1000000);
	wait(2, 3000000);
	wait_again(2, 8000000);
	let_go(1, 9000000);
	put(1, 9000000, TRACE_MUTEX_ACQUIRE, 0, SWITCH_MUTEX);
	put(1, 9000000, TRACE_COND_WAIT, 0, SWITCH_COND);
	made_arg(&threads[1], SWITCH_MUTEX);
	wake_and_take(2, 9010000);
	put(1, 9030000, TRACE_COND_RETURN, 0, SWITCH_COND);
	put(1, 9030000, TRACE_MUTEX_RELEASE, 0, SWITCH_MUTEX);
	wait(1, 9040000);
	let_go(2, 12000000);
	wake_and_take(1, 12020000);
	let_go(1, 13000000);
}

static void a_forced_switch_is_counted_and_measured(void **unused)
{
	const struct gil *gil;

	(void)unused;
	fight();
	gil = read_one();
	assert_int_equal(gil->suspect.kind, GIL_CPYTHON3);
	assert_int_equal(gil->tally.takes, 3);
	assert_int_equal(gil->tally.contended, 2);
	assert_int_equal(gil->tally.timeouts, 1);
	assert_int_equal(gil->tally.requests, 1);
	assert_int_equal(gil->tally.switches, 2);
	assert_int_equal(gil->tally.drops_forced, 1);
	assert_int_equal(gil->tally.drops_voluntary, 2);
	assert_int_equal(gil->tally.drops_requested, 1);
	assert_int_equal(gil->tally.forced_waits, 1);
	assert_int_equal(gil->tally.forced_wait.sum, 30000);
	assert_int_equal(gil->tally.wait.sum, 6010000 + 2980000);
	assert_int_equal(gil->tally.hold.sum, 8000000 + 2990000 + 980000);
	assert_int_equal(gil->held, gil->tally.hold.sum);
	assert_int_equal(gil->handed, 10000 + 20000);
	assert_int_equal(gil->violations, 0);
	assert_int_equal(gil->most_waiters, 1);
	assert_int_equal(show_interval_ns(gil), 5000000);
}

static void each_wait_is_charged_to_who_held_the_lock_meanwhile(void **unused)
{
	const struct gil *gil;

	(void)unused;
	fight();
	gil = read_one();
	/* Users come in the order in which they used it: threads 1 and 2. */
	assert_int_equal(gil->users[0]->thread, 0);
	assert_int_equal(gil->users[0]->blame[1], 2960000);
	assert_int_equal(gil->users[0]->blame_nobody, 20000);
	assert_int_equal(gil->users[1]->blame[0], 6000000);
	assert_int_equal(gil->users[1]->blame_nobody, 10000);
}

static void a_drop_around_a_call_is_voluntary_though_it_was_asked_for(void **unused)
{
	const struct gil *gil;

	(void)unused;
	create(1, 0);
	take(1, 1000000);
	wait(2, 2000000);
	wait_again(2, 7000000);
	let_go(1, 8000000);
	put(1, 8000100, TRACE_CALL, 0, TRACE_CALL_READ);
	wake_and_take(2, 8010000);
	let_go(2, 8020000);
	take(1, 9000000);
	let_go(1, 9500000);
	gil = read_one();
	assert_int_equal(gil->tally.drops_forced, 0);
	assert_int_equal(gil->tally.drops_voluntary, 3);
	assert_int_equal(gil->tally.drops_requested, 1);
	assert_int_equal(gil->users[0]->back.call.n, 1);
	assert_int_equal(gil->users[0]->back.call.sum, 1000000);
	assert_int_equal(gil->users[0]->back.calls[TRACE_CALL_READ], 1);
	assert_int_equal(gil->users[0]->back.waited, 0);
}

static void a_mutex_that_is_only_looked_under_is_neither_take_nor_drop(void **unused)
{
	const struct gil *gil;

	(void)unused;
	create(1, 0);
	take(1, 1000);
	/* As signal_active_thread does, from the holder and from another thread. */
	put(1, 2000, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	put(1, 2100, TRACE_MUTEX_RELEASE, 0, LOCK);
	put(2, 2200, TRACE_MUTEX_ACQUIRE, 0, LOCK);
	put(2, 2300, TRACE_MUTEX_RELEASE, 0, LOCK);
	let_go(1, 3000);
	gil = read_one();
	assert_int_equal(gil->tally.takes, 1);
	assert_int_equal(gil->tally.hold.sum, 2000);
	assert_int_equal(gil->violations, 0);
}

static void only_what_ends_in_the_window_counts_and_from_its_beginning(void **unused)
{
	const struct gil *gil;

	(void)unused;
	fight();
	read_window(9020000, 12500000);
	assert_int_equal(gils.found, 1);
	gil = found(0);
	/* Thread 2's hold began before it. */
	assert_int_equal(gil->tally.takes, 1);
	assert_int_equal(gil->tally.hold.n, 1);
	assert_int_equal(gil->tally.hold.sum, 2980000);
	assert_int_equal(gil->tally.wait.sum, 2980000);
	assert_int_equal(gil->tally.timeouts, 0);
}

static void the_interpreters_own_count_is_compared(void **unused)
{
	const struct gil *gil;

	(void)unused;
	create(1, 0);
	take(1, 1000);
	wait(2, 2000);
	put(2, 3000, TRACE_COND_RETURN, ETIMEDOUT, COND);
	state(2, 3000, 1, 1);
	put(2, 3000, TRACE_COND_WAIT, TRACE_COND_CLOCK, COND);
	made_arg(&threads[2], LOCK);
	made_arg(&threads[2], MADE_MONOTONIC_NS);
	let_go(1, 4000);
	put(2, 5000, TRACE_COND_RETURN, 0, COND);
	state(2, 5000, 0, 7);
	commit(2, 5000);
	let_go(2, 6000);
	gil = read_one();
	assert_int_equal(gil->states, 2);
	assert_int_equal(gil->disagreements, 1);
	assert_int_equal(gil->first_disagreement_own, 1);
	assert_int_equal(gil->first_disagreement_state, 7);
	assert_int_equal(show_interval_ns(gil), 5000000);
}

static void two_holders_at_once_are_a_violation(void **unused)
{
	const struct gil *gil;

	(void)unused;
	create(1, 0);
	take(1, 1000);
	take(2, 2000);
	let_go(2, 3000);
	let_go(1, 4000);
	gil = read_one();
	assert_true(gil->violations > 0);
}

static void a_lock_that_was_made_and_never_taken_is_none(void **unused)
{
	(void)unused;
	create(1, 0);
	put(1, 1000, TRACE_MUTEX_ACQUIRE, 0, OTHER);
	put(1, 2000, TRACE_MUTEX_RELEASE, 0, OTHER);
	read_window(0, UINT64_MAX);
	assert_int_equal(gils.found, 0);
	assert_int_equal(gils.finding.idle_made, 1);
}

/* A mutex and a condition around a list: put in by one thread, taken out by another. */
static void a_queue_with_a_condition_is_none(void **unused)
{
	(void)unused;
	for (uint64_t i = 0; i < 100; i++) {
		const uint64_t at = i * 10000;

		put(1, at, TRACE_MUTEX_ACQUIRE, 0, LOCK);
		put(1, at + 1000, TRACE_COND_WAIT, 0, COND);
		made_arg(&threads[1], LOCK);
		put(2, at + 2000, TRACE_MUTEX_ACQUIRE, 0, LOCK);
		put(2, at + 2100, TRACE_COND_SIGNAL, 0, COND);
		put(2, at + 2200, TRACE_MUTEX_RELEASE, 0, LOCK);
		put(1, at + 3000, TRACE_COND_RETURN, 0, COND);
		put(1, at + 3100, TRACE_MUTEX_RELEASE, 0, LOCK);
	}
	read_window(0, UINT64_MAX);
	assert_int_equal(gils.found, 0);
}

/* Held for an instant, then something else is computed. */
static void a_mutex_around_a_counter_is_none(void **unused)
{
	(void)unused;
	for (uint64_t i = 0; i < 200; i++) {
		const uint32_t thread = 1 + i % 2;

		put(thread, i * 1000, TRACE_MUTEX_ACQUIRE, 0, OTHER);
		put(thread, i * 1000 + 50, TRACE_MUTEX_RELEASE, 0, OTHER);
	}
	read_window(0, UINT64_MAX);
	assert_int_equal(gils.found, 0);
}

/* Two threads, 100 times: 10 us with the semaphore, then offered and asked for at once. */
static void a_semaphore_that_is_held_throughout_is_cpython_2s(void **unused)
{
	const struct gil *gil;

	(void)unused;
	init(1, 0, TRACE_SEM_INIT, 0, OTHER);
	made_arg(&threads[1], 1);
	for (uint64_t i = 0; i < 200; i++) {
		const uint32_t thread = 1 + (uint32_t)(i / 10 % 2);

		put(thread, 1000 + i * 10000, TRACE_SEM_ACQUIRE, 0, OTHER);
		put(thread, 1000 + i * 10000 + 9900, TRACE_SEM_RELEASE, 0, OTHER);
	}
	gil = read_one();
	assert_int_equal(gil->suspect.kind, GIL_CPYTHON2);
	assert_int_equal(gil->tally.takes, 200);
	assert_int_equal(gil->tally.switches, 19);
	assert_int_equal(gil->tally.hold.sum, 200 * 9900);
	/* The last drop of each thread is its end. */
	assert_int_equal(gil->tally.drops_forced, 198);
	assert_int_equal(gil->tally.drops_voluntary, 2);
}

/* The same, and each tenth time it is let go around a read. */
static void a_semaphore_that_is_let_go_around_a_call_was_not_asked_for_at_once(void **unused)
{
	const struct gil *gil;

	(void)unused;
	init(1, 0, TRACE_SEM_INIT, 0, OTHER);
	made_arg(&threads[1], 1);
	for (uint64_t i = 0; i < 200; i++) {
		const uint32_t thread = 1 + (uint32_t)(i / 10 % 2);
		const uint64_t at = 1000 + i * 10000;

		put(thread, at, TRACE_SEM_ACQUIRE, 0, OTHER);
		put(thread, at + 9900, TRACE_SEM_RELEASE, 0, OTHER);
		if (i % 10 == 4)
			put(thread, at + 9910, TRACE_CALL, 0, TRACE_CALL_READ);
	}
	gil = read_one();
	assert_int_equal(gil->thing->adjacent, 198 - 20);
	assert_int_equal(gil->tally.drops_forced, 198 - 20);
	assert_int_equal(gil->tally.drops_voluntary, 22);
	assert_int_equal(gil->users[0]->back.calls[TRACE_CALL_READ], 10);
}

/* A thread that never gets it has waited up to the end of its process, and whoever holds it then is
 * to blame. */
static void a_wait_that_does_not_end_counts_up_to_the_end(void **unused)
{
	const struct gil *gil;

	(void)unused;
	create(1, 0);
	take(1, 1000000);
	wait(2, 3000000);
	put(3, 9000000, TRACE_CALL, 0, TRACE_CALL_READ);
	gil = read_one();
	assert_int_equal(gil->tally.wait.n, 0);
	assert_int_equal(gil->users[1]->unfinished_wait, 6000000);
	assert_int_equal(gil->users[1]->blame[0], 6000000);
	assert_int_equal(gil->users[0]->unfinished_hold, 8000000);
}

static void drops_before_the_window_are_not_in_it(void **unused)
{
	const struct gil *gil;

	(void)unused;
	fight();
	read_window(12500000, UINT64_MAX);
	gil = found(0);
	/* Thread 2 let go before it, and never asked again. */
	assert_int_equal(gil->tally.drops_voluntary, 1);
	assert_int_equal(gil->tally.takes, 0);
}

/* As subinterpreters do that come and go. */
static void a_lock_made_where_one_was_begins_anew(void **unused)
{
	const struct gil *gil;

	(void)unused;
	create(1, 0);
	take(1, 1000);
	wait(2, 2000);
	put(2, 3000, TRACE_COND_RETURN, ETIMEDOUT, COND);
	state(2, 3000, 1, 1);
	put(2, 3000, TRACE_COND_WAIT, TRACE_COND_CLOCK, COND);
	made_arg(&threads[2], LOCK);
	made_arg(&threads[2], MADE_MONOTONIC_NS);
	let_go(1, 4000);
	put(2, 5000, TRACE_COND_RETURN, 0, COND);
	state(2, 5000, 0, 1);
	commit(2, 5000);
	create(1, 8000);
	take(1, 9000);
	wait(2, 9500);
	put(2, 9600, TRACE_COND_RETURN, 0, COND);
	state(2, 9600, 1, 1);
	gil = read_one();
	assert_int_equal(gil->violations, 0);
	assert_int_equal(gil->states, 3);
	assert_int_equal(gil->disagreements, 0);
}

/* Made as Ruby's lock is: a mutex, four words, two conditions. */
static void a_bounded_queue_is_not_rubys_lock(void **unused)
{
	(void)unused;
	init(1, 0, TRACE_MUTEX_INIT, 0, OTHER);
	init(1, 1, TRACE_COND_INIT, 1, OTHER + 40 + 32);
	init(1, 2, TRACE_COND_INIT, 1, OTHER + 40 + 32 + 48);
	for (uint64_t i = 0; i < 100; i++) {
		put(1, 1000 + i * 1000, TRACE_MUTEX_ACQUIRE, 0, OTHER);
		put(1, 1000 + i * 1000 + 50, TRACE_MUTEX_RELEASE, 0, OTHER);
	}
	read_window(0, UINT64_MAX);
	assert_int_equal(gils.found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_AND_WITHOUT_SYSCALLS(a_forced_switch_is_counted_and_measured),
		WITH_AND_WITHOUT_SYSCALLS(each_wait_is_charged_to_who_held_the_lock_meanwhile),
		WITH_AND_WITHOUT_SYSCALLS(
			a_drop_around_a_call_is_voluntary_though_it_was_asked_for),
		WITH_AND_WITHOUT_SYSCALLS(
			a_mutex_that_is_only_looked_under_is_neither_take_nor_drop),
		WITH_AND_WITHOUT_SYSCALLS(
			only_what_ends_in_the_window_counts_and_from_its_beginning),
		WITH_AND_WITHOUT_SYSCALLS(the_interpreters_own_count_is_compared),
		WITH_AND_WITHOUT_SYSCALLS(two_holders_at_once_are_a_violation),
		WITH_AND_WITHOUT_SYSCALLS(a_lock_that_was_made_and_never_taken_is_none),
		WITH_AND_WITHOUT_SYSCALLS(a_queue_with_a_condition_is_none),
		WITH_AND_WITHOUT_SYSCALLS(a_mutex_around_a_counter_is_none),
		WITH_AND_WITHOUT_SYSCALLS(a_semaphore_that_is_held_throughout_is_cpython_2s),
		WITH_AND_WITHOUT_SYSCALLS(
			a_semaphore_that_is_let_go_around_a_call_was_not_asked_for_at_once),
		WITH_AND_WITHOUT_SYSCALLS(a_wait_that_does_not_end_counts_up_to_the_end),
		WITH_AND_WITHOUT_SYSCALLS(drops_before_the_window_are_not_in_it),
		WITH_AND_WITHOUT_SYSCALLS(a_lock_made_where_one_was_begins_anew),
		WITH_AND_WITHOUT_SYSCALLS(a_bounded_queue_is_not_rubys_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
