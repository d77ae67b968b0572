/* Which traced processes still live. A thread that ends by itself closes its ring; what a killed
 * process leaves is found by looking at /proc. */
#ifndef TRACER_LAUNCHER_PROCESS_H
#define TRACER_LAUNCHER_PROCESS_H

#include "tracer/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct process_table;

/* 'proc' is the device of our /proc. Processes that see another one, or none, cannot be looked up
 * here: they live until the end, or until an exec replaces them. */
struct process_table *process_table_create(uint64_t proc);
void process_table_destroy(struct process_table *table);
/* A ring of its has been seen. An image that exec replaced is gone. */
void process_seen(struct process_table *table, const struct arena_ring *ring);
/* The number of the process that had this pid before, or whose child it is; 0: not known. */
uint32_t process_parent(const struct process_table *table, const struct arena_ring *ring);
/* Looks at all that live. */
void process_look(struct process_table *table);
bool process_lives(const struct process_table *table, uint32_t number);

#endif
