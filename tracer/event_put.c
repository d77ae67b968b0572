/* Events as text and as JSON. */
#include "tracer/event.h"

#include <inttypes.h>

/* Seconds, with a sign and all nine decimals. */
static void print_difference(int64_t ns, FILE *to)
{
	const uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	fprintf(to, "%c%" PRIu64 ".%09" PRIu64, ns < 0 ? '-' : '+', size / 1000000000u,
		size % 1000000000u);
}

/* The results of mmap and brk are addresses. */
static void print_result(int64_t result, FILE *to)
{
	fprintf(to, result > UINT32_MAX ? "0x%" PRIx64 : "%" PRId64, result);
}

void event_print_text(const char *text, FILE *to)
{
	fputc('\'', to);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == '\'' || *c == '\\' || *c >= 0x7f)
			fprintf(to, "\\x%02x", *c);
		else
			fputc(*c, to);
	}
	fputc('\'', to);
}

void event_print(const struct event *event, FILE *to)
{
	for (size_t i = 0; i < event->count; i++) {
		const struct field *field = &event->fields[i];

		fputc(' ', to);
		if (!field->operand)
			fprintf(to, "%s=", field->name);
		switch (field->kind) {
		case FIELD_ADDRESS:
			fprintf(to, "0x%" PRIx64, field->number);
			break;
		case FIELD_NUMBER:
			fprintf(to, "%" PRId64, (int64_t)field->number);
			break;
		case FIELD_RESULT:
			print_result((int64_t)field->number, to);
			break;
		case FIELD_WORD:
			fputs(field->text, to);
			break;
		case FIELD_TEXT:
			event_print_text(field->text, to);
			break;
		case FIELD_DEADLINE:
			print_difference(field->from_now, to);
			break;
		}
	}
}

static void emit_signed(struct emit *emit, const char *name, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	emit_raw(emit, name, text);
}

void event_emit(const struct event *event, struct emit *emit)
{
	char text[32];

	for (size_t i = 0; i < event->count; i++) {
		const struct field *field = &event->fields[i];

		switch (field->kind) {
		case FIELD_ADDRESS:
			snprintf(text, sizeof(text), "0x%" PRIx64, field->number);
			emit_string(emit, field->name, text);
			break;
		case FIELD_NUMBER:
		case FIELD_RESULT:
			emit_signed(emit, field->name, (int64_t)field->number);
			break;
		case FIELD_WORD:
		case FIELD_TEXT:
			emit_string(emit, field->name, field->text);
			break;
		case FIELD_DEADLINE:
			emit_signed(emit, "deadline_ns", (int64_t)field->number);
			emit_signed(emit, "timeout_ns", field->from_now);
			break;
		}
	}
}
