/* The JSON writer. */
#include "base/json.h"

#include <math.h>
#include <string.h>

/* Deeper than this a value stays on its line: a sample is one line, a file of
 * samples can be read. */
#define PRETTY_DEPTH 4

void json_start(struct json *json, FILE *to, bool pretty)
{
	*json = (struct json){ .to = to, .pretty = pretty, .first = true };
}

static void put_text(FILE *to, const char *text)
{
	fputc('"', to);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7f)
			fprintf(to, "\\u%04x", *c);
		else
			fputc(*c, to);
	}
	fputc('"', to);
}

static void new_line(struct json *json)
{
	if (!json->pretty || json->depth > PRETTY_DEPTH)
		return;
	fputc('\n', json->to);
	for (unsigned i = 0; i < json->depth; i++)
		fputc('\t', json->to);
}

static void begin(struct json *json, const char *name)
{
	if (!json->first)
		fputs(json->pretty && json->depth > PRETTY_DEPTH ? ", " : ",", json->to);
	if (json->depth > 0)
		new_line(json);
	json->first = false;
	if (name) {
		put_text(json->to, name);
		fputs(json->pretty ? ": " : ":", json->to);
	}
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin(json, name);
	fputc(bracket, json->to);
	json->depth++;
	json->first = true;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->first && json->depth + 1 <= PRETTY_DEPTH)
		new_line(json);
	fputc(bracket, json->to);
	json->first = false;
	if (json->depth == 0)
		fputc('\n', json->to);
}

void json_string(struct json *json, const char *name, const char *value)
{
	begin(json, name);
	if (value)
		put_text(json->to, value);
	else
		fputs("null", json->to);
}

void json_u64(struct json *json, const char *name, uint64_t value)
{
	begin(json, name);
	fprintf(json->to, "%llu", (unsigned long long)value);
}

void json_double(struct json *json, const char *name, double value)
{
	char text[40];

	begin(json, name);
	if (!isfinite(value)) {
		fputs("null", json->to);
		return;
	}
	snprintf(text, sizeof(text), "%.12g", value);
	/* A locale may have a comma; JSON has none. */
	for (char *c = text; *c; c++)
		*c = *c == ',' ? '.' : *c;
	fputs(text, json->to);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	fputs(value ? "true" : "false", json->to);
}

void json_null(struct json *json, const char *name)
{
	begin(json, name);
	fputs("null", json->to);
}

void json_raw(struct json *json, const char *name, const char *value)
{
	begin(json, name);
	fputs(value, json->to);
}
