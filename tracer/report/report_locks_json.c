/* The report's objects and longest waits as JSON; report_json.c says what the members mean. */
#include "tracer/report/report_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_address(struct writer *writer, const char *name, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	emit_string(&writer->emit, name, text);
}

static void put_spread(struct writer *writer, const struct spread *spread)
{
	writer_put_ns(writer, "total_ns", spread->sum);
	writer_put_ns(writer, "p50_ns", spread_percentile(spread, 0.5));
	writer_put_ns(writer, "p99_ns", spread_percentile(spread, 0.99));
	writer_put_ns(writer, "max_ns", spread->max);
}

static void put_measure(struct writer *writer, const char *name, const struct measure *measure)
{
	struct emit *emit = &writer->emit;

	if (measure->raw.n == 0) {
		writer_put_unknown(writer, name, "there was none");
		return;
	}
	emit_open(emit, name, '{');
	emit_u64(emit, "n", measure->raw.n);
	put_spread(writer, &measure->raw);
	if (writer->report->locks.cost_known) {
		emit_open(emit, "corrected", '{');
		put_spread(writer, &measure->corrected);
		emit_close(emit, '}');
	} else {
		writer_put_unknown(writer, "corrected", report_no_correction(writer->report));
	}
	emit_close(emit, '}');
}

/* What the INIT of a mutex asked for. */
static void put_mutex(struct writer *writer, const struct object *object)
{
	static const char *const kinds[] = { "normal", "recursive", "errorcheck", "adaptive" };
	static const char *const protocols[] = { "none", "inherit", "protect", "unknown" };
	struct emit *emit = &writer->emit;

	if (!object->inited) {
		writer_put_unknown(writer, "mutex_kind", "it was not made by pthread_mutex_init");
		return;
	}
	emit_string(emit, "mutex_kind", kinds[object->bits & 3]);
	emit_bool(emit, "robust", object->bits & TRACE_INIT_ROBUST);
	emit_string(emit, "protocol", protocols[object->bits >> TRACE_INIT_PROTOCOL_SHIFT & 3]);
}

static void put_object(struct writer *writer, const struct object *object)
{
	struct report *report = writer->report;
	struct emit *emit = &writer->emit;
	struct symbol_name name;

	symbols_object(report->symbols, object, &name);
	emit_u64(emit, "id", object->rank);
	emit_string(emit, "type", object_type_name((enum object_type)object->type));
	emit_string(emit, "name", name.text);
	if (name.reason[0])
		emit_string(emit, "name_reason", name.reason);
	put_address(writer, "address", object->address);
	emit_u64(emit, "process", report->locks.family.processes[object->process].number);
	emit_u64(emit, "generation", object->generation);
	if (object->creator) {
		symbols_code(report->symbols, object->process, object->creator, &name);
		emit_string(emit, "creator", name.text);
	} else {
		writer_put_unknown(writer, "creator", "its initialisation is not in the trace");
	}
	emit_bool(emit, "process_shared", object->shared);
	if (object->type == OBJECT_MUTEX)
		put_mutex(writer, object);
}

static void put_failures(struct writer *writer, const struct object_use *use)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, "failures", '{');
	for (size_t i = 0; i < use->failure_count; i++) {
		const char *name = strerrorname_np((int)use->failures[i].error);
		char number[16];

		snprintf(number, sizeof(number), "%u", use->failures[i].error);
		emit_u64(emit, name ? name : number, use->failures[i].count);
	}
	emit_close(emit, '}');
}

static void put_use(struct writer *writer, const struct object *object, enum object_mode mode)
{
	const struct object_use *use = object->uses[mode];
	const uint64_t tries = use->acquisitions + object_failures(use) + use->unfinished;
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	emit_string(emit, "mode", report_mode_name(object, mode));
	emit_u64(emit, "acquisitions", use->acquisitions);
	emit_u64(emit, "reacquisitions", use->reacquisitions);
	emit_u64(emit, "conflicts", use->conflicts);
	if (tries > 0)
		emit_double(emit, "conflict_share", (double)use->conflicts / (double)tries);
	else
		writer_put_unknown(writer, "conflict_share", "it was only tried");
	put_failures(writer, use);
	emit_u64(emit, "busy_tries", use->busy);
	emit_u64(emit, "retry_loops", use->loops);
	emit_u64(emit, "retries", use->retries);
	emit_u64(emit, "longest_loop", use->longest_loop);
	emit_u64(emit, "owner_died", use->owner_died);
	emit_u64(emit, "unfinished_waits", use->unfinished);
	writer_put_ns(writer, "unfinished_wait_ns", use->unfinished_wait);
	put_measure(writer, "wait", &use->wait);
	if (report_is_lock(object))
		put_measure(writer, "hold", &use->hold);
	else
		writer_put_unknown(writer, "hold", object->no_hold);
	emit_close(emit, '}');
}

static void put_lock(struct writer *writer, const struct object *object)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	put_object(writer, object);
	if (object->type == OBJECT_SEM) {
		if (object->inited && !object->name)
			emit_u64(emit, "first_value", object->count);
		else
			writer_put_unknown(writer, "first_value",
					   object->name ?
						   "a named semaphore may be older than the trace" :
						   "its initialisation is not in the trace");
	}
	emit_open(emit, "uses", '[');
	for (size_t mode = 0; mode < OBJECT_MODES; mode++) {
		if (object->uses[mode])
			put_use(writer, object, (enum object_mode)mode);
	}
	emit_close(emit, ']');
	emit_u64(emit, "releases", object->releases);
	emit_u64(emit, "released_by_others", object->foreign);
	emit_u64(emit, "released_not_acquired", object->unpaired);
	emit_u64(emit, "releases_refused", object->refused);
	emit_u64(emit, "held_at_end", object->held_at_end);
	emit_u64(emit, "overlapping_holds", object->overlaps);
	emit_close(emit, '}');
}

static void put_condition(struct writer *writer, const struct object_meeting *meeting)
{
	struct emit *emit = &writer->emit;

	emit_u64(emit, "timeouts", meeting->timeouts);
	emit_u64(emit, "unsignalled_returns", meeting->unsignalled);
	emit_u64(emit, "signals", meeting->signals);
	emit_u64(emit, "signals_to_nobody", meeting->unheard_signals);
	emit_u64(emit, "broadcasts", meeting->broadcasts);
	emit_u64(emit, "broadcasts_to_nobody", meeting->unheard_broadcasts);
	if (meeting->mutex)
		emit_u64(emit, "mutex", meeting->mutex->rank);
	else
		writer_put_unknown(writer, "mutex", "nobody waited");
	writer_put_unknown(writer, "wake_ns",
			   "waking up and taking the mutex again are one call, seen from outside");
}

static void put_meeting(struct writer *writer, const struct object *object)
{
	const struct object_meeting *meeting = object->meeting;
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	put_object(writer, object);
	emit_u64(emit, "waits", meeting->waits);
	emit_u64(emit, "returns", meeting->returns);
	emit_u64(emit, "failures", meeting->failures);
	emit_u64(emit, "unfinished_waits", meeting->unfinished);
	if (object->type == OBJECT_COND)
		put_condition(writer, meeting);
	if (object->type == OBJECT_BARRIER) {
		emit_u64(emit, "rounds", meeting->serial);
		if (object->inited)
			emit_u64(emit, "threads", object->count);
		else
			writer_put_unknown(writer, "threads",
					   "its initialisation is not in the trace");
	}
	put_measure(writer, "wait", &meeting->wait);
	emit_close(emit, '}');
}

/* The objects from one type to another, in the order of the report. */
static void put_list(struct writer *writer, const char *name, enum object_type first,
		     enum object_type last)
{
	const struct report *report = writer->report;

	emit_open(&writer->emit, name, '[');
	for (size_t i = 0; i < report->object_count; i++) {
		const struct object *object = report->objects[i];

		if (object->type < first || object->type > last)
			continue;
		if (object->meeting)
			put_meeting(writer, object);
		else
			put_lock(writer, object);
	}
	emit_close(&writer->emit, ']');
}

static void put_long_wait(struct writer *writer, const struct long_wait *wait)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	emit_u64(emit, "lock", wait->object->rank);
	emit_string(emit, "mode", report_mode_name(wait->object, wait->mode));
	writer_put_thread_number(writer, "thread", wait->thread + 1);
	writer_put_ns(writer, "begin_ns", wait->begin);
	writer_put_duration(writer, "waited", wait->duration);
	writer_put_thread_number(writer, "holder", wait->holder);
	emit_u64(emit, "readers", wait->readers);
	writer_put_thread_number(writer, "released_by", wait->released_by);
	emit_u64(emit, "passed_by", wait->passed);
	emit_bool(emit, "ended", wait->ended);
	emit_string(emit, "error", wait->error ? strerrorname_np((int)wait->error) : NULL);
	emit_close(emit, '}');
}

void writer_put_objects(struct writer *writer)
{
	const struct locks *locks = &writer->report->locks;

	put_list(writer, "locks", OBJECT_MUTEX, OBJECT_SPIN);
	put_list(writer, "semaphores", OBJECT_SEM, OBJECT_SEM);
	put_list(writer, "conditions", OBJECT_COND, OBJECT_COND);
	put_list(writer, "barriers", OBJECT_BARRIER, OBJECT_BARRIER);
	put_list(writer, "onces", OBJECT_ONCE, OBJECT_ONCE);
	emit_open(&writer->emit, "longest_waits", '[');
	for (size_t i = 0; i < locks->longest_count; i++)
		put_long_wait(writer, &locks->longest[i]);
	emit_close(&writer->emit, ']');
}
