/* What is read of the machine, from made-up files of known content; and of this one, what must hold
 * on every machine. */
#include "base/cgroup.h"
#include "base/cpus.h"
#include "base/machine.h"
#include "base/sysfile.h"

#include "tests/fake_root.h"

#include <jansson.h>

static void a_field_is_found_by_its_whole_key_in_all_three_notations(void **state)
{
	const char *text = "model\t\t: 2\nmodel name\t: AMD EPYC\nPRETTY_NAME=\"Debian 12\"\n"
			   "throttled_usec 17\nempty:\n";
	char value[32];

	(void)state;
	assert_true(sysfile_field(text, "model name", value, sizeof(value)));
	assert_string_equal(value, "AMD EPYC");
	assert_true(sysfile_field(text, "PRETTY_NAME", value, sizeof(value)));
	assert_string_equal(value, "Debian 12");
	assert_true(sysfile_field(text, "empty", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_int_equal(sysfile_field_number(text, "throttled_usec"), 17);
	assert_int_equal(sysfile_field_number(text, "throttled"), -1);
	assert_int_equal(sysfile_field_number(text, "PRETTY_NAME"), -1);
	assert_int_equal(sysfile_field_number("", "model"), -1);
}

static void a_value_that_does_not_fit_is_cut_and_ended(void **state)
{
	char value[4];

	(void)state;
	assert_true(sysfile_field("key: abcdef\n", "key", value, sizeof(value)));
	assert_string_equal(value, "abc");
}

static void the_chosen_one_stands_in_brackets(void **state)
{
	char value[16];

	(void)state;
	assert_true(sysfile_chosen("always [madvise] never\n", value, sizeof(value)));
	assert_string_equal(value, "madvise");
	assert_false(sysfile_chosen("always", value, sizeof(value)));
	assert_string_equal(value, "");
}

static void a_file_that_is_not_there_reads_as_empty_text(void **state)
{
	char text[16] = "before";

	(void)state;
	assert_false(sysfile_read(text, sizeof(text), "/nowhere/%d", 1));
	assert_string_equal(text, "");
}

static void cpu_lists_are_counted_and_walked_with_their_ranges(void **state)
{
	const char *list = "0-2,8";
	const long expected[] = { 0, 1, 2, 8, -1 };
	long cpu = -1;

	(void)state;
	assert_int_equal(cpus_list_count("0"), 1);
	assert_int_equal(cpus_list_count("0-3,8,10-11"), 7);
	assert_int_equal(cpus_list_count(""), 0);
	for (size_t i = 0; i < 5; i++) {
		cpu = cpus_list_next(&list, cpu);
		assert_int_equal(cpu, expected[i]);
	}
}

static void what_is_no_cpu_list_is_not_counted(void **state)
{
	static const char *const wrong[] = { "x", "3-1", "1-", "0,,1", "0 1", "-1", "0-1,..." };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(cpus_list_count(wrong[i]), -1);
}

static void a_mask_is_written_as_ranges_and_cut_between_them(void **state)
{
	cpu_set_t mask;
	char list[64], narrow[12];

	(void)state;
	CPU_ZERO(&mask);
	cpus_list_format(&mask, sizeof(mask), list, sizeof(list));
	assert_string_equal(list, "");
	for (size_t cpu = 0; cpu < 3; cpu++)
		CPU_SET(cpu, &mask);
	CPU_SET(5, &mask);
	CPU_SET(1023, &mask);
	cpus_list_format(&mask, sizeof(mask), list, sizeof(list));
	assert_string_equal(list, "0-2,5,1023");
	cpus_list_format(&mask, sizeof(mask), narrow, sizeof(narrow));
	assert_string_equal(narrow, "0-2,5,...");
}

static void the_tightest_quota_of_all_levels_binds(void **state)
{
	struct cgroup cgroup;
	char quota[48];

	(void)state;
	put_file("/proc/self/cgroup", "0::/slice/job/step\n");
	put_file("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	put_file("/sys/fs/cgroup/slice/cpu.max", "400000 100000\n");
	put_file("/sys/fs/cgroup/slice/job/cpu.max", "150000 100000\n");
	put_file("/sys/fs/cgroup/slice/job/step/cpu.max", "max 100000\n");
	cgroup_find(&cgroup, root);
	cgroup_cpu_max(&cgroup, quota, sizeof(quota));
	assert_string_equal(quota, "150000 100000");
}

static void time_held_back_is_summed_over_the_levels_that_tell(void **state)
{
	struct cgroup cgroup;

	(void)state;
	put_file("/proc/self/cgroup", "0::/slice/job\n");
	put_file("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
	put_file("/sys/fs/cgroup/cpu.stat", "usage_usec 100\n");
	put_file("/sys/fs/cgroup/slice/cpu.stat", "usage_usec 9\nthrottled_usec 30\n");
	put_file("/sys/fs/cgroup/slice/job/cpu.stat", "throttled_usec 5\n");
	cgroup_find(&cgroup, root);
	assert_int_equal(cgroup_throttled_ns(&cgroup), 35000);
}

static void without_any_quota_the_limit_is_max(void **state)
{
	struct cgroup cgroup;
	char quota[48];

	(void)state;
	put_file("/proc/self/cgroup", "0::/\n");
	put_file("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
	put_file("/sys/fs/cgroup/cpu.stat", "usage_usec 100\n");
	cgroup_find(&cgroup, root);
	cgroup_cpu_max(&cgroup, quota, sizeof(quota));
	assert_string_equal(quota, "max");
	assert_int_equal(cgroup_throttled_ns(&cgroup), -1);
}

static void a_group_outside_of_the_namespace_is_looked_for_at_the_mount(void **state)
{
	struct cgroup cgroup;
	char quota[48];

	(void)state;
	put_file("/proc/self/cgroup", "0::/../other\n");
	put_file("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
	put_file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	cgroup_find(&cgroup, root);
	cgroup_cpu_max(&cgroup, quota, sizeof(quota));
	assert_string_equal(quota, "200000 100000");
}

static void the_old_hierarchy_is_told_in_the_words_of_the_new_one(void **state)
{
	struct cgroup cgroup;
	char quota[48];

	(void)state;
	put_file("/proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/job\n0::/\n");
	put_file("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
	put_file("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
	put_file("/sys/fs/cgroup/cpu/job/cpu.stat", "nr_throttled 3\nthrottled_time 4000\n");
	put_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	put_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	cgroup_find(&cgroup, root);
	cgroup_cpu_max(&cgroup, quota, sizeof(quota));
	assert_string_equal(quota, "50000 100000");
	assert_int_equal(cgroup_throttled_ns(&cgroup), 4000);
}

static void without_control_groups_the_quota_is_unknown(void **state)
{
	struct cgroup cgroup;
	char quota[48] = "before";

	(void)state;
	cgroup_find(&cgroup, root);
	cgroup_cpu_max(&cgroup, quota, sizeof(quota));
	assert_string_equal(quota, "");
	assert_int_equal(cgroup_throttled_ns(&cgroup), -1);
}

static void stolen_time_is_the_eighth_number_of_the_first_line(void **state)
{
	(void)state;
	assert_int_equal(disturbance_steal_ns("cpu  1 2 3 4 5 6 7 8 9 0\ncpu0 1 1", 100), 80000000);
	assert_int_equal(disturbance_steal_ns("cpu  1 2 3 4\n", 100), -1);
	assert_int_equal(disturbance_steal_ns("", 100), -1);
}

static void pressure_is_the_total_of_some_not_of_full(void **state)
{
	(void)state;
	assert_int_equal(disturbance_psi_ns("some avg10=0.00 avg60=0.20 total=28757352\n"
					    "full avg10=0.00 avg60=0.00 total=7\n"),
			 28757352000);
	assert_int_equal(disturbance_psi_ns("full avg10=0.00 total=7\n"), -1);
	assert_int_equal(disturbance_psi_ns(""), -1);
}

static void the_fingerprint_stays_when_the_machine_does(void **state)
{
	struct machine one, two;

	(void)state;
	machine_read(&one);
	machine_read(&two);
	assert_int_equal(strlen(one.fingerprint), 16);
	assert_string_equal(one.fingerprint, two.fingerprint);
	assert_in_range(one.cpus_allowed, 1, one.cpus_online);
	assert_int_equal(cpus_list_count(one.cpus_list), one.cpus_allowed);
}

static json_t *written(void (*write)(const struct machine *machine, struct emit *emit,
				     const char *name),
		       const struct machine *machine)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	struct emit emit;
	json_t *read;

	emit_start(&emit, to, false);
	emit_open(&emit, NULL, '{');
	write(machine, &emit, "host");
	emit_close(&emit, '}');
	fclose(to);
	read = json_loads(text, 0, NULL);
	free(text);
	return read;
}

static void what_is_unknown_is_null_in_json_and_never_0(void **state)
{
	const struct machine unknown = { .cpus_online = -1,
					 .cpus_allowed = -1,
					 .smt = -1,
					 .aslr = -1,
					 .page_size = -1,
					 .timer_slack_ns = -1,
					 .perf_event_paranoid = MACHINE_PARANOID_UNKNOWN,
					 .load_average = -1,
					 .memory_bytes = -1,
					 .memory_available_bytes = -1 };
	json_t *read = written(machine_json, &unknown);
	const json_t *value;
	const char *name;

	(void)state;
	assert_true(json_object_size(json_object_get(read, "host")) > 15);
	json_object_foreach(json_object_get(read, "host"), name, value)
		assert_true(json_is_null(value));
	json_decref(read);
}

static void a_paranoid_level_below_0_is_written_as_a_number(void **state)
{
	const struct machine open_one = { .perf_event_paranoid = -1 };
	json_t *read = written(machine_json, &open_one);
	const json_t *level = json_object_get(json_object_get(read, "host"), "perf_event_paranoid");

	(void)state;
	assert_true(json_is_integer(level));
	assert_int_equal(json_integer_value(level), -1);
	json_decref(read);
}

static bool warned_of(const struct machine *machine, const char *words)
{
	char warnings[MACHINE_WARNINGS][160];
	const size_t count = machine_warnings(machine, warnings);

	for (size_t i = 0; i < count; i++) {
		if (strstr(warnings[i], words))
			return true;
	}
	return false;
}

static void warnings_name_what_disturbs_and_nothing_else(void **state)
{
	const struct machine quiet = { .cpus_allowed = 4,
				       .governor = "performance",
				       .virtualization = "none",
				       .cgroup_cpu_max = "400000 100000",
				       .clocksource = "tsc",
				       .aslr = 2,
				       .load_average = 0.1 };
	const struct machine loud = { .cpus_allowed = 4,
				      .smt = 1,
				      .governor = "powersave",
				      .virtualization = "kvm",
				      .cgroup_cpu_max = "150000 100000",
				      .clocksource = "hpet",
				      .aslr = 0,
				      .load_average = 3 };
	static const char *const words[] = { "SMT",  "powersave", "kvm",   "1.5 CPUs of 4",
					     "hpet", "addresses", "load 3" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_false(warned_of(&quiet, words[i]));
		assert_true(warned_of(&loud, words[i]));
	}
}

static void the_line_below_a_chart_names_processor_cpus_and_system(void **state)
{
	const struct machine machine = { .cpu_model = "AMD EPYC",
					 .architecture = "x86_64",
					 .cpus_online = 4,
					 .cpus_allowed = 2,
					 .virtualization = "kvm",
					 .kernel = "Linux 6.1.0" };
	const struct machine bare = { .architecture = "aarch64",
				      .cpus_online = 1,
				      .cpus_allowed = 1 };
	char line[128];

	(void)state;
	machine_line(&machine, line, sizeof(line));
	assert_string_equal(line, "AMD EPYC, 2 of 4 CPUs, kvm, Linux 6.1.0");
	machine_line(&bare, line, sizeof(line));
	assert_string_equal(line, "aarch64, 1 CPU");
}

/* Four CPUs, two cores: 0 and 1 are hardware threads of one core, 2 and 3 of the other. */
static void workers_are_spread_over_cores_before_hardware_threads(void **state)
{
	static const char *const siblings[] = { "0-1\n", "0-1\n", "2-3\n", "2-3\n" };
	char list[32], path[96];

	(void)state;
	for (int cpu = 0; cpu < 4; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
		put_file(path, siblings[cpu]);
	}
	assert_true(cpus_spread(root, "0-3", list, sizeof(list)));
	assert_string_equal(list, "0,2,1,3");
	/* Only what is allowed counts: 1 is then the first of its core. */
	assert_true(cpus_spread(root, "1-3", list, sizeof(list)));
	assert_string_equal(list, "1,2,3");
	/* A machine that tells nothing: as they come. */
	assert_true(cpus_spread(root, "8,9", list, sizeof(list)));
	assert_string_equal(list, "8,9");
	assert_false(cpus_spread(root, "0-3,...", list, sizeof(list)));
	assert_false(cpus_spread(root, "0-3", list, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOT(workers_are_spread_over_cores_before_hardware_threads),
		cmocka_unit_test(a_field_is_found_by_its_whole_key_in_all_three_notations),
		cmocka_unit_test(a_value_that_does_not_fit_is_cut_and_ended),
		cmocka_unit_test(the_chosen_one_stands_in_brackets),
		cmocka_unit_test(a_file_that_is_not_there_reads_as_empty_text),
		cmocka_unit_test(cpu_lists_are_counted_and_walked_with_their_ranges),
		cmocka_unit_test(what_is_no_cpu_list_is_not_counted),
		cmocka_unit_test(a_mask_is_written_as_ranges_and_cut_between_them),
		IN_ROOT(the_tightest_quota_of_all_levels_binds),
		IN_ROOT(time_held_back_is_summed_over_the_levels_that_tell),
		IN_ROOT(without_any_quota_the_limit_is_max),
		IN_ROOT(a_group_outside_of_the_namespace_is_looked_for_at_the_mount),
		IN_ROOT(the_old_hierarchy_is_told_in_the_words_of_the_new_one),
		IN_ROOT(without_control_groups_the_quota_is_unknown),
		cmocka_unit_test(stolen_time_is_the_eighth_number_of_the_first_line),
		cmocka_unit_test(pressure_is_the_total_of_some_not_of_full),
		cmocka_unit_test(the_fingerprint_stays_when_the_machine_does),
		cmocka_unit_test(what_is_unknown_is_null_in_json_and_never_0),
		cmocka_unit_test(a_paranoid_level_below_0_is_written_as_a_number),
		cmocka_unit_test(warnings_name_what_disturbs_and_nothing_else),
		cmocka_unit_test(the_line_below_a_chart_names_processor_cpus_and_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
