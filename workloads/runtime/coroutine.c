/* Stacks with a guard page below, the switch, and what the sanitizers must be told of it. */
#include "workloads/runtime/coroutine.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* gcc has macros for what clang asks for by a function. */
#ifdef __has_feature
#define SANITIZES(what) __has_feature(what)
#else
#define SANITIZES(what) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || SANITIZES(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define WITH_ADDRESS_SANITIZER 1
#endif
#if defined(__SANITIZE_THREAD__) || SANITIZES(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define WITH_THREAD_SANITIZER 1
#endif

/* Workloads keep large things in their regions; sanitizers triple the frames. */
#define STACK_BYTES ((size_t)256 * 1024)

/* The stack of the one that was left, for AddressSanitizer. */
static struct coroutine *left;

static void announce_switch(struct coroutine *from, struct coroutine *to)
{
	left = from;
#ifdef WITH_ADDRESS_SANITIZER
	__sanitizer_start_switch_fiber(from->ended ? NULL : &from->fake_stack, to->stack,
				       to->stack_bytes);
#endif
#ifdef WITH_THREAD_SANITIZER
	if (!from->fiber)
		from->fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	(void)to;
}

/* On the new stack. The thread's own has bounds that only the sanitizer knows. */
static void finish_switch(const struct coroutine *here)
{
#ifdef WITH_ADDRESS_SANITIZER
	const void *bottom;
	size_t bytes;

	__sanitizer_finish_switch_fiber(here->fake_stack, &bottom, &bytes);
	if (!left->body) {
		left->stack = (void *)(uintptr_t)bottom;
		left->stack_bytes = bytes;
	}
#endif
	(void)here;
}

/* The one that is gone to for the first time. */
static struct coroutine *beginning;

__attribute__((noreturn)) static void begin(void)
{
	struct coroutine *self = beginning;

	finish_switch(self);
	self->body(self->given);
	self->ended = true;
	coroutine_switch(self, self->then);
	__builtin_unreachable();
}

#if defined(__x86_64__) || defined(__aarch64__)

/* Keeps on the stack what a called function must keep, stores the stack pointer, and takes both
 * from the other stack. To the compiler it is a call. The signal mask, and how numbers are rounded,
 * nobody changes here. */
void coroutine_swap(void **from, void *to);

#ifdef __x86_64__
__asm__(".text\n"
	".globl coroutine_swap\n"
	".hidden coroutine_swap\n"
	".type coroutine_swap, @function\n"
	"coroutine_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size coroutine_swap, . - coroutine_swap\n");

/* Six registers, where to go, and in the place of a caller's address none: the stack is then as a
 * called function finds it. */
#define SAVED 8
#define SAVED_BEGIN 6
#else
__asm__(".text\n"
	".globl coroutine_swap\n"
	".hidden coroutine_swap\n"
	".type coroutine_swap, %function\n"
	"coroutine_swap:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x2, sp\n"
	"	str x2, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size coroutine_swap, . - coroutine_swap\n");

/* 20 registers; the address to return to, x30, is the twelfth. */
#define SAVED 20
#define SAVED_BEGIN 11
#endif

static void prepare(struct coroutine *made)
{
	uint64_t *top = (uint64_t *)((char *)made->stack + made->stack_bytes);

	top[SAVED_BEGIN - SAVED] = (uint64_t)(uintptr_t)begin;
	made->at = top - SAVED;
}

static void swap(struct coroutine *from, struct coroutine *to)
{
	coroutine_swap(&from->at, to->at);
}

#else

static void prepare(struct coroutine *made)
{
	getcontext(&made->at);
	made->at.uc_stack.ss_sp = made->stack;
	made->at.uc_stack.ss_size = made->stack_bytes;
	made->at.uc_link = NULL;
	makecontext(&made->at, begin, 0);
}

static void swap(struct coroutine *from, struct coroutine *to)
{
	swapcontext(&from->at, &to->at);
}

#endif

static size_t guard_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool coroutine_make(struct coroutine *made, void (*body)(void *given), void *given,
		    struct coroutine *then, struct err *err)
{
	char *at = mmap(NULL, guard_bytes() + STACK_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (at == MAP_FAILED || mprotect(at, guard_bytes(), PROT_NONE) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot map a stack: %s", strerror(errno));
	*made = (struct coroutine){ .stack = at + guard_bytes(),
				    .stack_bytes = STACK_BYTES,
				    .body = body,
				    .given = given,
				    .then = then };
#ifdef WITH_THREAD_SANITIZER
	made->fiber = __tsan_create_fiber(0);
#endif
	prepare(made);
	return true;
}

void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
	beginning = to;
	announce_switch(from, to);
	swap(from, to);
	finish_switch(from);
}

void coroutine_finish(struct coroutine *made)
{
#ifdef WITH_THREAD_SANITIZER
	__tsan_destroy_fiber(made->fiber);
#endif
	munmap((char *)made->stack - guard_bytes(), guard_bytes() + made->stack_bytes);
}
