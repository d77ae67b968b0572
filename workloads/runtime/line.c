/* The result of a run: the one line that the runner reads, and the few lines that people read. */
#include "base/emit.h"
#include "workloads/runtime/loop.h"
#include "workloads/runtime/mode.h"
#include "workloads/runtime/pool.h"

#include <inttypes.h>
#include <string.h>

#define NOTES_MAX 4

static void print_params(struct emit *emit, const struct run *run)
{
	static const char *const apart[] = { "mode", "gil",  "workers",  "size",
					     "json", "help", "describe", NULL };

	emit_open(emit, "params", '{');
	for (size_t i = 0; i < run->params.count; i++) {
		const struct param_value *value = &run->params.values[i];
		bool skip = false;

		for (size_t a = 0; apart[a]; a++)
			skip |= __builtin_strcmp(apart[a], value->row->name) == 0;
		if (skip)
			continue;
		if (value->row->kind == PARAM_NUMBER || value->row->kind == PARAM_TIME) {
			if (value->given || value->row->fallback)
				emit_u64(emit, value->row->name, value->number);
			else
				emit_null(emit, value->row->name);
		} else {
			emit_string(emit, value->row->name, value->text);
		}
	}
	emit_close(emit, '}');
}

static void put_known(struct emit *emit, const char *name, bool known, uint64_t value)
{
	if (known)
		emit_u64(emit, name, value);
	else
		emit_null(emit, name);
}

/* What the kernel tells of a thread is of all its coroutines together. */
static void print_spent(struct emit *emit, const struct run *run,
			const struct worker_result *result)
{
	const struct witness *spent = &result->spent;
	const bool own = !run->mode->in_loop;

	put_known(emit, "cpu_ns", own, spent->cpu_ns);
	put_known(emit, "run_delay_ns", own && !result->run_delay_unknown,
		  (uint64_t)spent->run_delay_ns);
	put_known(emit, "nvcsw", own, spent->nvcsw);
	put_known(emit, "nivcsw", own, spent->nivcsw);
}

static void print_workers(struct emit *emit, const struct run *run)
{
	emit_open(emit, "per_worker", '[');
	for (unsigned i = 0; i < run->workers; i++) {
		const struct worker_result *result = &run->result[i];

		emit_open(emit, NULL, '{');
		emit_string(emit, "role", result->role[0] ? result->role : "cpu");
		emit_u64(emit, "units", result->units);
		emit_u64(emit, "elapsed_ns", result->elapsed_ns);
		print_spent(emit, run, result);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
}

static void print_gil_counts(struct emit *emit, const struct run *run)
{
	const struct gil_counts *counts = &run->gil_counts;

	if (!run->gil) {
		emit_null(emit, "gil_counts");
		return;
	}
	emit_open(emit, "gil_counts", '{');
	emit_u64(emit, "takes", counts->takes);
	emit_u64(emit, "contended", counts->contended);
	emit_u64(emit, "timeouts", counts->timeouts);
	emit_u64(emit, "switches", counts->switches);
	emit_u64(emit, "drops_voluntary", counts->drops_voluntary);
	emit_u64(emit, "drops_forced", counts->drops_forced);
	emit_u64(emit, "wait_ns", clock_raw_to_ns(counts->wait_raw, run->begin, run->end));
	emit_u64(emit, "hold_ns", clock_raw_to_ns(counts->hold_raw, run->begin, run->end));
	emit_u64(emit, "requests", counts->requests);
	emit_u64(emit, "drops_requested", counts->drops_requested);
	emit_u64(emit, "forced_waits", counts->forced_waits);
	emit_u64(emit, "forced_wait_ns",
		 clock_raw_to_ns(counts->forced_wait_raw, run->begin, run->end));
	emit_close(emit, '}');
}

/* A pool's tasks are submitted when those of the phase before were received. */
static const char *loop_of(const struct run *run)
{
	return run->plan.loop ? run->plan.loop : "closed";
}

/* All workers' latencies in one; the caller's memory, it is large. */
static void merge_latencies(const struct run *run, struct histogram *all)
{
	*all = (struct histogram){ 0 };
	for (unsigned i = 0; i < run->parties; i++)
		histogram_merge(all, &run->result[i].latency);
}

static void print_latency(struct emit *emit, const struct run *run)
{
	static struct histogram all;

	merge_latencies(run, &all);
	if (all.n == 0) {
		emit_null(emit, "latency");
		return;
	}
	emit_open(emit, "latency", '{');
	emit_string(emit, "unit", "ns");
	emit_string(emit, "loop", loop_of(run));
	histogram_emit(&all, emit);
	emit_u64(emit, "sum", all.sum);
	emit_close(emit, '}');
}

/* The sum over the workers, which may be below zero; false: nobody told it. */
static bool sum_count(const struct run *run, size_t which, int64_t *sum)
{
	uint64_t modular = 0;
	bool told = false;

	for (unsigned i = 0; i < run->workers; i++) {
		modular += run->result[i].counts[which];
		told |= run->result[i].told[which];
	}
	*sum = (int64_t)modular;
	return told;
}

static void print_counts(struct emit *emit, const struct run *run)
{
	const char *const *names = run->workload->counts;
	int64_t sum;

	emit_open(emit, "counts", '{');
	for (size_t i = 0; names && names[i]; i++) {
		if (sum_count(run, i, &sum))
			emit_i64(emit, names[i], sum);
		else
			emit_null(emit, names[i]);
	}
	emit_close(emit, '}');
}

/* The different notes of all workers, in their order. Returns how many. */
static unsigned find_notes(const struct run *run, const char *notes[NOTES_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < run->workers && count < NOTES_MAX; i++) {
		const char *note = run->result[i].note;
		unsigned k = 0;

		while (k < count && strcmp(notes[k], note) != 0)
			k++;
		if (note[0] && k == count)
			notes[count++] = note;
	}
	return count;
}

static void print_notes(struct emit *emit, const struct run *run)
{
	const char *notes[NOTES_MAX];
	const unsigned count = find_notes(run, notes);

	emit_open(emit, "notes", '[');
	for (unsigned i = 0; i < count; i++)
		emit_string(emit, NULL, notes[i]);
	emit_close(emit, ']');
}

static void print_pool(struct emit *emit, const struct run *run)
{
	const struct pool *pool = run->pool;

	if (!pool) {
		emit_null(emit, "pool");
		return;
	}
	emit_open(emit, "pool", '{');
	emit_u64(emit, "tasks", pool->tasks);
	emit_string(emit, "results", param_text(&run->params, "results"));
	if (pool->tasks > POOL_ORDER_MAX) {
		emit_null(emit, "order");
	} else {
		emit_open(emit, "order", '[');
		for (unsigned i = 0; i < pool->tasks; i++)
			emit_u64(emit, NULL, pool->order[i]);
		emit_close(emit, ']');
	}
	emit_u64(emit, "inversions", pool->inversions);
	emit_close(emit, '}');
}

static void print_loop(struct emit *emit, const struct run *run)
{
	const struct loop_counts *counts;

	if (!run->loop) {
		emit_null(emit, "loop");
		return;
	}
	counts = loop_counts(run->loop);
	emit_open(emit, "loop", '{');
	emit_u64(emit, "turns", counts->turns);
	emit_u64(emit, "longest_turn_ns", counts->longest_turn_ns);
	emit_u64(emit, "waits", counts->waits);
	emit_close(emit, '}');
}

void run_print_json(const struct run *run, FILE *to)
{
	struct emit emit;
	char checksum[24];

	snprintf(checksum, sizeof(checksum), "%016" PRIx64, run_checksum(run));
	emit_start(&emit, to, false);
	emit_open(&emit, NULL, '{');
	emit_string(&emit, "workload", run->workload->name);
	emit_string(&emit, "mode", run->mode->name);
	emit_string(&emit, "gil", run->gil ? run->gil->name : NULL);
	emit_u64(&emit, "workers", run->workers);
	emit_u64(&emit, "size", run->worker[0].size);
	print_params(&emit, run);
	emit_u64(&emit, "elapsed_ns", run_elapsed_ns(run));
	emit_string(&emit, "checksum", checksum);
	print_workers(&emit, run);
	print_gil_counts(&emit, run);
	print_latency(&emit, run);
	print_counts(&emit, run);
	print_notes(&emit, run);
	print_pool(&emit, run);
	print_loop(&emit, run);
	emit_close(&emit, '}');
}

static void print_own(const struct run *run, FILE *to)
{
	const char *const *names = run->workload->counts;
	const char *notes[NOTES_MAX];
	const unsigned count = find_notes(run, notes);
	int64_t sum;

	for (size_t i = 0; names && names[i]; i++) {
		fprintf(to, "%s%s ", i ? ", " : "counts: ", names[i]);
		if (sum_count(run, i, &sum))
			fprintf(to, "%" PRId64, sum);
		else
			fprintf(to, "unknown");
	}
	if (names)
		fprintf(to, "\n");
	for (unsigned i = 0; i < count; i++)
		fprintf(to, "%s\n", notes[i]);
}

/* What a pool or a loop tells of itself. */
static void print_mode(const struct run *run, FILE *to)
{
	const struct loop_counts *counts = run->loop ? loop_counts(run->loop) : NULL;

	if (run->pool)
		fprintf(to, "pool: %u tasks, results %s, %" PRIu64 " inversions\n",
			run->pool->tasks, param_text(&run->params, "results"),
			run->pool->inversions);
	if (counts)
		fprintf(to,
			"loop: %" PRIu64 " turns, the longest %.3f ms, %" PRIu64
			" waits for events\n",
			counts->turns, (double)counts->longest_turn_ns / 1e6, counts->waits);
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
	print_mode(run, to);
	merge_latencies(run, &all);
	if (all.n)
		fprintf(to,
			"latency (%s loop): %" PRIu64
			" operations, %.1f per second, p50 %.3f ms, p99 %.3f ms, max %.3f ms\n",
			loop_of(run), all.n, (double)all.n / seconds,
			(double)histogram_percentile(&all, 0.5) / 1e6,
			(double)histogram_percentile(&all, 0.99) / 1e6, (double)all.max / 1e6);
	print_own(run, to);
}
