/* Counting and writing down; and how to see that another thread waits, without a sleep. */
#include "tests/traced/expect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ERRORS 256
#define TEXT_BYTES (1 << 20)

static const char *const names[TRACE_KIND_COUNT] = {
#define X(name, text, value, detail, args) [TRACE_##name] = (text),
	TRACE_KINDS(X)
#undef X
};

static _Atomic unsigned long counts[TRACE_KIND_COUNT][ERRORS];
static bool unknown[TRACE_KIND_COUNT];
static unsigned long between[TRACE_KIND_COUNT][2];
static const char *file;
static int image;

_Noreturn void must_fail(const char *what)
{
	fprintf(stderr, "schedule: not so: %s\n", what);
	_exit(99);
}

void must_be(int wanted, int result, const char *what)
{
	if (wanted == result)
		return;
	fprintf(stderr, "schedule: %s: %s, not %s\n", what, strerrorname_np(result),
		strerrorname_np(wanted));
	_exit(99);
}

void expect_begin(const char *path, int generation)
{
	memset(counts, 0, sizeof(counts));
	memset(unknown, 0, sizeof(unknown));
	memset(between, 0, sizeof(between));
	file = path;
	image = generation;
	expect(TRACE_PROCESS_START, 0);
}

void expect(unsigned kind, int error)
{
	atomic_fetch_add_explicit(&counts[kind][error], 1, memory_order_relaxed);
}

void expect_many(unsigned kind, unsigned long count)
{
	atomic_fetch_add_explicit(&counts[kind][0], count, memory_order_relaxed);
}

void expect_unknown(unsigned kind)
{
	unknown[kind] = true;
}

void expect_between(unsigned kind, unsigned long low, unsigned long high)
{
	unknown[kind] = true;
	between[kind][0] = low;
	between[kind][1] = high;
}

void expect_move(const char *path)
{
	file = path;
}

/* One write, so that the lines of processes do not mix. '-': nobody wants to know. */
static void append(const char *text, size_t length)
{
	int fd;

	if (strcmp(file, "-") == 0)
		return;
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	must(fd >= 0 && write(fd, text, length) == (ssize_t)length, "the expectation is written");
	close(fd);
}

void expect_order(unsigned kind, const void *object, const pid_t *tids, size_t count)
{
	char *text = malloc(TEXT_BYTES);
	size_t used;

	must(text, "there is memory");
	used = (size_t)snprintf(text, TEXT_BYTES,
				"{\"order\": \"%s\", \"object\": \"%p\", \"tids\": [", names[kind],
				object);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s%d", i ? "," : "",
					 (int)tids[i]);
	used += (size_t)snprintf(text + used, TEXT_BYTES - used, "]}\n");
	append(text, used);
	free(text);
}

void expect_end(void)
{
	char *text = malloc(TEXT_BYTES);
	const char *comma = "";
	size_t used;

	must(text, "there is memory");
	used = (size_t)snprintf(text, TEXT_BYTES, "{\"pid\": %d, \"generation\": %d, \"events\": {",
				(int)getpid(), image);
	for (unsigned i = 0; i < TRACE_KIND_COUNT * ERRORS; i++) {
		const unsigned kind = i / ERRORS;
		const int error = (int)(i % ERRORS);

		if (counts[kind][error] == 0 || unknown[kind])
			continue;
		used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s\"%s%s%s\": %lu", comma,
					 names[kind], error ? " " : "",
					 error ? strerrorname_np(error) : "", counts[kind][error]);
		comma = ", ";
	}
	used += (size_t)snprintf(text + used, TEXT_BYTES - used, "}, \"unknown\": {");
	comma = "";
	for (unsigned kind = 0; kind < TRACE_KIND_COUNT; kind++) {
		if (!unknown[kind])
			continue;
		used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s\"%s\": [%lu, %lu]",
					 comma, names[kind], between[kind][0],
					 between[kind][1] ? between[kind][1] : ULONG_MAX);
		comma = ", ";
	}
	used += (size_t)snprintf(text + used, TEXT_BYTES - used, "}}\n");
	append(text, used);
	free(text);
}

/* The system call in which the thread is, and its first argument (proc(5)); false: it runs. */
static bool read_call(pid_t pid, pid_t tid, int *number, unsigned long long *word)
{
	char path[64], text[256] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	/* Read alone without permission: there is no other way to know. */
	must(n >= 0 || errno != EPERM, "/proc tells system calls");
	return n > 0 && sscanf(text, "%d %llx", number, word) == 2;
}

bool sleeps_in_futex(pid_t pid, pid_t tid)
{
	unsigned long long word;
	int number;

	return read_call(pid, tid, &number, &word) && number == SYS_futex;
}

bool sleeps_in_call(pid_t pid, pid_t tid)
{
	unsigned long long word;
	int number;

	return read_call(pid, tid, &number, &word) && number != SYS_futex;
}

static bool sleeps_on(pid_t pid, pid_t tid, const void *object, size_t size)
{
	unsigned long long word;
	int number;

	return read_call(pid, tid, &number, &word) && word >= (uintptr_t)object &&
	       word < (uintptr_t)object + size;
}

void wait_until_blocked(pid_t pid, pid_t tid, const void *object, size_t size)
{
	while (!sleeps_on(pid, tid, object, size))
		sched_yield();
}

static unsigned long long cpu_ns(pid_t tid)
{
	char path[64], text[128] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtoull(text, NULL, 10);
}

void wait_until_spun(pid_t tid)
{
	const unsigned long long begin = cpu_ns(tid);

	while (cpu_ns(tid) < begin + 20000000)
		sched_yield();
}
