/* The protocol of CPython 3.2 to 3.14 (Python/ceval_gil.h, later ceval_gil.c): the part that did
 * not change. What did is a flag in struct ceval, set by the two models that are made of it. */
#ifndef WORKLOADS_GIL_CEVAL_H
#define WORKLOADS_GIL_CEVAL_H

#include "workloads/gil/gil.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

/* In the order of struct _gil_runtime_state: what lies where is part of the fingerprint. */
struct ceval_lock {
	unsigned long interval_us;
	_Atomic uintptr_t last_holder; /* thread number plus 1; written by owner and takers */
	_Atomic int locked;
	unsigned long switch_number;
	pthread_cond_t cond;
	pthread_mutex_t mutex;
	pthread_cond_t switch_cond;
	pthread_mutex_t switch_mutex;
};

struct ceval_thread {
	alignas(64) struct tick tick;
};

struct ceval {
	alignas(64) struct ceval_lock gil;
	bool force_switching;
	/* 3.13: a request is a bit of the thread that is asked; before: one flag for all. */
	bool addressed;
	/* Until 3.11 a thread that ends waits for its successor too. */
	bool end_waits;
	alignas(64) struct gil_tally tally;
	uint64_t forced_waits, forced_wait_raw; /* under switch_mutex: by who is no holder */
	/* The breaker is the request to drop: set by waiters, read by the holder at every tick. */
	struct ceval_thread thread[];
};

extern const struct param ceval_params[];

bool ceval_init(struct ceval *s, const struct param_set *set, struct err *err);
void ceval_acquire(void *memory, unsigned self);
struct tick *ceval_tick(void *memory, unsigned self);
bool ceval_due(void *memory, unsigned self);
void ceval_release(void *memory, unsigned self, enum gil_drop why);
void ceval_forked(void *memory, unsigned self);
void ceval_finish(void *memory, struct gil_counts *counts);

#endif
