/* The event loop and the primitives between its coroutines. */
#include "workloads/runtime/loop.h"
#include "workloads/runtime/mode.h"

#include "tests/test.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define MANY 100

static const struct mode mode = { .name = "events", .in_loop = true };

/* The run of a test, and what its workers share. */
static struct worker workers[MANY];
static struct worker_result results[1];
static struct run run = { .mode = &mode, .worker = workers };
static struct lock lock;
static struct condition condition;
static struct semaphore semaphore;
static struct barrier barrier;
static int ends[2];
static char order[MANY + 1]; /* who came when, a letter each */
static struct err err;

static bool run_all(unsigned count, void (*live)(struct worker *w))
{
	bool good;

	err = (struct err){ 0 };
	memset(order, 0, sizeof(order));
	run.workers = run.shares = run.parties = count;
	for (unsigned i = 0; i < count; i++)
		workers[i] = (struct worker){
			.self = i, .index = i, .count = count, .run = &run, .result = &results[0]
		};
	run.loop = loop_open(&run, &err);
	assert_non_null(run.loop);
	lock_make(&workers[0], &lock, LOCK_RECURSIVE);
	condition_make(&workers[0], &condition);
	semaphore_make(&workers[0], &semaphore, 1);
	barrier_make(&workers[0], &barrier, count);
	good = loop_run(run.loop, live, &err);
	loop_close(run.loop);
	return good;
}

static void note(const struct worker *w)
{
	order[strlen(order)] = (char)('a' + w->index);
}

/* Waits for what is there already: it goes on in the next turn. */
static void give_way(struct worker *w)
{
	assert_true(worker_wait_for(w, ends[1], POLLOUT, 0));
}

static void take_and_give_way(struct worker *w)
{
	for (int i = 0; i < 2; i++) {
		lock_take(w, &lock);
		note(w);
		give_way(w);
		lock_give(w, &lock);
	}
}

static void a_lock_goes_to_who_has_waited_longest(void **state)
{
	(void)state;
	assert_true(run_all(3, take_and_give_way));
	assert_string_equal(order, "abcabc");
}

static void take_twice(struct worker *w)
{
	if (w->index == 1) {
		assert_false(lock_try(w, &lock));
		assert_false(lock_take_until(w, &lock, worker_now_ns() + 1000));
		note(w);
		lock_take(w, &lock);
		note(w);
		lock_give(w, &lock);
		return;
	}
	lock_take(w, &lock);
	assert_true(lock_try(w, &lock));
	while (order[0] == '\0')
		give_way(w);
	lock_give(w, &lock);
	give_way(w);
	note(w);
	lock_give(w, &lock);
}

static void a_recursive_lock_belongs_to_a_coroutine_and_a_wait_for_it_has_an_end(void **state)
{
	(void)state;
	assert_true(run_all(2, take_twice));
	assert_string_equal(order, "bab");
}

static void wait_in_turn(struct worker *w)
{
	lock_take(w, &lock);
	while (strlen(order) != w->count - 1 - w->index)
		condition_wait(w, &condition, &lock);
	note(w);
	condition_broadcast(w, &condition);
	lock_give(w, &lock);
}

static void who_waits_at_a_condition_has_the_lock_again(void **state)
{
	(void)state;
	assert_true(run_all(5, wait_in_turn));
	assert_string_equal(order, "edcba");
}

static void pass_one_by_one(struct worker *w)
{
	semaphore_take(w, &semaphore);
	note(w);
	give_way(w);
	note(w);
	semaphore_give(w, &semaphore);
	barrier_meet(w, &barrier);
	note(w);
}

static void a_semaphore_lets_in_as_many_as_it_says_and_a_barrier_all(void **state)
{
	(void)state;
	assert_true(run_all(3, pass_one_by_one));
	assert_memory_equal(order, "aabbcc", 6);
	assert_string_equal(order + 6, "cab");
}

static void wait_for_ever(struct worker *w)
{
	if (w->index > 0)
		lock_take(w, &lock);
	semaphore_take(w, &semaphore);
	if (w->index == 0)
		lock_take(w, &lock);
}

static void workers_that_wait_for_one_another_are_told(void **state)
{
	(void)state;
	assert_false(run_all(2, wait_for_ever));
	assert_string_equal(err.text, "every worker waits for another: none can go on");
	assert_int_equal(err.code, EXIT_FAILED);
}

static void read_one_byte(struct worker *w)
{
	char byte;

	if (w->index < 2) {
		assert_true(worker_read(w, ends[0], &byte, 1, NULL));
		note(w);
		return;
	}
	assert_false(worker_wait_for(w, ends[0], POLLIN, worker_now_ns() + 1000));
	assert_true(worker_wait_for(w, ends[1], POLLOUT, 0));
	assert_true(worker_write(w, ends[1], "ab", 2));
	give_way(w);
}

static void two_may_wait_for_one_descriptor(void **state)
{
	(void)state;
	assert_true(run_all(3, read_one_byte));
	assert_int_equal(strlen(order), 2);
}

/* More of both than there are registers. */
static void compute(struct worker *w)
{
	double a = w->index, b = 2 * a, c = 3 * a, d = 4 * a, e = 5 * a, f = 6 * a, g = 7 * a;
	uint64_t i = w->index, j = 2 * i, k = 3 * i, l = 4 * i, m = 5 * i, n = 6 * i, o = 7 * i;

	for (int turn = 0; turn < 20; turn++) {
		give_way(w);
		a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7;
		i += 1, j += 2, k += 3, l += 4, m += 5, n += 6, o += 7;
	}
	assert_true(a + b + c + d + e + f + g == 28.0 * (w->index + 20));
	assert_int_equal(i + j + k + l + m + n + o, 28 * (w->index + 20));
	order[0]++;
}

static void what_a_coroutine_computes_is_its_own(void **state)
{
	(void)state;
	assert_true(run_all(MANY, compute));
	assert_int_equal(order[0], (char)MANY);
	assert_true(loop_counts(run.loop)->turns > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_goes_to_who_has_waited_longest),
		cmocka_unit_test(
			a_recursive_lock_belongs_to_a_coroutine_and_a_wait_for_it_has_an_end),
		cmocka_unit_test(who_waits_at_a_condition_has_the_lock_again),
		cmocka_unit_test(a_semaphore_lets_in_as_many_as_it_says_and_a_barrier_all),
		cmocka_unit_test(workers_that_wait_for_one_another_are_told),
		cmocka_unit_test(two_may_wait_for_one_descriptor),
		cmocka_unit_test(what_a_coroutine_computes_is_its_own),
	};

	if (pipe(ends) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
