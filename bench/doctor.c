/* gilscope doctor: what this machine is, how well it measures, and what it cannot measure.
 * Everything is found first and then told once, as text or as JSON. */
#include "command/command.h"

#include "base/machine.h"
#include "base/param.h"
#include "base/path.h"
#include "base/wrap.h"
#include "bench/counters.h"
#include "bench/probe.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define LABEL 16
#define TRACE_FOLDER "/dev/shm"

struct findings {
	struct machine machine;
	struct probe_clock clock;
	struct probe_sleep sleep;
	struct probe_noise noise;
	struct counters counters;
	long long room_bytes;   /* for traces; negative: unknown */
	char gnuplot[PATH_MAX]; /* empty: not here */
	char warnings[MACHINE_WARNINGS][160];
	size_t warning_count;
};

static long long room_bytes(const char *folder)
{
	struct statvfs fs;

	if (statvfs(folder, &fs) != 0)
		return -1;
	return (long long)fs.f_bavail * (long long)fs.f_frsize;
}

static bool find(struct findings *found, struct err *err)
{
	machine_read(&found->machine);
	probe_clock(&found->clock);
	probe_sleep(&found->sleep);
	probe_noise(&found->noise);
	found->room_bytes = room_bytes(TRACE_FOLDER);
	/* It lies in memory: what a full folder would need may not be there. */
	if (found->machine.memory_available_bytes >= 0 &&
	    found->room_bytes > found->machine.memory_available_bytes)
		found->room_bytes = found->machine.memory_available_bytes;
	path_find_program("gnuplot", found->gnuplot, sizeof(found->gnuplot));
	found->warning_count = machine_warnings(&found->machine, found->warnings);
	if (!counters_find(&found->counters, NULL, err))
		return false;
	counters_finish(&found->counters);
	return true;
}

/* A sentence on what the noise floor means for who measures here. The bounds are of the order of
 * what gilscope bench shows: a few per cent, and the half or double that modes differ by. */
static const char *noise_words(const struct probe_noise *noise)
{
	const double ratio = noise->p99_ns / noise->median_ns;

	if (ratio < 1.05)
		return "quiet: a few per cent can be told apart with the usual 20 runs";
	if (ratio < 1.5)
		return "some noise: trust the intervals, and no single run";
	return "noisy: other work runs here; only large differences show, and more --runs help";
}

static const char *text_or_unknown(const char *text)
{
	return text[0] ? text : "unknown";
}

static void print_quota(const char *cpu_max, char *to, size_t room)
{
	long long quota_us, period_us;

	if (sscanf(cpu_max, "%lld %lld", &quota_us, &period_us) == 2 && period_us > 0)
		snprintf(to, room, "%.3g CPUs", (double)quota_us / (double)period_us);
	else
		snprintf(to, room, "%s", strncmp(cpu_max, "max", 3) == 0 ? "none" : "unknown");
}

static void print_machine(const struct machine *machine)
{
	static const char *const smt[] = { "SMT unknown", "no SMT", "SMT" };
	char paranoid[16] = "unknown", quota[48];

	print_quota(machine->cgroup_cpu_max, quota, sizeof(quota));
	if (machine->perf_event_paranoid != MACHINE_PARANOID_UNKNOWN)
		snprintf(paranoid, sizeof(paranoid), "%d", machine->perf_event_paranoid);
	wrap_label(stdout, "processor", LABEL, "%s (%s)", text_or_unknown(machine->cpu_model),
		   machine->architecture);
	wrap_label(stdout, "CPUs", LABEL, "%ld online, %ld allowed (%s), %s, governor %s",
		   machine->cpus_online, machine->cpus_allowed, machine->cpus_list,
		   smt[machine->smt + 1], text_or_unknown(machine->governor));
	wrap_label(stdout, "virtualization", LABEL, "%s", text_or_unknown(machine->virtualization));
	wrap_label(stdout, "system", LABEL, "%s, %s, %s", text_or_unknown(machine->distribution),
		   machine->kernel, text_or_unknown(machine->libc));
	wrap_label(stdout, "CPU quota", LABEL, "%s", quota);
	wrap_label(stdout, "memory", LABEL, "%.1f GB, %.1f GB available",
		   (double)machine->memory_bytes / 1e9,
		   (double)machine->memory_available_bytes / 1e9);
	wrap_label(stdout, "perf", LABEL, "kernel.perf_event_paranoid %s", paranoid);
}

static void print_share(const char *what, double value, char *to, size_t room)
{
	if (value < 0)
		snprintf(to, room, "%s unknown", what);
	else
		snprintf(to, room, "%s %.1f%%", what, value * 100);
}

static void print_probes(const struct findings *found)
{
	const struct probe_noise *noise = &found->noise;
	char waited[48], stolen[48];

	print_share("waited for the CPU", noise->waited, waited, sizeof(waited));
	print_share("stolen", noise->stolen, stolen, sizeof(stolen));
	wrap_label(stdout, "clock", LABEL, "%s; clock_gettime %.1f ns, raw counter %.1f ns",
		   text_or_unknown(found->machine.clocksource), found->clock.gettime_ns,
		   found->clock.raw_ns);
	wrap_label(stdout, "sleep of 1 ms", LABEL,
		   "%.0f us late (median), %.0f us at most; timer slack %.0f us",
		   found->sleep.median_ns / 1e3, found->sleep.max_ns / 1e3,
		   (double)found->machine.timer_slack_ns / 1e3);
	wrap_label(stdout, "noise floor", LABEL,
		   "%.2f ms of work: p99 %.2f times, most %.2f times the median; %s, %s",
		   noise->median_ns / 1e6, noise->p99_ns / noise->median_ns,
		   noise->max_ns / noise->median_ns, waited, stolen);
	wrap_label(stdout, "", LABEL, "%s", noise_words(noise));
}

static void print_programs(const struct findings *found)
{
	if (found->room_bytes < 0)
		wrap_label(stdout, "room for traces", LABEL, "unknown: there is no " TRACE_FOLDER);
	else
		wrap_label(stdout, "room for traces", LABEL, "%.1f GB in " TRACE_FOLDER,
			   (double)found->room_bytes / 1e9);
	wrap_label(stdout, "gnuplot", LABEL, "%s",
		   found->gnuplot[0] ? found->gnuplot : "not installed; charts need it");
}

/* Counters with the same source and reason stand together. */
static bool told_before(const struct counters *counters, size_t at)
{
	const struct counter *counter = &counters->row[at];

	for (size_t i = 0; i < at; i++) {
		if (counters->row[i].source == counter->source &&
		    strcmp(counters->row[i].reason, counter->reason) == 0)
			return true;
	}
	return false;
}

static void join_alike(const struct counters *counters, size_t at, char *to, size_t room)
{
	size_t used = 0;

	for (size_t i = at; i < counters->count && used < room; i++) {
		if (counters->row[i].source == counters->row[at].source &&
		    strcmp(counters->row[i].reason, counters->row[at].reason) == 0)
			used += (size_t)snprintf(to + used, room - used, "%s%s", used ? ", " : "",
						 counters->row[i].name);
	}
}

static void print_counters(const struct counters *counters)
{
	char names[512];

	for (size_t i = 0; i < counters->count; i++) {
		const struct counter *counter = &counters->row[i];
		const char *source = counter_source_name(counter->source);

		if (told_before(counters, i))
			continue;
		join_alike(counters, i, names, sizeof(names));
		wrap_label(stdout, i == 0 ? "counters" : "", LABEL, "%s: %s",
			   source ? source : "none", names);
		if (counter->reason[0])
			wrap_label(stdout, "", LABEL + 2, "%s", counter->reason);
	}
}

/* The names of the counters that have a source, or of those that have none. */
static void join_counters(const struct counters *counters, bool sourced, char *to, size_t room)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < counters->count && used < room; i++) {
		if ((counters->row[i].source != COUNTER_NONE) == sourced)
			used += (size_t)snprintf(to + used, room - used, ", %s",
						 counters->row[i].name);
	}
}

static void print_verdict(const struct findings *found)
{
	char can[512], cannot[512];

	join_counters(&found->counters, true, can, sizeof(can));
	join_counters(&found->counters, false, cannot, sizeof(cannot));
	wrap_label(stdout, "measured here", LABEL, "times, latencies, scheduling%s%s", can,
		   found->gnuplot[0] ? "; charts" : "");
	wrap_label(stdout, "not here", LABEL, "%s%s%s", cannot[0] ? cannot + 2 : "",
		   found->gnuplot[0] ? "" :
		   cannot[0]         ? "; charts" :
				       "charts",
		   cannot[0] || !found->gnuplot[0] ? "" : "nothing: everything can be measured");
}

static void print_findings(const struct findings *found)
{
	print_machine(&found->machine);
	print_probes(found);
	print_programs(found);
	print_counters(&found->counters);
	for (size_t i = 0; i < found->warning_count; i++)
		wrap_label(stdout, i == 0 ? "warnings" : "", LABEL, "%s", found->warnings[i]);
	print_verdict(found);
}

static void emit_share(struct emit *emit, const char *name, double value)
{
	if (value < 0)
		emit_null(emit, name);
	else
		emit_double(emit, name, value);
}

static void emit_probes(struct emit *emit, const struct findings *found)
{
	emit_open(emit, "clock", '{');
	emit_double(emit, "gettime_ns", found->clock.gettime_ns);
	emit_double(emit, "raw_ns", found->clock.raw_ns);
	emit_close(emit, '}');
	emit_open(emit, "sleep", '{');
	emit_u64(emit, "n", PROBE_SLEEPS);
	emit_double(emit, "late_median_ns", found->sleep.median_ns);
	emit_double(emit, "late_max_ns", found->sleep.max_ns);
	emit_close(emit, '}');
	emit_open(emit, "noise", '{');
	emit_u64(emit, "n", PROBE_SPINS);
	emit_double(emit, "median_ns", found->noise.median_ns);
	emit_double(emit, "p99_ns", found->noise.p99_ns);
	emit_double(emit, "max_ns", found->noise.max_ns);
	emit_share(emit, "waited_share", found->noise.waited);
	emit_share(emit, "stolen_share", found->noise.stolen);
	emit_string(emit, "meaning", noise_words(&found->noise));
	emit_close(emit, '}');
}

static void emit_counters(struct emit *emit, const struct counters *counters)
{
	emit_open(emit, "counters", '[');
	for (size_t i = 0; i < counters->count; i++) {
		const struct counter *counter = &counters->row[i];

		emit_open(emit, NULL, '{');
		emit_string(emit, "name", counter->name);
		emit_string(emit, "source", counter_source_name(counter->source));
		emit_string(emit, "reason", counter->reason[0] ? counter->reason : NULL);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void emit_findings(const struct findings *found)
{
	struct emit emit;

	emit_start(&emit, stdout, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "schema", "gilscope.doctor/1");
	machine_json(&found->machine, &emit, "host");
	machine_build_json(&emit, "build");
	emit_probes(&emit, found);
	emit_open(&emit, "room_for_traces", '{');
	emit_string(&emit, "folder", TRACE_FOLDER);
	if (found->room_bytes < 0)
		emit_null(&emit, "usable_bytes");
	else
		emit_u64(&emit, "usable_bytes", (uint64_t)found->room_bytes);
	emit_close(&emit, '}');
	emit_string(&emit, "gnuplot", found->gnuplot[0] ? found->gnuplot : NULL);
	emit_counters(&emit, &found->counters);
	emit_open(&emit, "warnings", '[');
	for (size_t i = 0; i < found->warning_count; i++)
		emit_string(&emit, NULL, found->warnings[i]);
	emit_close(&emit, ']');
	emit_close(&emit, '}');
}

static const struct param params[] = {
	{ .name = "json", .kind = PARAM_FLAG, .help = "print one JSON object" },
	{ 0 },
};

static int run(int argc, char *argv[], struct err *err)
{
	static struct findings found; /* large */
	struct param_set set = { .count = 0 };
	int next;

	param_set_add(&set, params);
	if (!param_set_parse(&set, argc, argv, &next, err))
		return err->code;
	if (next < argc) {
		err_set(err, EXIT_MISUSE, "'%s' is too much; doctor takes options only",
			argv[next]);
		return err->code;
	}
	if (!find(&found, err))
		return err->code;
	if (param_number(&set, "json"))
		emit_findings(&found);
	else
		print_findings(&found);
	return EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[--json]",
	.summary = "this machine: what it is, how steadily it measures, what it cannot measure",
	.params = params,
	.run = run,
};
