/* Parses options from rows. One parser serves the commands, the workloads and the lock models, so
 * that a mistake is answered in the same words everywhere. */
#include "base/param.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit number_units[] = {
	{ "", 1 }, { "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, { NULL, 0 },
};
static const struct unit time_units[] = {
	{ "", 1 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { NULL, 0 },
};

/* The distance of Levenshtein, with a bound on the length that names have here. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	const size_t width = strlen(b);

	if (width + 1 > sizeof(row) / sizeof(row[0]))
		return SIZE_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			const size_t swap = diagonal + (a[i - 1] != b[j - 1]);
			const size_t drop = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = swap < drop ? swap : drop;
		}
	}
	return row[width];
}

const char *param_nearest(const char *word, const char *const *names, size_t count)
{
	const char *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		const size_t far = distance(word, names[i]);

		if (far < least) {
			least = far;
			best = names[i];
		}
	}
	/* A third of the word may be wrong, and one letter always. */
	return least <= 1 + strlen(word) / 3 ? best : NULL;
}

/* "a, b or c" */
static void join_names(char *to, size_t room, const char *const *names, size_t count)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < count && used < room; i++) {
		const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";

		used += (size_t)snprintf(to + used, room - used, "%s%s", between, names[i]);
	}
}

bool param_unknown(const char *what, const char *word, const char *const *names, size_t count,
		   struct err *err)
{
	const char *near = param_nearest(word, names, count);
	char list[256];

	if (near)
		return err_set(err, EXIT_MISUSE, "unknown %s '%s'; did you mean '%s'?", what, word,
			       near);
	if (count == 0)
		return err_set(err, EXIT_MISUSE, "unknown %s '%s'; there is none", what, word);
	join_names(list, sizeof(list), names, count);
	return err_set(err, EXIT_MISUSE, "unknown %s '%s'; give %s", what, word, list);
}

/* Digits, an optional fraction, and a unit; false when it is not such, or does not fit. */
static bool read_scaled(const char *text, const struct unit *units, uint64_t *number)
{
	char *end;
	uint64_t whole, fraction = 0, scale = 1;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end == '.' && isdigit((unsigned char)end[1])) {
		for (end++; isdigit((unsigned char)*end) && scale < 1000000000; end++) {
			fraction = fraction * 10 + (uint64_t)(*end - '0');
			scale *= 10;
		}
	}
	for (; units->name; units++) {
		uint64_t product;

		if (strcmp(units->name, end) != 0)
			continue;
		if (fraction * units->factor % scale != 0)
			return false;
		return !__builtin_mul_overflow(whole, units->factor, &product) &&
		       !__builtin_add_overflow(product, fraction * units->factor / scale, number);
	}
	return false;
}

static void format_time(char *to, size_t room, uint64_t ns)
{
	const struct unit *unit = time_units + 4;

	while (unit->factor > 1 && (ns == 0 || ns % unit->factor != 0))
		unit--;
	snprintf(to, room, "%llu%s", (unsigned long long)(ns / unit->factor), unit->name);
}

static bool set_number(struct param_value *value, const char *text, struct err *err)
{
	const struct param *row = value->row;
	const bool is_time = row->kind == PARAM_TIME;
	char low[32], high[32];
	uint64_t number;

	if (is_time) {
		format_time(low, sizeof(low), row->low);
		format_time(high, sizeof(high), row->high);
	} else {
		snprintf(low, sizeof(low), "%llu", (unsigned long long)row->low);
		snprintf(high, sizeof(high), "%llu", (unsigned long long)row->high);
	}
	if (!read_scaled(text, is_time ? time_units : number_units, &number))
		return err_set(err, EXIT_MISUSE, "--%s '%s' is not a %s; give %s to %s", row->name,
			       text, is_time ? "time" : "number", low, high);
	if (number < row->low || number > row->high)
		return err_set(err, EXIT_MISUSE, "--%s '%s' is out of range; give %s to %s",
			       row->name, text, low, high);
	value->number = number;
	return true;
}

static bool set_choice(struct param_value *value, const char *text, struct err *err)
{
	const char *const *choices = value->row->choices;
	char what[64];
	size_t count = 0;

	for (; choices[count]; count++) {
		if (strcmp(choices[count], text) == 0) {
			value->number = count;
			return true;
		}
	}
	snprintf(what, sizeof(what), "--%s", value->row->name);
	return param_unknown(what, text, choices, count, err);
}

static bool set_value(struct param_value *value, const char *text, struct err *err)
{
	switch (value->row->kind) {
	case PARAM_NUMBER:
	case PARAM_TIME:
		if (!set_number(value, text, err))
			return false;
		break;
	case PARAM_CHOICE:
		if (!set_choice(value, text, err))
			return false;
		break;
	case PARAM_FLAG:
		value->number = 1;
		break;
	case PARAM_TEXT:
		break;
	}
	value->text = text;
	return true;
}

void param_set_add(struct param_set *set, const struct param *rows)
{
	for (; rows && rows->name; rows++) {
		struct param_value *value = &set->values[set->count++];

		assert(set->count <= PARAM_MAX);
		*value = (struct param_value){ .row = rows };
		if (rows->fallback) {
			const bool fits = set_value(value, rows->fallback, NULL);

			assert(fits);
			(void)fits;
		}
	}
}

static struct param_value *find(struct param_set *set, const char *name, size_t length)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *have = set->values[i].row->name;

		if (strlen(have) == length && memcmp(have, name, length) == 0)
			return &set->values[i];
	}
	return NULL;
}

static bool unknown_option(const struct param_set *set, const char *word, struct err *err)
{
	char dashed[PARAM_MAX][64];
	const char *names[PARAM_MAX];
	const char *near;

	for (size_t i = 0; i < set->count; i++) {
		snprintf(dashed[i], sizeof(dashed[i]), "--%s", set->values[i].row->name);
		names[i] = dashed[i];
	}
	near = param_nearest(word, names, set->count);
	if (near)
		return err_set(err, EXIT_MISUSE, "unknown option '%s'; did you mean '%s'?", word,
			       near);
	return err_set(err, EXIT_MISUSE, "unknown option '%s'; --help lists them", word);
}

static bool give(struct param_value *value, const char *text, struct err *err)
{
	if (!set_value(value, text, err))
		return false;
	if (value->times == PARAM_TIMES)
		return err_set(err, EXIT_MISUSE, "--%s is given more than %d times",
			       value->row->name, PARAM_TIMES);
	value->texts[value->times++] = text;
	value->given = true;
	return true;
}

bool param_set_text(struct param_set *set, const char *name, const char *text, struct err *err)
{
	struct param_value *value = find(set, name, strlen(name));
	char word[80];

	if (!value) {
		snprintf(word, sizeof(word), "--%s", name);
		return unknown_option(set, word, err);
	}
	return give(value, text, err);
}

static const char *long_name(const char *word)
{
	return strcmp(word, "-o") == 0 ? "--output" : strcmp(word, "-h") == 0 ? "--help" : word;
}

bool param_set_parse(struct param_set *set, int argc, char *const argv[], int *next,
		     struct err *err)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		const char *word = long_name(argv[i]);
		const char *equals = strchr(word, '=');
		const size_t length = equals ? (size_t)(equals - word) : strlen(word);
		struct param_value *value;

		if (strcmp(word, "--") == 0) {
			i++;
			break;
		}
		value = length > 2 && word[1] == '-' ? find(set, word + 2, length - 2) : NULL;
		if (!value) {
			char bare[80];

			snprintf(bare, sizeof(bare), "%.*s", (int)length, word);
			return unknown_option(set, bare, err);
		}
		if (value->row->kind == PARAM_FLAG && equals)
			return err_set(err, EXIT_MISUSE, "--%s takes no value", value->row->name);
		if (value->row->kind != PARAM_FLAG && !equals && ++i == argc)
			return err_set(err, EXIT_MISUSE, "--%s needs a value: --%s %s",
				       value->row->name, value->row->name, value->row->value);
		if (!give(value, equals ? equals + 1 : argv[i], err))
			return false;
	}
	*next = i;
	return true;
}

void param_set_number(struct param_set *set, const char *name, uint64_t number)
{
	struct param_value *value = find(set, name, strlen(name));

	assert(value);
	value->number = number;
	value->given = true;
}

const struct param_value *param_get(const struct param_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->values[i].row->name, name) == 0)
			return &set->values[i];
	}
	assert(false && "a name that is in no table");
	abort();
}

uint64_t param_number(const struct param_set *set, const char *name)
{
	return param_get(set, name)->number;
}

const char *param_text(const struct param_set *set, const char *name)
{
	return param_get(set, name)->text;
}

void param_help(const struct param *rows, FILE *to)
{
	for (; rows && rows->name; rows++) {
		char left[64];

		if (rows->kind == PARAM_FLAG)
			snprintf(left, sizeof(left), "--%s", rows->name);
		else
			snprintf(left, sizeof(left), "--%s %s", rows->name, rows->value);
		fprintf(to, "  %-24s %s", left, rows->help);
		if (rows->choices) {
			char list[256];
			size_t count = 0;

			while (rows->choices[count])
				count++;
			join_names(list, sizeof(list), rows->choices, count);
			fprintf(to, ": %s", list);
		}
		if (rows->fallback)
			fprintf(to, " (default %s)", rows->fallback);
		fputc('\n', to);
	}
}
