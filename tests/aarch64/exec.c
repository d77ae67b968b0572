/* For programs of another architecture under qemu-user: what they run, qemu-user runs. The kernel
 * itself knows how only where binfmt_misc was set up, which needs root. Preloaded into the guest,
 * behind the recorder if that is there; all of it runs in the child of vfork too. */
#include <alloca.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is run instead; the arrays are on the stack of who asks. */
struct change {
	const char *path;
	char **words, **environment;
};

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static bool is_for_guest(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr head;
	bool is;

	if (fd < 0)
		return false;
	is = read(fd, &head, sizeof(head)) == sizeof(head) &&
	     memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_machine == EM_AARCH64;
	close(fd);
	return is;
}

/* What is preloaded concerns guests alone: the environment is without it. */
static char *take_preload(char **to, char *const *environment)
{
	char *preload = NULL;

	for (; environment && *environment; environment++) {
		if (strncmp(*environment, "LD_PRELOAD=", 11) == 0)
			preload = *environment;
		else
			*to++ = *environment;
	}
	*to = NULL;
	return preload;
}

static void put_words(char **to, const char *path, char *const *words, char *preload)
{
	*to++ = (char *)QEMU;
	*to++ = (char *)"-L";
	*to++ = (char *)SYSROOT;
	*to++ = (char *)"-0";
	*to++ = words[0];
	if (preload) {
		*to++ = (char *)"-E";
		*to++ = preload;
	}
	*to++ = (char *)path;
	while (*++words)
		*to++ = *words;
	*to = NULL;
}

static void change_all(struct change *change, const char *path, char *const *words,
		       char *const *environment)
{
	char *preload = take_preload(change->environment, environment);

	change->path = path;
	if (words && words[0] && is_for_guest(path)) {
		put_words(change->words, path, words, preload);
		change->path = QEMU;
	} else {
		memcpy(change->words, words, (count(words) + 1) * sizeof(char *));
	}
}

#define CHANGED(change, path, words, environment) \
	struct change change = { \
		.words = alloca((count(words) + 9) * sizeof(char *)), \
		.environment = alloca((count(environment) + 1) * sizeof(char *)), \
	}; \
	change_all(&(change), path, words, environment)

int execve(const char *path, char *const words[], char *const environment[])
{
	CHANGED(change, path, words, environment);
	return (int)syscall(SYS_execve, change.path, change.words, change.environment);
}

int execv(const char *path, char *const words[])
{
	return execve(path, words, environ);
}

int execvpe(const char *file, char *const words[], char *const environment[])
{
	__typeof__(&execvpe) const real = (__typeof__(&execvpe))dlsym(RTLD_NEXT, "execvpe");

	CHANGED(change, file, words, environment);
	return real(change.path, change.words, change.environment);
}

/* qemu-user's vfork is a fork: its child cannot tell its parent why exec failed. */
static int refusal(const char *path)
{
	return strchr(path, '/') && access(path, X_OK) != 0 ? errno : 0;
}

#define SPAWN(name) \
	int name(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, \
		 const posix_spawnattr_t *attributes, char *const words[], \
		 char *const environment[]) \
	{ \
		__typeof__(&name) const real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		const int error = refusal(path); \
\
		CHANGED(change, path, words, environment); \
		return error ? error : \
			       real(pid, change.path, actions, attributes, change.words, \
				    change.environment); \
	}
SPAWN(posix_spawn)
SPAWN(posix_spawnp)
