/* result.json, field by field as results/README.md has it. */
#include "bench/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void result_interval(struct emit *emit, const char *name, struct interval interval)
{
	if (!interval.known) {
		emit_null(emit, name);
		return;
	}
	emit_open(emit, name, '[');
	emit_double(emit, NULL, interval.low);
	emit_double(emit, NULL, interval.high);
	emit_close(emit, ']');
}

/* Negative is unknown. */
static void put_known(struct emit *emit, const char *name, int64_t value)
{
	if (value < 0)
		emit_null(emit, name);
	else
		emit_u64(emit, name, (uint64_t)value);
}

/* A part of the workload's own line, as it is. */
static void put_part(struct emit *emit, const char *name, const json_t *line, const char *part)
{
	char *text = json_dumps(json_object_get(line, part), JSON_COMPACT | JSON_ENCODE_ANY);

	if (text)
		emit_raw(emit, name, text);
	else
		emit_null(emit, name);
	free(text);
}

static uint64_t time_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void put_usage(struct emit *emit, const struct rusage *usage)
{
	emit_u64(emit, "user_ns", time_ns(usage->ru_utime));
	emit_u64(emit, "sys_ns", time_ns(usage->ru_stime));
	emit_u64(emit, "maxrss_bytes", (uint64_t)usage->ru_maxrss * 1024);
	emit_u64(emit, "nvcsw", (uint64_t)usage->ru_nvcsw);
	emit_u64(emit, "nivcsw", (uint64_t)usage->ru_nivcsw);
	emit_u64(emit, "minflt", (uint64_t)usage->ru_minflt);
	emit_u64(emit, "majflt", (uint64_t)usage->ru_majflt);
}

static void put_counters(struct emit *emit, const struct counters *counters,
			 const struct sample *sample)
{
	emit_open(emit, "counters", '{');
	for (size_t i = 0; i < counters->count; i++) {
		const struct counter_value *value = &sample->counters[i];

		emit_open(emit, counters->row[i].name, '{');
		if (value->known) {
			emit_u64(emit, "value", value->value);
			emit_double(emit, "running", value->running);
		} else {
			emit_null(emit, "value");
			emit_null(emit, "running");
		}
		emit_close(emit, '}');
	}
	emit_close(emit, '}');
}

static void put_sample(struct emit *emit, const struct result *result, const struct sample *sample)
{
	emit_open(emit, NULL, '{');
	emit_u64(emit, "seq", sample->seq);
	emit_u64(emit, "round", sample->round);
	emit_u64(emit, "elapsed_ns", sample->elapsed_ns);
	emit_u64(emit, "wall_ns", sample->wall_ns);
	put_usage(emit, &sample->usage);
	put_part(emit, "workers", sample->line, "per_worker");
	put_part(emit, "gil", sample->line, "gil_counts");
	put_part(emit, "latency", sample->line, "latency");
	put_part(emit, "counts", sample->line, "counts");
	put_part(emit, "notes", sample->line, "notes");
	put_part(emit, "pool", sample->line, "pool");
	put_part(emit, "loop", sample->line, "loop");
	put_counters(emit, result->counters, sample);
	put_known(emit, "psi_cpu_ns", sample->disturbance.psi_cpu_ns);
	put_known(emit, "steal_ns", sample->disturbance.steal_ns);
	put_known(emit, "throttled_ns", sample->disturbance.throttled_ns);
	emit_close(emit, '}');
}

static void put_samples(struct emit *emit, const char *name, const struct result *result,
			const struct sample *samples, size_t count)
{
	emit_open(emit, name, '[');
	for (size_t i = 0; i < count; i++)
		put_sample(emit, result, &samples[i]);
	emit_close(emit, ']');
}

static void put_latency(struct emit *emit, const struct cell *cell)
{
	const struct histogram *all = cell->latency;

	if (!all || all->n == 0 || cell->count == 0) {
		emit_null(emit, "latency");
		return;
	}
	emit_open(emit, "latency", '{');
	put_part(emit, "loop", json_object_get(cell->samples[0].line, "latency"), "loop");
	emit_string(emit, "unit", "ns");
	histogram_emit(all, emit);
	emit_close(emit, '}');
}

static void put_relative(struct emit *emit, const struct summary *summary)
{
	if (!summary->reference) {
		emit_null(emit, "relative");
		return;
	}
	emit_open(emit, "relative", '{');
	emit_string(emit, "to", summary->reference->id);
	emit_double(emit, "median", summary->relative);
	result_interval(emit, "ci95", summary->relative_ci95);
	emit_close(emit, '}');
}

static void put_counts(struct emit *emit, const struct summary *summary)
{
	emit_open(emit, "counts", '{');
	for (size_t i = 0; i < summary->own_count; i++) {
		const struct own_count *own = &summary->own[i];

		if (own->n == 0) {
			emit_null(emit, own->name);
			continue;
		}
		emit_open(emit, own->name, '{');
		emit_u64(emit, "n", own->n);
		emit_double(emit, "median", own->median);
		emit_double(emit, "min", own->min);
		emit_double(emit, "max", own->max);
		emit_close(emit, '}');
	}
	emit_close(emit, '}');
}

static void put_notes(struct emit *emit, const struct cell *cell)
{
	const char *notes[RESULT_NOTES];
	const size_t count = cell_notes(cell, notes, RESULT_NOTES);

	emit_open(emit, "notes", '[');
	for (size_t i = 0; i < count; i++)
		emit_string(emit, NULL, notes[i]);
	emit_close(emit, ']');
}

static void put_summary(struct emit *emit, const struct result *result, const struct cell *cell)
{
	const struct summary *summary = &cell->summary;

	if (summary->n == 0) {
		emit_null(emit, "summary");
		return;
	}
	emit_open(emit, "summary", '{');
	emit_u64(emit, "n", summary->n);
	emit_double(emit, "median_ns", summary->median);
	result_interval(emit, "ci95", summary->ci95);
	emit_double(emit, "min_ns", summary->min);
	emit_double(emit, "p90_ns", summary->p90);
	emit_double(emit, "mad_ns", summary->mad);
	emit_double(emit, "cpu_ns", summary->cpu);
	emit_double(emit, "workers_cpu_ns", summary->workers_cpu);
	emit_double(emit, "nvcsw", summary->nvcsw);
	emit_double(emit, "nivcsw", summary->nivcsw);
	emit_double(emit, "units_per_s", summary->units_per_s);
	put_relative(emit, summary);
	emit_double(emit, "counted_ns", summary->counted_ns < 0 ? NAN : summary->counted_ns);
	emit_open(emit, "counters", '{');
	for (size_t i = 0; i < result->counters->count; i++) {
		const double median = summary->counters[i];

		emit_double(emit, result->counters->row[i].name, median < 0 ? NAN : median);
	}
	emit_close(emit, '}');
	put_counts(emit, summary);
	emit_close(emit, '}');
}

static void put_params(struct emit *emit, const struct cell *cell)
{
	if (cell->count > 0) {
		put_part(emit, "params", cell->samples[0].line, "params");
		return;
	}
	emit_open(emit, "params", '{');
	for (size_t i = 0; i < cell->setting_count; i++)
		emit_string(emit, cell->settings[i].name, cell->settings[i].value);
	emit_close(emit, '}');
}

static void put_each_calls(struct emit *emit, const char *name, const struct cell *cell, bool futex)
{
	emit_open(emit, name, '[');
	for (size_t i = 0; i < cell->traced_count; i++)
		emit_u64(emit, NULL, futex ? cell->traced[i].futex : cell->traced[i].syscalls);
	emit_close(emit, ']');
}

/* What was not asked for is null; what was and is not known has the reason. */
static void put_traced(struct emit *emit, const struct cell *cell)
{
	if (cell->traced_count == 0 && !cell->traced_reason[0]) {
		emit_null(emit, "traced");
		return;
	}
	emit_open(emit, "traced", '{');
	if (cell->traced_count > 0) {
		put_each_calls(emit, "syscalls", cell, false);
		put_each_calls(emit, "futex", cell, true);
	} else {
		emit_null(emit, "syscalls");
		emit_null(emit, "futex");
	}
	emit_string(emit, "reason", cell->traced_reason[0] ? cell->traced_reason : NULL);
	emit_close(emit, '}');
}

static void put_cell(struct emit *emit, const struct result *result, const struct cell *cell)
{
	emit_open(emit, NULL, '{');
	emit_string(emit, "id", cell->id);
	emit_string(emit, "runtime", cell_runtime(cell));
	emit_string(emit, "workload", cell->workload);
	emit_string(emit, "mode", cell->mode);
	emit_string(emit, "gil", cell->gil[0] ? cell->gil : NULL);
	emit_u64(emit, "workers", cell->workers);
	emit_u64(emit, "size", cell->size);
	put_params(emit, cell);
	emit_string(emit, "status", cell_status_name(cell));
	emit_string(emit, "reason", cell->reason[0] ? cell->reason : NULL);
	emit_string(emit, "checksum", cell->checksum[0] ? cell->checksum : NULL);
	put_summary(emit, result, cell);
	put_latency(emit, cell);
	put_notes(emit, cell);
	put_samples(emit, "samples", result, cell->samples, cell->count);
	put_samples(emit, "counted", result, cell->counted, cell->counted_count);
	put_traced(emit, cell);
	emit_close(emit, '}');
}

static void put_run(struct emit *emit, const struct result *result)
{
	char started[32], id[64];
	struct tm utc;

	gmtime_r(&result->started, &utc);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(id, sizeof(id), "%s-%s", started, result->machine.fingerprint);
	emit_open(emit, "run", '{');
	emit_string(emit, "id", id);
	emit_string(emit, "started_utc", started);
	emit_u64(emit, "duration_ns", result->duration_ns);
	emit_open(emit, "command", '[');
	emit_string(emit, NULL, "gilscope");
	for (int i = 0; i < result->argc; i++)
		emit_string(emit, NULL, result->argv[i]);
	emit_close(emit, ']');
	emit_u64(emit, "seed", result->seed);
	emit_string(emit, "order",
		    "every round takes each cell once, in a seeded random order, "
		    "cells that are compared side by side");
	emit_u64(emit, "runs", result->runs);
	emit_u64(emit, "warmup", result->warmup);
	emit_u64(emit, "traced", result->traced);
	emit_string(emit, "pin", result->pin);
	emit_string(emit, "clock", "CLOCK_MONOTONIC");
	emit_string(emit, "clocksource",
		    result->machine.clocksource[0] ? result->machine.clocksource : NULL);
	put_known(emit, "psi_cpu_ns", result->disturbance.psi_cpu_ns);
	put_known(emit, "steal_ns", result->disturbance.steal_ns);
	put_known(emit, "throttled_ns", result->disturbance.throttled_ns);
	emit_close(emit, '}');
}

/* A bare tick can be longer than one of an interpreter that compiles. */
static void warn_likeness(struct emit *emit, const struct calibration *found)
{
	const struct likeness *like = &found->like;
	char text[160];

	if (!like->runtime || !like->ci95.known ||
	    (like->ci95.low < 1.05 && like->ci95.high > 0.95))
		return;
	snprintf(text, sizeof(text), "%s is not like %s's %s: it takes %.2f times as long",
		 found->workload, like->runtime, like->workload, like->ratio);
	emit_string(emit, NULL, text);
}

static void put_warnings(struct emit *emit, const struct result *result)
{
	char warnings[MACHINE_WARNINGS][160];
	const size_t count = machine_warnings(&result->machine, warnings);
	unsigned most = 0;

	for (size_t i = 0; i < result->matrix->count; i++)
		most = result->matrix->cells[i].workers > most ? result->matrix->cells[i].workers :
								 most;
	emit_open(emit, "warnings", '[');
	for (size_t i = 0; i < count; i++)
		emit_string(emit, NULL, warnings[i]);
	if ((long)most > result->machine.cpus_allowed)
		emit_string(emit, NULL, "some cells have more workers than there are CPUs");
	for (size_t i = 0; i < result->calibration_count; i++)
		warn_likeness(emit, &result->calibrations[i]);
	emit_close(emit, ']');
}

static void put_counter_list(struct emit *emit, const struct counters *counters)
{
	emit_open(emit, "counters", '[');
	for (size_t i = 0; i < counters->count; i++) {
		const struct counter *row = &counters->row[i];

		emit_open(emit, NULL, '{');
		emit_string(emit, "name", row->name);
		emit_string(emit, "source", counter_source_name(row->source));
		emit_string(emit, "reason", row->reason[0] ? row->reason : NULL);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

/* What it is, by which command, or why it is not here. */
static void put_runtime(struct emit *emit, struct runtime *runtime, const char *folder)
{
	const char *workload = "countdown", *name;
	const json_t *lacks = NULL;
	json_t *why;

	if (runtime->family && !runtime->reason[0])
		lacks = json_object_get(
			json_object_get(runtime_describe(runtime, folder, workload, NULL),
					"runtime"),
			"lacks");
	emit_open(emit, NULL, '{');
	emit_string(emit, "name", runtime->name);
	emit_string(emit, "version", runtime->version[0] ? runtime->version : NULL);
	if (runtime->words[0]) {
		emit_open(emit, "command", '[');
		for (size_t i = 0; runtime->words[i]; i++)
			emit_string(emit, NULL, runtime->words[i]);
		emit_close(emit, ']');
	} else {
		emit_null(emit, "command");
	}
	emit_open(emit, "lacks", '{');
	json_object_foreach((json_t *)lacks, name, why)
		emit_string(emit, name, json_string_value(why));
	emit_close(emit, '}');
	emit_string(emit, "reason", runtime->reason[0] ? runtime->reason : NULL);
	emit_close(emit, '}');
}

static void put_runtimes(struct emit *emit, const struct result *result)
{
	emit_open(emit, "runtimes", '[');
	for (size_t i = 0; i < result->runtimes->count; i++)
		put_runtime(emit, &result->runtimes->row[i], result->matrix->folder);
	emit_close(emit, ']');
}

static void put_likeness(struct emit *emit, const struct likeness *like)
{
	if (!like->runtime) {
		emit_null(emit, "like");
		return;
	}
	emit_open(emit, "like", '{');
	emit_string(emit, "runtime", like->runtime);
	emit_string(emit, "workload", like->workload);
	emit_u64(emit, "size", like->size);
	emit_double(emit, "interpreter_ns", like->interpreter_ns);
	emit_double(emit, "c_ns", like->c_ns);
	emit_double(emit, "ratio", like->ratio);
	result_interval(emit, "ci95", like->ci95);
	emit_close(emit, '}');
}

static void put_calibration(struct emit *emit, const struct result *result)
{
	emit_open(emit, "calibration", '[');
	for (size_t i = 0; i < result->calibration_count; i++) {
		const struct calibration *found = &result->calibrations[i];

		emit_open(emit, NULL, '{');
		emit_string(emit, "runtime", found->runtime);
		emit_string(emit, "workload", found->workload);
		emit_u64(emit, "size", found->size);
		if (strcmp(found->runtime, "c") == 0)
			emit_u64(emit, "tick_spins", found->tick_spins);
		else
			emit_null(emit, "tick_spins");
		emit_u64(emit, "target_ns", found->target_ns);
		if (found->elapsed_ns)
			emit_u64(emit, "elapsed_ns", found->elapsed_ns);
		else
			emit_null(emit, "elapsed_ns");
		put_likeness(emit, &found->like);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

void result_members(const struct result *result, struct emit *emit)
{
	emit_bool(emit, "partial", result->partial_reason != NULL);
	emit_string(emit, "partial_reason", result->partial_reason);
	put_run(emit, result);
	machine_json(&result->machine, emit, "host");
	machine_build_json(emit, "build");
	put_warnings(emit, result);
	put_counter_list(emit, result->counters);
	put_runtimes(emit, result);
	put_calibration(emit, result);
	emit_open(emit, "cells", '[');
	for (size_t i = 0; i < result->matrix->count; i++)
		put_cell(emit, result, &result->matrix->cells[i]);
	emit_close(emit, ']');
}

void result_json(const void *subject, FILE *to)
{
	struct emit emit;

	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "schema", "gilscope.result/1");
	result_members(subject, &emit);
	emit_close(&emit, '}');
}
