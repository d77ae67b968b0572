/* Children and threads that are made by clone and clone3, not by libc's functions. */
#include "tests/traced/direct.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L

static pid_t self;

/* What a child of its own memory does: with libc, whose state is a copy. */
static _Noreturn void end_child(int status)
{
	DIRECT(SYS_exit_group, DIRECT(SYS_getppid) == self && getppid() == self ? status : 99);
	__builtin_unreachable();
}

static void clone_like_fork(const char *what, unsigned long flags, int status)
{
	pid_t words[2] = { -1, -1 };
	const pid_t pid = (pid_t)DIRECT(SYS_clone, flags | SIGCHLD, 0, &words[0], &words[1]);

	if (pid == 0)
		end_child(flags & CLONE_CHILD_SETTID && words[1] != getpid() ? 98 : status);
	printf("parent's word is %s, child's word is %s\n",
	       words[0] == pid ? "written" :
	       words[0] == -1  ? "left" :
				 "odd",
	       words[1] == -1 ? "left" : "written");
	direct_wait(what, pid);
}

/* With a page below it that may not be touched. */
static char *make_stack(long bytes)
{
	char *at = mmap(NULL, (size_t)(bytes + PAGE), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED && mprotect(at, PAGE, PROT_NONE) == 0, "a stack");
	return at + PAGE + bytes;
}

static _Atomic int shared;

static int work_in_our_memory(void *times)
{
	for (int i = 0; i < *(const int *)times; i++)
		direct_add(&shared, DIRECT(SYS_getppid) == self);
	return 5;
}

static void clone_with_memory(void)
{
	const int once = 1, often = 2000;
	const int *times[] = { &once, &often };

	for (long bytes = PAGE; bytes <= 16 * PAGE; bytes *= 2) {
		direct_set(&shared, 0);
		direct_wait("shares memory, parent waits",
			    clone(work_in_our_memory, make_stack(bytes),
				  CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)times[0]));
		printf("%ld bytes of stack: %d\n", bytes, direct_get(&shared));
	}
	for (int i = 0; i < 20; i++) {
		const pid_t pid = clone(work_in_our_memory, make_stack(64 * PAGE),
					CLONE_VM | SIGCHLD, (void *)times[1]);

		for (int j = 0; j < often; j++)
			must(DIRECT(SYS_getpid) == self, "our pid");
		direct_wait("shares memory and thread-local storage, parent goes on", pid);
	}
	printf("%d\n", direct_get(&shared));
}

int direct_clones(void)
{
	self = getpid();
	clone_like_fork("clone as fork", 0, 7);
	clone_like_fork("clone, parent waits", CLONE_VFORK, 8);
	clone_like_fork("clone with a word for the parent", CLONE_PARENT_SETTID, 9);
	clone_like_fork("clone with a word for the child",
			CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, 10);
	clone_with_memory();
	TELL_DIRECT(SYS_clone, CLONE_THREAD);
	TELL_DIRECT(SYS_clone, CLONE_SIGHAND | SIGCHLD);
	TELL_DIRECT(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD);
	clone_like_fork("and once more", 0, 11);
	return 0;
}

static void clone3_like_fork(unsigned long flags, size_t size)
{
	struct clone_args arguments = { .flags = flags, .exit_signal = SIGCHLD };
	int descriptor = -1;
	pid_t pid;

	if (flags & CLONE_PIDFD)
		arguments.pidfd = (uintptr_t)&descriptor;
	pid = (pid_t)DIRECT(SYS_clone3, &arguments, size);
	if (pid == 0)
		end_child(20);
	printf("descriptor: %d, ", descriptor > 2);
	direct_wait("clone3", pid);
	if (descriptor > 2)
		close(descriptor);
}

/* What the kernel refuses, the recorder must not look at. */
static void clone3_refused(void)
{
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	char *page =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char large[2 * PAGE];

	must(page != MAP_FAILED && munmap(page + PAGE, PAGE) == 0, "a page");
	memset(large, 1, sizeof(large));
	TELL_DIRECT(SYS_clone3, NULL, 0);
	TELL_DIRECT(SYS_clone3, NULL, 88);
	TELL_DIRECT(SYS_clone3, 8, 64);
	TELL_DIRECT(SYS_clone3, -1, 64);
	TELL_DIRECT(SYS_clone3, &arguments, 0);
	TELL_DIRECT(SYS_clone3, &arguments, 63);
	TELL_DIRECT(SYS_clone3, &arguments, PAGE + 1);
	TELL_DIRECT(SYS_clone3, &arguments, -1);
	TELL_DIRECT(SYS_clone3, large, 2 * PAGE);
	TELL_DIRECT(SYS_clone3, large, 128);
	TELL_DIRECT(SYS_clone3, page + PAGE - 32, 64);
	arguments.flags = UINT64_C(1) << 60;
	TELL_DIRECT(SYS_clone3, &arguments, 64);
	arguments = (struct clone_args){ .exit_signal = 200 };
	TELL_DIRECT(SYS_clone3, &arguments, 64);
	arguments = (struct clone_args){ .exit_signal = SIGCHLD, .stack = (uintptr_t)page };
	TELL_DIRECT(SYS_clone3, &arguments, 64);
	arguments = (struct clone_args){ .flags = CLONE_VM | CLONE_SETTLS | CLONE_THREAD };
	TELL_DIRECT(SYS_clone3, &arguments, 64);
}

int direct_clone3s(void)
{
	self = getpid();
	clone3_like_fork(0, 64);
	clone3_like_fork(CLONE_VFORK, sizeof(struct clone_args));
	clone3_like_fork(CLONE_PIDFD, 64);
	clone3_refused();
	clone3_like_fork(0, 64);
	return 0;
}

static _Atomic int ended;

/* On thread-local storage that libc knows nothing of. */
static int run_bare(void *unused)
{
	int count = 0;

	(void)unused;
	for (int i = 0; i < 1000; i++)
		count += DIRECT(SYS_getpid) == self;
	direct_set(&shared, count);
	return 0;
}

/* Another runtime's thread: its storage is a block of zeros that knows its own address. */
int direct_bare_thread(void)
{
	static _Alignas(64) char storage[4 * PAGE];
	void **const head = (void **)&storage[3 * PAGE];
	int now;

	self = getpid();
	*head = head;
	direct_set(&ended, 1);
	must(clone(run_bare, make_stack(16 * PAGE),
		   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			   CLONE_SYSVSEM | CLONE_SETTLS | CLONE_CHILD_CLEARTID,
		   NULL, NULL, head, &ended) > 0,
	     "a thread");
	while ((now = direct_get(&ended)) != 0)
		DIRECT(SYS_futex, &ended, FUTEX_WAIT, now, NULL);
	printf("it saw us %d times\n", direct_get(&shared));
	return 0;
}
