/* The result of a run: the one line that the runner reads, and the few lines that people read. */
#include "base/json.h"
#include "workloads/runtime/mode.h"

#include <inttypes.h>

static void print_params(struct json *json, const struct run *run)
{
	static const char *const apart[] = { "mode", "gil",  "workers",  "size",
					     "json", "help", "describe", NULL };

	json_open(json, "params", '{');
	for (size_t i = 0; i < run->params.count; i++) {
		const struct param_value *value = &run->params.values[i];
		bool skip = false;

		for (size_t a = 0; apart[a]; a++)
			skip |= __builtin_strcmp(apart[a], value->row->name) == 0;
		if (skip)
			continue;
		if (value->row->kind == PARAM_NUMBER || value->row->kind == PARAM_TIME) {
			if (value->given || value->row->fallback)
				json_u64(json, value->row->name, value->number);
			else
				json_null(json, value->row->name);
		} else {
			json_string(json, value->row->name, value->text);
		}
	}
	json_close(json, '}');
}

static void print_workers(struct json *json, const struct run *run)
{
	json_open(json, "per_worker", '[');
	for (unsigned i = 0; i < run->workers; i++) {
		const struct worker_result *result = &run->result[i];

		json_open(json, NULL, '{');
		json_string(json, "role", result->role[0] ? result->role : "cpu");
		json_u64(json, "units", result->units);
		json_u64(json, "elapsed_ns", result->elapsed_ns);
		json_u64(json, "cpu_ns", result->spent.cpu_ns);
		if (result->run_delay_known)
			json_u64(json, "run_delay_ns", result->spent.run_delay_ns);
		else
			json_null(json, "run_delay_ns");
		json_u64(json, "nvcsw", result->spent.nvcsw);
		json_u64(json, "nivcsw", result->spent.nivcsw);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void print_gil_counts(struct json *json, const struct run *run)
{
	const struct gil_counts *counts = &run->gil_counts;

	if (!run->gil) {
		json_null(json, "gil_counts");
		return;
	}
	json_open(json, "gil_counts", '{');
	json_u64(json, "takes", counts->takes);
	json_u64(json, "contended", counts->contended);
	json_u64(json, "timeouts", counts->timeouts);
	json_u64(json, "switches", counts->switches);
	json_u64(json, "drops_voluntary", counts->drops_voluntary);
	json_u64(json, "drops_forced", counts->drops_forced);
	json_u64(json, "wait_ns", clock_raw_to_ns(counts->wait_raw, run->begin, run->end));
	json_u64(json, "hold_ns", clock_raw_to_ns(counts->hold_raw, run->begin, run->end));
	json_close(json, '}');
}

/* All workers' latencies in one; the caller's memory, it is large. */
static void merge_latencies(const struct run *run, struct histogram *all)
{
	*all = (struct histogram){ 0 };
	for (unsigned i = 0; i < run->workers; i++)
		histogram_merge(all, &run->result[i].latency);
}

static void print_latency(struct json *json, const struct run *run)
{
	static struct histogram all;

	merge_latencies(run, &all);
	if (all.n == 0) {
		json_null(json, "latency");
		return;
	}
	json_open(json, "latency", '{');
	json_string(json, "unit", "ns");
	json_string(json, "loop", run->plan.loop);
	json_u64(json, "n", all.n);
	json_u64(json, "min", all.min);
	json_u64(json, "p50", histogram_percentile(&all, 0.5));
	json_u64(json, "p90", histogram_percentile(&all, 0.9));
	json_u64(json, "p99", histogram_percentile(&all, 0.99));
	/* The thousandth of fewer than a thousand values is not known. */
	if (all.n >= 1000)
		json_u64(json, "p999", histogram_percentile(&all, 0.999));
	else
		json_null(json, "p999");
	json_u64(json, "max", all.max);
	json_u64(json, "sum", all.sum);
	json_u64(json, "sub_bits", HISTOGRAM_SUB_BITS);
	json_open(json, "counts", '[');
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (all.counts[i] == 0)
			continue;
		json_open(json, NULL, '[');
		json_u64(json, NULL, i);
		json_u64(json, NULL, all.counts[i]);
		json_close(json, ']');
	}
	json_close(json, ']');
	json_close(json, '}');
}

void run_print_json(const struct run *run, FILE *to)
{
	struct json json;
	char checksum[24];

	snprintf(checksum, sizeof(checksum), "%016" PRIx64, run_checksum(run));
	json_start(&json, to, false);
	json_open(&json, NULL, '{');
	json_string(&json, "workload", run->workload->name);
	json_string(&json, "mode", run->mode->name);
	json_string(&json, "gil", run->gil ? run->gil->name : NULL);
	json_u64(&json, "workers", run->workers);
	json_u64(&json, "size", run->worker[0].size);
	print_params(&json, run);
	json_u64(&json, "elapsed_ns", run_elapsed_ns(run));
	json_string(&json, "checksum", checksum);
	print_workers(&json, run);
	print_gil_counts(&json, run);
	print_latency(&json, run);
	json_close(&json, '}');
}

void run_print(const struct run *run, FILE *to)
{
	const struct gil_counts *counts = &run->gil_counts;
	const double seconds = (double)run_elapsed_ns(run) / 1e9;
	static struct histogram all;

	fprintf(to, "%s, %s%s%s, %u worker%s, %" PRIu64 " %s: %.6f s, checksum %016" PRIx64 "\n",
		run->workload->name, run->mode->name, run->gil ? " " : "",
		run->gil ? run->gil->name : "", run->workers, run->workers == 1 ? "" : "s",
		run->worker[0].size, run->workload->size_unit, seconds, run_checksum(run));
	if (run->gil)
		fprintf(to,
			"lock: %" PRIu64 " takes (%" PRIu64 " contended), %" PRIu64
			" switches, %" PRIu64 " timed out; drops %" PRIu64 " voluntary, %" PRIu64
			" forced\n",
			counts->takes, counts->contended, counts->switches, counts->timeouts,
			counts->drops_voluntary, counts->drops_forced);
	merge_latencies(run, &all);
	if (all.n)
		fprintf(to,
			"latency (%s loop): %" PRIu64
			" operations, p50 %.3f ms, p99 %.3f ms, max %.3f ms\n",
			run->plan.loop, all.n, (double)histogram_percentile(&all, 0.5) / 1e6,
			(double)histogram_percentile(&all, 0.99) / 1e6, (double)all.max / 1e6);
}
