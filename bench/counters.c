/* Finds, opens and reads counters. A descriptor per counter: a group counts all or nothing, and the
 * kernel's inheritance of groups is a documented trap. Names are encoded in encode.c. */
#include "bench/counters.h"

#include "bench/encode.h"
#include "bench/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USUAL \
	"cycles,instructions,cache-misses,branch-misses,context-switches,cpu-migrations," \
	"page-faults,task-clock,raw_syscalls:sys_enter,syscalls:sys_enter_futex"

const char *counter_source_name(enum counter_source source)
{
	static const char *const names[] = { NULL, "hw", "sw", "tracepoint", "rusage" };

	return names[source];
}

static uint64_t usage_switches(const struct rusage *usage)
{
	return (uint64_t)usage->ru_nvcsw + (uint64_t)usage->ru_nivcsw;
}

static uint64_t usage_faults(const struct rusage *usage)
{
	return (uint64_t)usage->ru_minflt + (uint64_t)usage->ru_majflt;
}

static uint64_t usage_minor(const struct rusage *usage)
{
	return (uint64_t)usage->ru_minflt;
}

static uint64_t usage_major(const struct rusage *usage)
{
	return (uint64_t)usage->ru_majflt;
}

static uint64_t usage_time_ns(const struct rusage *usage)
{
	const struct timeval *user = &usage->ru_utime, *system = &usage->ru_stime;

	return (uint64_t)(user->tv_sec + system->tv_sec) * 1000000000u +
	       (uint64_t)(user->tv_usec + system->tv_usec) * 1000u;
}

/* The software events that the kernel accounts for anyway. */
static const struct usage_row {
	uint64_t config;
	uint64_t (*value)(const struct rusage *usage);
} usage_rows[] = {
	{ PERF_COUNT_SW_CONTEXT_SWITCHES, usage_switches },
	{ PERF_COUNT_SW_PAGE_FAULTS, usage_faults },
	{ PERF_COUNT_SW_PAGE_FAULTS_MIN, usage_minor },
	{ PERF_COUNT_SW_PAGE_FAULTS_MAJ, usage_major },
	{ PERF_COUNT_SW_TASK_CLOCK, usage_time_ns },
};

static const struct usage_row *usage_row(const struct counter *counter)
{
	for (size_t i = 0; i < sizeof(usage_rows) / sizeof(usage_rows[0]); i++) {
		if (counter->attr.type == PERF_TYPE_SOFTWARE &&
		    counter->attr.config == usage_rows[i].config)
			return &usage_rows[i];
	}
	return NULL;
}

static int open_event(const struct counter *counter, pid_t pid)
{
	struct perf_event_attr attr = counter->attr;

	return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Errno of opening it on ourselves, where it never starts to count: we do not call exec. */
static int try_open(const struct counter *counter)
{
	const int fd = open_event(counter, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* The last descriptor of a tracepoint to be closed unregisters it, which waits for all CPUs to come
 * by: 80 to 100 ms, measured with Linux 6.18. One that counts nothing saves that at every sample.
 * Not inherited: the samples are our children. */
static int hold(const struct counter *counter)
{
	struct counter idle = *counter;

	if (counter->source != COUNTER_TRACEPOINT)
		return -1;
	idle.attr.inherit = 0;
	idle.attr.enable_on_exec = 0;
	return open_event(&idle, 0);
}

static void set_attr(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	attr->enable_on_exec = 1;
	attr->inherit = 1;
	attr->sample_period = 0;
	attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
}

/* The perf event cannot be had: the next best source, or none. */
static void fall_back(struct counter *counter)
{
	char reason[sizeof(counter->reason)];

	counter->source = COUNTER_NONE;
	if (!usage_row(counter))
		return;
	counter->source = COUNTER_RUSAGE;
	memcpy(reason, counter->reason, sizeof(reason));
	snprintf(counter->reason, sizeof(counter->reason), "from getrusage; perf: %.160s", reason);
}

/* What a user may not count in the kernel he may still count in his program; but an event that
 * happens in the kernel would then read 0. */
static bool open_user_side(struct counter *counter, const struct refusal_place *place)
{
	char reason[sizeof(counter->reason)];
	int error;

	if (counter->source != COUNTER_HARDWARE || counter->attr.exclude_kernel ||
	    counter->attr.exclude_user)
		return false;
	memcpy(reason, counter->reason, sizeof(reason));
	counter->attr.exclude_kernel = 1;
	error = try_open(counter);
	if (error)
		refusal_text(place, REFUSAL_USER, error, counter->reason, sizeof(counter->reason));
	else
		snprintf(counter->reason, sizeof(counter->reason),
			 "user side only; kernel side %.160s", reason);
	return !error;
}

static void find_source(struct counter *counter, const struct refusal_place *place)
{
	int error;

	if (counter->source == COUNTER_NONE) {
		fall_back(counter);
		return;
	}
	set_attr(&counter->attr);
	/* Whatever modifiers the name has. */
	if (counter->source != COUNTER_HARDWARE)
		counter->attr.exclude_kernel = 0;
	error = try_open(counter);
	if (!error)
		return;
	refusal_text(place, counter->attr.exclude_kernel ? REFUSAL_USER : REFUSAL_KERNEL, error,
		     counter->reason, sizeof(counter->reason));
	if ((error == EACCES || error == EPERM) && open_user_side(counter, place))
		return;
	fall_back(counter);
}

static bool add(struct counters *counters, const char *name, size_t length, struct err *err)
{
	struct counter *counter = &counters->row[counters->count];

	if (counters->count == COUNTERS_MAX)
		return err_set(err, EXIT_MISUSE, "too many counters; give at most %d",
			       COUNTERS_MAX);
	*counter = (struct counter){ .held = -1 };
	if (length >= sizeof(counter->name))
		return err_set(err, EXIT_MISUSE, "unknown counter '%.*s'", (int)length, name);
	memcpy(counter->name, name, length);
	for (size_t i = 0; i < counters->count; i++) {
		if (strcmp(counters->row[i].name, counter->name) == 0)
			return err_set(err, EXIT_MISUSE, "counter '%s' is given twice",
				       counter->name);
	}
	if (!encode_counter(counter, err))
		return false;
	counters->count++;
	return true;
}

bool counters_find(struct counters *counters, const char *list, struct err *err)
{
	struct refusal_place place;

	counters->count = 0;
	if (!list)
		list = USUAL;
	if (strcmp(list, "none") == 0)
		return true;
	for (;;) {
		const size_t length = strcspn(list, ",");

		if (!add(counters, list, length, err))
			return false;
		if (list[length] == '\0')
			break;
		list += length + 1;
	}
	refusal_place_find(&place);
	for (size_t i = 0; i < counters->count; i++)
		find_source(&counters->row[i], &place);
	return true;
}

void counters_hold(struct counters *counters)
{
	for (size_t i = 0; i < counters->count; i++)
		counters->row[i].held = hold(&counters->row[i]);
}

void counters_finish(struct counters *counters)
{
	for (size_t i = 0; i < counters->count; i++) {
		if (counters->row[i].held >= 0)
			close(counters->row[i].held);
		counters->row[i].held = -1;
	}
}

static bool is_perf(const struct counter *counter)
{
	return counter->source == COUNTER_HARDWARE || counter->source == COUNTER_SOFTWARE ||
	       counter->source == COUNTER_TRACEPOINT;
}

void counters_open(const struct counters *counters, pid_t pid, int *fds)
{
	for (size_t i = 0; i < counters->count; i++)
		fds[i] = is_perf(&counters->row[i]) ? open_event(&counters->row[i], pid) : -1;
}

struct counter_value counter_scaled(uint64_t count, uint64_t enabled_ns, uint64_t running_ns)
{
	struct counter_value value = { 0 };

	/* Never enabled: the process did not come to exec. */
	if (enabled_ns == 0)
		return value;
	value.running = (double)running_ns / (double)enabled_ns;
	if (value.running < COUNTERS_RUNNING)
		return value;
	value.known = true;
	value.value = running_ns == enabled_ns ? count : (uint64_t)((double)count / value.running);
	return value;
}

static struct counter_value read_event(int fd)
{
	struct {
		uint64_t count, enabled_ns, running_ns;
	} got;

	if (fd < 0 || read(fd, &got, sizeof(got)) != (ssize_t)sizeof(got))
		return (struct counter_value){ 0 };
	return counter_scaled(got.count, got.enabled_ns, got.running_ns);
}

static struct counter_value read_usage(const struct counter *counter, const struct rusage *usage)
{
	return (struct counter_value){ .value = usage_row(counter)->value(usage),
				       .running = 1,
				       .known = true };
}

void counters_read(const struct counters *counters, int *fds, const struct rusage *usage,
		   struct counter_value *values)
{
	for (size_t i = 0; i < counters->count; i++) {
		values[i] = counters->row[i].source == COUNTER_RUSAGE ?
				    read_usage(&counters->row[i], usage) :
				    read_event(fds[i]);
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
