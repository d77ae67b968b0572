/* How the processes of a trace were recorded, in words. */
#include "tracer/report/syscalls_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* One of several of a kind, or a new one behind them. */
static struct syscalls_way *way_of(struct syscalls_way *ways, size_t *count,
				   const struct syscalls_process *process)
{
	for (size_t i = 0; i < *count; i++) {
		if (ways[i].known == process->mode_known && ways[i].mode == process->mode &&
		    ways[i].reason == process->mode_reason)
			return &ways[i];
	}
	if (*count < SYSCALLS_WAYS)
		ways[(*count)++] = (struct syscalls_way){ .known = process->mode_known,
							  .mode = process->mode,
							  .reason = process->mode_reason };
	return &ways[*count - 1];
}

static int most_processes_first(const void *a, const void *b)
{
	const struct syscalls_way *x = a, *y = b;

	return (x->processes < y->processes) - (x->processes > y->processes);
}

size_t syscalls_ways(const struct syscalls *syscalls, struct syscalls_way ways[SYSCALLS_WAYS])
{
	size_t count = 0;

	for (size_t i = 0; i < syscalls->process_count; i++) {
		/* Children of vfork are as their parent, or as what they executed. */
		if (syscalls->processes[i].process != FAMILY_NONE)
			way_of(ways, &count, &syscalls->processes[i])->processes++;
	}
	if (count > 1)
		qsort(ways, count, sizeof(*ways), most_processes_first);
	return count;
}

__attribute__((format(printf, 3, 4))) static void say(char *to, size_t *used, const char *format,
						      ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(to + *used, SYSCALLS_SENTENCE - *used, format, args);
	va_end(args);
	*used += length > 0 ? (size_t)length : 0;
	if (*used >= SYSCALLS_SENTENCE)
		*used = SYSCALLS_SENTENCE - 1;
}

void syscalls_say_ways(const struct syscalls_way *ways, size_t count, char to[SYSCALLS_SENTENCE])
{
	static const char *const words[TRACE_SYSCALLS_COUNT] = {
		[TRACE_SYSCALLS_OFF] = "off",
		[TRACE_SYSCALLS_PATCH] = "patched",
		[TRACE_SYSCALLS_AUDIT] = "patched, with dispatch behind",
		[TRACE_SYSCALLS_DISPATCH] = "by dispatch",
	};
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct syscalls_way *way = &ways[i];

		say(to, &used, "%s%s", i ? "; " : "",
		    way->known ? words[way->mode % TRACE_SYSCALLS_COUNT] : "unknown");
		if (count > 1)
			say(to, &used, " in %zu process%s", way->processes,
			    way->processes == 1 ? "" : "es");
		if (way->known &&
		    (way->reason != TRACE_SYSCALLS_AS_ASKED || way->mode == TRACE_SYSCALLS_OFF))
			say(to, &used, ": %s", syscalls_reason(way->reason));
	}
}

void syscalls_say_none(const struct syscalls_view *view, char to[SYSCALLS_SENTENCE])
{
	char how[SYSCALLS_SENTENCE];

	syscalls_say_ways(view->ways, view->way_count, how);
	snprintf(to, SYSCALLS_SENTENCE, "no system calls are in the trace: %.600s",
		 view->way_count == 1 && !view->ways[0].known ?
			 "the version that made it records none" :
			 how);
}

bool syscalls_audited(const struct syscalls_way *ways, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ways[i].known && ways[i].mode == TRACE_SYSCALLS_AUDIT)
			return true;
	}
	return false;
}
