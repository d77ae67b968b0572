/* How long it takes to stop what computes: a thread that looks at a flag now and then, a process
 * that is sent a signal. Latency is from the flag, or the signal, to the end of the wait for it. */
#include "workloads/children.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { WHAT_THREAD, WHAT_PROCESS };

/* So long it computes before it is stopped. */
#define RUN_NS 1000000

static const char *const whats[] = { "thread", "process", NULL };

static const struct param params[] = {
	{ .name = "what",
	  .kind = PARAM_CHOICE,
	  .fallback = "thread",
	  .choices = whats,
	  .value = "WHAT",
	  .help = "what is stopped: a thread by a flag, or a process by SIGTERM",
	  .other_work = true },
	{ .name = "look",
	  .kind = PARAM_NUMBER,
	  .fallback = "1k",
	  .low = 1,
	  .high = 1000000000,
	  .value = "N",
	  .help = "ticks between two looks at the flag" },
	{ 0 },
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)err;
	plan->helpers = param_number(w->params, "what") == WHAT_THREAD;
	plan->loop = "closed";
	return true;
}

/* Whoever started the workload may have had it ignore or block the signal. */
static struct sigaction found;
static sigset_t found_blocked;

static bool open_signal(struct worker *w, struct err *err)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t end;

	(void)w;
	(void)err;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaction(SIGTERM, &action, &found);
	sigprocmask(SIG_UNBLOCK, &end, &found_blocked);
	return true;
}

static void close_signal(struct worker *w)
{
	(void)w;
	sigprocmask(SIG_SETMASK, &found_blocked, NULL);
	sigaction(SIGTERM, &found, NULL);
}

/* The flag is set by the worker and read by the thread: relaxed, nothing else hangs on it. A
 * process has a copy, which nobody sets. */
static void compute(struct worker *w, void *flag)
{
	const uint64_t look = param_number(w->params, "look");

	while (!atomic_load_explicit((atomic_bool *)flag, memory_order_relaxed)) {
		for (uint64_t i = 0; i < look; i++)
			worker_tick(w);
	}
}

static void stop_thread(struct worker *w)
{
	atomic_bool flag = false;
	uint64_t told;

	if (!worker_start(w, compute, &flag))
		return;
	worker_sleep_until(w, worker_now_ns() + RUN_NS);
	told = worker_now_ns();
	atomic_store_explicit(&flag, true, memory_order_relaxed);
	worker_join(w);
	worker_latency(w, worker_now_ns() - told);
}

static void stop_process(struct worker *w)
{
	atomic_bool flag = false;
	const pid_t child = child_fork(w, compute, &flag);
	uint64_t told;
	int status;

	if (child == 0)
		return;
	worker_sleep_until(w, worker_now_ns() + RUN_NS);
	told = worker_now_ns();
	if (kill(child, SIGTERM) != 0)
		worker_fail(w, "cannot send a signal: %s", strerror(errno));
	status = child_wait(w, child);
	worker_latency(w, worker_now_ns() - told);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM)
		worker_fail(w, "a process ended with wait status %d instead of by SIGTERM", status);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const bool thread = param_number(w->params, "what") == WHAT_THREAD;
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t op = from; op < to; op++) {
		if (thread)
			stop_thread(w);
		else
			stop_process(w);
		sum += worker_mix(op);
		worker_tick(w);
	}
	return sum;
}

const struct workload workload_stop = {
	.name = "stop",
	.summary = "stops threads by a flag and processes by a signal: how long until they ended",
	.params = params,
	.size_unit = "stops",
	.size_default = "100",
	.size_low = 1,
	.size_high = 1000000000,
	.plan = plan,
	.open = open_signal,
	.close = close_signal,
	.work = work,
};
