/* Sets a run up: memory that processes can share, pipes, the echo peer; runs
 * the mode; cleans up. */
#include "base/sysfile.h"
#include "workloads/runtime/loop.h"
#include "workloads/runtime/mode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void *map(size_t bytes, int flags)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void *run_share(size_t bytes)
{
	return map(bytes, MAP_SHARED);
}

/* What the kernel thinks can be had without swapping; all there is when it does not say. */
static uint64_t available_bytes(void)
{
	char text[2048];
	int64_t kib = -1;

	if (sysfile_read(text, sizeof(text), "/proc/meminfo"))
		kib = sysfile_field_number(text, "MemAvailable");
	return kib < 0 ? UINT64_MAX : (uint64_t)kib * 1024;
}

static bool check_memory(const struct run *run, struct err *err)
{
	/* Copies of a private region are made as their owners write to them. */
	const uint64_t copies = run->plan.region_private && run->mode->apart ? run->workers + 1 : 1;
	const uint64_t have = available_bytes();
	uint64_t need;

	if (!__builtin_mul_overflow(copies, run->plan.region_bytes, &need) && need <= have)
		return true;
	return err_set(err, EXIT_IMPOSSIBLE,
		       "--size %llu needs %.1f GiB of memory; %.1f GiB are available",
		       (unsigned long long)param_number(&run->params, "size"),
		       (double)copies * (double)run->plan.region_bytes / 0x1p30,
		       (double)have / 0x1p30);
}

/* A pool has one if one was given. */
static bool shares_lock(const struct run *run, const struct mode *mode)
{
	if (mode->gil && strcmp(mode->gil, GIL_NONE) == 0)
		return run->mode == mode && run->gil;
	return mode->gil && mode->objects == OBJECTS_IN_TURN;
}

const char *run_refusal(const struct run *run, const struct mode *mode)
{
	const struct workload_refusal *row = run->workload->refusals;

	for (; row && row->mode; row++) {
		if (strcmp(row->mode, mode->name) == 0)
			return row->reason;
	}
	if (run->plan.refusal)
		return run->plan.refusal;
	if (run->plan.one_lock && !shares_lock(run, mode))
		return "its workers must share an interpreter's lock";
	if (run->plan.busy_until && mode->in_loop)
		return "a worker that computes until the others are done would keep them waiting "
		       "for ever";
	if (run->plan.helpers > 0 && mode->in_loop)
		return "it starts threads beside its workers, and an event loop is one thread";
	if (run->plan.together && mode->in_turn)
		return "its workers wait for one another, so all must run at once";
	if (run->plan.region_private && mode->apart && mode->pool)
		return "its shares go from worker to worker through pipes, and in a pool any "
		       "worker may have any of them";
	return NULL;
}

bool run_plan(struct run *run, struct err *err)
{
	const struct worker first = {
		.count = run->shares,
		.shares = run->mode->pool ? "tasks" : "workers",
		.size = param_number(&run->params, "size"),
		.params = &run->params,
	};

	run->plan = (struct workload_plan){ .phases = 1 };
	if (run->workload->plan && !run->workload->plan(&first, &run->plan, err))
		return false;
	if (run->plan.together && run->shares > run->workers)
		return err_set(
			err, EXIT_MISUSE,
			"--tasks %u: the tasks wait for one another; give at most --workers (%u)",
			run->shares, run->workers);
	return check_memory(run, err);
}

static bool allocate_region(struct run *run, struct err *err)
{
	const int sharing = run->plan.region_private ? MAP_PRIVATE : MAP_SHARED;
	void *region;

	if (run->plan.region_bytes == 0)
		return true;
	region = map(run->plan.region_bytes, sharing);
	if (!region)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot map %zu bytes: %s",
			       run->plan.region_bytes, strerror(errno));
	for (unsigned i = 0; i < run->parties; i++)
		run->worker[i].region = region;
	return true;
}

/* Before workers get a lock: a helper differs from its worker by its ticks and its seat. */
static bool make_helpers(struct run *run, struct err *err)
{
	if (run->plan.helpers == 0)
		return true;
	run->helper = aligned_alloc(64, run->parties * sizeof(*run->helper));
	if (!run->helper)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate %u helpers", run->parties);
	for (unsigned i = 0; i < run->parties; i++) {
		struct helper *helper = &run->helper[i];

		*helper = (struct helper){ .worker = run->worker[i],
					   .tick = { .tick = { INT_MAX, 0 } } };
		helper->worker.tick = &helper->tick.tick;
	}
	return true;
}

static bool make_barrier(struct run *run, struct err *err)
{
	pthread_barrierattr_t attr;
	int failed;

	run->barrier = run_share(sizeof(*run->barrier));
	if (!run->barrier)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot map a barrier: %s", strerror(errno));
	failed = pthread_barrierattr_init(&attr);
	if (!failed && run->mode->apart)
		failed = pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!failed)
		failed = pthread_barrier_init(run->barrier, &attr, run->parties);
	if (failed)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make a barrier: %s", strerror(failed));
	pthread_barrierattr_destroy(&attr);
	return true;
}

/* Pipes (or pairs of sockets) for every worker; the first failure ends it. */
static bool open_ends(int (**ends)[2], unsigned count, bool (*open_one)(int ends[2], unsigned i),
		      struct err *err)
{
	*ends = calloc(count, sizeof(**ends));
	if (!*ends)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate %u pipes", count);
	for (unsigned i = 0; i < count; i++) {
		if (!open_one((*ends)[i], i))
			return err_set(err, EXIT_IMPOSSIBLE, "cannot open pipe %u of %u: %s", i + 1,
				       count, strerror(errno));
	}
	return true;
}

static bool open_given(int ends[2], unsigned i)
{
	(void)i;
	return pipe2(ends, O_CLOEXEC) == 0;
}

static bool open_echo_pipe(int ends[2], unsigned i)
{
	int made[2];

	(void)i;
	if (pipe2(made, O_CLOEXEC) != 0)
		return false;
	ends[0] = made[1];
	ends[1] = made[0];
	return true;
}

static struct pollfd peer_ends[WORKERS_MAX];

static bool open_echo_pair(int ends[2], unsigned i)
{
	int made[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made) != 0)
		return false;
	ends[0] = ends[1] = made[0];
	peer_ends[i] = (struct pollfd){ .fd = made[1], .events = POLLIN };
	return true;
}

/* The peer: a process outside any lock that sends back what it gets until all ends are closed. */
_Noreturn static void serve_echoes(unsigned count)
{
	unsigned char buffer[256];

	for (unsigned open = count; open > 0;) {
		if (poll(peer_ends, count, -1) < 0 && errno != EINTR)
			_exit(1);
		for (unsigned i = 0; i < count; i++) {
			ssize_t got;

			if (peer_ends[i].fd < 0 || !peer_ends[i].revents)
				continue;
			got = read(peer_ends[i].fd, buffer, sizeof(buffer));
			if (got > 0 && write(peer_ends[i].fd, buffer, (size_t)got) == got)
				continue;
			peer_ends[i].fd = -1; /* poll passes over it */
			open--;
		}
	}
	_exit(0);
}

static bool start_peer(struct run *run, struct err *err)
{
	const pid_t parent = getpid();

	run->echo_peer = fork();
	if (run->echo_peer < 0) {
		run->echo_peer = 0;
		return err_set(err, EXIT_IMPOSSIBLE, "cannot fork the echo peer: %s",
			       strerror(errno));
	}
	if (run->echo_peer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0; i < run->workers; i++)
			close(run->echo[i][0]);
		if (getppid() == parent)
			serve_echoes(run->workers);
		_exit(1);
	}
	for (unsigned i = 0; i < run->workers; i++)
		close(peer_ends[i].fd);
	return true;
}

static bool open_channels(struct run *run, struct err *err)
{
	const enum echo_kind echo = run->plan.echo;

	if (run->plan.region_private && run->mode->apart &&
	    !open_ends(&run->pipes, run->workers, open_given, err))
		return false;
	if (echo != ECHO_NONE &&
	    !open_ends(&run->echo, run->workers,
		       echo == ECHO_PIPE ? open_echo_pipe : open_echo_pair, err))
		return false;
	return echo != ECHO_SOCKETPAIR || start_peer(run, err);
}

static bool make_workers(struct run *run, struct err *err)
{
	if (!param_get(&run->params, "tick-spins")->given)
		param_set_number(&run->params, "tick-spins",
				 run_calibrate_tick(param_number(&run->params, "tick-ns")));
	run->worker = calloc(run->parties, sizeof(*run->worker));
	run->own_tick = aligned_alloc(64, run->parties * sizeof(*run->own_tick));
	/* Histograms are large: touched now, not when the first latency comes. */
	run->result = map(run->parties * sizeof(*run->result),
			  MAP_SHARED | (run->plan.loop || run->mode->pool ? MAP_POPULATE : 0));
	if (!run->worker || !run->own_tick || !run->result)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate %u workers", run->workers);
	for (unsigned i = 0; i < run->parties; i++) {
		run->own_tick[i] = (struct own_tick){ .tick = { INT_MAX, 0 } };
		run->worker[i] = (struct worker){
			.tick_spins = param_number(&run->params, "tick-spins"),
			.tick = &run->own_tick[i].tick,
			.self = i,
			.index = i,
			.count = run->shares,
			.size = param_number(&run->params, "size"),
			.params = &run->params,
			.result = &run->result[i],
			.run = run,
		};
	}
	return true;
}

static bool prepare(struct run *run, struct err *err)
{
	if (!make_workers(run, err) || !allocate_region(run, err) || !run_make_objects(run, err) ||
	    !make_helpers(run, err) || !make_barrier(run, err) || !open_channels(run, err))
		return false;
	if (run->mode->in_loop && !(run->loop = loop_open(run, err)))
		return false;
	if (run->workload->open && !run->workload->open(&run->worker[0], err))
		return false;
	if (run->workload->setup)
		run->workload->setup(&run->worker[0]);
	return true;
}

/* The workers are gone, and their locks. */
static void close_workload(struct run *run)
{
	run->worker[0].gil = NULL;
	if (run->workload->close)
		run->workload->close(&run->worker[0]);
}

/* Of the workers, and of who hands out tasks. */
static bool first_failure(const struct run *run, struct err *err)
{
	for (unsigned i = 0; i < run->parties; i++) {
		if (run->result[i].failure[0])
			return err_set(err, EXIT_FAILED, "worker %u: %s", i,
				       run->result[i].failure);
	}
	return true;
}

/* The peer ends when its last socket closes; it must be waited for so that its time is counted. */
static void stop_peer(struct run *run)
{
	if (run->echo_peer == 0)
		return;
	for (unsigned i = 0; i < run->workers; i++)
		close(run->echo[i][0]);
	waitpid(run->echo_peer, NULL, 0);
}

bool run_workload(struct run *run, struct err *err)
{
	bool good;

	run->begin = clock_pair_now();
	good = prepare(run, err);
	if (good) {
		good = run->mode->run(run, err);
		close_workload(run);
	}
	run->end = clock_pair_now();
	stop_peer(run);
	return good && first_failure(run, err);
}

uint64_t run_elapsed_ns(const struct run *run)
{
	uint64_t start = UINT64_MAX, finish = 0, sum = 0;

	/* From the first task's submission to the last one's receipt. */
	if (run->pool)
		return run->result[run->workers].elapsed_ns;

	for (unsigned i = 0; i < run->workers; i++) {
		const struct worker_result *result = &run->result[i];

		start = result->start_ns < start ? result->start_ns : start;
		finish = result->finish_ns > finish ? result->finish_ns : finish;
		sum += result->elapsed_ns;
	}
	return run->mode->in_turn ? sum : finish - start;
}

uint64_t run_checksum(const struct run *run)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < run->parties; i++)
		sum += run->result[i].checksum;
	return sum;
}
