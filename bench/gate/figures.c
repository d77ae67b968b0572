/* Figures of a gate: three digits say all that is known. */
#include "bench/gate/figures.h"

#include <math.h>
#include <string.h>

/* "%.3g" would write 123.4 as 123 and 999.6 as 1e+03. */
static void say_digits(double value, const char *unit, char to[FIGURE])
{
	const int after = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;

	snprintf(to, FIGURE, "%.*f%s", after, value, unit);
}

static void say_count(double value, char to[FIGURE])
{
	if (value >= 999500)
		say_digits(value / 1e6, "M", to);
	else if (value >= 9995)
		say_digits(value / 1e3, "k", to);
	else if (value >= 99.95 || value == floor(value))
		snprintf(to, FIGURE, "%.0f", value);
	else
		snprintf(to, FIGURE, "%.3g", value);
}

void figure_duration(double ns, char to[FIGURE])
{
	if (!isfinite(ns))
		snprintf(to, FIGURE, "-");
	else if (ns >= 999.5e6)
		say_digits(ns / 1e9, " s", to);
	else if (ns >= 999.5e3)
		say_digits(ns / 1e6, " ms", to);
	else if (ns >= 999.5)
		say_digits(ns / 1e3, " us", to);
	else
		snprintf(to, FIGURE, "%.0f ns", ns);
}

void figure_value(const struct metric *metric, double value, char to[FIGURE])
{
	if (!isfinite(value))
		snprintf(to, FIGURE, "-");
	else if (strcmp(metric->unit, "ns") == 0)
		figure_duration(value, to);
	else if (strcmp(metric->unit, "share") == 0)
		snprintf(to, FIGURE, "%.1f%%", value * 100);
	else
		say_count(value, to);
}

static void say_percent(double percent, const char *unit, char to[FIGURE])
{
	if (fabs(percent) >= 99999.5)
		snprintf(to, FIGURE, "%+.2g%s", percent, unit);
	else
		snprintf(to, FIGURE, "%+.*f%s", fabs(percent) < 99.95 ? 1 : 0, percent, unit);
}

void figure_ratio(double ratio, char to[FIGURE])
{
	if (isfinite(ratio))
		say_percent((ratio - 1) * 100, "%", to);
	else
		snprintf(to, FIGURE, "-");
}

void figure_change(const struct metric *metric, const struct judgement *judgement, char to[FIGURE])
{
	const double difference = judgement->median[CANDIDATE] - judgement->median[BASELINE];
	char size[FIGURE];

	if (isfinite(judgement->effect.ratio) || !isfinite(difference)) {
		figure_ratio(judgement->effect.ratio, to);
		return;
	}
	figure_value(metric, fabs(difference), size);
	snprintf(to, FIGURE, "%c%.*s", difference < 0 ? '-' : '+', FIGURE - 2, size);
}

void figure_interval(struct interval interval, char to[FIGURE])
{
	char low[FIGURE], high[FIGURE];

	if (!interval.known || !isfinite(interval.low) || !isfinite(interval.high)) {
		snprintf(to, FIGURE, "-");
		return;
	}
	say_percent((interval.low - 1) * 100, "", low);
	say_percent((interval.high - 1) * 100, "", high);
	snprintf(to, FIGURE, "%.24s..%.24s%%", low, high);
}

void figure_allowed(const struct metric *metric, char to[FIGURE])
{
	const struct allowance *allowed = &metric->allowed;
	char slack[FIGURE];

	snprintf(to, FIGURE, "+%.3g%%", allowed->delta * 100);
	if (!(allowed->slack > 0))
		return;
	if (strcmp(metric->unit, "share") == 0)
		snprintf(slack, sizeof(slack), "%.3g%%", allowed->slack * 100);
	else
		figure_value(metric, allowed->slack, slack);
	snprintf(to + strlen(to), FIGURE - strlen(to), "+%.30s", slack);
}

void figure_pairs(const struct judgement *judgement, char to[FIGURE])
{
	if (judgement->confirming > 0)
		snprintf(to, FIGURE, "%zu+%zu", judgement->pairs, judgement->confirming);
	else
		snprintf(to, FIGURE, "%zu", judgement->pairs);
}

void figure_bound(double probability, char to[FIGURE])
{
	const double percent = probability * 100;
	double unit = 1;

	if (!(probability > 0) || probability >= 1) {
		snprintf(to, FIGURE, "%s", probability >= 1 ? "100%" : "0%");
		return;
	}
	/* Two digits, the last one up. */
	unit = pow(10, floor(log10(percent)) - 1);
	snprintf(to, FIGURE, "%.2g%%", ceil(percent / unit - 1e-9) * unit);
}
