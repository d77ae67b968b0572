/* The suite as a table, and the options that change it. */
#include "bench/matrix.h"

#include "bench/runtime.h"
#include "bench/suite.h"
#include "workload_list.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024

/* A row as the options have it. */
struct wish {
	const struct suite_row *row;
	struct runtime *runtime; /* null: the C binaries */
	char modes[TEXT_MAX], gils[TEXT_MAX], workers[TEXT_MAX];
	const char *settings; /* more of them */
	uint64_t size;
};

static const char *const workload_names[] = { WORKLOAD_LIST };

/* Takes the next word of a comma-separated list; false at its end. */
static bool next_word(const char **list, char *word, size_t room)
{
	const size_t length = strcspn(*list, ",");

	if (**list == '\0')
		return false;
	snprintf(word, room, "%.*s", (int)length, *list);
	*list += length + ((*list)[length] == ',');
	return true;
}

static bool in_list(const char *list, const char *name)
{
	char word[64];

	while (next_word(&list, word, sizeof(word))) {
		if (strcmp(word, name) == 0)
			return true;
	}
	return false;
}

static bool check_workloads(const char *list, struct err *err)
{
	const size_t count = sizeof(workload_names) / sizeof(workload_names[0]);
	char word[64];

	while (next_word(&list, word, sizeof(word))) {
		size_t i = 0;

		while (i < count && strcmp(workload_names[i], word) != 0)
			i++;
		if (i == count)
			return param_unknown("workload", word, workload_names, count, err);
	}
	return true;
}

static bool add_settings(struct cell *cell, const char *list, struct err *err)
{
	char word[TEXT_MAX];

	while (next_word(&list, word, sizeof(word))) {
		char *equals = strchr(word, '=');

		if (!equals || equals == word)
			return err_set(err, EXIT_MISUSE, "--set '%s' is not NAME=VALUE", word);
		*equals = '\0';
		if (!cell_set(cell, word, equals + 1))
			return err_set(err, EXIT_MISUSE, "--set '%s' is too long or one too many",
				       word);
	}
	return true;
}

static bool same_cell(const struct matrix *matrix, const struct cell *cell)
{
	for (size_t i = 0; i < matrix->count; i++) {
		if (strcmp(matrix->cells[i].id, cell->id) == 0)
			return true;
	}
	return false;
}

/* Whether the suite has a row of that workload. */
static bool has_row(const struct suite_row *suite, const char *workload)
{
	while (suite->workload && strcmp(suite->workload, workload) != 0)
		suite++;
	return suite->workload;
}

/* A row's settings are those of the cells that take them: another mode or lock model may be asked
 * for than the row has. */
static bool drop_untaken(const struct matrix *matrix, struct cell *cell, struct err *err)
{
	const json_t *told =
		cell->runtime && cell->setting_count > 0 ?
			runtime_describe(cell->runtime, matrix->folder, cell->workload, err) :
			NULL;

	if (!cell->runtime || cell->setting_count == 0)
		return true;
	for (size_t i = cell->setting_count; told && i-- > 0;) {
		if (!runtime_takes(told, cell->mode, cell->gil, cell->settings[i].name))
			cell_unset(cell, cell->settings[i].name);
	}
	return told;
}

/* Adds the cell of a mode, or of a lock model when 'gil' is not empty. */
static bool add_cell(struct matrix *matrix, const struct wish *wish, const char *mode,
		     const char *gil, unsigned workers, struct err *err)
{
	struct cell *cell = &matrix->cells[matrix->count];

	if (matrix->count == CELLS_MAX)
		return err_set(err, EXIT_MISUSE, "more than %d cells; ask for less", CELLS_MAX);
	*cell = (struct cell){ .runtime = wish->runtime,
			       .workers = workers,
			       .size = wish->size,
			       .target_ns = wish->row->target_ms * 1000000 };
	snprintf(cell->workload, sizeof(cell->workload), "%s", wish->row->workload);
	snprintf(cell->mode, sizeof(cell->mode), "%s", mode);
	snprintf(cell->gil, sizeof(cell->gil), "%s", gil);
	if (!add_settings(cell, wish->row->settings, err) || !drop_untaken(matrix, cell, err) ||
	    !add_settings(cell, wish->settings, err))
		return false;
	cell_name(cell);
	matrix->count += !same_cell(matrix, cell);
	return true;
}

static bool add_modes(struct matrix *matrix, const struct wish *wish, unsigned workers,
		      struct err *err)
{
	const char *modes = wish->modes;
	char mode[32], gil[32];

	while (next_word(&modes, mode, sizeof(mode))) {
		const char *gils = wish->gils;

		if (strcmp(mode, "gil") != 0 && !add_cell(matrix, wish, mode, "", workers, err))
			return false;
		while (strcmp(mode, "gil") == 0 && next_word(&gils, gil, sizeof(gil))) {
			if (!add_cell(matrix, wish, mode, gil, workers, err))
				return false;
		}
	}
	return true;
}

static bool add_row(struct matrix *matrix, const struct wish *wish, struct err *err)
{
	static const struct param number = {
		.name = "workers", .kind = PARAM_NUMBER, .low = 1, .high = 1024
	};
	const char *list = wish->workers;
	char workers[32];

	while (next_word(&list, workers, sizeof(workers))) {
		struct param_set set = { .values = { { .row = &number } }, .count = 1 };

		if (!param_set_text(&set, "workers", workers, err) ||
		    !add_modes(matrix, wish, (unsigned)param_number(&set, "workers"), err))
			return false;
	}
	return true;
}

/* What the row has, unless something was asked for: then that; of a variant only what it has of
 * that. */
static void narrow(char *to, const char *have, const char *asked, bool variant)
{
	char word[64];
	size_t used = 0;

	snprintf(to, TEXT_MAX, "%s", asked && !variant ? asked : have);
	if (!asked || !variant)
		return;
	to[0] = '\0';
	while (next_word(&asked, word, sizeof(word))) {
		if (in_list(have, word) && used < TEXT_MAX)
			used += (size_t)snprintf(to + used, TEXT_MAX - used, "%s%s",
						 used ? "," : "", word);
	}
}

/* The first row of a workload is what it is, the others are its variants. */
static struct wish with_options(const struct suite_row *suite, const struct suite_row *row,
				const struct param_set *options)
{
	const char *settings = param_text(options, "set");
	const bool variant = row > suite && strcmp(row[-1].workload, row->workload) == 0;
	struct wish wish = { .row = row,
			     .settings = settings ? settings : "",
			     .size = param_number(options, "size") ? param_number(options, "size") :
								     row->size };

	narrow(wish.modes, row->modes, param_text(options, "mode"), variant);
	narrow(wish.gils, row->gils, param_text(options, "gil"), variant);
	narrow(wish.workers, row->workers, param_text(options, "workers"), variant);
	return wish;
}

/* Whether a runtime that is here has the mode. Of the C binaries everything is asked for, so that
 * they answer what they do not know. */
static bool somebody_has(const struct matrix *matrix, const char *workload, const char *mode)
{
	for (size_t i = 0; i < matrix->runtimes->count; i++) {
		struct runtime *runtime = &matrix->runtimes->row[i];

		if (!runtime->reason[0] &&
		    (!runtime->family ||
		     runtime_has_mode(runtime_describe(runtime, matrix->folder, workload, NULL),
				      mode)))
			return true;
	}
	return false;
}

/* Whether a mode stays in a wish for a runtime. What was asked for by name and cannot be had stays,
 * to be refused in the words of the workload or the script: of an interpreter when nobody has the
 * mode, of the C binaries when the workload was named as well, or does not know the mode. */
static bool keeps_mode(const struct matrix *matrix, const struct wish *wish, const json_t *told,
		       const char *mode, const struct param_set *options)
{
	const bool asked = param_text(options, "mode");

	if (wish->runtime->family)
		return runtime_has_mode(told, mode) ||
		       (asked && !somebody_has(matrix, wish->row->workload, mode));
	return !runtime_mode_reason(told, mode) || (asked && param_text(options, "workload"));
}

/* Of the modes those that the runtime can run the workload in. An interpreter's threads are what a
 * lock model stands for: they take its place in the suite. */
static bool narrow_to_runtime(const struct matrix *matrix, struct wish *wish,
			      const struct param_set *options, struct err *err)
{
	const json_t *told =
		runtime_describe(wish->runtime, matrix->folder, wish->row->workload, err);
	const bool models_stay = !wish->runtime->family || param_text(options, "mode");
	char modes[TEXT_MAX], mode[32];
	const char *list = modes;
	size_t used = 0;

	if (!told)
		return false;
	snprintf(modes, sizeof(modes), "%s", wish->modes);
	wish->modes[0] = '\0';
	while (next_word(&list, mode, sizeof(mode)) && used < TEXT_MAX) {
		if (!models_stay && strcmp(mode, "gil") == 0)
			snprintf(mode, sizeof(mode), "threads");
		if (keeps_mode(matrix, wish, told, mode, options))
			used += (size_t)snprintf(wish->modes + used, TEXT_MAX - used, "%s%s",
						 used ? "," : "", mode);
	}
	return true;
}

/* A row for each runtime that is here and has the workload. */
static bool add_runtimes(struct matrix *matrix, struct wish *wish, const struct param_set *options,
			 struct err *err)
{
	const struct wish plain = *wish;

	if (!matrix->runtimes)
		return add_row(matrix, wish, err);
	for (size_t i = 0; i < matrix->runtimes->count; i++) {
		struct runtime *runtime = &matrix->runtimes->row[i];

		if (runtime->reason[0] ||
		    !runtime_has(runtime, matrix->folder, wish->row->workload))
			continue;
		*wish = plain;
		wish->runtime = runtime;
		if (!narrow_to_runtime(matrix, wish, options, err) || !add_row(matrix, wish, err))
			return false;
	}
	return true;
}

static bool check_lists(const struct matrix *matrix, const struct param_set *options,
			struct err *err)
{
	const char *gil = param_text(options, "gil"), *mode = param_text(options, "mode");
	bool any_c = !matrix->runtimes;

	for (size_t i = 0; i < options->count; i++) {
		const struct param_value *value = &options->values[i];

		if (value->text && strlen(value->text) >= TEXT_MAX)
			return err_set(err, EXIT_MISUSE, "--%s: the list is too long",
				       value->row->name);
	}
	for (size_t i = 0; matrix->runtimes && i < matrix->runtimes->count; i++)
		any_c |= strcmp(matrix->runtimes->row[i].name, "c") == 0;
	if (gil && !any_c)
		return err_set(err, EXIT_MISUSE,
			       "--gil '%s' is a model of the C workloads; give --runtime c,...",
			       gil);
	if (gil && mode && !in_list(mode, "gil"))
		return err_set(err, EXIT_MISUSE, "--gil '%s' needs --mode gil", gil);
	return true;
}

/* Nothing was left over: a runtime that is not here says most. */
static bool nothing_left(const struct matrix *matrix, struct err *err)
{
	for (size_t i = 0; matrix->runtimes && i < matrix->runtimes->count; i++) {
		const struct runtime *runtime = &matrix->runtimes->row[i];

		if (runtime->reason[0])
			return err_set(err, EXIT_IMPOSSIBLE,
				       "nothing to measure: there is no %s: %s", runtime->name,
				       runtime->reason);
	}
	return err_set(err, EXIT_MISUSE, "nothing to measure: no cell is left of the suite");
}

/* The rows of these workloads; null: all. */
static bool add_suite(struct matrix *matrix, const struct suite_row *suite, const char *workloads,
		      const struct param_set *options, struct err *err)
{
	for (const struct suite_row *row = suite; row->workload; row++) {
		struct wish wish = with_options(suite, row, options);

		if ((!workloads || in_list(workloads, row->workload)) &&
		    !add_runtimes(matrix, &wish, options, err))
			return false;
	}
	return true;
}

/* A workload that the suite leaves out and that is asked for by name has the rows of the full
 * one. */
bool matrix_fill(struct matrix *matrix, const struct param_set *options, struct err *err)
{
	const struct suite_row *suite = matrix->suite                 ? matrix->suite :
					param_number(options, "full") ? suite_full :
									suite_quick;
	const char *workloads = param_text(options, "workload");
	char word[64];

	matrix->count = 0;
	matrix->cells = calloc(CELLS_MAX, sizeof(*matrix->cells));
	if (!matrix->cells)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot allocate the matrix");
	if (!check_lists(matrix, options, err) || (workloads && !check_workloads(workloads, err)))
		return false;
	if (!add_suite(matrix, suite, workloads, options, err))
		return false;
	while (workloads && next_word(&workloads, word, sizeof(word))) {
		if (!has_row(suite, word) && !add_suite(matrix, suite_full, word, options, err))
			return false;
	}
	return matrix->count > 0 || nothing_left(matrix, err);
}

void matrix_finish(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->count; i++)
		cell_finish(&matrix->cells[i]);
	free(matrix->cells);
}
