/* The order in which locks are taken: an edge for each lock that a thread took, or waited for,
 * while it held another. Fed by watch.c, read by cycle.c. Memory grows with the distinct edges of
 * each thread, not with how often they were gone. */
#ifndef TRACER_REPORT_ORDER_H
#define TRACER_REPORT_ORDER_H

#include "tracer/report/hold.h"

/* Of more locks held at once the last ones are looked at. */
#define ORDER_HELD 64
/* Of more ways of an edge the first ones and the latest are kept. */
#define ORDER_WAYS 64

enum order_how {
	ORDER_AT_ONCE,
	ORDER_WAITED,
	ORDER_LIMITED, /* it waited, for a limited time */
};

/* A lock that was held meanwhile, and how. */
struct order_guard {
	const struct object *object;
	uint64_t mode; /* object_mode */
};

/* An edge is gone in different ways: with other locks held, or before and after the thread started
 * or joined another one. */
struct order_way {
	uint64_t first, last; /* when the second lock was asked for; raw */
	uint64_t held_since;  /* the first lock, the first time */
	uint64_t count, waits;
	uint32_t part;              /* of the thread's life, from one start or join to the next */
	uint8_t held, wanted;       /* object_mode */
	bool limited;               /* whenever it waited there was a time limit */
	struct order_guard *guards; /* all that it held, the edge's first lock too; by address */
	size_t guard_count;
};

struct order_edge {
	struct object *from, *to;
	uint32_t thread; /* index */
	struct order_way *ways;
	size_t way_count;
	uint64_t count;
	bool cut; /* it had more ways than are kept */
};

struct order {
	struct order_edge *edges;
	size_t count, room;
	uint32_t *slots; /* index + 1 by first, second and thread */
	unsigned bits;   /* there are 2^bits slots */
	uint32_t *parts; /* by thread: which part of its life it is in */
	bool no_memory;
};

/* Null: no memory. */
struct order *order_create(size_t threads);
void order_destroy(struct order *order);
/* What is taken. */
struct order_take {
	struct object *object;
	enum object_mode mode;
	enum order_how how;
	const struct hold *also; /* held besides the thread's holds; null: nothing is */
};

/* A thread asks for a lock, or has taken it, while it holds others; one that it holds already makes
 * no edge. */
void order_take(struct order *order, const struct moment *at, const struct order_take *take);

#endif
