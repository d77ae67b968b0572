/* What the pools have in common: the account of tasks, and the lives of those who submit and do
 * them. */
#include "workloads/runtime/pool.h"

#include <stdlib.h>
#include <string.h>

static const char *const results[] = { "ordered", "completed", NULL };

const struct param pool_params[] = {
	{ .name = "tasks",
	  .kind = PARAM_NUMBER,
	  .low = 1,
	  .high = POOL_TASKS_MAX,
	  .value = "N",
	  .help = "shares of the work; without it as many as workers" },
	{ .name = "results",
	  .kind = PARAM_CHOICE,
	  .fallback = "ordered",
	  .choices = results,
	  .value = "HOW",
	  .help = "in which order results are received" },
	{ 0 },
};

bool pool_open(struct run *run, struct err *err)
{
	static struct pool pool; /* of the one run in a process */

	pool.tasks = run->shares;
	pool.ordered = param_number(&run->params, "results") == 0;
	pool.order = calloc(pool.tasks, sizeof(*pool.order));
	pool.value = calloc(pool.tasks, sizeof(*pool.value));
	pool.submitted_ns = calloc(pool.tasks, sizeof(*pool.submitted_ns));
	pool.completed = calloc(pool.tasks, sizeof(*pool.completed));
	if (!pool.order || !pool.value || !pool.submitted_ns || !pool.completed)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate %u tasks", run->shares);
	run->pool = &pool;
	return true;
}

static void start_phase(struct pool *pool)
{
	pool->received = pool->next = pool->highest = 0;
	memset(pool->completed, 0, pool->tasks * sizeof(*pool->completed));
}

/* A result is the program's. */
static void hand_over(struct worker *submitter, unsigned task)
{
	const struct run *run = submitter->run;

	submitter->result->checksum += run->pool->value[task];
	if (!run->plan.loop)
		worker_latency(submitter, worker_now_ns() - run->pool->submitted_ns[task]);
}

/* A result is here; in order it is handed over when those before it are. */
static void account(struct worker *submitter, const struct pool_item *result)
{
	struct pool *pool = submitter->run->pool;

	pool->order[pool->received++] = result->task;
	pool->inversions += result->task < pool->highest;
	pool->highest = result->task > pool->highest ? result->task : pool->highest;
	pool->value[result->task] = result->value;
	pool->completed[result->task] = true;
	if (!pool->ordered)
		hand_over(submitter, result->task);
	while (pool->ordered && pool->next < pool->tasks && pool->completed[pool->next])
		hand_over(submitter, pool->next++);
}

static bool submit_phase(struct worker *submitter, unsigned phase, const struct pool_line *line,
			 struct err *err)
{
	struct pool *pool = submitter->run->pool;
	struct pool_item task = { .phase = phase }, result;

	start_phase(pool);
	while (pool->received < pool->tasks) {
		const bool more = task.task < pool->tasks;
		bool came;

		if (more) {
			pool->submitted_ns[task.task] = worker_now_ns();
			if (line->submit(submitter, &task)) {
				task.task++;
				continue;
			}
		}
		if (!line->receive(submitter, more, &result, &came, err))
			return false;
		if (came)
			account(submitter, &result);
	}
	return true;
}

bool pool_submit(struct run *run, const struct pool_line *line, struct err *err)
{
	struct worker *submitter = &run->worker[run->workers];
	struct witness since;
	bool good = true;

	run_clock_prepare(&since);
	run_clock_start(submitter, &since);
	worker_unblock(submitter);
	for (unsigned phase = 0; good && phase < run->plan.phases; phase++)
		good = submit_phase(submitter, phase, line, err);
	run_clock_stop(submitter, &since);
	return good;
}

/* The time in tasks is the worker's own; what the kernel tells is of its whole life here. */
void pool_work(struct worker *w, const struct pool_line *line)
{
	const struct run *run = w->run;
	struct pool_item item;
	struct witness since;
	uint64_t busy_ns = 0;

	run_prepare(w);
	run_place(run, w->self);
	run_clock_prepare(&since);
	line->ready(w);
	run_clock_start(w, &since);
	worker_unblock(w);
	while (line->take(w, &item)) {
		const uint64_t start = worker_now_ns();

		w->index = item.task;
		item.value = run->workload->work(w, item.phase);
		busy_ns += worker_now_ns() - start;
		line->give(w, &item);
	}
	if (w->gil)
		w->gil->release(w->lock, w->seat, GIL_DROP_END);
	run_clock_stop(w, &since);
	w->result->elapsed_ns = busy_ns;
}

void pool_check(struct run *run)
{
	for (unsigned i = 0; run->workload->check && i < run->shares; i++) {
		struct worker *w = &run->worker[i % run->workers];

		w->index = i;
		w->result->checksum += run->workload->check(w);
	}
}
