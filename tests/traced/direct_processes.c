/* Children by libc's functions, programs that are executed, and ends. */
#include "tests/traced/direct.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What programs do in vfork's children, whether or not they should.
 * NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
static void vfork_and_end(void)
{
	static volatile sig_atomic_t seen;
	const pid_t pid = vfork();

	if (pid == 0) {
		seen = 1;
		direct_say("in vfork's child\n");
		_exit(3);
	}
	printf("the child wrote %d\n", (int)seen);
	direct_wait("vfork", pid);
}

static void vfork_and_execute(const char *path)
{
	const pid_t pid = vfork();

	if (pid == 0) {
		execl(path, "echo", "executed", (char *)NULL);
		direct_say(strerrorname_np(errno));
		direct_say("\n");
		_exit(4);
	}
	direct_wait(path, pid);
}

static void vfork_in_vfork(void)
{
	const pid_t pid = vfork();

	if (pid == 0) {
		const pid_t inner = vfork();
		int status = 0;

		if (inner == 0) {
			direct_say("the inner child\n");
			execl("/bin/echo", "echo", "inner", (char *)NULL);
			_exit(9);
		}
		waitpid(inner, &status, 0);
		direct_say("the outer child\n");
		_exit(status == 0 ? 5 : 6);
	}
	direct_wait("vfork in vfork", pid);
}

static void vfork_and_die(void)
{
	const pid_t pid = vfork();

	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(9);
	}
	direct_wait("vfork, killed", pid);
}

/* The instruction stands here: what returns twice has no frame of its own. */
static void vfork_directly(void)
{
	long pid = SYS_vfork;

	__asm__ __volatile__("syscall" : "+a"(pid) : : "rcx", "r11", "memory", "cc");
	if (pid == 0) {
		direct_say("in the child\n");
		DIRECT(SYS_exit_group, 12);
	}
	direct_wait("vfork by an instruction of one's own", (pid_t)pid);
}

static __attribute__((noinline)) void vfork_with(const int *status)
{
	const pid_t pid = vfork();
	int got;

	if (pid == 0)
		_exit(*status);
	must(waitpid(pid, &got, 0) == pid && WEXITSTATUS(got) == *status, "vfork");
}

static void *vfork_often(void *unused)
{
	for (int i = 0; i < 50; i++)
		vfork_with(&i);
	return unused;
}

/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */

int direct_vforks(void)
{
	pthread_t threads[3];

	fflush(stdout);
	vfork_and_end();
	vfork_and_execute("/bin/echo");
	vfork_and_execute("/no/such");
	vfork_in_vfork();
	vfork_and_die();
	vfork_directly();
	for (int i = 0; i < 3; i++)
		must(pthread_create(&threads[i], NULL, vfork_often, NULL) == 0, "a thread");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void spawn(const char *path, const posix_spawn_file_actions_t *actions,
		  const posix_spawnattr_t *attributes)
{
	char *const words[] = { (char *)"echo", (char *)"spawned", NULL };
	pid_t pid = 0;
	const int error = posix_spawn(&pid, path, actions, attributes, words, environ);

	if (error == 0)
		direct_wait("spawned", pid);
	printf("%s: %s\n", path, strerrorname_np(error));
	fflush(stdout);
}

int direct_spawns(void)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;

	spawn("/bin/echo", NULL, NULL);
	spawn("/no/such", NULL, NULL);
	spawn("/etc/passwd", NULL, NULL);
	spawn("/etc", NULL, NULL);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 5, "/no/such", O_RDONLY, 0);
	spawn("/bin/echo", &actions, NULL);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_init(&attributes);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &all);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	spawn("/bin/echo", NULL, &attributes);
	spawn("/no/such", NULL, &attributes);
	posix_spawnattr_destroy(&attributes);
	/* NOLINTNEXTLINE(cert-env33-c): it is what is tested. */
	printf("system: %d\n", system("exit 6"));
	return 0;
}

static void *answer(void *unused)
{
	return unused;
}

static void fork_once(pid_t (*how)(void), int status)
{
	const pid_t parent = getpid(), pid = how();
	int got;

	must(pid >= 0, "fork");
	if (pid == 0) {
		pthread_t thread;

		/* After _Fork libc's functions may not be called, as long as there were threads. */
		if (how == fork) {
			must(pthread_create(&thread, NULL, answer, NULL) == 0, "a thread");
			pthread_join(thread, NULL);
		}
		_exit(DIRECT(SYS_getppid) == parent && getppid() == parent ? status : 99);
	}
	must(waitpid(pid, &got, 0) == pid && WIFEXITED(got) && WEXITSTATUS(got) == status,
	     "it ends with its status");
}

static void *fork_often(void *unused)
{
	for (int i = 0; i < 25; i++) {
		fork_once(fork, i);
		fork_once(_Fork, 50 + i);
	}
	return unused;
}

int direct_forks(void)
{
	pthread_t threads[4];

	fork_often(NULL);
	for (int i = 0; i < 4; i++)
		must(pthread_create(&threads[i], NULL, fork_often, NULL) == 0, "a thread");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	puts("done");
	return 0;
}

static void make_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0,
	     "a file");
}

static void *execute(void *unused)
{
	execl("/bin/echo", "echo", "from a thread", (char *)NULL);
	return unused;
}

static void fail_to_execute(void)
{
	char *words[] = { (char *)"x", NULL, NULL };
	char *const none[] = { NULL };
	char path[PATH_MAX + 10], *much = calloc(1, 1 << 20);

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	memset(much, 'a', (1 << 20) - 1);
	TELL(execve("/no/such", words, none));
	TELL(execve("/etc/passwd", words, none));
	TELL(execve("/etc", words, none));
	TELL(execve(path, words, none));
	TELL(execve("/bin/true/x", words, none));
	TELL(syscall(SYS_execve, 8, words, none));
	TELL(syscall(SYS_execve, "/bin/true", 8, none));
	words[1] = much;
	TELL(execve("/bin/true", words, none));
	free(much);
}

static void exec_of_kind(int kind, const char *script)
{
	char *const words[] = { (char *)"echo", (char *)"hello", NULL };
	pthread_t thread;
	int fd;

	switch (kind) {
	case 0:
		execve("/bin/echo", words, environ);
		break;
	case 1:
		fd = open("/bin/echo", O_RDONLY | O_CLOEXEC);
		fexecve(fd, words, environ);
		break;
	case 2:
		execve(script, words, environ);
		break;
	case 3:
		pthread_create(&thread, NULL, execute, NULL);
		pthread_join(thread, NULL);
		break;
	default:
		DIRECT(SYS_execve, "/bin/echo", words, environ);
	}
	_exit(99);
}

/* 'direct_word' is a file that can be made. */
int direct_execs(void)
{
	pid_t pid;

	make_file(direct_word, "no program\n");
	fail_to_execute();
	TELL(execl(direct_word, "x", (char *)NULL));
	make_file(direct_word, "#!/bin/sh\necho script; exit 11\n");
	fflush(stdout);
	for (int kind = 0; kind < 5; kind++) {
		pid = fork();
		if (pid == 0)
			exec_of_kind(kind, direct_word);
		direct_wait("exec", pid);
	}
	return 0;
}

static void *end_thread(void *unused)
{
	DIRECT(SYS_exit, 0);
	return unused;
}

static void *end_process(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	exit(9);
}

static sem_t never;
static _Atomic pid_t blocked[4];

static void *block(void *how)
{
	static int ends[2];
	const int kind = *(const int *)how;
	char byte;

	direct_set(&blocked[kind], gettid());
	switch (kind) {
	case 0:
		must(pipe(ends) == 0, "a pipe");
		must(read(ends[0], &byte, 1) < 0, "nothing comes");
		break;
	case 1:
		sem_wait(&never);
		break;
	case 2:
		sleep(1000);
		break;
	default:
		poll(NULL, 0, -1);
	}
	return NULL;
}

static void end_of_kind(int kind)
{
	static const int kinds[] = { 0, 1, 2, 3 };
	static pthread_t self;
	pthread_t threads[4];

	self = pthread_self();
	if (kind == 0) {
		pthread_create(&threads[0], NULL, end_process, &self);
		pthread_exit(NULL);
	}
	if (kind == 1) {
		for (int i = 0; i < 100; i++) {
			pthread_create(&threads[0], NULL, end_thread, NULL);
			pthread_join(threads[0], NULL);
		}
		exit(10);
	}
	sem_init(&never, 0, 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, block, (void *)&kinds[i]);
	for (int i = 0; i < 4; i++) {
		while (direct_get(&blocked[i]) == 0 ||
		       (!sleeps_in_call(getpid(), direct_get(&blocked[i])) &&
			!sleeps_in_futex(getpid(), direct_get(&blocked[i]))))
			sched_yield();
	}
	DIRECT(SYS_exit_group, 11);
}

int direct_ends(void)
{
	pid_t pid;

	for (int kind = 0; kind < 3; kind++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			end_of_kind(kind);
		direct_wait("a child", pid);
	}
	return 0;
}
