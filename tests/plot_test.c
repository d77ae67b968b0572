/* The parts of gilscope plot that have answers: percentiles of a histogram, the words for what is
 * wrong in a file, what is arranged beside what, and escaping. */
#include "base/histogram.h"
#include "bench/stored/findings.h"
#include "plots/arrange.h"
#include "plots/html.h"
#include "bench/stored/percentile.h"
#include "plots/tsv.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELL(id, mode, gil, params, rest) \
	"{'id':'convoy/" id "','workload':'convoy','mode':'" mode "','gil':" gil \
	",'workers':2,'size':30," \
	"'params':{" params "},'checksum':null,'reason':null,'latency':null,'samples':[]," rest \
	"}"
#define OK(relative) \
	"'status':'ok','summary':{'n':6,'median_ns':1000,'ci95':[900,1100],'nvcsw':5," \
	"'nivcsw':null,'counted_ns':null,'counters':{},'relative':" relative "}"
#define HALF "{'to':'x','median':0.5,'ci95':null}"

/* With single quotes for double ones, to be read by people. */
static const char *const parts[] = {
	"{'schema':'gilscope.result/1','partial':false,'partial_reason':null,",
	"'run':{'id':'r','started_utc':'t','duration_ns':1,'order':'o','runs':6,'warmup':1},",
	"'host':{'fingerprint':'f','cpu_model':null,'architecture':null,'cpus_allowed':2,",
	"'governor':null,'virtualization':null,'kernel':null,'libc':null,'distribution':null},",
	"'build':{'version':'v','revision':'r','compiler':'c','buildtype':'b','optimization':'2',",
	"'sanitize':'none'},",
	"'warnings':['w'],'counters':[{'name':'cycles','source':null,'reason':'not here'}],",
	"'cells':[",
	CELL("p/2/cpu=0", "processes", "null", "'cpu':0,'tick-spins':7", OK(HALF)),
	",",
	CELL("g/2", "gil", "'cpython3'", "'cpu':0,'interval':5000000", OK(HALF)),
	",",
	CELL("g/2/interval=100us", "gil", "'cpython3'", "'cpu':0,'interval':100000", OK(HALF)),
	",",
	CELL("s/2/cpu=1", "sequential", "null", "'cpu':1,'tick-spins':8", OK("null")),
	",",
	CELL("t/2", "threads", "null", "", "'status':'missing','summary':null"),
	"]}",
};

static void join_parts(char *document, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		used += (size_t)snprintf(document + used, room - used, "%s", parts[i]);
	assert_true(used < room);
}

static void write_quoted(FILE *to, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fputc(text[i] == '\'' ? '"' : text[i], to);
}

/* Reads the document with the first 'from' replaced by 'to'; an empty 'from': as it is. */
static bool read_with(struct findings *findings, const char *from, const char *to, struct err *err)
{
	char path[] = "/tmp/gilscope-plot-XXXXXX", document[4096];
	FILE *file = fdopen(mkstemp(path), "w");
	const char *at, *behind;
	bool read;

	join_parts(document, sizeof(document));
	at = strstr(document, from);
	assert_non_null(at);
	behind = at + strlen(from);
	assert_non_null(file);
	write_quoted(file, document, (size_t)(at - document));
	write_quoted(file, to, strlen(to));
	write_quoted(file, behind, strlen(behind));
	fclose(file);
	read = findings_read(findings, path, err) && arrange_cells(findings, err);
	unlink(path);
	return read;
}

static void expect_wrong(const char *from, const char *to, const char *words)
{
	struct findings findings;
	struct err err = { 0 };

	assert_false(read_with(&findings, from, to, &err));
	assert_int_equal(err.code, EXIT_MISUSE);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	findings_free(&findings);
}

static void what_is_wrong_in_a_file_is_named_by_its_place(void **state)
{
	(void)state;
	expect_wrong("'median_ns':1000", "'median_ns':'x'",
		     ": cells[0].summary.median_ns is not a number");
	expect_wrong("'median_ns':1000,", "", ": cells[0].summary.median_ns is missing");
	expect_wrong("'median_ns':1000", "'median_ns':0",
		     ": cells[0].summary.median_ns is not above 0");
	expect_wrong("[900,1100]", "[1001,1100]",
		     ": cells[0].summary.ci95 is not two numbers around the median");
	expect_wrong("'workers':2", "'workers':-2",
		     ": cells[0].workers is not a whole number from 0");
	expect_wrong("['w']", "[7]", ": warnings[0] is not a text");
	expect_wrong("'partial':false", "'partial':0", ": partial is neither true nor false");
	expect_wrong("'source':null", "'source':1",
		     ": counters[0].source is neither a text nor null");
}

static void an_unknown_schema_is_named_beside_the_known_one(void **state)
{
	(void)state;
	expect_wrong("gilscope.result/1", "gilscope.result/2",
		     ": its schema is 'gilscope.result/2'; this version knows 'gilscope.result/1'");
}

static void text_that_is_not_json_is_named_by_its_line(void **state)
{
	(void)state;
	expect_wrong("'partial':", "'partial'", ": line 1, column ");
}

static void series_are_ordered_and_keep_the_colours_of_their_names(void **state)
{
	struct findings findings;
	struct err err = { 0 };

	(void)state;
	assert_true(read_with(&findings, "", "", &err));
	assert_int_equal(findings.series_count, 4);
	assert_string_equal(findings.series[0].name, "sequential");
	assert_string_equal(findings.series[1].name, "gil cpython3, interval=5ms");
	assert_string_equal(findings.series[2].name, "gil cpython3, interval=100us");
	assert_string_equal(findings.series[3].name, "processes");
	assert_int_equal(findings.series[0].slot, 1);
	assert_int_equal(findings.series[1].slot, 5);
	assert_int_equal(findings.series[2].slot, 6);
	assert_int_equal(findings.series[3].slot, 3);
	findings_free(&findings);
}

static void options_varied_on_purpose_tell_groups_apart_and_calibration_does_not(void **state)
{
	struct findings findings;
	struct err err = { 0 };

	(void)state;
	assert_true(read_with(&findings, "", "", &err));
	assert_int_equal(findings.group_count, 2);
	assert_string_equal(findings.groups[0].name, "convoy, cpu=0");
	assert_string_equal(findings.groups[1].name, "convoy, cpu=1");
	findings_free(&findings);
}

static void another_runtime_has_groups_of_its_own(void **state)
{
	struct findings findings;
	struct err err = { 0 };

	(void)state;
	assert_true(read_with(&findings, "'workload':'convoy'",
			      "'runtime':'python3','workload':'convoy'", &err));
	assert_int_equal(findings.group_count, 3);
	assert_string_equal(findings.groups[0].name, "python3 convoy");
	assert_string_equal(findings.groups[0].runtime, "python3");
	assert_string_equal(findings.groups[1].name, "convoy, cpu=0");
	assert_null(findings.groups[1].runtime);
	findings_free(&findings);
	assert_true(read_with(&findings, "'workload':'convoy'", "'runtime':'c','workload':'convoy'",
			      &err));
	assert_int_equal(findings.group_count, 2);
	assert_null(findings.cells[0].runtime);
	findings_free(&findings);
	expect_wrong("'workload':'convoy'", "'runtime':7,'workload':'convoy'",
		     ": cells[0].runtime is not a text");
}

static void a_failed_cell_is_in_no_chart(void **state)
{
	struct findings findings;
	struct err err = { 0 };

	(void)state;
	assert_true(read_with(&findings, "'status':'ok'", "'status':'failed'", &err));
	assert_null(arranged_series(&findings, "processes", NULL));
	assert_null(arranged_cell(&findings, 0, 0, 2));
	findings_free(&findings);
}

static void what_is_not_known_is_not_a_number(void **state)
{
	struct findings findings;
	struct err err = { 0 };

	(void)state;
	assert_true(read_with(&findings, "", "", &err));
	assert_true(isnan(findings.cells[0].involuntary_per_s));
	assert_true(isnan(findings.cells[0].futex_per_s));
	assert_true(isnan(findings.cells[0].relative.low));
	assert_true(isnan(findings.cells[0].interval_ns));
	assert_true(findings.cells[1].interval_ns == 5e6);
	assert_true(findings.cells[0].voluntary_per_s == 5e6);
	findings_free(&findings);
}

/* The values 1 to 100, each once; below 2^10 a bucket is a value. */
static struct tally hundred(struct bucket *buckets)
{
	for (size_t i = 0; i < 100; i++)
		buckets[i] = (struct bucket){ .bucket = i + 1, .count = 1 };
	return (struct tally){ .buckets = buckets, .count = 100, .n = 100, .min = 1, .max = 100 };
}

static void a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(void **state)
{
	struct bucket buckets[100];
	const struct tally tally = hundred(buckets);

	(void)state;
	assert_int_equal(percentile_at(&tally, 0), 1);
	assert_int_equal(percentile_at(&tally, 0.5), 50);
	assert_int_equal(percentile_at(&tally, 0.501), 51);
	assert_int_equal(percentile_at(&tally, 1), 100);
}

static void no_point_lies_beyond_what_the_number_of_values_supports(void **state)
{
	struct bucket buckets[100];
	const struct tally tally = hundred(buckets);
	struct percentile curve[200];
	const size_t count = percentile_curve(&tally, curve, 200);

	(void)state;
	assert_true(count > 50);
	assert_true(curve[count - 1].p <= 1 - 1.0 / 100);
	assert_int_equal(curve[count - 1].value, 99);
	for (size_t i = 1; i < count; i++)
		assert_true(curve[i].p > curve[i - 1].p);
}

static void a_curve_says_the_same_as_single_percentiles(void **state)
{
	struct bucket buckets[100];
	const struct tally tally = hundred(buckets);
	struct percentile curve[200];
	const size_t count = percentile_curve(&tally, curve, 200);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(curve[i].value, percentile_at(&tally, curve[i].p - 1e-9));
}

static void a_curve_of_many_buckets_keeps_to_its_room_and_its_end(void **state)
{
	struct bucket buckets[100];
	const struct tally tally = hundred(buckets);
	struct percentile curve[10];
	const size_t count = percentile_curve(&tally, curve, 10);

	(void)state;
	assert_in_range(count, 5, 10);
	assert_int_equal(curve[count - 1].value, 99);
}

static void values_in_one_bucket_lie_between_their_minimum_and_maximum(void **state)
{
	struct bucket one = { .bucket = histogram_bucket(1000000), .count = 50 };
	const struct tally tally = { &one, 1, 50, 1000000, 1000001 };
	struct percentile curve[8];

	(void)state;
	assert_int_equal(percentile_curve(&tally, curve, 8), 1);
	assert_int_equal(curve[0].value, 1000001);
	assert_true(fabs(curve[0].p - 0.98) < 1e-12);
}

static void one_value_has_no_curve(void **state)
{
	struct bucket one = { .bucket = 5, .count = 1 };
	const struct tally tally = { &one, 1, 1, 5, 5 };
	struct percentile curve[8];

	(void)state;
	assert_int_equal(percentile_curve(&tally, curve, 8), 0);
}

static void text_of_a_file_cannot_become_markup(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	html_text(to, "<b a=\"x\" b='y'>&amp;");
	fclose(to);
	assert_string_equal(text, "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
	free(text);
}

static void base64_pads_one_and_two_bytes(void **state)
{
	static const char *const words[][2] = {
		{ "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *to = open_memstream(&text, &size);

		html_base64(to, (const unsigned char *)words[i][0], strlen(words[i][0]));
		fclose(to);
		assert_string_equal(text, words[i][1]);
		free(text);
	}
}

static void a_field_cannot_end_its_row_or_open_a_quote(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct tsv row = { .to = to };

	(void)state;
	tsv_text(&row, "a\tb\n\"c");
	tsv_number(&row, NAN);
	tsv_number(&row, 0.5);
	tsv_count(&row, 7);
	tsv_end(&row);
	fclose(to);
	assert_string_equal(text, "a b  c\tNaN\t0.5\t7\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_in_a_file_is_named_by_its_place),
		cmocka_unit_test(an_unknown_schema_is_named_beside_the_known_one),
		cmocka_unit_test(text_that_is_not_json_is_named_by_its_line),
		cmocka_unit_test(series_are_ordered_and_keep_the_colours_of_their_names),
		cmocka_unit_test(
			options_varied_on_purpose_tell_groups_apart_and_calibration_does_not),
		cmocka_unit_test(another_runtime_has_groups_of_its_own),
		cmocka_unit_test(a_failed_cell_is_in_no_chart),
		cmocka_unit_test(what_is_not_known_is_not_a_number),
		cmocka_unit_test(a_percentile_is_the_smallest_value_that_the_share_does_not_exceed),
		cmocka_unit_test(no_point_lies_beyond_what_the_number_of_values_supports),
		cmocka_unit_test(a_curve_says_the_same_as_single_percentiles),
		cmocka_unit_test(a_curve_of_many_buckets_keeps_to_its_room_and_its_end),
		cmocka_unit_test(values_in_one_bucket_lie_between_their_minimum_and_maximum),
		cmocka_unit_test(one_value_has_no_curve),
		cmocka_unit_test(text_of_a_file_cannot_become_markup),
		cmocka_unit_test(base64_pads_one_and_two_bytes),
		cmocka_unit_test(a_field_cannot_end_its_row_or_open_a_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
