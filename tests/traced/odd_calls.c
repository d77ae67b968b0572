/* Calls that may block: each of them, in vfork's child, in handlers, while they are cancelled, and
 * where hardly anything may be called. */

/* pread and pread64 are two names, and both are called. */
#undef _FILE_OFFSET_BITS
#include "tests/traced/odd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#define ERRNO_WAS 4711

extern ssize_t __read_chk(int fd, void *to, size_t size, size_t room);
extern ssize_t __pread_chk(int fd, void *to, size_t size, off_t at, size_t room);
extern ssize_t __pread64_chk(int fd, void *to, size_t size, off64_t at, size_t room);
extern ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags);
extern ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
			      __SOCKADDR_ARG from, socklen_t *length);
extern int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t room);
extern int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
		       const sigset_t *mask, size_t room);

/* Prints what the trace calls it, what came of it, and errno: traced it must be the same as not
 * traced, and the trace must have the names in this order. */
#define TELL(name, call) \
	do { \
		long result_; \
\
		errno = ERRNO_WAS; \
		result_ = (long)(call); \
		printf("%s %ld %d %s\n", name, result_, errno, #call); \
	} while (0)

static char bytes[16] = "0123456789abcde";
static struct iovec part = { .iov_base = bytes, .iov_len = 4 };
static const struct timespec soon = { .tv_nsec = 1000 }, now = { 0 };
static int ends[2];

static void sleeps(void)
{
	const struct timespec wrong = { .tv_nsec = -1 };
	struct timespec left;

	TELL("nanosleep", nanosleep(&soon, &left));
	TELL("nanosleep", nanosleep(&wrong, NULL));
	TELL("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, &left));
	TELL("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wrong, NULL));
	TELL("usleep", usleep(1));
	TELL("sleep", sleep(0));
	TELL("thrd_sleep", thrd_sleep(&soon, &left));
}

static void note(int signal)
{
	(void)signal;
}

static void awaits_signals(void)
{
	const struct itimerval period = { { 0, 1000 }, { 0, 1000 } }, none = { 0 };
	siginfo_t info;
	sigset_t set, old;
	int number;

	signal(SIGUSR1, note);
	signal(SIGALRM, note);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	TELL("sigsuspend", sigsuspend(&old));
	raise(SIGUSR1);
	TELL("sigwait", sigwait(&set, &number) == 0 ? number : -1);
	raise(SIGUSR1);
	TELL("sigwaitinfo", sigwaitinfo(&set, &info) > 0 ? info.si_signo : -1);
	raise(SIGUSR1);
	TELL("sigtimedwait", sigtimedwait(&set, &info, &soon) > 0 ? info.si_signo : -1);
	TELL("sigtimedwait", sigtimedwait(&set, &info, &now));
	sigprocmask(SIG_SETMASK, &old, NULL);
	/* Again and again, in case that it comes before the pause. */
	setitimer(ITIMER_REAL, &period, NULL);
	TELL("pause", pause());
	setitimer(ITIMER_REAL, &none, NULL);
}

/* A byte is in the pipe. */
static void polls(void)
{
	struct pollfd fd = { .fd = ends[0], .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN, .data.fd = 5 };
	const int epoll = epoll_create1(0);
	struct timeval limit = { 0 };
	fd_set in;

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	TELL("write", write(ends[1], bytes, 1));
	TELL("select", select(ends[0] + 1, &in, NULL, NULL, &limit));
	TELL("pselect", pselect(ends[0] + 1, &in, NULL, NULL, &soon, NULL));
	TELL("pselect", pselect(-1, NULL, NULL, NULL, &now, NULL));
	TELL("poll", poll(&fd, 1, 0) == 1 ? fd.revents : -1);
	TELL("poll", __poll_chk(&fd, 1, -1, sizeof(fd)));
	TELL("ppoll", ppoll(&fd, 1, &soon, NULL));
	TELL("ppoll", __ppoll_chk(&fd, 1, NULL, NULL, sizeof(fd)));
	TELL("epoll_wait", epoll_wait(epoll, &event, 1, -1) == 1 ? event.data.fd : -1);
	TELL("epoll_wait", epoll_wait(ends[0], &event, 1, 0));
	TELL("epoll_pwait", epoll_pwait(epoll, &event, 1, -1, NULL));
#if __GLIBC_PREREQ(2, 35)
	TELL("epoll_pwait2", epoll_pwait2(epoll, &event, 1, &soon, NULL));
#endif
	TELL("read", read(ends[0], bytes, sizeof(bytes)));
	close(epoll);
}

static void reads_and_writes(void)
{
	TELL("write", write(ends[1], bytes, 9));
	TELL("write", write(-1, bytes, 1));
	TELL("read", read(ends[0], bytes, 2));
	TELL("read", read(-1, bytes, 1));
	TELL("read", __read_chk(ends[0], bytes, 2, sizeof(bytes)));
	TELL("readv", readv(ends[0], &part, 1));
	TELL("read", read(ends[0], bytes, sizeof(bytes)));
	TELL("writev", writev(ends[1], &part, 1));
	TELL("readv", readv(ends[0], &part, 1));
	TELL("readv", readv(ends[1], &part, 1));
}

static void reads_and_writes_files(int file)
{
	off64_t at64 = 2;
	off_t at = 1;

	TELL("pwrite", pwrite(file, bytes, 5, 0));
	TELL("pwrite", pwrite64(file, bytes, 5, 3));
	TELL("pread", pread(file, bytes, 9, 1));
	TELL("pread", pread64(file, bytes, 9, 2));
	TELL("pread", __pread_chk(file, bytes, 9, 3, sizeof(bytes)));
	TELL("pread", __pread64_chk(file, bytes, 9, 4, sizeof(bytes)));
	TELL("pread", pread(file, bytes, 1, -1));
	TELL("pwritev", pwritev(file, &part, 1, 8));
	TELL("pwritev", pwritev64(file, &part, 1, 9));
	TELL("pwritev", pwritev2(file, &part, 1, 10, 0));
	TELL("pwritev", pwritev64v2(file, &part, 1, 11, 0));
	TELL("preadv", preadv(file, &part, 1, 12));
	TELL("preadv", preadv64(file, &part, 1, 13));
	TELL("preadv", preadv2(file, &part, 1, 14, 0));
	TELL("preadv", preadv64v2(file, &part, 1, 15, -1));
	TELL("sendfile", sendfile(ends[1], file, &at, 5) == 5 ? at : -1);
	TELL("sendfile", sendfile64(ends[1], file, &at64, 3) == 3 ? at64 : -1);
	TELL("flock", flock(file, LOCK_EX | LOCK_NB));
	TELL("lockf", lockf(file, F_TLOCK, 3));
	TELL("lockf", lockf64(-1, F_TLOCK, 3));
	TELL("fsync", fsync(file));
	TELL("fsync", fsync(ends[0]));
	TELL("fdatasync", fdatasync(file));
}

/* 8 bytes are in the pipe. */
static void splices(void)
{
	int others[2];

	must(pipe(others) == 0, "a pipe");
	TELL("splice", splice(ends[0], NULL, others[1], NULL, 8, 0));
	TELL("splice", splice(ends[0], NULL, others[1], NULL, 8, SPLICE_F_NONBLOCK));
	close(others[0]);
	close(others[1]);
}

static void sends_and_receives(void)
{
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct sockaddr_un from;
	socklen_t length = sizeof(from);
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	TELL("send", send(pair[0], bytes, 7, 0));
	TELL("sendto", sendto(pair[0], bytes, 6, 0, NULL, 0));
	TELL("sendmsg", sendmsg(pair[0], &message, 0));
	TELL("send", send(pair[0], bytes, 5, 0));
	TELL("send", send(pair[0], bytes, 3, 0));
	TELL("recv", recv(pair[1], bytes, sizeof(bytes), 0));
	TELL("recvfrom",
	     recvfrom(pair[1], bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length));
	TELL("recvmsg", recvmsg(pair[1], &message, 0));
	TELL("recv", __recv_chk(pair[1], bytes, 9, sizeof(bytes), 0));
	TELL("recvfrom", __recvfrom_chk(pair[1], bytes, 9, sizeof(bytes), 0, NULL, NULL));
	TELL("recv", recv(pair[1], bytes, 9, MSG_DONTWAIT));
	close(pair[0]);
	close(pair[1]);
}

static void connects(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sockaddr *const to = (struct sockaddr *)&address;
	socklen_t length = sizeof(address);
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const int client = socket(AF_UNIX, SOCK_STREAM, 0);
	const int other = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t room = sizeof(address);

	/* The kernel gives it a name. */
	must(bind(listener, to, sizeof(sa_family_t)) == 0 &&
		     getsockname(listener, to, &length) == 0 && listen(listener, 2) == 0,
	     "a listening socket");
	TELL("connect", connect(client, to, length));
	TELL("connect", connect(client, to, length));
	TELL("connect", connect(other, to, length));
	TELL("accept", accept(listener, to, &room) > 0);
	TELL("accept4", accept4(listener, NULL, NULL, SOCK_CLOEXEC) > 0);
	TELL("accept", accept(listener, NULL, NULL));
	close(listener);
	close(client);
	close(other);
}

static pid_t child(int status)
{
	const pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0)
		_exit(status);
	return pid;
}

static void waits_for_children(void)
{
	struct rusage usage;
	siginfo_t info;
	int status;
	pid_t pid;

	pid = child(1);
	TELL("wait", wait(&status) == pid);
	pid = child(2);
	TELL("waitpid", waitpid(pid, &status, 0) == pid);
	TELL("waitpid", waitpid(pid, &status, WNOHANG));
	pid = child(3);
	TELL("wait3", wait3(&status, 0, &usage) == pid);
	pid = child(4);
	TELL("wait4", wait4(pid, &status, 0, &usage) == pid);
	pid = child(5);
	TELL("waitid", waitid(P_PID, (id_t)pid, &info, WEXITED) == 0 ? info.si_status : -1);
	TELL("wait", wait(NULL));
}

/* It has our memory, and is told as if we had called it. */
static void writes_in_a_vfork_child(void)
{
	siginfo_t info;
	pid_t pid;

	errno = ERRNO_WAS;
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): that is what is tested. */
	pid = vfork();
	if (pid == 0) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Vfork) */
		const ssize_t written = write(ends[1], bytes, 3);

		_exit(written == 3 ? errno - ERRNO_WAS : 1);
	}
	must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0, "the child ends");
	printf("write %d\nwaitid\n", info.si_status);
	TELL("waitpid", waitpid(pid, NULL, 0) == pid);
	TELL("read", read(ends[0], bytes, sizeof(bytes)));
}

int odd_calls(void)
{
	const int file = memfd_create("calls", 0);

	must(pipe(ends) == 0 && file >= 0, "a pipe and a file");
	sleeps();
	awaits_signals();
	polls();
	reads_and_writes();
	reads_and_writes_files(file);
	splices();
	sends_and_receives();
	connects();
	waits_for_children();
	writes_in_a_vfork_child();
	return 0;
}

static _Atomic unsigned long handled;

/* The pipe has a byte then, whoever put it there. */
static void handle(int signal)
{
	const int saved = errno;
	char byte = 0;

	(void)signal;
	must(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1, "a byte comes back");
	atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
	errno = saved;
}

#define ROUNDS 50000

static void write_and_read_under_fire(void *unused)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	const struct itimerspec period = { { 0, 30000 }, { 0, 30000 } };
	int own[2], old = ERRNO_WAS;
	timer_t timer;
	char byte = 0;

	(void)unused;
	event._sigev_un._tid = gettid();
	must(pipe(own) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
		     timer_settime(timer, 0, &period, NULL) == 0,
	     "a pipe and a timer");
	errno = old;
	for (int i = 0; i < ROUNDS; i++)
		must(write(own[1], &byte, 1) == 1 && read(own[0], &byte, 1) == 1 && errno == old,
		     "a byte comes back, and errno stays");
	timer_delete(timer);
	expect_many(TRACE_CALL, 2 * ROUNDS);
}

int odd_calls_in_handlers(void)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct actor actors[2];

	must(pipe(ends) == 0, "a pipe");
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 2; i++)
		actor_start(&actors[i], write_and_read_under_fire, NULL);
	for (int i = 0; i < 2; i++)
		actor_join(&actors[i]);
	must(atomic_load_explicit(&handled, memory_order_relaxed) > 100, "signals come");
	expect_many(TRACE_CALL, 2 * atomic_load_explicit(&handled, memory_order_relaxed));
	/* With which the expectation is written. */
	expect(TRACE_CALL, 0);
	return 0;
}

static int pair[2], listening, epoll;

#define BLOCKS(name, call) \
	static void blocked_##name(void) \
	{ \
		(void)!(call); \
	}
static const struct timespec long_time = { .tv_sec = 1000 };
static sigset_t none;
BLOCKS(nanosleep, nanosleep(&long_time, NULL))
BLOCKS(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL))
BLOCKS(sleep, sleep(1000))
BLOCKS(pause, pause())
BLOCKS(sigsuspend, sigsuspend(&none))
BLOCKS(sigwaitinfo, sigwaitinfo(&none, NULL))
BLOCKS(select, select(0, NULL, NULL, NULL, NULL))
BLOCKS(poll, poll(NULL, 0, -1))
BLOCKS(epoll_wait, epoll_wait(epoll, &(struct epoll_event){ 0 }, 1, -1))
BLOCKS(read, read(ends[0], bytes, 1))
BLOCKS(readv, readv(ends[0], &part, 1))
BLOCKS(recv, recv(pair[0], bytes, 1, 0))
BLOCKS(recvmsg, recvmsg(pair[0], &(struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 }, 0))
BLOCKS(accept, accept(listening, NULL, NULL))
BLOCKS(waitpid, waitpid(-1, NULL, 0))

#define WAY(name) \
	{ \
#name, blocked_##name \
	}
static const struct {
	const char *name;
	void (*block)(void);
} ways[] = {
	WAY(nanosleep),  WAY(clock_nanosleep),
	WAY(sleep),      WAY(pause),
	WAY(sigsuspend), WAY(sigwaitinfo),
	WAY(select),     WAY(poll),
	WAY(epoll_wait), WAY(read),
	WAY(readv),      WAY(recv),
	WAY(recvmsg),    WAY(accept),
	WAY(waitpid),
};

static _Atomic pid_t tid;

static void *enter(void *block)
{
	int old;

	pthread_setcanceltype(
		*odd_word == 'a' ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, &old);
	atomic_store_explicit(&tid, gettid(), memory_order_relaxed);
	(*(void (*const *)(void))block)();
	must(false, "the call does not end");
	return NULL;
}

static bool is_blocked(void)
{
	const pid_t it = atomic_load_explicit(&tid, memory_order_relaxed);

	return it != 0 && sleeps_in_call(getpid(), it);
}

static void cancel(size_t way)
{
	pthread_t thread;
	void *result;

	atomic_store_explicit(&tid, 0, memory_order_relaxed);
	must_be(0, pthread_create(&thread, NULL, enter, (void *)&ways[way].block), "create");
	while (!is_blocked())
		sched_yield();
	must_be(0, pthread_cancel(thread), "pthread_cancel");
	must_be(0, pthread_join(thread, &result), "pthread_join");
	must(result == PTHREAD_CANCELED, "it was cancelled");
	printf("%s\n", ways[way].name);
}

/* Prints the one call of each thread. 'odd_word': deferred, or at once. */
int odd_cancels_calls(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pid_t pid;

	epoll = epoll_create1(0);
	listening = socket(AF_UNIX, SOCK_STREAM, 0);
	must(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 &&
		     bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 &&
		     listen(listening, 1) == 0,
	     "something to wait for");
	sigemptyset(&none);
	pid = fork();
	if (pid == 0) {
		while (true)
			pause();
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		cancel(i);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

/* Nothing but read, write, and the end of the thread is allowed then; not even reading the counter.
 */
int odd_strict(void)
{
	static const char text[] = "still here\n";

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		return 1;
	for (int i = 0; i < 3; i++)
		must(write(1, text, sizeof(text) - 1) > 0, "it may write");
	syscall(SYS_exit, 0);
	return 2;
}
