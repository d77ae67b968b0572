/* Cycles in the order of locks: what could hang though it did not. Found by the method of Goodlock
 * (K. Havelund, "Using Runtime Analysis to Guide Model Checking of Java Programs", SPIN 2000), for
 * any number of locks, without those that a start or join of a thread orders (S. Bensalem and
 * K. Havelund, "Dynamic Deadlock Analysis of Multi-threaded Programs", PADTAD 2005). */
#ifndef TRACER_REPORT_CYCLE_H
#define TRACER_REPORT_CYCLE_H

#include "tracer/report/watch.h"

/* Longer cycles are not looked for. */
#define CYCLE_LOCKS 8

/* A thread took the second lock of an edge while it held the first, which is the second of the link
 * before. */
struct cycle_link {
	const struct order_edge *edge;
	const struct order_way *way;
};

struct cycle {
	struct cycle_link links[CYCLE_LOCKS];
	size_t length;
	bool limited;  /* a time limit was seen to end a wait in it */
	bool happened; /* its locks are those of a deadlock at the end (hazards.c) */
};

struct cycles {
	struct cycle *all; /* the shorter and earlier ones first */
	size_t count, room;
	size_t pairs; /* of locks of which one was taken while the other was held */
	/* Cycles of locks that cannot hang, by why not; one that fails for several is in the first
	 * that applies. */
	size_t one_thread, guarded, ordered, shared;
	/* Rings of which it is not known whether they can hang: some of their ways were dropped, or
	 * there were too many. */
	size_t undecided;
	bool cut; /* there was too much to look at, or an edge was gone in too many ways */
};

/* Finds them in what was watched; the family is complete. False: no memory; then there is nothing
 * to finish. */
bool cycles_find(struct cycles *cycles, const struct locks *locks);
void cycles_finish(struct cycles *cycles);

#endif
