/* A pool: the shares are tasks, handed out in their order by the thread that submits them, and
 * taken by whichever worker is free. How tasks and results travel is the mode's business. */
#ifndef WORKLOADS_RUNTIME_POOL_H
#define WORKLOADS_RUNTIME_POOL_H

#include "workloads/runtime/mode.h"

#define POOL_TASKS_MAX 100000
/* Of more tasks the order is not told. */
#define POOL_ORDER_MAX 64

/* The options of modes that are pools. */
extern const struct param pool_params[];

/* A task, or its result, on its way. */
struct pool_item {
	uint32_t task, phase;
	uint64_t value; /* of a result: what the share came to */
};

/* The submitting thread's account. */
struct pool {
	unsigned tasks;
	bool ordered;
	unsigned received;      /* of this phase */
	unsigned next;          /* ordered: the task whose result is due */
	unsigned highest;       /* of this phase's tasks that have completed */
	unsigned *order;        /* [tasks]: as they completed, of the last phase */
	uint64_t *value;        /* [tasks] */
	uint64_t *submitted_ns; /* [tasks] */
	bool *completed;        /* [tasks] */
	uint64_t inversions;    /* tasks that completed after a later one, of all phases */
};

/* How items travel. */
struct pool_line {
	/* For the submitting thread. False: there is no room now. */
	bool (*submit)(struct worker *submitter, const struct pool_item *task);
	/* Waits for a result; while there is 'more' to submit, for room as well: *came is false. */
	bool (*receive)(struct worker *submitter, bool more, struct pool_item *result, bool *came,
			struct err *err);
	/* For a worker. Tells that it is ready to take; takes a task, false when there will be no
	 * more; and hands over its result. */
	void (*ready)(struct worker *w);
	bool (*take)(struct worker *w, struct pool_item *task);
	void (*give)(struct worker *w, const struct pool_item *result);
};

bool pool_open(struct run *run, struct err *err);
/* The submitting thread's part, when the workers are ready: the clock starts, all tasks of a phase
 * are submitted and received, phase after phase. Its numbers are in the run's last result. */
bool pool_submit(struct run *run, const struct pool_line *line, struct err *err);
/* A worker's life: tasks, until there are no more. */
void pool_work(struct worker *w, const struct pool_line *line);
/* When the workers are gone: proves each share's result, by the submitting thread. */
void pool_check(struct run *run);

#endif
