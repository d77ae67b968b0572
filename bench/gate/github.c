/* What GitHub shows of a gate: the summary of a step, in its Markdown, and annotations, by workflow
 * commands on the standard output. */
#include "bench/gate/figures.h"
#include "bench/gate/show.h"
#include "bench/gate/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a kind in a step GitHub shows no more. */
#define ANNOTATIONS 10

/* In a table, too, nothing of the text is more than text. */
static void put_markdown(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", to);
		else if (*text == '>')
			fputs("&gt;", to);
		else if (*text == '&')
			fputs("&amp;", to);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fputc(' ', to);
		else if (strchr("\\`*_[]#|~$@!", *text))
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void put_figure(FILE *to, const char *text)
{
	fputs(" | ", to);
	put_markdown(to, text);
}

static void put_row(const struct gate *gate, const struct gate_cell *cell, enum metric_id id,
		    FILE *to)
{
	const struct judgement *judgement = &cell->judgements[id];
	const struct metric *metric = &gate->metrics[id];
	char figure[FIGURE];

	fprintf(to, "| %s", verdict_name(judgement->verdict));
	put_figure(to, cell->id);
	put_figure(to, metric->name);
	for (enum side side = BASELINE; side < SIDES; side++) {
		figure_value(metric, judgement->known ? judgement->median[side] : NAN, figure);
		put_figure(to, figure);
	}
	figure_change(metric, judgement, figure);
	put_figure(to, judgement->known ? figure : "-");
	figure_interval(judgement->effect.ci99, figure);
	put_figure(to, judgement->known ? figure : "-");
	figure_allowed(metric, figure);
	put_figure(to, figure);
	figure_pairs(judgement, figure);
	put_figure(to, figure);
	fputs(" |\n", to);
}

static void put_table(const struct gate *gate, FILE *to)
{
	fputs("| verdict | cell | metric | baseline | candidate | change | 99 % interval | allowed "
	      "| pairs |\n"
	      "|---|---|---|--:|--:|--:|--:|--:|--:|\n",
	      to);
	for (size_t i = 0; i < gate->count; i++) {
		const struct gate_cell *cell = &gate->cells[i];
		bool any = false;

		for (enum metric_id m = 0; m < METRICS; m++) {
			if (!words_is_row(&cell->judgements[m]))
				continue;
			put_row(gate, cell, m, to);
			any = true;
		}
		if (any)
			continue;
		fprintf(to, "| %s", verdict_name(cell->verdict));
		put_figure(to, cell->id);
		fputs(" | | | | | | | |\n", to);
	}
}

/* Why the cells did not pass, and what would decide those that are not decided. */
static void put_reasons(const struct gate *gate, FILE *to)
{
	char text[SENTENCE];

	for (size_t i = 0; i < gate->count; i++) {
		const struct gate_cell *cell = &gate->cells[i];

		if (cell->verdict == VERDICT_PASS)
			continue;
		fprintf(to, "\n- **%s** ", verdict_name(cell->verdict));
		put_markdown(to, cell->id);
		fputs(": ", to);
		words_cell(gate, cell, text);
		put_markdown(to, text);
		words_help(gate, cell, text);
		if (cell->verdict != VERDICT_INCONCLUSIVE || !text[0])
			continue;
		fputs("; ", to);
		put_markdown(to, text);
	}
	fputc('\n', to);
}

static void put_item(FILE *to, const char *name, const char *text)
{
	if (!text[0])
		return;
	fprintf(to, "- %s: ", name);
	put_markdown(to, text);
	fputc('\n', to);
}

static void put_details(const struct gate *gate, FILE *to)
{
	char text[SENTENCE], line[256];
	size_t used;

	fputs("\n<details><summary>How it was measured</summary>\n\n", to);
	words_side(&gate->side[BASELINE], text);
	put_item(to, "baseline", text);
	words_side(&gate->side[CANDIDATE], text);
	put_item(to, "candidate", text);
	machine_line(&gate->machine, line, sizeof(line));
	put_item(to, "machine", line);
	words_warning(gate, text);
	put_item(to, "warning", text);
	words_run(gate, text);
	put_item(to, "run", text);
	words_false_alarm(gate, text);
	put_item(to, "false alarms", text);
	words_exit(gate, text);
	put_item(to, "exit status", text);
	used = (size_t)snprintf(text, sizeof(text), "gilscope");
	for (int i = 0; i < gate->argc && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", gate->argv[i]);
	put_item(to, "command", text);
	fputs("\n</details>\n", to);
}

void gate_summary_md(const void *subject, FILE *to)
{
	const struct gate *gate = subject;
	char text[SENTENCE];

	fprintf(to, "### gilscope gate: %s\n\n", verdict_name(gate->verdict));
	words_headline(gate, text);
	put_markdown(to, text);
	fputs("\n\n", to);
	if (gate->injected) {
		fputs("Made worse on purpose: ", to);
		put_markdown(to, gate->injected);
		fputs("\n\n", to);
	}
	if (gate->count > 0) {
		put_table(gate, to);
		put_reasons(gate, to);
	}
	put_details(gate, to);
}

bool gate_append_summary(const struct gate *gate, const char *path, struct err *err)
{
	FILE *to = fopen(path, "ae");
	bool written;

	if (!to)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot append the summary to '%s': %s", path,
			       strerror(errno));
	gate_summary_md(gate, to);
	written = !ferror(to);
	errno = 0;
	/* The last part goes out here: the disk may be full only now. */
	written &= fclose(to) == 0;
	return written || err_set(err, EXIT_IMPOSSIBLE, "cannot append the summary to '%s': %s",
				  path, strerror(errno));
}

/* As GitHub's own toolkit escapes: a line is a command, and a property ends at a comma or colon. */
static void put_escaped(FILE *to, const char *text, bool property)
{
	for (; *text; text++) {
		const bool ends = property && (*text == ':' || *text == ',');

		if (*text == '%' || *text == '\r' || *text == '\n' || ends)
			fprintf(to, "%%%02X", (unsigned)*text);
		else
			fputc(*text, to);
	}
}

static void annotate(FILE *to, const char *kind, const char *title, const char *message)
{
	fprintf(to, "::%s title=", kind);
	put_escaped(to, title, true);
	fputs("::", to);
	put_escaped(to, message, false);
	fputc('\n', to);
}

/* A gate that is not passed is an error of the job, however the cell is called. */
static const char *kind_of(const struct gate *gate, enum verdict verdict)
{
	if (verdict == VERDICT_INCONCLUSIVE)
		return gate->exit_status == GATE_EXIT_FAIL && gate->verdict == verdict ? "error" :
											 "warning";
	return verdict > VERDICT_INCONCLUSIVE ? "error" : "notice";
}

static void annotate_cell(const struct gate *gate, const struct gate_cell *cell, FILE *to)
{
	char title[256], text[SENTENCE];

	words_cell(gate, cell, text);
	snprintf(title, sizeof(title), "%s: %s", verdict_name(cell->verdict), cell->id);
	annotate(to, kind_of(gate, cell->verdict), title, text);
}

void gate_annotate(const struct gate *gate, FILE *to)
{
	char title[256], text[SENTENCE];
	size_t told = 0;

	words_headline(gate, text);
	snprintf(title, sizeof(title), "gilscope gate: %s", verdict_name(gate->verdict));
	annotate(to, kind_of(gate, gate->verdict), title, text);
	words_warning(gate, text);
	if (text[0]) {
		annotate(to, "warning", "gilscope gate", text);
		told++;
	}
	/* The headline is one, and has the first of them. */
	for (int verdict = VERDICT_FAIL; verdict >= VERDICT_SKIPPED; verdict--) {
		for (size_t i = 0; i < gate->count && told < ANNOTATIONS - 1; i++) {
			const struct gate_cell *cell = &gate->cells[i];

			if ((int)cell->verdict != verdict || verdict == VERDICT_PASS ||
			    cell == words_decisive_cell(gate))
				continue;
			annotate_cell(gate, cell, to);
			told++;
		}
	}
}

/* A line of what a program may have had a part in. The runner takes "::" for a command where a line
 * begins, behind blanks, too, and "##[" anywhere. In JSON that can stand in texts alone. */
static void put_harmless(const char *line, bool json, FILE *to)
{
	const size_t blanks = strspn(line, " \t");

	fprintf(to, "%.*s", (int)blanks, line);
	line += blanks;
	if (strncmp(line, "::", 2) == 0) {
		fputs(": ", to);
		line++;
	}
	for (; *line; line++) {
		if (strncmp(line, "##[", 3) == 0) {
			fputs(json ? "##\\u005b" : "## [", to);
			line += 2;
		} else {
			fputc(*line, to);
		}
	}
}

bool gate_print_log(const struct gate *gate, bool json, FILE *to)
{
	char *text = NULL, *rest, *line;
	size_t length;
	FILE *memory = open_memstream(&text, &length);

	if (!memory)
		return false;
	if (json)
		gate_verdict_json(gate, memory);
	else
		gate_print(gate, memory);
	if (fclose(memory) != 0) {
		free(text);
		return false;
	}
	for (rest = text; (line = strsep(&rest, "\n"));) {
		put_harmless(line, json, to);
		if (rest)
			fputc('\n', to);
	}
	free(text);
	return true;
}
