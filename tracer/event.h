/* An event's operand and ARGs as named values, for people and for JSON. */
#ifndef TRACER_EVENT_H
#define TRACER_EVENT_H

#include "base/emit.h"
#include "tracer/trace.h"

#include <stdio.h>

enum field_kind {
	FIELD_ADDRESS,
	FIELD_NUMBER,   /* signed */
	FIELD_RESULT,   /* signed; what does not fit in 32 bits may be an address */
	FIELD_WORD,     /* 'text' */
	FIELD_TEXT,     /* 'text', of the program's making: it may hold any byte */
	FIELD_DEADLINE, /* absolute; 'from_now' nanoseconds from the record's time */
};

#define EVENT_TEXT_MAX 4097

struct field {
	const char *name;
	enum field_kind kind;
	bool operand; /* named by the kind */
	uint64_t number;
	int64_t from_now;
	const char *text;
};

#define EVENT_FIELDS_MAX 10

struct event {
	size_t count;
	struct field fields[EVENT_FIELDS_MAX];
	char text[EVENT_TEXT_MAX], bits[64], id[520]; /* where fields point to */
};

/* 'args' ARG records follow the record. A detail of 0 that means success or nothing is no field. */
void event_read(struct event *event, const struct trace *trace, const struct record *record,
		size_t args);
/* " 0x1234 errno=EBUSY name='it\x27s'": an operand has no name. */
void event_print(const struct event *event, FILE *to);
/* A member per field. Addresses are strings, "0x1234"; times are nanoseconds. */
void event_emit(const struct event *event, struct emit *emit);
/* Text in single quotes; what could move a terminal's cursor is escaped. */
void event_print_text(const char *text, FILE *to);

#endif
