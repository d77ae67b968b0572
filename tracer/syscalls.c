/* Names are libseccomp's. It makes a copy of a name each time it is asked, so all are asked for
 * once. */
#include "tracer/syscalls.h"

#include "tracer/trace.h"

#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's numbers end below it. */
#define NUMBERS 512

static struct {
	char name[SYSCALL_NAME]; /* empty: unknown */
	bool takes_number;
	uint8_t call;
} known[NUMBERS];

/* A descriptor, a process, a signal, a size, flags. */
static const char *const taking_numbers =
	" read write close fstat lseek ioctl pread64 pwrite64 readv writev dup dup2 dup3"
	" sendfile socket connect accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg"
	" recvmmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt"
	" fcntl flock fsync fdatasync syncfs ftruncate getdents getdents64 fchdir fchmod fchown"
	" fstatfs readahead fsetxattr fgetxattr flistxattr fremovexattr fadvise64 fallocate"
	" openat openat2 mkdirat mknodat fchownat futimesat newfstatat statx unlinkat renameat"
	" renameat2 linkat readlinkat fchmodat fchmodat2 faccessat faccessat2 utimensat splice"
	" tee vmsplice sync_file_range copy_file_range preadv pwritev preadv2 pwritev2"
	" close_range name_to_handle_at open_by_handle_at execveat memfd_secret cachestat select"
	" pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2"
	" eventfd eventfd2 signalfd signalfd4 inotify_init1 inotify_add_watch inotify_rm_watch"
	" fanotify_init fanotify_mark timerfd_create timerfd_settime timerfd_gettime io_setup"
	" io_uring_setup io_uring_enter io_uring_register userfaultfd kill tkill tgkill wait4"
	" waitid exit exit_group clone unshare setns getpgid setpgid getsid prctl arch_prctl"
	" ptrace personality seccomp bpf membarrier pidfd_open pidfd_getfd pidfd_send_signal"
	" process_madvise process_mrelease process_vm_readv process_vm_writev kcmp rt_sigaction"
	" rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo get_robust_list getpriority"
	" setpriority sched_setparam sched_getparam sched_setscheduler sched_getscheduler"
	" sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_setaffinity"
	" sched_getaffinity sched_setattr sched_getattr ioprio_get ioprio_set prlimit64"
	" getrlimit setrlimit getrusage umask setuid setgid setreuid setregid setresuid"
	" setresgid setfsuid setfsgid getgroups setgroups alarm getitimer setitimer"
	" clock_gettime clock_settime clock_getres clock_nanosleep clock_adjtime timer_create"
	" timer_settime timer_gettime timer_getoverrun timer_delete mlockall set_mempolicy"
	" migrate_pages move_pages shmget shmat shmctl semget semop semctl semtimedop msgget"
	" msgsnd msgrcv msgctl mq_timedsend mq_timedreceive mq_notify mq_getsetattr keyctl"
	" syslog pkey_alloc pkey_free fsconfig fsmount fspick open_tree move_mount mount_setattr"
	" landlock_add_rule landlock_restrict_self finit_module ";

/* Calls whose function has another name. */
static const struct {
	const char *name;
	uint8_t call;
} others[] = {
	{ "pselect6", TRACE_CALL_PSELECT },
	{ "rt_sigsuspend", TRACE_CALL_SIGSUSPEND },
	{ "rt_sigtimedwait", TRACE_CALL_SIGTIMEDWAIT },
	{ "pread64", TRACE_CALL_PREAD },
	{ "preadv2", TRACE_CALL_PREADV },
	{ "pwrite64", TRACE_CALL_PWRITE },
	{ "pwritev2", TRACE_CALL_PWRITEV },
};

static void know_call(const char *name, unsigned call)
{
	const int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);

	if (number >= 0 && number < NUMBERS)
		known[number].call = (uint8_t)call;
}

static void know(void)
{
	static bool done;
	char word[SYSCALL_NAME + 2];

	if (done)
		return;
	done = true;
	for (int number = 0; number < NUMBERS; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

		if (!name)
			continue;
		snprintf(known[number].name, SYSCALL_NAME, "%s", name);
		snprintf(word, sizeof(word), " %s ", name);
		known[number].takes_number = strstr(taking_numbers, word) != NULL;
		free(name);
	}
	for (unsigned call = TRACE_CALL_NONE + 1; call < TRACE_CALL_COUNT; call++)
		know_call(trace_call_name(call), call);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		know_call(others[i].name, others[i].call);
}

const char *syscall_name(uint32_t number, char to[SYSCALL_NAME])
{
	know();
	if (number < NUMBERS && known[number].name[0])
		return known[number].name;
	snprintf(to, SYSCALL_NAME, "syscall_%" PRIu32, number);
	return to;
}

bool syscall_takes_number(uint32_t number)
{
	know();
	return number < NUMBERS && known[number].takes_number;
}

unsigned syscall_call(uint32_t number)
{
	know();
	return number < NUMBERS ? known[number].call : TRACE_CALL_NONE;
}

uint32_t syscall_slot_rare(struct syscall_slots *slots, uint32_t number)
{
	/* What has no direct slot comes rarely: a program that tries what numbers do. */
	for (uint32_t i = 0; number >= SYSCALL_SLOT_DIRECT && i < slots->count; i++) {
		if (slots->numbers[i] == number)
			return i;
	}
	if (slots->count < SYSCALL_SLOTS)
		slots->numbers[slots->count++] = number;
	if (number < SYSCALL_SLOT_DIRECT)
		slots->direct[number] = (uint16_t)slots->count;
	return slots->count - 1;
}

const char *syscall_slot_name(const struct syscall_slots *slots, uint32_t slot,
			      char to[SYSCALL_NAME])
{
	return slot == SYSCALL_SLOTS - 1 ? "others" : syscall_name(slots->numbers[slot], to);
}

const char *syscalls_mode(unsigned mode)
{
	static const char *const modes[TRACE_SYSCALLS_COUNT] = {
		[TRACE_SYSCALLS_OFF] = "off",
		[TRACE_SYSCALLS_PATCH] = "patch",
		[TRACE_SYSCALLS_AUDIT] = "patch,audit",
		[TRACE_SYSCALLS_DISPATCH] = "dispatch",
	};

	return mode < TRACE_SYSCALLS_COUNT ? modes[mode] : "unknown";
}

const char *syscalls_reason(uint64_t reason)
{
	static const char *const reasons[TRACE_SYSCALLS_REASON_COUNT] = {
#define X(name, text) [TRACE_SYSCALLS_##name] = (text),
		TRACE_SYSCALLS_REASONS(X)
#undef X
	};

	return reason < TRACE_SYSCALLS_REASON_COUNT ?
		       reasons[reason] :
		       "for a reason that this version does not know";
}
