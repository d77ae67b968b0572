/* The JSON writer. */
#include "base/emit.h"

#include <math.h>
#include <string.h>

/* Deeper than this a value stays on its line: a sample is one line, a file of
 * samples can be read. */
#define PRETTY_DEPTH 4

void emit_start(struct emit *emit, FILE *to, bool pretty)
{
	*emit = (struct emit){ .to = to, .pretty = pretty, .first = true };
}

size_t emit_sequence_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	const size_t length = c[0] < 0x80 ? 1 : c[0] >> 5 == 6 ? 2 : c[0] >> 4 == 14 ? 3 : 4;

	if (length == 1)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (c[i] >> 6 != 2)
			return 0;
	}
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return length;
}

/* Bytes that are no text, as a file name may have them, become the replacement character. */
static void put_text(FILE *to, const char *text)
{
	const char *c = text;

	fputc('"', to);
	while (*c) {
		const size_t length = emit_sequence_length(c);

		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			fprintf(to, "\\u%04x", (unsigned)*c);
		else if (length > 0)
			fwrite(c, 1, length, to);
		else
			fputs("\\ufffd", to);
		c += length ? length : 1;
	}
	fputc('"', to);
}

static void new_line(struct emit *emit)
{
	if (!emit->pretty || emit->depth > PRETTY_DEPTH)
		return;
	fputc('\n', emit->to);
	for (unsigned i = 0; i < emit->depth; i++)
		fputc('\t', emit->to);
}

static void begin(struct emit *emit, const char *name)
{
	if (!emit->first)
		fputs(emit->pretty && emit->depth > PRETTY_DEPTH ? ", " : ",", emit->to);
	if (emit->depth > 0)
		new_line(emit);
	emit->first = false;
	if (name) {
		put_text(emit->to, name);
		fputs(emit->pretty ? ": " : ":", emit->to);
	}
}

void emit_open(struct emit *emit, const char *name, char bracket)
{
	begin(emit, name);
	fputc(bracket, emit->to);
	emit->depth++;
	emit->first = true;
}

void emit_close(struct emit *emit, char bracket)
{
	emit->depth--;
	if (!emit->first && emit->depth + 1 <= PRETTY_DEPTH)
		new_line(emit);
	fputc(bracket, emit->to);
	emit->first = false;
	if (emit->depth == 0)
		fputc('\n', emit->to);
}

void emit_string(struct emit *emit, const char *name, const char *value)
{
	begin(emit, name);
	if (value)
		put_text(emit->to, value);
	else
		fputs("null", emit->to);
}

void emit_u64(struct emit *emit, const char *name, uint64_t value)
{
	begin(emit, name);
	fprintf(emit->to, "%llu", (unsigned long long)value);
}

void emit_i64(struct emit *emit, const char *name, int64_t value)
{
	begin(emit, name);
	fprintf(emit->to, "%lld", (long long)value);
}

void emit_double(struct emit *emit, const char *name, double value)
{
	char text[40];

	begin(emit, name);
	if (!isfinite(value)) {
		fputs("null", emit->to);
		return;
	}
	snprintf(text, sizeof(text), "%.12g", value);
	/* A locale may have a comma; JSON has none. */
	for (char *c = text; *c; c++)
		*c = *c == ',' ? '.' : *c;
	fputs(text, emit->to);
}

void emit_bool(struct emit *emit, const char *name, bool value)
{
	begin(emit, name);
	fputs(value ? "true" : "false", emit->to);
}

void emit_null(struct emit *emit, const char *name)
{
	begin(emit, name);
	fputs("null", emit->to);
}

void emit_raw(struct emit *emit, const char *name, const char *value)
{
	begin(emit, name);
	fputs(value, emit->to);
}
