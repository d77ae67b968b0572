/* Options from rows: what is read, what is refused, and in which words. */
#include "base/param.h"

#include "tests/test.h"

#include <string.h>

static const char *const colours[] = { "red", "green", NULL };

static const struct param rows[] = {
	{ .name = "size", .kind = PARAM_NUMBER, .fallback = "2k", .low = 1, .high = UINT64_MAX },
	{ .name = "workers", .kind = PARAM_NUMBER, .low = 1, .high = 1024, .value = "N" },
	{ .name = "interval",
	  .kind = PARAM_TIME,
	  .fallback = "5ms",
	  .low = 1000,
	  .high = 2000000000 },
	{ .name = "colour", .kind = PARAM_CHOICE, .fallback = "red", .choices = colours },
	{ .name = "json", .kind = PARAM_FLAG },
	{ .name = "output", .kind = PARAM_TEXT, .value = "DIR" },
	{ 0 },
};

static struct param_set set;
static struct err err;
static int next;

/* Parses a line's words from fresh defaults. */
static bool parse(const char *line)
{
	static char program[] = "program", words[8000];
	char *argv[10] = { program };
	int argc = 1;

	assert_true(strlen(line) < sizeof(words));
	memcpy(words, line, strlen(line) + 1);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	set.count = 0;
	err = (struct err){ 0 };
	param_set_add(&set, rows);
	return param_set_parse(&set, argc, argv, &next, &err);
}

static void assert_refused(const char *name, const char *text, const char *why)
{
	err = (struct err){ 0 };
	assert_false(param_set_text(&set, name, text, &err));
	assert_string_equal(err.text, why);
	assert_int_equal(err.code, EXIT_MISUSE);
}

static uint64_t number_of(const char *name, const char *text)
{
	assert_true(param_set_text(&set, name, text, &err));
	return param_number(&set, name);
}

static void an_option_that_is_given_again_keeps_all_its_texts_and_the_last_one_counts(void **state)
{
	const struct param_value *value;

	(void)state;
	assert_true(parse("--output a --workers 2 --output=b"));
	value = param_get(&set, "output");
	assert_string_equal(value->text, "b");
	assert_int_equal(value->times, 2);
	assert_string_equal(value->texts[0], "a");
	assert_string_equal(value->texts[1], "b");
	assert_int_equal(param_get(&set, "size")->times, 0);
	for (size_t i = value->times; i < PARAM_TIMES; i++)
		assert_true(param_set_text(&set, "output", "c", &err));
	assert_refused("output", "d", "--output is given more than 16 times");
}

static void defaults_are_there_and_are_not_given(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_int_equal(param_number(&set, "size"), 2000);
	assert_int_equal(param_number(&set, "interval"), 5000000);
	assert_int_equal(param_number(&set, "colour"), 0);
	assert_string_equal(param_text(&set, "colour"), "red");
	assert_int_equal(param_number(&set, "json"), 0);
	assert_null(param_text(&set, "output"));
	assert_false(param_get(&set, "size")->given);
}

static void a_value_follows_its_option_or_an_equals_sign(void **state)
{
	(void)state;
	assert_true(parse("--size 7 --workers=3 --json --colour=green"));
	assert_int_equal(param_number(&set, "size"), 7);
	assert_int_equal(param_number(&set, "workers"), 3);
	assert_int_equal(param_number(&set, "colour"), 1);
	assert_int_equal(param_number(&set, "json"), 1);
	assert_true(param_get(&set, "size")->given);
	assert_int_equal(next, 6);
}

static void a_value_may_be_empty_or_look_like_an_option(void **state)
{
	(void)state;
	assert_true(parse("--output="));
	assert_string_equal(param_text(&set, "output"), "");
	assert_true(parse("--output --json"));
	assert_string_equal(param_text(&set, "output"), "--json");
	assert_int_equal(param_number(&set, "json"), 0);
	assert_true(parse("--output=a=b"));
	assert_string_equal(param_text(&set, "output"), "a=b");
}

static void o_is_short_for_output(void **state)
{
	(void)state;
	assert_true(parse("-o there"));
	assert_string_equal(param_text(&set, "output"), "there");
}

static void parsing_stops_at_two_dashes_and_at_the_first_word(void **state)
{
	(void)state;
	assert_true(parse("--json -- --size"));
	assert_int_equal(next, 3);
	assert_true(parse("--json word --size"));
	assert_int_equal(next, 2);
	assert_true(parse("-"));
	assert_int_equal(next, 1);
}

static void the_last_of_two_counts(void **state)
{
	(void)state;
	assert_true(parse("--size 7 --size 8"));
	assert_int_equal(param_number(&set, "size"), 8);
}

static void numbers_have_units_of_a_thousand(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_int_equal(number_of("size", "20M"), 20000000);
	assert_int_equal(number_of("size", "3k"), 3000);
	assert_int_equal(number_of("size", "2G"), 2000000000);
	assert_int_equal(number_of("size", "1.5k"), 1500);
	assert_int_equal(number_of("size", "0.25M"), 250000);
	assert_int_equal(number_of("size", "007"), 7);
	assert_int_equal(number_of("size", "18446744073709551615"), UINT64_MAX);
}

static void times_are_nanoseconds_and_have_units(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_int_equal(number_of("interval", "1000"), 1000);
	assert_int_equal(number_of("interval", "1000ns"), 1000);
	assert_int_equal(number_of("interval", "2.5us"), 2500);
	assert_int_equal(number_of("interval", "0.1ms"), 100000);
	assert_int_equal(number_of("interval", "2s"), 2000000000);
}

static void what_is_no_number_is_refused_with_the_range(void **state)
{
	static const char *const texts[] = { "two", "",     "-1", "+1",  " 1",   "1x",
					     "1 k", "0x10", "1K", "1.2", "1..2", "1e3",
					     "nan", "1k k", ".5", "5ms" };

	(void)state;
	assert_true(parse(""));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char why[100];

		snprintf(why, sizeof(why), "--workers '%s' is not a number; give 1 to 1024",
			 texts[i]);
		assert_refused("workers", texts[i], why);
	}
	assert_refused("interval", "5m", "--interval '5m' is not a time; give 1us to 2s");
	assert_false(param_get(&set, "workers")->given);
}

static void numbers_beyond_64_bits_are_refused(void **state)
{
	static const char *const texts[] = { "18446744073709551616", "18446744073709552k",
					     "18446744073709551615.5k", "99999999999999999999G" };

	(void)state;
	assert_true(parse(""));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(param_set_text(&set, "size", texts[i], NULL));
	assert_int_equal(param_number(&set, "size"), 2000);
}

static void both_ends_of_a_range_are_in_it(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_int_equal(number_of("workers", "1"), 1);
	assert_int_equal(number_of("workers", "1024"), 1024);
	assert_refused("workers", "0", "--workers '0' is out of range; give 1 to 1024");
	assert_refused("workers", "1025", "--workers '1025' is out of range; give 1 to 1024");
	assert_int_equal(number_of("interval", "1us"), 1000);
	assert_refused("interval", "999", "--interval '999' is out of range; give 1us to 2s");
	assert_refused("interval", "3s", "--interval '3s' is out of range; give 1us to 2s");
}

static void an_unknown_choice_is_answered_with_the_nearest_or_with_all(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_refused("colour", "gren", "unknown --colour 'gren'; did you mean 'green'?");
	assert_refused("colour", "ultramarine",
		       "unknown --colour 'ultramarine'; give red or green");
	assert_refused("colour", "Red", "unknown --colour 'Red'; did you mean 'red'?");
}

static void an_unknown_option_is_answered_with_the_nearest(void **state)
{
	(void)state;
	assert_false(parse("--worker 3"));
	assert_string_equal(err.text, "unknown option '--worker'; did you mean '--workers'?");
	assert_false(parse("--sise=3"));
	assert_string_equal(err.text, "unknown option '--sise'; did you mean '--size'?");
	assert_false(parse("--something-else"));
	assert_string_equal(err.text, "unknown option '--something-else'; --help lists them");
	assert_false(parse("-x"));
	assert_string_equal(err.text, "unknown option '-x'; --help lists them");
	assert_int_equal(err.code, EXIT_MISUSE);
}

static void an_absurdly_long_word_is_refused_and_not_overrun(void **state)
{
	char word[5000];

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_true(parse(""));
	assert_false(param_set_text(&set, word, "1", &err));
	assert_false(param_set_text(&set, "colour", word, &err));
	assert_false(param_set_text(&set, "size", word, &err));
	word[0] = word[1] = '-';
	assert_false(parse(word));
}

static void a_missing_value_is_named(void **state)
{
	(void)state;
	assert_false(parse("--workers"));
	assert_string_equal(err.text, "--workers needs a value: --workers N");
}

static void a_flag_takes_no_value(void **state)
{
	(void)state;
	assert_false(parse("--json=1"));
	assert_string_equal(err.text, "--json takes no value");
}

static void an_error_may_be_dropped(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_false(param_set_text(&set, "workers", "two", NULL));
	assert_false(param_unknown("thing", "x", NULL, 0, NULL));
}

static void an_error_may_quote_itself(void **state)
{
	(void)state;
	err_set(&err, EXIT_FAILED, "inner");
	assert_false(err_set(&err, EXIT_IMPOSSIBLE, "outer: %s", err.text));
	assert_string_equal(err.text, "outer: inner");
	assert_int_equal(err.code, EXIT_IMPOSSIBLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_option_that_is_given_again_keeps_all_its_texts_and_the_last_one_counts),
		cmocka_unit_test(defaults_are_there_and_are_not_given),
		cmocka_unit_test(a_value_follows_its_option_or_an_equals_sign),
		cmocka_unit_test(a_value_may_be_empty_or_look_like_an_option),
		cmocka_unit_test(o_is_short_for_output),
		cmocka_unit_test(parsing_stops_at_two_dashes_and_at_the_first_word),
		cmocka_unit_test(the_last_of_two_counts),
		cmocka_unit_test(numbers_have_units_of_a_thousand),
		cmocka_unit_test(times_are_nanoseconds_and_have_units),
		cmocka_unit_test(what_is_no_number_is_refused_with_the_range),
		cmocka_unit_test(numbers_beyond_64_bits_are_refused),
		cmocka_unit_test(both_ends_of_a_range_are_in_it),
		cmocka_unit_test(an_unknown_choice_is_answered_with_the_nearest_or_with_all),
		cmocka_unit_test(an_unknown_option_is_answered_with_the_nearest),
		cmocka_unit_test(an_absurdly_long_word_is_refused_and_not_overrun),
		cmocka_unit_test(a_missing_value_is_named),
		cmocka_unit_test(a_flag_takes_no_value),
		cmocka_unit_test(an_error_may_be_dropped),
		cmocka_unit_test(an_error_may_quote_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
