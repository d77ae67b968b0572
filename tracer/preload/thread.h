/* A thread's life. Its creator takes a ring for it, which carries the start routine to it. */
#ifndef TRACER_PRELOAD_THREAD_H
#define TRACER_PRELOAD_THREAD_H

#include "tracer/preload/ring.h"

#include <pthread.h>
#include <threads.h>

/* A ring for a thread that is about to be created, of which one start routine is null; null when
 * there is none: then the thread starts as the program said. */
struct ring *thread_prepare(void *(*start)(void *), thrd_start_t start_c11, void *argument);
/* Records the creation; a ring whose thread does not come is given back. */
void thread_created(struct ring *ring, const pthread_t *thread, int error, uintptr_t start);
/* The thread-local storage of a thread that pthread_create is about to make is at 'storage': the
 * ring that was prepared is put there. */
void thread_give_ring(uint64_t storage);
bool thread_is_pending(void);
/* The start routines that run the program's. */
void *thread_main(void *ring);
int thread_main_c11(void *ring);
/* The thread calls an exit function. */
void thread_exits(void);

#endif
