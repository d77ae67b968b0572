/* gilscope report: what a trace's locks and threads came to, for people or as JSON. */
#include "tracer/report/report.h"

#include "base/param.h"
#include "command/command.h"
#include "tracer/gil/show.h"
#include "tracer/report/hazards.h"
#include "tracer/report/syscalls_view.h"
#include "tracer/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP_HIGH 100000

static const struct param params[] = {
	{ .name = "gil", .kind = PARAM_FLAG, .help = "only the interpreters' locks" },
	{ .name = "locks", .kind = PARAM_FLAG, .help = "only locks and what else is waited for" },
	{ .name = "threads", .kind = PARAM_FLAG, .help = "only processes and threads" },
	{ .name = "syscalls", .kind = PARAM_FLAG, .help = "only system calls" },
	{ .name = "hazards",
	  .kind = PARAM_FLAG,
	  .help = "only deadlocks, orders of locks that could be one, livelock, starvation" },
	{ .name = "from",
	  .kind = PARAM_TIME,
	  .high = WORDS_TIME_HIGH,
	  .value = "T",
	  .help = "only what ends at or behind this time since the trace's first record" },
	{ .name = "to",
	  .kind = PARAM_TIME,
	  .high = WORDS_TIME_HIGH,
	  .value = "T",
	  .help = "only up to this time" },
	{ .name = "top",
	  .kind = PARAM_NUMBER,
	  .fallback = "10",
	  .low = 1,
	  .high = TOP_HIGH,
	  .value = "N",
	  .help = "rows of each table, and how many longest waits" },
	{ .name = "json", .kind = PARAM_FLAG, .help = "print one JSON object with everything" },
	{ 0 },
};

const char *report_mode_name(const struct object *object, enum object_mode mode)
{
	if (object->type != OBJECT_RWLOCK)
		return "exclusive";
	return mode == OBJECT_SHARED ? "read" : "write";
}

bool report_is_lock(const struct object *object)
{
	return object->type <= OBJECT_SEM && !object->no_hold;
}

const char *report_no_correction(const struct report *report)
{
	return report->locks.cost_known ? NULL : "what a record costs is not in the trace";
}

uint64_t report_lived(const struct report *report, size_t thread)
{
	const struct family_thread *facts = &report->locks.family.threads[thread];
	const uint64_t from = report->locks.from, to = report->locks.to;
	const uint64_t begin = facts->begin > from ? facts->begin : from;
	const uint64_t end = facts->end < to ? facts->end : to;

	return end > begin ? end - begin : 0;
}

static bool is_used(const struct object *object)
{
	return object->uses[OBJECT_ALONE] || object->uses[OBJECT_SHARED] || object->meeting ||
	       object->releases > 0;
}

uint64_t report_waited(const struct object *object)
{
	uint64_t sum = object->meeting ? object->meeting->wait.raw.sum : 0;

	for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
		const struct object_use *use = object->uses[mode];

		sum += use ? use->wait.raw.sum + use->unfinished_wait : 0;
	}
	return sum;
}

/* What of an object says how much it matters: time waited, then conflicts, then use. */
struct weight {
	uint64_t wait, conflicts, uses;
};

static struct weight weigh(const struct object *object)
{
	struct weight weight = { .wait = report_waited(object) };

	for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
		const struct object_use *use = object->uses[mode];

		if (!use)
			continue;
		weight.conflicts += use->conflicts;
		weight.uses += use->acquisitions + use->reacquisitions;
	}
	if (object->meeting)
		weight.uses += object->meeting->waits + object->meeting->signals +
			       object->meeting->broadcasts;
	return weight;
}

int report_order(const struct object *x, const struct object *y)
{
	const struct weight left = weigh(x), right = weigh(y);

	if (left.wait != right.wait)
		return left.wait < right.wait ? 1 : -1;
	if (left.conflicts != right.conflicts)
		return left.conflicts < right.conflicts ? 1 : -1;
	if (left.uses != right.uses)
		return left.uses < right.uses ? 1 : -1;
	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static int heaviest_first(const void *a, const void *b)
{
	return report_order(*(struct object *const *)a, *(struct object *const *)b);
}

static int most_waiting_first(const void *a, const void *b, void *report)
{
	const struct actor *actors = ((const struct report *)report)->locks.actors;
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const uint64_t x = actors[i].waited[WAIT_LOCK].raw + actors[i].waited[WAIT_SEM].raw;
	const uint64_t y = actors[j].waited[WAIT_LOCK].raw + actors[j].waited[WAIT_SEM].raw;

	if (x != y)
		return x < y ? 1 : -1;
	return (i > j) - (i < j);
}

static bool order(struct report *report, struct err *err)
{
	const struct objects *objects = &report->locks.objects;
	const size_t threads = report->trace->thread_count;

	report->objects = calloc(objects->count + 1, sizeof(struct object *));
	report->threads = calloc(threads + 1, sizeof(*report->threads));
	report->symbols = symbols_create(&report->locks.family);
	if (!report->objects || !report->threads || !report->symbols)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu locks", objects->count);
	for (size_t i = 0; i < objects->count; i++) {
		if (is_used(objects->all[i]))
			report->objects[report->object_count++] = objects->all[i];
	}
	if (report->object_count > 0)
		qsort(report->objects, report->object_count, sizeof(struct object *),
		      heaviest_first);
	for (size_t i = 0; i < report->object_count; i++)
		report->objects[i]->rank = i + 1;
	if (!report_group(report))
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu locks", objects->count);
	for (size_t i = 0; i < threads; i++)
		report->threads[i] = (uint32_t)i;
	qsort_r(report->threads, threads, sizeof(*report->threads), most_waiting_first, report);
	return true;
}

static void add_object(struct report_sums *sums, const struct object *object)
{
	sums->overlaps += object->overlaps;
	if (object->longest_overlap > sums->longest_overlap)
		sums->longest_overlap = object->longest_overlap;
	if (!report_is_lock(object))
		return;
	sums->locks++;
	sums->unpaired += object->unpaired;
	sums->foreign += object->foreign;
	sums->refused += object->refused;
	sums->held_at_end += object->held_at_end;
	for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
		const struct object_use *use = object->uses[mode];

		if (!use)
			continue;
		sums->acquisitions += use->acquisitions;
		sums->conflicts += use->conflicts;
		sums->busy += use->busy;
		sums->unfinished += use->unfinished;
		sums->wait.raw += use->wait.raw.sum;
		sums->wait.corrected += use->wait.corrected.sum;
		if (use->wait.raw.max > sums->longest_wait)
			sums->longest_wait = use->wait.raw.max;
	}
}

static void sum_up(struct report *report)
{
	struct report_sums *sums = &report->sums;
	const double record_ns = report->trace->info.record_ns;

	for (size_t i = 0; i < report->object_count; i++)
		add_object(sums, report->objects[i]);
	for (size_t i = 0; i < report->trace->thread_count; i++) {
		const struct actor *actor = &report->locks.actors[i];

		sums->lived += report_lived(report, i);
		sums->stall += report->trace->threads[i].header.stall_raw;
		for (size_t kind = 0; kind < WAIT_KINDS; kind++) {
			sums->waited[kind].raw += actor->waited[kind].raw;
			sums->waited[kind].corrected += actor->waited[kind].corrected;
		}
	}
	sums->cost_ns = record_ns < 0 ? -1 : record_ns * (double)report->locks.records;
}

static bool make(struct report *report, struct err *err)
{
	const struct locks_wish wish = {
		.from_ns = report->from_ns,
		.to_ns = report->to_ns,
		.top = report->top,
		.syscalls = report->with_syscalls,
		.hazards = report->with_hazards,
		.gils = report->gils,
	};

	if (!locks_read(&report->locks, report->trace, &wish, err))
		return false;
	if (!order(report, err))
		return false;
	sum_up(report);
	report_judge(report);
	return true;
}

static void finish(struct report *report)
{
	report_ungroup(report);
	symbols_destroy(report->symbols);
	free(report->objects);
	free(report->threads);
	if (report->locks.trace)
		locks_finish(&report->locks);
}

/* How many system calls there were, or why they are not known. */
static void sum_up_syscalls(const struct report *report, FILE *to)
{
	const struct syscalls *syscalls = report->locks.syscalls;
	struct syscalls_way ways[SYSCALLS_WAYS];
	const size_t count = syscalls_ways(syscalls, ways);
	char how[SYSCALLS_SENTENCE], missed[48] = "";

	syscalls_say_ways(ways, count, how);
	if (syscalls_audited(ways, count))
		snprintf(missed, sizeof(missed), "; the patches missed %" PRIu64,
			 syscalls->missed_calls);
	if (syscalls_recorded(syscalls))
		fprintf(to,
			"gilscope: %" PRIu64 " system calls, of which %" PRIu64 " futex; %s%s\n",
			syscalls->tally.calls, syscalls->tally.futex, how, missed);
	else if (count > 0 && ways[0].known && ways[0].reason != TRACE_SYSCALLS_AS_ASKED)
		fprintf(to, "gilscope: no system calls were recorded; %s\n", how);
}

bool report_verdict(const char *folder, uint64_t most, FILE *to, struct err *err)
{
	static struct report report; /* large */
	struct trace trace;
	bool right;

	if (!trace_open(&trace, folder, err))
		return false;
	report = (struct report){
		.trace = &trace,
		.to_ns = UINT64_MAX,
		.top = 1,
		.with_syscalls = true,
	};
	right = trace.records > most || make(&report, err);
	if (right && report.locks.syscalls)
		sum_up_syscalls(&report, to);
	for (size_t i = 0; right && i < report.sentence_count; i++)
		fprintf(to, "gilscope: %s\n", report.verdict[i]);
	finish(&report);
	trace_close(&trace);
	return right;
}

static bool report_gil(struct trace *trace, const struct report *report, bool as_json,
		       struct err *err)
{
	struct show show = {
		.trace = trace,
		.from_ns = report->from_ns,
		.to_ns = report->to_ns,
		.top = report->top,
		.as_json = as_json,
	};

	return show_gils(&show, err);
}

static bool report_hazards(struct report *report, bool as_json, struct err *err)
{
	static struct gils gils; /* large */
	bool right = gils_read(&gils, report->trace, report->from_ns, report->to_ns, true, err);

	if (!right)
		return false;
	report->gils = &gils;
	right = make(report, err) && hazards_report(report, as_json, err);
	finish(report);
	gils_finish(&gils);
	return right;
}

static bool report_all(struct report *report, bool as_json, struct err *err)
{
	bool right = make(report, err);

	if (right && report->with_syscalls)
		right = syscalls_report(report, as_json, err);
	else if (right && as_json)
		report_emit(report);
	else if (right)
		report_print(report);
	finish(report);
	return right;
}

/* Some are reports of their own. */
static bool is_one_report(const struct param_set *set, struct err *err)
{
	const bool parts = param_number(set, "locks") || param_number(set, "threads");
	const bool others = param_number(set, "gil") || param_number(set, "syscalls");

	if (param_number(set, "hazards") && (parts || others))
		return err_set(err, EXIT_MISUSE,
			       "--hazards is a report of its own; give no --gil, --locks, "
			       "--threads and --syscalls");
	if (param_number(set, "gil") && (parts || param_number(set, "syscalls")))
		return err_set(err, EXIT_MISUSE,
			       "--gil is a report of its own; give no --locks, --threads and "
			       "--syscalls");
	if (param_number(set, "syscalls") && parts)
		return err_set(err, EXIT_MISUSE,
			       "--syscalls is a report of its own; give no --locks and "
			       "--threads");
	return true;
}

static int run(int argc, char *argv[], struct err *err)
{
	static struct report report; /* large */
	struct param_set set = { .count = 0 };
	struct trace trace;
	const char *folder = NULL;
	bool right, as_json;

	param_set_add(&set, params);
	if (!words_read(argc, argv, &set, &folder, err) || !is_one_report(&set, err) ||
	    !trace_open(&trace, folder, err))
		return err->code;
	as_json = param_number(&set, "json");
	report = (struct report){
		.trace = &trace,
		.from_ns = param_number(&set, "from"),
		.to_ns = param_get(&set, "to")->given ? param_number(&set, "to") : UINT64_MAX,
		.top = param_number(&set, "top"),
		.only_locks = param_number(&set, "locks"),
		.only_threads = param_number(&set, "threads"),
		.with_syscalls = param_number(&set, "syscalls") || param_number(&set, "hazards"),
		.with_hazards = param_number(&set, "hazards"),
	};
	if (report.with_hazards)
		right = report_hazards(&report, as_json, err);
	else if (param_number(&set, "gil"))
		right = report_gil(&trace, &report, as_json, err);
	else
		right = report_all(&report, as_json, err);
	trace_close(&trace);
	return right ? EXIT_DONE : err->code;
}

const struct command command_report = {
	.name = "report",
	.arguments = "TRACE [OPTION]...",
	.summary = "what a trace's locks and threads came to: who waited, for what, how long",
	.params = params,
	.run = run,
};
