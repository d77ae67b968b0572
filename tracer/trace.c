/* A trace folder as a whole: its threads in order, its sums, and the line that turns the counter
 * into nanoseconds. */
#include "tracer/read.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "threads"
/* 285 years: what a rounded double can exceed 64 bits by is far. */
#define NS_MAX 9e18

static bool no_memory(struct err *err)
{
	return err_set(err, EXIT_IMPOSSIBLE, "no memory");
}

/* 0 when it is no name of a thread's file; others may lie there, an editor's or a file manager's.
 */
static uint32_t number_of(const char *name)
{
	char same[32];
	const unsigned long number = strtoul(name, NULL, 10);

	if (number > UINT32_MAX)
		return 0;
	snprintf(same, sizeof(same), "%05lu.gst", number);
	return strcmp(name, same) == 0 ? (uint32_t)number : 0;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static bool collect(DIR *folder, uint32_t **numbers, size_t *count, struct err *err)
{
	const struct dirent *entry;
	size_t room = 0;

	while (errno = 0, (entry = readdir(folder))) {
		const uint32_t number = number_of(entry->d_name);
		uint32_t *more;

		if (number == 0)
			continue;
		if (*count == room) {
			room = room ? 2 * room : 64;
			more = reallocarray(*numbers, room, sizeof(**numbers));
			if (!more)
				return no_memory(err);
			*numbers = more;
		}
		(*numbers)[(*count)++] = number;
	}
	return errno == 0 || err_set(err, EXIT_MISUSE, "cannot list the threads: %m");
}

/* The numbers of the threads that have a file, upwards; the caller frees them, also on failure. */
static bool list_threads(const char *folder, uint32_t **numbers, size_t *count, struct err *err)
{
	char *path;
	DIR *stream;
	bool right;

	if (asprintf(&path, "%s/" FOLDER, folder) < 0)
		return no_memory(err);
	stream = opendir(path);
	right = stream ? collect(stream, numbers, count, err) :
			 err_set(err, EXIT_MISUSE, "cannot read '%s': %m", path);
	if (stream)
		closedir(stream);
	free(path);
	if (*count > 0)
		qsort(*numbers, *count, sizeof(**numbers), by_number);
	return right;
}

static bool read_threads(struct trace *trace, const uint32_t *numbers, size_t count,
			 const struct info_more *more, struct err *err)
{
	trace->threads = calloc(count ? count : 1, sizeof(*trace->threads));
	if (!trace->threads)
		return no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct trace_thread *thread = &trace->threads[i];

		if (asprintf(&thread->path, "%s/" FOLDER "/%05u.gst", trace->folder, numbers[i]) <
		    0) {
			thread->path = NULL;
			return no_memory(err);
		}
		trace->thread_count++;
		if (!thread_read(thread, numbers[i], more, err))
			return false;
		trace->records += thread->records;
		trace->lost += thread->header.lost;
		trace->abandoned += thread->header.abandoned;
		trace->stalls += thread->header.stalls;
	}
	/* The launcher counts besides what had no file to be counted in. */
	trace->lost = more->lost > trace->lost ? more->lost : trace->lost;
	trace->stalls = more->stalls > trace->stalls ? more->stalls : trace->stalls;
	return true;
}

/* One bad file among good ones is trouble; when all are bad there is nothing to read. */
static bool check_any(const struct trace *trace, struct err *err)
{
	const char *trouble = NULL;

	for (size_t i = 0; i < trace->thread_count; i++) {
		if (trace->threads[i].header.magic == TRACE_MAGIC)
			return true;
		trouble = trouble ? trouble : trace->threads[i].trouble;
	}
	if (!trouble)
		return err_set(err, EXIT_MISUSE, "cannot read '%s': no thread was recorded in it",
			       trace->folder);
	return err_set(err, EXIT_MISUSE, "%s", trouble);
}

static void widen(struct info_more *clocks, const struct trace_clock *clock)
{
	if (clock->raw == 0)
		return;
	if (clocks->first.raw == 0 || clock->raw < clocks->first.raw)
		clocks->first = *clock;
	if (clocks->last.raw == 0 || clock->raw > clocks->last.raw)
		clocks->last = *clock;
}

/* Nanoseconds per unit of the counter; 0 when it cannot be known or is out of reason: counters
 * tick with 1 MHz to 10 GHz. */
static double rate_of(const struct info_more *clocks)
{
	const double ns = (double)clocks->last.monotonic_ns - (double)clocks->first.monotonic_ns;
	const double raw = (double)clocks->last.raw - (double)clocks->first.raw;

	if (clocks->counter_is_ns)
		return 1;
	return raw > 0 && ns >= 0.1 * raw && ns <= 1000 * raw ? ns / raw : 0;
}

/* 'from', moved along the line to another moment. */
static struct trace_clock moved(struct trace_clock from, uint64_t to_raw, double rate)
{
	double ns = (double)(int64_t)(to_raw - from.raw) * rate;

	ns = ns > 1e18 ? 1e18 : ns < -1e18 ? -1e18 : ns;
	return (struct trace_clock){
		.raw = to_raw,
		.monotonic_ns = from.monotonic_ns + (uint64_t)(int64_t)ns,
		.realtime_ns = from.realtime_ns + (uint64_t)(int64_t)ns,
	};
}

static void find_clocks(struct trace *trace, struct info_more *clocks)
{
	uint64_t begin = 0;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct trace_file *header = &trace->threads[i].header;

		if (trace->threads[i].records > 0 && (begin == 0 || header->begin_raw < begin))
			begin = header->begin_raw;
	}
	/* trace.json of a finished trace has the widest pair, and no damaged file is asked. */
	if (!trace->info.finished || rate_of(clocks) == 0) {
		for (size_t i = 0; i < trace->thread_count; i++) {
			widen(clocks, &trace->threads[i].header.start);
			widen(clocks, &trace->threads[i].header.end);
		}
	}
	trace->rate = rate_of(clocks);
	trace->rate_known = trace->rate > 0;
	if (!trace->rate_known)
		trace->rate = 1;
	trace->first = moved(clocks->first, begin, trace->rate);
	trace->last = clocks->last.raw > begin ?
			      clocks->last :
			      moved(trace->first, begin + 1000000000u, trace->rate);
}

bool trace_open(struct trace *trace, const char *folder, struct err *err)
{
	struct info_more more;
	uint32_t *numbers = NULL;
	size_t count = 0;
	bool right;

	*trace = (struct trace){ .folder = strdup(folder) };
	if (!trace->folder)
		return no_memory(err);
	right = info_read(&trace->info, &more, folder, err) &&
		list_threads(folder, &numbers, &count, err) &&
		read_threads(trace, numbers, count, &more, err) && check_any(trace, err);
	free(numbers);
	if (right)
		find_clocks(trace, &more);
	else
		trace_close(trace);
	return right;
}

void trace_close(struct trace *trace)
{
	if (!trace)
		return;
	for (size_t i = 0; i < trace->thread_count; i++) {
		free(trace->threads[i].path);
		free(trace->threads[i].trouble);
	}
	free(trace->threads);
	free(trace->folder);
	info_finish(&trace->info);
	*trace = (struct trace){ 0 };
}

uint64_t trace_ns(const struct trace *trace, uint64_t time)
{
	const double ns = (double)time * trace->rate;

	return ns < NS_MAX ? (uint64_t)ns : (uint64_t)NS_MAX;
}

/* The first moment that is not before these nanoseconds, so that a time that was printed can be
 * given back. */
uint64_t trace_time(const struct trace *trace, uint64_t ns)
{
	const double about = (double)ns / trace->rate;
	uint64_t time = about < 0x1p55 ? (uint64_t)about : TRACE_TIME_MAX;

	if (ns > (uint64_t)NS_MAX)
		return TRACE_TIME_MAX;
	while (time > 0 && trace_ns(trace, time) >= ns)
		time--;
	while (time < TRACE_TIME_MAX && trace_ns(trace, time) < ns)
		time++;
	return time;
}
