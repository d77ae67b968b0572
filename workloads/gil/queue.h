/* Threads that wait for a lock, first come first served: a ring of links, as the lists of Ruby's
 * scheduler are. Whoever owns the lock around it calls these. */
#ifndef WORKLOADS_GIL_QUEUE_H
#define WORKLOADS_GIL_QUEUE_H

#include <pthread.h>
#include <stddef.h>

/* The queue's own end, or a place in a thread. */
struct queue {
	struct queue *next, *previous;
};

#define QUEUE_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void queue_init(struct queue *queue)
{
	queue->next = queue->previous = queue;
}

static inline void queue_add(struct queue *queue, struct queue *link)
{
	link->next = queue;
	link->previous = queue->previous;
	queue->previous->next = link;
	queue->previous = link;
}

static inline void queue_remove(struct queue *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
}

/* Null: nobody waits. */
static inline struct queue *queue_first(const struct queue *queue)
{
	return queue->next == queue ? NULL : queue->next;
}

static inline struct queue *queue_last(const struct queue *queue)
{
	return queue->next == queue ? NULL : queue->previous;
}

/* The condition at which a thread waits for its turn. Returns an errno. */
static inline int queue_create_cond(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;
	int failed = pthread_condattr_init(&monotonic);

	if (failed)
		return failed;
	failed = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (!failed)
		failed = pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return failed;
}

#endif
