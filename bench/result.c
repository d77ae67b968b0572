/* The files of a result: none is there under its name before all are whole. */
#include "bench/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	void (*write)(const struct result *result, FILE *to);
} outputs[] = {
	{ "samples.tsv", result_samples_tsv },
	{ "cells.tsv", result_cells_tsv },
	/* Last: a reader that finds it finds the others. */
	{ "result.json", result_json },
};

#define OUTPUTS (sizeof(outputs) / sizeof(outputs[0]))

struct result_files {
	char folder[4096 - 64];
	FILE *to[OUTPUTS];
};

static void path_of(const struct result_files *files, size_t i, const char *suffix, char *to,
		    size_t room)
{
	snprintf(to, room, "%s/%s%s", files->folder, outputs[i].name, suffix);
}

/* As mkdir -p: what is there already is no trouble. */
static bool make_folder(const char *path, struct err *err)
{
	char part[4096];

	for (size_t i = 1; path[i - 1]; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot make the folder '%s': %s",
				       part, strerror(errno));
	}
	return true;
}

struct result_files *result_open(const char *folder, struct err *err)
{
	struct result_files *files = calloc(1, sizeof(*files));
	char path[4096];

	if (!files || strlen(folder) >= sizeof(files->folder)) {
		err_set(err, EXIT_MISUSE, "the folder's name is too long");
		free(files);
		return NULL;
	}
	snprintf(files->folder, sizeof(files->folder), "%s", folder);
	for (size_t i = 0; i < OUTPUTS; i++) {
		path_of(files, i, ".part", path, sizeof(path));
		files->to[i] = make_folder(folder, err) ? fopen(path, "we") : NULL;
		if (!files->to[i]) {
			if (!err->text[0])
				err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s", path,
					strerror(errno));
			result_abandon(files);
			return NULL;
		}
	}
	return files;
}

void result_abandon(struct result_files *files)
{
	char path[4096];

	if (!files)
		return;
	for (size_t i = 0; i < OUTPUTS; i++) {
		if (!files->to[i])
			continue;
		fclose(files->to[i]);
		path_of(files, i, ".part", path, sizeof(path));
		unlink(path);
	}
	free(files);
}

bool result_write(struct result_files *files, const struct result *result, struct err *err)
{
	char part[4096], path[4096];

	for (size_t i = 0; i < OUTPUTS; i++) {
		outputs[i].write(result, files->to[i]);
		/* The disk may be full only when it comes to writing: errno is of the first
		 * failure. */
		if (fflush(files->to[i]) != 0 || ferror(files->to[i]) ||
		    fsync(fileno(files->to[i])) != 0) {
			path_of(files, i, "", path, sizeof(path));
			err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s; nothing was written",
				path, strerror(errno));
			result_abandon(files);
			return false;
		}
	}
	for (size_t i = 0; i < OUTPUTS; i++) {
		path_of(files, i, ".part", part, sizeof(part));
		path_of(files, i, "", path, sizeof(path));
		if (rename(part, path) != 0) {
			err_set(err, EXIT_IMPOSSIBLE, "cannot name '%s': %s", path,
				strerror(errno));
			result_abandon(files);
			return false;
		}
	}
	for (size_t i = 0; i < OUTPUTS; i++)
		fclose(files->to[i]);
	free(files);
	return true;
}
