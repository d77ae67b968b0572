/* junit.xml: a test case per cell, for the page that every CI makes of such a file. It is valid by
 * the two schemas that are in use: that of Apache Ant's task (Windy Road's JUnit.xsd), which wants
 * all its elements in their order, and that of Jenkins' xUnit plugin (junit-10.xsd). */
#include "bench/gate/show.h"
#include "bench/gate/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The character that stands for what XML 1.0 cannot hold in any way: control characters, U+FFFE and
 * U+FFFF, and bytes that are no text. */
#define REPLACEMENT "\xef\xbf\xbd"

static bool is_allowed(const char *c, size_t length)
{
	const unsigned char first = (unsigned char)*c;

	if (length == 3 && (memcmp(c, "\xef\xbf\xbe", 3) == 0 || memcmp(c, "\xef\xbf\xbf", 3) == 0))
		return false;
	return length > 0 && (first >= 0x20 || *c == '\t' || *c == '\n' || *c == '\r');
}

/* An attribute would lose its tabs and newlines, and a text its carriage returns. */
static void put_text(FILE *to, const char *text, bool attribute)
{
	while (*text) {
		const size_t length = emit_sequence_length(text);

		if (!is_allowed(text, length))
			fputs(REPLACEMENT, to);
		else if (strchr(attribute ? "&<>\"'\t\n\r" : "&<>\r", *text))
			fprintf(to, "&#%d;", *text);
		else
			fwrite(text, 1, length, to);
		text += length ? length : 1;
	}
}

static void put_property(FILE *to, const char *name, const char *value)
{
	fprintf(to, "\t\t\t<property name=\"%s\" value=\"", name);
	put_text(to, value, true);
	fputs("\"/>\n", to);
}

static void put_properties(const struct gate *gate, FILE *to)
{
	char text[SENTENCE];

	fputs("\t\t<properties>\n", to);
	put_property(to, "verdict", verdict_name(gate->verdict));
	words_side(&gate->side[BASELINE], text);
	put_property(to, "baseline", text);
	words_side(&gate->side[CANDIDATE], text);
	put_property(to, "candidate", text);
	if (gate->injected)
		put_property(to, "injected", gate->injected);
	words_warning(gate, text);
	if (text[0])
		put_property(to, "warning", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)gate->seed);
	put_property(to, "seed", text);
	snprintf(text, sizeof(text), "%.2g", gate_false_alarm(gate));
	put_property(to, "false_alarm", text);
	fputs("\t\t</properties>\n", to);
}

/* Null: the case has passed. What is not decided fails where that was asked for. */
static const char *element_of(const struct gate *gate, enum verdict verdict)
{
	static const char *const elements[] = {
		[VERDICT_SKIPPED] = "skipped",      [VERDICT_PASS] = NULL,
		[VERDICT_INCONCLUSIVE] = "skipped", [VERDICT_NOT_COMPARABLE] = "error",
		[VERDICT_ERROR] = "error",          [VERDICT_FAIL] = "failure",
	};

	if (verdict == VERDICT_INCONCLUSIVE && gate->verdict == verdict &&
	    gate->exit_status == GATE_EXIT_FAIL)
		return "failure";
	return elements[verdict];
}

static void put_case(const char *name, double seconds, const char *element, enum verdict verdict,
		     const char *why, FILE *to)
{
	fputs("\t\t<testcase classname=\"gilscope.gate\" name=\"", to);
	put_text(to, name, true);
	fprintf(to, "\" time=\"%.3f\"", isfinite(seconds) && seconds > 0 ? seconds : 0);
	if (!element) {
		fputs("/>\n", to);
		return;
	}
	fprintf(to, ">\n\t\t\t<%s type=\"%s\" message=\"%s: ", element, verdict_name(verdict),
		verdict_name(verdict));
	put_text(to, why, true);
	fputs("\">", to);
	put_text(to, why, false);
	fprintf(to, "</%s>\n\t\t</testcase>\n", element);
}

/* Failures, errors or skipped ones; a gate without cells is a case by itself. */
static size_t count_of(const struct gate *gate, const char *element)
{
	size_t count = 0;

	for (size_t i = 0; i < gate->count; i++) {
		const char *found = element_of(gate, gate->cells[i].verdict);

		count += found && strcmp(found, element) == 0;
	}
	if (gate->count == 0 && element_of(gate, gate->verdict))
		count += strcmp(element_of(gate, gate->verdict), element) == 0;
	return count;
}

static void put_cases(const struct gate *gate, FILE *to)
{
	char why[SENTENCE];

	if (gate->count == 0) {
		words_headline(gate, why);
		put_case("gate", 0, element_of(gate, gate->verdict), gate->verdict, why, to);
	}
	for (size_t i = 0; i < gate->count; i++) {
		const struct gate_cell *cell = &gate->cells[i];

		words_cell(gate, cell, why);
		put_case(cell->id, cell->spent_ns / 1e9, element_of(gate, cell->verdict),
			 cell->verdict, why, to);
	}
}

/* The table for people; without memory for it there is none. */
static void put_table(const struct gate *gate, FILE *to)
{
	char *text = NULL;
	size_t length;
	FILE *memory = open_memstream(&text, &length);

	if (memory) {
		gate_print(gate, memory);
		fclose(memory);
	}
	fputs("\t\t<system-out>", to);
	put_text(to, text ? text : "", false);
	fputs("</system-out>\n\t\t<system-err/>\n", to);
	free(text);
}

void gate_junit_xml(const void *subject, FILE *to)
{
	const struct gate *gate = subject;
	char started[32];
	struct tm utc;

	gmtime_r(&gate->started, &utc);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%S", &utc);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", to);
	fprintf(to,
		"\t<testsuite name=\"gate\" package=\"gilscope\" id=\"0\" timestamp=\"%s\" "
		"hostname=\"localhost\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
		"skipped=\"%zu\" time=\"%.3f\">\n",
		started, gate->count ? gate->count : 1, count_of(gate, "failure"),
		count_of(gate, "error"), count_of(gate, "skipped"),
		(double)gate->duration_ns / 1e9);
	put_properties(gate, to);
	put_cases(gate, to);
	put_table(gate, to);
	fputs("\t</testsuite>\n</testsuites>\n", to);
}
