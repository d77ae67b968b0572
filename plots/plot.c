/* gilscope plot: a result's tables, charts and page. */
#include "base/home.h"
#include "base/param.h"
#include "base/path.h"
#include "command/command.h"
#include "plots/arrange.h"
#include "plots/draw.h"
#include "base/output.h"
#include "plots/page.h"
#include "plots/tsv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIGURES_MAX 16

static const char *const formats[] = { "svg", "png", NULL };

static const struct param params[] = {
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .value = "DIR",
	  .help = "where the charts and index.html go, also as -o; without it, to the result" },
	{ .name = "format",
	  .kind = PARAM_CHOICE,
	  .choices = formats,
	  .value = "FORMAT",
	  .help = "of the pictures; without it, both" },
	{ 0 },
};

struct plot {
	char result[PATH_MAX], folder[PATH_MAX];
	const char *format; /* null: all of them */
	struct home home;
	struct findings findings;
	struct drawing drawing;
	struct outcome outcomes[FIGURES_MAX + 1]; /* the last has a null figure */
};

/* The word is a folder with a result.json, or the path of such a file. */
static bool find_result(struct plot *plot, const char *word, struct err *err)
{
	struct stat is;
	const bool folder = stat(word, &is) == 0 && S_ISDIR(is.st_mode);
	char *slash;

	if (snprintf(plot->result, PATH_MAX, "%s%s", word, folder ? "/result.json" : "") >=
	    PATH_MAX)
		return err_set(err, EXIT_MISUSE, "cannot read '%s': the name is too long", word);
	memcpy(plot->folder, plot->result, PATH_MAX);
	slash = strrchr(plot->folder, '/');
	if (!slash)
		strcpy(plot->folder, ".");
	else
		slash[slash == plot->folder] = '\0';
	return true;
}

/* Options may stand before the result and behind it. */
static bool read_words(struct plot *plot, int argc, char *argv[], struct err *err)
{
	struct param_set set = { 0 };
	const char *output;
	int result, next;

	param_set_add(&set, params);
	if (!param_set_parse(&set, argc, argv, &result, err))
		return false;
	if (result >= argc)
		return err_set(err, EXIT_MISUSE,
			       "no result given; give the folder of a 'gilscope bench -o'");
	if (!param_set_parse(&set, argc - result, argv + result, &next, err))
		return false;
	if (result + next < argc)
		return err_set(err, EXIT_MISUSE, "one result at a time; '%s' is one too many",
			       argv[result + next]);
	if (!find_result(plot, argv[result], err))
		return false;
	output = param_text(&set, "output");
	if (output &&
	    (output[0] == '\0' || snprintf(plot->folder, PATH_MAX, "%s", output) >= PATH_MAX))
		return err_set(err, EXIT_MISUSE, "the folder's name is empty or too long");
	plot->format = param_text(&set, "format");
	return true;
}

/* Charts of an earlier result must not stand beside the tables of this one. */
static bool clear_folder(const struct plot *plot, struct err *err)
{
	static const char *const endings[] = { ".tsv", ".svg", ".png" };

	if (!path_make_folder(plot->folder, err) ||
	    !output_remove(plot->folder, "index", ".html", err))
		return false;
	for (size_t i = 0; figures[i]; i++) {
		for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]); k++) {
			if (!output_remove(plot->folder, figures[i]->name, endings[k], err))
				return false;
		}
	}
	return true;
}

static void count_samples(const struct findings *findings, uint64_t *least, uint64_t *most)
{
	*least = *most = 0;
	for (size_t i = 0; i < findings->cell_count; i++) {
		const uint64_t n = findings->cells[i].n;

		if (n && (!*least || n < *least))
			*least = n;
		*most = n > *most ? n : *most;
	}
}

/* What a chart must say when it is found without its page. */
static void write_foot(struct plot *plot)
{
	const struct findings *findings = &plot->findings;
	char *statistic = plot->drawing.foot[0], *where = plot->drawing.foot[1];
	const size_t room = sizeof(plot->drawing.foot[0]);
	uint64_t least, most;
	char samples[48], cpus[32] = "";

	count_samples(findings, &least, &most);
	if (least == most)
		snprintf(samples, sizeof(samples), "%llu", (unsigned long long)least);
	else
		snprintf(samples, sizeof(samples), "%llu to %llu", (unsigned long long)least,
			 (unsigned long long)most);
	if (!isnan(findings->cpus_allowed))
		snprintf(cpus, sizeof(cpus), ", %.0f CPU%s", findings->cpus_allowed,
			 findings->cpus_allowed == 1 ? "" : "s");
	snprintf(statistic, room, "median, exact 95 %% interval; %s sample%s a cell%s; %s", samples,
		 most == 1 ? "" : "s", findings->partial ? "; RUN ENDED EARLY" : "",
		 findings->started_utc);
	snprintf(where, room, "%.100s%s, %.60s; gilscope %.60s",
		 findings->cpu_model ? findings->cpu_model : "unknown processor", cpus,
		 findings->kernel ? findings->kernel : "unknown kernel", findings->revision);
}

/* The columns' names, then the rows. A table without rows is not kept. */
static bool write_table(const struct plot *plot, struct outcome *outcome, struct err *err)
{
	const struct figure *figure = outcome->figure;
	struct output table;

	if (!output_open(&table, plot->folder, figure->name, ".tsv", err))
		return false;
	fprintf(table.to, "# %s\n", figure->columns);
	outcome->rows = figure->rows(&plot->findings, table.to);
	if (outcome->rows)
		return output_close(&table, err);
	output_drop(&table);
	snprintf(outcome->why, sizeof(outcome->why), "%s", figure->lacking);
	return true;
}

static bool write_tables(struct plot *plot, struct err *err)
{
	for (size_t i = 0; figures[i] && i < FIGURES_MAX; i++) {
		plot->outcomes[i].figure = figures[i];
		if (!write_table(plot, &plot->outcomes[i], err))
			return false;
	}
	return true;
}

static bool draw_formats(const struct plot *plot, struct outcome *outcome, struct err *err)
{
	for (size_t i = 0; formats[i]; i++) {
		if (plot->format && strcmp(plot->format, formats[i]) != 0)
			continue;
		if (!draw_figure(&plot->drawing, outcome->figure->name, formats[i], err)) {
			snprintf(outcome->why, sizeof(outcome->why), "%s", err->text);
			return false;
		}
		/* The first is the one for the page. */
		if (!outcome->format)
			outcome->format = formats[i];
	}
	return true;
}

/* A chart that cannot be drawn leaves the others and the page; the first trouble is the one told.
 */
static bool draw_all(struct plot *plot, struct err *err)
{
	const bool possible = draw_possible();
	bool drawn = true;

	for (size_t i = 0; plot->outcomes[i].figure; i++) {
		struct outcome *outcome = &plot->outcomes[i];
		struct err own = { 0 };

		if (outcome->rows == 0)
			continue;
		if (!possible)
			snprintf(outcome->why, sizeof(outcome->why),
				 "gnuplot is not installed; install gnuplot-nox and plot again");
		else if (!draw_formats(plot, outcome, &own) && drawn)
			drawn = err_set(err, own.code, "%s", own.text);
	}
	if (possible)
		return drawn;
	return err_set(err, EXIT_IMPOSSIBLE,
		       "gnuplot is not installed; the tables were written, the "
		       "charts were not; install gnuplot-nox");
}

static bool make(struct plot *plot, struct err *err)
{
	const struct page_folders folders = { .plots = plot->home.plots, .to = plot->folder };
	struct err page_err = { 0 };
	bool drawn;

	if (!findings_read(&plot->findings, plot->result, err) ||
	    !arrange_cells(&plot->findings, err) || !home_find(&plot->home, err) ||
	    !clear_folder(plot, err) || !write_tables(plot, err))
		return false;
	plot->drawing.scripts = plot->home.plots;
	plot->drawing.folder = plot->folder;
	write_foot(plot);
	drawn = draw_all(plot, err);
	if (!page_write(&plot->findings, plot->outcomes, &folders, &page_err))
		return err_set(err, page_err.code, "%s", page_err.text);
	return drawn;
}

/* The commands that write a table of their own, NAME.tsv, for a chart of their own. */
static const char *const own_tables[] = { "fidelity", "experiment", "gate", NULL };

/* Which of them wrote the folder; null: none. */
static const char *find_own_table(const struct plot *plot)
{
	for (size_t i = 0; own_tables[i]; i++) {
		char table[PATH_MAX + 16];

		snprintf(table, sizeof(table), "%s/%s.tsv", plot->folder, own_tables[i]);
		if (access(plot->result, F_OK) != 0 && access(table, R_OK) == 0)
			return own_tables[i];
	}
	return NULL;
}

/* Its table brings the lines below the chart with it. */
static bool read_foot(struct plot *plot, const char *name, struct err *err)
{
	char table[PATH_MAX + 16], line[sizeof(plot->drawing.foot[0]) + 8];
	FILE *from;

	snprintf(table, sizeof(table), "%s/%s.tsv", plot->folder, name);
	from = fopen(table, "re");
	if (!from)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s': %m", table);
	for (size_t i = 0; i < 2 && fgets(line, sizeof(line), from); i++) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "# ", 2) == 0)
			snprintf(plot->drawing.foot[i], sizeof(plot->drawing.foot[i]), "%.290s",
				 line + 2);
	}
	fclose(from);
	return true;
}

static bool make_own(struct plot *plot, const char *name, struct err *err)
{
	if (!home_find(&plot->home, err) || !read_foot(plot, name, err))
		return false;
	plot->drawing.scripts = plot->home.plots;
	plot->drawing.folder = plot->folder;
	if (!draw_possible())
		return err_set(err, EXIT_IMPOSSIBLE,
			       "gnuplot is not installed; install gnuplot-nox");
	for (size_t i = 0; formats[i]; i++) {
		if (plot->format && strcmp(plot->format, formats[i]) != 0)
			continue;
		if (!draw_figure(&plot->drawing, name, formats[i], err))
			return false;
		printf("%s/%s.%s\n", plot->folder, name, formats[i]);
	}
	return true;
}

static void tell(const struct plot *plot)
{
	size_t charts = 0;

	for (size_t i = 0; plot->outcomes[i].figure; i++) {
		const struct outcome *outcome = &plot->outcomes[i];

		charts += outcome->format != NULL;
		if (!outcome->rows)
			printf("no %s: %s\n", outcome->figure->name, outcome->why);
	}
	printf("%s/index.html: %zu chart%s\n", plot->folder, charts, charts == 1 ? "" : "s");
}

static int run(int argc, char *argv[], struct err *err)
{
	struct plot *plot = calloc(1, sizeof(*plot));
	const char *own = NULL;
	bool made;

	if (!plot) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot plot: no memory");
		return err->code;
	}
	made = read_words(plot, argc, argv, err);
	if (made)
		own = find_own_table(plot);
	if (own) {
		made = make_own(plot, own, err);
	} else if (made) {
		made = make(plot, err);
		if (made)
			tell(plot);
	}
	findings_free(&plot->findings);
	free(plot);
	return made ? EXIT_DONE : (int)err->code;
}

const struct command command_plot = {
	.name = "plot",
	.arguments = "RESULT [-o DIR] [--format svg|png]",
	.summary = "charts of a result, and a page with them, its tables and a verdict",
	.params = params,
	.run = run,
};
