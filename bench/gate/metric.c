/* The table, and where in a sample each is. */
#include "bench/gate/metric.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fewer values do not have such a percentile. */
#define P90_LEAST 10
#define P99_LEAST 100

/* A count of a few events varies by an event or two whatever is done: that is the slack. The wait
 * of a share of time is held to a hundredth of it. */
const struct metric metrics_usual[METRICS] = {
	[METRIC_TIME] = { "time", "ns", "time of the work", { 0.05, 0 }, true, false },
	[METRIC_CPU] = { "cpu",
			 "ns",
			 "processor time, start and end included",
			 { 0.05, 0 },
			 false,
			 false },
	[METRIC_TAKES] = { "takes", "events", "takes of the lock", { 0.2, 2 }, true, false },
	[METRIC_CONTENDED] = { "contended",
			       "events",
			       "takes that had to wait",
			       { 0.2, 2 },
			       true,
			       false },
	[METRIC_FORCED] = { "forced", "events", "forced switches", { 0.2, 2 }, true, false },
	[METRIC_SWITCHES] = { "switches",
			      "events",
			      "takes by another thread than the one before",
			      { 0.2, 2 },
			      false,
			      false },
	[METRIC_FUTEX] = { "futex", "events", "futex calls", { 0.2, 2 }, true, false },
	[METRIC_LATENCY_P50] = { "p50", "ns", "median latency", { 0.1, 0 }, true, false },
	[METRIC_LATENCY_P90] = { "p90",
				 "ns",
				 "latency that 90 % stay below",
				 { 0.1, 0 },
				 false,
				 false },
	[METRIC_LATENCY_P99] = { "p99",
				 "ns",
				 "latency that 99 % stay below",
				 { 0.2, 0 },
				 true,
				 false },
	[METRIC_LATENCY_P999] = { "p999",
				  "ns",
				  "latency that 99.9 % stay below",
				  { 0.2, 0 },
				  false,
				  false },
	[METRIC_LATENCY_MAX] = { "max", "ns", "longest latency", { 0.2, 0 }, false, false },
	[METRIC_WAIT_SHARE] = { "wait_share",
				"share",
				"share of the threads' time that went into waiting for the lock",
				{ 0.1, 0.01 },
				true,
				false },
	[METRIC_HOLD_P50] = { "hold_p50",
			      "ns",
			      "median hold of the lock",
			      { 0.2, 0 },
			      false,
			      false },
	[METRIC_HOLD_P99] = { "hold_p99",
			      "ns",
			      "hold of the lock that 99 % stay below",
			      { 0.2, 0 },
			      true,
			      false },
	[METRIC_WAIT_P99] = { "wait_p99",
			      "ns",
			      "wait for the lock that 99 % stay below",
			      { 0.2, 0 },
			      false,
			      false },
};

/* NaN when it is not there or not a number, or means that it is not known. */
static double number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_number(value) && json_number_value(value) >= 0 ? json_number_value(value) :
									NAN;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double of_enough(const json_t *latency, const char *name, double least)
{
	return number(latency, "n") >= least ? number(latency, name) : NAN;
}

void metric_observe(const struct sample *sample, struct observation *seen)
{
	const json_t *gil = json_object_get(sample->line, "gil_counts");
	const json_t *latency = json_object_get(sample->line, "latency");

	for (size_t i = 0; i < METRICS; i++)
		seen->value[i] = NAN;
	seen->value[METRIC_TIME] = (double)sample->elapsed_ns;
	seen->value[METRIC_CPU] =
		(seconds(sample->usage.ru_utime) + seconds(sample->usage.ru_stime)) * 1e9;
	seen->value[METRIC_TAKES] = number(gil, "takes");
	seen->value[METRIC_CONTENDED] = number(gil, "contended");
	seen->value[METRIC_FORCED] = number(gil, "drops_forced");
	seen->value[METRIC_SWITCHES] = number(gil, "switches");
	seen->value[METRIC_LATENCY_P50] = number(latency, "p50");
	seen->value[METRIC_LATENCY_P90] = of_enough(latency, "p90", P90_LEAST);
	seen->value[METRIC_LATENCY_P99] = of_enough(latency, "p99", P99_LEAST);
	seen->value[METRIC_LATENCY_P999] = number(latency, "p999");
	seen->value[METRIC_LATENCY_MAX] = number(latency, "max");
}

/* "5%", "7.5%" */
static bool read_percent(const char *option, const char *text, double *delta, struct err *err)
{
	char *end;

	errno = 0;
	*delta = strtod(text, &end) / 100;
	if (text[0] >= '0' && text[0] <= '9' && errno == 0 && strcmp(end, "%") == 0 && *delta > 0 &&
	    *delta <= 10)
		return true;
	return err_set(err, EXIT_MISUSE,
		       "--%s: '%s' is no percentage above 0 and up to 1000; give one like 5%%",
		       option, text);
}

static struct metric *find(struct metric table[METRICS], const char *name, struct err *err)
{
	const char *names[METRICS];

	for (size_t i = 0; i < METRICS; i++) {
		names[i] = table[i].name;
		if (strcmp(name, names[i]) == 0)
			return &table[i];
	}
	param_unknown("metric", name, names, METRICS, err);
	return NULL;
}

/* "time=5%" or "takes=off" */
static bool set_one(struct metric table[METRICS], char *word, struct err *err)
{
	char *value = strchr(word, '=');
	struct metric *metric;

	if (!value)
		return err_set(err, EXIT_MISUSE,
			       "--threshold: '%s' should be a metric and what is allowed, as "
			       "time=5%% or takes=off",
			       word);
	*value++ = '\0';
	metric = find(table, word, err);
	if (!metric)
		return false;
	metric->gated = strcmp(value, "off") != 0;
	metric->asked = metric->gated;
	return !metric->gated || read_percent("threshold", value, &metric->allowed.delta, err);
}

bool metric_set(struct metric table[METRICS], const char *delta, const char *const *lists,
		size_t count, struct err *err)
{
	memcpy(table, metrics_usual, sizeof(metrics_usual));
	if (delta && !read_percent("delta", delta, &table[METRIC_TIME].allowed.delta, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		char words[512], *rest;

		if (snprintf(words, sizeof(words), "%s", lists[i]) >= (int)sizeof(words))
			return err_set(err, EXIT_MISUSE, "--threshold: the list is too long");
		if (strspn(words, ",") == strlen(words))
			return err_set(err, EXIT_MISUSE, "--threshold: '%s' names no metric",
				       words);
		for (char *word = strtok_r(words, ",", &rest); word;
		     word = strtok_r(NULL, ",", &rest)) {
			if (delta && strncmp(word, "time=", 5) == 0)
				return err_set(err, EXIT_MISUSE,
					       "--delta and --threshold %s are one thing; give one",
					       word);
			if (!set_one(table, word, err))
				return false;
		}
	}
	return true;
}
