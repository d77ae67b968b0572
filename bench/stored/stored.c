/* Finds a result by the words of a command line, and reads it with its samples. */
#include "bench/stored/stored.h"

#include "bench/stored/samples.h"
#include "bench/stored/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The word is a folder with such a file, or the path of one. */
static bool find_file(struct stored *stored, const char *word, const char *name, struct err *err)
{
	struct stat is;
	const bool folder = stat(word, &is) == 0 && S_ISDIR(is.st_mode);

	if (snprintf(stored->path, PATH_MAX, "%s%s", word, folder ? name : "") < PATH_MAX)
		return true;
	return err_set(err, EXIT_MISUSE, "cannot read '%.300s': the name is too long", word);
}

static bool read_samples(struct stored *stored, struct err *err)
{
	const struct place root = { .value = stored->findings.tree, .file = stored->path };
	const struct place cells = read_member(&root, "cells");

	stored->samples = calloc(stored->findings.cell_count + 1, sizeof(*stored->samples));
	if (!stored->samples)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot hold the samples: no memory");
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		const struct place cell = read_element(&cells, i);

		if (stored->findings.cells[i].n > 0 &&
		    !samples_read(&cell, &stored->samples[i], err))
			return false;
	}
	return true;
}

/* Leaves the cell alone where it is the only one that is wanted. */
static bool choose(struct stored *stored, const char *id, struct err *err)
{
	struct findings *findings = &stored->findings;
	const char **names = calloc(findings->cell_count + 1, sizeof(*names));
	bool found = false;

	if (!names)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot hold the cells: no memory");
	for (size_t i = 0; i < findings->cell_count; i++) {
		names[i] = findings->cells[i].id;
		found = found || strcmp(names[i], id) == 0;
	}
	if (!found)
		param_unknown("cell", id, names, findings->cell_count, err);
	for (size_t i = 0; found && i < findings->cell_count; i++) {
		if (strcmp(names[i], id) != 0)
			samples_free(&stored->samples[i]);
	}
	free(names);
	return found;
}

static bool read_result(struct stored *stored, const char *word, struct err *err)
{
	char result[PATH_MAX];

	if (!find_file(stored, word, "/result.json", err))
		return false;
	/* Of a folder that a gate wrote the error shall be that it is one. */
	memcpy(result, stored->path, sizeof(result));
	if (access(result, F_OK) != 0 && find_file(stored, word, "/verdict.json", err) &&
	    access(stored->path, F_OK) != 0)
		memcpy(stored->path, result, sizeof(result));
	return findings_read(&stored->findings, stored->path, err) && read_samples(stored, err);
}

bool stored_read(struct stored *stored, const char *word, struct stored_part part, struct err *err)
{
	*stored = (struct stored){ 0 };
	if (part.side) {
		if (!find_file(stored, word, "/verdict.json", err) ||
		    !verdict_read(stored, part.side, err))
			return false;
	} else if (!read_result(stored, word, err)) {
		return false;
	}
	stored->host = json_object_get(stored->findings.tree, "host");
	return !part.cell || choose(stored, part.cell, err);
}

void stored_free(struct stored *stored)
{
	for (size_t i = 0; stored->samples && i < stored->findings.cell_count; i++)
		samples_free(&stored->samples[i]);
	free(stored->samples);
	findings_free(&stored->findings);
}

bool stored_has(const struct stored *stored, size_t cell)
{
	return stored->samples[cell].of[QUANTITY_TIME].n > 0;
}

bool stored_words(struct param_set *set, int argc, char *argv[], const struct wanted_words *wanted,
		  const char *words[], struct err *err)
{
	int count = 0, next;

	for (;;) {
		if (!param_set_parse(set, argc, argv, &next, err))
			return false;
		if (next >= argc)
			break;
		if (count == wanted->most)
			return err_set(err, EXIT_MISUSE, "'%s' is one word too many; %s",
				       argv[next], wanted->lacking);
		words[count++] = argv[next];
		argc -= next;
		argv += next;
	}
	return count >= wanted->least || err_set(err, EXIT_MISUSE, "%s", wanted->lacking);
}
