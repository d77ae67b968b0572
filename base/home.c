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

bool home_find(struct home *home, struct err *err)
{
	char base[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", base, sizeof(base) - 1);

	if (length < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read /proc/self/exe: %m");
	base[length] = '\0';
	*strrchr(base, '/') = '\0';
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
