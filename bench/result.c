/* The files of a result: none is there under its name before all are whole. */
#include "bench/result.h"

#include "base/path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const struct result_output result_outputs[] = {
	{ "samples.tsv", result_samples_tsv },
	{ "cells.tsv", result_cells_tsv },
	{ "counts.tsv", result_counts_tsv },
	{ "result.json", result_json },
	{ 0 },
};

struct result_files {
	int lock; /* of the folder: two runs must not write the same files */
	char folder[4096 - 64];
	const struct result_output *list;
	size_t count;
	FILE *to[RESULT_OUTPUTS];
};

static void path_of(const struct result_files *files, size_t i, const char *suffix, char *to,
		    size_t room)
{
	snprintf(to, room, "%s/%s%s", files->folder, files->list[i].name, suffix);
}

static bool lock_folder(struct result_files *files, struct err *err)
{
	files->lock = open(files->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files->lock < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot open the folder '%s': %s",
			       files->folder, strerror(errno));
	if (flock(files->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	return err_set(err, EXIT_IMPOSSIBLE,
		       "another run is writing to '%s'; wait for it or give another folder",
		       files->folder);
}

static bool open_files(struct result_files *files, struct err *err)
{
	char path[4096];

	for (size_t i = 0; i < files->count; i++) {
		path_of(files, i, ".part", path, sizeof(path));
		files->to[i] = fopen(path, "we");
		if (!files->to[i])
			return err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s", path,
				       strerror(errno));
	}
	return true;
}

struct result_files *result_open(const char *folder, const struct result_output *list,
				 struct err *err)
{
	struct result_files *files = calloc(1, sizeof(*files));

	if (!files || folder[0] == '\0' || strlen(folder) >= sizeof(files->folder)) {
		err_set(err, EXIT_MISUSE, "the folder's name is empty or too long");
		free(files);
		return NULL;
	}
	files->lock = -1;
	files->list = list;
	while (list[files->count].name)
		files->count++;
	assert(files->count <= RESULT_OUTPUTS);
	snprintf(files->folder, sizeof(files->folder), "%s", folder);
	if (path_make_folder(folder, err) && lock_folder(files, err) && open_files(files, err))
		return files;
	result_abandon(files);
	return NULL;
}

static void close_all(struct result_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		if (files->to[i])
			fclose(files->to[i]);
	}
	if (files->lock >= 0)
		close(files->lock);
	free(files);
}

void result_abandon(struct result_files *files)
{
	char path[4096];

	for (size_t i = 0; files && i < files->count; i++) {
		path_of(files, i, ".part", path, sizeof(path));
		if (files->to[i])
			unlink(path);
	}
	if (files)
		close_all(files);
}

/* Down to the disk; the disk may be full only when it comes to writing. */
static bool flush(FILE *to)
{
	return fflush(to) == 0 && !ferror(to) && fsync(fileno(to)) == 0;
}

bool result_write(struct result_files *files, const void *subject, struct err *err)
{
	char part[4096], path[4096];

	for (size_t i = 0; i < files->count; i++) {
		path_of(files, i, "", path, sizeof(path));
		errno = 0;
		files->list[i].write(subject, files->to[i]);
		if (!flush(files->to[i])) {
			err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s; nothing was written",
				path, strerror(errno));
			result_abandon(files);
			return false;
		}
	}
	for (size_t i = 0; i < files->count; i++) {
		path_of(files, i, ".part", part, sizeof(part));
		path_of(files, i, "", path, sizeof(path));
		if (rename(part, path) != 0) {
			err_set(err, EXIT_IMPOSSIBLE, "cannot name '%s': %s", path,
				strerror(errno));
			result_abandon(files);
			return false;
		}
	}
	close_all(files);
	return true;
}
