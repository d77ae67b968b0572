/* Go's benchmark text (golang.org/design/14313-benchmark-format), for benchstat. An operation is
 * one run of the cell's whole work, and a line is a sample. What differs between two results of one
 * machine - revision, time - stands in lines that are no configuration: benchstat would put the two
 * into tables of their own. */
#include "bench/stored/stored.h"
#include "command/format.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* benchstat makes seconds of "ns", and knows what a time is by it. */
static const char *const units[QUANTITIES] = {
	[QUANTITY_TIME] = "ns/op",
	[QUANTITY_WALL] = "wall-ns/op",
	[QUANTITY_CPU] = "cpu-ns/op",
	[QUANTITY_TAKES] = "takes/op",
	[QUANTITY_CONTENDED] = "contended/op",
	[QUANTITY_FORCED] = "forced/op",
	[QUANTITY_SWITCHES] = "switches/op",
	[QUANTITY_VOLUNTARY] = "voluntary/op",
	[QUANTITY_INVOLUNTARY] = "involuntary/op",
	[QUANTITY_FUTEX] = "futex/op",
	[QUANTITY_P50] = "p50-ns",
	[QUANTITY_P90] = "p90-ns",
	[QUANTITY_P99] = "p99-ns",
	[QUANTITY_P999] = "p999-ns",
	[QUANTITY_MAX] = "max-ns",
};

/* A name ends at the first blank. */
static void put_word(FILE *to, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text <= ' ' || *text == 0x7f ? '_' : *text, to);
}

static void put_line(FILE *to, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(to, "%s", key);
	for (; *value; value++)
		fputc((unsigned char)*value < ' ' || *value == 0x7f ? ' ' : *value, to);
	fputc('\n', to);
}

static const char *go_architecture(const char *ours)
{
	static const char *const names[][2] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "i686", "386" },
	};

	for (size_t i = 0; ours && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(ours, names[i][0]) == 0)
			return names[i][1];
	}
	return ours;
}

/* What the cell's id has behind workload, mode and workers: the options it was given. */
static const char *options_of(const char *id)
{
	for (int i = 0; i < 3 && id; i++)
		id = strchr(id + (i > 0), '/');
	return id ? id : "";
}

static void put_part(FILE *to, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(to, "/%s=", name);
	put_word(to, value);
}

static void put_name(FILE *to, const struct cell *cell, double cpus)
{
	/* Of a pair of commands no workload is known. */
	const char *workload = cell->workload && cell->workload[0] ? cell->workload : "command";

	fprintf(to, "Benchmark%c", toupper((unsigned char)workload[0]));
	put_word(to, workload + 1);
	put_part(to, "runtime", cell->runtime);
	put_part(to, "mode", cell->mode);
	put_part(to, "gil", cell->gil);
	if (cell->workers)
		fprintf(to, "/workers=%llu", (unsigned long long)cell->workers);
	put_word(to, options_of(cell->id));
	/* Another size is other work, and not to be compared. */
	if (cell->size)
		fprintf(to, "/size=%llu", (unsigned long long)cell->size);
	if (cpus > 0)
		fprintf(to, "-%.0f", cpus);
}

/* The quantities that have n values, on one line for each sample: of all such but futex calls there
 * are as many as there are times. */
static void put_samples(FILE *to, const struct cell *cell, const struct samples *samples, size_t n,
			double cpus)
{
	for (size_t i = 0; i < n; i++) {
		put_name(to, cell, cpus);
		fputs("\t1", to);
		for (size_t id = 0; id < QUANTITIES; id++) {
			if (samples->of[id].n == n)
				fprintf(to, "\t%.12g %s", samples->of[id].values[i], units[id]);
		}
		fputc('\n', to);
	}
}

static void put_head(FILE *to, const struct stored *stored)
{
	const struct findings *findings = &stored->findings;

	put_line(to, "# run ", findings->run_id);
	put_line(to, "# revision ", findings->revision);
	put_line(to, "# compiler ", findings->compiler);
	put_line(to, "goos: ", "linux");
	put_line(to, "goarch: ", go_architecture(findings->architecture));
	put_line(to, "pkg: ", "gilscope");
	put_line(to, "cpu: ", findings->cpu_model);
	for (size_t id = QUANTITY_WALL; id < QUANTITIES; id++)
		fprintf(to, "Unit %s better=lower\n", units[id]);
}

static bool result(const struct stored *stored, FILE *to, struct err *err)
{
	const double cpus = stored->findings.cpus_allowed;

	(void)err;
	put_head(to, stored);
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		const struct samples *samples = &stored->samples[i];
		const size_t n = samples->of[QUANTITY_TIME].n;
		const size_t counted = samples->of[QUANTITY_FUTEX].n;

		put_samples(to, &stored->findings.cells[i], samples, n, cpus);
		if (n > 0 && counted != n)
			put_samples(to, &stored->findings.cells[i], samples, counted, cpus);
	}
	return true;
}

const struct format format_gobench = {
	.name = "gobench",
	.summary = "Go's benchmark text, for benchstat",
	.result = result,
};
