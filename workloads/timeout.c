/* A call that may never return, given a limit: it runs in a forked process, which is killed and
 * reaped when the time is up. Latency is of the calls that ran out: from the deadline to where the
 * caller can go on. */
#include "workloads/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN_TIME, KILLED, LATE };

static const char *const counts[] = { "in_time", "killed", "late", NULL };

static const struct param params[] = {
	{ .name = "limit",
	  .kind = PARAM_TIME,
	  .fallback = "10ms",
	  .low = 1000,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "how long a call may take",
	  .other_work = true },
	PARAM_SEED("which calls return"),
	{ 0 },
};

struct call {
	uint64_t op;
	bool quick;
	int answer[2]; /* a pipe */
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)w;
	(void)err;
	plan->loop = "closed";
	return true;
}

/* In the child. */
static void answer(struct worker *w, void *given)
{
	const struct call *call = given;
	const uint64_t mixed = worker_mix(call->op);

	(void)w;
	if (call->quick && write(call->answer[1], &mixed, sizeof(mixed)) != sizeof(mixed))
		_exit(1);
	while (!call->quick)
		pause();
}

/* The answer is one write of few bytes: it is there as a whole or not at all. */
static void take_answer(struct worker *w, const struct call *call)
{
	uint64_t got;

	if (!worker_read(w, call->answer[0], &got, sizeof(got), NULL))
		return;
	if (!call->quick || got != worker_mix(call->op))
		worker_fail(w, "call %llu was answered wrongly", (unsigned long long)call->op);
	worker_count(w, IN_TIME, 1);
}

static void give_up(struct worker *w, const struct call *call, pid_t child)
{
	if (kill(child, SIGKILL) != 0)
		worker_fail(w, "cannot kill a process: %s", strerror(errno));
	worker_count(w, KILLED, 1);
	worker_count(w, LATE, call->quick);
}

static void make_call(struct worker *w, const struct call *call)
{
	const uint64_t deadline = worker_now_ns() + param_number(w->params, "limit");
	const pid_t child = child_fork(w, answer, (void *)call);
	bool answered;
	int status;

	if (child == 0)
		return;
	close(call->answer[1]);
	answered = worker_wait_for(w, call->answer[0], POLLIN, deadline);
	if (answered)
		take_answer(w, call);
	else
		give_up(w, call, child);
	status = child_wait(w, child);
	if (!answered)
		worker_latency(w, worker_now_ns() - deadline);
	/* One that was late may have ended before it could be killed. */
	if (status != 0 && (answered || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL))
		worker_fail(w, "a process ended with wait status %d", status);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const uint64_t seed = param_number(w->params, "seed");
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	worker_count(w, IN_TIME, 0);
	worker_count(w, KILLED, 0);
	worker_count(w, LATE, 0);
	for (uint64_t op = from; op < to; op++) {
		struct call call = { .op = op, .quick = worker_mix(seed ^ op) & 1 };

		if (pipe2(call.answer, O_CLOEXEC) != 0) {
			worker_fail(w, "cannot open a pipe: %s", strerror(errno));
			break;
		}
		make_call(w, &call);
		close(call.answer[0]);
		sum += worker_mix(op);
		worker_tick(w);
	}
	return sum;
}

const struct workload workload_timeout = {
	.name = "timeout",
	.summary = "calls with a limit, each in a process that is killed when its time is up",
	.params = params,
	.size_unit = "calls",
	.size_default = "20",
	.size_low = 1,
	.size_high = 1000000000,
	.counts = counts,
	.plan = plan,
	.work = work,
};
