/* Processes: fork in its kinds, and exit. exec and spawn are in exec.c. */
#include "tracer/preload/attach.h"
#include "tracer/preload/gil.h"
#include "tracer/preload/module.h"
#include "tracer/preload/real.h"
#include "tracer/preload/ring.h"
#include "tracer/preload/syscalls.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static pid_t forked(pid_t pid)
{
	const int saved = errno;

	if (pid == 0) {
		attach_forked();
		ring_attach();
	} else {
		ring_event(TRACE_FORKED, pid < 0 ? (unsigned)saved & 0xff : 0,
			   (uint64_t)(pid < 0 ? 0 : pid));
	}
	errno = saved;
	return pid;
}

pid_t fork(void)
{
	ring_event(TRACE_FORK, 0, 0);
	return forked(REAL(fork)());
}

pid_t _Fork(void)
{
	ring_event(TRACE_FORK, 0, 0);
	return forked(REAL(_Fork)());
}

/* The child of vfork runs on our memory and on the caller's stack: the hook must not have a frame
 * of its own when the real function returns, twice. So it records, and jumps. */
void *process_vfork(void);

__attribute__((used)) void *process_vfork(void)
{
	ring_attach();
	attach_borrow();
	ring_event(TRACE_VFORK, 0, 0);
	return (void *)REAL(vfork);
}

#if defined(__x86_64__)
__asm__(".text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	subq $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call process_vfork\n"
	"	addq $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *%rax\n"
	"	.cfi_endproc\n"
	".size vfork, .-vfork\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl vfork\n"
	".type vfork, %function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	stp x29, x30, [sp, #-16]!\n"
	"	.cfi_adjust_cfa_offset 16\n"
	"	.cfi_rel_offset x30, 8\n"
	"	bl process_vfork\n"
	"	ldp x29, x30, [sp], #16\n"
	"	.cfi_adjust_cfa_offset -16\n"
	"	.cfi_restore x30\n"
	"	mov x16, x0\n"
	"	br x16\n"
	"	.cfi_endproc\n"
	".size vfork, .-vfork\n");
#endif

/* The child of vfork ends on its parent's memory: that is not the parent's end. */
static bool record_exit(int status, enum trace_exit how)
{
	if (attach_borrowed())
		return false;
	if (how != TRACE_EXIT_AT_ONCE)
		module_end();
	ring_event(TRACE_EXIT, how, (uint64_t)(status & 0xff));
	return true;
}

static bool told;

/* What runs at exit still records; nothing runs after our destructor, because our constructor was
 * the first. */
void exit(int status)
{
	told = record_exit(status, TRACE_EXIT_CALL);
	REAL(exit)(status);
	__builtin_unreachable();
}

void quick_exit(int status)
{
	if (record_exit(status, TRACE_EXIT_CALL))
		gil_record_all();
	REAL(quick_exit)(status);
	__builtin_unreachable();
}

/* The thread's last records: its ring can be had by others before the process is seen to be gone.
 */
static void end_here(bool ours)
{
	if (!ours)
		return;
	gil_record_all();
	/* Else its last system call is to come. */
	if (!syscalls_recorded)
		ring_close(ring_current);
}

__attribute__((destructor)) static void returned(void)
{
	end_here(told || record_exit(0, TRACE_EXIT_RETURN));
}

void _exit(int status)
{
	end_here(record_exit(status, TRACE_EXIT_AT_ONCE));
	REAL(_exit)(status);
	__builtin_unreachable();
}

void _Exit(int status)
{
	end_here(record_exit(status, TRACE_EXIT_AT_ONCE));
	REAL(_Exit)(status);
	__builtin_unreachable();
}
