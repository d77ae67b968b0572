/* The tables of the page. Wide ones scroll in a region of their own that the keyboard can reach. */
#include "plots/tables.h"

#include "plots/arrange.h"
#include "plots/html.h"
#include "plots/words.h"

#include <math.h>
#include <string.h>

static void open_table(FILE *to, const char *id, const char *caption, const char *head)
{
	fprintf(to,
		"<div class=\"scroll\" role=\"region\" aria-labelledby=\"%s\" tabindex=\"0\">\n"
		"<table>\n<caption id=\"%s\">%s</caption>\n<thead><tr>%s</tr></thead>\n",
		id, id, caption, head);
}

static void close_table(FILE *to)
{
	fputs("</table>\n</div>\n", to);
}

static void number_field(FILE *to, double value, const char *format)
{
	fputs("<td>", to);
	if (isnan(value))
		fputs("<span class=\"unknown\">unknown</span>", to);
	else
		fprintf(to, format, value);
	fputs("</td>", to);
}

static void rate_field(FILE *to, double value)
{
	fputs("<td>", to);
	if (isnan(value))
		fputs("<span class=\"unknown\">unknown</span>", to);
	else
		words_number(to, value);
	fputs("</td>", to);
}

static void interval_field(FILE *to, const struct estimate *estimate, double unit, int digits)
{
	if (isnan(estimate->low))
		fputs("<td><span class=\"unknown\">unknown</span></td>", to);
	else
		fprintf(to, "<td>%.*f to %.*f</td>", digits, estimate->low / unit, digits,
			estimate->high / unit);
}

static void cell_row(const struct findings *findings, const struct cell *cell, FILE *to)
{
	const struct series *series = &findings->series[cell->series];

	fprintf(to, "<tr><th scope=\"row\"><i class=\"slot slot%u\"></i>", series->slot);
	html_text(to, series->name);
	fprintf(to, "</th><td>%llu</td><td>%llu</td>", (unsigned long long)cell->workers,
		(unsigned long long)cell->n);
	number_field(to, cell->time_ns.median / 1e6, "%.3f");
	interval_field(to, &cell->time_ns, 1e6, 3);
	if (cell->compared) {
		number_field(to, cell->relative.median, "%.3f");
		interval_field(to, &cell->relative, 1, 3);
	} else {
		fputs("<td></td><td></td>", to);
	}
	rate_field(to, cell->voluntary_per_s);
	rate_field(to, cell->involuntary_per_s);
	rate_field(to, cell->futex_per_s);
	fputs("</tr>\n", to);
}

static void group_row(const struct findings *findings, size_t group, unsigned columns, FILE *to)
{
	fprintf(to, "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%u\"><span>",
		columns);
	html_text(to, findings->groups[group].name);
	fputs("</span></th></tr>\n", to);
}

void tables_cells(const struct findings *findings, FILE *to)
{
	if (findings->group_count == 0)
		return;
	open_table(to, "cells", "All cells with samples: time, and switches per second",
		   "<th scope=\"col\">series</th><th scope=\"col\">workers</th>"
		   "<th scope=\"col\">samples</th><th scope=\"col\">median, ms</th>"
		   "<th scope=\"col\">95 % interval, ms</th>"
		   "<th scope=\"col\">relative to sequential</th>"
		   "<th scope=\"col\">95 % interval</th><th scope=\"col\">voluntary /s</th>"
		   "<th scope=\"col\">involuntary /s</th><th scope=\"col\">futex calls /s</th>");
	for (size_t group = 0; group < findings->group_count; group++) {
		group_row(findings, group, 10, to);
		for (size_t series = 0; series < findings->series_count; series++) {
			for (size_t i = 0; i < findings->cell_count; i++) {
				const struct cell *cell = &findings->cells[i];

				if (cell->n && cell->group == group && cell->series == series)
					cell_row(findings, cell, to);
			}
		}
		fputs("</tbody>\n", to);
	}
	close_table(to);
}

static void latency_row(const struct findings *findings, const struct cell *cell, FILE *to)
{
	const struct series *series = &findings->series[cell->series];
	const struct latencies *latency = cell->latency;

	fprintf(to, "<tr><th scope=\"row\"><i class=\"slot slot%u\"></i>", series->slot);
	html_text(to, series->name);
	fprintf(to, "</th><td>%llu</td><td>%llu</td>", (unsigned long long)cell->workers,
		(unsigned long long)latency->n);
	number_field(to, (double)latency->tally.min / 1e6, "%.3f");
	number_field(to, latency->p50 / 1e6, "%.3f");
	number_field(to, latency->p90 / 1e6, "%.3f");
	number_field(to, latency->p99 / 1e6, "%.3f");
	if (isnan(latency->p999))
		fputs("<td>too few</td>", to);
	else
		number_field(to, latency->p999 / 1e6, "%.3f");
	number_field(to, (double)latency->tally.max / 1e6, "%.3f");
	fputs("<td>", to);
	html_text(to, latency->loop);
	fputs("</td></tr>\n", to);
}

static bool group_measures(const struct findings *findings, size_t group)
{
	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];

		if (cell->n && cell->latency && cell->group == group)
			return true;
	}
	return false;
}

static void latency_group(const struct findings *findings, size_t group, FILE *to)
{
	group_row(findings, group, 10, to);
	for (size_t series = 0; series < findings->series_count; series++) {
		for (size_t i = 0; i < findings->cell_count; i++) {
			const struct cell *cell = &findings->cells[i];

			if (cell->n && cell->latency && cell->group == group &&
			    cell->series == series)
				latency_row(findings, cell, to);
		}
	}
	fputs("</tbody>\n", to);
}

void tables_latency(const struct findings *findings, FILE *to)
{
	bool begun = false;

	for (size_t group = 0; group < findings->group_count; group++) {
		if (!group_measures(findings, group))
			continue;
		if (!begun)
			open_table(to, "latencies",
				   "Latencies in milliseconds, all samples together",
				   "<th scope=\"col\">series</th><th scope=\"col\">workers</th>"
				   "<th scope=\"col\">operations</th><th scope=\"col\">least</th>"
				   "<th scope=\"col\">50 %</th><th scope=\"col\">90 %</th>"
				   "<th scope=\"col\">99 %</th><th scope=\"col\">99.9 %</th>"
				   "<th scope=\"col\">most</th><th scope=\"col\">loop</th>");
		begun = true;
		latency_group(findings, group, to);
	}
	if (begun)
		close_table(to);
}

static size_t count_status(const struct findings *findings, const char *status)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->cell_count; i++)
		count += strcmp(findings->cells[i].status, status) == 0;
	return count;
}

static void list_status(const struct findings *findings, const char *status, FILE *to)
{
	fputs("<ul>\n", to);
	for (size_t i = 0; i < findings->cell_count; i++) {
		const struct cell *cell = &findings->cells[i];

		if (strcmp(cell->status, status) != 0)
			continue;
		fputs("<li><code>", to);
		html_text(to, cell->id);
		fputs("</code>", to);
		if (cell->reason) {
			fputs(": ", to);
			html_text(to, cell->reason);
		}
		fputs("</li>\n", to);
	}
	fputs("</ul>\n", to);
}

static void list_absent(const struct findings *findings, FILE *to)
{
	bool begun = false;

	for (size_t i = 0; i < findings->runtime_count; i++) {
		const struct runtime *runtime = &findings->runtimes[i];

		if (!runtime->reason)
			continue;
		if (!begun)
			fputs("<section class=\"alarm\" aria-labelledby=\"absent\">\n"
			      "<h2 id=\"absent\">Not measured</h2>\n<ul>\n",
			      to);
		begun = true;
		fputs("<li>There is no <code>", to);
		html_text(to, runtime->name);
		fputs("</code>: ", to);
		html_text(to, runtime->reason);
		fputs("</li>\n", to);
	}
	if (begun)
		fputs("</ul>\n</section>\n", to);
}

void tables_failed(const struct findings *findings, FILE *to)
{
	const size_t failed = count_status(findings, "failed");
	const size_t missing = count_status(findings, "missing");

	list_absent(findings, to);
	if (failed) {
		fprintf(to,
			"<section class=\"alarm\" aria-labelledby=\"failed\">\n"
			"<h2 id=\"failed\">%zu of %zu cells failed</h2>\n",
			failed, findings->cell_count);
		list_status(findings, "failed", to);
		fputs("</section>\n", to);
	}
	if (findings->partial || missing) {
		fputs("<section class=\"alarm\" aria-labelledby=\"partial\">\n"
		      "<h2 id=\"partial\">This result is not complete</h2>\n<p>",
		      to);
		fputs("The run ended early", to);
		if (findings->partial_reason) {
			fputs(": ", to);
			html_text(to, findings->partial_reason);
		}
		fprintf(to, ". %zu of %zu cells were not reached.</p>\n", missing,
			findings->cell_count);
		if (missing)
			list_status(findings, "missing", to);
		fputs("</section>\n", to);
	}
}

void tables_counters(const struct findings *findings, FILE *to)
{
	bool unknown = false;

	for (size_t i = 0; i < findings->counter_count; i++) {
		const struct counter *counter = &findings->counters[i];

		if (counter->source)
			continue;
		if (!unknown)
			fputs("<h3>Not counted, and why</h3>\n<ul>\n", to);
		unknown = true;
		fputs("<li><code>", to);
		html_text(to, counter->name);
		fputs("</code>: ", to);
		html_text(to, counter->reason ? counter->reason : "no reason is given");
		fputs("</li>\n", to);
	}
	if (unknown)
		fputs("</ul>\n", to);
}

static void fact(FILE *to, const char *name, const char *value)
{
	fprintf(to, "<dt>%s</dt><dd>", name);
	if (value)
		html_text(to, value);
	else
		fputs("<span class=\"unknown\">unknown</span>", to);
	fputs("</dd>\n", to);
}

void tables_machine(const struct findings *findings, FILE *to)
{
	char cpus[32];

	snprintf(cpus, sizeof(cpus), "%.0f", findings->cpus_allowed);
	fputs("<dl>\n", to);
	fact(to, "processor", findings->cpu_model);
	fact(to, "architecture", findings->architecture);
	fact(to, "CPUs allowed", isnan(findings->cpus_allowed) ? NULL : cpus);
	fact(to, "virtualization", findings->virtualization);
	fact(to, "frequency governor", findings->governor);
	fact(to, "kernel", findings->kernel);
	fact(to, "C library", findings->libc);
	fact(to, "distribution", findings->distribution);
	fact(to, "gilscope", findings->version);
	fact(to, "revision", findings->revision);
	fact(to, "compiler", findings->compiler);
	fact(to, "build", findings->buildtype);
	fact(to, "sanitizers", findings->sanitize);
	for (size_t i = 0; i < findings->runtime_count; i++) {
		const struct runtime *runtime = &findings->runtimes[i];

		if (!runtime->reason)
			fact(to, runtime->name, runtime->version);
	}
	fact(to, "run", findings->run_id);
	fact(to, "order of the samples", findings->order);
	fputs("</dl>\n", to);
}
