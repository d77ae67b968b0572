/* The table of the experiment: for people, as tab-separated values, and as JSON. */
#include "bench/experiment.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define COLUMN 13
#define STEPS 7
#define TEXT 48 /* of what stands in a column */

static double spread(double low, double high, double median)
{
	return isnan(low) ? 0 : (high - low) / 2 / median;
}

/* "117", "3.30M" and, where it is not the same each time, "±2%". */
static void say_count(char *to, size_t room, double value)
{
	if (isnan(value))
		snprintf(to, room, "-");
	else if (value >= 999500000)
		snprintf(to, room, "%.3gG", value / 1e9);
	else if (value >= 999500)
		snprintf(to, room, "%.3gM", value / 1e6);
	else if (value >= 9995)
		snprintf(to, room, "%.3gk", value / 1e3);
	else if (value >= 99.95 || value == floor(value))
		snprintf(to, room, "%.0f", value);
	else
		snprintf(to, room, "%.3g", value);
}

static void add_spread(char *to, size_t room, double share)
{
	const size_t used = strlen(to);

	if (share >= 0.005)
		snprintf(to + used, room - used, " ±%.0f%%", share * 100);
}

/* printf counts bytes, and the sign has two. */
static void put_column(FILE *to, const char *text)
{
	fprintf(to, "%*s", COLUMN + (strstr(text, "±") != NULL), text);
}

static void say_calls(const struct experiment_row *row, enum experiment_way way,
		      enum experiment_place place, char to[TEXT])
{
	const struct experiment_point *point = &row->points[way][place];

	say_count(to, TEXT, point->calls);
	add_spread(to, TEXT, spread(point->calls_low, point->calls_high, point->calls));
}

static void say_futex(const struct experiment_row *row, enum experiment_way way,
		      enum experiment_place place, char to[TEXT])
{
	say_count(to, TEXT, row->points[way][place].futex);
}

static void say_per_million(const struct experiment_row *row, enum experiment_way way,
			    enum experiment_place place, char to[TEXT])
{
	say_count(to, TEXT, experiment_per_million(row, row->points[way][place].calls));
}

static void say_time(const struct experiment_row *row, enum experiment_way way,
		     enum experiment_place place, char to[TEXT])
{
	const struct experiment_point *point = &row->points[way][place];

	snprintf(to, TEXT, "-");
	if (way != SEQUENTIAL && !isnan(point->ratio))
		snprintf(to, TEXT, "%.2f", point->ratio);
	else if (way == SEQUENTIAL && !isnan(point->time_ns))
		snprintf(to, TEXT, "%.2f s", point->time_ns / 1e9);
	add_spread(to, TEXT, spread(point->ratio_low, point->ratio_high, point->ratio));
}

static const struct block {
	const char *title, *note;
	/* "-" is not known. */
	void (*say)(const struct experiment_row *row, enum experiment_way way,
		    enum experiment_place place, char to[TEXT]);
} blocks[] = {
	{ "system calls", "of the whole program, with its start; ± half of what the runs differ",
	  say_calls },
	{ "of these futex", "waiting for a lock and waking who waits", say_futex },
	{ "per million steps", "a step is a decrement; under a lock model, a tick",
	  say_per_million },
	{ "time", "against one after the other in the same place; ± half the 95 % interval",
	  say_time },
};

/* What the table has columns for: one after the other is the same wherever it is. */
static const struct {
	enum experiment_way way;
	enum experiment_place place;
	const char *above, *title;
} columns[] = {
	{ SEQUENTIAL, ONE_CPU, "one after", "the other" },
	{ THREADS, ONE_CPU, "2 threads,", "1 CPU" },
	{ THREADS, TWO_CPUS, "2 threads,", "2 CPUs" },
	{ PROCESSES, ONE_CPU, "2 processes,", "1 CPU" },
	{ PROCESSES, TWO_CPUS, "2 processes,", "2 CPUs" },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A published time is of two CPUs, as far as is known. */
static enum experiment_place place_of(const struct experiment_row *row, size_t column)
{
	return row->source && columns[column].way == SEQUENTIAL ? TWO_CPUS : columns[column].place;
}

static void say_row(const struct experiment_row *row, char *to, size_t room)
{
	const size_t length = strcspn(row->version, ",");

	if (strcmp(row->group, "interpreter") == 0 && length > 0)
		snprintf(to, room, "%s (%.*s)", row->name, (int)length, row->version);
	else
		snprintf(to, room, "%s", row->name);
}

static int name_width(const struct experiment *experiment)
{
	size_t width = 18;

	for (size_t i = 0; i < experiment->count; i++) {
		char name[192];

		say_row(&experiment->rows[i], name, sizeof(name));
		width = strlen(name) > width ? strlen(name) : width;
	}
	return (int)width;
}

static bool has_any(const struct experiment_row *row, const struct block *block)
{
	char text[TEXT];

	for (size_t c = 0; c < COLUMNS; c++) {
		block->say(row, columns[c].way, place_of(row, c), text);
		if (strcmp(text, "-") != 0)
			return true;
	}
	return false;
}

static void print_row(const struct experiment_row *row, const struct block *block, int width,
		      FILE *to)
{
	char name[192], text[TEXT];

	say_row(row, name, sizeof(name));
	say_count(text, sizeof(text), row->steps);
	fprintf(to, "%-*s%*s", width, name, STEPS, text);
	for (size_t c = 0; c < COLUMNS; c++) {
		block->say(row, columns[c].way, place_of(row, c), text);
		put_column(to, text);
	}
}

static void print_block(const struct experiment *experiment, const struct block *block, FILE *to)
{
	const int width = name_width(experiment);
	const char *group = "";

	fprintf(to, "\n%s: %s\n%*s", block->title, block->note, width + STEPS, "");
	for (size_t c = 0; c < COLUMNS; c++)
		put_column(to, columns[c].above);
	fprintf(to, "\n%*s%*s", width, "", STEPS, "steps");
	for (size_t c = 0; c < COLUMNS; c++)
		put_column(to, columns[c].title);
	for (size_t i = 0; i < experiment->count; i++) {
		const struct experiment_row *row = &experiment->rows[i];

		/* Not all was published. */
		if (row->reason || (row->source && !has_any(row, block)))
			continue;
		fputs(group[0] && strcmp(group, row->group) != 0 ? "\n\n" : "\n", to);
		group = row->group;
		print_row(row, block, width, to);
	}
	fputc('\n', to);
}

/* The 'nth' point of all that are measured here, row by row. */
static const struct experiment_point *point_at(const struct experiment *experiment, size_t nth,
					       const struct experiment_row **row)
{
	*row = &experiment->rows[nth / (WAYS * PLACES)];
	return &(*row)->points[nth / PLACES % WAYS][nth % PLACES];
}

/* Without a time there are no calls either, for the same reason. */
static const char *reason_of(const struct experiment_point *point)
{
	return point->time_reason ? point->time_reason : point->calls_reason;
}

/* Each reason once, with the first point that has it; true when there was one to tell. */
static bool print_unknown(const struct experiment *experiment, FILE *to)
{
	const size_t count = experiment->count * WAYS * PLACES;
	bool told = false;

	for (size_t i = 0; i < count; i++) {
		const struct experiment_row *row, *other;
		const struct experiment_point *point = point_at(experiment, i, &row);
		const char *reason = reason_of(point);
		size_t first = i, same = 0;

		for (size_t k = 0; reason && k < count; k++) {
			const char *found = reason_of(point_at(experiment, k, &other));

			if (!found || strcmp(found, reason) != 0)
				continue;
			first = k < first ? k : first;
			same++;
		}
		if (!reason || first < i)
			continue;
		told = true;
		fprintf(to, "NOT KNOWN: %s of %s, %s, on %s",
			point->time_reason ? "all" : "the calls", row->name,
			experiment_mode(i / PLACES % WAYS), i % PLACES ? "two CPUs" : "one CPU");
		if (same > 1)
			fprintf(to, ", and %zu more", same - 1);
		fprintf(to, ": %s\n", reason);
	}
	return told;
}

static bool print_absent(const struct experiment *experiment, FILE *to)
{
	bool told = false;

	for (size_t i = 0; i < experiment->count; i++) {
		const struct experiment_row *row = &experiment->rows[i];

		if (!row->reason)
			continue;
		told = true;
		fprintf(to, "NOT MEASURED: there is no %s: %s\n", row->name, row->reason);
	}
	return told;
}

/* What makes the numbers worth less; a busy machine above all: threads that have to share their
 * CPUs with others meet less often. */
static void print_warnings(const struct experiment *experiment, FILE *to)
{
	char warnings[MACHINE_WARNINGS][160];
	const size_t count = machine_warnings(&experiment->result.machine, warnings);

	for (size_t i = 0; i < count; i++)
		fprintf(to, "WARNING: %s\n", warnings[i]);
}

void experiment_print(const struct experiment *experiment, FILE *to)
{
	const struct result *result = &experiment->result;
	bool told = false;

	if (result->partial_reason)
		told = fprintf(to, "PARTIAL: %s\n", result->partial_reason) > 0;
	told |= print_absent(experiment, to);
	told |= print_unknown(experiment, to);
	if (!told)
		fputs("nothing was lost, all is known\n", to);
	print_warnings(experiment, to);
	fprintf(to,
		"countdown in two shares; medians: system calls of %u traced run%s, times of %u "
		"others\n",
		result->traced, result->traced == 1 ? "" : "s", result->runs);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		print_block(experiment, &blocks[i], to);
}

/* What a chart of it must say below: how, and where. */
static void write_foot(const struct experiment *experiment, FILE *to)
{
	const struct result *result = &experiment->result;
	char date[32], line[256];
	struct tm utc;

	machine_line(&result->machine, line, sizeof(line));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&result->started, &utc));
	fprintf(to,
		"# medians; system calls of %u traced runs (line: least to most), times of %u "
		"others (line: 95 %% interval)%s; %s\n# %s\n",
		result->traced, result->runs, result->partial_reason ? "; RUN ENDED EARLY" : "",
		date, line);
}

static void put_number(FILE *to, double value)
{
	if (isfinite(value))
		fprintf(to, "\t%.10g", value);
	else
		fputs("\tNaN", to);
}

static void tsv_point(const struct experiment_row *row, enum experiment_way way,
		      enum experiment_place place, FILE *to)
{
	const struct experiment_point *point = &row->points[way][place];
	const char *note = row->reason ? row->reason : row->source ? row->source : reason_of(point);
	const double numbers[] = { row->steps,
				   point->calls,
				   point->calls_low,
				   point->calls_high,
				   point->futex,
				   experiment_per_million(row, point->calls),
				   experiment_per_s(row, place, point->calls),
				   point->time_ns,
				   point->ratio,
				   point->ratio_low,
				   point->ratio_high };

	fprintf(to, "%s\t%s\t%s\t%s\t%d", row->group, row->name,
		row->version[0] ? row->version : "-", experiment_mode(way), place + 1);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_number(to, numbers[i]);
	fprintf(to, "\t%s\t%s\n", point->cell ? point->cell : "-", note ? note : "");
}

void experiment_tsv(const void *subject, FILE *to)
{
	const struct experiment *experiment = subject;

	write_foot(experiment, to);
	fputs("# group\tname\tversion\tmode\tcpus\tsteps\tsyscalls\tsyscalls_low\tsyscalls_high\t"
	      "futex\tper_million_steps\tper_s\ttime_ns\trelative\trelative_low\trelative_high\t"
	      "cell\tnote\n",
	      to);
	for (size_t i = 0; i < experiment->count; i++) {
		for (enum experiment_way way = 0; way < WAYS; way++) {
			for (enum experiment_place place = 0; place < PLACES; place++)
				tsv_point(&experiment->rows[i], way, place, to);
		}
	}
}

static void json_pair(struct emit *emit, const char *name, double low, double high)
{
	if (isnan(low)) {
		emit_null(emit, name);
		return;
	}
	emit_open(emit, name, '[');
	emit_double(emit, NULL, low);
	emit_double(emit, NULL, high);
	emit_close(emit, ']');
}

static void json_point(const struct experiment_row *row, enum experiment_way way,
		       enum experiment_place place, struct emit *emit)
{
	const struct experiment_point *point = &row->points[way][place];

	emit_open(emit, NULL, '{');
	emit_string(emit, "mode", experiment_mode(way));
	emit_u64(emit, "cpus", (uint64_t)place + 1);
	emit_string(emit, "cell", point->cell);
	emit_double(emit, "syscalls", point->calls);
	json_pair(emit, "syscalls_range", point->calls_low, point->calls_high);
	emit_double(emit, "futex", point->futex);
	emit_double(emit, "per_million_steps", experiment_per_million(row, point->calls));
	emit_double(emit, "per_s", experiment_per_s(row, place, point->calls));
	emit_string(emit, "syscalls_reason", point->calls_reason);
	emit_double(emit, "time_ns", point->time_ns);
	emit_double(emit, "relative", point->ratio);
	json_pair(emit, "relative_ci95", point->ratio_low, point->ratio_high);
	emit_string(emit, "time_reason", point->time_reason);
	emit_close(emit, '}');
}

static void json_row(const struct experiment_row *row, struct emit *emit)
{
	emit_open(emit, NULL, '{');
	emit_string(emit, "group", row->group);
	emit_string(emit, "name", row->name);
	emit_string(emit, "version", row->version[0] ? row->version : NULL);
	emit_string(emit, "source", row->source);
	emit_double(emit, "steps", row->steps);
	emit_string(emit, "reason", row->reason);
	emit_open(emit, "points", '[');
	for (enum experiment_way way = 0; way < WAYS && !row->reason; way++) {
		for (enum experiment_place place = 0; place < PLACES; place++)
			json_point(row, way, place, emit);
	}
	emit_close(emit, ']');
	emit_close(emit, '}');
}

void experiment_json(const void *subject, FILE *to)
{
	const struct experiment *experiment = subject;
	struct emit emit;

	emit_start(&emit, to, true);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "schema", "gilscope.experiment/1");
	emit_open(&emit, "places", '[');
	for (enum experiment_place place = 0; place < PLACES; place++) {
		const char *list = experiment->cpus_list[place];

		emit_open(&emit, NULL, '{');
		emit_u64(&emit, "cpus", (uint64_t)place + 1);
		emit_string(&emit, "list", list[0] ? list : NULL);
		emit_string(&emit, "reason",
			    place == TWO_CPUS && experiment->two_reason[0] ?
				    experiment->two_reason :
				    NULL);
		emit_close(&emit, '}');
	}
	emit_close(&emit, ']');
	emit_open(&emit, "rows", '[');
	for (size_t i = 0; i < experiment->count; i++)
		json_row(&experiment->rows[i], &emit);
	emit_close(&emit, ']');
	result_members(&experiment->result, &emit);
	emit_close(&emit, '}');
}
