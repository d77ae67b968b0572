/* What of recording system calls is not in the stubs: the records that find no room, and the calls
 * after which something is different for the recorder. */
#include "tracer/preload/syscalls.h"

#include "tracer/preload/attach.h"
#include "tracer/preload/thread.h"

bool syscalls_recorded, syscalls_in_time;

static void tell(enum trace_syscalls how, enum trace_syscalls_reason why)
{
	ring_put_args(TRACE_SYSCALLS, ring_operand(how, why), NULL, 0);
}

#if defined(__x86_64__)

#include "tracer/preload/dispatch.h"
#include "tracer/preload/patch.h"
#include "tracer/preload/system.h"

#include <cpuid.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

unsigned char stub_specials[STUB_NUMBERS];
uint32_t stub_state_mask, stub_state_bytes = 512;

_Static_assert(offsetof(struct stub, back) == STUB_BACK &&
		       offsetof(struct stub, site) == STUB_SITE &&
		       offsetof(struct stub, number) == STUB_NUMBER &&
		       sizeof(struct stub) == STUB_ENTRY_BYTES,
	       "stubs.S knows struct stub");
_Static_assert(offsetof(struct ring, next) == STUB_RING_NEXT &&
		       offsetof(struct ring, limit) == STUB_RING_LIMIT &&
		       offsetof(struct ring, mask) == STUB_RING_MASK &&
		       offsetof(struct ring, records) == STUB_RING_RECORDS &&
		       offsetof(struct ring, place) == STUB_RING_PLACE,
	       "stubs.S knows struct ring");
_Static_assert(offsetof(struct stub_frame, stub) == STUB_FRAME_STUB, "stubs.S knows the frame");
_Static_assert(TRACE_SYSCALL == 72 && TRACE_FUTEX == 73 && TRACE_SYSCALL_EXIT == 74 &&
		       SYS_futex == 202,
	       "stubs.S knows these kinds");
/* A ring's place has 16 bits in a frame's 'at'. */
_Static_assert(ARENA_RINGS < 65535, "few rings");

static unsigned kind_of(const struct stub_frame *frame)
{
	return (uint32_t)frame->rax == SYS_futex ? TRACE_FUTEX : TRACE_SYSCALL;
}

static uint64_t operand_of(const struct stub_frame *frame)
{
	if ((uint32_t)frame->rax == SYS_futex)
		return ring_operand((unsigned)frame->rsi & 0xff, frame->rdi);
	return frame->rdi << 32 | (uint32_t)frame->rax;
}

static void put_slow(const struct stub_frame *frame, unsigned kind, uint64_t operand)
{
	/* A thread with storage that libc did not make has no ring. */
	if (!ring_current)
		attach_lost(1);
	/* The counter must not be read in seccomp's strict mode. */
	else if (!attach_is_strict())
		ring_put_slow(attach_ring((unsigned)(frame->at & 0xffff)), frame->at >> 16,
			      ring_head(kind, clock_raw()), operand);
}

void stub_enter_slow(struct stub_frame *frame)
{
	put_slow(frame, kind_of(frame), operand_of(frame));
	frame->at = stub_hot_at(frame->stub, stub_ways.call);
}

void stub_exit_slow(struct stub_frame *frame)
{
	put_slow(frame, TRACE_SYSCALL_EXIT, frame->rax);
	frame->at = stub_hot_at(frame->stub, stub_ways.done);
}

static void put(unsigned kind, uint64_t operand)
{
	if (!ring_current)
		attach_lost(1);
	else if (!attach_is_strict())
		ring_put(ring_current, ring_head(kind, clock_raw()), operand);
}

/* The calling thread, or the whole process, ends with this call. */
static void end(void)
{
	if (ring_current && !attach_borrowed())
		ring_close(ring_current);
}

/* The thread's last clone was a fork: its child has memory of its own. */
static __thread bool forking __attribute__((tls_model("initial-exec")));

/* A child that has its parent's memory: with thread-local storage of its own it is a thread, and
 * finds there the ring that its creator had ready for it. Without, it is a vfork, or shares the
 * ring with a parent that goes on. */
static void begin_spawn(uint64_t flags, uint64_t storage)
{
	forking = (flags & CLONE_VM) == 0;
	if (forking)
		return;
	if (flags & CLONE_SETTLS)
		thread_give_ring(storage);
	else if ((flags & CLONE_VFORK) == 0)
		attach_share();
}

/* What the kernel refuses is not looked at: arguments that are too short, or not there. */
static void begin_clone3(uint64_t at, uint64_t size)
{
	struct clone_args arguments = { 0 };
	const struct iovec from = { .iov_base = (void *)(uintptr_t)at, .iov_len = 64 };
	const struct iovec to = { .iov_base = &arguments, .iov_len = 64 };

	/* What is not known is no fork: a child that is none must not touch its parent's rings. */
	forking = false;
	/* libc's own can be read. */
	if (size >= 64 && thread_is_pending())
		memcpy(&arguments, (const void *)(uintptr_t)at, 64);
	else if (size < 64 || attach_is_quiet() ||
		 SYSTEM(SYS_process_vm_readv, SYSTEM(SYS_getpid), &to, 1, &from, 1) != 64)
		return;
	begin_spawn(arguments.flags, arguments.tls);
}

void stub_child(struct stub_frame *frame)
{
	if (dispatch_is_armed())
		dispatch_arm();
	/* Where the kernel has not emptied the bookkeeping. */
	if (forking)
		attach_forked();
	if (ring_current && attach_is_reserved(ring_current)) {
		attach_adopt(ring_current);
	} else if (ring_current && ring_current->shared && !forking) {
		attach_borrow();
		put(TRACE_SYSCALL_EXIT, 0);
	}
	frame->at = stub_hot_at(frame->stub, stub_ways.done);
}

/* Made here, because the exit could not be recorded when the thread is in strict mode. */
static void enter_strict_mode(struct stub_frame *frame)
{
	frame->rax = (uint64_t)SYSTEM((long)frame->rax, frame->rdi, frame->rsi, frame->rdx,
				      frame->r10, frame->r8);
	frame->at = stub_hot_at(frame->stub, stub_ways.done);
	if (frame->rax == 0)
		attach_be_strict();
	else
		put(TRACE_SYSCALL_EXIT, frame->rax);
}

static void look_at_prctl(struct stub_frame *frame)
{
	if (frame->rdi == PR_SET_SECCOMP)
		attach_be_quiet();
	if (frame->rdi == PR_SET_SECCOMP && frame->rsi == SECCOMP_MODE_STRICT)
		enter_strict_mode(frame);
	if (frame->rdi == PR_SET_SYSCALL_USER_DISPATCH && frame->rsi != 0 && syscalls_recorded) {
		/* Its handler would be told of stubs. */
		dispatch_end();
		patch_undo();
		syscalls_recorded = syscalls_in_time = false;
		tell(TRACE_SYSCALLS_OFF, TRACE_SYSCALLS_OWN_DISPATCH);
	}
}

void stub_look(struct stub_frame *frame)
{
	const struct stub *stub = frame->stub;

	if (stub->number != STUB_ANY)
		frame->rax = stub->number;
	frame->at = stub_hot_at(stub, stub_ways.call);
	put(kind_of(frame), operand_of(frame));
	switch ((uint32_t)frame->rax) { /* as the kernel has it */
	case SYS_clone:
		begin_spawn(frame->rdi, frame->r8);
		frame->at = stub_cold_at(stub, stub_ways.spawn);
		break;
	case SYS_clone3:
		begin_clone3(frame->rdi, frame->rsi);
		frame->at = stub_cold_at(stub, stub_ways.spawn);
		break;
	case SYS_fork:
	case SYS_vfork:
		forking = frame->rax == SYS_fork;
		frame->at = stub_cold_at(stub, stub_ways.spawn);
		break;
	case SYS_exit:
	case SYS_exit_group:
		end();
		break;
	case SYS_prctl:
		look_at_prctl(frame);
		break;
	case SYS_seccomp:
		attach_be_quiet();
		if (frame->rdi == SECCOMP_SET_MODE_STRICT)
			enter_strict_mode(frame);
		break;
	default:
		if (dispatch_is_armed() && dispatch_look(frame)) {
			put(TRACE_SYSCALL_EXIT, frame->rax);
			frame->at = stub_hot_at(stub, stub_ways.done);
		}
	}
}

/* SSE, AVX, and what AVX-512 adds: C uses no other state. */
#define STATE_MASK 0xe6u

static void find_state(void)
{
	unsigned a, b, c, d, low, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0)
		return;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	stub_state_mask = low & STATE_MASK;
	stub_state_bytes = 576;
	for (unsigned component = 2; component < 8; component++) {
		if ((stub_state_mask >> component & 1) == 0)
			continue;
		__cpuid_count(0xd, component, a, b, c, d);
		if (a + b > stub_state_bytes)
			stub_state_bytes = a + b;
	}
}

static void look_at(void)
{
	static const unsigned short numbers[] = {
		SYS_clone, SYS_clone3, SYS_fork,    SYS_vfork,
		SYS_exit,  SYS_prctl,  SYS_seccomp, SYS_exit_group
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		stub_specials[numbers[i]] = 1;
}

/* Dispatch first: which calls C looks at is asked for when they are patched. */
static enum trace_syscalls begin(enum arena_syscalls asked, struct arena *arena,
				 enum trace_syscalls_reason *why)
{
	const bool only = asked == ARENA_SYSCALLS_DISPATCH;
	const bool behind = only || asked == ARENA_SYSCALLS_AUDIT;
	bool armed = behind && dispatch_start();

	*why = behind && !armed ? TRACE_SYSCALLS_NO_DISPATCH : TRACE_SYSCALLS_AS_ASKED;
	if (!only) {
		const enum trace_syscalls_reason unpatched = patch_start(arena);

		if (unpatched == TRACE_SYSCALLS_AS_ASKED)
			return armed ? TRACE_SYSCALLS_AUDIT : TRACE_SYSCALLS_PATCH;
		*why = unpatched;
		armed |= asked == ARENA_SYSCALLS_AUTO && dispatch_start();
	}
	return armed ? TRACE_SYSCALLS_DISPATCH : TRACE_SYSCALLS_OFF;
}

void syscalls_start(struct arena *arena)
{
	enum trace_syscalls_reason why = TRACE_SYSCALLS_AS_ASKED;
	enum trace_syscalls how;

	if (arena->syscalls == ARENA_SYSCALLS_OFF)
		return;
	find_state();
	look_at();
	how = begin(arena->syscalls, arena, &why);
	dispatch_audits(how == TRACE_SYSCALLS_AUDIT);
	syscalls_recorded = how != TRACE_SYSCALLS_OFF;
	syscalls_in_time = (how == TRACE_SYSCALLS_PATCH || how == TRACE_SYSCALLS_AUDIT) &&
			   patch_has_all_of_libc();
	tell(how, why);
}

#else

void syscalls_start(struct arena *arena)
{
	if (arena->syscalls != ARENA_SYSCALLS_OFF)
		tell(TRACE_SYSCALLS_OFF, TRACE_SYSCALLS_ARCHITECTURE);
}

#endif
