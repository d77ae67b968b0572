/* One run of a workload: what the options said, what the workers share, what they did. */
#ifndef WORKLOADS_RUNTIME_RUN_H
#define WORKLOADS_RUNTIME_RUN_H

#include "base/histogram.h"
#include "base/param.h"
#include "workloads/gil/gil.h"
#include "workloads/workload.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <sys/types.h>

#define WORKERS_MAX 1024

/* What the kernel says of a thread: its readings when a stretch of work starts, and what it has
 * spent. */
struct witness {
	uint64_t cpu_ns, nvcsw, nivcsw;
	int64_t run_delay_ns; /* negative: not known */
	uint64_t start_ns;    /* of the stretch */
};

/* Written by its worker alone, in memory that processes share; read by the runtime at the end. */
struct worker_result {
	uint64_t checksum;
	uint64_t start_ns, finish_ns; /* CLOCK_MONOTONIC: the first start, the last finish */
	uint64_t elapsed_ns;
	struct witness spent;
	bool run_delay_unknown; /* without CONFIG_SCHED_INFO or /proc */
	uint64_t units;
	char role[12];
	char failure[160]; /* empty: none */
	char note[240];    /* empty: none */
	uint64_t counts[WORKLOAD_COUNTS];
	bool told[WORKLOAD_COUNTS]; /* a count that nobody told is not known */
	struct histogram latency;
};

/* A cache line each: every tick writes to it. */
struct own_tick {
	alignas(64) struct tick tick;
};

/* A thread that a worker has started beside itself. */
struct helper {
	struct worker worker;
	struct own_tick tick;
	pthread_t thread;
	void (*body)(struct worker *helper, void *given);
	void *given;
};

struct mode;
struct pool;
struct loop;

struct run {
	const struct workload *workload;
	const struct mode *mode;
	const struct gil *gil; /* null: no lock */
	struct param_set params;
	struct workload_plan plan;
	unsigned workers; /* that run at once */
	unsigned shares;  /* of the work: as many as workers, or a pool's tasks */
	/* Who has a row in 'worker' and 'result': the workers, and behind them in a pool the thread
	 * that hands out the tasks. */
	unsigned parties;
	cpu_set_t cpus;             /* all that workers may use */
	unsigned pins[CPU_SETSIZE]; /* worker i is placed on pins[i % pin_count] */
	unsigned pin_count;         /* 0: not placed */

	struct worker *worker;        /* [parties]; private to each process after fork */
	struct own_tick *own_tick;    /* [parties]: what ticks look at where there is no lock */
	struct helper *helper;        /* [parties]; null: the plan asks for none */
	struct worker_result *result; /* [parties], shared */
	pthread_barrier_t *barrier;   /* of all parties, shared; unused when sequential */
	struct pool *pool;            /* null: the mode is none */
	struct loop *loop;            /* null: the workers are no coroutines */
	int (*echo)[2];               /* [workers]: to write to, to read from */
	int (*pipes)[2]; /* [workers]: pipes[i] carries what i gives; null: not needed */
	pid_t echo_peer; /* 0: none */
	struct clock_pair begin, end; /* around the run: the rate of the raw counter */
	struct gil_counts gil_counts;
};

/* Why the workload cannot run in a mode, as its refusals and the plan have it; null: it can. */
const char *run_refusal(const struct run *run, const struct mode *mode);
/* Asks the workload what it needs, and whether that can be had; allocates nothing. */
bool run_plan(struct run *run, struct err *err);
/* Prepares the run that was planned, runs it, checks it, and cleans up. */
bool run_workload(struct run *run, struct err *err);
/* From the common start to the last finish, or the sum of the shares' times when they run in turn:
 * what lies between them, reading clocks, is not the workload's. */
uint64_t run_elapsed_ns(const struct run *run);
uint64_t run_checksum(const struct run *run);

/* For the modes: all that one worker does when workers run at the same time, from placing itself to
 * checking; the barrier's other parties must do the same. */
void run_worker(struct worker *w);
/* Has a worker prepare itself, in its thread, before it is placed: threads that a library starts
 * then may run anywhere. */
void run_prepare(struct worker *w);
/* Places the calling thread where worker 'index' belongs. */
void run_place(const struct run *run, unsigned index);
/* Starts and stops a worker's clocks; time between a stop and the next start does not count. */
void run_clock_prepare(struct witness *since); /* what takes its time to read: before the start */
void run_clock_start(struct worker *w, struct witness *since);
void run_clock_stop(struct worker *w, const struct witness *since);

/* Memory that processes share, zeroed; null: there is none, errno says why. */
void *run_share(size_t bytes);

/* Gives each worker the object that the plan asks for. */
bool run_make_objects(struct run *run, struct err *err);

/* A lock of the run's model for so many parties and their helpers; null: failed. */
void *run_open_lock(const struct run *run, unsigned parties, struct err *err);
/* Makes a worker one of the lock's threads: number 'seat', from 0; its helper has a seat behind
 * those of all 'parties' of the lock. */
void run_seat(struct worker *w, const struct gil *gil, void *lock, unsigned seat, unsigned parties);
/* When no thread uses it any more: adds its counts to the run's. */
void run_close_lock(struct run *run, void *lock);

/* The spins of a tick that then lasts about 'tick_ns'; 0 when a bare tick lasts longer already. */
uint64_t run_calibrate_tick(uint64_t tick_ns);

/* Prints the result: one JSON object on one line, or a few lines for people. */
void run_print_json(const struct run *run, FILE *to);
void run_print(const struct run *run, FILE *to);

#endif
