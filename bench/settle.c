/* Gives the settings of --set to the cells that can take them: what a lock model takes means
 * nothing to a cell without it, and what one workload takes nothing to another. */
#include "bench/describe.h"
#include "bench/matrix.h"

#include <string.h>

static bool has_name(const json_t *rows, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *have = json_string_value(json_object_get(row, "name"));

		if (have && strcmp(have, name) == 0)
			return true;
	}
	return false;
}

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

static bool takes(const json_t *description, const struct cell *cell, const char *name)
{
	const json_t *gil;
	size_t i;

	if (has_name(json_object_get(description, "options"), name) ||
	    has_name(json_object_get(description, "params"), name))
		return true;
	json_array_foreach(json_object_get(description, "gils"), i, gil)
	{
		const char *have = json_string_value(json_object_get(gil, "name"));

		if (have && strcmp(have, cell->gil) == 0 &&
		    has_name(json_object_get(gil, "params"), name))
			return true;
	}
	return false;
}

static void drop(struct cell *cell, size_t setting)
{
	cell->setting_count--;
	memmove(&cell->settings[setting], &cell->settings[setting + 1],
		(cell->setting_count - setting) * sizeof(cell->settings[0]));
	cell_name(cell);
}

/* Whether any cell takes the setting; it is dropped where it is not taken. */
static bool settle(struct matrix *matrix, const json_t *const *descriptions, const char *name)
{
	bool taken = false;

	for (size_t i = 0; i < matrix->count; i++) {
		struct cell *cell = &matrix->cells[i];
		const bool takes_it = takes(descriptions[i], cell, name);

		taken |= takes_it;
		for (size_t s = 0; !takes_it && s < cell->setting_count; s++) {
			if (strcmp(cell->settings[s].name, name) == 0)
				drop(cell, s--);
		}
	}
	return taken;
}

static bool describe_all(const struct matrix *matrix, const char *folder,
			 const json_t **descriptions, struct err *err)
{
	for (size_t i = 0; i < matrix->count; i++) {
		const char *name = matrix->cells[i].workload;

		if (i > 0 && strcmp(matrix->cells[i - 1].workload, name) == 0) {
			descriptions[i] = json_incref((json_t *)descriptions[i - 1]);
			continue;
		}
		descriptions[i] = describe_workload(folder, name, err);
		if (!descriptions[i])
			return false;
	}
	return true;
}

bool matrix_settle(struct matrix *matrix, const struct param_set *options, const char *folder,
		   struct err *err)
{
	static const json_t *descriptions[CELLS_MAX];
	const char *list = param_text(options, "set");
	bool good = !list || describe_all(matrix, folder, descriptions, err);

	while (list && *list && good) {
		const size_t length = strcspn(list, ",");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, "=,"), list);
		if (is_own(name)) {
			good = err_set(err, EXIT_MISUSE, "--set '%s': give --%s to bench itself",
				       name, name);
			break;
		}
		good = settle(matrix, descriptions, name) ||
		       err_set(err, EXIT_MISUSE,
			       "--set '%s': no cell takes it; WORKLOAD --help lists what it takes",
			       name);
		list += length + (list[length] == ',');
	}
	for (size_t i = 0; i < matrix->count; i++)
		json_decref((json_t *)descriptions[i]);
	return good;
}
