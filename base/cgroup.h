/* The control group of this process: what CPU quota it has, and how long the quota held it back.
 * Quotas bind from every level above, so all levels up to the root are looked at. */
#ifndef BASE_CGROUP_H
#define BASE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup {
	char folder[512]; /* own group; empty: not known */
	size_t top;       /* how much of it is the folder of the whole hierarchy */
	bool v1;
};

/* Finds the own group below 'root', which is "" but in tests. */
void cgroup_find(struct cgroup *cgroup, const char *root);
/* The tightest quota as cgroup v2 writes it, '200000 100000' or 'max'; empty when not known. */
void cgroup_cpu_max(const struct cgroup *cgroup, char *to, size_t room);
/* Sum over the levels; -1 when no level tells. */
int64_t cgroup_throttled_ns(const struct cgroup *cgroup);

#endif
