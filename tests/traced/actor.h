/* Threads whose life is expected, and moments to wait for. */
#ifndef TESTS_TRACED_ACTOR_H
#define TESTS_TRACED_ACTOR_H

#include "tests/traced/expect.h"

#include <pthread.h>
#include <time.h>

/* A thread that is told apart from others, and its life, which is expected: created, started, ended
 * and joined. */
struct actor {
	pthread_t thread;
	pid_t tid; /* 0 until it runs */
	void (*act)(void *object);
	void *object;
};

void actor_start(struct actor *actor, void (*act)(void *object), void *object);
void actor_join(struct actor *actor);
/* The thread sleeps on the object. */
void actor_wait_blocked(struct actor *actor, const void *object, size_t size);

/* True in qemu-user, which has no robust locks, makes vfork a fork, and leaves memory in a child
 * that a kernel would empty. What needs these is not done there. */
bool actor_is_emulated(void);

/* A moment that has passed, and one that comes in 3 ms. */
extern const struct timespec actor_past;
struct timespec actor_soon(clockid_t clock);
/* One that does not come while the test runs. */
struct timespec actor_late(clockid_t clock);

#endif
