/* What a word stands for as a build, and which builds may be compared. */
#include "bench/gate/build.h"

#include "bench/process.h"
#include "tests/fake_root.h"

static struct gate_side side;
static struct err err;

/* A workload that says how it was built; a null 'build' says nothing of it. */
static void put_workload(const char *path, const char *build)
{
	char text[512], whole[512];

	snprintf(text, sizeof(text), "#!/bin/sh\necho '{\"workload\": \"made up\"%s%s}'\n",
		 build ? ", \"build\": " : "", build ? build : "");
	put_file(path, text);
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	assert_int_equal(chmod(whole, 0755), 0);
}

/* A word for a folder below the root; the last one is kept. */
static const char *word(const char *below)
{
	static char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", root, below);
	return whole;
}

#define BUILT \
	"{\"revision\": \"0123456789ab\", \"compiler\": \"gcc 12.2.0\", " \
	"\"buildtype\": \"release\", \"optimization\": \"3\", \"sanitize\": \"none\", " \
	"\"lto\": true, \"ndebug\": false, " \
	"\"c_args\": \"-march=native -ffile-prefix-map=/here=/there -O2\"}"

static void a_build_folder_is_known_by_what_its_workload_says(void **state)
{
	(void)state;
	put_workload("/build/workloads/countdown", BUILT);
	/* The workload knows better than a folder that was configured anew and not built. */
	put_file("/build/meson-info/intro-buildoptions.json",
		 "[{\"name\": \"optimization\", \"value\": \"0\"}]");
	assert_true(build_find(&side, word("/build"), &err));
	assert_string_equal(side.word, word("/build"));
	assert_null(side.command);
	assert_string_equal(side.workloads, word("/build/workloads"));
	assert_string_equal(side.revision, "0123456789ab");
	assert_string_equal(side.compiler, "gcc 12.2.0");
	assert_string_equal(side.buildtype, "release");
	assert_string_equal(side.optimization, "3");
	assert_string_equal(side.sanitize, "none");
	assert_string_equal(side.lto, "true");
	assert_string_equal(side.ndebug, "false");
	assert_string_equal(side.c_args, "-march=native -O2");
}

static void an_installed_prefix_has_its_workloads_in_libexec(void **state)
{
	(void)state;
	put_workload("/usr/libexec/gilscope/workloads/countdown", BUILT);
	assert_true(build_find(&side, word("/usr"), &err));
	assert_string_equal(side.workloads, word("/usr/libexec/gilscope/workloads"));
	assert_string_equal(side.optimization, "3");
}

static void an_older_build_folder_is_known_by_its_configuration(void **state)
{
	(void)state;
	put_workload("/build/workloads/countdown", NULL);
	put_file("/build/meson-info/intro-buildoptions.json",
		 "[{\"name\": \"prefix\", \"value\": \"/usr\"}, {\"name\": \"werror\", \"value\": "
		 "true},"
		 "{\"name\": \"buildtype\", \"value\": \"debugoptimized\"},"
		 "{\"name\": \"optimization\", \"value\": \"2\"},"
		 "{\"name\": \"b_lto\", \"value\": false},"
		 "{\"name\": \"b_ndebug\", \"value\": \"if-release\"},"
		 "{\"name\": \"c_args\", \"value\": [\"-g1\", \"-DX=a\"]},"
		 "{\"name\": \"b_sanitize\", \"value\": \"address\"}]");
	assert_true(build_find(&side, word("/build"), &err));
	assert_string_equal(side.buildtype, "debugoptimized");
	assert_string_equal(side.optimization, "2");
	assert_string_equal(side.sanitize, "address");
	assert_string_equal(side.lto, "false");
	assert_string_equal(side.ndebug, "false");
	assert_string_equal(side.c_args, "-g1 -DX=a");
	assert_string_equal(side.compiler, "");
	assert_string_equal(side.revision, "");
}

static void an_unknown_revision_is_none(void **state)
{
	(void)state;
	put_workload("/build/workloads/countdown",
		     "{\"revision\": \"unknown\", \"optimization\": \"2\"}");
	assert_true(build_find(&side, word("/build"), &err));
	assert_string_equal(side.revision, "");
	assert_string_equal(side.compiler, "");
}

static void a_workload_that_cannot_be_asked_leaves_the_build_unknown(void **state)
{
	(void)state;
	put_workload("/build/workloads/countdown", "not JSON");
	assert_true(build_find(&side, word("/build"), &err));
	assert_string_equal(side.optimization, "");
}

static void a_folder_of_sources_is_no_build(void **state)
{
	(void)state;
	put_file("/workloads/countdown.c", "");
	put_workload("/workloads/tidy.sh", NULL);
	put_file("/workloads/runtime/main.c", "");
	assert_false(build_find(&side, word(""), &err));
	assert_int_equal(err.code, EXIT_MISUSE);
	assert_non_null(strstr(err.text, "' has no workloads; give a folder in which gilscope "
					 "was built"));
}

static void a_word_for_nothing_is_misuse(void **state)
{
	(void)state;
	assert_false(build_find(&side, word("/nothing"), &err));
	assert_int_equal(err.code, EXIT_MISUSE);
	assert_non_null(strstr(err.text, "there is no build '"));
}

static const struct gate_side good = { .word = "old",
				       .compiler = "gcc 12.2.0",
				       .buildtype = "release",
				       .optimization = "3",
				       .sanitize = "none" };

/* Of a good baseline and this candidate, and the other way round. */
static bool comparable(const struct gate_side *other, char reason[200])
{
	const bool one = builds_comparable(other, &good, reason, 200);

	assert_int_equal(builds_comparable(&good, other, reason, 200), one);
	return one;
}

static void equal_builds_are_comparable_and_nothing_is_said(void **state)
{
	struct gate_side other = good;
	char reason[200];

	(void)state;
	assert_true(comparable(&other, reason));
	assert_string_equal(reason, "");
}

static void sanitized_debug_and_otherwise_optimized_builds_are_not_comparable(void **state)
{
	struct gate_side other = good;
	char reason[200];

	(void)state;
	other.word = "new";
	strcpy(other.sanitize, "address,undefined");
	assert_false(comparable(&other, reason));
	assert_string_equal(reason, "'new' is built with sanitizers (address,undefined), whose "
				    "times say nothing of others");
	/* Two of them are no better. */
	assert_false(builds_comparable(&other, &other, reason, sizeof(reason)));
	other = good;
	other.word = "new";
	strcpy(other.optimization, "0");
	assert_false(comparable(&other, reason));
	assert_non_null(strstr(reason, "'new' is built without optimization (0)"));
	assert_false(builds_comparable(&other, &other, reason, sizeof(reason)));
	strcpy(other.optimization, "2");
	assert_false(comparable(&other, reason));
	assert_string_equal(reason, "'old' is optimized at level 3, 'new' at level 2");
}

static void builds_with_other_options_of_the_compiler_are_not_comparable(void **state)
{
	struct gate_side one = good, other = good;
	char reason[200];

	(void)state;
	strcpy(one.lto, "false");
	other.word = "new";
	/* What one side does not tell may be the same. */
	assert_true(builds_comparable(&one, &other, reason, sizeof(reason)));
	strcpy(other.lto, "true");
	assert_false(builds_comparable(&one, &other, reason, sizeof(reason)));
	assert_string_equal(reason, "'old' is built with b_lto=false, 'new' with true");
	other.lto[0] = '\0';
	strcpy(one.c_args, "none");
	strcpy(other.c_args, "-march=native");
	assert_false(builds_comparable(&one, &other, reason, sizeof(reason)));
	assert_string_equal(reason, "'old' is built with c_args=none, 'new' with -march=native");
	strcpy(one.c_args, "-march=native");
	assert_true(builds_comparable(&one, &other, reason, sizeof(reason)));
	strcpy(one.ndebug, "true");
	strcpy(other.ndebug, "false");
	assert_false(builds_comparable(&one, &other, reason, sizeof(reason)));
	assert_string_equal(reason, "'old' is built with b_ndebug=true, 'new' with false");
}

static void who_compares_with_a_revision_is_told_to_run_the_builds_own_gilscope(void **state)
{
	struct gate_side one = good, other = good;
	char reason[200];

	(void)state;
	one.made = true;
	other.word = "new";
	strcpy(other.optimization, "2");
	assert_false(builds_comparable(&one, &other, reason, sizeof(reason)));
	assert_string_equal(reason, "'old' is optimized at level 3, 'new' at level 2; a revision "
				    "is built as this gilscope is: run that of 'new'");
	other.made = true;
	assert_false(builds_comparable(&one, &other, reason, sizeof(reason)));
	assert_null(strstr(reason, "revision"));
}

static void what_is_only_doubtful_is_said(void **state)
{
	struct gate_side other = good;
	char reason[200];

	(void)state;
	other.word = "new";
	strcpy(other.compiler, "clang 14.0.6");
	assert_true(comparable(&other, reason));
	assert_string_equal(reason, "'old' is built by gcc 12.2.0, 'new' by clang 14.0.6");
	strcpy(other.optimization, "plain");
	strcpy(other.buildtype, "plain");
	assert_true(comparable(&other, reason));
	assert_string_equal(reason, "how far 'new' was optimized is not known; 'old' is built by "
				    "gcc 12.2.0, 'new' by clang 14.0.6; 'old' is a release build, "
				    "'new' a plain build");
	assert_true(builds_comparable(&good, &other, reason, 50));
	assert_true(strlen(reason) < 50);
}

static void nothing_is_said_of_commands(void **state)
{
	const struct gate_side one = { .word = "true", .command = "true" };
	char reason[200];

	(void)state;
	assert_true(comparable(&one, reason));
	assert_string_equal(reason, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOT(a_build_folder_is_known_by_what_its_workload_says),
		IN_ROOT(an_installed_prefix_has_its_workloads_in_libexec),
		IN_ROOT(an_older_build_folder_is_known_by_its_configuration),
		IN_ROOT(an_unknown_revision_is_none),
		IN_ROOT(a_workload_that_cannot_be_asked_leaves_the_build_unknown),
		IN_ROOT(a_folder_of_sources_is_no_build),
		IN_ROOT(a_word_for_nothing_is_misuse),
		cmocka_unit_test(equal_builds_are_comparable_and_nothing_is_said),
		cmocka_unit_test(sanitized_debug_and_otherwise_optimized_builds_are_not_comparable),
		cmocka_unit_test(builds_with_other_options_of_the_compiler_are_not_comparable),
		cmocka_unit_test(
			who_compares_with_a_revision_is_told_to_run_the_builds_own_gilscope),
		cmocka_unit_test(what_is_only_doubtful_is_said),
		cmocka_unit_test(nothing_is_said_of_commands),
	};

	process_catch_signals();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
