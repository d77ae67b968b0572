/* Looks at what is to be run before it is run: what cannot be preloaded into would be recorded as
 * nothing, silently. */
#include "tracer/launcher/target.h"

#include "base/path.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#endif

static bool refuse(const char *path, const char *why, struct err *err)
{
	return err_set(err, EXIT_IMPOSSIBLE, "cannot trace '%s': %s", path, why);
}

static bool check_rights(const char *path, int fd, struct err *err)
{
	struct stat file;
	char value[64];

	if (fstat(fd, &file) != 0)
		return true;
	if ((file.st_mode & S_ISUID && file.st_uid != geteuid()) ||
	    (file.st_mode & S_ISGID && file.st_gid != getegid()))
		return refuse(path,
			      "it is set-uid or set-gid, and the loader preloads nothing there; "
			      "run it as its owner",
			      err);
	if (geteuid() != 0 && fgetxattr(fd, "security.capability", value, sizeof(value)) > 0)
		return refuse(path,
			      "it has file capabilities, and the loader preloads nothing there; "
			      "run a copy without",
			      err);
	return true;
}

static bool check_elf(const char *path, int fd, const Elf64_Ehdr *head, struct err *err)
{
	if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_machine != OUR_MACHINE)
		return refuse(path, "it is for another architecture than this gilscope", err);
	for (unsigned i = 0; i < head->e_phnum; i++) {
		Elf64_Phdr segment;

		if (pread(fd, &segment, sizeof(segment),
			  (off_t)(head->e_phoff + i * sizeof(segment))) != sizeof(segment))
			return true;
		if (segment.p_type == PT_INTERP)
			return check_rights(path, fd, err);
	}
	return refuse(path, "it is linked statically, so nothing can be preloaded into it", err);
}

/* The interpreter of "#! /path word"; false: none. */
static bool interpreter(const char *text, char path[PATH_MAX])
{
	size_t length;

	if (strncmp(text, "#!", 2) != 0)
		return false;
	text += 2 + strspn(text + 2, " \t");
	length = strcspn(text, " \t\r\n");
	if (length == 0 || length >= PATH_MAX)
		return false;
	memcpy(path, text, length);
	path[length] = '\0';
	return true;
}

bool target_check(const char *path, struct err *err)
{
	union {
		Elf64_Ehdr elf;
		char text[512];
	} head = { .text = "" };
	char next[PATH_MAX], now[PATH_MAX];
	bool ok = true;

	snprintf(now, sizeof(now), "%s", path);
	/* As many as the kernel follows. */
	for (int depth = 0; depth < 5; depth++) {
		const int fd = open(now, O_RDONLY | O_CLOEXEC);
		ssize_t n;

		if (fd < 0)
			return true;
		n = read(fd, &head, sizeof(head) - 1);
		head.text[n > 0 ? n : 0] = '\0';
		if (n >= (ssize_t)sizeof(head.elf) &&
		    memcmp(head.elf.e_ident, ELFMAG, SELFMAG) == 0) {
			ok = check_elf(now, fd, &head.elf, err);
			close(fd);
			return ok;
		}
		close(fd);
		if (!interpreter(head.text, next))
			return true;
		memcpy(now, next, sizeof(now));
	}
	return ok;
}
