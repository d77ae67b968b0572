/* Gives the settings of --set and --sweep to the cells that can take them: what a lock model takes
 * means nothing to a cell without it, and what one workload takes nothing to another. */
#include "bench/matrix.h"
#include "bench/runtime.h"

#include <stdlib.h>
#include <string.h>

/* What the runner sets itself; as a setting it would make a cell lie about itself. */
static bool is_own(const char *name)
{
	static const char *const own[] = { "mode", "gil",      "workers", "size",
					   "json", "describe", "help",    NULL };

	for (size_t i = 0; own[i]; i++) {
		if (strcmp(own[i], name) == 0)
			return true;
	}
	return false;
}

/* The cells that take it, in 'taking'; how many, or -1 when a workload does not describe itself. */
static int find_taking(const struct matrix *matrix, const char *name, bool taking[CELLS_MAX],
		       struct err *err)
{
	int count = 0;

	for (size_t i = 0; i < matrix->count; i++) {
		const struct cell *cell = &matrix->cells[i];
		const json_t *told =
			runtime_describe(cell->runtime, matrix->folder, cell->workload, err);

		if (!told)
			return -1;
		taking[i] = runtime_takes(told, cell->mode, cell->gil, name);
		count += taking[i];
	}
	return count;
}

/* One name of --set or --sweep. */
static bool check_name(const struct matrix *matrix, const char *option, const char *name,
		       bool taking[CELLS_MAX], struct err *err)
{
	int count;

	if (is_own(name))
		return err_set(err, EXIT_MISUSE, "--%s '%s': give --%s to bench itself", option,
			       name, name);
	count = find_taking(matrix, name, taking, err);
	if (count == 0)
		return err_set(err, EXIT_MISUSE,
			       "--%s '%s': no cell takes it; WORKLOAD --help lists what it takes",
			       option, name);
	return count > 0;
}

/* Drops each setting of the list where it is not taken. */
static bool settle_set(struct matrix *matrix, const char *list, struct err *err)
{
	bool taking[CELLS_MAX] = { false };

	while (list && *list) {
		const size_t length = strcspn(list, ",");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, "=,"), list);
		if (!check_name(matrix, "set", name, taking, err))
			return false;
		for (size_t i = 0; i < matrix->count; i++) {
			if (!taking[i])
				cell_unset(&matrix->cells[i], name);
			cell_name(&matrix->cells[i]);
		}
		list += length + (list[length] == ',');
	}
	return true;
}

/* The same value twice is one cell. */
static bool is_there(const struct cell *cells, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(cells[i].id, id) == 0)
			return true;
	}
	return false;
}

/* A copy of the cell for each value of the list. */
static bool multiply(struct cell *cells, size_t *count, const struct cell *cell, const char *name,
		     const char *values, struct err *err)
{
	while (*values) {
		const size_t length = strcspn(values, ",");
		char value[64];

		if (*count == CELLS_MAX)
			return err_set(err, EXIT_MISUSE, "more than %d cells; ask for less",
				       CELLS_MAX);
		snprintf(value, sizeof(value), "%.*s", (int)length, values);
		cells[*count] = *cell;
		if (length == 0 || !cell_set(&cells[*count], name, value))
			return err_set(err, EXIT_MISUSE,
				       "--sweep '%s=%s': a value is empty or too long, or there "
				       "are too many settings",
				       name, values);
		cell_name(&cells[*count]);
		*count += !is_there(cells, *count, cells[*count].id);
		values += length + (values[length] == ',');
	}
	return true;
}

static bool sweep(struct matrix *matrix, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	const size_t old_count = matrix->count;
	struct cell *old = matrix->cells;
	bool taking[CELLS_MAX] = { false }, good = true;
	char name[64];

	if (!equals || equals == text || equals[1] == '\0')
		return err_set(err, EXIT_MISUSE, "--sweep '%s' is not NAME=VALUE,...", text);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	if (!check_name(matrix, "sweep", name, taking, err))
		return false;
	matrix->cells = calloc(CELLS_MAX, sizeof(*matrix->cells));
	matrix->count = 0;
	if (!matrix->cells) {
		free(old);
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate the matrix");
	}
	for (size_t i = 0; i < old_count && good; i++) {
		if (taking[i])
			good = multiply(matrix->cells, &matrix->count, &old[i], name, equals + 1,
					err);
		else if (matrix->count < CELLS_MAX)
			matrix->cells[matrix->count++] = old[i];
	}
	free(old);
	return good;
}

bool matrix_settle(struct matrix *matrix, const struct param_set *options, struct err *err)
{
	const struct param_value *sweeps = param_get(options, "sweep");

	if (!settle_set(matrix, param_text(options, "set"), err))
		return false;
	for (size_t i = 0; i < sweeps->times; i++) {
		if (!sweep(matrix, sweeps->texts[i], err))
			return false;
	}
	return true;
}
