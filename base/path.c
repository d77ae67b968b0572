/* Walks $PATH, and down a path. */
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_find_program(const char *name, char *path, size_t room)
{
	const char *folder = getenv("PATH");

	while (folder && *folder) {
		const size_t length = strcspn(folder, ":");
		const int needed = snprintf(path, room, "%.*s/%s", (int)length, folder, name);

		if (needed > 0 && (size_t)needed < room && access(path, X_OK) == 0)
			return true;
		folder += length + (folder[length] == ':');
	}
	path[0] = '\0';
	return false;
}

bool path_make_folder(const char *path, struct err *err)
{
	char part[PATH_MAX];

	for (size_t i = 1; path[0] && path[i - 1]; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot make the folder '%s': %s",
				       part, strerror(errno));
	}
	return true;
}
