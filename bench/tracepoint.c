/* Finds the id of a tracepoint in tracefs. */
#include "bench/tracepoint.h"

#include "base/sysfile.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Its own mount point, and the one inside of debugfs that it had before. */
static const char *const folders[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

static size_t word(const char *text)
{
	size_t length = 0;

	/* No dots and slashes: the words become a path. */
	while (isalnum((unsigned char)text[length]) || text[length] == '_' || text[length] == '-')
		length++;
	return length;
}

bool tracepoint_is_name(const char *name)
{
	const size_t first = word(name);
	const size_t second = name[first] == ':' ? word(name + first + 1) : 0;

	return first > 0 && second > 0 && name[first + 1 + second] == '\0';
}

/* The folder with 'events' in it: without tracefs the mount point is there and empty. Null with
 * errno: EACCES when one may not be looked into, else ENOENT. */
static const char *mounted(const char *root)
{
	int error = ENOENT;

	for (size_t i = 0; i < FOLDERS; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s%s/events", root, folders[i]);
		if (access(path, X_OK) == 0)
			return folders[i];
		if (errno == EACCES)
			error = EACCES;
	}
	errno = error;
	return NULL;
}

bool tracepoint_find(const char *root, const char *name, uint64_t *id, char *reason, size_t room)
{
	const int category = (int)word(name);
	const char *folder = mounted(root);
	char line[32], *end;

	if (!folder && errno == EACCES) {
		snprintf(reason, room, "not permitted: only root may look into %s", folders[0]);
		return false;
	}
	if (!folder) {
		snprintf(reason, room, "tracefs is not mounted; 'mount -t tracefs none %s' as root",
			 folders[0]);
		return false;
	}
	if (!sysfile_line(line, sizeof(line), "%s%s/events/%.*s/%s/id", root, folder, category,
			  name, name + category + 1)) {
		snprintf(reason, room,
			 errno == EACCES ? "not permitted: only root may look into %s" :
					   "no such event in %s/events",
			 folder);
		return false;
	}
	*id = strtoull(line, &end, 10);
	if (end == line)
		snprintf(reason, room, "no number in %s/events/.../id", folder);
	return end != line;
}
