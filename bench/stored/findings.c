/* Reads result.json. */
#include "bench/stored/findings.h"

#include "base/histogram.h"
#include "bench/stored/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FUTEX_COUNTER "syscalls:sys_enter_futex"

static bool no_memory(struct err *err)
{
	return err_set(err, EXIT_IMPOSSIBLE, "cannot hold the result: no memory");
}

/* A median of something that takes time, or a ratio of such: above 0, or it could not be drawn. */
static bool read_positive(const struct place *in, const char *name, double *to, struct err *err)
{
	const struct place at = read_member(in, name);

	if (!read_number(in, name, to, err))
		return false;
	return *to > 0 || read_wrong(&at, "is not above 0", err);
}

/* "ci95": [low, high] or null. */
static bool read_interval(const struct place *in, struct estimate *to, struct err *err)
{
	const struct place at = read_member(in, "ci95");
	bool null;

	to->low = to->high = NAN;
	if (!read_array(&at, &null, err) || null)
		return null;
	to->low = json_number_value(json_array_get(at.value, 0));
	to->high = json_number_value(json_array_get(at.value, 1));
	if (json_array_size(at.value) == 2 && to->low > 0 && to->low <= to->median &&
	    to->median <= to->high)
		return true;
	return read_wrong(&at, "is not two numbers around the median", err);
}

static bool read_relative(const struct place *in, struct cell *cell, struct err *err)
{
	const struct place at = read_member(in, "relative");
	bool null;

	if (!read_object(&at, &null, err) || null)
		return null;
	cell->compared = true;
	return read_positive(&at, "median", &cell->relative.median, err) &&
	       read_interval(&at, &cell->relative, err);
}

/* Counted in samples of their own, which are slower: the rate is theirs. */
static bool read_futex(const struct place *summary, struct cell *cell, struct err *err)
{
	const struct place counters = read_member(summary, "counters");
	double calls, counted_ns;

	if (!read_number_or_null(summary, "counted_ns", &counted_ns, err) ||
	    !read_object(&counters, NULL, err))
		return false;
	if (!json_object_get(counters.value, FUTEX_COUNTER))
		return true;
	if (!read_number_or_null(&counters, FUTEX_COUNTER, &calls, err))
		return false;
	cell->futex_per_s = calls / (isnan(counted_ns) ? cell->time_ns.median : counted_ns) * 1e9;
	return true;
}

static bool read_summary(const struct place *in, struct cell *cell, struct err *err)
{
	const struct place at = read_member(in, "summary");
	double voluntary, involuntary;
	bool null;

	cell->futex_per_s = NAN;
	if (!read_object(&at, &null, err) || null)
		return null;
	if (!read_count(&at, "n", &cell->n, err) || cell->n == 0)
		return cell->n == 0 && read_wrong(&at, "has no samples and is not null", err);
	if (!read_positive(&at, "median_ns", &cell->time_ns.median, err) ||
	    !read_interval(&at, &cell->time_ns, err) ||
	    !read_number_or_null(&at, "nvcsw", &voluntary, err) ||
	    !read_number_or_null(&at, "nivcsw", &involuntary, err))
		return false;
	cell->voluntary_per_s = voluntary / cell->time_ns.median * 1e9;
	cell->involuntary_per_s = involuntary / cell->time_ns.median * 1e9;
	return read_futex(&at, cell, err) && read_relative(&at, cell, err);
}

static bool read_bucket(const struct place *at, struct bucket *to, struct err *err)
{
	const json_t *bucket = json_array_get(at->value, 0), *count = json_array_get(at->value, 1);

	if (json_array_size(at->value) != 2 || !json_is_integer(bucket) ||
	    !json_is_integer(count) || json_integer_value(bucket) < 0 ||
	    json_integer_value(bucket) >= HISTOGRAM_BUCKETS || json_integer_value(count) < 1)
		return read_wrong(at, "is not a pair of bucket and count", err);
	to->bucket = (size_t)json_integer_value(bucket);
	to->count = (uint64_t)json_integer_value(count);
	return true;
}

static bool read_buckets(const struct place *in, struct tally *tally, struct err *err)
{
	const struct place at = read_member(in, "counts");
	uint64_t sum = 0;

	if (!read_array(&at, NULL, err))
		return false;
	tally->buckets = calloc(json_array_size(at.value) + 1, sizeof(*tally->buckets));
	if (!tally->buckets)
		return no_memory(err);
	for (; tally->count < json_array_size(at.value); tally->count++) {
		const struct place pair = read_element(&at, tally->count);
		struct bucket *bucket = &tally->buckets[tally->count];

		if (!read_bucket(&pair, bucket, err))
			return false;
		if (tally->count > 0 && bucket->bucket <= bucket[-1].bucket)
			return read_wrong(&pair, "is not above the bucket before it", err);
		sum += bucket->count;
	}
	return sum == tally->n || read_wrong(&at, "does not add up to n", err);
}

static bool read_latency(const struct place *in, struct cell *cell, struct err *err)
{
	const struct place at = read_member(in, "latency");
	struct latencies *to;
	uint64_t sub_bits;
	bool null;

	if (!read_object(&at, &null, err) || null)
		return null;
	to = cell->latency = calloc(1, sizeof(*to));
	if (!to)
		return no_memory(err);
	if (!read_count(&at, "sub_bits", &sub_bits, err))
		return false;
	if (sub_bits != HISTOGRAM_SUB_BITS)
		return read_wrong(&at, "has other buckets than this version knows (sub_bits)", err);
	if (!read_text(&at, "loop", &to->loop, err) || !read_count(&at, "n", &to->n, err) ||
	    !read_number(&at, "p50", &to->p50, err) || !read_number(&at, "p90", &to->p90, err) ||
	    !read_number(&at, "p99", &to->p99, err) ||
	    !read_number_or_null(&at, "p999", &to->p999, err) ||
	    !read_count(&at, "min", &to->tally.min, err) ||
	    !read_count(&at, "max", &to->tally.max, err))
		return false;
	to->tally.n = to->n;
	return read_buckets(&at, &to->tally, err);
}

static bool read_params(const struct place *in, struct cell *cell, struct err *err)
{
	const struct place at = read_member(in, "params");
	const json_t *interval;
	bool null;

	if (!read_object(&at, &null, err))
		return false;
	cell->params = null ? NULL : at.value;
	interval = json_object_get(cell->params, "interval");
	cell->interval_ns = (cell->gil || cell->runtime) && json_is_integer(interval) ?
				    (double)json_integer_value(interval) :
				    NAN;
	return true;
}

/* Results from before there were others have none. */
static bool read_runtime(const struct place *in, struct cell *cell, struct err *err)
{
	if (!json_object_get(in->value, "runtime"))
		return true;
	if (!read_text(in, "runtime", &cell->runtime, err))
		return false;
	if (strcmp(cell->runtime, "c") == 0)
		cell->runtime = NULL;
	return true;
}

static bool read_cell(const struct place *at, struct cell *cell, struct err *err)
{
	return read_object(at, NULL, err) && read_text(at, "id", &cell->id, err) &&
	       read_text(at, "workload", &cell->workload, err) &&
	       read_text(at, "mode", &cell->mode, err) &&
	       read_text_or_null(at, "gil", &cell->gil, err) && read_runtime(at, cell, err) &&
	       read_count(at, "workers", &cell->workers, err) &&
	       read_count(at, "size", &cell->size, err) && read_params(at, cell, err) &&
	       read_text(at, "status", &cell->status, err) &&
	       read_text_or_null(at, "reason", &cell->reason, err) &&
	       read_text_or_null(at, "checksum", &cell->checksum, err) &&
	       read_summary(at, cell, err) && read_latency(at, cell, err);
}

static bool read_cells(struct findings *to, const struct place *root, struct err *err)
{
	const struct place at = read_member(root, "cells");

	if (!read_array(&at, NULL, err))
		return false;
	to->cells = calloc(json_array_size(at.value) + 1, sizeof(*to->cells));
	if (!to->cells)
		return no_memory(err);
	for (size_t i = 0; i < json_array_size(at.value); i++) {
		const struct place cell = read_element(&at, i);

		to->cell_count++;
		if (!read_cell(&cell, &to->cells[i], err))
			return false;
		/* What it measured before it failed is no measurement of the work. */
		if (strcmp(to->cells[i].status, "failed") == 0)
			to->cells[i].n = 0;
	}
	return true;
}

static bool read_warnings(struct findings *to, const struct place *root, struct err *err)
{
	const struct place at = read_member(root, "warnings");

	if (!read_array(&at, NULL, err))
		return false;
	to->warnings = calloc(json_array_size(at.value) + 1, sizeof(*to->warnings));
	if (!to->warnings)
		return no_memory(err);
	for (; to->warning_count < json_array_size(at.value); to->warning_count++) {
		const struct place warning = read_element(&at, to->warning_count);
		const char *text = json_string_value(warning.value);

		if (!text)
			return read_wrong(&warning, "is not a text", err);
		to->warnings[to->warning_count] = text;
	}
	return true;
}

static bool read_counters(struct findings *to, const struct place *root, struct err *err)
{
	const struct place at = read_member(root, "counters");

	if (!read_array(&at, NULL, err))
		return false;
	to->counters = calloc(json_array_size(at.value) + 1, sizeof(*to->counters));
	if (!to->counters)
		return no_memory(err);
	for (; to->counter_count < json_array_size(at.value); to->counter_count++) {
		const struct place at_counter = read_element(&at, to->counter_count);
		struct counter *counter = &to->counters[to->counter_count];

		if (!read_object(&at_counter, NULL, err) ||
		    !read_text(&at_counter, "name", &counter->name, err) ||
		    !read_text_or_null(&at_counter, "source", &counter->source, err) ||
		    !read_text_or_null(&at_counter, "reason", &counter->reason, err))
			return false;
	}
	return true;
}

static bool read_runtimes(struct findings *to, const struct place *root, struct err *err)
{
	const struct place at = read_member(root, "runtimes");

	if (!at.value)
		return true;
	if (!read_array(&at, NULL, err))
		return false;
	to->runtimes = calloc(json_array_size(at.value) + 1, sizeof(*to->runtimes));
	if (!to->runtimes)
		return no_memory(err);
	for (; to->runtime_count < json_array_size(at.value); to->runtime_count++) {
		const struct place one = read_element(&at, to->runtime_count);
		struct runtime *runtime = &to->runtimes[to->runtime_count];

		if (!read_object(&one, NULL, err) ||
		    !read_text(&one, "name", &runtime->name, err) ||
		    !read_text_or_null(&one, "version", &runtime->version, err) ||
		    !read_text_or_null(&one, "reason", &runtime->reason, err))
			return false;
	}
	return true;
}

static bool read_run(struct findings *to, const struct place *root, struct err *err)
{
	const struct place at = read_member(root, "run");

	return read_object(&at, NULL, err) && read_text(&at, "id", &to->run_id, err) &&
	       read_text(&at, "started_utc", &to->started_utc, err) &&
	       read_count(&at, "duration_ns", &to->duration_ns, err) &&
	       read_text(&at, "order", &to->order, err) &&
	       read_count(&at, "runs", &to->runs, err) &&
	       read_count(&at, "warmup", &to->warmup, err);
}

bool findings_read_host(struct findings *to, struct err *err)
{
	const struct place root = { .value = to->tree, .file = to->path };
	const struct place at = read_member(&root, "host");

	return read_object(&at, NULL, err) &&
	       read_text(&at, "fingerprint", &to->fingerprint, err) &&
	       read_text_or_null(&at, "cpu_model", &to->cpu_model, err) &&
	       read_text_or_null(&at, "architecture", &to->architecture, err) &&
	       read_number_or_null(&at, "cpus_allowed", &to->cpus_allowed, err) &&
	       read_text_or_null(&at, "governor", &to->governor, err) &&
	       read_text_or_null(&at, "virtualization", &to->virtualization, err) &&
	       read_text_or_null(&at, "kernel", &to->kernel, err) &&
	       read_text_or_null(&at, "libc", &to->libc, err) &&
	       read_text_or_null(&at, "distribution", &to->distribution, err);
}

static bool read_build(struct findings *to, const struct place *root, struct err *err)
{
	const struct place at = read_member(root, "build");

	return read_object(&at, NULL, err) && read_text(&at, "version", &to->version, err) &&
	       read_text(&at, "revision", &to->revision, err) &&
	       read_text(&at, "compiler", &to->compiler, err) &&
	       read_text(&at, "buildtype", &to->buildtype, err) &&
	       read_text(&at, "optimization", &to->optimization, err) &&
	       read_text(&at, "sanitize", &to->sanitize, err);
}

static bool check_schema(const struct place *root, const char *schema, struct err *err)
{
	const char *found;

	if (!read_object(root, NULL, err) || !read_text(root, "schema", &found, err))
		return false;
	if (strcmp(found, schema) == 0)
		return true;
	if (strcmp(found, FINDINGS_VERDICT) == 0)
		return err_set(err, EXIT_MISUSE,
			       "'%s' is of a gate; give a result, or one side of the gate to "
			       "'gilscope export' by --side",
			       root->file);
	return err_set(err, EXIT_MISUSE,
		       "cannot read '%s': its schema is '%s'; this version knows '%s'", root->file,
		       found, schema);
}

static bool read_tree(struct findings *to, const char *path, const char *schema, struct err *err)
{
	json_error_t wrong;
	FILE *file = fopen(path, "re");

	if (!file)
		return err_set(err, EXIT_MISUSE,
			       "cannot read '%s': %m; give a folder that 'gilscope %s -o' wrote",
			       path, strcmp(schema, FINDINGS_VERDICT) == 0 ? "gate" : "bench");
	to->tree = json_loadf(file, JSON_REJECT_DUPLICATES, &wrong);
	fclose(file);
	return to->tree || err_set(err, EXIT_MISUSE, "cannot read '%s': line %d, column %d: %s",
				   path, wrong.line, wrong.column, wrong.text);
}

bool findings_load(struct findings *findings, const char *path, const char *schema, struct err *err)
{
	struct place root = { .file = path };

	*findings = (struct findings){ .path = path };
	if (!read_tree(findings, path, schema, err))
		return false;
	root.value = findings->tree;
	return check_schema(&root, schema, err);
}

bool findings_read(struct findings *findings, const char *path, struct err *err)
{
	struct place root = { .file = path };

	if (!findings_load(findings, path, FINDINGS_RESULT, err))
		return false;
	root.value = findings->tree;
	return read_bool(&root, "partial", &findings->partial, err) &&
	       read_text_or_null(&root, "partial_reason", &findings->partial_reason, err) &&
	       read_run(findings, &root, err) && findings_read_host(findings, err) &&
	       read_build(findings, &root, err) && read_warnings(findings, &root, err) &&
	       read_counters(findings, &root, err) && read_runtimes(findings, &root, err) &&
	       read_cells(findings, &root, err);
}

void findings_free(struct findings *findings)
{
	for (size_t i = 0; i < findings->cell_count; i++) {
		struct latencies *latency = findings->cells[i].latency;

		if (latency)
			free(latency->tally.buckets);
		free(latency);
	}
	free(findings->cells);
	free(findings->groups);
	free(findings->series);
	free(findings->warnings);
	free(findings->counters);
	free(findings->runtimes);
	json_decref(findings->tree);
}
