/* Looks along $PATH. */
#include "bench/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool program_find(const char *name, char *path, size_t room)
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
