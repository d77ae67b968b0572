/* Encodes counters: generic events and every event libpfm4 knows through libpfm4, tracepoints by
 * hand. */
#include "bench/encode.h"

#include "base/param.h"
#include "bench/tracepoint.h"
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if HAVE_PFM
/* Behind <linux/perf_event.h>, of which it has a copy that is guarded by that one's macro. */
#include <perfmon/pfmlib_perf_event.h>
#endif

/* The names that every Linux has: what is offered for a misspelt word, and all that a build without
 * libpfm4 knows. */
static const struct generic {
	const char *name;
	uint32_t type;
	uint64_t config;
} generics[] = {
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "raw_syscalls:sys_enter", PERF_TYPE_TRACEPOINT, 0 },
	{ "syscalls:sys_enter_futex", PERF_TYPE_TRACEPOINT, 0 },
	{ "sched:sched_switch", PERF_TYPE_TRACEPOINT, 0 },
};
#define GENERICS (sizeof(generics) / sizeof(generics[0]))

static void generic_names(const char *names[GENERICS])
{
	for (size_t i = 0; i < GENERICS; i++)
		names[i] = generics[i].name;
}

static bool unknown(const struct counter *counter, struct err *err)
{
	const char *names[GENERICS];

	generic_names(names);
	return param_unknown("counter", counter->name, names, GENERICS, err);
}

#if HAVE_PFM
static enum counter_source source_of(const struct perf_event_attr *attr)
{
	switch (attr->type) {
	case PERF_TYPE_SOFTWARE:
		return COUNTER_SOFTWARE;
	case PERF_TYPE_TRACEPOINT:
		return COUNTER_TRACEPOINT;
	default:
		return COUNTER_HARDWARE;
	}
}

static pfm_err_t encode(struct counter *counter, const char *name)
{
	pfm_perf_encode_arg_t arg = { .size = sizeof(arg), .attr = &counter->attr };

	counter->attr = (struct perf_event_attr){ .size = sizeof(counter->attr) };
	return pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
}

static bool near_generic(const struct counter *counter)
{
	const char *names[GENERICS];

	generic_names(names);
	return param_nearest(counter->name, names, GENERICS);
}

/* Fails with the nearest name of all events of the processor models found here;
 * returns whether there is one. */
static bool suggest(const struct counter *counter, struct err *err)
{
	const char *names[4096], *near;
	char upper[sizeof(counter->name)];
	size_t count = 0;
	pfm_pmu_t pmu;

	pfm_for_all_pmus(pmu)
	{
		pfm_pmu_info_t info = { .size = sizeof(info) };

		if (pfm_get_pmu_info(pmu, &info) != PFM_SUCCESS || !info.is_present)
			continue;
		for (int i = info.first_event; i != -1 && count < 4096; i = pfm_get_event_next(i)) {
			pfm_event_info_t event = { .size = sizeof(event) };

			if (pfm_get_event_info(i, PFM_OS_PERF_EVENT_EXT, &event) == PFM_SUCCESS)
				names[count++] = event.name;
		}
	}
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] = (char)toupper((unsigned char)counter->name[i]);
	near = param_nearest(upper, names, count);
	if (near)
		(void)err_set(err, EXIT_MISUSE, "unknown counter '%s'; did you mean '%s'?",
			      counter->name, near);
	return near;
}

/* True with source and attr, or with the reason of a tracepoint; else fails. */
static bool encode_pfm(struct counter *counter, bool is_tracepoint, struct err *err)
{
	char generic[sizeof(counter->name) + 8];
	pfm_err_t status = pfm_initialize();

	if (status != PFM_SUCCESS)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot initialize libpfm4: %s",
			       pfm_strerror(status));
	/* The kernel's generic events first: many processors have events of the same names. */
	snprintf(generic, sizeof(generic), "perf::%s", counter->name);
	status = strstr(counter->name, "::") ? PFM_ERR_NOTFOUND : encode(counter, generic);
	if (status == PFM_ERR_NOTFOUND)
		status = encode(counter, counter->name);
	if (status == PFM_SUCCESS) {
		counter->source = source_of(&counter->attr);
		counter->reason[0] = '\0';
		return true;
	}
	if (status != PFM_ERR_NOTFOUND)
		return err_set(err, EXIT_MISUSE, "counter '%s' cannot be encoded: %s",
			       counter->name, pfm_strerror(status));
	if (is_tracepoint)
		return true;
	if (!near_generic(counter) && suggest(counter, err))
		return false;
	return unknown(counter, err);
}
#else
static bool encode_without(struct counter *counter, bool is_tracepoint, struct err *err)
{
	for (size_t i = 0; i < GENERICS; i++) {
		if (strcmp(generics[i].name, counter->name) != 0 || is_tracepoint)
			continue;
		/* The reason decides; type and config say what getrusage has instead. */
		counter->attr.type = generics[i].type;
		counter->attr.config = generics[i].config;
		snprintf(counter->reason, sizeof(counter->reason), "built without libpfm4");
		return true;
	}
	return is_tracepoint || unknown(counter, err);
}
#define encode_pfm encode_without
#endif

bool encode_counter(struct counter *counter, struct err *err)
{
	const bool is_tracepoint = tracepoint_is_name(counter->name);
	uint64_t id;

	counter->source = COUNTER_NONE;
	if (is_tracepoint &&
	    tracepoint_find("", counter->name, &id, counter->reason, sizeof(counter->reason))) {
		counter->source = COUNTER_TRACEPOINT;
		counter->attr.type = PERF_TYPE_TRACEPOINT;
		counter->attr.config = id;
		return true;
	}
	return encode_pfm(counter, is_tracepoint, err);
}
