/* Results as they are, registers as they were, and a million calls. */
#include "tests/traced/direct.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Results that look like errors, and are none; and large ones. */
int direct_results(void)
{
	const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *const at = (char *)0x7000deadb000;

	TELL_DIRECT(SYS_lseek, memory, -4097L, SEEK_SET);
	TELL_DIRECT(SYS_lseek, memory, -4096L, SEEK_SET);
	TELL_DIRECT(SYS_lseek, memory, -4095L, SEEK_SET);
	TELL_DIRECT(SYS_lseek, memory, -1L, SEEK_SET);
	TELL_DIRECT(SYS_lseek, memory, INT64_MIN, SEEK_SET);
	TELL_DIRECT(SYS_lseek, memory, 0x123456789abcdef, SEEK_SET);
	TELL(lseek(memory, -4096, SEEK_SET));
	TELL(lseek(memory, -4000, SEEK_SET));
	TELL(mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	TELL(munmap(at, 4096));
	TELL(write(null, "abc", 3));
	TELL(write(-1, "abc", 3));
	TELL(syscall(100000));
	TELL(syscall(-1));
	TELL_DIRECT(100000);
	TELL_DIRECT(-1);
	/* The kernel looks at the lower half of the number alone. */
	printf("%d\n", DIRECT(SYS_getppid | 1L << 32) == getppid());
	TELL_DIRECT(512);
	TELL_DIRECT(0x40000000L + SYS_getpid);
	TELL(readlink("/no/such", at, 1));
	TELL(mprotect((void *)1, 1, 0));
	TELL(fcntl(null, F_DUPFD, -1));
	return 0;
}

/* The time of the process is no page's to tell: the call is in the kernel's own library. */
int direct_clocks(void)
{
	struct timespec now, before = { 0 };

	for (int i = 0; i < 1000; i++) {
		must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0, "clock_gettime");
		must(now.tv_sec > before.tv_sec ||
			     (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec),
		     "time goes on");
		before = now;
	}
	TELL(clock_gettime(4711, &now));
	return 0;
}

struct registers {
	uint64_t rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15;
	uint64_t below[16]; /* of the stack pointer: the red zone */
	uint64_t unused;
	uint32_t mxcsr, unused_too;
	uint16_t control, still_unused[3];
	_Alignas(32) unsigned char vectors[16][32];
};

/* Loads all registers, makes the call, and stores them; the second always calls getppid, in the
 * shape that libc's calls have. */
void direct_load_call_store(struct registers *registers);
void direct_load_getppid_store(struct registers *registers);
__asm__(".text\n"
	".macro direct_around name, load\n"
	".type \\name, @function\n"
	".globl \\name\n"
	"\\name:\n"
	"	.cfi_startproc\n"
	"	.irp n, rbx, rbp, r12, r13, r14, r15, rdi\n"
	"	pushq %\\n\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.endr\n"
	"	movq %rdi, %rcx\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	movq 104+8*\\n(%rcx), %rax\n"
	"	movq %rax, -128+8*\\n(%rsp)\n"
	"	vmovdqa 256+32*\\n(%rcx), %ymm\\n\n"
	"	.endr\n"
	"	ldmxcsr 240(%rcx)\n"
	"	fldcw 248(%rcx)\n"
	"	movq 8(%rcx), %rbx\n"
	"	movq 16(%rcx), %rdx\n"
	"	movq 24(%rcx), %rsi\n"
	"	movq 32(%rcx), %rdi\n"
	"	movq 40(%rcx), %rbp\n"
	"	movq 48(%rcx), %r8\n"
	"	movq 56(%rcx), %r9\n"
	"	movq 64(%rcx), %r10\n"
	"	movq 72(%rcx), %r12\n"
	"	movq 80(%rcx), %r13\n"
	"	movq 88(%rcx), %r14\n"
	"	movq 96(%rcx), %r15\n"
	"	\\load, %eax\n"
	"	syscall\n"
	"	movq (%rsp), %rcx\n"
	/* Flags are written, so nobody needs those of before. */
	"	xorl %eax, %eax\n"
	"	movq %rbx, 8(%rcx)\n"
	"	movq %rdx, 16(%rcx)\n"
	"	movq %rsi, 24(%rcx)\n"
	"	movq %rdi, 32(%rcx)\n"
	"	movq %rbp, 40(%rcx)\n"
	"	movq %r8, 48(%rcx)\n"
	"	movq %r9, 56(%rcx)\n"
	"	movq %r10, 64(%rcx)\n"
	"	movq %r12, 72(%rcx)\n"
	"	movq %r13, 80(%rcx)\n"
	"	movq %r14, 88(%rcx)\n"
	"	movq %r15, 96(%rcx)\n"
	"	stmxcsr 240(%rcx)\n"
	"	fnstcw 248(%rcx)\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	vmovdqa %ymm\\n, 256+32*\\n(%rcx)\n"
	"	movq -128+8*\\n(%rsp), %rax\n"
	"	movq %rax, 104+8*\\n(%rcx)\n"
	"	.endr\n"
	"	vzeroupper\n"
	"	.irp n, rdi, r15, r14, r13, r12, rbp, rbx\n"
	"	popq %\\n\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.endr\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size \\name, .-\\name\n"
	".endm\n"
	"	direct_around direct_load_call_store, \"movl 0(%rcx)\"\n"
	"	direct_around direct_load_getppid_store, \"movl $110\"\n");
_Static_assert(offsetof(struct registers, below) == 104 &&
		       offsetof(struct registers, mxcsr) == 240 &&
		       offsetof(struct registers, control) == 248 &&
		       offsetof(struct registers, vectors) == 256 && SYS_getppid == 110,
	       "the assembler knows the struct");

static const long tried[] = { SYS_getppid,        SYS_futex,   SYS_prctl,
			      SYS_rt_sigprocmask, SYS_seccomp, SYS_clone };

static void fill(struct registers *registers, unsigned seed)
{
	unsigned char *bytes = (unsigned char *)registers;

	for (size_t i = 0; i < sizeof(*registers); i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (unsigned char)(seed >> 16);
	}
	registers->mxcsr = 0x1f80 | (seed >> 20 & 0x6000);
	registers->control = 0x037f;
	registers->rax = (uint64_t)tried[(seed >> 16) % (sizeof(tried) / sizeof(tried[0]))];
	/* What every kernel refuses, or what changes nothing. */
	if (registers->rax == SYS_prctl)
		registers->rdi = 0x7fffffff;
	if (registers->rax == SYS_seccomp)
		registers->rdi = 0x7fffffff;
	if (registers->rax == SYS_clone)
		registers->rdi = 0x10000; /* CLONE_THREAD alone */
	if (registers->rax == SYS_futex)
		registers->rsi = 0x7f;
	if (registers->rax == SYS_rt_sigprocmask)
		registers->rsi = registers->rdx = 0, registers->r10 = 8;
}

int direct_registers(void)
{
	static struct registers before, after;
	unsigned odd = 0;

	if (!__builtin_cpu_supports("avx")) {
		puts("no AVX here");
		return 0;
	}
	for (unsigned i = 0; i < 150000 && odd < 5; i++) {
		fill(&before, i);
		after = before;
		if (i % 2)
			direct_load_call_store(&after);
		else
			direct_load_getppid_store(&after);
		if (memcmp(&before, &after, sizeof(before)) == 0)
			continue;
		for (size_t at = 0; at < sizeof(before); at++) {
			if (((char *)&before)[at] != ((char *)&after)[at]) {
				printf("call %u, %llu: byte %zu changes\n", i,
				       (unsigned long long)before.rax, at);
				break;
			}
		}
		odd++;
	}
	/* As libc wants it. */
	__builtin_ia32_ldmxcsr(0x1f80);
	printf("%u calls change something\n", odd);
	return 0;
}

/* All that an instruction of the processor's own leaves, but rcx and r11. */
int direct_flags(void)
{
	unsigned odd = 0;

	for (unsigned i = 0; i < 1000; i++) {
		const unsigned before = (i & 0xd5) | 2;
		unsigned after;

		__asm__ __volatile__("movb %b1, %%ah\n"
				     "sahf\n"
				     "movl %2, %%eax\n"
				     "syscall\n"
				     "lahf\n"
				     "movzbl %%ah, %0"
				     : "=&Q"(after)
				     : "Q"(before), "i"(SYS_getppid)
				     : "rax", "rcx", "r11", "memory", "cc");
		odd += after != before;
	}
	printf("%u times flags change\n", odd);
	return 0;
}

#define THREADS 64
#define CALLS 15625

static void *call_often(void *pid)
{
	for (int i = 0; i < CALLS; i++)
		must(DIRECT(SYS_getpid) == *(const pid_t *)pid, "our pid");
	return NULL;
}

/* With forks beside. */
int direct_million(void)
{
	pid_t self = getpid(), pid;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, call_often, &self) == 0, "a thread");
	for (int i = 0; i < 20; i++) {
		pid = fork();
		if (pid == 0) {
			for (int j = 0; j < 1000; j++)
				DIRECT(SYS_getppid);
			_exit(i);
		}
		direct_wait("child", pid);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
