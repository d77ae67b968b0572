/* Orders and sums, made once for text and JSON. */
#include "tracer/report/report_text.h"
#include "tracer/report/syscalls_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_path(const void *a, const void *b)
{
	const struct syscalls_object *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Of one file there is an element, whose sites are those of the process with the least patched. */
static bool gather_objects(struct syscalls_view *view)
{
	const struct syscalls *syscalls = view->syscalls;
	size_t kept = 0;

	view->objects = calloc(syscalls->site_count + 1, sizeof(*view->objects));
	if (!view->objects)
		return false;
	for (size_t i = 0; i < syscalls->site_count; i++) {
		const struct syscalls_sites *sites = &syscalls->sites[i];
		const struct family_module *module =
			family_module(&view->report->locks.family, sites->process, sites->base);

		view->objects[i] = (struct syscalls_object){
			.path = module && module->path ? module->path : "[vdso]",
			.found = sites->found,
			.patched = sites->patched,
			.processes = 1,
		};
	}
	if (syscalls->site_count > 0)
		qsort(view->objects, syscalls->site_count, sizeof(*view->objects), by_path);
	for (size_t i = 0; i < syscalls->site_count; i++) {
		struct syscalls_object *last = kept > 0 ? &view->objects[kept - 1] : NULL;
		const struct syscalls_object *object = &view->objects[i];

		if (!last || strcmp(last->path, object->path) != 0) {
			view->objects[kept++] = *object;
			continue;
		}
		last->processes++;
		if (object->found - object->patched > last->found - last->patched) {
			last->found = object->found;
			last->patched = object->patched;
		}
	}
	view->object_count = kept;
	return true;
}

static int most_missed_first(const void *a, const void *b)
{
	const struct syscalls_place *x = a, *y = b;

	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	return strcmp(x->text, y->text);
}

static struct syscalls_place *place_of(struct syscalls_view *view, const char *text, uint32_t slot)
{
	struct syscalls_place *place;

	for (size_t i = 0; i < view->place_count; i++) {
		place = &view->places[i];
		if (place->slot == slot && strcmp(place->text, text) == 0)
			return place;
	}
	place = &view->places[view->place_count++];
	*place = (struct syscalls_place){ .slot = slot };
	snprintf(place->text, sizeof(place->text), "%s", text);
	return place;
}

/* The same place in several processes is one. */
static bool gather_places(struct syscalls_view *view)
{
	const struct syscalls *syscalls = view->syscalls;

	view->places = calloc(syscalls->missed_count + 1, sizeof(*view->places));
	if (!view->places)
		return false;
	for (size_t i = 0; i < syscalls->missed_count; i++) {
		const struct syscalls_missed *missed = &syscalls->missed[i];
		struct symbol_name name;

		if (syscalls->slots.numbers[missed->slot] == SYSCALL_NUMBER_RT_SIGRETURN)
			continue;
		symbols_data(view->report->symbols, missed->process, missed->instruction, &name);
		place_of(view, name.text, missed->slot)->calls += missed->calls;
	}
	if (view->place_count > 0)
		qsort(view->places, view->place_count, sizeof(*view->places), most_missed_first);
	return true;
}

static int longest_first(const void *a, const void *b, void *syscalls)
{
	const struct syscalls_call *calls = ((const struct syscalls *)syscalls)->calls;
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	if (calls[i].time.sum != calls[j].time.sum)
		return calls[i].time.sum < calls[j].time.sum ? 1 : -1;
	if (calls[i].calls != calls[j].calls)
		return calls[i].calls < calls[j].calls ? 1 : -1;
	return (i > j) - (i < j);
}

static int busiest_first(const void *a, const void *b, void *syscalls)
{
	const struct syscalls_process *processes = ((const struct syscalls *)syscalls)->processes;
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	if (processes[i].tally.calls != processes[j].tally.calls)
		return processes[i].tally.calls < processes[j].tally.calls ? 1 : -1;
	return (i > j) - (i < j);
}

static bool order(struct syscalls_view *view)
{
	struct syscalls *syscalls = view->report->locks.syscalls;

	view->slots = calloc(syscalls->slots.count + 1, sizeof(*view->slots));
	view->processes = calloc(syscalls->process_count + 1, sizeof(*view->processes));
	if (!view->slots || !view->processes)
		return false;
	for (uint32_t i = 0; i < syscalls->slots.count; i++)
		view->slots[i] = i;
	qsort_r(view->slots, syscalls->slots.count, sizeof(*view->slots), longest_first, syscalls);
	for (uint32_t i = 0; i < syscalls->process_count; i++) {
		if (!syscalls->processes[i].joined)
			view->processes[view->process_count++] = i;
	}
	qsort_r(view->processes, view->process_count, sizeof(*view->processes), busiest_first,
		syscalls);
	return true;
}

uint64_t syscalls_gil_drops(const struct gil *gil)
{
	return gil->tally.drops_forced + gil->tally.drops_voluntary;
}

static bool is_alike(const struct syscalls_row *row, const struct object *object)
{
	const struct object *other = row->object;

	return other && !row->alone && other->creator == object->creator &&
	       other->process == object->process && other->type == object->type;
}

/* The row that an object's futex calls belong to: its GIL's, that of its creator's, its own. */
static struct syscalls_row *row_of(struct syscalls_view *view, const struct object *object)
{
	const struct family *family = &view->report->locks.family;
	const bool alone = !object->creator || object->name ||
			   family_module(family, object->process, object->address);
	struct syscalls_row *row = &view->rows[view->row_count];

	for (size_t i = 0; i < view->gil_count; i++) {
		if (gil_has_part(view->gils[i], object->process, object->address))
			return &view->rows[i];
	}
	for (size_t i = view->gil_count; !alone && i < view->row_count; i++) {
		if (is_alike(&view->rows[i], object)) {
			view->rows[i].others++;
			return &view->rows[i];
		}
	}
	view->row_count++;
	row->object = object;
	row->alone = alone;
	row->what = object_type_name(object->type);
	row->released = report_is_lock(object);
	return row;
}

static bool has_calls(const struct futex_use *uses)
{
	return uses[FUTEX_WAITS].calls || uses[FUTEX_WAKES].calls || uses[FUTEX_OTHERS].calls;
}

static bool add_row(struct syscalls_view *view, const char *what, const struct futex_use *uses)
{
	if (!has_calls(uses))
		return true;
	view->rows[view->row_count].what = what;
	return futex_merge(view->rows[view->row_count++].uses, uses);
}

uint64_t syscalls_row_calls(const struct syscalls_row *row)
{
	return row->uses[FUTEX_WAITS].calls + row->uses[FUTEX_WAKES].calls +
	       row->uses[FUTEX_OTHERS].calls;
}

static int most_calls_first(const void *a, const void *b)
{
	const struct syscalls_row *x = a, *y = b;
	const uint64_t left = syscalls_row_calls(x), right = syscalls_row_calls(y);

	if (left != right)
		return left < right ? 1 : -1;
	if (x->gil_number != y->gil_number)
		return x->gil_number < y->gil_number ? 1 : -1;
	return x->object && y->object ? report_order(x->object, y->object) : 0;
}

/* GILs have the first rows; what made no futex call has one, too, if it is a GIL. */
static bool make_rows(struct syscalls_view *view)
{
	const struct objects *objects = &view->report->locks.objects;
	const struct syscalls *syscalls = view->syscalls;
	bool right = true;

	view->rows = calloc(view->gil_count + objects->count + 2, sizeof(*view->rows));
	if (!view->rows)
		return false;
	for (size_t i = 0; i < view->gil_count; i++) {
		struct syscalls_row *row = &view->rows[view->row_count++];

		row->gil = view->gils[i];
		row->gil_number = i + 1;
		row->what = "gil";
		row->released = !gil_kind_hidden(row->gil->suspect.kind);
		row->releases = syscalls_gil_drops(row->gil);
	}
	for (size_t i = 0; right && i < objects->count; i++) {
		const struct object *object = objects->all[i];
		struct syscalls_row *row;

		if (!object->futex || !has_calls(object->futex))
			continue;
		row = row_of(view, object);
		if (!row->gil)
			row->releases += object->releases;
		right = futex_merge(row->uses, object->futex);
	}
	right = right && add_row(view, "join", syscalls->joins) &&
		add_row(view, "unknown", syscalls->unknown);
	if (view->row_count > 0)
		qsort(view->rows, view->row_count, sizeof(*view->rows), most_calls_first);
	return right;
}

static int most_waited_for_first(const void *a, const void *b)
{
	const struct gil_call *x = ((const struct syscalls_finding *)a)->call;
	const struct gil_call *y = ((const struct syscalls_finding *)b)->call;

	if (x->kept_waited != y->kept_waited)
		return x->kept_waited < y->kept_waited ? 1 : -1;
	return (x->kept_time < y->kept_time) - (x->kept_time > y->kept_time);
}

/* Lists what kept a GIL, when there is a list; returns how many did. */
static size_t list_findings(const struct syscalls_view *view, struct syscalls_finding *findings)
{
	size_t count = 0;

	for (size_t i = 0; i < view->gil_count; i++) {
		const struct gil *gil = view->gils[i];

		for (size_t k = 0; k < gil->user_count; k++) {
			const struct gil_user *user = gil->users[k];

			for (uint32_t slot = 0; slot < user->call_room; slot++) {
				if (user->calls[slot].kept == 0)
					continue;
				if (findings)
					findings[count] =
						(struct syscalls_finding){ gil, i + 1, user, slot,
									   &user->calls[slot] };
				count++;
			}
		}
	}
	return count;
}

static bool find(struct syscalls_view *view)
{
	view->finding_count = list_findings(view, NULL);
	view->findings = calloc(view->finding_count + 1, sizeof(*view->findings));
	if (!view->findings)
		return false;
	list_findings(view, view->findings);
	if (view->finding_count > 0)
		qsort(view->findings, view->finding_count, sizeof(*view->findings),
		      most_waited_for_first);
	return true;
}

void syscalls_say_finding(const struct syscalls_view *view, const struct syscalls_finding *finding,
			  char to[SYSCALLS_SENTENCE])
{
	const struct gil_call *call = finding->call;
	char name[SYSCALL_NAME], thread[40], total[16], longest[16], waited[16];
	char others[96] = "; nobody waited for it meanwhile";

	if (call->kept_waiters > 0)
		snprintf(others, sizeof(others),
			 "; others waited %s for it meanwhile, up to %zu at once",
			 report_time(view->report, call->kept_waited, waited), call->kept_waiters);
	snprintf(to, SYSCALLS_SENTENCE,
		 "GIL %zu was kept by thread %s through %" PRIu64
		 " call%s of %s that took longer than 1ms: %s in all, %s the longest%s",
		 finding->gil_number, text_thread(view->report, finding->user->thread, thread),
		 call->kept, call->kept == 1 ? "" : "s",
		 syscall_slot_name(&view->show.gils.slots, finding->slot, name),
		 report_time(view->report, call->kept_time, total),
		 report_time(view->report, call->kept_longest, longest), others);
}

static int most_called_first(const void *a, const void *b)
{
	const struct syscalls_gil_call *x = a, *y = b;
	uint64_t left = 0, right = 0;

	for (size_t i = 0; i < GIL_STANDINGS; i++) {
		left += x->by[i].calls;
		right += y->by[i].calls;
	}
	if (left != right)
		return left < right ? 1 : -1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

struct syscalls_gil_call *syscalls_gil_calls(const struct syscalls_view *view,
					     const struct gil *gil, size_t *count)
{
	const uint32_t slots = view->show.gils.slots.count;
	struct syscalls_gil_call *calls = calloc(slots + 1, sizeof(*calls));

	*count = 0;
	for (uint32_t slot = 0; calls && slot < slots; slot++) {
		struct syscalls_gil_call *call = &calls[*count];
		uint64_t seen = 0;

		*call = (struct syscalls_gil_call){ .slot = slot };
		for (size_t i = 0; i < gil->user_count; i++) {
			const struct gil_user *user = gil->users[i];

			for (size_t k = 0; slot < user->call_room && k < GIL_STANDINGS; k++) {
				call->by[k].calls += user->calls[slot].by[k].calls;
				call->by[k].time += user->calls[slot].by[k].time;
				seen += user->calls[slot].by[k].calls;
			}
		}
		*count += seen > 0;
	}
	if (calls && *count > 0)
		qsort(calls, *count, sizeof(*calls), most_called_first);
	return calls;
}

void syscalls_row_name(const struct syscalls_view *view, const struct syscalls_row *row,
		       char to[SYMBOL_TEXT])
{
	struct symbol_name name;

	to[0] = '\0';
	if (row->gil) {
		symbols_data(view->report->symbols, row->gil->suspect.process,
			     row->gil->thing->address, &name);
		snprintf(to, SYMBOL_TEXT, "%s", name.text);
	} else if (row->object) {
		symbols_object(view->report->symbols, row->object, &name);
		snprintf(to, SYMBOL_TEXT, "%s", name.text);
	}
}

static bool make(struct syscalls_view *view, struct err *err)
{
	struct show *show = &view->show;

	view->way_count = syscalls_ways(view->syscalls, view->ways);
	if (!syscalls_recorded(view->syscalls))
		return gather_objects(view) || err_set(err, EXIT_IMPOSSIBLE, "no memory");
	if (!gils_read(&show->gils, show->trace, show->from_ns, show->to_ns, true, err))
		return false;
	view->gils = show_found(&show->gils, &view->gil_count);
	if (!view->gils || !gather_objects(view) || !gather_places(view) || !order(view) ||
	    !make_rows(view) || !find(view))
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for the system calls");
	return true;
}

static void finish(struct syscalls_view *view)
{
	for (size_t i = 0; i < view->row_count; i++)
		futex_finish(view->rows[i].uses);
	free(view->gils);
	free(view->objects);
	free(view->places);
	free(view->slots);
	free(view->rows);
	free(view->processes);
	free(view->findings);
	if (view->show.gils.trace)
		gils_finish(&view->show.gils);
}

bool syscalls_report(struct report *report, bool as_json, struct err *err)
{
	struct syscalls_view view = {
		.report = report,
		.syscalls = report->locks.syscalls,
		.show = { .trace = report->trace,
			  .from_ns = report->from_ns,
			  .to_ns = report->to_ns,
			  .top = report->top },
	};
	char none[SYSCALLS_SENTENCE];
	bool right = make(&view, err);

	if (right && as_json)
		syscalls_json(&view);
	else if (right)
		syscalls_text(&view);
	if (right && !syscalls_recorded(view.syscalls)) {
		syscalls_say_none(&view, none);
		right = err_set(err, EXIT_FAILED, "%s", none);
	}
	finish(&view);
	return right;
}
