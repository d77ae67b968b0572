/* Calls that block: interrupted, cancelled, looked at from a handler, and left by a jump. */
#include "tests/traced/direct.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static _Atomic int word;
static sem_t semaphore;
static const struct timespec late = { .tv_sec = 1000 };
static struct timespec left;

static long block_in_read(void)
{
	char byte;
	const long got = read(ends[0], &byte, 1);

	return got;
}

static long block_in_nanosleep(void)
{
	return nanosleep(&late, &left);
}

static long block_in_clock_nanosleep(void)
{
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &late, NULL);
}

static long block_in_futex(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL);
}

static long block_in_timed_futex(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &late);
}

static long block_in_direct_read(void)
{
	char byte;
	const long got = DIRECT(SYS_read, ends[0], &byte, 1);

	return got;
}

static long block_in_sem_wait(void)
{
	return sem_wait(&semaphore);
}

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static long block_in_condition(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	long result;

	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	result = pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(1);
	return result;
}

static long block_in_pause(void)
{
	return pause();
}

static const struct blocking {
	const char *name;
	long (*call)(void);
	bool restarts; /* with SA_RESTART */
	bool cancels;
} blocking[] = {
	{ "read", block_in_read, true, true },
	{ "nanosleep", block_in_nanosleep, false, true },
	{ "clock_nanosleep", block_in_clock_nanosleep, false, true },
	{ "futex", block_in_futex, true, false },
	{ "timed futex", block_in_timed_futex, false, false },
	{ "direct read", block_in_direct_read, true, false },
	{ "pause", block_in_pause, false, true },
	{ "sem_wait", block_in_sem_wait, true, true },
	{ "condition", block_in_condition, true, true },
};
#define KINDS (sizeof(blocking) / sizeof(blocking[0]))

static _Atomic int handled;
static _Atomic pid_t sleeper;
static _Atomic int over;

static void count(int signal)
{
	(void)signal;
	direct_add(&handled, 1);
}

static bool is_blocked(void)
{
	const pid_t tid = direct_get(&sleeper);

	return tid && (sleeps_in_call(getpid(), tid) || sleeps_in_futex(getpid(), tid));
}

static const struct blocking *now;

static void *block(void *unused)
{
	long result;

	direct_set(&sleeper, gettid());
	errno = 0;
	result = now->call();
	printf("%s: %ld, %s\n", now->name, result, strerrorname_np(errno));
	direct_set(&over, true);
	return unused;
}

/* What a blocked thread waits for. */
static void let_go(void)
{
	if (now->call == block_in_read || now->call == block_in_direct_read)
		must(write(ends[1], "x", 1) == 1, "a byte");
	else if (now->call == block_in_sem_wait)
		sem_post(&semaphore);
	else if (now->call == block_in_futex) {
		direct_set(&word, 1);
		syscall(SYS_futex, &word, FUTEX_WAKE, 1);
	}
}

static void interrupt(const struct blocking *which, int flags)
{
	struct sigaction action = { .sa_handler = count, .sa_flags = flags };
	const bool goes_on = which->restarts && (flags & SA_RESTART);
	pthread_t thread;

	if (which->call == block_in_condition)
		return; /* it may wake up for nothing, or not */
	now = which;
	direct_set(&handled, 0);
	direct_set(&sleeper, 0);
	direct_set(&word, 0);
	direct_set(&over, false);
	sigaction(SIGUSR1, &action, NULL);
	must(pthread_create(&thread, NULL, block, NULL) == 0, "a thread");
	while (!direct_get(&over) && (!goes_on || direct_get(&handled) < 5)) {
		const int before = direct_get(&handled);

		while (!direct_get(&over) && !is_blocked())
			sched_yield();
		if (!direct_get(&over))
			pthread_kill(thread, SIGUSR1);
		while (!direct_get(&over) && direct_get(&handled) == before)
			sched_yield();
	}
	if (goes_on) {
		while (!is_blocked())
			sched_yield();
		let_go();
	}
	pthread_join(thread, NULL);
	printf("%s, SA_RESTART %d: handler ran: %d\n", which->name, flags != 0,
	       goes_on ? direct_get(&handled) == 5 : direct_get(&handled) > 0);
}

int direct_interrupts(void)
{
	must(pipe(ends) == 0 && sem_init(&semaphore, 0, 0) == 0, "a pipe");
	for (size_t i = 0; i < KINDS; i++) {
		interrupt(&blocking[i], 0);
		interrupt(&blocking[i], SA_RESTART);
	}
	printf("some time is left: %d\n", left.tv_sec > 900);
	return 0;
}

static void told_by_handler(void *what)
{
	printf("clean-up handler of %s\n", (const char *)what);
}

static void told_by_scope(const char *const *what)
{
	printf("end of the scope of %s\n", *what);
}

static __attribute__((noinline)) void innermost(void)
{
	__attribute__((cleanup(told_by_scope), unused)) const char *const scope = "innermost";

	now->call();
	puts("not cancelled");
}

static __attribute__((noinline)) void between(void)
{
	__attribute__((cleanup(told_by_scope), unused)) const char *const scope = "between";

	pthread_cleanup_push(told_by_handler, (void *)"between");
	innermost();
	pthread_cleanup_pop(0);
}

static void *be_cancelled(void *type)
{
	int old;

	direct_set(&sleeper, gettid());
	pthread_setcanceltype(*(int *)type, &old);
	pthread_cleanup_push(told_by_handler, (void *)"outermost");
	between();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel(const struct blocking *which, int type)
{
	pthread_t thread;
	void *result;

	if (!which->cancels && type == PTHREAD_CANCEL_DEFERRED)
		return;
	now = which;
	direct_set(&sleeper, 0);
	direct_set(&word, 0);
	must(pthread_create(&thread, NULL, be_cancelled, &type) == 0, "a thread");
	while (!is_blocked())
		sched_yield();
	pthread_cancel(thread);
	pthread_join(thread, &result);
	printf("%s, %s: %s\n", which->name,
	       type == PTHREAD_CANCEL_DEFERRED ? "deferred" : "at once",
	       result == PTHREAD_CANCELED ? "cancelled" : "ended");
}

int direct_cancels(void)
{
	must(pipe(ends) == 0 && sem_init(&semaphore, 0, 0) == 0, "a pipe");
	for (size_t i = 0; i < KINDS; i++) {
		cancel(&blocking[i], PTHREAD_CANCEL_DEFERRED);
		cancel(&blocking[i], PTHREAD_CANCEL_ASYNCHRONOUS);
	}
	return 0;
}

static void *frames[100];
static _Atomic int depth;

static void take_backtrace(int signal)
{
	(void)signal;
	direct_set(&depth, backtrace(frames, 100));
}

static void print_own_frames(void)
{
	for (int i = 0; i < direct_get(&depth); i++) {
		Dl_info info;

		/* A return address may be behind the last instruction. */
		if (dladdr((char *)frames[i] - 1, &info) && info.dli_sname &&
		    (strncmp(info.dli_sname, "direct_", 7) == 0 ||
		     strcmp(info.dli_sname, "read") == 0))
			printf(" %s", info.dli_sname);
	}
	puts("");
}

/* Of the dynamic symbols, so that they can be named. */
void *direct_block_for_backtrace(void *unused);

__attribute__((noinline)) void *direct_block_for_backtrace(void *unused)
{
	const long result = now->call();

	printf("%s: %ld\n", now->name, result);
	return unused;
}

static void *block_for_backtrace(void *unused)
{
	direct_set(&sleeper, gettid());
	direct_block_for_backtrace(unused);
	return unused;
}

int direct_backtraces(void)
{
	struct sigaction action = { .sa_handler = take_backtrace, .sa_flags = SA_RESTART };
	pthread_t thread;

	must(pipe(ends) == 0 && sem_init(&semaphore, 0, 0) == 0, "a pipe");
	/* Its first use loads a library. */
	backtrace(frames, 1);
	sigaction(SIGUSR1, &action, NULL);
	for (size_t i = 0; i < KINDS; i++) {
		if (!blocking[i].restarts || blocking[i].call == block_in_condition)
			continue;
		now = &blocking[i];
		direct_set(&depth, 0);
		direct_set(&sleeper, 0);
		direct_set(&word, 0);
		must(pthread_create(&thread, NULL, block_for_backtrace, NULL) == 0, "a thread");
		while (!is_blocked())
			sched_yield();
		pthread_kill(thread, SIGUSR1);
		while (direct_get(&depth) == 0 || !is_blocked())
			sched_yield();
		let_go();
		pthread_join(thread, NULL);
		print_own_frames();
	}
	return 0;
}

/* Until a byte comes from outside, for a debugger to look at; says who it is. */
int direct_blocks(void)
{
	now = &blocking[0];
	ends[0] = 0;
	printf("%d\n", getpid());
	fflush(stdout);
	direct_block_for_backtrace(NULL);
	return 0;
}

static void call_in_handler(int signal)
{
	char byte;

	(void)signal;
	for (int i = 0; i < 100; i++)
		DIRECT(SYS_getppid);
	must(getppid() > 0 && read(-1, &byte, 1) == -1, "calls");
	direct_add(&handled, 1);
}

/* What old programs have as the size of such a stack. */
#define OLD_SIGSTKSZ 8192

int direct_alternate(void)
{
	static char room[OLD_SIGSTKSZ + 4096];
	const stack_t stack = { .ss_sp = room + 4096, .ss_size = OLD_SIGSTKSZ };
	struct sigaction action = { .sa_handler = call_in_handler, .sa_flags = SA_ONSTACK };

	memset(room, 'x', sizeof(room));
	must(sigaltstack(&stack, NULL) == 0, "sigaltstack");
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 100; i++)
		raise(SIGUSR1);
	printf("handled %d\n", direct_get(&handled));
	for (int i = 0; i < 4096; i++) {
		if (room[i] != 'x') {
			printf("written beyond the stack: %d bytes\n", 4096 - i);
			break;
		}
	}
	return 0;
}

static sigjmp_buf again;

static void jump(int signal)
{
	siglongjmp(again, signal);
}

static void *send_when_blocked(void *to)
{
	while (!direct_get(&over)) {
		if (is_blocked())
			pthread_kill(*(pthread_t *)to, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

int direct_jumps(void)
{
	struct sigaction action = { .sa_handler = jump };
	volatile int jumps = 0;
	pthread_t thread, self = pthread_self();
	sigset_t set;
	char byte;

	must(pipe(ends) == 0, "a pipe");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &action, NULL);
	must(pthread_create(&thread, NULL, send_when_blocked, &self) == 0, "a thread");
	if (sigsetjmp(again, 1) != 0)
		jumps++;
	if (jumps < 200) {
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		direct_set(&sleeper, gettid());
		must(read(ends[0], &byte, 1) < 0, "nothing comes");
	}
	direct_set(&sleeper, 0);
	direct_set(&over, true);
	pthread_join(thread, NULL);
	printf("%d jumps\n", jumps);
	return 0;
}
