/* Coroutines: stacks of one thread, which goes from one to another where it is told to. The switch
 * is our own for the two architectures that are tested: ucontext's makes a system call each time
 * (it saves the signal mask), and an event loop that is known for few of them would be seen to make
 * three where it makes one. Elsewhere it is ucontext's. */
#ifndef WORKLOADS_RUNTIME_COROUTINE_H
#define WORKLOADS_RUNTIME_COROUTINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

/* One that can be gone to. Zeroed, it is the thread itself, which has no stack of its own. */
struct coroutine {
#if defined(__x86_64__) || defined(__aarch64__)
	void *at; /* its stack pointer, where it was left */
#else
	ucontext_t at;
#endif
	void *stack; /* its lowest byte */
	size_t stack_bytes;
	void (*body)(void *given);
	void *given;
	struct coroutine *then; /* gone to when the body returns */
	bool ended;
	void *fake_stack; /* AddressSanitizer's */
	void *fiber;      /* ThreadSanitizer's */
};

/* Makes one that begins with body(given) when it is gone to first, and goes to 'then' when that
 * returns. It must not move. False: there is no memory for its stack. */
bool coroutine_make(struct coroutine *made, void (*body)(void *given), void *given,
		    struct coroutine *then, struct err *err);
/* Leaves the one that runs, 'from', for another; returns when somebody goes to it again. */
void coroutine_switch(struct coroutine *from, struct coroutine *to);
/* Of one that nobody goes to any more. */
void coroutine_finish(struct coroutine *made);

#endif
