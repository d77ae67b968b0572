/* The program must not see our signal: a mask with SIGSYS would make the kernel kill it at its next
 * call, and a handler of its own would replace ours. So calls that set either are looked at: SIGSYS
 * is taken out of masks, and remembered where the program can ask for it; its own handler is kept
 * here, and called for what is not ours. */
#include "tracer/preload/dispatch.h"

#include "tracer/preload/attach.h"
#include "tracer/preload/patch.h"
#include "tracer/preload/system.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <ucontext.h>
#include <unistd.h>

#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#define SYS_USER_DISPATCH 2
#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000
#endif

/* As the kernel has it. */
struct action {
	void (*handler)(int, siginfo_t *, void *);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define MASK_BYTES sizeof(uint64_t)
#define BIT(signal) (UINT64_C(1) << ((signal)-1))

static bool armed, auditing;
static uint64_t code_begin, code_bytes;
static struct action theirs;            /* for SIGSYS */
static _Atomic uint64_t masking_sigsys; /* signals whose handlers' masks had it */
/* The thread has SIGSYS blocked, it thinks; and one that waits for that to end. */
static __thread bool blocks __attribute__((tls_model("initial-exec")));
/* And so the child of vfork, which has the same storage. */
static __thread bool child_blocks __attribute__((tls_model("initial-exec")));
static __thread bool pending __attribute__((tls_model("initial-exec")));
static __thread siginfo_t pending_info __attribute__((tls_model("initial-exec")));

/* These two are the recorder's, whatever calls them; who lays a trace beside strace's output tells
 * calls apart by the function that they are in. */
__attribute__((noinline)) static long set_action(const struct action *action, struct action *old)
{
	return SYSTEM(SYS_rt_sigaction, SIGSYS, action, old, MASK_BYTES);
}

__attribute__((noinline)) static void mask_sigsys(int how, uint64_t *old)
{
	const uint64_t sigsys = BIT(SIGSYS);

	SYSTEM(SYS_rt_sigprocmask, how, &sigsys, old, MASK_BYTES);
}

static void send_again(siginfo_t *info)
{
	SYSTEM(SYS_rt_tgsigqueueinfo, SYSTEM(SYS_getpid), SYSTEM(SYS_gettid), SIGSYS, info);
}

/* A SIGSYS that is not dispatch's: of a seccomp filter, or sent. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	const struct action action = theirs;

	/* Nobody forces what was sent. */
	if (info->si_code <= 0 && (action.handler == (void *)SIG_IGN || blocks)) {
		pending = action.handler != (void *)SIG_IGN;
		pending_info = *info;
		return;
	}
	if (action.flags & SA_RESETHAND)
		theirs.handler = (void *)SIG_DFL;
	if (action.handler == (void *)SIG_DFL || action.handler == (void *)SIG_IGN) {
		const struct action none = { 0 };

		/* It ends the process when this handler has returned. */
		set_action(&none, NULL);
		send_again(info);
		return;
	}
	action.handler(signal, info, context);
}

static void caught(int signal, siginfo_t *info, void *context)
{
	greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint64_t site = (uint64_t)registers[REG_RIP] - 2;
	struct stub *stub;

	if (info->si_code != SYS_USER_DISPATCH) {
		pass_on(signal, info, context);
		return;
	}
	stub = patch_stub(site);
	if (stub) {
		if (auditing)
			ring_event(TRACE_SYSCALL_MISSED, 0, site);
		registers[REG_RIP] = (greg_t)stub_cold_at(stub, stub_ways.any);
		return;
	}
	/* More places than stubs: the call is made, and lost. */
	attach_lost(2);
	registers[REG_RAX] = SYSTEM(registers[REG_RAX], registers[REG_RDI], registers[REG_RSI],
				    registers[REG_RDX], registers[REG_R10], registers[REG_R8],
				    registers[REG_R9]);
}

static int find_code(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const uint64_t at = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD &&
		    (uint64_t)(uintptr_t)stub_code - at < segment->p_memsz) {
			code_begin = at;
			code_bytes = segment->p_memsz;
			return 1;
		}
	}
	return 0;
}

static bool arm(void)
{
	return SYSTEM(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, code_begin,
		      code_bytes, NULL) == 0;
}

/* The calling thread alone. */
static void disarm(void)
{
	SYSTEM(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
}

static void look_at_signals(unsigned char look)
{
	static const unsigned short numbers[] = {
		SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigsuspend,
		SYS_ppoll,        SYS_pselect6,       SYS_epoll_pwait,   SYS_epoll_pwait2,
		SYS_execve,       SYS_execveat,       SYS_ptrace
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		stub_specials[numbers[i]] = look;
}

/* It may interrupt itself: it keeps nothing. A call that a SIGSYS of the program's interrupts goes
 * on or fails as the program wants it. */
static void handle(void)
{
	const struct action action = { .handler = caught,
				       .flags = SA_SIGINFO | SA_NODEFER | SA_RESTORER |
						(theirs.flags & SA_RESTART),
				       .restorer = stub_restorer };

	set_action(&action, NULL);
}

bool dispatch_start(void)
{
	uint64_t old = 0;

	dl_iterate_phdr(find_code, NULL);
	/* Nothing is changed when it is not there. */
	if (code_begin == 0 || !arm())
		return false;
	SYSTEM(SYS_rt_sigaction, SIGSYS, NULL, &theirs, MASK_BYTES);
	handle();
	mask_sigsys(SIG_UNBLOCK, &old);
	blocks = old & BIT(SIGSYS);
	look_at_signals(1);
	armed = true;
	return true;
}

void dispatch_audits(bool audits)
{
	auditing = audits;
}

void dispatch_arm(void)
{
	child_blocks = blocks;
	if (!attach_is_quiet())
		arm();
}

bool dispatch_is_armed(void)
{
	return armed;
}

void dispatch_end(void)
{
	if (!armed)
		return;
	disarm();
	set_action(&theirs, NULL);
	look_at_signals(0);
	armed = false;
}

/* What the program gives may not be there; then the kernel says so, of the call as it is. */
static bool copy(void *to, uint64_t from, size_t size)
{
	const struct {
		void *at;
		size_t size;
	} local = { to, size };
	const struct {
		uint64_t at;
		size_t size;
	} remote = { from, size };

	/* A filter may forbid to ask. */
	if (attach_is_quiet()) {
		memcpy(to, (const void *)(uintptr_t)from, size);
		return true;
	}
	return SYSTEM(SYS_process_vm_readv, SYSTEM(SYS_getpid), &local, 1, &remote, 1) ==
	       (long)size;
}

static bool copy_back(uint64_t to, const void *from, size_t size)
{
	const struct {
		const void *at;
		size_t size;
	} local = { from, size };
	const struct {
		uint64_t at;
		size_t size;
	} remote = { to, size };

	if (attach_is_quiet()) {
		memcpy((void *)(uintptr_t)to, from, size);
		return true;
	}
	return SYSTEM(SYS_process_vm_writev, SYSTEM(SYS_getpid), &local, 1, &remote, 1) ==
	       (long)size;
}

/* The action as the program gave it, and as the kernel has it, differ in the mask. */
static bool look_at_action(struct stub_frame *frame)
{
	const uint64_t signal = frame->rdi;
	struct action action = { 0 }, old = { 0 };

	if (signal == 0 || signal > 64 || frame->r10 != MASK_BYTES ||
	    (frame->rsi && !copy(&action, frame->rsi, sizeof(action))))
		return false;
	if (signal == SIGSYS) {
		old = theirs;
		/* The child of vfork has its own, until it execs. */
		action.mask &= ~(BIT(SIGKILL) | BIT(SIGSTOP));
		if (frame->rsi && !attach_borrowed())
			theirs = action;
		handle();
		frame->rax = 0;
	} else {
		const uint64_t had = atomic_load_explicit(&masking_sigsys, memory_order_relaxed);
		const bool has = frame->rsi && (action.mask & BIT(SIGSYS));

		if (has)
			action.mask &= ~BIT(SIGSYS);
		frame->rax = (uint64_t)SYSTEM(SYS_rt_sigaction, signal, frame->rsi ? &action : NULL,
					      &old, MASK_BYTES);
		if (frame->rax == 0 && (had & BIT(signal)))
			old.mask |= BIT(SIGSYS);
		if (frame->rax == 0 && frame->rsi && has)
			atomic_fetch_or_explicit(&masking_sigsys, BIT(signal),
						 memory_order_relaxed);
		if (frame->rax == 0 && frame->rsi && !has)
			atomic_fetch_and_explicit(&masking_sigsys, ~BIT(signal),
						  memory_order_relaxed);
	}
	if (frame->rax == 0 && frame->rdx && !copy_back(frame->rdx, &old, sizeof(old)))
		frame->rax = (uint64_t)-EFAULT;
	return true;
}

static bool *blocking(void)
{
	return attach_borrowed() ? &child_blocks : &blocks;
}

static bool look_at_mask(struct stub_frame *frame)
{
	bool *const mine = blocking();
	const bool blocked = *mine;
	uint64_t mask = 0, old = 0;

	if (frame->r10 != MASK_BYTES || (frame->rsi && !copy(&mask, frame->rsi, sizeof(mask))))
		return false;
	if (frame->rsi && frame->rdi == SIG_SETMASK)
		*mine = mask & BIT(SIGSYS);
	else if (frame->rsi && (mask & BIT(SIGSYS)))
		*mine = frame->rdi == SIG_BLOCK;
	mask &= ~BIT(SIGSYS);
	frame->rax = (uint64_t)SYSTEM(SYS_rt_sigprocmask, frame->rdi, frame->rsi ? &mask : NULL,
				      &old, MASK_BYTES);
	if (blocked)
		old |= BIT(SIGSYS);
	if (frame->rax == 0 && frame->rdx && !copy_back(frame->rdx, &old, sizeof(old)))
		frame->rax = (uint64_t)-EFAULT;
	if (pending && !*mine) {
		pending = false;
		send_again(&pending_info);
	}
	return true;
}

static bool look_at_pending(struct stub_frame *frame)
{
	uint64_t set = 0;

	if (!pending || frame->rsi > MASK_BYTES)
		return false;
	frame->rax = (uint64_t)SYSTEM(SYS_rt_sigpending, &set, MASK_BYTES);
	set |= BIT(SIGSYS);
	if (!copy_back(frame->rdi, &set, frame->rsi))
		frame->rax = (uint64_t)-EFAULT;
	return true;
}

/* The new program has SIGSYS blocked or ignored as this one thinks it has. Only our own code may
 * run in between: the kernel kills who is dispatched while it is blocked. */
static bool look_at_exec(struct stub_frame *frame)
{
	const bool masks = *blocking();
	const bool ignores = theirs.handler == (void *)SIG_IGN;
	struct action ours;

	if (!ignores && !masks)
		return false;
	if (masks)
		mask_sigsys(SIG_BLOCK, NULL);
	if (ignores)
		set_action(&theirs, &ours);
	frame->rax = (uint64_t)SYSTEM((long)frame->rax, frame->rdi, frame->rsi, frame->rdx,
				      frame->r10, frame->r8);
	if (ignores)
		set_action(&ours, NULL);
	if (masks)
		mask_sigsys(SIG_UNBLOCK, NULL);
	return true;
}

/* The call, with the mask that one of its arguments points to replaced. */
static bool look_at_wait(struct stub_frame *frame, uint64_t *argument)
{
	uint64_t mask = 0;

	if (*argument == 0 || !copy(&mask, *argument, sizeof(mask)) || !(mask & BIT(SIGSYS)))
		return false;
	mask &= ~BIT(SIGSYS);
	{
		struct stub_frame with = *frame;

		*(uint64_t *)((char *)&with + ((char *)argument - (char *)frame)) =
			(uint64_t)(uintptr_t)&mask;
		frame->rax = (uint64_t)SYSTEM((long)with.rax, with.rdi, with.rsi, with.rdx,
					      with.r10, with.r8, with.r9);
	}
	return true;
}

/* pselect6's mask is behind a pointer to it and to its size. */
static bool look_at_pselect(struct stub_frame *frame)
{
	struct {
		uint64_t mask, size;
	} argument = { 0 };
	uint64_t mask = 0;

	if (frame->r9 == 0 || !copy(&argument, frame->r9, sizeof(argument)) || !argument.mask ||
	    !copy(&mask, argument.mask, sizeof(mask)) || !(mask & BIT(SIGSYS)))
		return false;
	mask &= ~BIT(SIGSYS);
	argument.mask = (uint64_t)(uintptr_t)&mask;
	frame->rax = (uint64_t)SYSTEM(SYS_pselect6, frame->rdi, frame->rsi, frame->rdx, frame->r10,
				      frame->r8, &argument);
	return true;
}

bool dispatch_look(struct stub_frame *frame)
{
	switch ((uint32_t)frame->rax) { /* as the kernel has it */
	case SYS_rt_sigaction:
		return look_at_action(frame);
	case SYS_rt_sigprocmask:
		return look_at_mask(frame);
	case SYS_rt_sigsuspend:
		return look_at_wait(frame, &frame->rdi);
	case SYS_ppoll:
		return look_at_wait(frame, &frame->r10);
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		return look_at_wait(frame, &frame->r8);
	case SYS_pselect6:
		return look_at_pselect(frame);
	case SYS_rt_sigpending:
		return look_at_pending(frame);
	case SYS_execve:
	case SYS_execveat:
		return look_at_exec(frame);
	case SYS_ptrace:
		/* Each SIGSYS would stop it, in the child of a vfork before its tracer can go on.
		 */
		if (frame->rdi == PTRACE_TRACEME)
			disarm();
		return false;
	default:
		return false;
	}
}
