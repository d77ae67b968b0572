/* Mends the descriptors and signals that a program was started with. */
#include "base/start.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static bool closed[STDERR_FILENO + 1];
static struct sigaction broken_pipe, child;

void start_safely(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The wrong way round, so that using it still fails as it should. */
		const int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		closed[fd] = fcntl(fd, F_GETFD) < 0;
		if (closed[fd] && open("/dev/null", flags) != fd)
			abort();
	}
	sigaction(SIGPIPE, &action, &broken_pipe);
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, &child);
}

void start_restore(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (closed[fd])
			close(fd);
	}
	sigaction(SIGPIPE, &broken_pipe, NULL);
	sigaction(SIGCHLD, &child, NULL);
}
