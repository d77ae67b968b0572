/* exec and posix_spawn: recorded, and the new program is traced even when the environment that it
 * is given has lost LD_PRELOAD. All of it runs in the child of vfork too: no allocation, nothing
 * but the stack. */
#include "tracer/preload/attach.h"
#include "tracer/preload/real.h"
#include "tracer/preload/ring.h"
#include "tracer/preload/system.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_preload(const char *entry)
{
	return strncmp(entry, "LD_PRELOAD=", 11) == 0;
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* The entry of LD_PRELOAD; null: none. */
static char *preload_entry(char *const *environment)
{
	for (char *const *at = environment; at && *at; at++) {
		if (is_preload(*at))
			return *at;
	}
	return NULL;
}

enum change { AS_IS, ADD, REMOVE };

/* We are added to an environment that has lost us, and taken out of one for a program that cannot
 * reach us any more, behind chroot or other rights: the loader would complain. */
static enum change change_of(char *const *environment)
{
	const char *library = attach_library();
	const char *entry = preload_entry(environment);
	const int saved = errno;
	bool there, reached;
	long error;

	if (!library)
		return AS_IS;
	there = entry && strstr(entry, library);
	error = SYSTEM(SYS_faccessat2, AT_FDCWD, library, R_OK, AT_EACCESS);
	/* Before Linux 5.8 libc makes it of others. */
	reached =
		error == -ENOSYS ? faccessat(AT_FDCWD, library, R_OK, AT_EACCESS) == 0 : error == 0;
	errno = saved;
	return there == reached ? AS_IS : reached ? ADD : REMOVE;
}

/* What ADJUSTED needs besides pointers: two strings with their ends. */
static size_t text_room(char *const *environment)
{
	const char *entry = preload_entry(environment);
	const char *library = attach_library();

	return library ? strlen(library) + 64 + (entry ? 2 * strlen(entry) : 0) : 64;
}

/* We stand in front of what else is preloaded, and what was there before is kept. */
static size_t add(char **to, char *text, size_t room, const char *old)
{
	const int used = snprintf(text, room, "LD_PRELOAD=%s%s%s", attach_library(), old ? ":" : "",
				  old ? old + 11 : "");

	to[0] = text;
	to[1] = text + used + 1;
	snprintf(to[1], room - (size_t)used - 1, "GILSCOPE_KEPT=%s", old ? old : "");
	return 2;
}

/* What else is preloaded stays; without any, so does the variable's absence. */
static size_t remove_us(char **to, char *text, size_t room, const char *old)
{
	const char *ours = strstr(old, attach_library());
	const char *rest = ours + strlen(attach_library());
	const int before = (int)(ours - old);

	rest += *rest == ':';
	snprintf(text, room, "%.*s%s", before, old, rest);
	if (text[11] == '\0')
		return 0;
	to[0] = text;
	return 1;
}

static size_t change(char *const *environment, char **to, char *text, size_t room)
{
	const char *old = preload_entry(environment);

	return change_of(environment) == ADD ? add(to, text, room, old) :
					       remove_us(to, text, room, old);
}

/* In its place, so that the order is what the program made it. */
static char *const *adjust(char *const *environment, char **to, char *text, size_t room)
{
	const char *old = preload_entry(environment);
	size_t n = 0;

	for (char *const *at = environment; at && *at; at++) {
		if (!is_preload(*at))
			to[n++] = *at;
		else if (*at == old)
			n += change(environment, to + n, text, room);
	}
	if (!old)
		n += change(environment, to + n, text, room);
	to[n] = NULL;
	return to;
}

/* The environment with us in it as it should be; on the caller's stack. */
#define ADJUSTED(environment) \
	(change_of(environment) == AS_IS ? \
		 (environment) : \
		 adjust(environment, alloca((count(environment) + 4) * sizeof(char *)), \
			alloca(text_room(environment)), text_room(environment)))

static void begin(const char *path)
{
	ring_put_text(TRACE_EXEC, ring_operand(0, (uint64_t)SYSTEM(SYS_getpid)), NULL, 0, path,
		      RING_TEXT_MAX);
}

/* An exec that returns has failed. */
static int failed(int result)
{
	const int saved = errno;

	ring_event(TRACE_EXEC_FAIL, (unsigned)saved & 0xff, (uint64_t)SYSTEM(SYS_getpid));
	errno = saved;
	return result;
}

int execve(const char *path, char *const arguments[], char *const environment[])
{
	begin(path);
	return failed(REAL(execve)(path, arguments, ADJUSTED(environment)));
}

int execv(const char *path, char *const arguments[])
{
	begin(path);
	return failed(REAL(execve)(path, arguments, ADJUSTED(environ)));
}

int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	begin(file);
	return failed(REAL(execvpe)(file, arguments, ADJUSTED(environment)));
}

int execvp(const char *file, char *const arguments[])
{
	begin(file);
	return failed(REAL(execvpe)(file, arguments, ADJUSTED(environ)));
}

int fexecve(int fd, char *const arguments[], char *const environment[])
{
	begin("(descriptor)");
	return failed(REAL(fexecve)(fd, arguments, ADJUSTED(environment)));
}

int execveat(int folder, const char *path, char *const arguments[], char *const environment[],
	     int flags)
{
	begin(path);
	return failed(REAL(execveat)(folder, path, arguments, ADJUSTED(environment), flags));
}

/* The words of a variadic call, as an array on the caller's stack; 'list' is then at what follows.
 */
#define COLLECT(words, first, list) \
	do { \
		va_list ahead; \
		size_t n = 1; \
\
		va_start(list, first); \
		va_copy(ahead, list); \
		while (va_arg(ahead, char *)) \
			n++; \
		va_end(ahead); \
		(words) = alloca((n + 1) * sizeof(char *)); \
		(words)[0] = (char *)(first); \
		for (size_t i = 1; i <= n; i++) \
			(words)[i] = va_arg(list, char *); \
	} while (0)

int execl(const char *path, const char *first, ...)
{
	char **words;
	va_list list;

	COLLECT(words, first, list);
	va_end(list);
	return execv(path, words);
}

int execlp(const char *file, const char *first, ...)
{
	char **words;
	va_list list;

	COLLECT(words, first, list);
	va_end(list);
	return execvp(file, words);
}

int execle(const char *path, const char *first, ...)
{
	char *const *environment;
	char **words;
	va_list list;

	COLLECT(words, first, list);
	environment = va_arg(list, char *const *);
	va_end(list);
	return execve(path, words, environment);
}

static int spawned(pid_t pid, int result)
{
	ring_event(TRACE_SPAWNED, (unsigned)result & 0xff, (uint64_t)(result == 0 ? pid : 0));
	return result;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const arguments[],
		char *const environment[])
{
	pid_t child = 0;
	int result;

	ring_put_text(TRACE_SPAWN, 0, NULL, 0, path, RING_TEXT_MAX);
	result = REAL(posix_spawn)(&child, path, actions, attributes, arguments,
				   ADJUSTED(environment));
	if (pid && result == 0)
		*pid = child;
	return spawned(child, result);
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const arguments[],
		 char *const environment[])
{
	pid_t child = 0;
	int result;

	ring_put_text(TRACE_SPAWN, 0, NULL, 0, file, RING_TEXT_MAX);
	result = REAL(posix_spawnp)(&child, file, actions, attributes, arguments,
				    ADJUSTED(environment));
	if (pid && result == 0)
		*pid = child;
	return spawned(child, result);
}
