/* Programs that do odd things while they are traced: odd NAME FILE [WORD]. What they expect of
 * their traces goes to FILE, for tests/trace_odd_test.py; "-": nothing. */
#include "tests/traced/odd.h"

#include "tests/traced/odd_library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

const char *odd_word, *odd_file;

static void expect_locks(unsigned long times)
{
	expect_many(TRACE_MUTEX_ACQUIRE, times);
	expect_many(TRACE_MUTEX_RELEASE, times);
}

/* A mutex for each call, so that threads do not meet. */
void odd_lock(unsigned long times)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	for (unsigned long i = 0; i < times; i++) {
		must_be(0, pthread_mutex_lock(&mutex), "pthread_mutex_lock");
		must_be(0, pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	}
	expect_locks(times);
}

static void lock_ten(void *unused)
{
	(void)unused;
	odd_lock(10);
}

static void wait_and_lock(void *gate)
{
	char byte;

	must(read(*(int *)gate, &byte, 1) == 0, "the gate opens");
	odd_lock(10);
}

void odd_threads(int count)
{
	struct actor *actors = calloc((size_t)count, sizeof(*actors));
	int ends[2];

	must(actors && pipe(ends) == 0, "a pipe");
	for (int i = 0; i < count; i++)
		actor_start(&actors[i], wait_and_lock, &ends[0]);
	close(ends[1]);
	for (int i = 0; i < count; i++)
		actor_join(&actors[i]);
	close(ends[0]);
	free(actors);
}

void odd_end(void)
{
	expect(TRACE_EXIT, 0);
	expect_locks(LIBRARY_DESTRUCTOR_LOCKS);
	expect_end();
}

static void wait_for(pid_t pid, int wanted)
{
	int status;

	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == wanted,
	     "a child ends with its status");
}

static void fork_once(bool with_thread)
{
	struct actor actor;
	pid_t pid;

	expect(TRACE_FORK, 0);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		expect_begin(odd_file, 0);
		odd_lock(10);
		if (with_thread) {
			actor_start(&actor, lock_ten, NULL);
			actor_join(&actor);
		}
		expect(TRACE_EXIT, 0);
		expect_end();
		_exit(4);
	}
	expect(TRACE_FORKED, 0);
	wait_for(pid, 4);
}

void odd_fork(void)
{
	fork_once(true);
}

/* What a program does after it has done something odd to itself. */
static int go_on(void)
{
	struct actor actor;

	odd_lock(100000);
	actor_start(&actor, lock_ten, NULL);
	actor_join(&actor);
	odd_fork();
	return 0;
}

static int closes_all(void)
{
	closefrom(3);
	return go_on();
}

static int changes_folder(void)
{
	must(chdir("/") == 0, "chdir");
	return go_on();
}

/* 'odd_word' is the new root, in which the file is. */
static int changes_root(void)
{
	must(chroot(odd_word) == 0 && chdir("/") == 0, "chroot");
	odd_file += strlen(odd_word);
	expect_move(odd_file);
	return go_on();
}

static int becomes_nobody(void)
{
	must(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "setuid");
	return go_on();
}

static int limits_files(void)
{
	const struct rlimit limit = { 5, 5 };

	closefrom(3);
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	return go_on();
}

static int limits_memory(void)
{
	const struct rlimit limit = { 500 << 20, 500 << 20 };
	char *memory;

	must(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
	memory = malloc(150 << 20);
	must(memory, "150 MB can be had of 500");
	free(memory);
	return go_on();
}

static int has_thousand_threads(void)
{
	odd_threads(1000);
	return 0;
}

static int has_many_short_threads(void)
{
	struct actor actor;

	for (int i = 0; i < 10000; i++) {
		actor_start(&actor, lock_ten, NULL);
		actor_join(&actor);
	}
	return 0;
}

static int forks_often(void)
{
	for (int i = 0; i < 2000; i++)
		fork_once(false);
	return 0;
}

/* The environment as a child sees it that is given none, or the one that is left. */
static int clears_environment(void)
{
	char *const words[] = { (char *)"env", NULL };
	pid_t pid;

	clearenv();
	must_be(0, posix_spawn(&pid, "/usr/bin/env", NULL, NULL, words, environ), "posix_spawn");
	wait_for(pid, 0);
	setenv("LEFT", "over", 1);
	setenv("LD_PRELOAD", odd_word, 1);
	setenv("RIGHT", "too", 1);
	must_be(0, posix_spawn(&pid, "/usr/bin/env", NULL, NULL, words, environ), "posix_spawn");
	wait_for(pid, 0);
	execle("/usr/bin/env", "env", (char *)NULL, (char *[]){ (char *)"ONLY=this", NULL });
	return 1;
}

/* As nobody, who may not reach the recorder: not traced, and undisturbed. */
static int execs_as_nobody(void)
{
	must(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "setuid");
	execl("/bin/echo", "echo", "here", (char *)NULL);
	return 1;
}

static int tells_descriptors(void)
{
	for (int fd = 0; fd < 64; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			dprintf(atoi(odd_word), "%d ", fd);
	}
	return 0;
}

static int tells_state(void)
{
	struct sigaction action;
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < 65; i++) {
		if (sigaction(i, NULL, &action) == 0)
			printf("%d: %s%s\n", i,
			       action.sa_handler == SIG_DFL ? "default" :
			       action.sa_handler == SIG_IGN ? "ignored" :
							      "handled",
			       sigismember(&mask, i) == 1 ? ", blocked" : "");
	}
	printf("own group: %d\n", getpgrp() == getpid());
	printf("parent's group: %d, session: %d\n", getpgrp() == getpgid(getppid()),
	       getsid(0) == getsid(getppid()));
	return 0;
}

static volatile sig_atomic_t interrupted;

static void note(int signal)
{
	interrupted = signal;
}

/* Until it is interrupted; says when it can be. */
static int waits_for_interrupt(void)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	signal(SIGINT, note);
	signal(SIGTERM, note);
	puts("ready");
	fflush(stdout);
	while (!interrupted)
		sigsuspend(&old);
	return 20 + interrupted;
}

static int kills_itself(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	kill(getpid(), atoi(odd_word));
	return 0;
}

static int exits(void)
{
	return atoi(odd_word);
}

static const struct {
	const char *name;
	int (*run)(void);
} table[] = {
	{ "signals", odd_signals },
	{ "jumps", odd_jumps },
	{ "cancels", odd_cancels },
	{ "errno", odd_errno },
	{ "ends", odd_ends },
	{ "library", odd_library },
	{ "many-ends", odd_many_ends },
	{ "fork-beside-threads", odd_fork_beside_threads },
	{ "detached", odd_detached },
	{ "calls", odd_calls },
	{ "calls-in-handlers", odd_calls_in_handlers },
	{ "cancels-calls", odd_cancels_calls },
	{ "strict", odd_strict },
	{ "gil-states", odd_gil_states },
	{ "closes-all", closes_all },
	{ "changes-folder", changes_folder },
	{ "changes-root", changes_root },
	{ "becomes-nobody", becomes_nobody },
	{ "limits-files", limits_files },
	{ "limits-memory", limits_memory },
	{ "thousand-threads", has_thousand_threads },
	{ "short-threads", has_many_short_threads },
	{ "forks", forks_often },
	{ "goes-on", go_on },
	{ "clears-environment", clears_environment },
	{ "execs-as-nobody", execs_as_nobody },
	{ "descriptors", tells_descriptors },
	{ "state", tells_state },
	{ "waits", waits_for_interrupt },
	{ "kills", kills_itself },
	{ "exits", exits },
};

int main(int argc, char *argv[])
{
	int status;

	must(argc >= 3, "odd NAME FILE [WORD]");
	odd_file = argv[2];
	odd_word = argv[3];
	expect_begin(odd_file, 0);
	expect_locks(LIBRARY_CONSTRUCTOR_LOCKS);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, argv[1]) != 0)
			continue;
		status = table[i].run();
		odd_end();
		return status;
	}
	must_fail("the name is one of the table");
}
