/* The checks of single values, and the names of their places. */
#include "bench/stored/read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct place read_member(const struct place *in, const char *name)
{
	return (struct place){
		.in = in,
		.name = name,
		.value = json_object_get(in->value, name),
		.file = in->file,
	};
}

struct place read_element(const struct place *in, size_t index)
{
	return (struct place){
		.in = in,
		.index = index,
		.value = json_array_get(in->value, index),
		.file = in->file,
	};
}

/* "cells[3].summary.median_ns"; a place has at most 6 parents. */
static size_t name_place(const struct place *at, char *to, size_t room)
{
	size_t used;
	int more;

	if (!at->in)
		return 0;
	used = name_place(at->in, to, room);
	if (at->name)
		more = snprintf(to + used, room - used, "%s%s", used ? "." : "", at->name);
	else
		more = snprintf(to + used, room - used, "[%zu]", at->index);
	used += (size_t)more;
	return used < room ? used : room - 1;
}

bool read_wrong(const struct place *at, const char *what, struct err *err)
{
	char name[160] = "the whole";

	name_place(at, name, sizeof(name));
	return err_set(err, EXIT_MISUSE, "cannot read '%s': %s %s", at->file, name, what);
}

static bool check(const struct place *at, bool right, const char *wrong, struct err *err)
{
	if (!at->value)
		return read_wrong(at, "is missing", err);
	return right || read_wrong(at, wrong, err);
}

/* Sets *null and tells whether the rest of a reader has nothing left to do. */
static bool is_null(const struct place *at, bool *null)
{
	if (null)
		*null = json_is_null(at->value);
	return null && *null;
}

bool read_object(const struct place *at, bool *null, struct err *err)
{
	return is_null(at, null) || check(at, json_is_object(at->value), "is not an object", err);
}

bool read_array(const struct place *at, bool *null, struct err *err)
{
	return is_null(at, null) || check(at, json_is_array(at->value), "is not an array", err);
}

bool read_text(const struct place *in, const char *name, const char **to, struct err *err)
{
	const struct place at = read_member(in, name);

	*to = json_string_value(at.value);
	return check(&at, *to != NULL, "is not a text", err);
}

bool read_text_or_null(const struct place *in, const char *name, const char **to, struct err *err)
{
	const struct place at = read_member(in, name);

	*to = json_string_value(at.value);
	return check(&at, *to || json_is_null(at.value), "is neither a text nor null", err);
}

bool read_bool(const struct place *in, const char *name, bool *to, struct err *err)
{
	const struct place at = read_member(in, name);

	*to = json_is_true(at.value);
	return check(&at, json_is_boolean(at.value), "is neither true nor false", err);
}

bool read_count(const struct place *in, const char *name, uint64_t *to, struct err *err)
{
	const struct place at = read_member(in, name);
	const json_int_t value = json_integer_value(at.value);

	*to = value < 0 ? 0 : (uint64_t)value;
	return check(&at, json_is_integer(at.value) && value >= 0, "is not a whole number from 0",
		     err);
}

bool read_number(const struct place *in, const char *name, double *to, struct err *err)
{
	const struct place at = read_member(in, name);

	*to = json_number_value(at.value);
	return check(&at, json_is_number(at.value), "is not a number", err);
}

bool read_number_or_null(const struct place *in, const char *name, double *to, struct err *err)
{
	const struct place at = read_member(in, name);

	*to = json_is_number(at.value) ? json_number_value(at.value) : NAN;
	return check(&at, json_is_number(at.value) || json_is_null(at.value),
		     "is neither a number nor null", err);
}
