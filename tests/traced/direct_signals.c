/* SIGSYS, which dispatch needs for itself; masks and actions as they were set. */
#include "tests/traced/direct.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void say_number(const char *what, int number)
{
	char text[80];

	snprintf(text, sizeof(text), "%s %d\n", what, number);
	direct_say(text);
}

static void handle(int signal, siginfo_t *info, void *context)
{
	(void)context;
	say_number("handler: signal", signal);
	say_number("code", info->si_code);
	say_number("value", info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
	say_number("from us", info->si_pid == getpid());
	handled++;
}

static void print_mask(const char *what, const sigset_t *mask)
{
	printf("%s:", what);
	for (int i = 1; i < 65; i++) {
		if (sigismember(mask, i) == 1)
			printf(" %d", i);
	}
	puts("");
	fflush(stdout);
}

static void print_blocked(const char *what)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	print_mask(what, &mask);
}

static void die_by_default(void)
{
	const pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);
		raise(SIGSYS);
		_exit(1);
	}
	direct_wait("by default", pid);
}

static void die_by_kill(void)
{
	const pid_t pid = fork();
	sigset_t none;

	if (pid == 0) {
		sigemptyset(&none);
		sigsuspend(&none);
		_exit(1);
	}
	kill(pid, SIGSYS);
	direct_wait("by kill", pid);
}

/* Blocked it is pending. */
static void block_sigsys(void)
{
	sigset_t only, pending;

	sigemptyset(&only);
	sigaddset(&only, SIGSYS);
	sigprocmask(SIG_BLOCK, &only, NULL);
	handled = 0;
	raise(SIGSYS);
	sigpending(&pending);
	printf("blocked: handled %d, pending %d\n", (int)handled, sigismember(&pending, SIGSYS));
	fflush(stdout);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	printf("unblocked: handled %d\n", (int)handled);
	fflush(stdout);
}

/* Pending, it is taken by who waits for it. */
int direct_waits_for_sigsys(void)
{
	const struct timespec none = { 0 };
	struct signalfd_siginfo got = { 0 };
	sigset_t only;
	siginfo_t info;
	int fd;

	sigemptyset(&only);
	sigaddset(&only, SIGSYS);
	sigprocmask(SIG_BLOCK, &only, NULL);
	kill(getpid(), SIGSYS);
	TELL(sigtimedwait(&only, &info, &none));
	fd = signalfd(-1, &only, SFD_NONBLOCK | SFD_CLOEXEC);
	kill(getpid(), SIGSYS);
	TELL(read(fd, &got, sizeof(got)));
	printf("by a descriptor: %u\n", got.ssi_signo);
	return 0;
}

int direct_sigsys(void)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO }, old;
	const union sigval value = { .sival_int = 4711 };

	die_by_default();
	die_by_kill();
	sigaction(SIGSYS, &action, &old);
	printf("by default at first: %d\n", old.sa_handler == SIG_DFL);
	fflush(stdout);
	raise(SIGSYS);
	kill(getpid(), SIGSYS);
	sigqueue(getpid(), SIGSYS, value);
	sigaction(SIGSYS, NULL, &old);
	printf("the handler is ours: %d, flags %x\n", old.sa_sigaction == handle,
	       (unsigned)old.sa_flags);
	signal(SIGSYS, SIG_IGN);
	raise(SIGSYS);
	printf("ignored: %d\n", signal(SIGSYS, SIG_DFL) == SIG_IGN);
	fflush(stdout);
	die_by_default();
	action.sa_flags |= (int)SA_RESETHAND;
	sigaction(SIGSYS, &action, NULL);
	raise(SIGSYS);
	sigaction(SIGSYS, NULL, &old);
	printf("reset: %d\n", old.sa_handler == SIG_DFL);
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSYS, &action, NULL);
	fflush(stdout);
	block_sigsys();
	return 0;
}

static void *print_in_thread(void *what)
{
	print_blocked(what);
	return NULL;
}

static void in_thread(const char *what)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, print_in_thread, (void *)what) == 0, "a thread");
	pthread_join(thread, NULL);
}

static void print_in_child(const char *what)
{
	const pid_t pid = fork();

	if (pid == 0) {
		print_blocked(what);
		_exit(0);
	}
	direct_wait("child", pid);
}

static void print_in_handler(int signal)
{
	(void)signal;
	print_blocked("in the handler");
}

/* Those that their actions add. */
int direct_masks_in_handlers(void)
{
	struct sigaction action = { .sa_handler = print_in_handler };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	print_blocked("behind the handler");
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGSYS);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	print_blocked("behind the handler");
	return 0;
}

int direct_masks(void)
{
	static uint64_t whole = UINT64_MAX, got, zero;
	sigset_t all, one;

	sigfillset(&all);
	print_blocked("at first");
	sigprocmask(SIG_SETMASK, &all, &one);
	print_mask("what was", &one);
	print_blocked("all");
	in_thread("of a thread that inherits all");
	print_in_child("of a child that inherits all");
	sigemptyset(&one);
	sigaddset(&one, SIGSYS);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	print_blocked("all but SIGSYS");
	sigprocmask(SIG_SETMASK, &one, NULL);
	print_blocked("SIGSYS alone");
	in_thread("of a thread that inherits SIGSYS");
	print_in_child("of a child that inherits SIGSYS");
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	print_blocked("none");
	TELL_DIRECT(SYS_rt_sigprocmask, SIG_SETMASK, &whole, &got, 8);
	printf("%llx\n", (unsigned long long)got);
	TELL_DIRECT(SYS_rt_sigprocmask, SIG_SETMASK, &zero, &got, 8);
	printf("%llx\n", (unsigned long long)got);
	TELL_DIRECT(SYS_rt_sigprocmask, 77, &whole, &got, 8);
	TELL_DIRECT(SYS_rt_sigprocmask, 77, NULL, &got, 8);
	TELL_DIRECT(SYS_rt_sigprocmask, SIG_BLOCK, 8, &got, 8);
	TELL_DIRECT(SYS_rt_sigprocmask, SIG_BLOCK, &zero, 8, 8);
	TELL_DIRECT(SYS_rt_sigprocmask, SIG_BLOCK, &zero, &got, 4);
	print_blocked("at last");
	return 0;
}

/* As the kernel has it. */
struct raw_action {
	void (*handler)(int);
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

static void print_action(int signal)
{
	struct raw_action got = { 0 };
	const long result = DIRECT(SYS_rt_sigaction, signal, NULL, &got, 8);

	if (result != 0)
		printf("%d: %ld\n", signal, result);
	else
		printf("%d: %s, flags %llx, restorer %d, mask %llx\n", signal,
		       got.handler == SIG_DFL ? "default" :
		       got.handler == SIG_IGN ? "ignored" :
						"handled",
		       (unsigned long long)got.flags, got.restorer != NULL,
		       (unsigned long long)got.mask);
}

static void nothing(int signal)
{
	(void)signal;
}

int direct_actions(void)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART | SA_NODEFER };
	static struct raw_action got;

	for (int i = 0; i < 67; i++)
		print_action(i);
	sigfillset(&action.sa_mask);
	for (int i = 1; i < 65; i++) {
		if (i != SIGKILL && i != SIGSTOP && i != 32 && i != 33)
			must(sigaction(i, &action, NULL) == 0, "sigaction");
	}
	for (int i = 0; i < 67; i++)
		print_action(i);
	sigemptyset(&action.sa_mask);
	for (int i = 1; i < 65; i++) {
		struct sigaction old;

		if (i != SIGKILL && i != SIGSTOP && i != 32 && i != 33) {
			must(sigaction(i, &action, &old) == 0, "sigaction");
			printf("%d: had %d\n", i, sigismember(&old.sa_mask, SIGSYS));
		}
	}
	for (int i = 0; i < 67; i++)
		print_action(i);
	for (int i = 30; i < 32; i++) {
		TELL_DIRECT(SYS_rt_sigaction, i, 8, NULL, 8);
		TELL_DIRECT(SYS_rt_sigaction, i, NULL, 8, 8);
		TELL_DIRECT(SYS_rt_sigaction, i, NULL, &got, 4);
		print_action(i);
	}
	TELL_DIRECT(SYS_rt_sigaction, 0, NULL, &got, 8);
	TELL_DIRECT(SYS_rt_sigaction, SIGKILL, &got, NULL, 8);
	TELL_DIRECT(SYS_rt_sigaction, 65, NULL, &got, 8);
	TELL_DIRECT(SYS_rt_sigaction, -1, NULL, &got, 8);
	return 0;
}

/* What a program is executed with. */
int direct_inherited(void)
{
	print_blocked("inherited");
	for (int i = 1; i < 65; i++)
		print_action(i);
	return 0;
}

static void execute_itself(int kind)
{
	static char *const words[] = { (char *)"direct", (char *)"inherited", NULL };
	pid_t pid;

	if (kind & 4)
		must(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, words, environ) == 0,
		     "posix_spawn");
	else
		pid = fork();
	if (pid == 0) {
		execv("/proc/self/exe", words);
		_exit(99);
	}
	direct_wait("executed", pid);
}

/* By exec after fork, and by posix_spawn, which blocks all signals in between. */
int direct_inherits(void)
{
	sigset_t set;

	for (int kind = 0; kind < 8; kind++) {
		fflush(stdout);
		sigemptyset(&set);
		if (kind & 1)
			sigaddset(&set, SIGSYS);
		signal(SIGSYS, kind & 2 ? SIG_IGN : nothing);
		sigprocmask(SIG_SETMASK, &set, NULL);
		execute_itself(kind);
		print_blocked("here");
	}
	return 0;
}

static void wait_with(const char *what, long (*wait)(const sigset_t *mask))
{
	const union sigval value = { .sival_int = 1 };
	sigset_t block, mask;

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_SETMASK, &block, NULL);
	sigfillset(&mask);
	sigdelset(&mask, SIGUSR1);
	sigqueue(getpid(), SIGUSR1, value);
	handled = 0;
	errno = 0;
	printf("%s: %ld", what, wait(&mask));
	printf(" %s, handled %d\n", strerrorname_np(errno), (int)handled);
	fflush(stdout);
	print_blocked("behind it");
}

static long with_sigsuspend(const sigset_t *mask)
{
	return sigsuspend(mask);
}

static long with_ppoll(const sigset_t *mask)
{
	return ppoll(NULL, 0, NULL, mask);
}

static long with_pselect(const sigset_t *mask)
{
	return pselect(0, NULL, NULL, NULL, NULL, mask);
}

static long with_epoll(const sigset_t *mask)
{
	struct epoll_event event;
	const int fd = epoll_create1(EPOLL_CLOEXEC);
	const long result = epoll_pwait(fd, &event, 1, -1, mask);
	const int saved = errno;

	close(fd);
	errno = saved;
	return result;
}

int direct_temporary_masks(void)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
	static const struct timespec none;
	static uint64_t all = UINT64_MAX;
	static struct {
		void *mask;
		size_t size;
	} pair = { &all, 4 };

	sigaction(SIGUSR1, &action, NULL);
	wait_with("sigsuspend", with_sigsuspend);
	wait_with("ppoll", with_ppoll);
	wait_with("pselect", with_pselect);
	wait_with("epoll_pwait", with_epoll);
	TELL_DIRECT(SYS_rt_sigsuspend, 8, 8);
	TELL_DIRECT(SYS_rt_sigsuspend, &all, 4);
	TELL_DIRECT(SYS_ppoll, NULL, 0, &none, 8, 8);
	TELL_DIRECT(SYS_ppoll, NULL, 0, &none, &all, 4);
	TELL_DIRECT(SYS_ppoll, NULL, 0, &none, &all, 8);
	TELL_DIRECT(SYS_pselect6, 0, NULL, NULL, NULL, &none, &pair);
	TELL_DIRECT(SYS_pselect6, 0, NULL, NULL, NULL, &none, 8);
	pair.mask = NULL;
	TELL_DIRECT(SYS_pselect6, 0, NULL, NULL, NULL, &none, &pair);
	TELL_DIRECT(SYS_epoll_pwait, -1, NULL, 1, 0, &all, 8);
	TELL_DIRECT(SYS_epoll_pwait, -1, NULL, 1, 0, &all, 4);
	return 0;
}
