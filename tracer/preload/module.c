/* Records the loaded objects: address, size, build-id, path.
 *
 * Walking them takes a lock of the loader, so it is done only where the program takes it anyway: by
 * the first constructor, in dlopen, which records what the calls before it loaded, and in exit for
 * the last of them. Never in a forked child, whose copy of the lock may be held by a thread that is
 * not there, nor where a signal handler may be. */
#include "tracer/preload/module.h"

#include "tracer/preload/real.h"
#include "tracer/preload/ring.h"
#include "tracer/preload/system.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define BUILD_ID_MAX 64

/* Unloads of the process when the modules were last recorded, and how many there were. */
static unsigned long long subs;
static size_t recorded;
static bool changed; /* dlopen has been called since */
static uint64_t base;
/* Of the program; kept, because a forked child must not look for it on a small stack. */
static char executable[1024];

static const unsigned char *build_id(const struct dl_phdr_info *info, size_t *length)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const char *note = (const char *)info->dlpi_addr + segment->p_vaddr;
		const char *end = note + segment->p_memsz;

		if (segment->p_type != PT_NOTE)
			continue;
		while (end - note > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)note;
			const size_t name = (head->n_namesz + 3u) & ~3u;

			if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
			    memcmp(head + 1, "GNU", 4) == 0 && head->n_descsz <= BUILD_ID_MAX) {
				*length = head->n_descsz;
				return (const unsigned char *)(head + 1) + name;
			}
			note += sizeof(*head) + name + ((head->n_descsz + 3u) & ~3u);
		}
	}
	*length = 0;
	return NULL;
}

static uint64_t size_of(const struct dl_phdr_info *info)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && segment->p_vaddr + segment->p_memsz > end)
			end = segment->p_vaddr + segment->p_memsz;
	}
	return end;
}

static int record(struct dl_phdr_info *info, size_t size, void *count)
{
	uint64_t args[1 + BUILD_ID_MAX / sizeof(uint64_t)] = { size_of(info) };
	size_t *const position = count;
	const unsigned char *id;
	size_t length;

	(void)size;
	if (*position == 0)
		base = info->dlpi_addr;
	if (info->dlpi_subs != subs) {
		subs = info->dlpi_subs;
		recorded = 0;
	}
	if ((*position)++ < recorded)
		return 0;
	id = build_id(info, &length);
	if (id)
		memcpy(&args[1], id, length);
	ring_put_text(TRACE_MODULE, ring_operand((unsigned)length, (uintptr_t)info->dlpi_addr),
		      args, 1 + (unsigned)((length + sizeof(args[0]) - 1) / sizeof(args[0])),
		      info->dlpi_name[0] ? info->dlpi_name : executable, RING_TEXT_MAX);
	return 0;
}

static void walk(void)
{
	size_t position = 0;

	changed = false;
	dl_iterate_phdr(record, &position);
	recorded = position;
}

static int find_base(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	base = info->dlpi_addr;
	return 1;
}

void module_begin(enum trace_origin origin, unsigned pid)
{
	uint64_t args[] = { (uint64_t)SYSTEM(SYS_getppid), 0 };
	ssize_t length;

	if (origin == TRACE_BY_EXEC) {
		length = SYSTEM(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", executable,
				sizeof(executable) - 1);
		executable[length < 0 ? 0 : length] = '\0';
		dl_iterate_phdr(find_base, NULL);
	}
	args[1] = base;
	ring_put_text(TRACE_PROCESS_START, ring_operand(origin, (uint64_t)pid), args, 2, executable,
		      RING_TEXT_MAX);
	if (origin == TRACE_BY_EXEC)
		walk();
	else
		recorded = SIZE_MAX;
}

void module_end(void)
{
	if (changed && recorded != SIZE_MAX)
		walk();
}

/* The loader tells from the return address who calls it, and looks where that object says; so the
 * hook must leave the caller's in place: it records what is there, and jumps. */
void *module_dlopen(void);
void *module_dlmopen(void);

static void before_load(void)
{
	module_end();
	changed = true;
}

__attribute__((used)) void *module_dlopen(void)
{
	before_load();
	return (void *)REAL(dlopen);
}

__attribute__((used)) void *module_dlmopen(void)
{
	before_load();
	return (void *)REAL(dlmopen);
}

#if defined(__x86_64__)
#define JUMP(name) \
	__asm__(".text\n" \
		".globl " #name "\n" \
		".type " #name ", @function\n" #name ":\n" \
		"	.cfi_startproc\n" \
		"	endbr64\n" \
		"	pushq %rdi\n" \
		"	.cfi_adjust_cfa_offset 8\n" \
		"	pushq %rsi\n" \
		"	.cfi_adjust_cfa_offset 8\n" \
		"	pushq %rdx\n" \
		"	.cfi_adjust_cfa_offset 8\n" \
		"	call module_" #name "\n" \
		"	popq %rdx\n" \
		"	.cfi_adjust_cfa_offset -8\n" \
		"	popq %rsi\n" \
		"	.cfi_adjust_cfa_offset -8\n" \
		"	popq %rdi\n" \
		"	.cfi_adjust_cfa_offset -8\n" \
		"	jmp *%rax\n" \
		"	.cfi_endproc\n" \
		".size " #name ", .-" #name "\n")
#elif defined(__aarch64__)
#define JUMP(name) \
	__asm__(".text\n" \
		".globl " #name "\n" \
		".type " #name ", %function\n" #name ":\n" \
		"	.cfi_startproc\n" \
		"	stp x29, x30, [sp, #-48]!\n" \
		"	.cfi_adjust_cfa_offset 48\n" \
		"	.cfi_rel_offset x30, 8\n" \
		"	stp x0, x1, [sp, #16]\n" \
		"	str x2, [sp, #32]\n" \
		"	bl module_" #name "\n" \
		"	mov x16, x0\n" \
		"	ldr x2, [sp, #32]\n" \
		"	ldp x0, x1, [sp, #16]\n" \
		"	ldp x29, x30, [sp], #48\n" \
		"	.cfi_adjust_cfa_offset -48\n" \
		"	.cfi_restore x30\n" \
		"	br x16\n" \
		"	.cfi_endproc\n" \
		".size " #name ", .-" #name "\n")
#endif

JUMP(dlopen);
JUMP(dlmopen);

/* exec.c adds LD_PRELOAD to an environment from which the program had removed us, and keeps what
 * was there before in a variable of its own: "GILSCOPE_KEPT=" and nothing or the old assignment. */
void module_restore_environment(const char *library, char **environment)
{
	static const char kept[] = "GILSCOPE_KEPT=";
	char **to = environment;
	char *old = NULL;

	for (char **at = environment; at && *at; at++) {
		if (strncmp(*at, kept, sizeof(kept) - 1) == 0)
			old = *at + sizeof(kept) - 1;
	}
	if (!old)
		return;
	for (char **at = environment; *at; at++) {
		if (strncmp(*at, kept, sizeof(kept) - 1) == 0)
			continue;
		if (strncmp(*at, "LD_PRELOAD=", 11) != 0 || !strstr(*at, library))
			*to++ = *at;
		else if (old[0])
			*to++ = old;
	}
	*to = NULL;
}
