/* gilscope export: a result in another tool's format. A format is a row of the table in
 * command/format.h. */
#include "base/output.h"
#include "bench/stored/stored.h"
#include "command/command.h"
#include "command/format.h"

#include <stdlib.h>
#include <string.h>

#define FORMATS_MOST 16

static const char *const sides[] = { "baseline", "candidate", NULL };

static const struct param params[] = {
	{ .name = "format",
	  .kind = PARAM_TEXT,
	  .value = "FORMAT",
	  .help = "of which tool; 'gilscope list formats' has them" },
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .value = "FILE",
	  .help = "where it goes, also as -o; without it, to standard output" },
	{ .name = "cell", .kind = PARAM_TEXT, .value = "ID", .help = "this cell alone" },
	{ .name = "side",
	  .kind = PARAM_CHOICE,
	  .choices = sides,
	  .value = "SIDE",
	  .help = "of a gate's verdict, the samples of this side" },
	{ 0 },
};

static const struct format *find_format(const char *name, struct err *err)
{
	const char *names[FORMATS_MOST];
	char list[200];
	size_t count = 0, used = 0;

	for (; formats[count] && count < FORMATS_MOST; count++) {
		names[count] = formats[count]->name;
		if (name && strcmp(names[count], name) == 0)
			return formats[count];
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 count ? ", " : "", names[count]);
	}
	if (name)
		param_unknown("format", name, names, count, err);
	else
		err_set(err, EXIT_MISUSE, "no format given; give --format with one of %s", list);
	return NULL;
}

/* Cells without samples have no place in these formats; who reads the file shall know. */
static void tell_left_out(const struct stored *stored)
{
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		const struct cell *cell = &stored->findings.cells[i];

		if (cell->n == 0)
			fprintf(stderr, "gilscope: left out: %s is %s%s%s\n", cell->id,
				cell->status, cell->reason ? ": " : "",
				cell->reason ? cell->reason : "");
	}
	if (stored->findings.partial)
		fprintf(stderr, "gilscope: the run was ended early: %s\n",
			stored->findings.partial_reason ? stored->findings.partial_reason :
							  "no reason is known");
}

static bool has_any(const struct stored *stored, struct err *err)
{
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		if (stored_has(stored, i))
			return true;
	}
	return err_set(err, EXIT_FAILED, "nothing to export: '%s' has no cell with samples",
		       stored->path);
}

static bool write_format(const struct stored *stored, const struct format *format, const char *path,
			 struct err *err)
{
	struct output output;

	if (!path)
		return format->result(stored, stdout, err);
	if (!output_open_path(&output, path, err))
		return false;
	if (format->result(stored, output.to, err))
		return output_close(&output, err);
	output_drop(&output);
	return false;
}

static int run(int argc, char *argv[], struct err *err)
{
	static const struct wanted_words wanted = {
		1, 1, "give one result: the folder of a 'gilscope bench -o' or 'gate -o'"
	};
	struct param_set set = { 0 };
	const struct format *format;
	struct stored stored = { 0 };
	struct stored_part part;
	const char *word;
	bool done;

	param_set_add(&set, params);
	if (!stored_words(&set, argc, argv, &wanted, &word, err))
		return err->code;
	part = (struct stored_part){ param_text(&set, "side"), param_text(&set, "cell") };
	format = find_format(param_text(&set, "format"), err);
	done = format && stored_read(&stored, word, part, err) && has_any(&stored, err) &&
	       write_format(&stored, format, param_text(&set, "output"), err);
	if (done && !part.cell)
		tell_left_out(&stored);
	stored_free(&stored);
	return done ? EXIT_DONE : (int)err->code;
}

const struct command command_export = {
	.name = "export",
	.arguments = "RESULT --format FORMAT [-o FILE] [--cell ID] [--side baseline|candidate]",
	.summary = "a result in another tool's format: pyperf, benchstat, trackers, plotters",
	.params = params,
	.run = run,
};
