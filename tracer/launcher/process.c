/* The life and death of traced processes, by /proc/PID/stat. */
#include "tracer/launcher/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct living {
	uint32_t number;
	bool ours; /* our /proc knows it */
	uint64_t proc;
	uint32_t proc_pid;
	uint64_t start_time; /* 0: could not be read */
};

struct process_table {
	uint64_t proc;
	struct living *living;
	size_t count, room;
	uint8_t *lives; /* by number */
	size_t numbers;
};

struct process_table *process_table_create(uint64_t proc)
{
	struct process_table *table = calloc(1, sizeof(*table));

	if (table)
		table->proc = proc;
	return table;
}

void process_table_destroy(struct process_table *table)
{
	if (!table)
		return;
	free(table->living);
	free(table->lives);
	free(table);
}

enum found { FOUND, GONE, UNKNOWN };

/* Fields 3, 4, 20 and 22 of proc(5): state, parent, threads, start time. */
static enum found read_stat(uint32_t pid, char *state, uint32_t *parent, unsigned *threads,
			    uint64_t *start_time)
{
	char path[64], text[1024];
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? GONE : UNKNOWN;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0) {
		n = errno;
		close(fd);
		return n == ESRCH ? GONE : UNKNOWN;
	}
	close(fd);
	text[n] = '\0';
	/* The name may hold blanks and brackets: what counts is behind the last one. */
	at = strrchr(text, ')');
	return at && sscanf(at + 1,
			    " %c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u "
			    "%*d %lu",
			    state, parent, threads, start_time) == 4 ?
		       FOUND :
		       UNKNOWN;
}

/* A zombie leader of other threads is no corpse yet; what cannot be read may live. */
static bool is_there(const struct living *process)
{
	uint64_t start_time = 0;
	uint32_t parent;
	unsigned threads;
	char state;

	if (!process->ours)
		return true;
	switch (read_stat(process->proc_pid, &state, &parent, &threads, &start_time)) {
	case GONE:
		return false;
	case UNKNOWN:
		return true;
	default:
		return (process->start_time == 0 || start_time == process->start_time) &&
		       state != 'X' && !(state == 'Z' && threads <= 1);
	}
}

static void bury(struct process_table *table, size_t index)
{
	table->lives[table->living[index].number] = 0;
	table->living[index] = table->living[--table->count];
}

bool process_lives(const struct process_table *table, uint32_t number)
{
	return number < table->numbers && table->lives[number];
}

/* Room for one more, with this number. */
static bool grow(struct process_table *table, uint32_t number)
{
	if (number >= table->numbers) {
		const size_t numbers = 2 * (size_t)number + 64;
		uint8_t *lives = realloc(table->lives, numbers);

		if (!lives)
			return false;
		memset(lives + table->numbers, 0, numbers - table->numbers);
		table->lives = lives;
		table->numbers = numbers;
	}
	if (table->count == table->room) {
		const size_t room = table->room ? 2 * table->room : 64;
		struct living *grown = realloc(table->living, room * sizeof(*grown));

		if (!grown)
			return false;
		table->living = grown;
		table->room = room;
	}
	return true;
}

void process_seen(struct process_table *table, const struct arena_ring *ring)
{
	struct living process = { .number = ring->process,
				  .proc = ring->proc,
				  .proc_pid = ring->proc_pid,
				  .ours = ring->proc != 0 && ring->proc == table->proc };
	uint32_t parent;
	unsigned threads;
	char state;

	if (process_lives(table, ring->process))
		return;
	for (size_t i = table->count; process.proc != 0 && i > 0; i--) {
		const struct living *other = &table->living[i - 1];

		if (other->proc == process.proc && other->proc_pid == process.proc_pid &&
		    other->number < process.number)
			bury(table, i - 1);
	}
	if (process.ours &&
	    read_stat(process.proc_pid, &state, &parent, &threads, &process.start_time) == GONE)
		return;
	if (!grow(table, process.number))
		return;
	table->lives[process.number] = 1;
	table->living[table->count++] = process;
}

uint32_t process_parent(const struct process_table *table, const struct arena_ring *ring)
{
	uint32_t parent = 0, found = 0;
	uint64_t start_time;
	unsigned threads;
	char state;

	if (ring->parent != 0)
		return ring->parent;
	if (ring->proc == 0 || ring->proc != table->proc ||
	    read_stat(ring->proc_pid, &state, &parent, &threads, &start_time) != FOUND)
		parent = 0;
	for (size_t i = 0; ring->proc != 0 && i < table->count; i++) {
		const struct living *other = &table->living[i];

		if (other->number == ring->process || other->proc != ring->proc)
			continue;
		if (other->proc_pid == ring->proc_pid)
			return other->number;
		if (parent != 0 && other->proc_pid == parent && other->number > found)
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
