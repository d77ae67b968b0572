/* Turns the errno of perf_event_open into a sentence. */
#include "bench/refusal.h"

#include "base/machine.h"
#include "base/sysfile.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

/* 'cpu' or 'cpu_core' and 'cpu_atom' on x86, 'armv8_...' and alike on ARM. */
static bool has_pmu(void)
{
	glob_t found;
	const int status =
		glob("/sys/bus/event_source/devices/{cpu,cpu_*,arm*}", GLOB_BRACE, NULL, &found);

	if (status == 0)
		globfree(&found);
	return status == 0;
}

void refusal_place_find(struct refusal_place *place)
{
	struct machine machine;
	char status[4096];

	machine_read(&machine);
	*place = (struct refusal_place){
		.paranoid = machine.perf_event_paranoid,
		.hypervisor =
			machine.virtualization[0] && strcmp(machine.virtualization, "none") != 0,
	};
	sysfile_read(status, sizeof(status), "/proc/self/status");
	place->pmu = has_pmu();
	place->seccomp = sysfile_field_number(status, "Seccomp") == 2;
}

static void not_permitted(const struct refusal_place *place, enum refusal_kind kind, int error,
			  char *to, size_t room)
{
	/* Linux' own levels end at 2; Debian's and Ubuntu's 3 and 4 refuse users everything. */
	const int most = kind == REFUSAL_KERNEL ? 1 : 2;

	/* The container engines' filters answer EPERM; the kernel itself answers EACCES. */
	if (error == EPERM && place->seccomp)
		snprintf(to, room,
			 "not permitted: a seccomp filter forbids it (container); run with "
			 "--cap-add PERFMON and a profile that allows perf_event_open");
	else if (place->paranoid != MACHINE_PARANOID_UNKNOWN && place->paranoid > most)
		snprintf(to, room,
			 "not permitted: kernel.perf_event_paranoid is %d; needs at most "
			 "%d or CAP_PERFMON",
			 place->paranoid, most);
	else
		snprintf(to, room, "not permitted (%s); needs CAP_PERFMON", strerrorname_np(error));
}

void refusal_text(const struct refusal_place *place, enum refusal_kind kind, int error, char *to,
		  size_t room)
{
	switch (error) {
	case EACCES:
	case EPERM:
		not_permitted(place, kind, error, to, room);
		break;
	case ENOENT:
	case EOPNOTSUPP:
	case ENODEV:
		if (!place->pmu)
			snprintf(to, room, "no hardware counters here (no PMU in this %s)",
				 place->hypervisor ? "virtual machine" : "machine");
		else
			snprintf(to, room, "this processor or kernel does not count it (%s)",
				 strerrorname_np(error));
		break;
	case ENOSYS:
		snprintf(to, room, "this kernel has no perf_event_open");
		break;
	case EMFILE:
	case ENFILE:
		snprintf(to, room, "too many open files");
		break;
	default:
		snprintf(to, room, "the kernel refuses it for a process (%s)",
			 strerrorname_np(error) ? strerrorname_np(error) : "unknown error");
	}
}
