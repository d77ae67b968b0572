/* One thread, one look at epoll after the other: the workers are coroutines that run until they
 * wait for something, and go on when it has come. */
#ifndef WORKLOADS_RUNTIME_LOOP_H
#define WORKLOADS_RUNTIME_LOOP_H

#include "workloads/primitives.h"
#include "workloads/runtime/run.h"

struct loop_counts {
	uint64_t turns;           /* what runs between two looks at epoll */
	uint64_t longest_turn_ns; /* so long all that were not its own were kept waiting */
	uint64_t waits;           /* looks that could sleep */
};

struct loop;

/* A loop for the run's workers; null: failed. */
struct loop *loop_open(struct run *run, struct err *err);
/* Runs live(worker) of all to their ends. False: they wait for one another, and none can go on. */
bool loop_run(struct loop *loop, void (*live)(struct worker *w), struct err *err);
/* Frees what it has; its counts stay. What still waits never goes on. */
void loop_close(struct loop *loop);
const struct loop_counts *loop_counts(const struct loop *loop);

/* Whether the worker is a coroutine that runs: only then can it wait by what follows. */
bool loop_has(const struct worker *w);
/* Each gives way to the others, and comes back when it is time, */
void loop_sleep_until(struct worker *w, uint64_t ns);
/* when the descriptor is ready, or at the deadline (0: none; then false), */
bool loop_wait_for(struct worker *w, int fd, short events, uint64_t deadline_ns);
/* or when loop_wake was called with the same address. */
bool loop_park(struct worker *w, const void *at, uint64_t deadline_ns);
/* Wakes the worker that has waited longest at an address: it goes on in the next turn. Null: none
 * waits. */
struct worker *loop_wake(struct worker *w, const void *at);

/* The primitives between coroutines. What is handed over to one that waits is never free in
 * between, as in the libraries of event loops: first come, first served. */
bool loop_lock_take(struct worker *w, struct lock *lock, uint64_t deadline_ns);
bool loop_lock_try(struct worker *w, struct lock *lock);
void loop_lock_give(struct worker *w, struct lock *lock);
void loop_condition_wait(struct worker *w, struct condition *condition, struct lock *lock);
void loop_semaphore_take(struct worker *w, struct semaphore *semaphore);
void loop_semaphore_give(struct worker *w, struct semaphore *semaphore);
bool loop_barrier_meet(struct worker *w, struct barrier *barrier);

#endif
