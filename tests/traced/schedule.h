/* The parts of the known schedule. Each is done with its threads when it returns. */
#ifndef TESTS_TRACED_SCHEDULE_H
#define TESTS_TRACED_SCHEDULE_H

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

/* True in qemu-user, which has no robust locks, makes vfork a fork, and leaves memory in a child that
 * a kernel would empty. What needs these is not done there. */
bool schedule_is_emulated(void);

/* A forked child does it, says what it expects, and ends; and is waited for. */
pid_t schedule_fork(void (*act)(void *object), void *object);
void schedule_join(pid_t pid);

/* A moment that has passed, and one that comes in 3 ms. */
extern const struct timespec schedule_past;
struct timespec schedule_soon(clockid_t clock);
/* One that does not come while the test runs. */
struct timespec schedule_late(clockid_t clock);

void schedule_mutexes(void);
void schedule_rwlocks(void);
void schedule_spin_locks(void);
void schedule_semaphores(void);
void schedule_conditions(void);
void schedule_barriers_and_once(void);
void schedule_c11(void);
void schedule_threads(void);
/* Two processes and one mutex between them. */
void schedule_shared(void *unused);
/* Threads that fight for locks: the order is expected, not the number of conflicts. */
void schedule_fights(void *unused);

#endif
