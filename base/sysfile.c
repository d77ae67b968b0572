/* Reads /proc and /sys without stdio: some of these files are read around every sample. */
#include "base/sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* /proc hands some files out in pieces, so one read is not enough. */
static bool read_whole(const char *path, char *to, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got;

	to[0] = '\0';
	if (fd < 0)
		return false;
	do {
		got = read(fd, to + used, room - 1 - used);
		if (got > 0)
			used += (size_t)got;
	} while ((got > 0 && used + 1 < room) || (got < 0 && errno == EINTR));
	to[got < 0 ? 0 : used] = '\0';
	close(fd);
	return got >= 0;
}

static bool read_named(char *to, size_t room, const char *format, va_list args)
{
	char path[PATH_MAX];
	const int length = vsnprintf(path, sizeof(path), format, args);

	to[0] = '\0';
	if (length < 0 || (size_t)length >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	return read_whole(path, to, room);
}

bool sysfile_read(char *to, size_t room, const char *format, ...)
{
	va_list args;
	bool done;

	va_start(args, format);
	done = read_named(to, room, format, args);
	va_end(args);
	return done;
}

/* Without surrounding blanks and one pair of quotes. */
static void copy_trimmed(const char *from, size_t length, char *to, size_t room)
{
	while (length > 0 && strchr(" \t\n", from[length - 1]))
		length--;
	while (length > 0 && strchr(" \t", from[0])) {
		from++;
		length--;
	}
	if (length >= 2 && from[0] == '"' && from[length - 1] == '"') {
		from++;
		length -= 2;
	}
	snprintf(to, room, "%.*s", (int)(length < room ? length : room - 1), from);
}

bool sysfile_line(char *to, size_t room, const char *format, ...)
{
	char text[512];
	va_list args;
	bool done;

	va_start(args, format);
	done = read_named(text, sizeof(text), format, args);
	va_end(args);
	copy_trimmed(text, strcspn(text, "\n"), to, room);
	return done;
}

bool sysfile_field(const char *text, const char *key, char *to, size_t room)
{
	const size_t length = strlen(key);

	to[0] = '\0';
	while (text) {
		const char *value = text + length;

		if (strncmp(text, key, length) == 0 && *value && strchr(" \t:=", *value)) {
			value += strspn(value, " \t");
			value += *value == ':' || *value == '=';
			copy_trimmed(value, strcspn(value, "\n"), to, room);
			return true;
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

int64_t sysfile_field_number(const char *text, const char *key)
{
	char value[64], *end;
	int64_t number;

	if (!sysfile_field(text, key, value, sizeof(value)))
		return -1;
	number = strtoll(value, &end, 10);
	return end == value ? -1 : number;
}

bool sysfile_chosen(const char *text, char *to, size_t room)
{
	const char *open_bracket = strchr(text, '[');
	const char *close_bracket = open_bracket ? strchr(open_bracket, ']') : NULL;

	to[0] = '\0';
	if (!close_bracket)
		return false;
	copy_trimmed(open_bracket + 1, (size_t)(close_bracket - open_bracket - 1), to, room);
	return true;
}
