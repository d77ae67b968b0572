/* The recorder's own system calls: from its own code, so that they are neither recorded nor caught.
 * Where system calls are patched libc's functions would come back here. */
#ifndef TRACER_PRELOAD_SYSTEM_H
#define TRACER_PRELOAD_SYSTEM_H

#include <sys/syscall.h>

/* The kernel's result: -4095 to -1 are errors. errno is left alone. */
static inline long system_call(long number, const long arguments[6])
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = arguments[3];
	register long r8 __asm__("r8") = arguments[4];
	register long r9 __asm__("r9") = arguments[5];

	__asm__ __volatile__("syscall"
			     : "+a"(number)
			     : "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(r10),
			       "r"(r8), "r"(r9)
			     : "rcx", "r11", "memory", "cc");
	return number;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = arguments[0];
	register long x1 __asm__("x1") = arguments[1];
	register long x2 __asm__("x2") = arguments[2];
	register long x3 __asm__("x3") = arguments[3];
	register long x4 __asm__("x4") = arguments[4];
	register long x5 __asm__("x5") = arguments[5];

	__asm__ __volatile__("svc #0"
			     : "+r"(x0)
			     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			     : "memory", "cc");
	return x0;
#endif
}

/* The number and up to six arguments, integers or pointers. */
#define SYSTEM_ALL(number, a, b, c, d, e, f, ...) \
	system_call((number), (const long[]){ (long)(a), (long)(b), (long)(c), (long)(d), \
					      (long)(e), (long)(f) })
#define SYSTEM(...) SYSTEM_ALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif
