/* Processes and threads: numbers in files become indices, handles become threads. */
#include "tracer/report/family.h"

#include <stdlib.h>
#include <string.h>

static uint32_t find_process(const struct family *family, uint32_t number)
{
	size_t low = 0, high = family->process_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (family->processes[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < family->process_count && family->processes[low].number == number)
		return (uint32_t)low;
	return FAMILY_NONE;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = ((const struct family_process *)a)->number;
	const uint32_t y = ((const struct family_process *)b)->number;

	return (x > y) - (x < y);
}

/* Raw values of headers have 64 bits; a damaged one may lie before the trace. */
static uint64_t since_first(const struct trace *trace, uint64_t raw)
{
	return raw > trace->first.raw ? raw - trace->first.raw : 0;
}

/* One process per number, in the order of numbers: a damaged header may give a huge one. */
static void list_processes(struct family *family)
{
	const struct trace *trace = family->trace;
	size_t kept = 0;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct trace_file *header = &trace->threads[i].header;

		family->processes[i] = (struct family_process){
			.number = header->process,
			.pid = header->pid,
			.parent = header->parent,
			.origin = -1,
			.begin = UINT64_MAX,
		};
	}
	qsort(family->processes, trace->thread_count, sizeof(*family->processes), by_number);
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (kept == 0 || family->processes[i].number != family->processes[kept - 1].number)
			family->processes[kept++] = family->processes[i];
	}
	family->process_count = kept;
	for (size_t i = 0; i < kept; i++) {
		const uint32_t parent = find_process(family, family->processes[i].parent);

		family->processes[i].parent = parent == i ? FAMILY_NONE : parent;
	}
}

static void list_threads(struct family *family)
{
	const struct trace *trace = family->trace;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct trace_file *header = &trace->threads[i].header;
		struct family_thread *thread = &family->threads[i];
		struct family_process *process;

		thread->process = find_process(family, header->process);
		thread->parent = FAMILY_NONE;
		thread->handle = header->handle;
		thread->begin = since_first(trace, header->begin_raw);
		thread->end = since_first(trace, header->end_raw);
		if (thread->end < thread->begin)
			thread->end = thread->begin;
		memcpy(thread->name, header->comm, sizeof(header->comm));
		thread->name[sizeof(header->comm)] = '\0';
		process = &family->processes[thread->process];
		if (thread->begin < process->begin)
			process->begin = thread->begin;
		if (thread->end > process->end)
			process->end = thread->end;
		family->by_handle[i] = (uint32_t)i;
	}
}

static int order(const struct family *family, uint32_t a, uint32_t b)
{
	const struct family_thread *x = &family->threads[a], *y = &family->threads[b];

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->handle != y->handle)
		return x->handle < y->handle ? -1 : 1;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (a > b) - (a < b);
}

static int by_handle(const void *a, const void *b, void *family)
{
	return order(family, *(const uint32_t *)a, *(const uint32_t *)b);
}

bool family_init(struct family *family, const struct trace *trace, struct err *err)
{
	const size_t count = trace->thread_count;

	*family = (struct family){ .trace = trace };
	family->processes = calloc(count + 1, sizeof(*family->processes));
	family->threads = calloc(count + 1, sizeof(*family->threads));
	family->by_handle = calloc(count + 1, sizeof(*family->by_handle));
	if (!family->processes || !family->threads || !family->by_handle) {
		family_finish(family);
		return err_set(err, EXIT_IMPOSSIBLE, "no memory for %zu threads", count);
	}
	list_processes(family);
	list_threads(family);
	qsort_r(family->by_handle, count, sizeof(*family->by_handle), by_handle, family);
	return true;
}

static void finish_process(struct family_process *process)
{
	for (size_t i = 0; i < process->module_count; i++)
		free(process->modules[i].path);
	for (size_t i = 0; i < process->child_count; i++)
		free(process->children[i].path);
	free(process->modules);
	free(process->children);
	free(process->path);
}

void family_finish(struct family *family)
{
	for (size_t i = 0; family->processes && i < family->process_count; i++)
		finish_process(&family->processes[i]);
	free(family->processes);
	free(family->threads);
	free(family->by_handle);
	*family = (struct family){ 0 };
}

/* Where the threads of a process with this handle begin and end in by_handle. */
static size_t find_handles(const struct family *family, uint32_t process, uint64_t handle,
			   size_t *end)
{
	const size_t count = family->trace->thread_count;
	size_t low = 0, high = count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const struct family_thread *at = &family->threads[family->by_handle[middle]];

		if (at->process < process || (at->process == process && at->handle < handle))
			low = middle + 1;
		else
			high = middle;
	}
	for (*end = low; *end < count; ++*end) {
		const struct family_thread *at = &family->threads[family->by_handle[*end]];

		if (at->process != process || at->handle != handle)
			break;
	}
	return low;
}

uint32_t family_find(const struct family *family, uint32_t process, uint64_t handle, uint64_t when)
{
	size_t end, at = find_handles(family, process, handle, &end);
	uint32_t found = at < end ? family->by_handle[at] : FAMILY_NONE;

	for (; at < end && family->threads[family->by_handle[at]].begin <= when; at++)
		found = family->by_handle[at];
	return found;
}

/* sizeof(struct pthread) of glibc 2.36 on x86-64. */
#define HANDLE_BYTES 2304

bool family_is_in_handle(const struct family *family, uint32_t process, uint64_t address)
{
	size_t low = 0, high = family->trace->thread_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const struct family_thread *at = &family->threads[family->by_handle[middle]];

		if (at->process < process || (at->process == process && at->handle <= address))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	low = family->by_handle[low - 1];
	return family->threads[low].process == process &&
	       address - family->threads[low].handle < HANDLE_BYTES;
}

/* A handle is used again when its thread is over, and the record of a creation may lie on either
 * side of the thread's first: it is of the last thread that had begun, or else of the next. */
static void adopt(struct family *family, uint32_t parent, const struct record *record,
		  uint64_t when)
{
	const uint32_t process = family->threads[parent].process;
	uint32_t found = FAMILY_NONE;
	size_t end, at = find_handles(family, process, record_value(record), &end);

	family->unseen += at == end;
	for (; at < end; at++) {
		const uint32_t index = family->by_handle[at];
		const struct family_thread *thread = &family->threads[index];

		if (thread->begin > when && found != FAMILY_NONE)
			break;
		found = thread->parent == FAMILY_NONE ? index : FAMILY_NONE;
	}
	if (found == FAMILY_NONE || found == parent)
		return;
	family->threads[found].parent = parent;
	family->threads[found].created_at = when;
}

/* How many ARGs follow. */
static size_t count_args(const struct record *record, size_t count)
{
	size_t args = 0;

	while (args + 1 < count && record_kind(&record[args + 1]) == TRACE_ARG)
		args++;
	return args;
}

/* The text behind 'fixed' ARGs; null when there is none or no memory. */
static char *copy_text(const struct record *record, size_t args, size_t fixed)
{
	char text[TRACE_ARGS_MAX * sizeof(uint64_t)];

	if (args <= fixed)
		return NULL;
	trace_text(record + 1 + fixed, args - fixed, text, sizeof(text));
	return strdup(text);
}

/* Room for one more in a list; null when there is no memory. */
static void *more(void *list, size_t *count, size_t *room, size_t size)
{
	char *items = list;

	if (*count == *room) {
		const size_t wanted = *room ? *room * 2 : 8;

		items = realloc(list, wanted * size);
		if (!items)
			return NULL;
		*room = wanted;
	}
	memset(items + *count * size, 0, size);
	++*count;
	return items;
}

static bool add_module(struct family_process *process, const struct record *record, size_t args)
{
	const size_t length = record_detail(record), words = (length + 7) / 8;
	struct family_module *modules = more(process->modules, &process->module_count,
					     &process->module_room, sizeof(*modules));
	struct family_module *module;

	if (!modules)
		return false;
	process->modules = modules;
	module = &modules[process->module_count - 1];
	module->address = record_value(record);
	module->size = args > 0 ? record[1].operand : 0;
	module->path = copy_text(record, args, 1 + words);
	if (length > sizeof(module->build_id) || args < 1 + words)
		return true;
	module->build_id_length = length;
	for (size_t i = 0; i < length; i++)
		module->build_id[i] = (unsigned char)(record[2 + i / 8].operand >> (8 * (i % 8)));
	return true;
}

static bool add_child(struct family_process *process, enum family_way way, uint32_t pid, char *path)
{
	struct family_child *children;

	/* A child of vfork writes its exec's record with its parent's hands, before the parent
	 * knows of it: the two are one child. */
	for (size_t i = 0; way != FAMILY_EXEC && i < process->child_count; i++) {
		if (process->children[i].pid == pid && process->children[i].way == FAMILY_EXEC &&
		    pid != process->pid)
			return true;
	}
	children = more(process->children, &process->child_count, &process->child_room,
			sizeof(*children));
	if (!children) {
		free(path);
		return false;
	}
	process->children = children;
	children[process->child_count - 1] =
		(struct family_child){ .pid = pid, .way = way, .path = path };
	return true;
}

static void drop_exec(struct family_process *process, uint32_t pid)
{
	for (size_t i = process->child_count; i-- > 0;) {
		struct family_child *child = &process->children[i];

		if (child->pid != pid || child->way != FAMILY_EXEC)
			continue;
		free(child->path);
		*child = process->children[--process->child_count];
		return;
	}
}

static void rename_thread(struct family *family, uint32_t process, const struct record *record,
			  size_t args, uint64_t when)
{
	const uint32_t named = family_find(family, process, record_value(record), when);

	if (named != FAMILY_NONE && record_detail(record) == 0 && args > 0)
		trace_text(record + 1, args, family->threads[named].name, FAMILY_NAME);
}

static void start_process(struct family_process *process, const struct record *record, size_t args)
{
	process->origin = (int)record_detail(record);
	process->parent_pid = args > 0 ? (uint32_t)record[1].operand : 0;
	process->executable = args > 1 ? record[2].operand : 0;
	free(process->path);
	process->path = copy_text(record, args, 2);
}

static void end_process(struct family_process *process, const struct record *record, uint64_t when)
{
	process->exited = true;
	process->exited_at = when;
	process->exit_way = record_detail(record);
	process->exit_status = record_value(record);
}

bool family_event(struct family *family, size_t thread, const struct record *record, size_t count,
		  uint64_t when)
{
	struct family_thread *self = &family->threads[thread];
	struct family_process *process = &family->processes[self->process];
	const size_t args = count_args(record, count);
	const uint32_t pid = (uint32_t)record_value(record);

	switch (record_kind(record)) {
	case TRACE_THREAD_CREATE:
		if (record_detail(record) == 0)
			adopt(family, (uint32_t)thread, record, when);
		return true;
	case TRACE_THREAD_START:
		self->routine = args > 0 ? record[1].operand : 0;
		return true;
	case TRACE_THREAD_NAME:
		rename_thread(family, self->process, record, args, when);
		return true;
	case TRACE_THREAD_EXIT:
		self->exited = true;
		return true;
	case TRACE_PROCESS_START:
		start_process(process, record, args);
		return true;
	case TRACE_MODULE:
		return add_module(process, record, args);
	case TRACE_FORKED:
		return pid == 0 || add_child(process, FAMILY_FORK, pid, NULL);
	case TRACE_SPAWNED:
		return pid == 0 || add_child(process, FAMILY_SPAWN, pid, NULL);
	case TRACE_EXEC:
		return add_child(process, FAMILY_EXEC, pid, copy_text(record, args, 0));
	case TRACE_EXEC_FAIL:
		drop_exec(process, pid);
		return true;
	case TRACE_EXIT:
		end_process(process, record, when);
		return true;
	default:
		return true;
	}
}

static bool is_recorded(const struct family *family, size_t parent, uint32_t pid)
{
	for (size_t i = 0; i < family->process_count; i++) {
		if (family->processes[i].parent == parent && family->processes[i].pid == pid)
			return true;
	}
	return false;
}

/* A thread lives until it says that it ends, or until its process does. Of a process that was
 * killed the file tells when the launcher closed it; of a launcher that was killed nothing does. */
static void complete_thread(struct family *family, size_t index)
{
	const struct trace *trace = family->trace;
	const struct trace_file *header = &trace->threads[index].header;
	struct family_thread *thread = &family->threads[index];
	struct family_process *process = &family->processes[thread->process];
	uint64_t end;

	if (thread->exited)
		return;
	if (process->exited || process->replaced)
		end = process->exited_at;
	else
		end = since_first(trace, header->end.raw ? header->end.raw : trace->last.raw);
	if (end > thread->end)
		thread->end = end;
	if (end > process->end)
		process->end = end;
}

/* The latest process of a pid that began before another one. */
static uint32_t find_before(const struct family *family, uint32_t pid, uint32_t other)
{
	uint32_t found = FAMILY_NONE;

	for (uint32_t i = 0; pid != 0 && i < other; i++) {
		if (family->processes[i].pid == pid &&
		    family->processes[i].begin <= family->processes[other].begin)
			found = i;
	}
	return found;
}

/* An image whose files do not say where it comes from: it follows the one of its pid, or is its
 * parent's child. */
static void find_parent(struct family *family, uint32_t index)
{
	struct family_process *process = &family->processes[index];

	if (process->parent != FAMILY_NONE)
		return;
	if (process->origin == TRACE_BY_EXEC)
		process->parent = find_before(family, process->pid, index);
	if (process->parent == FAMILY_NONE)
		process->parent = find_before(family, process->parent_pid, index);
}

/* An image ends where its successor, of the same pid, begins. */
static void replace(struct family *family, const struct family_process *image)
{
	struct family_process *before;

	if (image->origin != TRACE_BY_EXEC || image->parent == FAMILY_NONE)
		return;
	before = &family->processes[image->parent];
	if (before->pid != image->pid || before->exited)
		return;
	before->replaced = true;
	before->exited_at = image->begin;
}

void family_complete(struct family *family)
{
	for (uint32_t i = 0; i < family->process_count; i++)
		find_parent(family, i);
	for (uint32_t i = 0; i < family->process_count; i++)
		replace(family, &family->processes[i]);
	for (size_t i = 0; i < family->trace->thread_count; i++)
		complete_thread(family, i);
	for (size_t i = 0; i < family->process_count; i++) {
		struct family_process *process = &family->processes[i];

		for (size_t j = 0; j < process->child_count; j++)
			process->children[j].recorded =
				is_recorded(family, i, process->children[j].pid);
	}
}

const struct family_module *family_module(const struct family *family, uint32_t process,
					  uint64_t address)
{
	/* As many steps as there are processes: damaged headers may form a ring. */
	for (size_t steps = 0; process != FAMILY_NONE && steps < family->process_count; steps++) {
		const struct family_process *at = &family->processes[process];

		/* What was loaded last: another library may have been there before. */
		for (size_t i = at->module_count; i-- > 0;) {
			if (address - at->modules[i].address < at->modules[i].size)
				return &at->modules[i];
		}
		process = at->origin == TRACE_BY_FORK ? at->parent : FAMILY_NONE;
	}
	return NULL;
}
