/* Reads how much the machine as a whole was disturbed: three small files, around every sample. */
#include "base/cgroup.h"
#include "base/machine.h"
#include "base/sysfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t disturbance_psi_ns(const char *text)
{
	char some[128];
	const char *total;

	if (!sysfile_field(text, "some", some, sizeof(some)))
		return -1;
	total = strstr(some, "total=");
	return total ? strtoll(total + strlen("total="), NULL, 10) * 1000 : -1;
}

int64_t disturbance_steal_ns(const char *text, long ticks_per_s)
{
	long long steal;

	/* user nice system idle iowait irq softirq steal */
	if (ticks_per_s <= 0 || sscanf(text, "cpu %*d %*d %*d %*d %*d %*d %*d %lld", &steal) != 1)
		return -1;
	return steal * (1000000000 / ticks_per_s);
}

void disturbance_read(struct disturbance *now)
{
	/* The group of a process hardly ever changes, and finding it costs as much as reading it.
	 */
	static struct cgroup cgroup;
	static bool found;
	char text[512];

	if (!found)
		cgroup_find(&cgroup, "");
	found = true;
	now->throttled_ns = cgroup_throttled_ns(&cgroup);
	sysfile_read(text, sizeof(text), "/proc/pressure/cpu");
	now->psi_cpu_ns = disturbance_psi_ns(text);
	sysfile_read(text, sizeof(text), "/proc/stat");
	now->steal_ns = disturbance_steal_ns(text, sysconf(_SC_CLK_TCK));
}

static int64_t difference(int64_t before, int64_t after)
{
	return before < 0 || after < before ? -1 : after - before;
}

struct disturbance disturbance_between(const struct disturbance *before,
				       const struct disturbance *after)
{
	return (struct disturbance){
		.psi_cpu_ns = difference(before->psi_cpu_ns, after->psi_cpu_ns),
		.steal_ns = difference(before->steal_ns, after->steal_ns),
		.throttled_ns = difference(before->throttled_ns, after->throttled_ns),
	};
}

/* Field 2 of schedstat (Documentation/scheduler/sched-stats). Without the accounting all fields are
 * 0, also the time that this thread has run. */
int64_t disturbance_run_delay_ns(void)
{
	long long ran, waited;
	char text[96];

	if (!sysfile_line(text, sizeof(text), "/proc/thread-self/schedstat") ||
	    sscanf(text, "%lld %lld", &ran, &waited) != 2 || ran == 0)
		return -1;
	return waited;
}
