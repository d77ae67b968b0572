/* What it takes to start something: a thread, a forked process, a program. Each worker starts one
 * at a time; latency is from just before the start to its first instruction, or to where it has
 * been waited for. */
#include "workloads/children.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { WHAT_THREAD, WHAT_PROCESS, WHAT_EXEC };
enum { UNTIL_RUNNING, UNTIL_JOINED };

static const char *const whats[] = { "thread", "process", "exec", NULL };
static const char *const untils[] = { "running", "joined", NULL };

static const struct param params[] = {
	{ .name = "what",
	  .kind = PARAM_CHOICE,
	  .fallback = "thread",
	  .choices = whats,
	  .value = "WHAT",
	  .help = "what is started: a thread, a forked process, a program that is executed",
	  .other_work = true },
	{ .name = "until",
	  .kind = PARAM_CHOICE,
	  .fallback = "running",
	  .choices = untils,
	  .value = "WHEN",
	  .help = "what ends the latency: the first instruction, or the join" },
	{ 0 },
};

/* Shared with children. */
struct shared {
	char program[PATH_MAX];
	struct start {
		_Atomic uint64_t began_ns; /* by a thread, or a process */
		int pipe[2];               /* in which a program tells it */
	} starts[];                        /* a worker's own */
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	const struct shared *shared;

	(void)err;
	plan->region_bytes = sizeof(*shared) + w->count * sizeof(shared->starts[0]);
	plan->helpers = param_number(w->params, "what") == WHAT_THREAD;
	plan->loop = "closed";
	return true;
}

static bool find_program(struct worker *w, struct err *err)
{
	struct shared *shared = w->region;

	return param_number(w->params, "what") != WHAT_EXEC ||
	       child_find(shared->program, "moment", err);
}

static void tell_moment(struct worker *w, void *start)
{
	(void)w;
	atomic_store_explicit(&((struct start *)start)->began_ns, worker_now_ns(),
			      memory_order_relaxed);
}

static bool start_and_wait(struct worker *w, uint64_t what)
{
	struct shared *shared = w->region;
	struct start *start = &shared->starts[w->index];
	uint64_t began_ns;
	pid_t child;
	int status;

	if (what == WHAT_THREAD) {
		if (!worker_start(w, tell_moment, start))
			return false;
		worker_join(w);
		return true;
	}
	child = what == WHAT_PROCESS ? child_fork(w, tell_moment, start) :
				       child_execute(w, shared->program, start->pipe[1]);
	if (child == 0)
		return false;
	status = child_wait(w, child);
	if (status != 0)
		worker_fail(w, "a process ended with wait status %d", status);
	if (status != 0 || what == WHAT_PROCESS)
		return status == 0;
	if (!worker_read(w, start->pipe[0], &began_ns, sizeof(began_ns), NULL))
		return false;
	atomic_store_explicit(&start->began_ns, began_ns, memory_order_relaxed);
	return true;
}

static uint64_t start_all(struct worker *w, uint64_t what)
{
	const bool joined = param_number(w->params, "until") == UNTIL_JOINED;
	const struct start *start = &((struct shared *)w->region)->starts[w->index];
	uint64_t from, to, sum = 0;

	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t op = from; op < to; op++) {
		const uint64_t started = worker_now_ns();
		uint64_t ended;

		if (!start_and_wait(w, what))
			break;
		/* The end of the start is known by now; before, only the child knew it. */
		ended = joined ? worker_now_ns() :
				 atomic_load_explicit(&start->began_ns, memory_order_relaxed);
		worker_latency(w, ended - started);
		sum += worker_mix(op);
		worker_tick(w);
	}
	return sum;
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const uint64_t what = param_number(w->params, "what");
	int *pipe = ((struct shared *)w->region)->starts[w->index].pipe;
	uint64_t sum;

	(void)phase;
	if (what != WHAT_EXEC)
		return start_all(w, what);
	if (pipe2(pipe, O_CLOEXEC) != 0) {
		worker_fail(w, "cannot open a pipe: %s", strerror(errno));
		return 0;
	}
	sum = start_all(w, what);
	close(pipe[0]);
	close(pipe[1]);
	return sum;
}

const struct workload workload_spawn = {
	.name = "spawn",
	.summary = "starts threads, processes or programs: how long until they run, or have ended",
	.params = params,
	.size_unit = "starts",
	.size_default = "200",
	.size_low = 1,
	.size_high = 1000000000,
	.plan = plan,
	.open = find_program,
	.work = work,
};
