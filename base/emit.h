/* Writes strict JSON: no NaN, no trailing comma, no locale, 64-bit integers exact. Reading is
 * jansson's. Errors of the stream stay in it: ferror tells at the end. */
#ifndef BASE_EMIT_H
#define BASE_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct emit {
	FILE *to;
	unsigned depth;
	bool pretty; /* a line per member down to depth 4, else all on one line */
	bool first;  /* nothing written yet on this level */
};

void emit_start(struct emit *emit, FILE *to, bool pretty);
/* The bracket is '{' or '['; the name is null in arrays. */
void emit_open(struct emit *emit, const char *name, char bracket);
void emit_close(struct emit *emit, char bracket);
/* A null name writes an array's element. A null string writes null. */
void emit_string(struct emit *emit, const char *name, const char *value);
void emit_u64(struct emit *emit, const char *name, uint64_t value);
void emit_i64(struct emit *emit, const char *name, int64_t value);
void emit_double(struct emit *emit, const char *name, double value); /* not finite: null */
void emit_bool(struct emit *emit, const char *name, bool value);
void emit_null(struct emit *emit, const char *name);
/* Text that is JSON already, such as a workload's own object. */
void emit_raw(struct emit *emit, const char *name, const char *value);
/* The length of the UTF-8 sequence that begins here, 0 when it is none (RFC 3629: no overlong
 * forms, no surrogates, nothing above U+10FFFF). */
size_t emit_sequence_length(const char *text);

#endif
