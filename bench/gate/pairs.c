/* pairs.tsv: every pair of every metric, in the order in which they were taken. */
#include "bench/gate/show.h"

#include <math.h>

static void put_number(FILE *to, double value)
{
	if (isfinite(value))
		fprintf(to, "\t%.10g", value);
	else
		fputs("\tNaN", to);
}

/* Of a pair, unknown where there is none, as with a zero. */
static double log_ratio(double baseline, double candidate)
{
	return baseline > 0 && candidate > 0 ? log(candidate / baseline) : NAN;
}

static void put_series(const struct gate_cell *cell, const struct metric *metric, size_t id,
		       bool confirming, FILE *to)
{
	const struct gate_pair *pairs = confirming ? cell->confirming : cell->pairs;
	const size_t count = confirming ? cell->confirming_count : cell->pair_count;

	for (size_t i = 0; i < count; i++) {
		const double baseline = pairs[i].side[BASELINE].value[id];
		const double candidate = pairs[i].side[CANDIDATE].value[id];

		if (!isfinite(baseline) && !isfinite(candidate))
			continue;
		fprintf(to, "%s\t%s\t%s\t%zu\t%d\t%s", cell->id, metric->name, metric->unit, i,
			confirming, pairs[i].candidate_first ? "candidate" : "baseline");
		put_number(to, baseline);
		put_number(to, candidate);
		put_number(to, log_ratio(baseline, candidate));
		fputc('\n', to);
	}
}

void gate_pairs_tsv(const void *subject, FILE *to)
{
	const struct gate *gate = subject;

	fputs("# cell\tmetric\tunit\tpair\tconfirming\tfirst\tbaseline\tcandidate\tlog_ratio\n",
	      to);
	for (size_t i = 0; i < gate->count; i++) {
		for (size_t m = 0; m < METRICS; m++) {
			put_series(&gate->cells[i], &gate->metrics[m], m, false, to);
			put_series(&gate->cells[i], &gate->metrics[m], m, true, to);
		}
	}
}
