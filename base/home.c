/* Finds the folders of the installation this executable belongs to. */
#include "base/home.h"

#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool exists_below(char *to, const char *base, const char *relative)
{
	return snprintf(to, PATH_MAX, "%s/%s", base, relative) < PATH_MAX && access(to, X_OK) == 0;
}

/* The folder of this executable. */
static bool find_base(char base[PATH_MAX], struct err *err)
{
	const ssize_t length = readlink("/proc/self/exe", base, PATH_MAX - 1);

	if (length < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read /proc/self/exe: %m");
	base[length] = '\0';
	*strrchr(base, '/') = '\0';
	return true;
}

bool home_find_file(char path[PATH_MAX], const char *built, const char *installed, struct err *err)
{
	char base[PATH_MAX], below[PATH_MAX];

	if (!find_base(base, err))
		return false;
	snprintf(below, sizeof(below), "%s/%s", GILSCOPE_LIBEXEC, installed);
	if (exists_below(path, base, built) || exists_below(path, base, below))
		return true;
	return err_set(err, EXIT_IMPOSSIBLE,
		       "cannot find '%s' for '%s'; run it where it was built or installed",
		       installed, base);
}

bool home_find(struct home *home, struct err *err)
{
	char base[PATH_MAX];

	if (!find_base(base, err))
		return false;
	if (exists_below(home->workloads, base, "workloads") &&
	    exists_below(home->plots, base, "plots"))
		return true;
	if (exists_below(home->workloads, base, GILSCOPE_LIBEXEC "/workloads") &&
	    exists_below(home->plots, base, GILSCOPE_DATA "/plots"))
		return true;
	return err_set(err, EXIT_IMPOSSIBLE,
		       "cannot find the workloads of '%s'; run it where it was built or installed",
		       base);
}
