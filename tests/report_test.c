/* gilscope report on made-up traces: what it prints, as text and as JSON. */
#include "command/command.h"
#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START 2000000u /* of stamps */
#define A 0x10000u     /* objects */
#define B 0x20000u

extern const struct command command_report;
/* An object whose name a report must find. */
extern pthread_mutex_t report_test_mutex;
pthread_mutex_t report_test_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct made_trace made;
static struct made_thread threads[5]; /* by number */
static char output[1 << 20];
static struct err err;

static int make(void **state)
{
	(void)state;
	made_trace_start(&made, NULL);
	memset(threads, 0, sizeof(threads));
	return 0;
}

static int drop(void **state)
{
	(void)state;
	made_trace_remove(&made);
	return 0;
}

static void put(uint32_t thread, uint64_t ns, unsigned kind, unsigned detail, uint64_t value)
{
	if (!threads[thread].file)
		made_thread_start(&threads[thread], &made, thread);
	made_record(&threads[thread], START + ns, kind, detail, value);
}

static void put_arg(uint32_t thread, uint64_t value)
{
	made_arg(&threads[thread], value);
}

static void end(void)
{
	for (uint32_t i = 1; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (threads[i].file)
			made_thread_end(&threads[i]);
	}
	made_trace_finish(&made);
}

/* Runs the command with these words behind its name, a blank between them; '@' is the trace. */
static int report(const char *line)
{
	char words[512], *argv[16] = { (char *)"report" };
	const int saved = dup(1),
		  file = open(made_path(&made, "output"), O_CREAT | O_TRUNC | O_RDWR, 0644);
	int argc = 1, status;
	ssize_t got;

	snprintf(words, sizeof(words), "%s", line);
	for (char *rest = words, *word; *line && (word = strsep(&rest, " "));)
		argv[argc++] = strcmp(word, "@") == 0 ? made.folder : word;
	fflush(stdout);
	dup2(file, 1);
	err = (struct err){ 0 };
	status = command_report.run(argc, argv, &err);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	got = pread(file, output, sizeof(output) - 1, 0);
	assert_true(got >= 0);
	output[got] = '\0';
	close(file);
	return status;
}

static void assert_says(const char *what)
{
	if (!strstr(output, what))
		fail_msg("'%s' is not in:\n%s", what, output);
}

static void assert_fits(void)
{
	for (const char *line = output; *line; line += strcspn(line, "\n") + 1) {
		if (strcspn(line, "\n") > 100)
			fail_msg("too long: %.*s", (int)strcspn(line, "\n"), line);
	}
}

static json_t *report_json(const char *line)
{
	json_error_t error;
	json_t *json;

	if (report(line) != 0)
		fail_msg("%s", err.text);
	json = json_loads(output, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("%s at line %d", error.text, error.line);
	assert_string_equal(json_string_value(json_object_get(json, "schema")),
			    "gilscope.report/1");
	return json;
}

/* A number by its way from the top: "locks.0.uses.0.acquisitions"; -1 when it is null. */
static double number(const json_t *json, const char *way)
{
	char words[128];

	snprintf(words, sizeof(words), "%s", way);
	for (char *rest = words, *word; (word = strsep(&rest, "."));)
		json = json_is_array(json) ? json_array_get(json, strtoul(word, NULL, 10)) :
					     json_object_get(json, word);
	if (!json)
		fail_msg("there is no %s", way);
	return json_is_null(json) ? -1 : json_number_value(json);
}

/* Thread 1 holds A for 1 ms, for which thread 2 waits 0.5 ms. */
static void put_conflict(void)
{
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 500000, TRACE_MUTEX_CONFLICT, 0, A);
	put(1, 1000000, TRACE_MUTEX_RELEASE, 0, A);
	put(2, 1000100, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 1000200, TRACE_MUTEX_RELEASE, 0, A);
}

static void the_text_tells_who_waited_for_what_and_who_held_it(void **state)
{
	(void)state;
	put_conflict();
	end();
	assert_int_equal(report("@"), 0);
	assert_fits();
	assert_says("records   5, none lost\n");
	assert_says("no lock was held by two threads at once");
	assert_says("threads waited 500us for locks");
	assert_says("1 of 2 acquisitions (50%) found the lock held");
	assert_says("   1  0x10000\n");
	assert_says("      mutex       2         1  50.0%       0  500us");
	assert_says("   500us   0.000500s  2 made              1 made              1 made       ");
	assert_int_equal(report("--threads @"), 0);
	assert_null(strstr(output, "longest waits"));
	assert_int_equal(report("@ --locks"), 0);
	assert_null(strstr(output, "processes"));
}

static void the_json_has_the_same_and_more(void **state)
{
	json_t *json;

	(void)state;
	put_conflict();
	end();
	json = report_json("@ --json");
	assert_int_equal(number(json, "truth.lost"), 0);
	assert_int_equal(number(json, "truth.records"), 5);
	assert_true(number(json, "truth.record_ns") == 8.5);
	assert_int_equal(number(json, "locks.0.uses.0.acquisitions"), 2);
	assert_int_equal(number(json, "locks.0.uses.0.conflicts"), 1);
	assert_int_equal(number(json, "locks.0.uses.0.wait.total_ns"), 500100);
	assert_int_equal(number(json, "locks.0.uses.0.wait.corrected.total_ns"), 500092);
	assert_int_equal(number(json, "locks.0.uses.0.hold.max_ns"), 1000000);
	assert_int_equal(number(json, "longest_waits.0.lock"), number(json, "locks.0.id"));
	assert_int_equal(number(json, "longest_waits.0.thread"), 2);
	assert_int_equal(number(json, "longest_waits.0.holder"), 1);
	assert_int_equal(number(json, "longest_waits.0.begin_ns"), 500000);
	assert_int_equal(number(json, "threads.1.waited.locks.raw_ns"), 500100);
	json_decref(json);
	json = report_json("--json @ --from 1ms --to 1s");
	assert_int_equal(number(json, "truth.records_in_window"), 3);
	assert_int_equal(number(json, "locks.0.uses.0.acquisitions"), 1);
	assert_int_equal(number(json, "locks.0.released_not_acquired"), 1);
	json_decref(json);
}

static void every_kind_of_record_is_taken(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned kind = TRACE_ARG + 1; kind < TRACE_KIND_COUNT; kind++) {
			const struct record record = { kind, 0 };

			/* By two threads, so that there is somebody else's of everything. */
			put(1 + round, 1000 * (kind + 100 * round), kind, 0, A);
			for (unsigned arg = 0; arg < trace_args(&record); arg++)
				put_arg(1 + round, 1);
		}
	}
	end();
	assert_int_equal(report("@"), 0);
	assert_fits();
	json_decref(report_json("@ --json"));
	json_decref(report_json("@ --json --from 50us --to 150us"));
}

static void losses_stand_first(void **state)
{
	(void)state;
	made.lost = 17;
	put_conflict();
	end();
	assert_int_equal(report("@"), 0);
	assert_ptr_equal(strstr(output, "LOST      17 events"), output);
	assert_null(strstr(output, "none lost"));
}

static void what_is_not_known_is_null_with_its_reason(void **state)
{
	json_t *json;

	(void)state;
	put_conflict();
	made.json = "{\"schema\":\"gilscope.trace/1\",\"uuid\":\"" MADE_UUID
		    "\",\"command\":[\"made\"],\"finished\":false,\"status\":null,"
		    "\"counter\":\"tsc\",\"clocks\":[[1000000,5000000000,1700000000000000000]]}";
	end();
	json = report_json("@ --json");
	assert_true(number(json, "truth.record_ns") == -1);
	assert_true(number(json, "trace.status") == -1);
	assert_true(number(json, "locks.0.uses.0.wait.corrected") == -1);
	assert_true(number(json, "threads.1.waited.locks.corrected_ns") == -1);
	json_decref(json);
	assert_says("\"record_ns_reason\": \"");
	assert_says("\"corrected_reason\": \"");
	assert_int_equal(report("@"), 0);
	assert_says("own cost  unknown");
}

/* As Python's conditions do. */
static void a_semaphore_that_its_taker_waits_for_may_be_for_others_to_release(void **state)
{
	(void)state;
	put(1, 0, TRACE_SEM_INIT, 0, A);
	put_arg(1, 0x5000);
	put_arg(1, 1);
	put(1, 100, TRACE_SEM_ACQUIRE, 0, A);
	put(1, 200, TRACE_SEM_CONFLICT, 0, A);
	end();
	assert_int_equal(report("@"), 0);
	assert_null(strstr(output, "DEADLOCK"));
	assert_says("thread 1 waits for #1, which it took itself");
}

static void a_deadlock_is_named_and_every_ring_once(void **state)
{
	(void)state;
	put(1, 0, TRACE_MUTEX_ACQUIRE, 0, A);
	put(2, 100, TRACE_MUTEX_ACQUIRE, 0, B);
	put(1, 200, TRACE_MUTEX_CONFLICT, 0, B);
	put(2, 300, TRACE_MUTEX_CONFLICT, 0, A);
	put(3, 400, TRACE_MUTEX_CONFLICT, 0, A); /* waits, but is in no ring */
	end();
	assert_int_equal(report("@"), 0);
	assert_says("DEADLOCK: thread 1 waits for #");
	assert_says("which thread 2 holds; thread 2 waits");
	assert_null(strstr(strstr(output, "DEADLOCK") + 1, "DEADLOCK"));
	assert_says("3 threads still waited for a lock at the end");
	assert_says("1 still waiting at the end");
}

static int find_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uint64_t *)base = info->dlpi_addr;
	return 1; /* the first is the program */
}

/* A module record that says this very program, with a build-id of so many bytes of 'x'. */
static uint64_t put_module(unsigned build_id)
{
	char path[256];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	uint64_t base = 0;

	assert_true(length > 0);
	path[length] = '\0';
	dl_iterate_phdr(find_base, &base);
	put(1, 0, TRACE_MODULE, build_id, base);
	put_arg(1, 0x10000000);
	for (unsigned i = 0; i < build_id; i += 8)
		put_arg(1, 0x7878787878787878);
	made_text(&threads[1], path);
	return base;
}

static void a_static_lock_is_named_by_its_symbol_and_another_by_its_creator(void **state)
{
	const uint64_t address = (uintptr_t)&report_test_mutex;

	(void)state;
	put_module(0);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, address);
	put(1, 200, TRACE_MUTEX_RELEASE, 0, address);
	for (uint64_t i = 0; i < 3; i++) {
		put(1, 1000 + 100 * i, TRACE_MUTEX_INIT, 0, A + 40 * i);
		put_arg(1, (uintptr_t)made_record + 1);
		put(1, 1010 + 100 * i, TRACE_MUTEX_ACQUIRE, 0, A + 40 * i);
		put(1, 1020 + 100 * i, TRACE_MUTEX_RELEASE, 0, A + 40 * i);
	}
	end();
	assert_int_equal(report("@"), 0);
	assert_says("report_test_mutex (report_test)\n");
	assert_says("created by made_record+0x1 (report_test), and 2 more\n");
	assert_says("      mutex       3  ");
}

static void what_is_waited_for_much_is_not_told_among_others(void **state)
{
	(void)state;
	put_module(0);
	for (uint64_t i = 0; i < 4; i++) {
		put(1, 1000 * (i + 1), TRACE_MUTEX_INIT, 0, A + 40 * i);
		put_arg(1, (uintptr_t)made_record + 1);
		put(1, 1000 * (i + 1) + 10, TRACE_MUTEX_CONFLICT, 0, A + 40 * i);
		put(1, 1000 * (i + 1) + (i == 2 ? 900 : 20), TRACE_MUTEX_ACQUIRE, 0, A + 40 * i);
	}
	end();
	assert_int_equal(report("@"), 0);
	assert_says("   1  created by made_record+0x1 (report_test)\n");
	assert_says("   2  created by made_record+0x1 (report_test), and 2 more\n");
}

static void symbols_of_another_build_are_not_believed(void **state)
{
	const uint64_t address = (uintptr_t)&report_test_mutex;
	json_t *json;

	(void)state;
	put_module(20);
	put(1, 100, TRACE_MUTEX_ACQUIRE, 0, address);
	put(1, 200, TRACE_MUTEX_RELEASE, 0, address);
	end();
	json = report_json("@ --json");
	json_decref(json);
	assert_says("\"name\": \"report_test+0x");
	assert_says("is not the file that ran: its build-id is another");
}

static void what_programs_name_does_not_reach_the_terminal_raw(void **state)
{
	(void)state;
	put(1, 0, TRACE_THREAD_NAME, 0, 0x7f0000000000 + 0x1000);
	made_text(&threads[1], "\x1b[31mred");
	put(1, 10, TRACE_SEM_OPEN, 0, A);
	put_arg(1, 1);
	made_text(&threads[1], "/\x1b]0;title\a");
	put(1, 20, TRACE_SEM_ACQUIRE, 0, A);
	put(1, 30, TRACE_EXEC, 0, 99);
	made_text(&threads[1], "/bin/\x1b[2J");
	end();
	assert_int_equal(report("@"), 0);
	assert_says("'/?]0;title?'");
	for (const char *c = output; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= ' ');
	json_decref(report_json("@ --json"));
}

static void wrong_words_are_refused_in_a_sentence(void **state)
{
	(void)state;
	assert_int_equal(report(""), EXIT_MISUSE);
	assert_string_equal(err.text,
			    "report needs a trace: the folder that 'gilscope trace' wrote");
	assert_int_equal(report("@ more"), EXIT_MISUSE);
	assert_int_equal(report("@ --from 2s --to 1s"), EXIT_MISUSE);
	assert_string_equal(err.text, "--from '2s' is behind --to '1s'");
	assert_int_equal(report("@"), EXIT_MISUSE);
	assert_non_null(strstr(err.text, "trace.json"));
}

#define WITH_TRACE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRACE(the_text_tells_who_waited_for_what_and_who_held_it),
		WITH_TRACE(the_json_has_the_same_and_more),
		WITH_TRACE(every_kind_of_record_is_taken),
		WITH_TRACE(losses_stand_first),
		WITH_TRACE(what_is_not_known_is_null_with_its_reason),
		WITH_TRACE(a_semaphore_that_its_taker_waits_for_may_be_for_others_to_release),
		WITH_TRACE(a_deadlock_is_named_and_every_ring_once),
		WITH_TRACE(a_static_lock_is_named_by_its_symbol_and_another_by_its_creator),
		WITH_TRACE(what_is_waited_for_much_is_not_told_among_others),
		WITH_TRACE(symbols_of_another_build_are_not_believed),
		WITH_TRACE(what_programs_name_does_not_reach_the_terminal_raw),
		WITH_TRACE(wrong_words_are_refused_in_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
