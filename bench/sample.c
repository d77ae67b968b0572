/* Runs a workload once and checks its result line. */
#include "bench/sample.h"

#include "bench/runtime.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define WORDS_MAX (48 + RUNTIME_WORDS)
#define CHECK_LIMIT_NS 30000000000u

/* A command line, and the memory of its words. */
struct command_line {
	char *argv[WORDS_MAX];
	size_t count, used;
	char text[3 * PATH_MAX + 4096];
};

static void add_word(struct command_line *line, const char *prefix, const char *word)
{
	char *at = line->text + line->used;

	assert(line->count + 1 < WORDS_MAX);
	line->used +=
		(size_t)snprintf(at, sizeof(line->text) - line->used, "%s%s", prefix, word) + 1;
	assert(line->used < sizeof(line->text));
	line->argv[line->count++] = at;
	line->argv[line->count] = NULL;
}

static void add_number(struct command_line *line, const char *option, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	add_word(line, "", option);
	add_word(line, "", text);
}

static void build(struct command_line *line, const struct sampler *sampler, const struct cell *cell)
{
	char path[PATH_MAX], *words[RUNTIME_WORDS + 2];
	const size_t count =
		runtime_words(cell->runtime, sampler->workloads, cell->workload, path, words);

	line->count = line->used = 0;
	for (size_t i = 0; sampler->before && sampler->before[i]; i++)
		add_word(line, "", sampler->before[i]);
	for (size_t i = 0; i < count; i++)
		add_word(line, "", words[i]);
	add_word(line, "--mode=", cell->mode);
	if (cell->gil[0])
		add_word(line, "--gil=", cell->gil);
	add_number(line, "--workers", cell->workers);
	if (cell->size)
		add_number(line, "--size", cell->size);
	if (cell->spins_known)
		add_number(line, "--tick-spins", cell->tick_spins);
	/* Confined to fewer CPUs there is nothing left to choose. */
	if (sampler->pin && !cell_setting(cell, "cpus"))
		add_word(line, "--pin=", sampler->pin);
	for (size_t i = 0; i < cell->setting_count; i++) {
		char option[80];

		snprintf(option, sizeof(option), "%s=%s", cell->settings[i].name,
			 cell->settings[i].value);
		add_word(line, "--", option);
	}
}

enum sample_answer sample_check(struct sampler *sampler, const struct cell *cell, struct err *err)
{
	struct command_line line;
	struct process *process = &sampler->process;
	struct err why = { 0 };

	build(&line, sampler, cell);
	add_word(&line, "", "--describe");
	process->cpus = cell->cpus;
	if (!process_run(process, line.argv, NULL, CHECK_LIMIT_NS, err))
		return SAMPLE_NOT_ASKED;
	if (process->interrupted) {
		err_set(err, EXIT_FAILED, "was interrupted");
		return SAMPLE_NOT_ASKED;
	}
	if (process_judge(process, CHECK_LIMIT_NS, &why))
		return SAMPLE_ACCEPTED;
	process->error[strcspn(process->error, "\n")] = '\0';
	/* It refuses in words of its own that name it, or is not there; anything else is no
	 * refusal. */
	if (WIFEXITED(process->status) && process->error[0] &&
	    (WEXITSTATUS(process->status) == EXIT_MISUSE ||
	     WEXITSTATUS(process->status) == EXIT_IMPOSSIBLE ||
	     WEXITSTATUS(process->status) == PROCESS_NOT_RUN)) {
		err_set(err,
			WEXITSTATUS(process->status) == EXIT_MISUSE ? EXIT_MISUSE : EXIT_IMPOSSIBLE,
			"%s", process->error);
		return SAMPLE_REFUSED;
	}
	err_set(err, EXIT_IMPOSSIBLE, "'%s --describe' %s", cell->workload, why.text);
	return SAMPLE_CRASHED;
}

/* Reads the pairs of bucket and count; false when they are not such, or do not add up. */
static bool read_counts(const json_t *counts, uint64_t n, struct histogram *to)
{
	const json_t *pair;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach(counts, i, pair)
	{
		json_int_t bucket, count;

		if (json_unpack((json_t *)pair, "[I, I]", &bucket, &count) != 0 || bucket < 0 ||
		    bucket >= HISTOGRAM_BUCKETS || count < 1 || count > UINT32_MAX)
			return false;
		to->counts[bucket] += (uint32_t)count;
		sum += (uint64_t)count;
	}
	return sum == n;
}

bool sample_pool(struct sample *sample, struct histogram *latency, struct err *err)
{
	static struct histogram one; /* large */
	json_t *found = json_object_get(sample->line, "latency"), *counts;
	json_int_t n, min, max, sum, bits;

	if (!json_is_object(found))
		return true;
	one = (struct histogram){ 0 };
	if (json_unpack(found, "{s:I, s:I, s:I, s:I, s:I, s:o}", "n", &n, "min", &min, "max", &max,
			"sum", &sum, "sub_bits", &bits, "counts", &counts) != 0 ||
	    bits != HISTOGRAM_SUB_BITS || n < 1 || min < 0 || max < min || sum < 0 ||
	    !read_counts(counts, (uint64_t)n, &one))
		return err_set(err, EXIT_FAILED, "printed a latency histogram that cannot be read");
	one.n = (uint64_t)n;
	one.min = (uint64_t)min;
	one.max = (uint64_t)max;
	one.sum = (uint64_t)sum;
	histogram_merge(latency, &one);
	json_object_del(found, "counts");
	return true;
}

static void add_cpu(const json_t *worker, struct sample *sample)
{
	const json_t *cpu_ns = json_object_get(worker, "cpu_ns");

	sample->workers_cpu_ns +=
		json_is_integer(cpu_ns) ? (double)json_integer_value(cpu_ns) : NAN;
}

static bool add_switches(const json_t *line, struct sample *sample)
{
	const json_t *workers = json_object_get(line, "per_worker"), *worker;
	size_t i;

	json_array_foreach(workers, i, worker)
	{
		const json_t *nvcsw = json_object_get(worker, "nvcsw");
		const json_t *nivcsw = json_object_get(worker, "nivcsw");

		add_cpu(worker, sample);
		if (json_is_null(nvcsw) && json_is_null(nivcsw)) {
			sample->switches_unknown = true;
			continue;
		}
		if (!json_is_integer(nvcsw) || !json_is_integer(nivcsw))
			return false;
		sample->nvcsw += (uint64_t)json_integer_value(nvcsw);
		sample->nivcsw += (uint64_t)json_integer_value(nivcsw);
	}
	return json_is_array(workers);
}

/* One that there is, and that can be kept beside its cell. */
static bool is_checksum(const json_t *value)
{
	const size_t length = json_string_length(value);

	return length > 0 && length < sizeof(((struct cell *)0)->checksum);
}

/* The one line of a workload, checked as far as anything here relies on it. */
static bool read_line(const char *text, struct sample *sample, struct err *err)
{
	json_error_t where;
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	json_int_t elapsed_ns;

	if (!line)
		return err_set(err, EXIT_FAILED, "printed no result line: %s", where.text);
	sample->line = line;
	elapsed_ns = json_integer_value(json_object_get(line, "elapsed_ns"));
	if (elapsed_ns < 1 || !is_checksum(json_object_get(line, "checksum")) ||
	    !add_switches(line, sample))
		return err_set(err, EXIT_FAILED,
			       "printed a result line without elapsed_ns, checksum or per_worker");
	sample->elapsed_ns = (uint64_t)elapsed_ns;
	return true;
}

bool sample_take(struct sampler *sampler, const struct cell *cell, struct sample *sample,
		 struct err *err)
{
	struct process *process = &sampler->process;
	struct disturbance before, after;
	struct command_line line;

	*sample = (struct sample){ 0 };
	build(&line, sampler, cell);
	add_word(&line, "", "--json");
	process->cpus = cell->cpus;
	disturbance_read(&before);
	if (!process_run(process, line.argv, sampler->counters, sampler->limit_ns, err))
		return false;
	disturbance_read(&after);
	if (process->interrupted)
		return err_set(err, EXIT_FAILED, "was interrupted");
	if (!process_judge(process, sampler->limit_ns, err))
		return false;
	sample->wall_ns = process->wall_ns;
	sample->usage = process->usage;
	memcpy(sample->counters, process->counters, sizeof(sample->counters));
	sample->disturbance = disturbance_between(&before, &after);
	return read_line(process->output, sample, err);
}
