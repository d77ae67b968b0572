/* Programs that make system calls in ways that libc does not, or that look at what a recorder of
 * them would change; one function each, the table is in direct.c. Each prints what came of it,
 * which traced must be the same, and returns its exit status. */
#ifndef TESTS_TRACED_DIRECT_H
#define TESTS_TRACED_DIRECT_H

#include "tests/traced/expect.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

/* What is on the command line behind the name; or null. */
extern const char *direct_word;

/* A call by an instruction of the program's own; what the kernel returns. It uses no thread-local
 * storage. */
static inline long direct_call(long number, const long arguments[6])
{
	register long r10 __asm__("r10") = arguments[3];
	register long r8 __asm__("r8") = arguments[4];
	register long r9 __asm__("r9") = arguments[5];

	__asm__ __volatile__("syscall"
			     : "+a"(number)
			     : "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(r10),
			       "r"(r8), "r"(r9)
			     : "rcx", "r11", "memory", "cc");
	return number;
}
#define DIRECT_ALL(number, a, b, c, d, e, f, ...) \
	direct_call((number), (const long[6]){ (long)(a), (long)(b), (long)(c), (long)(d), \
					       (long)(e), (long)(f) })
#define DIRECT(...) DIRECT_ALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* Prints a call, its result and errno; and one of the program's own. */
#define TELL(call) \
	do { \
		long result_; \
\
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld, %s\n", #call, result_, strerrorname_np(errno)); \
	} while (0)
#define TELL_DIRECT(...) printf("%s: %ld\n", #__VA_ARGS__, DIRECT(__VA_ARGS__))

/* What threads and handlers tell each other; who waits for it looks again and again, or joins. */
static inline void direct_set(_Atomic int *to, int value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}
static inline int direct_get(const _Atomic int *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}
static inline void direct_add(_Atomic int *to, int value)
{
	atomic_fetch_add_explicit(to, value, memory_order_relaxed);
}

/* Writes at once, with no buffer: for children and handlers. */
void direct_say(const char *words);
/* Waits for a child, and prints how it ended. */
void direct_wait(const char *what, pid_t pid);

int direct_clones(void);
int direct_clone3s(void);
int direct_bare_thread(void);
int direct_vforks(void);
int direct_spawns(void);
int direct_forks(void);
int direct_execs(void);
int direct_ends(void);
int direct_interrupts(void);
int direct_cancels(void);
int direct_backtraces(void);
int direct_blocks(void);
int direct_alternate(void);
int direct_jumps(void);
int direct_sigsys(void);
int direct_waits_for_sigsys(void);
int direct_masks(void);
int direct_masks_in_handlers(void);
int direct_actions(void);
int direct_inherits(void);
int direct_inherited(void);
int direct_temporary_masks(void);
int direct_refuses(void);
int direct_traps(void);
int direct_allows_little(void);
int direct_allows_less(void);
int direct_dispatches(void);
int direct_denies_writing(void);
int direct_results(void);
int direct_clocks(void);
int direct_registers(void);
int direct_flags(void);
int direct_opens(void);
int direct_reopens(void);
int direct_namespaces(void);
int direct_million(void);

#endif
