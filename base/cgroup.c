/* Reads cgroup v2, and v1 where the CPU controller is still there. */
#include "base/cgroup.h"

#include "base/sysfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path in the line of /proc/self/cgroup whose controller list has 'controller' (v2: is empty).
 */
static bool own_path(const char *text, const char *controller, char *to, size_t room)
{
	while (text && *text) {
		const char *list = strchr(text, ':');
		const char *path = list ? strchr(list + 1, ':') : NULL;
		char controllers[128];

		if (!path)
			return false;
		snprintf(controllers, sizeof(controllers), ",%.*s,", (int)(path - list - 1),
			 list + 1);
		if (strstr(controllers, controller)) {
			snprintf(to, room, "%.*s", (int)strcspn(path + 1, "\n"), path + 1);
			return true;
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

static bool set_folder(struct cgroup *cgroup, const char *top, const char *path)
{
	const size_t top_size = strlen(top) + 1;
	int length;

	cgroup->top = top_size - 1;
	/* A group outside of the own namespace is shown as '/../..': its files are out of reach. */
	if (strstr(path, "/..") || strcmp(path, "/") == 0)
		path = "";
	length = snprintf(cgroup->folder, sizeof(cgroup->folder), "%s%s", top, path);
	/* In a container with the host's /proc/self/cgroup the path is not below the mount. */
	if (length < 0 || (size_t)length >= sizeof(cgroup->folder) ||
	    access(cgroup->folder, F_OK) != 0)
		memcpy(cgroup->folder, top, top_size);
	return access(cgroup->folder, F_OK) == 0;
}

void cgroup_find(struct cgroup *cgroup, const char *root)
{
	char text[4096], path[400], top[256];

	*cgroup = (struct cgroup){ 0 };
	if (!sysfile_read(text, sizeof(text), "%s/proc/self/cgroup", root))
		return;
	if (own_path(text, ",cpu,", path, sizeof(path))) {
		cgroup->v1 = true;
		snprintf(top, sizeof(top), "%s/sys/fs/cgroup/cpu", root);
		if (set_folder(cgroup, top, path))
			return;
	}
	cgroup->v1 = false;
	snprintf(top, sizeof(top), "%s/sys/fs/cgroup", root);
	if (own_path(text, ",,", path, sizeof(path)) && set_folder(cgroup, top, path)) {
		/* An empty folder is a mount point with nothing mounted. */
		char probe[300];

		snprintf(probe, sizeof(probe), "%s/cgroup.controllers", top);
		if (access(probe, F_OK) == 0)
			return;
	}
	cgroup->folder[0] = '\0';
}

/* Cuts the last level off; false when the top had been reached. */
static bool go_up(char *folder, size_t top)
{
	char *slash = strrchr(folder, '/');

	if (strlen(folder) <= top || !slash || (size_t)(slash - folder) < top)
		return false;
	*slash = '\0';
	return true;
}

/* The quota of one level in the words of v2. */
static bool level_cpu_max(const char *folder, bool v1, char *to, size_t room)
{
	char quota[24], period[24];

	if (!v1)
		return sysfile_line(to, room, "%s/cpu.max", folder);
	if (!sysfile_line(quota, sizeof(quota), "%s/cpu.cfs_quota_us", folder) ||
	    !sysfile_line(period, sizeof(period), "%s/cpu.cfs_period_us", folder))
		return false;
	snprintf(to, room, "%s %s", quota[0] == '-' ? "max" : quota, period);
	return true;
}

/* CPUs that a quota is worth; negative for 'max'. */
static double quota_cpus(const char *text)
{
	char *end;
	const double quota = strtod(text, &end);
	const double period = strtod(end, NULL);

	return end == text || period <= 0 ? -1 : quota / period;
}

void cgroup_cpu_max(const struct cgroup *cgroup, char *to, size_t room)
{
	char folder[sizeof(cgroup->folder)], text[48];
	double least = -1;

	to[0] = '\0';
	if (!cgroup->folder[0])
		return;
	/* A level without the file has the controller off: nothing is limited there. */
	snprintf(to, room, "max");
	snprintf(folder, sizeof(folder), "%s", cgroup->folder);
	do {
		if (!level_cpu_max(folder, cgroup->v1, text, sizeof(text)))
			continue;
		const double cpus = quota_cpus(text);

		if (cpus >= 0 && (least < 0 || cpus < least)) {
			least = cpus;
			snprintf(to, room, "%s", text);
		}
	} while (go_up(folder, cgroup->top));
}

int64_t cgroup_throttled_ns(const struct cgroup *cgroup)
{
	char folder[sizeof(cgroup->folder)], text[2048];
	int64_t sum_ns = -1;

	if (!cgroup->folder[0])
		return -1;
	snprintf(folder, sizeof(folder), "%s", cgroup->folder);
	do {
		int64_t ns;

		if (!sysfile_read(text, sizeof(text), "%s/cpu.stat", folder))
			continue;
		ns = cgroup->v1 ? sysfile_field_number(text, "throttled_time") :
				  sysfile_field_number(text, "throttled_usec");
		if (ns < 0)
			continue;
		sum_ns = (sum_ns < 0 ? 0 : sum_ns) + (cgroup->v1 ? ns : ns * 1000);
	} while (go_up(folder, cgroup->top));
	return sum_ns;
}
