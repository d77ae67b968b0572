/* As many threads as workers take tasks from a queue with a mutex and a condition, as executors of
 * libraries have; results come back to the submitting thread through another. Without a lock it is
 * what C has; with a model of one (--gil) what an interpreter's pool of threads is: then the
 * submitting thread needs the lock as well. */
#include "workloads/primitives.h"
#include "workloads/runtime/pool.h"
#include "workloads/runtime/threads.h"

#include <stdlib.h>

struct queue {
	struct lock lock;
	struct condition filled;
	unsigned first, count, room;
	bool closed;
	struct pool_item *items;
};

/* Of the one run in a process. */
static struct queue tasks, results;

static bool open_queue(struct queue *queue, struct worker *w, struct err *err)
{
	queue->room = w->run->shares;
	queue->items = calloc(queue->room, sizeof(*queue->items));
	if (!queue->items)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate a queue of %u tasks",
			       queue->room);
	lock_make(w, &queue->lock, LOCK_PLAIN);
	condition_make(w, &queue->filled);
	return true;
}

/* There is room for all tasks of a phase. */
static void put(struct queue *queue, struct worker *w, const struct pool_item *item)
{
	lock_take(w, &queue->lock);
	queue->items[(queue->first + queue->count++) % queue->room] = *item;
	condition_signal(w, &queue->filled);
	lock_give(w, &queue->lock);
}

/* False: it is empty, and closed. */
static bool get(struct queue *queue, struct worker *w, struct pool_item *item)
{
	bool got;

	lock_take(w, &queue->lock);
	while (queue->count == 0 && !queue->closed)
		condition_wait(w, &queue->filled, &queue->lock);
	got = queue->count > 0;
	if (got) {
		*item = queue->items[queue->first];
		queue->first = (queue->first + 1) % queue->room;
		queue->count--;
	}
	lock_give(w, &queue->lock);
	return got;
}

static void close_queue(struct queue *queue, struct worker *w)
{
	lock_take(w, &queue->lock);
	queue->closed = true;
	condition_broadcast(w, &queue->filled);
	lock_give(w, &queue->lock);
}

static bool submit(struct worker *submitter, const struct pool_item *task)
{
	put(&tasks, submitter, task);
	return true;
}

static bool receive(struct worker *submitter, bool more, struct pool_item *result, bool *came,
		    struct err *err)
{
	(void)more;
	(void)err;
	*came = get(&results, submitter, result);
	return true;
}

static void meet(struct worker *w)
{
	pthread_barrier_wait(w->run->barrier);
}

static bool take(struct worker *w, struct pool_item *task)
{
	return get(&tasks, w, task);
}

static void give(struct worker *w, const struct pool_item *result)
{
	put(&results, w, result);
}

static const struct pool_line line = {
	.submit = submit,
	.receive = receive,
	.ready = meet,
	.take = take,
	.give = give,
};

static void live(struct worker *w)
{
	pool_work(w, &line);
}

static bool seat_all(struct run *run, struct err *err)
{
	void *lock = run_open_lock(run, run->parties, err);

	for (unsigned i = 0; lock && i < run->parties; i++)
		run_seat(&run->worker[i], run->gil, lock, i, run->parties);
	return lock;
}

static bool run_thread_pool(struct run *run, struct err *err)
{
	struct worker *submitter = &run->worker[run->workers];
	pthread_t threads[WORKERS_MAX];

	if (!pool_open(run, err) || !open_queue(&tasks, submitter, err) ||
	    !open_queue(&results, submitter, err) || (run->gil && !seat_all(run, err)) ||
	    !threads_start(run, threads, live, err))
		return false;
	meet(submitter);
	if (!pool_submit(run, &line, err))
		return false;
	close_queue(&tasks, submitter);
	if (run->gil)
		run->gil->release(submitter->lock, submitter->seat, GIL_DROP_END);
	threads_join(run, threads);
	pool_check(run);
	if (run->gil)
		run_close_lock(run, submitter->lock);
	return true;
}

const struct mode mode_thread_pool = {
	.name = "thread-pool",
	.summary = "as many threads as workers take tasks from a queue (--gil: behind such a lock)",
	.gil = GIL_NONE,
	.params = pool_params,
	.pool = true,
	.objects = OBJECTS_AT_ONCE,
	.run = run_thread_pool,
};
