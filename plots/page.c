/* Writes the page: what went wrong first, then the verdict, the charts, the tables, the machine. */
#include "plots/page.h"

#include "plots/html.h"
#include "base/output.h"
#include "plots/tables.h"
#include "plots/verdict.h"
#include "plots/words.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool write_head(FILE *to, const char *plots, struct err *err)
{
	char sheet[PATH_MAX];
	bool copied;

	if (snprintf(sheet, sizeof(sheet), "%s/page.css", plots) >= PATH_MAX)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s': the name is too long",
			       sheet);
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n"
	      "<title>gilscope: what a global lock costs</title>\n<style>\n",
	      to);
	copied = html_copy(to, sheet, err);
	fputs("</style>\n</head>\n<body>\n", to);
	return copied;
}

/* What a sentence-writer says, to be freed; null: no memory. It is written to memory first: who
 * tells does not know of pages and does not escape. */
static char *hear(const struct findings *findings,
		  void (*tell)(const struct findings *findings, FILE *to), struct err *err)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (memory) {
		tell(findings, memory);
		if (fclose(memory) == 0)
			return text;
	}
	free(text);
	err_set(err, EXIT_IMPOSSIBLE, "cannot write the page: no memory");
	return NULL;
}

static bool write_told(const struct findings *findings, const struct figure *figure, FILE *to,
		       struct err *err)
{
	char *text = hear(findings, figure->tell, err);

	if (!text)
		return false;
	html_text(to, text);
	free(text);
	return true;
}

static bool write_verdict(const struct findings *findings, FILE *to, struct err *err)
{
	char *text = hear(findings, verdict_tell, err), *rest, *line;
	bool in_list = false;

	if (!text)
		return false;
	fputs("<section class=\"verdict\" aria-label=\"verdict\">\n", to);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const bool item = strncmp(line, "- ", 2) == 0;

		if (item != in_list)
			fputs(item ? "<ul>\n" : "</ul>\n", to);
		in_list = item;
		fputs(item ? "<li>" : "<p>", to);
		html_text(to, item ? line + 2 : line);
		fputs(item ? "</li>\n" : "</p>\n", to);
	}
	fputs(in_list ? "</ul>\n</section>\n" : "</section>\n", to);
	free(text);
	return true;
}

static bool write_summary(const struct findings *findings, FILE *to, struct err *err)
{
	fputs("<header>\n<h1>What a global lock costs</h1>\n<p class=\"run\">Measured by gilscope ",
	      to);
	html_text(to, findings->version);
	fputs(" (", to);
	html_text(to, findings->revision);
	fputs("), ", to);
	html_text(to, findings->started_utc);
	fputs("</p>\n</header>\n<main>\n", to);
	tables_failed(findings, to);
	return write_verdict(findings, to, err);
}

static bool write_picture(const struct findings *findings, const struct outcome *outcome,
			  const struct page_folders *folders, FILE *to, struct err *err)
{
	const char *name = outcome->figure->name, *format = outcome->format;
	char path[PATH_MAX];
	bool written;

	if (snprintf(path, sizeof(path), "%s/%s.%s", folders->to, name, format) >= PATH_MAX)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s': the name is too long",
			       path);
	fprintf(to,
		"<div class=\"chart\" role=\"region\" aria-labelledby=\"%s\" tabindex=\"0\">"
		"<img alt=\"Chart: ",
		name);
	if (!write_told(findings, outcome->figure, to, err))
		return false;
	fputs("\" src=\"", to);
	written = html_data_uri(to, path,
				strcmp(format, "svg") == 0 ? "image/svg+xml" : "image/png", err);
	fputs("\"></div>\n", to);
	return written;
}

static bool write_figure(const struct findings *findings, const struct outcome *outcome,
			 const struct page_folders *folders, FILE *to, struct err *err)
{
	const struct figure *figure = outcome->figure;

	fprintf(to, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", figure->name,
		figure->name, figure->title);
	if (outcome->rows) {
		fputs("<p>", to);
		if (!write_told(findings, figure, to, err))
			return false;
		fputs("</p>\n", to);
	}
	if (outcome->format && !write_picture(findings, outcome, folders, to, err))
		return false;
	if (outcome->why[0]) {
		fputs("<p class=\"absent\">There is no chart here: ", to);
		html_text(to, outcome->why);
		fputs(".</p>\n", to);
	}
	if (outcome->rows)
		fprintf(to,
			"<p class=\"source\">The numbers are in <a href=\"%s.tsv\">%s.tsv</a>."
			"</p>\n",
			figure->name, figure->name);
	fputs("</section>\n", to);
	return true;
}

static void write_warnings(const struct findings *findings, FILE *to)
{
	if (findings->warning_count == 0)
		return;
	fputs("<section class=\"warnings\" aria-labelledby=\"warnings\">\n"
	      "<h2 id=\"warnings\">What makes these numbers worth less</h2>\n<ul>\n",
	      to);
	for (size_t i = 0; i < findings->warning_count; i++) {
		fputs("<li>", to);
		html_text(to, findings->warnings[i]);
		fputs("</li>\n", to);
	}
	fputs("</ul>\n</section>\n", to);
}

static void write_method(const struct findings *findings, FILE *to)
{
	fputs("<section aria-labelledby=\"method\">\n<h2 id=\"method\">"
	      "How this was measured</h2>\n"
	      "<p>Each sample is a fresh process; ",
	      to);
	words_count(to, findings->runs);
	fputs(" of each cell were wanted, after ", to);
	words_count(to, findings->warmup);
	fputs(" not counted. A time is the median, with the exact 95 % interval that order "
	      "statistics give for any distribution; below six samples there is none. A ratio is "
	      "taken round by round to the sequential cell of the same workload, size and workers, "
	      "so that the machine's drift cancels. The run took ",
	      to);
	words_time(to, (double)findings->duration_ns);
	fputs(". Every raw sample is in <code>result.json</code>.</p>\n", to);
	tables_counters(findings, to);
	fputs("<h3>Machine and build</h3>\n", to);
	tables_machine(findings, to);
	fputs("</section>\n", to);
}

static bool write_body(const struct findings *findings, const struct outcome *outcomes,
		       const struct page_folders *folders, FILE *to, struct err *err)
{
	if (!write_head(to, folders->plots, err) || !write_summary(findings, to, err))
		return false;
	for (size_t i = 0; outcomes[i].figure; i++) {
		if (!write_figure(findings, &outcomes[i], folders, to, err))
			return false;
	}
	fputs("<section aria-labelledby=\"numbers\">\n<h2 id=\"numbers\">The numbers</h2>\n", to);
	tables_cells(findings, to);
	tables_latency(findings, to);
	fputs("</section>\n", to);
	write_warnings(findings, to);
	write_method(findings, to);
	fputs("</main>\n</body>\n</html>\n", to);
	return true;
}

bool page_write(const struct findings *findings, const struct outcome *outcomes,
		const struct page_folders *folders, struct err *err)
{
	struct output page;

	if (!output_open(&page, folders->to, "index", ".html", err))
		return false;
	if (write_body(findings, outcomes, folders, page.to, err))
		return output_close(&page, err);
	output_drop(&page);
	return false;
}
