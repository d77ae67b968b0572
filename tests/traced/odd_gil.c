/* Structs like that of CPython's GIL, and some that are not: what the trace must say of the words
 * before their conditions is printed, in its order. */
#include "tests/traced/odd.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

struct state {
	unsigned long interval;
	const void *holder;
	int locked;
	unsigned long switches;
	pthread_cond_t condition;
	pthread_mutex_t mutex;
	pthread_cond_t switch_condition;
	pthread_mutex_t switch_mutex;
};

/* On two pages, the first of which can be taken away. */
static struct state *on_pages(size_t offset)
{
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED, "two pages");
	return (struct state *)(void *)(pages + offset);
}

static void take_away(struct state *state)
{
	char *const at = (char *)state;

	must(mprotect(at - (uintptr_t)at % PAGE, PAGE, PROT_NONE) == 0, "mprotect");
}

/* As CPython does. */
static struct state *create(size_t offset)
{
	struct state *state = on_pages(offset);

	pthread_mutex_init(&state->mutex, NULL);
	pthread_mutex_init(&state->switch_mutex, NULL);
	pthread_cond_init(&state->condition, NULL);
	pthread_cond_init(&state->switch_condition, NULL);
	return state;
}

static void destroy(struct state *state)
{
	pthread_cond_destroy(&state->condition);
	pthread_cond_destroy(&state->switch_condition);
	pthread_mutex_destroy(&state->mutex);
	pthread_mutex_destroy(&state->switch_mutex);
}

static void tell(const struct state *state)
{
	printf("%#" PRIxPTR " %lu %#" PRIxPTR " %d %lu\n", (uintptr_t)&state->condition,
	       state->interval, (uintptr_t)state->holder, state->locked, state->switches);
}

static void wait_in_vain(struct state *state, pthread_cond_t *condition)
{
	must_be(0, pthread_mutex_lock(&state->mutex), "lock");
	must_be(ETIMEDOUT, pthread_cond_timedwait(condition, &state->mutex, &actor_past), "wait");
	must_be(0, pthread_mutex_unlock(&state->mutex), "unlock");
}

static void change(struct state *state, unsigned long to)
{
	state->interval = 1000 * to;
	state->holder = &state->mutex;
	state->locked = to % 2 ? -1 : 1;
	state->switches = to;
}

/* Each is made in a way in which no GIL is made: nothing must be told of them. */
static void make_others(void)
{
	struct state *state = on_pages(0);

	pthread_mutex_init(&state->mutex, NULL);
	pthread_cond_init(&state->condition, NULL);
	pthread_mutex_init(&state->switch_mutex, NULL);
	pthread_cond_init(&state->switch_condition, NULL);
	wait_in_vain(state, &state->condition);
	/* Something else between. */
	state = on_pages(0);
	pthread_mutex_init(&state->mutex, NULL);
	pthread_mutex_init(&state->switch_mutex, NULL);
	odd_lock(1);
	pthread_cond_init(&state->condition, NULL);
	pthread_cond_init(&state->switch_condition, NULL);
	wait_in_vain(state, &state->condition);
	/* What is before the condition is on another page, where there may be nothing. */
	state = create(PAGE - offsetof(struct state, condition));
	take_away(state);
	wait_in_vain(state, &state->condition);
}

static void fork_one(struct state *state)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		change(state, 7);
		wait_in_vain(state, &state->condition);
		/* At its end again. */
		tell(state);
		tell(state);
		fflush(stdout);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, "the child ends");
}

/* So many are remembered at once, and each is told at the end. */
static void make_many(unsigned long remembered)
{
	for (unsigned long i = 0; i < 70; i++) {
		struct state *state = create(0);

		change(state, i);
		if (i < remembered)
			tell(state);
	}
}

int odd_gil_states(void)
{
	struct state *first, *second;

	make_others();
	first = create(0);
	change(first, 5);
	wait_in_vain(first, &first->condition);
	tell(first);
	/* Of no other condition. */
	wait_in_vain(first, &first->switch_condition);
	second = create(64);
	change(second, 6);
	wait_in_vain(second, &second->condition);
	tell(second);
	change(second, 9);
	tell(second);
	destroy(second);
	/* A program may forget that, and give the memory back. */
	take_away(create(0));
	fork_one(first);
	change(first, 8);
	tell(first);
	make_many(64 - 2);
	return 0;
}
