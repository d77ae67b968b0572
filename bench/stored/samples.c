/* Where in a sample each quantity is. */
#include "bench/stored/samples.h"

#include <math.h>
#include <stdlib.h>

#define FUTEX_COUNTER "syscalls:sys_enter_futex"
/* Fewer values do not have such a percentile. */
#define P90_LEAST 10
#define P99_LEAST 100

const struct quantity quantities[QUANTITIES] = {
	[QUANTITY_TIME] = { "time", "ns", "time of the work" },
	[QUANTITY_WALL] = { "wall", "ns", "time of the process, start and end included" },
	[QUANTITY_CPU] = { "cpu", "ns", "processor time, start and end included" },
	[QUANTITY_TAKES] = { "takes", "events", "takes of the lock" },
	[QUANTITY_CONTENDED] = { "contended", "events", "takes that had to wait" },
	[QUANTITY_FORCED] = { "forced", "events", "forced switches" },
	[QUANTITY_SWITCHES] = { "switches", "events",
				"takes by another thread than the one before" },
	[QUANTITY_VOLUNTARY] = { "voluntary", "events", "context switches to wait" },
	[QUANTITY_INVOLUNTARY] = { "involuntary", "events", "context switches to make room" },
	[QUANTITY_FUTEX] = { "futex", "events", "futex calls" },
	[QUANTITY_P50] = { "p50", "ns", "median latency" },
	[QUANTITY_P90] = { "p90", "ns", "latency that 90 % stay below" },
	[QUANTITY_P99] = { "p99", "ns", "latency that 99 % stay below" },
	[QUANTITY_P999] = { "p999", "ns", "latency that 99.9 % stay below" },
	[QUANTITY_MAX] = { "max", "ns", "longest latency" },
};

static bool no_memory(struct err *err)
{
	return err_set(err, EXIT_IMPOSSIBLE, "cannot hold the samples: no memory");
}

double *samples_column(struct samples *samples, enum quantity_id id, size_t n)
{
	struct column *column = &samples->of[id];

	free(column->values);
	column->values = calloc(n + 1, sizeof(*column->values));
	column->n = column->values ? n : 0;
	for (size_t i = 0; i < column->n; i++)
		column->values[i] = NAN;
	return column->values;
}

void samples_keep_known(struct samples *samples)
{
	for (size_t id = 0; id < QUANTITIES; id++) {
		struct column *column = &samples->of[id];
		bool known = true;

		for (size_t i = 0; i < column->n; i++)
			known = known && !isnan(column->values[i]);
		if (!known)
			column->n = 0;
	}
}

void samples_free(struct samples *samples)
{
	for (size_t id = 0; id < QUANTITIES; id++)
		free(samples->of[id].values);
	*samples = (struct samples){ 0 };
}

/* NaN when it is not there or null; what a result says is checked, what it lacks is not. */
static bool read_known(const struct place *in, const char *name, double *to, struct err *err)
{
	const struct place at = read_member(in, name);

	*to = NAN;
	if (!at.value)
		return true;
	if (!read_number_or_null(in, name, to, err))
		return false;
	return !(*to < 0) || read_wrong(&at, "is below 0", err);
}

static bool read_time(const struct place *in, const char *name, double *to, struct err *err)
{
	const struct place at = read_member(in, name);

	if (!read_number(in, name, to, err))
		return false;
	return *to > 0 || read_wrong(&at, "is not above 0", err);
}

/* A part of a sample that not every one has: null, or older than the part. */
static bool find_part(const struct place *sample, const char *name, struct place *part,
		      struct err *err)
{
	bool null;

	*part = read_member(sample, name);
	return !part->value || read_object(part, &null, err);
}

static bool read_gil(const struct place *sample, double *to, struct err *err)
{
	struct place gil;

	return find_part(sample, "gil", &gil, err) &&
	       read_known(&gil, "takes", &to[QUANTITY_TAKES], err) &&
	       read_known(&gil, "contended", &to[QUANTITY_CONTENDED], err) &&
	       read_known(&gil, "drops_forced", &to[QUANTITY_FORCED], err) &&
	       read_known(&gil, "switches", &to[QUANTITY_SWITCHES], err);
}

static bool read_latency(const struct place *sample, double *to, struct err *err)
{
	struct place latency;
	double n;

	if (!find_part(sample, "latency", &latency, err) || !read_known(&latency, "n", &n, err) ||
	    !read_known(&latency, "p50", &to[QUANTITY_P50], err) ||
	    !read_known(&latency, "p90", &to[QUANTITY_P90], err) ||
	    !read_known(&latency, "p99", &to[QUANTITY_P99], err) ||
	    !read_known(&latency, "p999", &to[QUANTITY_P999], err) ||
	    !read_known(&latency, "max", &to[QUANTITY_MAX], err))
		return false;
	to[QUANTITY_P90] = n >= P90_LEAST ? to[QUANTITY_P90] : NAN;
	to[QUANTITY_P99] = n >= P99_LEAST ? to[QUANTITY_P99] : NAN;
	return true;
}

/* Summed over the workers, in the timed part: what the process does before and after is not the
 * work's. */
static bool read_workers(const struct place *sample, double *to, struct err *err)
{
	const struct place at = read_member(sample, "workers");

	if (!read_array(&at, NULL, err))
		return false;
	to[QUANTITY_VOLUNTARY] = to[QUANTITY_INVOLUNTARY] = json_array_size(at.value) ? 0 : NAN;
	for (size_t i = 0; i < json_array_size(at.value); i++) {
		const struct place worker = read_element(&at, i);
		double voluntary, involuntary;

		if (!read_object(&worker, NULL, err) ||
		    !read_known(&worker, "nvcsw", &voluntary, err) ||
		    !read_known(&worker, "nivcsw", &involuntary, err))
			return false;
		to[QUANTITY_VOLUNTARY] += voluntary;
		to[QUANTITY_INVOLUNTARY] += involuntary;
	}
	return true;
}

static bool read_futex(const struct place *sample, double *to, struct err *err)
{
	const struct place counters = read_member(sample, "counters");
	struct place counter;

	return read_object(&counters, NULL, err) &&
	       find_part(&counters, FUTEX_COUNTER, &counter, err) &&
	       read_known(&counter, "value", to, err);
}

static bool read_sample(const struct place *sample, double *to, struct err *err)
{
	double user, sys;

	if (!read_object(sample, NULL, err) ||
	    !read_time(sample, "elapsed_ns", &to[QUANTITY_TIME], err) ||
	    !read_time(sample, "wall_ns", &to[QUANTITY_WALL], err) ||
	    !read_known(sample, "user_ns", &user, err) || !read_known(sample, "sys_ns", &sys, err))
		return false;
	to[QUANTITY_CPU] = user + sys;
	return read_gil(sample, to, err) && read_latency(sample, to, err) &&
	       read_workers(sample, to, err) && read_futex(sample, &to[QUANTITY_FUTEX], err);
}

/* Where counting calls costs time, the samples that counted them are others. */
static bool read_counted(const struct place *cell, struct samples *samples, struct err *err)
{
	const struct place at = read_member(cell, "counted");
	const size_t n = json_array_size(at.value);

	if (n == 0)
		return true;
	if (!samples_column(samples, QUANTITY_FUTEX, n))
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		const struct place sample = read_element(&at, i);

		if (!read_object(&sample, NULL, err) ||
		    !read_futex(&sample, &samples->of[QUANTITY_FUTEX].values[i], err))
			return false;
	}
	return true;
}

bool samples_read(const struct place *cell, struct samples *samples, struct err *err)
{
	const struct place at = read_member(cell, "samples");
	const size_t n = json_array_size(at.value);
	double values[QUANTITIES];

	*samples = (struct samples){ 0 };
	if (!read_array(&at, NULL, err))
		return false;
	for (size_t id = 0; id < QUANTITIES; id++) {
		if (!samples_column(samples, (enum quantity_id)id, n))
			return no_memory(err);
	}
	for (size_t i = 0; i < n; i++) {
		const struct place sample = read_element(&at, i);

		if (!read_sample(&sample, values, err))
			return false;
		for (size_t id = 0; id < QUANTITIES; id++)
			samples->of[id].values[i] = values[id];
	}
	if (!read_counted(cell, samples, err))
		return false;
	samples_keep_known(samples);
	return true;
}
