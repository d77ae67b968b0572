/* What machine this is, and what disturbs a measurement on it. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include "base/emit.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_WARNINGS 12

#define MACHINE_PARANOID_UNKNOWN INT_MIN

/* Texts are empty and numbers negative where the system does not tell. */
struct machine {
	char fingerprint[20];  /* hex of the FNV-1a hash over the fields marked *: equal, comparable
				*/
	char cpu_model[96];    /* * */
	char architecture[16]; /* * x86_64 */
	long cpus_online;      /* * */
	long cpus_allowed;     /* * by affinity */
	char cpus_list[512];   /* the allowed ones: 0-1; ends in '...' when it does not fit */
	int smt;               /* * 1: hardware threads share cores; 0: not; -1: unknown */
	char governor[32];     /* of the allowed CPUs; 'mixed' when they differ */
	char virtualization[32]; /* * kvm, none ... */
	char kernel[96];         /* * Linux 6.1.0 */
	char libc[32];           /* * glibc 2.36 */
	int aslr;
	char cgroup_cpu_max[48]; /* * the tightest: max, or quota and period in us: 200000 100000 */
	char thp[48];
	long page_size;
	long timer_slack_ns;
	int perf_event_paranoid; /* -1 is one of its values: MACHINE_PARANOID_UNKNOWN */
	char clocksource[32];    /* * */
	double load_average;     /* of one minute, at start */
	long long memory_bytes, memory_available_bytes;
	char distribution[64];
};

/* Reads it all; never fails, unknown is unknown. */
void machine_read(struct machine *machine);
/* A member 'name' with an object of the fields above; unknown ones null. */
void machine_json(const struct machine *machine, struct emit *emit, const char *name);
/* The object 'build' of results/README.md: how this gilscope was built. */
void machine_build_json(struct emit *emit, const char *name);
/* Of its 'optimization': false when that is none, so that times are not those that anybody has. */
bool machine_build_optimized(const char *optimization);
/* Whether it says how far: "plain", as distributions build, leaves it to other flags. */
bool machine_build_level_known(const char *optimization);
/* "AMD EPYC, 2 CPUs, kvm, Linux 6.1.0": for a chart's footer. */
void machine_line(const struct machine *machine, char *to, size_t room);
/* Sentences on what makes numbers taken here and now worth less (SMT, governor, load, quota, clock
 * source, a debug or sanitized build); returns how many, at most MACHINE_WARNINGS. Static text or
 * text in 'machine'. */
size_t machine_warnings(const struct machine *machine, char (*to)[160]);

/* How much the machine as a whole has been disturbed so far; differences of two are what counts. */
struct disturbance {
	int64_t psi_cpu_ns; /* some task waited for a CPU (/proc/pressure/cpu, total); -1 unknown */
	int64_t steal_ns;   /* the hypervisor ran somebody else (/proc/stat); -1 unknown */
	int64_t throttled_ns; /* this cgroup was held back by its quota (cpu.stat); -1 unknown */
};
/* Some tens of microseconds. */
void disturbance_read(struct disturbance *now);
/* What happened between two readings; what either does not know is unknown. */
struct disturbance disturbance_between(const struct disturbance *before,
				       const struct disturbance *after);
/* How long the calling thread was ready to run and did not, so far; -1 where the kernel does not
 * account for it. */
int64_t disturbance_run_delay_ns(void);
/* Two of its parts from the text of /proc/pressure/cpu and of /proc/stat. */
int64_t disturbance_psi_ns(const char *text);
int64_t disturbance_steal_ns(const char *text, long ticks_per_s);

#endif
