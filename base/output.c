/* Writes files that are whole or not there. */
#include "base/output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_name(struct output *output, const char *folder, const char *stem, const char *ending,
		 struct err *err)
{
	const int used =
		snprintf(output->path, sizeof(output->path), "%s/%s%s", folder, stem, ending);

	output->to = NULL;
	if (used < PATH_MAX && snprintf(output->part, sizeof(output->part), "%s/%s%s.part", folder,
					stem, ending) < PATH_MAX)
		return true;
	return err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': the name is too long",
		       output->path);
}

bool output_open(struct output *output, const char *folder, const char *stem, const char *ending,
		 struct err *err)
{
	if (!output_name(output, folder, stem, ending, err))
		return false;
	output->to = fopen(output->part, "we");
	return output->to || err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %m", output->path);
}

bool output_open_path(struct output *output, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	struct stat is;

	if (path[0] == '\0' || strlen(path) >= PATH_MAX)
		return err_set(err, EXIT_MISUSE, "the file's name is empty or too long");
	if (stat(path, &is) == 0 && !S_ISREG(is.st_mode)) {
		*output = (struct output){ 0 };
		snprintf(output->path, sizeof(output->path), "%s", path);
		output->to = fopen(path, "we");
		return output->to ||
		       err_set(err, EXIT_IMPOSSIBLE, "cannot write '%.300s': %m", path);
	}
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
			 path);
	return output_open(output, folder, slash ? slash + 1 : path, "", err);
}

bool output_rename(const struct output *output, struct err *err)
{
	if (!output->part[0] || rename(output->part, output->path) == 0)
		return true;
	err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %m", output->path);
	unlink(output->part);
	return false;
}

bool output_close(struct output *output, struct err *err)
{
	const bool failed = ferror(output->to);

	/* Buffered bytes are written here, so here a full disk shows at the latest. */
	if (fclose(output->to) == 0 && !failed)
		return output_rename(output, err);
	err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %m", output->path);
	if (output->part[0])
		unlink(output->part);
	return false;
}

void output_drop(struct output *output)
{
	fclose(output->to);
	if (output->part[0])
		unlink(output->part);
}

bool output_remove(const char *folder, const char *stem, const char *ending, struct err *err)
{
	struct output output;

	if (!output_name(&output, folder, stem, ending, err))
		return false;
	if ((unlink(output.path) == 0 || errno == ENOENT) &&
	    (unlink(output.part) == 0 || errno == ENOENT))
		return true;
	return err_set(err, EXIT_IMPOSSIBLE, "cannot remove the earlier '%s': %m", output.path);
}
