/* Wording that more than one sentence of the page needs. */
#include "plots/words.h"

#include "plots/arrange.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void words_number(FILE *to, double value)
{
	if (value == 0 || value >= 999.5) {
		/* Whole numbers; what lies behind three digits is noise and is rounded away. */
		const double unit = value < 1000 ? 1 : pow(10, floor(log10(value)) - 2);
		const uint64_t whole = (uint64_t)(round(value / unit) * unit + 0.5);

		if (whole >= 1000000000)
			fprintf(to, "%.3g", value);
		else if (whole >= 1000000)
			fprintf(to, "%" PRIu64 ",%03" PRIu64 ",%03" PRIu64, whole / 1000000,
				whole / 1000 % 1000, whole % 1000);
		else if (whole >= 1000)
			fprintf(to, "%" PRIu64 ",%03" PRIu64, whole / 1000, whole % 1000);
		else
			fprintf(to, "%" PRIu64, whole);
		return;
	}
	fprintf(to, "%.*f", value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value);
}

void words_time(FILE *to, double ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "s", 1e9 }, { "ms", 1e6 }, { "µs", 1e3 }, { "ns", 1 } };
	size_t i = 0;

	while (i < 3 && ns < units[i].ns * 0.9995)
		i++;
	words_number(to, ns / units[i].ns);
	fprintf(to, " %s", units[i].name);
}

void words_ratio(FILE *to, const struct estimate *ratio)
{
	fprintf(to, "%.2f", ratio->median);
	if (!isnan(ratio->low))
		fprintf(to, " (%.2f to %.2f)", ratio->low, ratio->high);
}

void words_where(FILE *to, const struct findings *findings, const struct cell *cell)
{
	const struct series *series = &findings->series[cell->series];

	if (series->gil)
		fprintf(to, "under %s", series->name);
	else if (strcmp(series->mode, "threads") == 0 && !cell->runtime)
		fputs("in threads without a lock", to);
	else if (strcmp(series->mode, "sequential") == 0)
		fputs("one after the other", to);
	else
		fprintf(to, "in %s", series->name);
}

void words_count(FILE *to, uint64_t count)
{
	static const char *const words[] = { "no",   "one", "two",   "three", "four",
					     "five", "six", "seven", "eight", "nine" };

	if (count < sizeof(words) / sizeof(words[0]))
		fputs(words[count], to);
	else
		fprintf(to, "%" PRIu64, count);
}

void words_between(FILE *to, size_t i, size_t count)
{
	if (i > 0)
		fputs(i + 1 < count ? ", " : " and ", to);
}
