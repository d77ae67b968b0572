/* Takes the samples of a side out of a verdict's pairs. The metrics of a gate have the names of the
 * quantities. */
#include "bench/stored/verdict.h"

#include "bench/stored/read.h"
#include "bench/stored/samples.h"

#include <stdlib.h>

static bool no_memory(struct err *err)
{
	return err_set(err, EXIT_IMPOSSIBLE, "cannot hold the verdict: no memory");
}

/* One sample of the side is one in every column. */
static bool read_sample(const struct place *pair, const char *side, struct samples *samples,
			size_t i, struct err *err)
{
	const struct place at = read_member(pair, side);

	if (!read_object(pair, NULL, err) || !read_object(&at, NULL, err))
		return false;
	for (size_t id = 0; id < QUANTITIES; id++) {
		const struct place value = read_member(&at, quantities[id].name);
		double *to = &samples->of[id].values[i];

		/* What a sample does not have is left out. */
		if (!value.value)
			continue;
		if (!read_number(&at, quantities[id].name, to, err))
			return false;
		if (*to < 0 || (id == QUANTITY_TIME && *to <= 0))
			return read_wrong(&value, "is not above 0", err);
	}
	return true;
}

static bool read_pairs(const struct place *cell, const char *side, struct samples *samples,
		       struct err *err)
{
	const struct place lists[] = { read_member(cell, "pairs"),
				       read_member(cell, "confirming") };
	size_t n, i = 0;

	if (!read_array(&lists[0], NULL, err) || !read_array(&lists[1], NULL, err))
		return false;
	n = json_array_size(lists[0].value) + json_array_size(lists[1].value);
	for (size_t id = 0; id < QUANTITIES; id++) {
		if (!samples_column(samples, (enum quantity_id)id, n))
			return no_memory(err);
	}
	for (size_t k = 0; k < 2; k++) {
		for (size_t j = 0; j < json_array_size(lists[k].value); j++) {
			const struct place pair = read_element(&lists[k], j);

			if (!read_sample(&pair, side, samples, i++, err))
				return false;
		}
	}
	samples_keep_known(samples);
	return true;
}

/* Of a pair of commands nothing is known but that. */
static bool read_cell(const struct place *at, struct cell *cell, struct err *err)
{
	double workers, size;

	if (!read_object(at, NULL, err) || !read_text(at, "id", &cell->id, err) ||
	    !read_text_or_null(at, "workload", &cell->workload, err) ||
	    !read_text_or_null(at, "mode", &cell->mode, err) ||
	    !read_text_or_null(at, "gil", &cell->gil, err) ||
	    !read_number_or_null(at, "workers", &workers, err) ||
	    !read_number_or_null(at, "size", &size, err) ||
	    !read_text_or_null(at, "checksum", &cell->checksum, err) ||
	    !read_text_or_null(at, "reason", &cell->reason, err))
		return false;
	cell->workers = workers > 0 ? (uint64_t)workers : 0;
	cell->size = size > 0 ? (uint64_t)size : 0;
	return true;
}

/* Something ended it, as a crash: the pairs before are of no whole cell. */
static void leave_out(struct cell *cell, struct samples *samples)
{
	for (size_t id = 0; id < QUANTITIES; id++)
		samples->of[id].n = 0;
	cell->n = 0;
	cell->status = "failed";
}

static bool read_cells(struct stored *stored, const struct place *root, const char *side,
		       struct err *err)
{
	const struct place at = read_member(root, "cells");
	struct findings *findings = &stored->findings;

	if (!read_array(&at, NULL, err))
		return false;
	findings->cells = calloc(json_array_size(at.value) + 1, sizeof(*findings->cells));
	stored->samples = calloc(json_array_size(at.value) + 1, sizeof(*stored->samples));
	if (!findings->cells || !stored->samples)
		return no_memory(err);
	for (size_t i = 0; i < json_array_size(at.value); i++) {
		const struct place one = read_element(&at, i);
		struct cell *cell = &findings->cells[i];

		findings->cell_count++;
		if (!read_cell(&one, cell, err) ||
		    !read_pairs(&one, side, &stored->samples[i], err))
			return false;
		cell->n = stored->samples[i].of[QUANTITY_TIME].n;
		cell->status = cell->n ? "ok" : "without samples";
		if (cell->n && cell->reason)
			leave_out(cell, &stored->samples[i]);
	}
	return true;
}

/* What is known of the build is that side's. */
static bool read_side(struct findings *findings, const struct place *root, const char *side,
		      struct err *err)
{
	const struct place run = read_member(root, "run"), at = read_member(root, side);

	return read_object(&run, NULL, err) &&
	       read_text(&run, "started_utc", &findings->started_utc, err) &&
	       read_object(&at, NULL, err) &&
	       read_text_or_null(&at, "revision", &findings->revision, err) &&
	       read_text_or_null(&at, "compiler", &findings->compiler, err) &&
	       read_text_or_null(&at, "buildtype", &findings->buildtype, err);
}

bool verdict_read(struct stored *stored, const char *side, struct err *err)
{
	struct findings *findings = &stored->findings;
	struct place root = { .file = stored->path };

	if (!findings_load(findings, stored->path, FINDINGS_VERDICT, err))
		return false;
	root.value = findings->tree;
	findings->run_id = side;
	return read_side(findings, &root, side, err) && findings_read_host(findings, err) &&
	       read_cells(stored, &root, side, err);
}
