/* The same result as rows of tab-separated values, for gnuplot, awk and spreadsheets. Unknown is
 * NaN, which gnuplot leaves out. */
#include "bench/result.h"

#include <inttypes.h>
#include <math.h>

static void put_known(FILE *to, bool known, double value)
{
	if (known)
		fprintf(to, "\t%.10g", value);
	else
		fputs("\tNaN", to);
}

static void put_names(FILE *to, const struct cell *cell)
{
	fprintf(to, "%s\t%s\t%s\t%s\t%s\t%u\t%" PRIu64, cell->id, cell_runtime(cell),
		cell->workload, cell->mode, cell->gil[0] ? cell->gil : "-", cell->workers,
		cell->size);
}

static void put_sample(FILE *to, const struct result *result, const struct cell *cell,
		       const struct sample *sample, bool timed)
{
	const struct rusage *usage = &sample->usage;
	const struct disturbance *seen = &sample->disturbance;

	put_names(to, cell);
	fprintf(to, "\t%d\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%ld\t%ld\t%ld\t%ld\t%ld\t%ld\t%ld",
		timed, sample->seq, sample->round, sample->elapsed_ns, sample->wall_ns,
		usage->ru_utime.tv_sec * 1000000 + usage->ru_utime.tv_usec,
		usage->ru_stime.tv_sec * 1000000 + usage->ru_stime.tv_usec, usage->ru_maxrss,
		usage->ru_nvcsw, usage->ru_nivcsw, usage->ru_minflt, usage->ru_majflt);
	put_known(to, seen->psi_cpu_ns >= 0, (double)seen->psi_cpu_ns);
	put_known(to, seen->steal_ns >= 0, (double)seen->steal_ns);
	put_known(to, seen->throttled_ns >= 0, (double)seen->throttled_ns);
	for (size_t c = 0; c < result->counters->count; c++)
		put_known(to, sample->counters[c].known, (double)sample->counters[c].value);
	fputc('\n', to);
}

void result_samples_tsv(const void *subject, FILE *to)
{
	const struct result *result = subject;
	const struct counters *counters = result->counters;

	fputs("# cell\truntime\tworkload\tmode\tgil\tworkers\tsize\ttimed\tseq\tround\telapsed_ns\t"
	      "wall_ns\tuser_us\tsys_us\tmaxrss_kib\tnvcsw\tnivcsw\tminflt\tmajflt\t"
	      "psi_cpu_ns\tsteal_ns\tthrottled_ns",
	      to);
	for (size_t c = 0; c < counters->count; c++)
		fprintf(to, "\t%s", counters->row[c].name);
	fputc('\n', to);
	for (size_t i = 0; i < result->matrix->count; i++) {
		const struct cell *cell = &result->matrix->cells[i];

		for (size_t s = 0; s < cell->count; s++)
			put_sample(to, result, cell, &cell->samples[s], true);
		for (size_t s = 0; s < cell->counted_count; s++)
			put_sample(to, result, cell, &cell->counted[s], false);
	}
}

static void put_percentiles(FILE *to, const struct histogram *latency)
{
	static const double shares[] = { 0.5, 0.9, 0.99, 0.999 };
	const bool known = latency && latency->n > 0;

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		put_known(to, known && (double)latency->n * (1 - shares[i]) >= 1 - 1e-9,
			  known ? (double)histogram_percentile(latency, shares[i]) : 0);
	put_known(to, known, known ? (double)latency->max : 0);
}

void result_cells_tsv(const void *subject, FILE *to)
{
	const struct result *result = subject;

	fputs("# cell\truntime\tworkload\tmode\tgil\tworkers\tsize\tstatus\tn\tmedian_ns\tlow_ns\t"
	      "high_ns\tmin_ns\tmad_ns\tnvcsw\tnivcsw\trelative\trelative_low\trelative_high\t"
	      "p50_ns\tp90_ns\tp99_ns\tp999_ns\tmax_ns\tsyscalls\tfutex\tcpu_ns\tworkers_cpu_ns\n",
	      to);
	for (size_t i = 0; i < result->matrix->count; i++) {
		const struct cell *cell = &result->matrix->cells[i];
		const struct summary *summary = &cell->summary;
		const bool known = summary->n > 0;
		const bool relative = known && summary->reference;
		const bool interval = relative && summary->relative_ci95.known;

		put_names(to, cell);
		fprintf(to, "\t%s\t%zu", cell_status_name(cell), summary->n);
		put_known(to, known, summary->median);
		put_known(to, known && summary->ci95.known, summary->ci95.low);
		put_known(to, known && summary->ci95.known, summary->ci95.high);
		put_known(to, known, summary->min);
		put_known(to, known, summary->mad);
		put_known(to, known && !isnan(summary->nvcsw), summary->nvcsw);
		put_known(to, known && !isnan(summary->nivcsw), summary->nivcsw);
		put_known(to, relative, summary->relative);
		put_known(to, interval, summary->relative_ci95.low);
		put_known(to, interval, summary->relative_ci95.high);
		put_percentiles(to, cell->latency);
		put_known(to, cell->traced_count > 0, summary->syscalls);
		put_known(to, cell->traced_count > 0, summary->futex);
		put_known(to, known, summary->cpu);
		put_known(to, known && !isnan(summary->workers_cpu), summary->workers_cpu);
		fputc('\n', to);
	}
}

void result_counts_tsv(const void *subject, FILE *to)
{
	const struct result *result = subject;

	fputs("# cell\truntime\tworkload\tmode\tgil\tworkers\tsize\tcount\tn\tmedian\tmin\tmax\n",
	      to);
	for (size_t i = 0; i < result->matrix->count; i++) {
		const struct cell *cell = &result->matrix->cells[i];

		for (size_t k = 0; k < cell->summary.own_count; k++) {
			const struct own_count *own = &cell->summary.own[k];

			put_names(to, cell);
			fprintf(to, "\t%s\t%zu", own->name, own->n);
			put_known(to, own->n > 0, own->median);
			put_known(to, own->n > 0, own->min);
			put_known(to, own->n > 0, own->max);
			fputc('\n', to);
		}
	}
}
