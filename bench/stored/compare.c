/* gilscope compare: how two stored results differ, and what that is worth. */
#include "bench/stored/compare.h"

#include "base/stats.h"
#include "command/command.h"

#include <stdlib.h>
#include <string.h>

/* Measured with identical binaries in four modes, 20 runs beside 20 stored ones, on a guest with
 * two CPUs: which share was 5 % slower in the median, and with a test of Mann and Whitney besides.
 */
const char compare_worth[] =
	"This decides nothing: of equal programs, run at two times on a shared machine, 11 to 34 "
	"in 100 such comparisons find a slow-down. 'gilscope gate' runs both side by side and "
	"decides.";

static const struct param params[] = {
	{ .name = "all",
	  .kind = PARAM_FLAG,
	  .help = "also the quantities that are not told apart" },
	{ .name = "anyway",
	  .kind = PARAM_FLAG,
	  .help = "compare what is not comparable, and say so first" },
	{ .name = "json", .kind = PARAM_FLAG, .help = "print one JSON object, with everything" },
	{ 0 },
};

bool compare_differs(const struct compared_quantity *quantity)
{
	const struct difference *difference = &quantity->difference;

	if (difference->ci95.known)
		return difference->ci95.low > 1 || difference->ci95.high < 1;
	return quantity->median[OLD] < quantity->median[NEW] ||
	       quantity->median[OLD] > quantity->median[NEW];
}

static void compare_quantity(const struct comparison *comparison, struct compared_cell *cell,
			     enum quantity_id id)
{
	struct compared_quantity *to = &cell->of[id];
	const double *sorted[AGES];

	for (size_t age = 0; age < AGES; age++) {
		const struct stored *side = &comparison->side[age];
		struct column *column =
			&side->samples[cell->cell[age] - side->findings.cells].of[id];

		if (column->n == 0)
			return;
		/* In place: nobody needs the order any more. */
		stats_sort(column->values, column->n);
		sorted[age] = column->values;
		to->n[age] = column->n;
		to->median[age] = stats_median(column->values, column->n);
	}
	to->known = true;
	to->difference = independent_difference(sorted[OLD], to->n[OLD], sorted[NEW], to->n[NEW]);
}

static const struct cell *find_cell(const struct stored *stored, const char *id)
{
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		if (strcmp(stored->findings.cells[i].id, id) == 0)
			return &stored->findings.cells[i];
	}
	return NULL;
}

/* Those of the new result in its order, then those that are in the old one alone. */
static bool pair_cells(struct comparison *comparison, struct err *err)
{
	const struct findings *old = &comparison->side[OLD].findings;
	const struct findings *new = &comparison->side[NEW].findings;

	comparison->cells =
		calloc(old->cell_count + new->cell_count + 1, sizeof(*comparison->cells));
	if (!comparison->cells)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot compare: no memory");
	for (size_t i = 0; i < new->cell_count; i++) {
		struct compared_cell *cell = &comparison->cells[comparison->count++];

		cell->id = new->cells[i].id;
		cell->cell[NEW] = &new->cells[i];
		cell->cell[OLD] = find_cell(&comparison->side[OLD], cell->id);
		cell->in = cell->cell[OLD] ? "both" : "new";
	}
	for (size_t i = 0; i < old->cell_count; i++) {
		const char *id = old->cells[i].id;

		if (!find_cell(&comparison->side[NEW], id))
			comparison->cells[comparison->count++] = (struct compared_cell){
				.id = id, .in = "old", .cell[OLD] = &old->cells[i]
			};
	}
	return true;
}

static bool has_samples(const struct comparison *comparison, const struct compared_cell *cell)
{
	for (size_t age = 0; age < AGES; age++) {
		const struct stored *side = &comparison->side[age];

		if (!stored_has(side, (size_t)(cell->cell[age] - side->findings.cells)))
			return false;
	}
	return true;
}

/* Returns how many cells of the old result were not compared, or only anyway. */
static size_t compare_cells(struct comparison *comparison)
{
	size_t refused = 0;

	for (size_t i = 0; i < comparison->count; i++) {
		struct compared_cell *cell = &comparison->cells[i];

		/* What is new has nothing to be compared with; what is gone may not run any more.
		 */
		refused += !cell->cell[NEW];
		if (!cell->cell[OLD] || !cell->cell[NEW])
			continue;
		comparable_cells(comparison, cell);
		refused += cell->reason[0] != '\0';
		cell->compared =
			(!cell->reason[0] || comparison->anyway) && has_samples(comparison, cell);
		for (size_t id = 0; cell->compared && id < QUANTITIES; id++) {
			if (id != QUANTITY_WALL)
				compare_quantity(comparison, cell, (enum quantity_id)id);
		}
	}
	return refused;
}

static bool check_any(const struct comparison *comparison, struct err *err)
{
	const struct compared_cell *refused = NULL;

	for (size_t i = 0; i < comparison->count; i++) {
		const struct compared_cell *cell = &comparison->cells[i];

		if (cell->compared)
			return true;
		refused = refused || !cell->reason[0] ? refused : cell;
	}
	if (!refused)
		return err_set(err, COMPARE_EXIT_NOT_COMPARABLE,
			       "not comparable: the two have no cell in common");
	return err_set(err, COMPARE_EXIT_NOT_COMPARABLE, "not comparable: %s: %s", refused->id,
		       refused->reason);
}

static int compare(struct comparison *comparison, const char *words[], struct err *err)
{
	size_t refused;

	for (size_t age = 0; age < AGES; age++) {
		if (!stored_read(&comparison->side[age], words[age], (struct stored_part){ 0 },
				 err))
			return err->code;
	}
	comparable_results(comparison);
	if (comparison->reason_count && !comparison->anyway) {
		err_set(err, COMPARE_EXIT_NOT_COMPARABLE,
			"not comparable: %s; --anyway compares them all the same",
			comparison->reasons[0]);
		return err->code;
	}
	if (!pair_cells(comparison, err))
		return err->code;
	refused = compare_cells(comparison);
	if (!check_any(comparison, err))
		return err->code;
	return refused && !comparison->anyway ? COMPARE_EXIT_NOT_COMPARABLE : EXIT_DONE;
}

static int run(int argc, char *argv[], struct err *err)
{
	static const struct wanted_words wanted = {
		2, 2, "give two results, the old one first: folders of a 'gilscope bench -o'"
	};
	struct comparison *comparison = calloc(1, sizeof(*comparison));
	struct param_set set = { 0 };
	const char *words[AGES];
	int status;

	if (!comparison) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot compare: no memory");
		return err->code;
	}
	param_set_add(&set, params);
	status = stored_words(&set, argc, argv, &wanted, words, err) ? EXIT_DONE : (int)err->code;
	if (status == EXIT_DONE) {
		comparison->anyway = param_number(&set, "anyway");
		status = compare(comparison, words, err);
	}
	if (!err->text[0] && param_number(&set, "json"))
		compare_json(comparison, stdout);
	else if (!err->text[0])
		compare_print(comparison, param_number(&set, "all"), stdout);
	for (size_t age = 0; age < AGES; age++)
		stored_free(&comparison->side[age]);
	free(comparison->cells);
	free(comparison);
	return status;
}

const struct command command_compare = {
	.name = "compare",
	.arguments = "OLD NEW [--all] [--anyway] [--json]",
	.summary = "how two stored results differ, and what that is worth; 'gate' decides",
	.params = params,
	.run = run,
};
