/* Workers that wait most of the time: timers that fall due, or bytes echoed by a pipe or a peer,
 * one every period. The loop is open: the k-th operation is due at start + k periods whether or not
 * the one before has ended, and its latency counts from that moment, so that a late operation also
 * makes those late that queue behind it (no coordinated omission: Tene 2013, cyclictest, wrk2). */
#include "workloads/workload.h"

#include <errno.h>
#include <time.h>

/* In the order of enum echo_kind. */
static const char *const ios[] = { "sleep", "pipe", "socketpair", NULL };

static const struct param params[] = {
	{ .name = "io",
	  .kind = PARAM_CHOICE,
	  .fallback = "sleep",
	  .choices = ios,
	  .value = "KIND",
	  .help = "an operation: a timer, a byte through one's own pipe, or one echoed by a peer",
	  .other_work = true },
	{ .name = "period",
	  .kind = PARAM_TIME,
	  .fallback = "1ms",
	  .low = 1000,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "from one operation of a worker to its next" },
	{ .name = "blocking",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .low = 0,
	  .high = 1000000000,
	  .value = "N",
	  .help = "every N-th operation of worker 0 waits in a call that blocks; 0: none" },
	{ 0 },
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)err;
	plan->echo = (enum echo_kind)param_number(w->params, "io");
	plan->loop = "open";
	return true;
}

/* As a program does that calls what nobody made for an event loop. With a lock that is let go of it
 * is a sleep like any other. */
static void sleep_blocking(struct worker *w, uint64_t ns)
{
	const struct timespec due = { .tv_sec = (time_t)(ns / 1000000000),
				      .tv_nsec = (long)(ns % 1000000000) };

	worker_block(w);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
	worker_unblock(w);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const uint64_t blocking = w->index == 0 ? param_number(w->params, "blocking") : 0;
	const uint64_t period = param_number(w->params, "period");
	const bool echoes = param_number(w->params, "io") != ECHO_NONE;
	uint64_t due = worker_now_ns(), from, to, sum = 0;

	(void)phase;
	worker_role(w, "io");
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t op = from; op < to; op++) {
		unsigned char byte = (unsigned char)op;

		due += period;
		if (blocking && (op - from + 1) % blocking == 0)
			sleep_blocking(w, due);
		else
			worker_sleep_until(w, due);
		if (echoes)
			byte = worker_echo(w, byte);
		worker_latency(w, worker_now_ns() - due);
		sum += worker_mix(op << 8 | byte);
		worker_tick(w);
	}
	return sum;
}

const struct workload workload_iosleep = {
	.name = "iosleep",
	.summary = "waits for timers or byte echoes, one a period: latency from the intended start",
	.params = params,
	.size_unit = "operations",
	.size_default = "200",
	.size_low = 1,
	.size_high = 1000000000,
	.plan = plan,
	.work = work,
};
