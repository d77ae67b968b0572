/* A process that stands by, and the search for marked processes. */
#include "bench/guard.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARK_NAME "GILSCOPE_RUNNER"
/* How often what does not die is looked for, a millisecond apart. */
#define ROUNDS 10000

/* Hexadecimal; empty: not chosen yet. */
static char mark[20];
/* What is to be done at the runner's end: kept there, and sent whole. */
static struct {
	pid_t group; /* 0: none */
	char folder[256];
} order;
/* The runner's end of the socket; negative: nobody stands by. */
static int guard = -1;

/* A runner that another runner started keeps that one's mark as well. */
static bool choose_mark(void)
{
	const char *outer = getenv(MARK_NAME);
	char whole[1024];
	uint64_t number;

	if (mark[0])
		return true;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return false;
	snprintf(mark, sizeof(mark), "%016llx", (unsigned long long)number);
	snprintf(whole, sizeof(whole), "%s%s%.900s", mark, outer ? " " : "", outer ? outer : "");
	return setenv(MARK_NAME, whole, 1) == 0;
}

/* Its environment as it was at its exec. What we may not read is not ours. */
static bool is_marked(const char *pid)
{
	char path[64], text[4096];
	size_t kept = 0;
	ssize_t got;
	bool found = false;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !found && (got = read(fd, text + kept, sizeof(text) - kept)) > 0) {
		const size_t have = kept + (size_t)got;

		found = memmem(text, have, mark, strlen(mark));
		/* The mark may lie across two readings. */
		kept = have < sizeof(mark) ? have : sizeof(mark);
		memmove(text, text + have - kept, kept);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* All but those of that group. False when there are none. The signal 0 only looks. */
static bool signal_marked(int number, pid_t but)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	bool any = false;

	while (processes && (entry = readdir(processes))) {
		const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (!isdigit((unsigned char)entry->d_name[0]) || !is_marked(entry->d_name))
			continue;
		if ((but == 0 || getpgid(pid) != but) && kill(pid, number) == 0)
			any = true;
	}
	if (processes)
		closedir(processes);
	return any;
}

static void wait_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

void guard_end_strays(void)
{
	/* Again, for one that is killed may have started another while we looked. */
	for (int i = 0; mark[0] && i < ROUNDS && signal_marked(SIGKILL, 0); i++) {
		wait_ms(1);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
	(void)info;
	(void)kind;
	(void)place;
	return remove(path);
}

static void carry_out(void)
{
	if (order.group > 0)
		kill(-order.group, SIGTERM);
	signal_marked(SIGTERM, order.group);
	for (int ms = 0; ms < GUARD_GRACE_MS && signal_marked(0, 0); ms += 20)
		wait_ms(20);
	if (order.group > 0)
		kill(-order.group, SIGKILL);
	guard_end_strays();
	if (order.folder[0])
		nftw(order.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

_Noreturn static void stand_by(int end)
{
	sigset_t all;

	/* Neither the terminal nor who stops us is to stop it: it ends when we do. */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "gilscope-guard");
	/* Nobody is to wait for the end of our output because of it. */
	if (dup2(end, 0) != 0)
		_exit(1);
	close_range(1, UINT_MAX, 0);
	while (recv(0, &order, sizeof(order), 0) == sizeof(order))
		;
	carry_out();
	_exit(0);
}

/* Forked twice: it is nobody's child, so that nobody waits for it. */
static bool fork_guard(const int ends[2])
{
	const pid_t between = fork();
	int status;

	if (between == 0) {
		const pid_t second = fork();

		if (second != 0)
			_exit(second < 0);
		close(ends[1]);
		stand_by(ends[0]);
	}
	if (between < 0)
		return false;
	while (waitpid(between, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return status == 0;
}

bool guard_start(struct err *err)
{
	int ends[2];

	if (guard >= 0)
		return true;
	if (!choose_mark() || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot start a process: %s", strerror(errno));
	guard = fork_guard(ends) ? ends[1] : -1;
	close(ends[0]);
	if (guard >= 0)
		return true;
	close(ends[1]);
	return err_set(err, EXIT_IMPOSSIBLE, "cannot start a process: %s", strerror(errno));
}

static void tell(void)
{
	/* It was killed: the next one is started for the next process. */
	if (guard >= 0 && send(guard, &order, sizeof(order), MSG_NOSIGNAL) < 0) {
		close(guard);
		guard = -1;
	}
}

void guard_watch(pid_t group)
{
	order.group = group;
	tell();
}

void guard_remove(const char *folder)
{
	/* One with so long a name stays. */
	if (!folder || strlen(folder) >= sizeof(order.folder))
		folder = "";
	snprintf(order.folder, sizeof(order.folder), "%s", folder);
	tell();
}
