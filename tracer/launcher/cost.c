/* Calibrates the recorder: a program of its own does the same operations natively and recorded. */
#include "tracer/launcher/cost.h"

#include "base/home.h"
#include "tracer/launcher/memory.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 2000

void cost_unknown(struct cost *cost, const char *reason)
{
	*cost = (struct cost){ .counter_ns = -1, .record_ns = -1 };
	cost->mutex_pair_ns = cost->semaphore_pair_ns = cost->read_pair_ns = cost->signal_ns = -1;
	snprintf(cost->reason, sizeof(cost->reason), "%s", reason);
}

static pid_t start(const char *program, const char *library, int to)
{
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	dup2(to, STDOUT_FILENO);
	if (setenv("LD_PRELOAD", library, 1) == 0)
		execl(program, program, (char *)NULL);
	_exit(127);
}

/* All it prints, within the limit. */
static size_t collect(int from, char *text, size_t room)
{
	struct pollfd ready = { .fd = from, .events = POLLIN };
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0 && length < room - 1 && poll(&ready, 1, LIMIT_MS) == 1) {
		n = read(from, text + length, room - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	text[length] = '\0';
	return length;
}

static bool run(const char *program, const char *library, char *text, size_t room)
{
	int ends[2], status;
	pid_t pid;

	if (pipe(ends) != 0)
		return false;
	pid = start(program, library, ends[1]);
	close(ends[1]);
	if (pid > 0)
		collect(ends[0], text, room);
	close(ends[0]);
	if (pid <= 0)
		return false;
	kill(pid, SIGKILL); /* it is done, or takes too long */
	waitpid(pid, &status, 0);
	return true;
}

void cost_measure(struct cost *cost, const char *library, const char *counter)
{
	struct memory memory;
	char program[PATH_MAX], text[512] = "";
	struct err err = { 0 };

	if (!home_find_file(program, "tracer/launcher/gilscope-calibrate", "gilscope-calibrate",
			    &err) ||
	    !memory_create(&memory, library, counter, &err)) {
		cost_unknown(cost, err.text);
		return;
	}
	memory_prepare(&memory, 4, 0);
	memset(cost, 0, sizeof(*cost));
	if (!run(program, memory.library, text, sizeof(text)) ||
	    sscanf(text, "%lf %lf %lf %lf %lf %lf", &cost->counter_ns, &cost->record_ns,
		   &cost->mutex_pair_ns, &cost->semaphore_pair_ns, &cost->read_pair_ns,
		   &cost->signal_ns) != 6)
		cost_unknown(cost, "the calibrating program did not come to its end");
	memory_destroy(&memory);
}

static void number(struct emit *emit, const char *name, double value)
{
	if (value < 0)
		emit_null(emit, name);
	else
		emit_double(emit, name, value);
}

void cost_emit(const struct cost *cost, struct emit *emit, const char *name)
{
	emit_open(emit, name, '{');
	number(emit, "counter_ns", cost->counter_ns);
	number(emit, "record_ns", cost->record_ns);
	number(emit, "mutex_pair_ns", cost->mutex_pair_ns);
	number(emit, "semaphore_pair_ns", cost->semaphore_pair_ns);
	number(emit, "read_pair_ns", cost->read_pair_ns);
	number(emit, "signal_ns", cost->signal_ns);
	emit_string(emit, "reason", cost->reason[0] ? cost->reason : NULL);
	emit_close(emit, '}');
}
