/* A program with a known schedule: locks of every kind are had, refused and contended a known
 * number of times, in threads, forked children, spawned children and an exec. schedule FILE: each
 * process appends to FILE what its trace must show, for tests/schedule_test.py. */
#include "tests/traced/schedule.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program, *file;

static void join(pid_t pid, int wanted)
{
	int status;

	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == wanted,
	     "a child ends with its status");
}

void schedule_join(pid_t pid)
{
	join(pid, 0);
}

/* The end of a child: once by exit, once by _exit. */
static void end(bool at_once)
{
	expect(TRACE_EXIT, 0);
	expect_end();
	if (at_once)
		_exit(0);
	exit(0);
}

static void be_child(void (*act)(void *object), void *object, bool at_once)
{
	expect_begin(file, 0);
	act(object);
	end(at_once);
}

pid_t schedule_fork(void (*act)(void *object), void *object)
{
	pid_t pid;

	expect(TRACE_FORK, 0);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		be_child(act, object, false);
	expect(TRACE_FORKED, 0);
	return pid;
}

static void some(void *unused)
{
	(void)unused;
	schedule_mutexes();
	schedule_c11();
}

static void few(void *unused)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	(void)unused;
	for (int i = 0; i < 10; i++) {
		must_be(0, pthread_mutex_lock(&mutex), "pthread_mutex_lock");
		must_be(0, pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	}
	expect_many(TRACE_MUTEX_ACQUIRE, 10);
	expect_many(TRACE_MUTEX_RELEASE, 10);
}

/* A child of a child, while the others are still there. */
static void more(void *unused)
{
	const pid_t pid = schedule_fork(few, unused);

	schedule_semaphores();
	schedule_join(pid);
}

static void children(void)
{
	pid_t pid, others[3];

	for (int i = 0; i < 3; i++)
		others[i] = schedule_fork(i == 0 ? some : more, NULL);
	expect(TRACE_FORK, 0);
	pid = _Fork();
	if (pid == 0)
		be_child(few, NULL, true);
	expect(TRACE_FORKED, 0);
	join(pid, 0);
	for (int i = 0; i < 3; i++)
		join(others[i], 0);
}

static void no_act(void *unused)
{
	(void)unused;
}

/* A system call that no hook stands before. */
static void hidden_child(void (*act)(void *object))
{
	const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		be_child(act, NULL, true);
	join(pid, 0);
}

static void spawned_children(void)
{
	char word[] = "spawned";
	char *const words[] = { program, word, file, NULL };
	char *const nothing[] = { NULL };
	pid_t first, second, none;

	must_be(0, posix_spawn(&first, program, NULL, NULL, words, environ), "posix_spawn");
	must_be(0, posix_spawnp(&second, program, NULL, NULL, words, nothing), "posix_spawnp");
	must_be(ENOENT, posix_spawn(&none, "/no/such/program", NULL, NULL, words, environ),
		"posix_spawn of nothing");
	expect_many(TRACE_SPAWN, 3);
	expect_many(TRACE_SPAWNED, 2);
	expect(TRACE_SPAWNED, ENOENT);
	join(first, 0);
	join(second, 0);
}

static void borrowed_child_that_runs(void)
{
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): its hook is tested. */
	const pid_t pid = vfork();

	if (pid == 0) {
		execl("/no/such/program", "none", (char *)NULL);
		execl(program, program, "spawned", file, (char *)NULL);
		_exit(98);
	}
	join(pid, 0);
	expect(TRACE_VFORK, 0);
	expect_many(TRACE_EXEC, 2);
	expect(TRACE_EXEC_FAIL, ENOENT);
}

static void borrowed_child_that_ends(void)
{
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
	const pid_t pid = vfork();

	if (pid == 0)
		_exit(3);
	join(pid, 3);
	expect(TRACE_VFORK, 0);
}

static void everything(void)
{
	schedule_mutexes();
	schedule_rwlocks();
	schedule_spin_locks();
	schedule_semaphores();
	schedule_conditions();
	schedule_barriers_and_once();
	schedule_c11();
	schedule_threads();
}

int main(int argc, char *argv[])
{
	must(argc == 3, "schedule first FILE");
	program = argv[0];
	file = argv[2];
	expect_begin(file, strcmp(argv[1], "last") == 0);
	if (strcmp(argv[1], "first") == 0) {
		everything();
		children();
		spawned_children();
		if (!actor_is_emulated()) {
			hidden_child(few);
			hidden_child(no_act);
			borrowed_child_that_runs();
		}
		borrowed_child_that_ends();
		schedule_join(schedule_fork(schedule_shared, NULL));
		schedule_join(schedule_fork(schedule_fights, NULL));
		expect(TRACE_EXEC, 0);
		expect_end();
		execl(program, program, "last", file, (char *)NULL);
		_exit(97);
	}
	some(NULL);
	expect(TRACE_EXIT, 0);
	expect_end();
	return 0;
}
