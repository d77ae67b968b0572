/* The parts of the known schedule. Each is done with its threads when it returns. */
#ifndef TESTS_TRACED_SCHEDULE_H
#define TESTS_TRACED_SCHEDULE_H

#include "tests/traced/actor.h"

/* A forked child does it, says what it expects, and ends; and is waited for. */
pid_t schedule_fork(void (*act)(void *object), void *object);
void schedule_join(pid_t pid);

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
