/* Counters: the parts that need no kernel's favour, and of those that do, what must hold with and
 * without it. */
#include "base/machine.h"
#include "bench/counters.h"
#include "bench/refusal.h"
#include "bench/tracepoint.h"

#include "tests/fake_root.h"

#include <errno.h>
#include <sys/wait.h>

#define TRACEFS "/sys/kernel/tracing"
#define PARANOID "not permitted: kernel.perf_event_paranoid is "
#define ID "/events/sched/sched_switch/id"

static bool find_switch(uint64_t *id, char *reason)
{
	return tracepoint_find(root, "sched:sched_switch", id, reason, 200);
}

static void a_tracepoint_is_two_words_and_one_colon(void **state)
{
	static const char *const wrong[] = { "cycles", "perf::cycles", "a:b:c", ":b",
					     "a:",     "a/b:c",        "..:id", "" };

	(void)state;
	assert_true(tracepoint_is_name("raw_syscalls:sys_enter"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(tracepoint_is_name(wrong[i]));
}

static void a_tracepoint_is_looked_up_in_tracefs(void **state)
{
	char reason[200] = "";
	uint64_t id = 0;

	(void)state;
	put_file(TRACEFS ID, "316\n");
	put_file("/sys/kernel/debug/tracing" ID, "99\n");
	assert_true(find_switch(&id, reason));
	assert_int_equal(id, 316);
	assert_string_equal(reason, "");
}

static void an_empty_mount_point_is_passed_over_for_debugfs(void **state)
{
	char reason[200] = "";
	uint64_t id = 0;

	(void)state;
	put_file(TRACEFS "/", NULL);
	put_file("/sys/kernel/debug/tracing" ID, "99\n");
	assert_true(find_switch(&id, reason));
	assert_int_equal(id, 99);
}

static void without_tracefs_the_reason_says_how_to_mount_it(void **state)
{
	char reason[200] = "";
	uint64_t id;

	(void)state;
	put_file(TRACEFS "/", NULL);
	assert_false(find_switch(&id, reason));
	assert_string_equal(reason, "tracefs is not mounted; "
				    "'mount -t tracefs none /sys/kernel/tracing' as root");
}

static void an_event_that_the_kernel_does_not_have_is_said_to_be_missing(void **state)
{
	char reason[200] = "";
	uint64_t id;

	(void)state;
	put_file(TRACEFS "/events/", NULL);
	assert_false(find_switch(&id, reason));
	assert_string_equal(reason, "no such event in /sys/kernel/tracing/events");
}

static void a_tracefs_that_may_not_be_entered_is_not_permitted(void **state)
{
	char reason[200] = "", path[200];
	uint64_t id;

	(void)state;
	if (geteuid() == 0) {
		print_message("# not tested: root may enter everything\n");
		return;
	}
	put_file(TRACEFS ID, "316\n");
	snprintf(path, sizeof(path), "%s" TRACEFS, root);
	chmod(path, 0);
	assert_false(find_switch(&id, reason));
	chmod(path, 0700);
	assert_string_equal(reason, "not permitted: only root may look into /sys/kernel/tracing");
}

static void a_refusal_says_what_would_help(void **state)
{
	const struct refusal_place vm = { .paranoid = 2, .hypervisor = true };
	const struct refusal_place vm_with_pmu = { .paranoid = 2, .hypervisor = true, .pmu = true };
	const struct refusal_place container = { .paranoid = 2, .seccomp = true };
	const struct refusal_place strict = { .paranoid = 3 };
	const struct refusal_place open_one = { .paranoid = -1 };
	const struct {
		const struct refusal_place *place;
		enum refusal_kind kind;
		int error;
		const char *text;
	} rows[] = {
		{ &vm, REFUSAL_KERNEL, ENOENT,
		  "no hardware counters here (no PMU in this virtual machine)" },
		{ &vm, REFUSAL_KERNEL, EOPNOTSUPP,
		  "no hardware counters here (no PMU in this virtual machine)" },
		{ &vm_with_pmu, REFUSAL_KERNEL, ENOENT,
		  "this processor or kernel does not count it (ENOENT)" },
		{ &vm, REFUSAL_KERNEL, EACCES, PARANOID "2; needs at most 1 or CAP_PERFMON" },
		{ &strict, REFUSAL_USER, EACCES, PARANOID "3; needs at most 2 or CAP_PERFMON" },
		{ &container, REFUSAL_KERNEL, EPERM,
		  "not permitted: a seccomp filter forbids it (container); run with "
		  "--cap-add PERFMON and a profile that allows perf_event_open" },
		{ &container, REFUSAL_KERNEL, EACCES,
		  PARANOID "2; needs at most 1 or CAP_PERFMON" },
		{ &open_one, REFUSAL_KERNEL, EPERM, "not permitted (EPERM); needs CAP_PERFMON" },
		{ &vm, REFUSAL_KERNEL, ENOSYS, "this kernel has no perf_event_open" },
		{ &vm, REFUSAL_KERNEL, EINVAL, "the kernel refuses it for a process (EINVAL)" },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refusal_text(rows[i].place, rows[i].kind, rows[i].error, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void a_count_of_half_the_time_is_doubled(void **state)
{
	const struct counter_value value = counter_scaled(1000, 80, 40);

	(void)state;
	assert_true(value.known);
	assert_int_equal(value.value, 2000);
	assert_true(value.running > 0.499 && value.running < 0.501);
}

static void a_count_of_the_whole_time_is_exact_however_large(void **state)
{
	const struct counter_value value = counter_scaled(UINT64_MAX - 1, 7, 7);

	(void)state;
	assert_true(value.known);
	assert_true(value.value == UINT64_MAX - 1);
}

static void a_count_of_less_than_a_fifth_of_the_time_is_not_known(void **state)
{
	(void)state;
	assert_true(counter_scaled(1000, 100, 20).known);
	assert_false(counter_scaled(1000, 100, 19).known);
	assert_false(counter_scaled(0, 100, 0).known);
}

static void a_counter_that_was_never_enabled_is_not_known(void **state)
{
	(void)state;
	assert_false(counter_scaled(0, 0, 0).known);
}

static void a_misspelt_counter_is_answered_with_the_nearest(void **state)
{
	struct counters counters;
	struct err err = { 0 };

	(void)state;
	assert_false(counters_find(&counters, "contextswitches", &err));
	assert_int_equal(err.code, EXIT_MISUSE);
	assert_string_equal(err.text,
			    "unknown counter 'contextswitches'; did you mean 'context-switches'?");
}

static void a_counter_cannot_be_given_twice(void **state)
{
	struct counters counters;
	struct err err = { 0 };

	(void)state;
	assert_false(counters_find(&counters, "task-clock,page-faults,task-clock", &err));
	assert_int_equal(err.code, EXIT_MISUSE);
	assert_string_equal(err.text, "counter 'task-clock' is given twice");
}

static void none_means_no_counter(void **state)
{
	struct counters counters;

	(void)state;
	assert_true(counters_find(&counters, "none", NULL));
	assert_int_equal(counters.count, 0);
}

static void each_usual_counter_has_a_source_or_a_reason(void **state)
{
	struct counters counters;
	struct err err = { 0 };

	(void)state;
	assert_true(counters_find(&counters, NULL, &err));
	assert_int_equal(counters.count, 10);
	for (size_t i = 0; i < counters.count; i++) {
		const struct counter *counter = &counters.row[i];

		assert_true(counter_source_name(counter->source) || counter->reason[0]);
		/* It would read 0. */
		if (counter->source == COUNTER_SOFTWARE || counter->source == COUNTER_TRACEPOINT)
			assert_false(counter->attr.exclude_kernel);
	}
	counters_finish(&counters);
}

/* Runs 'sh -c SCRIPT' with the counters on it. */
static void count(const struct counters *counters, const char *script, struct counter_value *values)
{
	int fds[COUNTERS_MAX], go[2], status;
	struct rusage usage;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 0)
			execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	close(go[0]);
	counters_open(counters, pid, fds);
	close(go[1]);
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_int_equal(status, 0);
	counters_read(counters, fds, &usage, values);
	for (size_t i = 0; i < counters->count; i++)
		assert_int_equal(fds[i], -1);
}

/* A process that sleeps is switched away from, whoever counts; as an ordinary user a perf event
 * that excludes the kernel says 0. */
static void the_switches_of_sleeping_children_are_never_0(void **state)
{
	struct counters counters;
	struct counter_value values[COUNTERS_MAX];

	(void)state;
	assert_true(counters_find(&counters, "context-switches", NULL));
	count(&counters, "sleep 0.01; (sleep 0.01; sleep 0.01) & wait", values);
	assert_true(values[0].known);
	assert_true(values[0].value >= 3);
	counters_finish(&counters);
}

static void faults_and_time_include_the_children(void **state)
{
	struct counters counters;
	struct counter_value alone[COUNTERS_MAX], more[COUNTERS_MAX];

	(void)state;
	assert_true(counters_find(&counters, "page-faults,task-clock", NULL));
	count(&counters, "true", alone);
	count(&counters, "for i in 1 2 3 4 5 6 7 8 9 10; do (true); done", more);
	assert_true(alone[0].known && more[0].known && alone[1].known && more[1].known);
	assert_true(more[0].value > alone[0].value + 50);
	counters_finish(&counters);
}

static void a_process_that_never_comes_to_exec_has_no_perf_counts(void **state)
{
	struct counters counters;
	struct counter_value value;
	struct rusage usage;
	int fd, go[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_true(counters_find(&counters, "cpu-migrations", NULL));
	if (counters.row[0].source == COUNTER_NONE) {
		print_message("# not tested: %s\n", counters.row[0].reason);
		return;
	}
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	close(go[0]);
	counters_open(&counters, pid, &fd);
	close(go[1]);
	assert_int_equal(wait4(pid, NULL, 0, &usage), pid);
	counters_read(&counters, &fd, &usage, &value);
	assert_false(value.known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracepoint_is_two_words_and_one_colon),
		IN_ROOT(a_tracepoint_is_looked_up_in_tracefs),
		IN_ROOT(an_empty_mount_point_is_passed_over_for_debugfs),
		IN_ROOT(without_tracefs_the_reason_says_how_to_mount_it),
		IN_ROOT(an_event_that_the_kernel_does_not_have_is_said_to_be_missing),
		IN_ROOT(a_tracefs_that_may_not_be_entered_is_not_permitted),
		cmocka_unit_test(a_refusal_says_what_would_help),
		cmocka_unit_test(a_count_of_half_the_time_is_doubled),
		cmocka_unit_test(a_count_of_the_whole_time_is_exact_however_large),
		cmocka_unit_test(a_count_of_less_than_a_fifth_of_the_time_is_not_known),
		cmocka_unit_test(a_counter_that_was_never_enabled_is_not_known),
		cmocka_unit_test(a_misspelt_counter_is_answered_with_the_nearest),
		cmocka_unit_test(a_counter_cannot_be_given_twice),
		cmocka_unit_test(none_means_no_counter),
		cmocka_unit_test(each_usual_counter_has_a_source_or_a_reason),
		cmocka_unit_test(the_switches_of_sleeping_children_are_never_0),
		cmocka_unit_test(faults_and_time_include_the_children),
		cmocka_unit_test(a_process_that_never_comes_to_exec_has_no_perf_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
