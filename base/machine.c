/* Reads what machine this is. Every value has its own few lines, because every value is told in its
 * own way and can be missing for its own reason. What is said about it is in machine_text.c. */
#include "base/machine.h"

#include "base/cgroup.h"
#include "base/cpus.h"
#include "base/sysfile.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

static void read_cpus(struct machine *machine)
{
	char text[4096], line[64];

	/* The first CPU is enough, and some machines have hundreds. */
	if (sysfile_read(text, sizeof(text), "/proc/cpuinfo"))
		sysfile_field(text, "model name", machine->cpu_model, sizeof(machine->cpu_model));
	machine->cpus_online = sysconf(_SC_NPROCESSORS_ONLN);
	machine->cpus_allowed = cpus_allowed(machine->cpus_list, sizeof(machine->cpus_list));
	machine->smt = -1;
	if (sysfile_line(line, sizeof(line), "/sys/devices/system/cpu/smt/active"))
		machine->smt = line[0] == '1';
	else if (sysfile_line(line, sizeof(line),
			      "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"))
		machine->smt = cpus_list_count(line) > 1;
}

static void read_governor(struct machine *machine)
{
	const char *list = machine->cpus_list;
	char governor[sizeof(machine->governor)];

	for (long cpu = -1; (cpu = cpus_list_next(&list, cpu)) >= 0;) {
		if (!sysfile_line(governor, sizeof(governor),
				  "/sys/devices/system/cpu/cpu%ld/cpufreq/scaling_governor", cpu))
			return;
		if (machine->governor[0] && strcmp(machine->governor, governor) != 0) {
			strcpy(machine->governor, "mixed");
			return;
		}
		memcpy(machine->governor, governor, sizeof(governor));
	}
}

#if defined(__x86_64__) || defined(__i386__)
static const struct hypervisor {
	const char *signature, *name;
} hypervisors[] = {
	{ "KVMKVMKVM", "kvm" },     { "Microsoft Hv", "hyperv" },     { "VMwareVMware", "vmware" },
	{ "XenVMMXenVMM", "xen" },  { "TCGTCGTCGTCG", "qemu" },       { "bhyve bhyve ", "bhyve" },
	{ "ACRNACRNACRN", "acrn" }, { "VBoxVBoxVBox", "virtualbox" },
};

/* The leaf at 0x40000000 is the hypervisors' own; they all sign there. */
static void read_virtualization(struct machine *machine)
{
	unsigned a = 0, b = 0, c = 0, d = 0;
	char signature[13] = "";

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return;
	if (!(c & 1u << 31)) {
		strcpy(machine->virtualization, "none");
		return;
	}
	__cpuid(0x40000000, a, b, c, d);
	memcpy(signature, &b, 4);
	memcpy(signature + 4, &c, 4);
	memcpy(signature + 8, &d, 4);
	strcpy(machine->virtualization, "unknown hypervisor");
	for (size_t i = 0; i < sizeof(hypervisors) / sizeof(hypervisors[0]); i++) {
		if (strcmp(signature, hypervisors[i].signature) == 0)
			snprintf(machine->virtualization, sizeof(machine->virtualization), "%s",
				 hypervisors[i].name);
	}
}
#else
/* Only a yes can be had: a device tree or firmware table that names a hypervisor. */
static void read_virtualization(struct machine *machine)
{
	char line[64];

	if (sysfile_line(line, sizeof(line), "/proc/device-tree/hypervisor/compatible"))
		strcpy(machine->virtualization, strncmp(line, "linux,kvm", 9) == 0 ? "kvm" : "xen");
	else if (sysfile_line(line, sizeof(line), "/sys/class/dmi/id/sys_vendor") &&
		 (strcmp(line, "QEMU") == 0 || strstr(line, "VMware")))
		strcpy(machine->virtualization, line[0] == 'Q' ? "qemu" : "vmware");
}
#endif

static void read_software(struct machine *machine)
{
	struct utsname name;
	char text[4096];

	if (uname(&name) == 0) {
		snprintf(machine->architecture, sizeof(machine->architecture), "%.15s",
			 name.machine);
		snprintf(machine->kernel, sizeof(machine->kernel), "%.20s %.64s", name.sysname,
			 name.release);
	}
	snprintf(machine->libc, sizeof(machine->libc), "glibc %s", gnu_get_libc_version());
	if (sysfile_read(text, sizeof(text), "/etc/os-release"))
		sysfile_field(text, "PRETTY_NAME", machine->distribution,
			      sizeof(machine->distribution));
}

static int read_setting(const char *path, int unknown)
{
	char line[32], *end;
	long number;

	if (!sysfile_line(line, sizeof(line), "%s", path))
		return unknown;
	number = strtol(line, &end, 10);
	return end == line ? unknown : (int)number;
}

static void read_settings(struct machine *machine)
{
	char line[128];

	machine->aslr = read_setting("/proc/sys/kernel/randomize_va_space", -1);
	/* 'setarch -R' turns it off for one process and its children. */
	if (personality(0xffffffff) & ADDR_NO_RANDOMIZE)
		machine->aslr = 0;
	machine->perf_event_paranoid =
		read_setting("/proc/sys/kernel/perf_event_paranoid", MACHINE_PARANOID_UNKNOWN);
	machine->page_size = sysconf(_SC_PAGESIZE);
	machine->timer_slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	sysfile_line(machine->clocksource, sizeof(machine->clocksource),
		     "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	if (sysfile_line(line, sizeof(line), "/sys/kernel/mm/transparent_hugepage/enabled"))
		sysfile_chosen(line, machine->thp, sizeof(machine->thp));
}

static long long bytes_of_kilobytes(int64_t kilobytes)
{
	return kilobytes < 0 ? -1 : kilobytes * 1024;
}

static void read_state(struct machine *machine)
{
	char text[4096], *end;
	struct cgroup cgroup;

	machine->load_average = -1;
	if (sysfile_line(text, sizeof(text), "/proc/loadavg")) {
		machine->load_average = strtod(text, &end);
		if (end == text)
			machine->load_average = -1;
	}
	sysfile_read(text, sizeof(text), "/proc/meminfo");
	machine->memory_bytes = bytes_of_kilobytes(sysfile_field_number(text, "MemTotal"));
	machine->memory_available_bytes =
		bytes_of_kilobytes(sysfile_field_number(text, "MemAvailable"));
	cgroup_find(&cgroup, "");
	cgroup_cpu_max(&cgroup, machine->cgroup_cpu_max, sizeof(machine->cgroup_cpu_max));
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	/* The end is hashed too: 'a', 'bc' and 'ab', 'c' differ. */
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	} while (*text++);
	return hash;
}

static void set_fingerprint(struct machine *machine)
{
	uint64_t hash = 0xcbf29ce484222325u;
	char numbers[96];

	snprintf(numbers, sizeof(numbers), "%ld %ld %d", machine->cpus_online,
		 machine->cpus_allowed, machine->smt);
	hash = hash_text(hash, machine->cpu_model);
	hash = hash_text(hash, machine->architecture);
	hash = hash_text(hash, numbers);
	hash = hash_text(hash, machine->virtualization);
	hash = hash_text(hash, machine->kernel);
	hash = hash_text(hash, machine->libc);
	hash = hash_text(hash, machine->cgroup_cpu_max);
	hash = hash_text(hash, machine->clocksource);
	snprintf(machine->fingerprint, sizeof(machine->fingerprint), "%016llx",
		 (unsigned long long)hash);
}

void machine_read(struct machine *machine)
{
	*machine = (struct machine){ 0 };
	read_cpus(machine);
	read_governor(machine);
	read_virtualization(machine);
	read_software(machine);
	read_settings(machine);
	read_state(machine);
	set_fingerprint(machine);
}
