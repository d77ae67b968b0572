/* Summaries of cells. */
#include "bench/cell.h"

#include "bench/runtime.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *cell_setting(const struct cell *cell, const char *name)
{
	for (size_t i = 0; i < cell->setting_count; i++) {
		if (strcmp(cell->settings[i].name, name) == 0)
			return cell->settings[i].value;
	}
	return NULL;
}

const char *cell_runtime(const struct cell *cell)
{
	return cell->runtime ? cell->runtime->name : "c";
}

bool cell_set(struct cell *cell, const char *name, const char *value)
{
	struct setting *at;
	size_t i = 0;

	while (i < cell->setting_count && strcmp(cell->settings[i].name, name) < 0)
		i++;
	at = &cell->settings[i];
	if (i == cell->setting_count || strcmp(at->name, name) != 0) {
		if (cell->setting_count == CELL_SETTINGS)
			return false;
		memmove(at + 1, at, (cell->setting_count++ - i) * sizeof(*at));
	}
	return (size_t)snprintf(at->name, sizeof(at->name), "%s", name) < sizeof(at->name) &&
	       (size_t)snprintf(at->value, sizeof(at->value), "%s", value) < sizeof(at->value);
}

void cell_unset(struct cell *cell, const char *name)
{
	for (size_t i = 0; i < cell->setting_count; i++) {
		if (strcmp(cell->settings[i].name, name) != 0)
			continue;
		cell->setting_count--;
		memmove(&cell->settings[i], &cell->settings[i + 1],
			(cell->setting_count - i) * sizeof(cell->settings[0]));
		return;
	}
}

/* The C binaries are not named: their ids are older than other runtimes. */
void cell_name(struct cell *cell)
{
	const char *runtime = cell_runtime(cell);
	const bool named = strcmp(runtime, "c") != 0;
	int used = snprintf(cell->id, sizeof(cell->id), "%s%s%s/%s%s%s/%u", named ? runtime : "",
			    named ? ":" : "", cell->workload, cell->mode, cell->gil[0] ? ":" : "",
			    cell->gil, cell->workers);

	if (cell->cpus && used < (int)sizeof(cell->id))
		used += snprintf(cell->id + used, sizeof(cell->id) - (size_t)used, "/cpus=%d",
				 CPU_COUNT(cell->cpus));
	for (size_t i = 0; i < cell->setting_count && used < (int)sizeof(cell->id); i++)
		used += snprintf(cell->id + used, sizeof(cell->id) - (size_t)used, "/%s=%s",
				 cell->settings[i].name, cell->settings[i].value);
}

const char *cell_status_name(const struct cell *cell)
{
	static const char *const names[] = { "missing", "ok", "failed" };

	return names[cell->status];
}

void cell_keep(struct cell *cell, const struct sample *sample, bool timed)
{
	struct sample **list = timed ? &cell->samples : &cell->counted;
	size_t *count = timed ? &cell->count : &cell->counted_count;
	struct sample *more = realloc(*list, (*count + 1) * sizeof(*more));

	if (!more)
		abort();
	*list = more;
	more[(*count)++] = *sample;
	cell->status = CELL_OK;
}

void cell_keep_calls(struct cell *cell, struct calls calls)
{
	assert(cell->traced_count < CELL_TRACED);
	cell->traced[cell->traced_count++] = calls;
}

void cell_lose_calls(struct cell *cell, const char *reason)
{
	cell->traced_count = 0;
	snprintf(cell->traced_reason, sizeof(cell->traced_reason), "%s", reason);
}

void cell_fail(struct cell *cell, const char *reason)
{
	cell->status = CELL_FAILED;
	snprintf(cell->reason, sizeof(cell->reason), "%s", reason);
}

/* What the workload itself says it did: every parameter that both have is the same, but where it
 * was done. A lock model's parameters are only in cells that have one. */
static bool same_params(const struct cell *a, const struct cell *b)
{
	const json_t *other = json_object_get(b->samples[0].line, "params");
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(a->samples[0].line, "params"), name, value)
	{
		const json_t *have = json_object_get(other, name);

		if (strcmp(name, "cpus") != 0 && strcmp(name, "pin") != 0 && have &&
		    !json_equal(have, value))
			return false;
	}
	return true;
}

static bool is_reference(const struct cell *other, const struct cell *cell)
{
	return strcmp(other->mode, "sequential") == 0 && strcmp(cell->mode, "sequential") != 0 &&
	       strcmp(other->workload, cell->workload) == 0 && other->runtime == cell->runtime &&
	       other->size == cell->size && other->workers == cell->workers &&
	       other->cpus == cell->cpus && other->count > 0 && other->status == CELL_OK &&
	       cell->status == CELL_OK && same_params(other, cell);
}

/* The same work done by one thread, on the same CPUs if the matrix has it so, else on others; null
 * when it has none, or for that cell itself. */
static const struct cell *find_reference(const struct cell *cell, const struct cell *cells,
					 size_t count)
{
	const char *place = cell_setting(cell, "cpus");
	const struct cell *found = NULL;

	for (size_t i = 0; i < count; i++) {
		const char *other = cell_setting(&cells[i], "cpus");

		if (!is_reference(&cells[i], cell))
			continue;
		if (strcmp(place ? place : "", other ? other : "") == 0)
			return &cells[i];
		found = found ? found : &cells[i];
	}
	return found;
}

static const struct sample *of_round(const struct cell *cell, unsigned round)
{
	for (size_t i = 0; i < cell->count; i++) {
		if (cell->samples[i].round == round)
			return &cell->samples[i];
	}
	return NULL;
}

static void compare(struct cell *cell, double *ratios)
{
	const struct cell *reference = cell->summary.reference;
	size_t n = 0;

	for (size_t i = 0; reference && i < cell->count; i++) {
		const struct sample *other = of_round(reference, cell->samples[i].round);

		if (other)
			ratios[n++] =
				(double)cell->samples[i].elapsed_ns / (double)other->elapsed_ns;
	}
	if (n == 0) {
		cell->summary.reference = NULL;
		return;
	}
	stats_sort(ratios, n);
	cell->summary.relative = stats_median(ratios, n);
	cell->summary.relative_ci95 = stats_median_interval(ratios, n, 0.95);
}

/* Leaves the values sorted in 'room'. */
static double median_of(const struct sample *samples, size_t count,
			double (*value)(const struct sample *), double *room)
{
	for (size_t i = 0; i < count; i++)
		room[i] = value(&samples[i]);
	stats_sort(room, count);
	return stats_median(room, count);
}

static double voluntary(const struct sample *sample)
{
	return (double)sample->nvcsw;
}

static double involuntary(const struct sample *sample)
{
	return (double)sample->nivcsw;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double cpu(const struct sample *sample)
{
	return (seconds_of(sample->usage.ru_utime) + seconds_of(sample->usage.ru_stime)) * 1e9;
}

static double workers_cpu(const struct sample *sample)
{
	return sample->workers_cpu_ns;
}

static bool knows_workers_cpu(const struct cell *cell)
{
	for (size_t i = 0; i < cell->count; i++) {
		if (isnan(cell->samples[i].workers_cpu_ns))
			return false;
	}
	return true;
}

static bool knows_switches(const struct cell *cell)
{
	for (size_t i = 0; i < cell->count; i++) {
		if (cell->samples[i].switches_unknown)
			return false;
	}
	return true;
}

static double elapsed(const struct sample *sample)
{
	return (double)sample->elapsed_ns;
}

static size_t known_values(const struct sample *samples, size_t count, size_t counter, double *room)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (samples[i].counters[counter].known)
			room[n++] = (double)samples[i].counters[counter].value;
	}
	return n;
}

/* Of the timed samples where it was counted in them, else of those taken for the purpose. */
static double counter_median(const struct cell *cell, size_t counter, double *room)
{
	size_t n = known_values(cell->samples, cell->count, counter, room);

	if (n == 0)
		n = known_values(cell->counted, cell->counted_count, counter, room);
	if (n == 0)
		return -1;
	stats_sort(room, n);
	return stats_median(room, n);
}

static void summarize_calls(struct cell *cell)
{
	struct summary *summary = &cell->summary;
	double syscalls[CELL_TRACED], futex[CELL_TRACED];
	const size_t n = cell->traced_count;

	summary->syscalls = summary->futex = NAN;
	for (size_t i = 0; i < n; i++) {
		syscalls[i] = (double)cell->traced[i].syscalls;
		futex[i] = (double)cell->traced[i].futex;
	}
	if (n == 0)
		return;
	stats_sort(syscalls, n);
	stats_sort(futex, n);
	summary->syscalls = stats_median(syscalls, n);
	summary->futex = stats_median(futex, n);
}

static size_t known_counts(const struct cell *cell, const char *name, double *room)
{
	size_t n = 0;

	for (size_t i = 0; i < cell->count; i++) {
		const json_t *value =
			json_object_get(json_object_get(cell->samples[i].line, "counts"), name);

		if (json_is_integer(value))
			room[n++] = (double)json_integer_value(value);
	}
	return n;
}

static void summarize_own(struct cell *cell, double *room)
{
	struct summary *summary = &cell->summary;
	const char *name;
	json_t *value;

	summary->own_count = 0;
	json_object_foreach(json_object_get(cell->samples[0].line, "counts"), name, value)
	{
		struct own_count *own = &summary->own[summary->own_count];

		if (summary->own_count == CELL_COUNTS)
			break;
		*own = (struct own_count){ .name = name, .n = known_counts(cell, name, room) };
		summary->own_count++;
		if (own->n == 0)
			continue;
		stats_sort(room, own->n);
		own->median = stats_median(room, own->n);
		own->min = room[0];
		own->max = room[own->n - 1];
	}
}

/* Adds those of a line that are not there yet. */
static size_t add_notes(const json_t *line, const char *notes[], size_t count, size_t room)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(line, "notes"), i, note)
	{
		const char *text = json_string_value(note);
		size_t same = 0;

		while (text && same < count && strcmp(notes[same], text) != 0)
			same++;
		if (text && same == count && count < room)
			notes[count++] = text;
	}
	return count;
}

size_t cell_notes(const struct cell *cell, const char *notes[], size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < cell->count; i++)
		count = add_notes(cell->samples[i].line, notes, count, room);
	return count;
}

static void summarize(struct cell *cell, double *room, double *scratch)
{
	struct summary *summary = &cell->summary;

	summary->n = cell->count;
	summary->nvcsw = summary->nivcsw = NAN;
	if (knows_switches(cell)) {
		summary->nvcsw = median_of(cell->samples, cell->count, voluntary, room);
		summary->nivcsw = median_of(cell->samples, cell->count, involuntary, room);
	}
	summary->cpu = median_of(cell->samples, cell->count, cpu, room);
	summary->workers_cpu = knows_workers_cpu(cell) ?
				       median_of(cell->samples, cell->count, workers_cpu, room) :
				       NAN;
	summary->median = median_of(cell->samples, cell->count, elapsed, room);
	summary->min = room[0];
	summary->p90 = stats_quantile(room, cell->count, 0.9);
	summary->ci95 = stats_median_interval(room, cell->count, 0.95);
	summary->mad = stats_mad(room, cell->count, scratch);
	for (size_t i = 0; i < COUNTERS_MAX; i++)
		summary->counters[i] = counter_median(cell, i, room);
	summary->counted_ns = cell->counted_count ?
				      median_of(cell->counted, cell->counted_count, elapsed, room) :
				      -1;
	summary->units_per_s = (double)cell->size / summary->median * 1e9;
	summarize_own(cell, room);
}

void cells_summarize(struct cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = &cells[i];
		double *room;

		summarize_calls(cell);
		if (cell->count == 0)
			continue;
		room = calloc(2 * cell->count + cell->counted_count, sizeof(*room));
		if (!room)
			abort();
		summarize(cell, room, room + cell->count);
		cell->summary.reference = find_reference(cell, cells, count);
		compare(cell, room);
		free(room);
	}
}

void cell_finish(struct cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		json_decref(cell->samples[i].line);
	for (size_t i = 0; i < cell->counted_count; i++)
		json_decref(cell->counted[i].line);
	json_decref(cell->params);
	free(cell->samples);
	free(cell->counted);
	free(cell->latency);
}
