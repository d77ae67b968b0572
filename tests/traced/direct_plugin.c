/* A library with system calls of its own, in its constructor and in a function. */
#include "tests/traced/direct.h"

long direct_plugin_call(void);

/* The shape of libc's calls: the number, and the instruction. */
long direct_plugin_call(void)
{
	long result;

	__asm__ __volatile__("mov $110, %%eax\n" /* getppid */
			     "syscall"
			     : "=a"(result)
			     :
			     : "rcx", "r11", "memory");
	return result;
}

__attribute__((constructor)) static void construct(void)
{
	for (int i = 0; i < 10; i++)
		DIRECT(SYS_getpgid, 0);
}
