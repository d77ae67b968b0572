/* Programs that have system calls refused or sent to them, by seccomp or by dispatch of their own.
 */
#include "tests/traced/direct.h"

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ALLOW_AT_MOST 16

/* Calls of these numbers get 'found', all others 'other'. */
static void filter(const int *numbers, unsigned count, uint32_t found, uint32_t other,
		   bool by_prctl)
{
	struct sock_filter code[ALLOW_AT_MOST + 3] = { BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	const struct sock_fprog program = { .len = (unsigned short)(count + 3), .filter = code };

	for (unsigned i = 0; i < count; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   (uint32_t)numbers[i],
							   (unsigned char)(count - i), 0);
	code[count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, other);
	code[count + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, found);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	if (by_prctl)
		must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "a filter");
	else
		must(DIRECT(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "a filter");
}

int direct_refuses(void)
{
	static const int numbers[] = { SYS_getppid };

	filter(numbers, 1, SECCOMP_RET_ERRNO | EDOM, SECCOMP_RET_ALLOW, direct_word != NULL);
	TELL(getppid());
	TELL_DIRECT(SYS_getppid);
	TELL(getpid() > 0);
	fflush(stdout);
	{
		const pid_t pid = fork();

		if (pid == 0) {
			TELL_DIRECT(SYS_getppid);
			fflush(stdout);
			_exit(3);
		}
		direct_wait("child", pid);
	}
	return 0;
}

extern const char direct_trapped[], direct_sent[];

static void tell_trap(int signal, siginfo_t *info, void *context)
{
	greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	printf("signal %d, code %d, call %d, architecture %x, errno %d\n", signal, info->si_code,
	       info->si_syscall, info->si_arch, info->si_errno);
	printf("number %lld\n", registers[REG_RAX]);
	if (direct_word)
		printf("address %d, instruction %d\n", info->si_call_addr == direct_trapped,
		       registers[REG_RIP] == (greg_t)(uintptr_t)direct_trapped);
	registers[REG_RAX] = 42;
}

/* 'direct_word': looks at addresses too. */
int direct_traps(void)
{
	static const int numbers[] = { SYS_getppid };
	struct sigaction action = { .sa_sigaction = tell_trap, .sa_flags = SA_SIGINFO };
	long result = SYS_getppid;

	sigaction(SIGSYS, &action, NULL);
	filter(numbers, 1, SECCOMP_RET_TRAP | 7, SECCOMP_RET_ALLOW, true);
	__asm__ __volatile__("syscall\n"
			     ".globl direct_trapped\n"
			     "direct_trapped:"
			     : "+a"(result)
			     :
			     : "rcx", "r11", "memory", "cc");
	printf("result %ld\n", result);
	TELL(getpid() > 0);
	return 0;
}

/* What else is called ends the process. */
static void only(const int *numbers, unsigned count)
{
	fflush(stdout);
	filter(numbers, count, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, true);
	for (int i = 0; i < 50000; i++)
		DIRECT(SYS_getppid);
	direct_say("all calls are made\n");
	DIRECT(SYS_exit_group, 5);
}

int direct_allows_little(void)
{
	static const int numbers[] = { SYS_getppid, SYS_write, SYS_exit_group, SYS_rt_sigreturn };

	only(numbers, 4);
	return 1;
}

/* Not even the return of a handler. */
int direct_allows_less(void)
{
	static const int numbers[] = { SYS_getppid, SYS_write, SYS_exit_group };

	only(numbers, 3);
	return 1;
}

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static volatile char selector;

static void tell_dispatch(int signal, siginfo_t *info, void *context)
{
	greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	selector = 0;
	printf("signal %d, code %d, call %d, address %d, instruction %d\n", signal, info->si_code,
	       info->si_syscall, info->si_call_addr == direct_sent,
	       registers[REG_RIP] == (greg_t)(uintptr_t)direct_sent);
	registers[REG_RAX] = 77;
}

int direct_dispatches(void)
{
	struct sigaction action = { .sa_sigaction = tell_dispatch, .sa_flags = SA_SIGINFO };
	long result = SYS_getpid;

	sigaction(SIGSYS, &action, NULL);
	TELL(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector));
	fflush(stdout);
	selector = 1;
	__asm__ __volatile__("syscall\n"
			     ".globl direct_sent\n"
			     "direct_sent:"
			     : "+a"(result)
			     :
			     : "rcx", "r11", "memory", "cc");
	printf("result %ld\n", result);
	TELL(prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0));
	TELL(getpid() > 0);
	return 0;
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* No code may be made writable from now on. 'direct_word' is a library. */
int direct_denies_writing(void)
{
	void *handle;
	long (*call)(void);

	TELL(prctl(PR_SET_MDWE, 1, 0, 0, 0));
	handle = dlopen(direct_word, RTLD_NOW);
	must(handle, "dlopen");
	*(void **)&call = dlsym(handle, "direct_plugin_call");
	must(call, "dlsym");
	printf("%d\n", call() == getppid());
	printf("%d\n", dlclose(handle));
	return 0;
}
