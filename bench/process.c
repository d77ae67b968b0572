/* Starts and reaps one process. */
#include "bench/process.h"

#include "base/clock.h"
#include "bench/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written by the signal handler, read between processes. */
static volatile sig_atomic_t stop_signal;
/* The mask as it was: signals arrive only while we wait in ppoll, so that none is missed. */
static sigset_t mask_outside;

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };

static void remember(int signal)
{
	stop_signal = signal;
}

void process_catch_signals(void)
{
	struct sigaction action = { .sa_handler = remember };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++) {
		struct sigaction old;

		/* Ignored from the start, as under nohup: whoever started us wants it so. */
		if (sigaction(stop_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(stop_signals[i], &action, NULL);
		sigaddset(&blocked, stop_signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &mask_outside);
	/* If it cannot, the first process will say so. */
	guard_start(NULL);
	/* What a process leaves behind becomes our child, so that it can be waited for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int process_stop_signal(void)
{
	sigset_t pending;

	/* One that came while nothing ran is still blocked. */
	sigpending(&pending);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++) {
		if (sigismember(&pending, stop_signals[i]))
			return stop_signals[i];
	}
	return stop_signal;
}

_Noreturn void process_die_of_signal(void)
{
	const int number = process_stop_signal();
	sigset_t set;

	fflush(NULL);
	signal(number, SIG_DFL);
	raise(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + number);
}

struct ends {
	int output[2], error[2], go[2];
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_all(struct ends *ends)
{
	for (int i = 0; i < 2; i++) {
		close_end(&ends->output[i]);
		close_end(&ends->error[i]);
		close_end(&ends->go[i]);
	}
}

static bool open_all(struct ends *ends, struct err *err)
{
	*ends = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(ends->output, O_CLOEXEC) == 0 && pipe2(ends->error, O_CLOEXEC) == 0 &&
	    pipe2(ends->go, O_CLOEXEC) == 0)
		return true;
	err_set(err, EXIT_IMPOSSIBLE, "cannot open a pipe: %s", strerror(errno));
	close_all(ends);
	return false;
}

/* The child's side: a process group of its own, so that all it starts can be ended with it; then
 * waits until the counters are attached. */
_Noreturn static void become(const struct process *process, const struct ends *ends,
			     char *const argv[], pid_t parent)
{
	char go;
	int nothing;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(PROCESS_NOT_RUN);
	close(ends->go[1]); /* so that the end of 'go' can come */
	/* exec resets the handlers, but neither the mask nor what is ignored. */
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &mask_outside, NULL);
	/* In a group of its own it must not read from our terminal. */
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(nothing, STDIN_FILENO);
	dup2(ends->output[1], STDOUT_FILENO);
	dup2(ends->error[1], STDERR_FILENO);
	if (process->cpus && sched_setaffinity(0, sizeof(*process->cpus), process->cpus) != 0) {
		dprintf(STDERR_FILENO, "cannot choose the CPUs: %s\n", strerror(errno));
	} else if (read(ends->go[0], &go, 1) == 1) {
		execv(argv[0], argv);
		dprintf(STDERR_FILENO, "cannot run '%s': %s\n", argv[0], strerror(errno));
	}
	_exit(PROCESS_NOT_RUN);
}

/* Reads what is there; false at the end. What does not fit is read and dropped. */
static bool collect(int fd, char *to, size_t room, size_t *used)
{
	char dropped[4096];
	const bool fits = *used + 1 < room;
	const ssize_t got =
		fits ? read(fd, to + *used, room - 1 - *used) : read(fd, dropped, sizeof(dropped));

	if (got > 0 && fits)
		*used += (size_t)got;
	to[*used] = '\0';
	return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Until the process has ended and its output is read, the limit is over, or we are to stop. What it
 * left running may hold its output open: that is not waited for. */
static void attend(struct process *process, struct ends *ends, int pidfd, uint64_t deadline)
{
	struct pollfd polled[3] = { { .fd = pidfd, .events = POLLIN },
				    { .fd = ends->output[0], .events = POLLIN },
				    { .fd = ends->error[0], .events = POLLIN } };

	while (polled[0].fd >= 0 || polled[1].fd >= 0 || polled[2].fd >= 0) {
		const uint64_t now = clock_now_ns();
		const bool ended = polled[0].fd < 0;
		struct timespec left =
			clock_timespec(deadline > now && !ended ? deadline - now : 0);
		const int ready = ppoll(polled, 3, &left, &mask_outside);

		process->interrupted = stop_signal != 0;
		process->timed_out = !process->interrupted && now >= deadline && !ended;
		if (process->interrupted || process->timed_out || (ended && ready == 0))
			return;
		if (ready <= 0)
			continue;
		if (polled[1].revents &&
		    !collect(polled[1].fd, process->output, PROCESS_OUTPUT, &process->output_size))
			polled[1].fd = -1;
		if (polled[2].revents && !collect(polled[2].fd, process->error,
						  sizeof(process->error), &process->error_size))
			polled[2].fd = -1;
		if (polled[0].revents)
			polled[0].fd = -1;
	}
}

/* What did not end by itself may put away what is its own. */
static void ask_to_end(const struct process *process, pid_t pid, int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (!process->interrupted && !process->timed_out)
		return;
	kill(-pid, SIGTERM);
	poll(&end, 1, GUARD_GRACE_MS);
}

/* Itself when it did not end, and whatever it left behind in its group. */
static bool reap(struct process *process, pid_t pid, struct err *err)
{
	kill(-pid, SIGKILL);
	while (wait4(pid, &process->status, 0, &process->usage) < 0) {
		if (errno != EINTR)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot wait for a process: %s",
				       strerror(errno));
	}
	while (waitpid(-pid, NULL, 0) > 0)
		;
	return true;
}

/* What left its group: it is our child, or that of one who is. Nearly always there is none, and the
 * kernel says so at once. */
static void end_strays(void)
{
	siginfo_t left;

	guard_watch(0);
	if (waitid(P_ALL, 0, &left, WEXITED | WNOHANG | WNOWAIT) == 0)
		guard_end_strays();
}

bool process_run(struct process *process, char *const argv[], const struct counters *counters,
		 uint64_t limit_ns, struct err *err)
{
	const uint64_t start = clock_now_ns();
	const pid_t self = getpid();
	struct ends ends;
	int fds[COUNTERS_MAX], pidfd;
	pid_t pid;
	bool good;

	process->output_size = process->error_size = 0;
	process->output[0] = process->error[0] = '\0';
	process->timed_out = process->interrupted = false;
	if (!guard_start(err) || !open_all(&ends, err))
		return false;
	pid = fork();
	if (pid == 0)
		become(process, &ends, argv, self);
	pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	if (pidfd < 0) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot start a process: %s", strerror(errno));
		close_all(&ends); /* a child that exists reads the end of 'go' and exits */
		if (pid > 0)
			waitpid(pid, NULL, 0);
		return false;
	}
	setpgid(pid, pid);
	guard_watch(pid);
	if (counters)
		counters_open(counters, pid, fds);
	if (write(ends.go[1], "", 1) != 1)
		kill(pid, SIGKILL);
	close_end(&ends.output[1]);
	close_end(&ends.error[1]);
	attend(process, &ends, pidfd, start + limit_ns);
	ask_to_end(process, pid, pidfd);
	good = reap(process, pid, err);
	process->wall_ns = clock_now_ns() - start;
	end_strays();
	if (counters)
		counters_read(counters, fds, &process->usage, process->counters);
	close(pidfd);
	close_all(&ends);
	return good;
}

/* Its own words: the first line of what it printed as an error. */
static void first_line(const char *text, char *to, size_t room)
{
	const size_t length = strcspn(text, "\n");

	snprintf(to, room, "%.*s", (int)(length < room ? length : room - 1), text);
}

bool process_judge(const struct process *process, uint64_t limit_ns, struct err *err)
{
	char words[256];

	first_line(process->error, words, sizeof(words));
	if (process->timed_out)
		return err_set(err, EXIT_FAILED, "did not end within %.3g s and was killed",
			       (double)limit_ns / 1e9);
	if (WIFSIGNALED(process->status))
		return err_set(err, EXIT_FAILED, "was killed by signal %d (%s)%s%s",
			       WTERMSIG(process->status), strsignal(WTERMSIG(process->status)),
			       words[0] ? ": " : "", words);
	if (WEXITSTATUS(process->status) != 0)
		return err_set(err, EXIT_FAILED, "exited with status %d%s%s",
			       WEXITSTATUS(process->status), words[0] ? ": " : "", words);
	return true;
}
