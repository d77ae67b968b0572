/* Records the loaded objects: address, size, build-id, path. */
#include "tracer/preload/module.h"

#include "tracer/preload/ring.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUILD_ID_MAX 64

/* Loads and unloads of the process when the modules were last recorded. */
static unsigned long long adds, subs;
static size_t recorded;

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

static void executable(char *path, size_t room)
{
	const ssize_t length = readlink("/proc/self/exe", path, room - 1);

	path[length < 0 ? 0 : length] = '\0';
}

static int record(struct dl_phdr_info *info, size_t size, void *count)
{
	uint64_t args[1 + BUILD_ID_MAX / sizeof(uint64_t)] = { size_of(info) };
	size_t *const position = count;
	const unsigned char *id;
	char path[1024];
	size_t length;

	(void)size;
	adds = info->dlpi_adds;
	if (info->dlpi_subs != subs) {
		subs = info->dlpi_subs;
		recorded = 0;
	}
	if ((*position)++ < recorded)
		return 0;
	id = build_id(info, &length);
	if (id)
		memcpy(&args[1], id, length);
	if (info->dlpi_name[0])
		path[0] = '\0';
	else
		executable(path, sizeof(path));
	ring_put_text(TRACE_MODULE, ring_operand((unsigned)length, (uintptr_t)info->dlpi_addr),
		      args, 1 + (unsigned)((length + sizeof(args[0]) - 1) / sizeof(args[0])),
		      info->dlpi_name[0] ? info->dlpi_name : path);
	return 0;
}

static int look(struct dl_phdr_info *info, size_t size, void *changed)
{
	(void)size;
	*(int *)changed = info->dlpi_adds != adds || info->dlpi_subs != subs;
	return 1;
}

void module_update(void)
{
	int changed = 0;
	size_t position = 0;

	dl_iterate_phdr(look, &changed);
	if (!changed)
		return;
	dl_iterate_phdr(record, &position);
	recorded = position;
}

static int base(struct dl_phdr_info *info, size_t size, void *address)
{
	(void)size;
	*(uint64_t *)address = info->dlpi_addr;
	return 1;
}

void module_begin(enum trace_origin origin, unsigned pid)
{
	uint64_t args[] = { (uint64_t)getppid(), 0 };
	char path[1024];

	dl_iterate_phdr(base, &args[1]);
	executable(path, sizeof(path));
	ring_put_text(TRACE_PROCESS_START, ring_operand(origin, (uint64_t)pid), args, 2, path);
	if (origin == TRACE_BY_EXEC)
		module_update();
}

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
