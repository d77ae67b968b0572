/* What is said about the machine and this build: JSON, the line below a chart, the warnings. */
#include "base/machine.h"

#include "config.h"
#include "revision.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_text(struct emit *emit, const char *name, const char *value)
{
	emit_string(emit, name, value[0] ? value : NULL);
}

static void put_number(struct emit *emit, const char *name, long long value)
{
	if (value < 0)
		emit_null(emit, name);
	else
		emit_u64(emit, name, (uint64_t)value);
}

static void put_paranoid(struct emit *emit, int level)
{
	char text[16];

	if (level == MACHINE_PARANOID_UNKNOWN) {
		emit_null(emit, "perf_event_paranoid");
		return;
	}
	snprintf(text, sizeof(text), "%d", level);
	emit_raw(emit, "perf_event_paranoid", text);
}

static void put_hardware(const struct machine *machine, struct emit *emit)
{
	put_text(emit, "fingerprint", machine->fingerprint);
	put_text(emit, "cpu_model", machine->cpu_model);
	put_text(emit, "architecture", machine->architecture);
	put_number(emit, "cpus_online", machine->cpus_online);
	put_number(emit, "cpus_allowed", machine->cpus_allowed);
	put_text(emit, "cpus_list", machine->cpus_list);
	if (machine->smt < 0)
		emit_null(emit, "smt");
	else
		emit_bool(emit, "smt", machine->smt);
	put_text(emit, "governor", machine->governor);
	put_text(emit, "virtualization", machine->virtualization);
	put_number(emit, "memory_bytes", machine->memory_bytes);
	put_number(emit, "memory_available_bytes", machine->memory_available_bytes);
}

void machine_json(const struct machine *machine, struct emit *emit, const char *name)
{
	emit_open(emit, name, '{');
	put_hardware(machine, emit);
	put_text(emit, "kernel", machine->kernel);
	put_text(emit, "libc", machine->libc);
	put_text(emit, "distribution", machine->distribution);
	put_number(emit, "aslr", machine->aslr);
	put_text(emit, "cgroup_cpu_max", machine->cgroup_cpu_max);
	put_text(emit, "thp", machine->thp);
	put_number(emit, "page_size", machine->page_size);
	put_number(emit, "timer_slack_ns", machine->timer_slack_ns);
	put_paranoid(emit, machine->perf_event_paranoid);
	put_text(emit, "clocksource", machine->clocksource);
	if (machine->load_average < 0)
		emit_null(emit, "load_average");
	else
		emit_double(emit, "load_average", machine->load_average);
	emit_close(emit, '}');
}

void machine_build_json(struct emit *emit, const char *name)
{
	emit_open(emit, name, '{');
	emit_string(emit, "version", GILSCOPE_VERSION);
	emit_string(emit, "revision", GILSCOPE_REVISION);
	emit_string(emit, "compiler", GILSCOPE_COMPILER);
	emit_string(emit, "buildtype", GILSCOPE_BUILDTYPE);
	emit_string(emit, "optimization", GILSCOPE_OPTIMIZATION);
	emit_string(emit, "sanitize", GILSCOPE_SANITIZE);
	emit_bool(emit, "lto", GILSCOPE_LTO);
	emit_bool(emit, "ndebug", GILSCOPE_NDEBUG);
	emit_string(emit, "c_args", GILSCOPE_C_ARGS);
	emit_bool(emit, "libpfm4", HAVE_PFM);
	emit_close(emit, '}');
}

bool machine_build_optimized(const char *optimization)
{
	return strcmp(optimization, "0") != 0 && strcmp(optimization, "g") != 0;
}

bool machine_build_level_known(const char *optimization)
{
	return optimization[0] && strcmp(optimization, "plain") != 0;
}

void machine_line(const struct machine *machine, char *to, size_t room)
{
	const bool plural = machine->cpus_allowed != 1;
	char cpus[64] = "";

	if (machine->cpus_allowed >= 0 && machine->cpus_allowed < machine->cpus_online)
		snprintf(cpus, sizeof(cpus), ", %ld of %ld CPUs", machine->cpus_allowed,
			 machine->cpus_online);
	else if (machine->cpus_allowed >= 0)
		snprintf(cpus, sizeof(cpus), ", %ld CPU%s", machine->cpus_allowed,
			 plural ? "s" : "");
	snprintf(to, room, "%s%s%s%s%s%s",
		 machine->cpu_model[0] ? machine->cpu_model : machine->architecture, cpus,
		 machine->virtualization[0] ? ", " : "",
		 strcmp(machine->virtualization, "none") == 0 ? "no hypervisor" :
								machine->virtualization,
		 machine->kernel[0] ? ", " : "", machine->kernel);
}

struct warnings {
	char (*to)[160];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void warn(struct warnings *all, const char *format,
						       ...)
{
	va_list args;

	if (all->count == MACHINE_WARNINGS)
		return;
	va_start(args, format);
	vsnprintf(all->to[all->count++], sizeof(all->to[0]), format, args);
	va_end(args);
}

/* Where its options do not tell, the compiler does. */
static bool is_optimized(void)
{
#ifdef __OPTIMIZE__
	return machine_build_optimized(GILSCOPE_OPTIMIZATION);
#else
	return false;
#endif
}

static void warn_build(struct warnings *all)
{
	if (!is_optimized())
		warn(all, "built without optimization (%s): configure with -Dbuildtype=release",
		     GILSCOPE_OPTIMIZATION);
	if (GILSCOPE_SANITIZED)
		warn(all, "built with sanitizers (%s): times are several times too long",
		     GILSCOPE_SANITIZE);
}

static void warn_cpus(const struct machine *machine, struct warnings *all)
{
	char *end;
	const double quota = strtod(machine->cgroup_cpu_max, &end);
	const double period = strtod(end, NULL);

	if (machine->cpus_allowed == 1)
		warn(all, "one CPU only: workers take turns whatever the mode");
	if (machine->smt == 1)
		warn(all,
		     "hardware threads share cores (SMT): two busy workers may slow each other");
	if (machine->governor[0] && strcmp(machine->governor, "performance") != 0)
		warn(all,
		     "frequency governor is '%s', not 'performance': the CPU's speed may change",
		     machine->governor);
	if (machine->cgroup_cpu_max[0] && end != machine->cgroup_cpu_max && period > 0 &&
	    quota / period < (double)machine->cpus_allowed)
		warn(all,
		     "the control group may use %.3g CPUs of %ld: workers are held back at times",
		     quota / period, machine->cpus_allowed);
}

size_t machine_warnings(const struct machine *machine, char (*to)[160])
{
	struct warnings all = { .to = to };

	warn_build(&all);
	warn_cpus(machine, &all);
	if (machine->load_average > 0.5)
		warn(&all, "the machine was busy at the start: load %.2f", machine->load_average);
	if (machine->clocksource[0] && strcmp(machine->clocksource, "tsc") != 0 &&
	    strcmp(machine->clocksource, "arch_sys_counter") != 0)
		warn(&all, "clock source is '%s': reading the time may cost a syscall",
		     machine->clocksource);
	if (machine->virtualization[0] && strcmp(machine->virtualization, "none") != 0)
		warn(&all, "a virtual machine (%s): others may take its CPUs for a while",
		     machine->virtualization);
	if (machine->aslr == 0)
		warn(&all, "addresses are not randomized: all samples share one memory layout");
	return all.count;
}
