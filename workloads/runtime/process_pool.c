/* As many forked processes as workers take tasks from a pipe, with a lock around each end that
 * several have, as multiprocessing.Pool does. The submitting process is one thread where that
 * library has three: it waits for results and for room in the pipe at the same time. */
#include "workloads/primitives.h"
#include "workloads/runtime/pool.h"
#include "workloads/runtime/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the place of a result: a worker is ready. */
#define READY UINT32_MAX

struct locks {
	struct lock taking, giving;
};

/* Of the one run in a process. */
static struct {
	struct locks *locks; /* shared */
	int tasks[2], results[2];
	int deaths; /* readable when a child has ended */
	pid_t children[WORKERS_MAX];
} pool;

static void block_deaths(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(how, &set, NULL);
}

/* The end of the tasks that the submitting process has never makes it wait. */
static bool open_line(struct run *run, struct err *err)
{
	struct worker *submitter = &run->worker[run->workers];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	block_deaths(SIG_BLOCK);
	pool.deaths = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	pool.locks = run_share(sizeof(*pool.locks));
	if (pool.deaths < 0 || !pool.locks || pipe2(pool.tasks, O_CLOEXEC) != 0 ||
	    pipe2(pool.results, O_CLOEXEC) != 0 ||
	    fcntl(pool.tasks[1], F_SETFL, O_WRONLY | O_NONBLOCK) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot open the pipes of a pool: %s",
			       strerror(errno));
	lock_make(submitter, &pool.locks->taking, LOCK_PLAIN);
	lock_make(submitter, &pool.locks->giving, LOCK_PLAIN);
	return true;
}

static bool submit(struct worker *submitter, const struct pool_item *task)
{
	ssize_t done;

	(void)submitter;
	do
		done = write(pool.tasks[1], task, sizeof(*task));
	while (done < 0 && errno == EINTR);
	/* Other troubles than a full pipe show where results are waited for. */
	return done == sizeof(*task);
}

/* No worker ends before its tasks do. */
static bool find_dead(const struct run *run, struct err *err)
{
	struct signalfd_siginfo unused;
	siginfo_t dead = { .si_pid = 0 };

	while (read(pool.deaths, &unused, sizeof(unused)) > 0)
		;
	for (unsigned i = 0; i < run->workers; i++) {
		if (waitid(P_PID, (id_t)pool.children[i], &dead, WEXITED | WNOHANG | WNOWAIT) !=
			    0 ||
		    dead.si_pid == 0)
			continue;
		close(pool.tasks[1]);
		return processes_wait(run, pool.children, err) &&
		       err_set(err, EXIT_FAILED, "worker %u ended before its tasks", i);
	}
	return true;
}

static bool receive(struct worker *submitter, bool more, struct pool_item *result, bool *came,
		    struct err *err)
{
	struct pollfd ends[] = { { .fd = pool.results[0], .events = POLLIN },
				 { .fd = pool.deaths, .events = POLLIN },
				 { .fd = pool.tasks[1], .events = POLLOUT } };

	*came = false;
	if (poll(ends, more ? 3 : 2, -1) < 0)
		return errno == EINTR ||
		       err_set(err, EXIT_FAILED, "cannot wait for the workers: %s",
			       strerror(errno));
	if (ends[1].revents)
		return find_dead(submitter->run, err);
	/* Items are written whole, and there is one reader. */
	*came = ends[0].revents &&
		read(pool.results[0], result, sizeof(*result)) == (ssize_t)sizeof(*result);
	return true;
}

static void give(struct worker *w, const struct pool_item *result)
{
	lock_take(w, &pool.locks->giving);
	worker_write(w, pool.results[1], result, sizeof(*result));
	lock_give(w, &pool.locks->giving);
}

static void be_ready(struct worker *w)
{
	const struct pool_item ready = { .task = READY };

	give(w, &ready);
}

static bool take(struct worker *w, struct pool_item *task)
{
	size_t got;
	bool good;

	lock_take(w, &pool.locks->taking);
	good = worker_read(w, pool.tasks[0], task, sizeof(*task), &got);
	lock_give(w, &pool.locks->taking);
	return good && got == sizeof(*task);
}

static const struct pool_line line = {
	.submit = submit,
	.receive = receive,
	.ready = be_ready,
	.take = take,
	.give = give,
};

static void live(struct worker *w)
{
	block_deaths(SIG_UNBLOCK);
	close(pool.deaths);
	/* The last one that could write has gone: that is how the end of the tasks is told. */
	close(pool.tasks[1]);
	close(pool.results[0]);
	pool_work(w, &line);
}

static bool await_ready(struct run *run, struct err *err)
{
	for (unsigned ready = 0; ready < run->workers;) {
		struct pool_item item;
		bool came;

		if (!receive(&run->worker[run->workers], false, &item, &came, err))
			return false;
		ready += came && item.task == READY;
	}
	return true;
}

static bool run_process_pool(struct run *run, struct err *err)
{
	if (!pool_open(run, err) || !open_line(run, err) ||
	    !processes_fork(run, pool.children, live, err) || !await_ready(run, err) ||
	    !pool_submit(run, &line, err))
		return false;
	close(pool.tasks[1]);
	if (!processes_wait(run, pool.children, err))
		return false;
	block_deaths(SIG_UNBLOCK);
	close(pool.deaths);
	pool_check(run);
	return true;
}

const struct mode mode_process_pool = {
	.name = "process-pool",
	.summary = "as many forked processes as workers take tasks from a pipe",
	.params = pool_params,
	.apart = true,
	.pool = true,
	.objects = OBJECTS_APART,
	.run = run_process_pool,
};
