/* Writes strict JSON: no NaN, no trailing comma, no locale, 64-bit integers exact. Reading is
 * jansson's. Errors of the stream stay in it: ferror tells at the end. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *to;
	unsigned depth;
	bool pretty; /* a line per member down to depth 3, else all on one line */
	bool first;  /* nothing written yet on this level */
};

void json_start(struct json *json, FILE *to, bool pretty);
/* The bracket is '{' or '['; the name is null in arrays. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
/* A null name writes an array's element. A null string writes null. */
void json_string(struct json *json, const char *name, const char *value);
void json_u64(struct json *json, const char *name, uint64_t value);
void json_double(struct json *json, const char *name, double value); /* not finite: null */
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* Text that is JSON already, such as a workload's own object. */
void json_raw(struct json *json, const char *name, const char *value);

#endif
