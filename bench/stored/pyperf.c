/* The JSON of Python's pyperf, version 1.0: one run per sample, in seconds. Its metadata has
 * pyperf's names where pyperf has one; it takes neither null nor an empty text, so what is not
 * known is not there. A start of each run is not known, and the one of all would give them a wrong
 * end. */
#include "base/emit.h"
#include "bench/stored/stored.h"
#include "command/format.h"

#include <string.h>

static void put_text(struct emit *emit, const char *name, const char *text)
{
	if (text && text[0])
		emit_string(emit, name, text);
}

static void put_host(struct emit *emit, const json_t *host)
{
	static const char *const whole[][2] = {
		{ "cpu_count", "cpus_online" },
	};
	static const char *const texts[][2] = {
		{ "cpu_model_name", "cpu_model" },
		{ "cpu_affinity", "cpus_list" },
		{ "cpu_machine", "architecture" },
		{ "platform", "kernel" },
		{ "libc", "libc" },
		{ "clocksource", "clocksource" },
		{ "virtualization", "virtualization" },
		{ "machine_fingerprint", "fingerprint" },
	};
	const json_t *aslr = json_object_get(host, "aslr");
	const json_t *load = json_object_get(host, "load_average");

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		const json_t *value = json_object_get(host, whole[i][1]);

		if (json_is_integer(value))
			emit_i64(emit, whole[i][0], json_integer_value(value));
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(emit, texts[i][0], json_string_value(json_object_get(host, texts[i][1])));
	if (json_is_integer(aslr))
		emit_string(emit, "aslr",
			    json_integer_value(aslr) == 2 ? "Full randomization" :
			    json_integer_value(aslr) == 1 ? "Conservative randomization" :
							    "No randomization");
	if (json_is_number(load) && json_number_value(load) >= 0)
		emit_double(emit, "load_avg_1min", json_number_value(load));
}

static void put_common(struct emit *emit, const struct stored *stored)
{
	const struct findings *findings = &stored->findings;

	emit_open(emit, "metadata", '{');
	emit_string(emit, "unit", "second");
	emit_u64(emit, "loops", 1);
	put_text(emit, "timer", "clock_gettime(CLOCK_MONOTONIC)");
	put_text(emit, "gilscope_version", findings->version);
	put_text(emit, "gilscope_revision", findings->revision);
	put_text(emit, "gilscope_compiler", findings->compiler);
	put_text(emit, "gilscope_buildtype", findings->buildtype);
	put_text(emit, "gilscope_run", findings->run_id);
	put_text(emit, "gilscope_started", findings->started_utc);
	put_host(emit, stored->host);
	emit_close(emit, '}');
}

static void put_run(struct emit *emit, const struct samples *samples, size_t i)
{
	emit_open(emit, NULL, '{');
	emit_open(emit, "metadata", '{');
	if (samples->of[QUANTITY_WALL].n)
		emit_double(emit, "duration", samples->of[QUANTITY_WALL].values[i] / 1e9);
	emit_close(emit, '}');
	emit_open(emit, "values", '[');
	emit_double(emit, NULL, samples->of[QUANTITY_TIME].values[i] / 1e9);
	emit_close(emit, ']');
	emit_close(emit, '}');
}

static void put_cell(struct emit *emit, const struct cell *cell, const struct samples *samples)
{
	emit_open(emit, NULL, '{');
	emit_open(emit, "metadata", '{');
	emit_string(emit, "name", cell->id);
	/* compare_to has a mean of each tag. */
	if (cell->workload && cell->mode) {
		emit_open(emit, "tags", '[');
		emit_string(emit, NULL, cell->workload);
		emit_string(emit, NULL, cell->gil ? cell->gil : cell->mode);
		emit_close(emit, ']');
	}
	if (cell->workers)
		emit_u64(emit, "workers", cell->workers);
	if (cell->size)
		emit_u64(emit, "size", cell->size);
	put_text(emit, "checksum", cell->checksum);
	emit_close(emit, '}');
	emit_open(emit, "runs", '[');
	for (size_t i = 0; i < samples->of[QUANTITY_TIME].n; i++)
		put_run(emit, samples, i);
	emit_close(emit, ']');
	emit_close(emit, '}');
}

static bool result(const struct stored *stored, FILE *to, struct err *err)
{
	struct emit emit;

	(void)err;
	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "version", "1.0");
	put_common(&emit, stored);
	emit_open(&emit, "benchmarks", '[');
	for (size_t i = 0; i < stored->findings.cell_count; i++) {
		if (stored_has(stored, i))
			put_cell(&emit, &stored->findings.cells[i], &stored->samples[i]);
	}
	emit_close(&emit, ']');
	emit_close(&emit, '}');
	return true;
}

const struct format format_pyperf = {
	.name = "pyperf",
	.summary = "JSON for Python's pyperf: stats, hist, check, compare_to",
	.result = result,
};
