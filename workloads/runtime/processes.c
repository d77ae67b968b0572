/* Every worker is a forked process: nothing is shared but what the runtime shares on purpose. */
#include "workloads/runtime/processes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void kill_all(const pid_t *children, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (children[i] > 0)
			kill(children[i], SIGKILL);
	}
}

static unsigned index_of(const pid_t *children, unsigned count, pid_t pid)
{
	unsigned i = 0;

	while (i < count && children[i] != pid)
		i++;
	return i;
}

bool processes_wait(const struct run *run, pid_t *children, struct err *err)
{
	bool good = true;

	for (unsigned left = run->workers; left > 0;) {
		int status;
		const pid_t pid = waitpid(-1, &status, 0);
		const unsigned i = pid > 0 ? index_of(children, run->workers, pid) : 0;

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return err_set(err, EXIT_FAILED, "cannot wait for the workers: %s",
				       strerror(errno));
		if (i == run->workers)
			continue; /* the echo peer */
		children[i] = 0;
		left--;
		if (!good || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
			continue;
		good = WIFSIGNALED(status) ?
			       err_set(err, EXIT_FAILED, "worker %u was killed by signal %d (%s)",
				       i, WTERMSIG(status), strsignal(WTERMSIG(status))) :
			       err_set(err, EXIT_FAILED, "worker %u exited with status %d", i,
				       WEXITSTATUS(status));
		kill_all(children, run->workers);
	}
	return good;
}

bool processes_fork(struct run *run, pid_t *children, void (*live)(struct worker *w),
		    struct err *err)
{
	const pid_t parent = getpid();

	fflush(NULL);
	for (unsigned i = 0; i < run->workers; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			/* Never outlive the parent, not even one that was killed just now. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			live(&run->worker[i]);
			_exit(0);
		}
		if (children[i] < 0) {
			err_set(err, EXIT_IMPOSSIBLE, "cannot fork worker %u of %u: %s", i + 1,
				run->workers, strerror(errno));
			kill_all(children, i);
			for (unsigned k = 0; k < i; k++)
				waitpid(children[k], NULL, 0);
			return false;
		}
	}
	return true;
}

static bool run_processes(struct run *run, struct err *err)
{
	pid_t children[WORKERS_MAX] = { 0 };

	return processes_fork(run, children, run_worker, err) && processes_wait(run, children, err);
}

const struct mode mode_processes = {
	.name = "processes",
	.summary = "a forked process per worker",
	.apart = true,
	.objects = OBJECTS_APART,
	.run = run_processes,
};
