/* The reader of traces, on folders and files that are no trace, or another one. */
#include "tests/made_trace.h"
#include "tests/read_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define FIRST "threads/00001.gst"

static struct made_trace made;
static struct made_thread thread;

static int make(void **state)
{
	(void)state;
	made_trace_start(&made, NULL);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	made_trace_remove(&made);
	return 0;
}

static void write_thread(uint32_t number, size_t records)
{
	made_thread_start(&thread, &made, number);
	for (size_t i = 0; i < records; i++)
		made_record(&thread, START + i, TRACE_MUTEX_ACQUIRE, 0, i);
	made_thread_end(&thread);
	made_trace_finish(&made);
}

static void overwrite(uint64_t offset, const void *bytes, size_t size)
{
	const int fd = open(made_path(&made, FIRST), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
	close(fd);
}

/* Each damages the header of a good thread beside which there is another. */
static void a_file_that_cannot_be_believed_is_left_out(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
		const char *trouble;
	} damages[] = {
		{ 0, 1, "it is no file of a thread" },
		{ 4, 1, "it belongs to another trace" },
		{ 20, 9, "flags 0x1 and stream 9; this version knows flags to 0x3 and stream 0" },
		{ 64, 0, "it has version 0; this version reads 1 to 4" },
		{ 64, 5, "it has version 5; this version reads 1 to 4" },
		{ 68, 5, "it has flags 0x5 and stream 0" },
		{ 68, 3, "its counter is not that of the trace" },
		{ 72, 2, "it is the file of thread 2" },
	};

	(void)state;
	write_thread(2, 3);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		write_thread(1, 5);
		overwrite(damages[i].offset, &damages[i].value, 4);
		expect(made.folder, 3, damages[i].trouble);
		assert_int_equal(all.threads, 2);
	}
}

static void a_file_of_the_first_version_is_read(void **state)
{
	const uint32_t version = TRACE_VERSION_FIRST;

	(void)state;
	write_thread(1, 5);
	overwrite(64, &version, sizeof(version));
	expect(made.folder, 5, "");
}

static void what_is_no_file_is_left_out(void **state)
{
	(void)state;
	write_thread(2, 3);
	assert_int_equal(mkfifo(made_path(&made, FIRST), 0644), 0);
	expect(made.folder, 3, "Invalid argument");
	assert_int_equal(unlink(made_path(&made, FIRST)), 0);
	assert_int_equal(mkdir(made_path(&made, FIRST), 0755), 0);
	expect(made.folder, 3, "Is a directory");
	assert_int_equal(rmdir(made_path(&made, FIRST)), 0);
	assert_int_equal(symlink("nowhere", made_path(&made, FIRST)), 0);
	expect(made.folder, 3, "No such file or directory");
}

static void files_with_other_names_mean_nothing(void **state)
{
	static const char *const names[] = { "threads/1.gst",      "threads/00000.gst",
					     "threads/00001.gst~", "threads/000001.gst",
					     "threads/-0001.gst",  "threads/99999999999.gst" };

	(void)state;
	write_thread(123456, 3);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(open(made_path(&made, names[i]), O_CREAT | O_WRONLY, 0644));
	expect(made.folder, 3, "");
	assert_int_equal(all.threads, 1);
	assert_int_equal(all.event[0].thread, 123456);
}

static void a_folder_that_is_no_trace_says_what_it_should_be(void **state)
{
	(void)state;
	assert_false(read_trace("/nowhere"));
	assert_string_equal(all.err.text,
			    "cannot read '/nowhere/trace.json': No such file or directory; give "
			    "the folder that 'gilscope trace' wrote");
	assert_int_equal(all.err.code, EXIT_MISUSE);
	made_trace_finish(&made);
	expect_error(made.folder, 0, "no thread was recorded in it");
	assert_int_equal(rmdir(made_path(&made, "threads")), 0);
	expect_error(made.folder, 0, "No such file or directory");
	assert_int_equal(unlink(made_path(&made, "trace.json")), 0);
	assert_int_equal(mkdir(made_path(&made, "trace.json"), 0755), 0);
	expect_error(made.folder, 0, "Is a directory; give the folder that 'gilscope trace' wrote");
	assert_int_equal(rmdir(made_path(&made, "trace.json")), 0);
}

static void what_is_wrong_in_trace_json_is_named(void **state)
{
#define GOOD "\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID "\",\"counter\":\"tsc\""
	static const struct {
		const char *json, *sentence;
	} wrong[] = {
		{ "", "line 1: '[' or '{' expected near end of file" },
		{ "{", "line 1: string or '}' expected near end of file" },
		{ "[]", "it is no object" },
		{ "{}", "its schema is 'none'; this version reads 'gilscope.trace/1'" },
		{ "{\"schema\":\"gilscope.trace/2\"}",
		  "its schema is 'gilscope.trace/2'; this version reads 'gilscope.trace/1'" },
		{ "{\"schema\":\"gilscope.trace/1\",\"uuid\":\"12\"}",
		  "'uuid' is not 32 hexadecimal digits" },
		{ "{\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID "\"}",
		  "'counter' is none of tsc, cntvct and monotonic" },
		{ "{" GOOD ",\"finished\":1}", "'finished' is neither true nor false" },
		{ "{" GOOD ",\"status\":-1}", "'status' is neither 0 to 255 nor null" },
		{ "{" GOOD ",\"status\":\"0\"}", "'status' is neither 0 to 255 nor null" },
		{ "{" GOOD ",\"elapsed_ns\":0.5}", "'elapsed_ns' is not a whole number from 0" },
		{ "{" GOOD ",\"lost\":-5}", "'lost' is not a whole number from 0" },
		{ "{" GOOD ",\"command\":\"x\"}", "'command' is not an array of words" },
		{ "{" GOOD ",\"command\":[\"x\",1]}", "'command' is not an array of words" },
		{ "{" GOOD ",\"arena\":[]}", "'arena' is neither a text nor null" },
		{ "{" GOOD ",\"cost\":[]}", "'cost' is not an object" },
		{ "{" GOOD ",\"cost\":{\"record_ns\":\"8\"}}",
		  "'cost.record_ns' is neither a number from 0 nor null" },
		{ "{" GOOD ",\"clocks\":{}}", "'clocks' is not an array" },
		{ "{" GOOD ",\"clocks\":[[1,2]]}",
		  "'clocks' has what is not three whole numbers from 0" },
		{ "{" GOOD ",\"clocks\":[[1,2,-3]]}",
		  "'clocks' has what is not three whole numbers from 0" },
	};
#undef GOOD

	(void)state;
	write_thread(1, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		made.json = wrong[i].json;
		made_trace_finish(&made);
		expect_error(made.folder, 0, wrong[i].sentence);
	}
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(a_file_that_cannot_be_believed_is_left_out),
		WITH_TRACE(a_file_of_the_first_version_is_read),
		WITH_TRACE(what_is_no_file_is_left_out),
		WITH_TRACE(files_with_other_names_mean_nothing),
		WITH_TRACE(a_folder_that_is_no_trace_says_what_it_should_be),
		WITH_TRACE(what_is_wrong_in_trace_json_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
