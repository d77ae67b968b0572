/* The launcher's loop: sleeps until a traced thread wants something, a child ends, or a moment has
 * passed. */
#include "tracer/launcher/run.h"

#include "base/clock.h"
#include "base/start.h"
#include "tracer/launcher/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Rings are kept ready for bursts of threads, and for those that write much. */
#define READY_SMALL 64
#define READY_LARGE 3
/* More when they are used up, a quarter of a GB at most. */
#define READY_LARGE_MOST 64
#define NAP_NS 20000000
#define LOOK_NS 50000000
/* What the command leaves behind may still be ending. */
#define GRACE_NS 300000000

/* For the signal handlers: where to wake the loop, and whom to pass signals on to. */
static struct arena *arena_of_handlers; /* while the command runs */
static volatile sig_atomic_t child_of_handlers;
static volatile sig_atomic_t early; /* a signal that came before there was a child */

static void wake(int signal)
{
	struct arena *arena = arena_of_handlers;

	(void)signal;
	/* [ring-wanted] Seen before the loop sleeps, or the sleep is interrupted. */
	if (arena)
		atomic_fetch_add_explicit(&arena->wanted, 1, memory_order_release);
}

static void pass_on(int signal)
{
	if (child_of_handlers > 0)
		kill((pid_t)child_of_handlers, signal);
	else
		early = signal;
}

static const struct {
	int signal;
	void (*handler)(int);
} handled[] = {
	{ SIGCHLD, wake },   { SIGTERM, pass_on }, { SIGHUP, pass_on },
	{ SIGINT, SIG_IGN }, { SIGQUIT, SIG_IGN }, { SIGXFSZ, SIG_IGN }, /* then writing fails */
};
#define HANDLED (sizeof(handled) / sizeof(handled[0]))
static struct sigaction before[HANDLED];

void run_catch_signals(void)
{
	for (size_t i = 0; i < HANDLED; i++) {
		struct sigaction action = { .sa_handler = handled[i].handler };

		sigaction(handled[i].signal, &action, &before[i]);
	}
}

void run_release_signals(void)
{
	for (size_t i = 0; i < HANDLED; i++)
		sigaction(handled[i].signal, &before[i], NULL);
}

static char *preload_value(const char *library)
{
	const char *old = getenv("LD_PRELOAD");
	char *value = NULL;

	if (asprintf(&value, "%s%s%s", library, old && old[0] ? ":" : "", old ? old : "") < 0)
		return NULL;
	return value;
}

/* The child, up to exec; an error is told through the pipe. */
static void become(const char *path, char *const words[], const char *preload, int report)
{
	int error;

	run_release_signals();
	start_restore();
	if (!preload || setenv("LD_PRELOAD", preload, 1) != 0)
		error = ENOMEM;
	else {
		execv(path, words);
		/* A script without an interpreter's name is the shell's, as execvp has it. */
		if (errno == ENOEXEC)
			execvp(path, words);
		error = errno;
	}
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static pid_t start(const char *path, char *const words[], const char *library, struct err *err)
{
	char *preload = preload_value(library);
	int ends[2], error = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) == 0) {
		pid = fork();
		if (pid == 0)
			become(path, words, preload, ends[1]);
		close(ends[1]);
		if (pid > 0 && read(ends[0], &error, sizeof(error)) == sizeof(error)) {
			waitpid(pid, NULL, 0);
			pid = -1;
		} else if (pid > 0) {
			error = 0;
		}
		close(ends[0]);
	}
	free(preload);
	if (pid < 0)
		err_set(err, error == ENOENT ? 127 : 126, "cannot run '%s': %s", path,
			strerror(error ? error : errno));
	return pid;
}

static void sleep_until_wanted(struct arena *arena, uint32_t seen)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	syscall(SYS_futex, &arena->wanted, FUTEX_WAIT, seen, &nap, NULL, 0);
}

/* One turn: what is asked is answered, what is there is drained, what was used up is replaced. */
static void turn(struct memory *memory, struct drain *drain)
{
	static uint32_t large = READY_LARGE;
	static struct serve serve;

	if (atomic_load_explicit(&memory->arena->ready_large, memory_order_relaxed) == 0 &&
	    memory->high_large > ARENA_SMALL_RINGS && large < READY_LARGE_MOST)
		large *= 2;
	serve_sites(&serve, memory->arena);
	drain_sweep(drain);
	memory_prepare(memory, READY_SMALL, large);
}

static void drain_until_it_ends(struct run *run, pid_t pid, struct memory *memory,
				struct drain *drain)
{
	int status;

	for (;;) {
		/* [ring-wanted] What is wanted after this is seen by the next turn. */
		const uint32_t seen =
			atomic_load_explicit(&memory->arena->wanted, memory_order_acquire);

		turn(memory, drain);
		drain_look_after_processes(drain, LOOK_NS);
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		sleep_until_wanted(memory->arena, seen);
	}
	run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	run->status = run->signal ? 128 + run->signal : WEXITSTATUS(status);
}

static void drain_what_is_left(struct memory *memory, struct drain *drain)
{
	const uint64_t until = clock_now_ns() + GRACE_NS;
	const struct timespec moment = { .tv_nsec = 2000000 };

	for (;;) {
		turn(memory, drain);
		drain_look_after_processes(drain, 0);
		if (drain_count_running(drain) == 0 || clock_now_ns() >= until)
			break;
		nanosleep(&moment, NULL);
	}
	turn(memory, drain);
}

bool run_command(struct run *run, const char *path, char *const words[], struct memory *memory,
		 struct drain *drain, struct err *err)
{
	const uint64_t begin = clock_now_ns();
	pid_t pid;

	memory_prepare(memory, READY_SMALL, 0);
	arena_of_handlers = memory->arena;
	pid = start(path, words, memory->library, err);
	if (pid > 0) {
		child_of_handlers = pid;
		if (early)
			kill(pid, early);
		drain_until_it_ends(run, pid, memory, drain);
		run->elapsed_ns = clock_now_ns() - begin;
		child_of_handlers = 0;
		drain_what_is_left(memory, drain);
	}
	arena_of_handlers = NULL;
	return pid > 0;
}
