/* The analysis of locks, on made-up traces of which the answer is known. A unit of the counter is a
 * nanosecond, and a record costs 8.5. */
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/report/locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define START 2000000u /* of stamps */
#define A 0x10000u     /* objects */
#define B 0x20000u
#define C 0x30000u
#define HANDLE(number) (0x7f0000000000 + 0x1000 * (uint64_t)(number))
#define THREADS 5

static struct made_trace made;
static struct made_thread threads[THREADS + 1]; /* by number */
static struct trace trace;
static struct locks locks;

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
	locks_finish(&locks);
	trace_close(&trace);
	made_trace_remove(&made);
	return 0;
}

static struct made_thread *thread_of(uint32_t number)
{
	if (!threads[number].file)
		made_thread_start(&threads[number], &made, number);
	return &threads[number];
}

static void put(uint32_t thread, uint64_t ns, unsigned kind, unsigned detail, uint64_t value)
{
	made_record(thread_of(thread), START + ns, kind, detail, value);
}

static void put_arg(uint32_t thread, uint64_t value)
{
	made_arg(&threads[thread], value);
}

static void put_text(uint32_t thread, const char *text)
{
	made_text(&threads[thread], text);
}

static void process_of(uint32_t thread, uint32_t process, uint32_t parent, uint32_t pid)
{
	struct trace_file *header = &thread_of(thread)->header;

	header->process = process;
	header->parent = parent;
	header->pid = pid;
}

static void read_window(uint64_t from_ns, uint64_t to_ns)
{
	struct err err = { 0 };

	for (uint32_t i = 1; i <= THREADS; i++) {
		if (threads[i].file)
			made_thread_end(&threads[i]);
	}
	made_trace_finish(&made);
	if (!trace_open(&trace, made.folder, &err) ||
	    !locks_read(&locks, &trace,
			&(struct locks_wish){ from_ns, to_ns, 10, true, false, NULL }, &err))
		fail_msg("%s", err.text);
}

static void read_all(void)
{
	read_window(0, UINT64_MAX);
}

/* The nth object at an address, from 1: its generation. */
static const struct object *object(uint64_t address, uint32_t generation)
{
	for (size_t i = 0; i < locks.objects.count; i++) {
		if (locks.objects.all[i]->address == address &&
		    locks.objects.all[i]->generation == generation)
			return locks.objects.all[i];
	}
	fail_msg("no object at %llx", (unsigned long long)address);
	return NULL;
}

static const struct object_use *use(uint64_t address)
{
	return object(address, 1)->uses[OBJECT_ALONE];
}

static void what_is_taken_at_once_is_held_and_was_not_waited_for(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 100, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 200, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 500, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->acquisitions, 2);
	assert_int_equal(use(A)->conflicts, 0);
	assert_int_equal(use(A)->wait.raw.n, 0);
	assert_int_equal(use(A)->hold.raw.n, 2);
	assert_int_equal(use(A)->hold.raw.sum, 400);
	assert_int_equal(use(A)->hold.raw.max, 300);
	assert_int_equal(locks.actors[0].holding.raw, 100);
	assert_int_equal(locks.actors[1].holding.raw, 300);
	assert_int_equal(object(A, 1)->releases, 2);
	assert_int_equal(object(A, 1)->held_at_end, 0);
	assert_int_equal(locks.longest_count, 0);
}

static void a_conflict_is_a_wait_up_to_the_acquisition(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, 1000, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 1100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 1200, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->acquisitions, 2);
	assert_int_equal(use(A)->conflicts, 1);
	assert_int_equal(use(A)->wait.raw.n, 1);
	assert_int_equal(use(A)->wait.raw.sum, 1000);
	assert_int_equal(locks.actors[1].waits[WAIT_LOCK], 1);
	assert_int_equal(locks.actors[1].waited[WAIT_LOCK].raw, 1000);
	assert_int_equal(locks.actors[1].holding.raw, 100);
	assert_int_equal(locks.longest_count, 1);
	assert_int_equal(locks.longest[0].thread, 1);
	assert_int_equal(locks.longest[0].begin, 100);
	assert_int_equal(locks.longest[0].holder, 1);
	assert_int_equal(locks.longest[0].released_by, 1);
	assert_int_equal(locks.longest[0].passed, 0);
	assert_true(locks.longest[0].ended);
}

static void a_long_wait_knows_who_was_quicker(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, 200, TRACE_MUTEX_RELEASE, 0, A);
	put(3, 210, TRACE_MUTEX_ACQUIRE, 0, A);
	put(3, 300, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 310, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 400, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 410, TRACE_MUTEX_ACQUIRE, 0, A);
	read_all();
	assert_int_equal(locks.longest[0].holder, 1);
	assert_int_equal(locks.longest[0].passed, 2);
	assert_int_equal(locks.longest[0].released_by, 1);
	assert_int_equal(object(A, 1)->held_at_end, 1);
}

static void only_the_longest_waits_are_kept_and_the_longest_comes_first(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		const uint64_t length = (i * 37) % 100 + 1;

		put(1, 1000 * i, TRACE_MUTEX_CONFLICT, 0, A);
		put(1, 1000 * i + length, TRACE_MUTEX_ACQUIRE, 0, A);
		put(1, 1000 * i + 500, TRACE_MUTEX_RELEASE, 0, A);
	}
	read_all();
	assert_int_equal(locks.longest_count, 10);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(locks.longest[i].duration.raw, 100 - i);
}

static void a_wait_that_fails_counts_its_error_and_takes_nothing(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_CONFLICT, TRACE_REALTIME, A);
	put_arg(2, MADE_REALTIME_NS);
	put(2, 300, TRACE_MUTEX_FAIL, ETIMEDOUT, A);
	put(2, 400, TRACE_MUTEX_FAIL, EDEADLK, A);
	put(2, 500, TRACE_MUTEX_FAIL, EDEADLK, A);
	put(1, 900, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->acquisitions, 1);
	assert_int_equal(use(A)->failure_count, 2);
	assert_int_equal(use(A)->failures[0].error, ETIMEDOUT);
	assert_int_equal(use(A)->failures[0].count, 1);
	assert_int_equal(use(A)->failures[1].error, EDEADLK);
	assert_int_equal(use(A)->failures[1].count, 2);
	assert_int_equal(use(A)->wait.raw.sum, 200);
	assert_int_equal(locks.longest[0].error, ETIMEDOUT);
	assert_int_equal(locks.longest[0].released_by, 0);
	assert_int_equal(object(A, 1)->overlaps, 0);
}

static void failed_tries_are_retries_of_the_acquisition_that_follows(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 10, TRACE_MUTEX_BUSY, EBUSY, A);
	put(2, 20, TRACE_MUTEX_BUSY, EBUSY, A);
	put(2, 30, TRACE_MUTEX_BUSY, EBUSY, A);
	put(3, 35, TRACE_MUTEX_BUSY, EBUSY, A); /* gives up */
	put(1, 40, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 50, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 60, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 70, TRACE_MUTEX_BUSY, EBUSY, A);
	put(2, 80, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 90, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->busy, 5);
	assert_int_equal(use(A)->loops, 2);
	assert_int_equal(use(A)->retries, 4);
	assert_int_equal(use(A)->longest_loop, 3);
	assert_int_equal(use(A)->conflicts, 0);
	assert_int_equal(use(A)->hold.raw.n, 3);
}

static void waits_that_time_out_or_are_interrupted_are_retried_too(void **state)
{
	(void)state;
	put(1, 0, TRACE_SEM_CONFLICT, 0, A);
	put(1, 10, TRACE_SEM_FAIL, EINTR, A);
	put(1, 20, TRACE_SEM_CONFLICT, 0, A);
	put(1, 30, TRACE_SEM_FAIL, ETIMEDOUT, A);
	put(1, 40, TRACE_SEM_ACQUIRE, 0, A);
	read_all();
	assert_int_equal(use(A)->loops, 1);
	assert_int_equal(use(A)->retries, 2);
	assert_int_equal(locks.actors[0].waited[WAIT_SEM].raw, 20);
}

static void a_recursive_mutex_is_held_from_the_outermost_acquisition(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_INIT, 1, A);
	put_arg(1, 0x5000);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 200, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 300, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 1000, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->acquisitions, 2);
	assert_int_equal(use(A)->hold.raw.n, 1);
	assert_int_equal(use(A)->hold.raw.sum, 900);
	assert_int_equal(object(A, 1)->creator, 0x5000);
	assert_int_equal(object(A, 1)->bits, 1);
	assert_int_equal(object(A, 1)->unpaired, 0);
}

static void nested_locks_are_one_time_of_holding_and_are_let_go_in_any_order(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 100, TRACE_SPIN_ACQUIRE, 0, B);
	put(1, 300, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 600, TRACE_SPIN_RELEASE, 0, B);
	put(1, 700, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 800, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->hold.raw.sum, 400);
	assert_int_equal(use(B)->hold.raw.sum, 500);
	assert_int_equal(locks.actors[0].holding.raw, 700);
}

static void waiting_for_a_condition_ends_a_hold_and_coming_back_begins_another(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 100, TRACE_COND_WAIT, TRACE_UNTIMED, C);
	put_arg(1, A);
	put(2, 200, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 250, TRACE_COND_SIGNAL, 0, C);
	put(2, 300, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 1100, TRACE_COND_RETURN, 0, C);
	put(1, 1200, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(use(A)->acquisitions, 2);
	assert_int_equal(use(A)->reacquisitions, 1);
	assert_int_equal(use(A)->hold.raw.n, 3);
	assert_int_equal(use(A)->hold.raw.sum, 300);
	assert_int_equal(object(A, 1)->overlaps, 0);
	assert_int_equal(object(A, 1)->unpaired, 0);
	assert_int_equal(object(C, 1)->meeting->waits, 1);
	assert_int_equal(object(C, 1)->meeting->wait.raw.sum, 1000);
	assert_int_equal(object(C, 1)->meeting->unsignalled, 0);
	assert_ptr_equal(object(C, 1)->meeting->mutex, object(A, 1));
	assert_int_equal(locks.actors[0].waited[WAIT_COND].raw, 1000);
	assert_int_equal(locks.actors[0].holding.raw, 200);
}

static void returns_without_a_signal_and_signals_without_a_waiter_are_counted(void **state)
{
	(void)state;
	put(2, 0, TRACE_COND_SIGNAL, 0, C);
	put(2, 10, TRACE_COND_BROADCAST, 0, C);
	put(1, 100, TRACE_COND_WAIT, TRACE_COND_CLOCK, C);
	put_arg(1, A);
	put_arg(1, MADE_REALTIME_NS);
	put(1, 200, TRACE_COND_RETURN, ETIMEDOUT, C);
	put(1, 300, TRACE_COND_WAIT, 0, C);
	put_arg(1, A);
	put(1, 400, TRACE_COND_RETURN, 0, C); /* nobody called */
	put(1, 500, TRACE_COND_WAIT, 0, C);
	put_arg(1, A);
	put(2, 550, TRACE_COND_BROADCAST, 0, C);
	put(1, 600, TRACE_COND_RETURN, 0, C);
	read_all();
	assert_int_equal(object(C, 1)->meeting->waits, 3);
	assert_int_equal(object(C, 1)->meeting->returns, 3);
	assert_int_equal(object(C, 1)->meeting->timeouts, 1);
	assert_int_equal(object(C, 1)->meeting->unsignalled, 1);
	assert_int_equal(object(C, 1)->meeting->signals, 1);
	assert_int_equal(object(C, 1)->meeting->unheard_signals, 1);
	assert_int_equal(object(C, 1)->meeting->broadcasts, 2);
	assert_int_equal(object(C, 1)->meeting->unheard_broadcasts, 1);
}

static void readers_hold_a_lock_together_and_a_writer_alone(void **state)
{
	(void)state;
	put(1, 0, TRACE_READ_ACQUIRE, 0, A);
	put(2, 100, TRACE_READ_ACQUIRE, 0, A);
	put(3, 150, TRACE_WRITE_CONFLICT, 0, A);
	put(1, 200, TRACE_RWLOCK_RELEASE, 0, A);
	put(4, 250, TRACE_WRITE_CONFLICT, 0, A);
	put(2, 400, TRACE_RWLOCK_RELEASE, 0, A);
	put(3, 500, TRACE_WRITE_ACQUIRE, 0, A);
	put(3, 600, TRACE_RWLOCK_RELEASE, 0, A);
	put(4, 650, TRACE_WRITE_ACQUIRE, 0, A);
	put(4, 660, TRACE_RWLOCK_RELEASE, 0, A);
	read_all();
	assert_int_equal(object(A, 1)->uses[OBJECT_SHARED]->hold.raw.n, 2);
	assert_int_equal(object(A, 1)->uses[OBJECT_SHARED]->hold.raw.sum, 500);
	assert_int_equal(use(A)->hold.raw.sum, 110);
	assert_int_equal(use(A)->conflicts, 2);
	assert_int_equal(use(A)->wait.raw.sum, 750);
	assert_int_equal(object(A, 1)->overlaps, 0);
	assert_int_equal(object(A, 1)->unpaired, 0);
	/* The longer wait is of thread 4, which found one reader left: 2. */
	assert_int_equal(locks.longest[0].thread, 3);
	assert_int_equal(locks.longest[0].readers, 1);
	assert_int_equal(locks.longest[0].holder, 2);
	assert_int_equal(locks.longest[0].released_by, 3);
	assert_int_equal(locks.longest[1].readers, 2);
	assert_int_equal(locks.longest[1].holder, 0);
}

static void put_semaphore(uint64_t ns, uint64_t address, uint64_t value)
{
	put(1, ns, TRACE_SEM_INIT, 0, address);
	put_arg(1, 0x5000);
	put_arg(1, value);
}

static void a_semaphore_is_held_when_it_is_used_as_a_lock(void **state)
{
	(void)state;
	put_semaphore(0, A, 1);
	put(1, 100, TRACE_SEM_ACQUIRE, 0, A);
	put(2, 150, TRACE_SEM_CONFLICT, 0, A);
	put(1, 200, TRACE_SEM_RELEASE, 0, A);
	put(2, 210, TRACE_SEM_ACQUIRE, 0, A);
	put(2, 300, TRACE_SEM_RELEASE, 0, A);
	read_all();
	assert_null(object(A, 1)->no_hold);
	assert_int_equal(use(A)->hold.raw.sum, 190);
	assert_int_equal(use(A)->wait.raw.sum, 60);
	assert_int_equal(locks.longest[0].holder, 1);
	assert_int_equal(locks.actors[0].holding.raw, 100);
}

static void a_semaphore_that_others_release_is_no_lock(void **state)
{
	(void)state;
	put_semaphore(0, A, 1);
	put(1, 100, TRACE_SEM_ACQUIRE, 0, A);
	put(2, 200, TRACE_SEM_RELEASE, 0, A);
	put_semaphore(300, B, 0);
	put(1, 400, TRACE_SEM_RELEASE, 0, B);
	put(1, 500, TRACE_SEM_ACQUIRE, 0, B);
	put_semaphore(600, C, 1);
	put(1, 700, TRACE_SEM_RELEASE, 0, C); /* now 2 */
	put(1, 800, TRACE_SEM_ACQUIRE, 0, C);
	put(1, 810, TRACE_SEM_ACQUIRE, 0, C);
	put(1, 900, TRACE_SEM_ACQUIRE, 0, 0x40000); /* from before the trace */
	read_all();
	assert_non_null(object(A, 1)->no_hold);
	assert_non_null(object(B, 1)->no_hold);
	assert_non_null(object(C, 1)->no_hold);
	assert_non_null(object(0x40000, 1)->no_hold);
	for (size_t i = 0; i < trace.thread_count; i++)
		assert_int_equal(locks.actors[i].hold_count, 0);
	assert_int_equal(object(A, 1)->overlaps + object(C, 1)->overlaps, 0);
}

static void memory_that_is_used_again_is_another_lock(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_INIT, 0, A);
	put_arg(1, 0x5000);
	put(1, 10, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 20, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 30, TRACE_MUTEX_DESTROY, EBUSY, A); /* refused */
	put(1, 40, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 50, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 60, TRACE_MUTEX_DESTROY, 0, A);
	put(1, 70, TRACE_MUTEX_ACQUIRE, 0, A); /* as PTHREAD_MUTEX_INITIALIZER allows */
	put(1, 80, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 90, TRACE_MUTEX_INIT, 0, A);
	put_arg(1, 0x6000);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 110, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 120, TRACE_COND_SIGNAL, 0, A); /* another type */
	read_all();
	assert_int_equal(use(A)->acquisitions, 2);
	assert_int_equal(object(A, 2)->uses[OBJECT_ALONE]->acquisitions, 1);
	assert_int_equal(object(A, 2)->creator, 0);
	assert_int_equal(object(A, 3)->uses[OBJECT_ALONE]->acquisitions, 1);
	assert_int_equal(object(A, 3)->creator, 0x6000);
	assert_int_equal(object(A, 4)->type, OBJECT_COND);
	assert_int_equal(locks.objects.count, 4);
}

static void corrected_durations_are_less_the_records_written_meanwhile(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 1000, TRACE_MUTEX_ACQUIRE, 0, B);
	put(1, 1005, TRACE_MUTEX_RELEASE, 0, B); /* 5 less 8.5: 0 */
	put(1, 2000, TRACE_MUTEX_RELEASE, 0, A); /* 2000 less 3 records */
	put(2, 2100, TRACE_MUTEX_CONFLICT, TRACE_REALTIME, A);
	put_arg(2, 1);
	put(2, 3100, TRACE_MUTEX_ACQUIRE, 0, A); /* 1000 less 2 records */
	read_all();
	assert_true(locks.cost_known);
	assert_int_equal(use(B)->hold.corrected.sum, 0);
	assert_int_equal(use(A)->hold.corrected.sum, 1975);
	assert_int_equal(use(A)->wait.corrected.sum, 983);
	assert_int_equal(locks.actors[0].holding.corrected, 1975);
	assert_int_equal(locks.actors[1].waited[WAIT_LOCK].corrected, 983);
	assert_int_equal(locks.longest[0].duration.corrected, 983);
}

static void a_window_counts_what_ends_in_it_and_knows_names_from_before(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_INIT, 0, A);
	put_arg(1, 0x5000);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 1100, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 1200, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 1300, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 2500, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 2600, TRACE_MUTEX_RELEASE, 0, A);
	read_window(1000, 2000);
	assert_int_equal(locks.records, 3);
	assert_int_equal(use(A)->acquisitions, 1);
	assert_int_equal(use(A)->hold.raw.sum, 100);
	assert_int_equal(object(A, 1)->creator, 0x5000);
	assert_int_equal(object(A, 1)->unpaired, 1);
	assert_int_equal(object(A, 1)->foreign, 0);
}

static void two_threads_that_hold_a_lock_at_once_are_found(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 130, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 400, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 500, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 600, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(object(A, 1)->overlaps, 1);
	assert_int_equal(object(A, 1)->longest_overlap, 30);
	assert_int_equal(use(A)->hold.raw.sum, 130 + 300 + 100);
	assert_int_equal(object(A, 1)->foreign + object(A, 1)->unpaired, 0);
}

static void a_lock_whose_owner_died_is_nobodys(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_ACQUIRE, EOWNERDEAD, A);
	put(2, 200, TRACE_MUTEX_RELEASE, 0, A);
	read_all();
	assert_int_equal(object(A, 1)->overlaps, 0);
	assert_int_equal(use(A)->owner_died, 1);
	assert_int_equal(use(A)->hold.raw.sum, 100);
}

static void a_release_by_another_thread_ends_the_hold_unless_it_is_refused(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_RELEASE, 0, A);
	put(3, 200, TRACE_MUTEX_ACQUIRE, 0, A);
	put(3, 300, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 400, TRACE_MUTEX_ACQUIRE, 0, B);
	put(2, 500, TRACE_MUTEX_RELEASE, 0, B);
	put(2, 510, TRACE_MUTEX_RELEASE_FAIL, EPERM, B);
	put(1, 700, TRACE_MUTEX_RELEASE, 0, B);
	put(2, 800, TRACE_MUTEX_RELEASE, 0, C);
	put(2, 810, TRACE_MUTEX_RELEASE_FAIL, EPERM, C);
	read_all();
	assert_int_equal(object(A, 1)->foreign, 1);
	assert_int_equal(object(A, 1)->overlaps, 0);
	assert_int_equal(use(A)->hold.raw.sum, 100);
	assert_int_equal(object(B, 1)->foreign, 0);
	assert_int_equal(object(B, 1)->refused, 1);
	assert_int_equal(object(B, 1)->releases, 1);
	assert_int_equal(use(B)->hold.raw.sum, 300);
	assert_int_equal(object(C, 1)->refused, 1);
	assert_int_equal(object(C, 1)->unpaired, 0);
	assert_int_equal(object(C, 1)->releases, 0);
	assert_int_equal(locks.actors[0].holding.raw, 100 + 300);
}

static void barriers_once_routines_and_joins_are_waits(void **state)
{
	(void)state;
	put(1, 0, TRACE_BARRIER_INIT, 0, A);
	put_arg(1, 0x5000);
	put_arg(1, 2);
	put(1, 100, TRACE_BARRIER_WAIT, 0, A);
	put(2, 200, TRACE_BARRIER_WAIT, 0, A);
	put(2, 210, TRACE_BARRIER_RETURN, 1, A);
	put(1, 250, TRACE_BARRIER_RETURN, 0, A);
	put(1, 300, TRACE_ONCE_BEGIN, 0, B);
	put(1, 340, TRACE_ONCE_END, 0, B);
	put(1, 400, TRACE_THREAD_JOIN, TRACE_UNTIMED, HANDLE(2));
	put(1, 1400, TRACE_THREAD_JOINED, 0, HANDLE(2));
	read_all();
	assert_int_equal(object(A, 1)->count, 2);
	assert_int_equal(object(A, 1)->meeting->serial, 1);
	assert_int_equal(object(A, 1)->meeting->wait.raw.sum, 160);
	assert_int_equal(object(B, 1)->meeting->wait.raw.sum, 40);
	assert_int_equal(locks.actors[0].waited[WAIT_BARRIER].raw, 150);
	assert_int_equal(locks.actors[0].waited[WAIT_ONCE].raw, 40);
	assert_int_equal(locks.actors[0].waited[WAIT_JOIN].raw, 1000);
}

static void what_is_not_over_at_the_end_is_told(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_ACQUIRE, 0, B);
	put(1, 200, TRACE_MUTEX_CONFLICT, 0, B);
	put(2, 300, TRACE_MUTEX_CONFLICT, 0, A);
	put(3, 400, TRACE_COND_WAIT, 0, C);
	put_arg(3, 0x40000);
	put(4, 1000, TRACE_EXIT, TRACE_EXIT_CALL, 3);
	read_all();
	assert_int_equal(use(A)->unfinished, 1);
	assert_int_equal(use(B)->unfinished, 1);
	assert_int_equal(object(A, 1)->held_at_end, 1);
	assert_int_equal(object(C, 1)->meeting->unfinished, 1);
	assert_ptr_equal(locks_stuck(&locks, 0)->object, object(B, 1));
	assert_ptr_equal(locks_stuck(&locks, 1)->object, object(A, 1));
	assert_null(locks_stuck(&locks, 3));
	/* They lived until their process exited. */
	assert_int_equal(locks.actors[0].waited[WAIT_LOCK].raw, 800);
	assert_int_equal(locks.longest[0].duration.raw, 800);
	assert_false(locks.longest[0].ended);
	assert_int_equal(locks.actors[0].holding.raw, 1000);
	assert_int_equal(locks.actors[2].waited[WAIT_COND].raw, 600);
	assert_int_equal(use(A)->wait.raw.n, 0);
}

static void a_signal_handler_may_wait_while_its_thread_waits(void **state)
{
	(void)state;
	put(1, 0, TRACE_SEM_CONFLICT, 0, A);
	put(1, 100, TRACE_MUTEX_CONFLICT, 0, B);
	put(1, 200, TRACE_MUTEX_ACQUIRE, 0, B);
	put(1, 300, TRACE_MUTEX_RELEASE, 0, B);
	put(1, 1000, TRACE_SEM_ACQUIRE, 0, A);
	/* One that leaves by a jump: its wait never ends. */
	put(1, 2000, TRACE_SEM_CONFLICT, 0, A);
	put(1, 2100, TRACE_MUTEX_CONFLICT, 0, B);
	put(1, 3000, TRACE_SEM_ACQUIRE, 0, A);
	read_all();
	assert_int_equal(use(A)->wait.raw.sum, 2000);
	assert_int_equal(use(B)->wait.raw.sum, 100);
	assert_int_equal(use(B)->unfinished, 1);
	assert_int_equal(locks.actors[0].pending_count, 0);
}

static void stamps_that_go_back_make_no_huge_duration(void **state)
{
	(void)state;
	put(1, 500, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 400, TRACE_MUTEX_RELEASE, 0, A);
	put(1, 600, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, 550, TRACE_MUTEX_ACQUIRE, 0, A);
	read_all();
	assert_int_equal(use(A)->hold.raw.sum, 0);
	assert_int_equal(use(A)->wait.raw.sum, 0);
}

static void threads_have_names_makers_and_lives(void **state)
{
	(void)state;
	put(1, 0, TRACE_THREAD_NAME, 0, HANDLE(1));
	put_text(1, "the main one");
	put(1, 100, TRACE_THREAD_CREATE, 0, HANDLE(2));
	put_arg(1, 0x7000);
	put(2, 90, TRACE_THREAD_START, 0, HANDLE(2));
	put_arg(2, 0x7000);
	put(2, 200, TRACE_THREAD_EXIT, 0, HANDLE(2));
	/* The same handle again. */
	thread_of(3)->header.handle = HANDLE(2);
	put(1, 300, TRACE_THREAD_CREATE, 0, HANDLE(2));
	put_arg(1, 0x8000);
	put(3, 310, TRACE_THREAD_START, 0, HANDLE(2));
	put_arg(3, 0x8000);
	put(1, 400, TRACE_THREAD_NAME, 0, HANDLE(2));
	put_text(1, "second");
	put(1, 1000, TRACE_EXIT, TRACE_EXIT_RETURN, 0);
	read_all();
	assert_string_equal(locks.family.threads[0].name, "the main one");
	assert_string_equal(locks.family.threads[1].name, "made");
	assert_string_equal(locks.family.threads[2].name, "second");
	assert_int_equal(locks.family.threads[0].parent, FAMILY_NONE);
	assert_int_equal(locks.family.threads[1].parent, 0);
	assert_int_equal(locks.family.threads[2].parent, 0);
	assert_int_equal(locks.family.threads[1].routine, 0x7000);
	assert_int_equal(locks.family.threads[2].routine, 0x8000);
	assert_int_equal(locks.family.threads[1].end, 200);
	assert_int_equal(locks.family.threads[2].end, 1000);
}

static void put_start(uint32_t thread, uint64_t ns, unsigned origin, uint32_t pid)
{
	put(thread, ns, TRACE_PROCESS_START, origin, pid);
	put_arg(thread, 1);
	put_arg(thread, 0x400000);
	put_text(thread, "/usr/bin/made-up");
}

static void put_mutex(uint32_t thread, uint64_t ns, unsigned bits, uint64_t address)
{
	put(thread, ns, TRACE_MUTEX_INIT, bits, address);
	put_arg(thread, 0x5000);
}

static void a_forked_process_has_locks_of_its_own_but_for_shared_ones(void **state)
{
	(void)state;
	put_start(1, 0, TRACE_BY_EXEC, 4001);
	put_mutex(1, 10, 0, A);
	put_mutex(1, 20, TRACE_INIT_SHARED, B);
	put(1, 30, TRACE_MUTEX_ACQUIRE, 0, A);
	put(1, 40, TRACE_MUTEX_ACQUIRE, 0, B);
	process_of(2, 2, 1, 4002);
	put_start(2, 100, TRACE_BY_FORK, 4002);
	put(2, 110, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 120, TRACE_MUTEX_CONFLICT, 0, B);
	put(1, 200, TRACE_MUTEX_RELEASE, 0, B);
	put(2, 210, TRACE_MUTEX_ACQUIRE, 0, B);
	put(2, 220, TRACE_MUTEX_RELEASE, 0, B);
	put_mutex(2, 300, 0, B); /* makes one of its own of it */
	put(2, 310, TRACE_MUTEX_ACQUIRE, 0, B);
	put(1, 320, TRACE_MUTEX_ACQUIRE, 0, B);
	read_all();
	assert_int_equal(locks.objects.count, 4);
	assert_int_equal(locks.objects.all[2]->address, A);
	assert_int_equal(locks.objects.all[2]->process, 1);
	assert_int_equal(locks.objects.all[2]->creator, 0x5000);
	assert_int_equal(locks.objects.all[2]->uses[OBJECT_ALONE]->acquisitions, 1);
	assert_int_equal(locks.objects.all[0]->overlaps, 0);
	assert_true(locks.objects.all[1]->shared);
	assert_int_equal(locks.objects.all[1]->uses[OBJECT_ALONE]->acquisitions, 3);
	assert_int_equal(locks.objects.all[1]->uses[OBJECT_ALONE]->wait.raw.sum, 90);
	assert_int_equal(locks.objects.all[1]->overlaps, 0);
	assert_int_equal(locks.longest[0].holder, 1);
	assert_int_equal(locks.objects.all[3]->address, B);
	assert_int_equal(locks.objects.all[3]->uses[OBJECT_ALONE]->acquisitions, 1);
}

static void children_that_left_no_record_are_known(void **state)
{
	(void)state;
	put_start(1, 0, TRACE_BY_EXEC, 4001);
	put(1, 10, TRACE_FORK, 0, 0);
	put(1, 20, TRACE_FORKED, 0, 4002);
	process_of(2, 2, 1, 4002);
	put_start(2, 15, TRACE_BY_FORK, 4002);
	put(1, 30, TRACE_SPAWN, 0, 0);
	put(1, 40, TRACE_SPAWNED, 0, 4003);
	put(1, 50, TRACE_SPAWNED, ENOENT, 0);
	/* vfork: the child's exec is recorded by its parent. */
	put(1, 60, TRACE_VFORK, 0, 0);
	put(1, 70, TRACE_EXEC, 0, 4004);
	put_text(1, "/bin/static");
	put(1, 80, TRACE_FORKED, 0, 4004);
	put(1, 90, TRACE_EXEC, 0, 4001);
	put_text(1, "/bin/none");
	put(1, 95, TRACE_EXEC_FAIL, ENOENT, 4001);
	read_all();
	assert_int_equal(locks.family.process_count, 2);
	assert_int_equal(locks.family.processes[1].parent, 0);
	assert_string_equal(locks.family.processes[0].path, "/usr/bin/made-up");
	assert_int_equal(locks.family.processes[0].child_count, 3);
	assert_true(locks.family.processes[0].children[0].recorded);
	assert_int_equal(locks.family.processes[0].children[1].pid, 4003);
	assert_false(locks.family.processes[0].children[1].recorded);
	assert_int_equal(locks.family.processes[0].children[2].pid, 4004);
	assert_string_equal(locks.family.processes[0].children[2].path, "/bin/static");
}

static void an_image_ends_where_the_one_that_it_executed_begins(void **state)
{
	(void)state;
	put_start(1, 0, TRACE_BY_EXEC, 4001);
	put(1, 100, TRACE_EXEC, 0, 4001);
	put_text(1, "/usr/bin/made-up");
	process_of(2, 2, 1, 4001);
	put_start(2, 500, TRACE_BY_EXEC, 4001);
	put(2, 900, TRACE_EXIT, TRACE_EXIT_CALL, 0);
	/* Its parent is not in its files: it is found by the pid. */
	process_of(3, 3, 0, 4001);
	put_start(3, 2000, TRACE_BY_EXEC, 4001);
	read_all();
	assert_int_equal(locks.family.threads[0].end, 500);
	assert_int_equal(locks.family.threads[1].end, 900);
	assert_int_equal(locks.family.processes[1].parent, 0);
	assert_int_equal(locks.family.processes[2].parent, 1);
	assert_true(locks.family.processes[0].children[0].recorded);
}

static void a_thousand_locks_are_told_apart(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		const uint64_t address = A + 40 * ((i * 7919) % 1000);

		put(1, 10 * i, TRACE_MUTEX_ACQUIRE, 0, address);
		put(1, 10 * i + 5, TRACE_MUTEX_RELEASE, 0, address);
	}
	read_all();
	assert_int_equal(locks.objects.count, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(locks.objects.all[i]->uses[OBJECT_ALONE]->acquisitions, 10);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void percentiles_are_within_a_thirtieth_of_the_sorted_values(void **state)
{
	static const double shares[] = { 0, 0.25, 0.5, 0.9, 0.99, 1 };
	uint64_t values[1000], x = 1;

	(void)state;
	for (size_t n = 1; n <= 1000; n = n < 8 ? n + 1 : n * 5) {
		struct spread spread = { 0 };

		for (size_t i = 0; i < n; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			values[i] = (x >> 20) >> (x % 44); /* all magnitudes alike */
			assert_true(spread_add(&spread, values[i]));
		}
		qsort(values, n, sizeof(values[0]), by_value);
		for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
			const double place = shares[i] * (double)n;
			const size_t rank = (size_t)place + (place > (double)(size_t)place);
			const double exact = (double)values[rank ? rank - 1 : 0];
			const double found = (double)spread_percentile(&spread, shares[i]);

			assert_true(found >= exact && found <= exact * 1.032);
		}
		assert_int_equal(spread.max, values[n - 1]);
		assert_int_equal(spread.n, n);
		spread_finish(&spread);
	}
}

static enum made_syscalls none = MADE_NONE, beside = MADE_BESIDE;

/* Those that count records, or what they cost, are made without system calls alone. */
#define NAMED(name, test, state) ((struct CMUnitTest){ name, test, make, drop, state })
#define WITH_TRACE_ALONE(test) NAMED(#test, test, &none)
#define WITH_TRACE(test) \
	WITH_TRACE_ALONE(test), NAMED(#test " (system calls beside)", test, &beside)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(what_is_taken_at_once_is_held_and_was_not_waited_for),
		WITH_TRACE(a_conflict_is_a_wait_up_to_the_acquisition),
		WITH_TRACE(a_long_wait_knows_who_was_quicker),
		WITH_TRACE(only_the_longest_waits_are_kept_and_the_longest_comes_first),
		WITH_TRACE(a_wait_that_fails_counts_its_error_and_takes_nothing),
		WITH_TRACE(failed_tries_are_retries_of_the_acquisition_that_follows),
		WITH_TRACE(waits_that_time_out_or_are_interrupted_are_retried_too),
		WITH_TRACE(a_recursive_mutex_is_held_from_the_outermost_acquisition),
		WITH_TRACE(nested_locks_are_one_time_of_holding_and_are_let_go_in_any_order),
		WITH_TRACE(waiting_for_a_condition_ends_a_hold_and_coming_back_begins_another),
		WITH_TRACE(returns_without_a_signal_and_signals_without_a_waiter_are_counted),
		WITH_TRACE(readers_hold_a_lock_together_and_a_writer_alone),
		WITH_TRACE(a_semaphore_is_held_when_it_is_used_as_a_lock),
		WITH_TRACE(a_semaphore_that_others_release_is_no_lock),
		WITH_TRACE(memory_that_is_used_again_is_another_lock),
		WITH_TRACE_ALONE(corrected_durations_are_less_the_records_written_meanwhile),
		WITH_TRACE_ALONE(a_window_counts_what_ends_in_it_and_knows_names_from_before),
		WITH_TRACE(two_threads_that_hold_a_lock_at_once_are_found),
		WITH_TRACE(a_lock_whose_owner_died_is_nobodys),
		WITH_TRACE(a_release_by_another_thread_ends_the_hold_unless_it_is_refused),
		WITH_TRACE(barriers_once_routines_and_joins_are_waits),
		WITH_TRACE(what_is_not_over_at_the_end_is_told),
		WITH_TRACE(a_signal_handler_may_wait_while_its_thread_waits),
		WITH_TRACE(stamps_that_go_back_make_no_huge_duration),
		WITH_TRACE(threads_have_names_makers_and_lives),
		WITH_TRACE(a_forked_process_has_locks_of_its_own_but_for_shared_ones),
		WITH_TRACE(children_that_left_no_record_are_known),
		WITH_TRACE(an_image_ends_where_the_one_that_it_executed_begins),
		WITH_TRACE(a_thousand_locks_are_told_apart),
		cmocka_unit_test(percentiles_are_within_a_thirtieth_of_the_sorted_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
