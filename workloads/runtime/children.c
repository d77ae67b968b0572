/* Forked and executed children of workers. */
#include "workloads/children.h"

#include "base/home.h"
#include "workloads/runtime/run.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn static void live(struct worker *w, pid_t parent,
			   void (*body)(struct worker *w, void *given), void *given)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (w->gil)
		w->gil->forked(w->lock, w->seat);
	body(w, given);
	_exit(0);
}

pid_t child_fork(struct worker *w, void (*body)(struct worker *w, void *given), void *given)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	if (child == 0)
		live(w, parent, body, given);
	if (child > 0)
		return child;
	worker_fail(w, "cannot fork: %s", strerror(errno));
	return 0;
}

bool child_find(char path[PATH_MAX], const char *name, struct err *err)
{
	char beside[NAME_MAX];

	snprintf(beside, sizeof(beside), "helpers/%s", name);
	return home_find_file(path, beside, beside, err);
}

pid_t child_execute(struct worker *w, const char *path, int output)
{
	char *words[] = { (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	pid_t child;
	int failed;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	/* What is ignored here is not for others. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	failed = posix_spawn(&child, path, &actions, &attr, words, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (!failed)
		return child;
	worker_fail(w, "cannot execute '%s': %s", path, strerror(failed));
	return 0;
}

int child_wait(struct worker *w, pid_t child)
{
	int status = -1;
	pid_t ended;

	worker_block(w);
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		worker_fail(w, "cannot wait for process %d: %s", (int)child, strerror(errno));
	worker_unblock(w);
	return ended < 0 ? -1 : status;
}
