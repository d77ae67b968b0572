/* The life and death of traced processes, by /proc/PID/stat. */
#include "tracer/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct living {
	uint32_t number, pid;
	bool ours; /* of our pid namespace: its pid means something here */
	uint64_t pid_namespace;
	uint64_t start_time;
};

struct process_table {
	uint64_t pid_namespace;
	struct living *living;
	size_t count, room;
};

struct process_table *process_table_create(uint64_t pid_namespace)
{
	struct process_table *table = calloc(1, sizeof(*table));

	if (table)
		table->pid_namespace = pid_namespace;
	return table;
}

void process_table_destroy(struct process_table *table)
{
	if (table)
		free(table->living);
	free(table);
}

/* Fields 3, 4, 20 and 22 of proc(5): state, parent, threads, start time. */
static bool read_stat(uint32_t pid, char *state, uint32_t *parent, unsigned *threads,
		      uint64_t *start_time)
{
	char path[64], text[1024];
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The name may hold blanks and brackets: what counts is behind the last one. */
	at = strrchr(text, ')');
	return at && sscanf(at + 1,
			    " %c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u "
			    "%*d %lu",
			    state, parent, threads, start_time) == 4;
}

/* A zombie leader of other threads is no corpse yet. */
static bool is_there(const struct living *process)
{
	uint64_t start_time;
	uint32_t parent;
	unsigned threads;
	char state;

	if (!process->ours)
		return true;
	if (!read_stat(process->pid, &state, &parent, &threads, &start_time))
		return false;
	return start_time == process->start_time && state != 'X' && !(state == 'Z' && threads <= 1);
}

static void bury(struct process_table *table, size_t index)
{
	table->living[index] = table->living[--table->count];
}

bool process_lives(const struct process_table *table, uint32_t number)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->living[i].number == number)
			return true;
	}
	return false;
}

void process_seen(struct process_table *table, const struct arena_ring *ring)
{
	struct living process = { .number = ring->process,
				  .pid = ring->pid,
				  .pid_namespace = ring->pid_namespace,
				  .ours = ring->pid_namespace != 0 &&
					  ring->pid_namespace == table->pid_namespace };
	uint32_t parent;
	unsigned threads;
	char state;

	if (process_lives(table, ring->process))
		return;
	for (size_t i = table->count; process.pid_namespace != 0 && i > 0; i--) {
		const struct living *other = &table->living[i - 1];

		if (other->pid_namespace == process.pid_namespace && other->pid == process.pid &&
		    other->number < process.number)
			bury(table, i - 1);
	}
	if (process.ours && !read_stat(process.pid, &state, &parent, &threads, &process.start_time))
		return;
	if (table->count == table->room) {
		const size_t room = table->room ? 2 * table->room : 64;
		struct living *grown = realloc(table->living, room * sizeof(*grown));

		if (!grown)
			return;
		table->living = grown;
		table->room = room;
	}
	table->living[table->count++] = process;
}

uint32_t process_parent(const struct process_table *table, const struct arena_ring *ring)
{
	uint32_t parent = 0, found = 0;
	uint64_t start_time;
	unsigned threads;
	char state;

	if (ring->parent != 0 || ring->pid_namespace != table->pid_namespace)
		return ring->parent;
	if (!read_stat(ring->pid, &state, &parent, &threads, &start_time))
		parent = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct living *other = &table->living[i];

		if (other->number == ring->process)
			continue;
		if (other->pid == ring->pid)
			return other->number;
		if (other->pid == parent && other->number > found)
			found = other->number;
	}
	return found;
}

void process_look(struct process_table *table)
{
	for (size_t i = table->count; i > 0; i--) {
		if (!is_there(&table->living[i - 1]))
			bury(table, i - 1);
	}
}

unsigned process_count_living(const struct process_table *table)
{
	return (unsigned)table->count;
}
