/* Affinity masks of any size, and the kernel's list format. */
#include "base/cpus.h"

#include "base/sysfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MOST 65536

void cpus_list_format(const cpu_set_t *mask, size_t size_bytes, char *to, size_t room)
{
	const size_t most = size_bytes * 8;
	size_t used = 0;

	to[0] = '\0';
	for (size_t cpu = 0; cpu < most; cpu++) {
		const size_t first = cpu;
		char piece[48];
		int length;

		if (!CPU_ISSET_S(cpu, size_bytes, mask))
			continue;
		while (cpu + 1 < most && CPU_ISSET_S(cpu + 1, size_bytes, mask))
			cpu++;
		length = snprintf(piece, sizeof(piece), cpu == first ? "%s%zu" : "%s%zu-%zu",
				  used ? "," : "", first, cpu);
		/* Room for the mark is kept until the last piece. */
		if (used + (size_t)length + sizeof(",...") > room) {
			snprintf(to + used, room - used, "%s...", used ? "," : "");
			return;
		}
		memcpy(to + used, piece, (size_t)length + 1);
		used += (size_t)length;
	}
}

long cpus_allowed(char *list, size_t room)
{
	list[0] = '\0';
	/* The kernel refuses a mask that is smaller than its own. */
	for (size_t cpus = 1024; cpus <= CPUS_MOST; cpus *= 2) {
		const size_t size_bytes = CPU_ALLOC_SIZE(cpus);
		cpu_set_t *mask = CPU_ALLOC(cpus);
		long count = -1;

		if (!mask)
			return -1;
		if (sched_getaffinity(0, size_bytes, mask) == 0) {
			count = CPU_COUNT_S(size_bytes, mask);
			cpus_list_format(mask, size_bytes, list, room);
		} else if (errno == EINVAL) {
			count = -2;
		}
		CPU_FREE(mask);
		if (count != -2)
			return count;
	}
	return -1;
}

long cpus_list_next(const char **list, long previous)
{
	while (**list) {
		char *end;
		const long low = strtol(*list, &end, 10);
		long high = low;

		if (end == *list || low < 0)
			return -1;
		if (*end == '-')
			high = strtol(end + 1, &end, 10);
		if (high < low || (*end != ',' && *end != '\0'))
			return -1;
		if (previous < high)
			return previous < low ? low : previous + 1;
		*list = *end ? end + 1 : end;
	}
	return -1;
}

long cpus_list_count(const char *list)
{
	long count = 0;

	for (long cpu = -1; (cpu = cpus_list_next(&list, cpu)) >= 0;)
		count++;
	return *list ? -1 : count;
}

/* The first of its core among the allowed ones? A core that tells nothing has one thread. */
static bool is_first_of_core(const char *root, const char *allowed, long cpu)
{
	char siblings[256];
	const char *of_core = siblings;

	if (!sysfile_line(siblings, sizeof(siblings),
			  "%s/sys/devices/system/cpu/cpu%ld/topology/thread_siblings_list", root,
			  cpu))
		return true;
	for (long sibling = -1; (sibling = cpus_list_next(&of_core, sibling)) >= 0;) {
		const char *list = allowed;
		long other = -1;

		do
			other = cpus_list_next(&list, other);
		while (other >= 0 && other < sibling);
		if (other == sibling)
			return sibling == cpu;
	}
	return true;
}

bool cpus_spread(const char *root, const char *allowed, char *to, size_t room)
{
	size_t used = 0;

	for (int first = 1; first >= 0; first--) {
		const char *list = allowed;

		for (long cpu = -1; (cpu = cpus_list_next(&list, cpu)) >= 0;) {
			if (is_first_of_core(root, allowed, cpu) != (bool)first)
				continue;
			used += (size_t)snprintf(to + used, room - used, "%s%ld", used ? "," : "",
						 cpu);
			if (used >= room)
				return false;
		}
		if (*list)
			return false;
	}
	return used > 0;
}
