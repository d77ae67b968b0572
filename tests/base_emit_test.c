/* The JSON writer, read back by jansson, which is strict. */
#include "base/emit.h"

#include "tests/test.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t length;
static FILE *stream;
static struct emit emit;

static void start(bool pretty)
{
	stream = open_memstream(&text, &length);
	assert_non_null(stream);
	emit_start(&emit, stream, pretty);
}

/* What was written, parsed; the caller owns it. */
static json_t *parsed(void)
{
	json_error_t error;
	json_t *root;

	fclose(stream);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s at %d: %s", error.text, error.position, text);
	free(text);
	return root;
}

static void write_sample(bool pretty)
{
	start(pretty);
	emit_open(&emit, NULL, '{');
	emit_u64(&emit, "largest", INT64_MAX); /* jansson takes no larger one */
	emit_double(&emit, "half", 0.5);
	emit_bool(&emit, "yes", true);
	emit_null(&emit, "nothing");
	emit_string(&emit, "no text", NULL);
	emit_raw(&emit, "raw", "[1,2]");
	emit_open(&emit, "empty", '[');
	emit_close(&emit, ']');
	emit_open(&emit, "a", '[');
	for (int i = 0; i < 6; i++)
		emit_open(&emit, NULL, '[');
	emit_u64(&emit, NULL, 1);
	emit_u64(&emit, NULL, 2);
	for (int i = 0; i < 6; i++)
		emit_close(&emit, ']');
	emit_open(&emit, NULL, '{');
	emit_close(&emit, '}');
	emit_close(&emit, ']');
	emit_close(&emit, '}');
}

static void nested_values_come_back_plain_and_pretty(void **state)
{
	json_t *plain, *pretty;

	(void)state;
	write_sample(false);
	plain = parsed();
	write_sample(true);
	pretty = parsed();
	assert_true(json_equal(plain, pretty));
	assert_true(json_integer_value(json_object_get(plain, "largest")) == INT64_MAX);
	assert_float_equal(json_real_value(json_object_get(plain, "half")), 0.5, 0);
	assert_true(json_is_true(json_object_get(plain, "yes")));
	assert_true(json_is_null(json_object_get(plain, "nothing")));
	assert_true(json_is_null(json_object_get(plain, "no text")));
	assert_int_equal(json_array_size(json_object_get(plain, "raw")), 2);
	assert_int_equal(json_array_size(json_object_get(plain, "a")), 2);
	json_decref(plain);
	json_decref(pretty);
}

static void plain_output_is_one_line(void **state)
{
	(void)state;
	write_sample(false);
	fclose(stream);
	assert_ptr_equal(strchr(text, '\n'), text + length - 1);
	free(text);
}

static void bytes_that_are_no_text_become_the_replacement_character(void **state)
{
	/* A lone continuation, an overlong slash, a surrogate, a cut sequence, above U+10FFFF. */
	static const char *const bad[] = { "\x80",     "\xc0\xaf",         "\xed\xa0\x80",
					   "\xe2\x82", "\xf4\x90\x80\x80", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char word[16];
		json_t *root;

		snprintf(word, sizeof(word), "a%sb", bad[i]);
		start(false);
		emit_open(&emit, NULL, '{');
		emit_string(&emit, "good", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
		emit_string(&emit, "bad", word);
		emit_close(&emit, '}');
		root = parsed();
		assert_string_equal(json_string_value(json_object_get(root, "good")),
				    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
		assert_memory_equal(json_string_value(json_object_get(root, "bad")),
				    "a\xef\xbf\xbd", 4);
		json_decref(root);
	}
}

static void integers_of_64_bits_are_exact(void **state)
{
	(void)state;
	start(false);
	emit_open(&emit, NULL, '[');
	emit_u64(&emit, NULL, UINT64_MAX);
	emit_u64(&emit, NULL, (UINT64_C(1) << 53) + 1);
	emit_u64(&emit, NULL, 0);
	emit_i64(&emit, NULL, INT64_MIN);
	emit_close(&emit, ']');
	fclose(stream);
	assert_string_equal(text,
			    "[18446744073709551615,9007199254740993,0,-9223372036854775808]\n");
	free(text);
}

static void what_is_no_finite_number_is_null(void **state)
{
	json_t *root;

	(void)state;
	start(false);
	emit_open(&emit, NULL, '[');
	emit_double(&emit, NULL, NAN);
	emit_double(&emit, NULL, INFINITY);
	emit_double(&emit, NULL, -INFINITY);
	emit_close(&emit, ']');
	root = parsed();
	assert_int_equal(json_array_size(root), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(json_is_null(json_array_get(root, i)));
	json_decref(root);
}

static void doubles_of_all_sizes_come_back(void **state)
{
	static const double values[] = { 0, -0.0, 1e-300, -2.5e300, 123456789012, 0.1, 5e-324 };
	json_t *root;

	(void)state;
	start(false);
	emit_open(&emit, NULL, '[');
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		emit_double(&emit, NULL, values[i]);
	emit_close(&emit, ']');
	root = parsed();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const double got = json_number_value(json_array_get(root, i));

		assert_true(fabs(got - values[i]) <= fabs(values[i]) * 1e-11);
	}
	json_decref(root);
}

static void every_character_of_a_text_comes_back(void **state)
{
	char all[130] = "", name[] = "na\"me\\\n";
	json_t *root;

	(void)state;
	for (int c = 1; c < 128; c++)
		all[c - 1] = (char)c;
	start(false);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, name, all);
	emit_string(&emit, "umlaut", "\xc3\xa4\xe2\x82\xac");
	emit_close(&emit, '}');
	root = parsed();
	assert_string_equal(json_string_value(json_object_get(root, name)), all);
	assert_string_equal(json_string_value(json_object_get(root, "umlaut")),
			    "\xc3\xa4\xe2\x82\xac");
	json_decref(root);
}

static void a_full_disk_is_seen_at_the_end(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full) {
		print_message("# no /dev/full here\n");
		return;
	}
	emit_start(&emit, full, false);
	emit_open(&emit, NULL, '{');
	emit_close(&emit, '}');
	assert_int_not_equal(fflush(full), 0);
	assert_true(ferror(full));
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_values_come_back_plain_and_pretty),
		cmocka_unit_test(plain_output_is_one_line),
		cmocka_unit_test(bytes_that_are_no_text_become_the_replacement_character),
		cmocka_unit_test(integers_of_64_bits_are_exact),
		cmocka_unit_test(what_is_no_finite_number_is_null),
		cmocka_unit_test(doubles_of_all_sizes_come_back),
		cmocka_unit_test(every_character_of_a_text_comes_back),
		cmocka_unit_test(a_full_disk_is_seen_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
