/* Makes the trace folder and writes trace.json. */
#include "tracer/launcher/folder.h"

#include "base/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* More than trace.json ever takes, but for very long commands. */
#define RESERVE_BYTES (64 << 10)
#define RESERVE ".reserve"

static bool is_empty(const char *path)
{
	DIR *folder = opendir(path);
	int entries = 0;

	if (!folder)
		return false;
	while (entries < 3 && readdir(folder))
		entries++;
	closedir(folder);
	return entries <= 2;
}

static bool make_free_name(char path[PATH_MAX], const char *program, struct err *err)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	for (int i = 1; i < 10000; i++) {
		if (i == 1)
			snprintf(path, PATH_MAX, "trace-%s", name);
		else
			snprintf(path, PATH_MAX, "trace-%s-%d", name, i);
		if (mkdir(path, 0777) == 0)
			return true;
		if (errno != EEXIST)
			break;
	}
	return err_set(err, EXIT_IMPOSSIBLE, "cannot make the folder '%s': %s; give another by -o",
		       path, strerror(errno));
}

static bool make_wanted(const char *path, struct err *err)
{
	if (mkdir(path, 0777) == 0)
		return true;
	if (errno != EEXIST)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make the folder '%s': %s", path,
			       strerror(errno));
	if (!is_empty(path))
		return err_set(err, EXIT_MISUSE,
			       "'%s' exists and is not an empty folder; give a new name", path);
	return true;
}

/* Blocks that trace.json will need at the end. */
static bool reserve(const struct folder *folder, struct err *err)
{
	char path[PATH_MAX + 16];
	int fd, error;

	snprintf(path, sizeof(path), "%s/" RESERVE, folder->path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot write in '%s': %s", folder->path,
			       strerror(errno));
	error = posix_fallocate(fd, 0, RESERVE_BYTES);
	close(fd);
	if (error == 0)
		return true;
	unlink(path);
	return err_set(err, EXIT_IMPOSSIBLE, "no room in '%s': %s", folder->path, strerror(error));
}

bool folder_create(struct folder *folder, const char *wanted, const char *program, struct err *err)
{
	const bool made =
		wanted ? make_wanted(wanted, err) : make_free_name(folder->path, program, err);

	if (!made)
		return false;
	folder->made = true;
	if (wanted && strlen(wanted) >= sizeof(folder->path) - 32)
		return err_set(err, EXIT_MISUSE, "the folder's name is too long");
	if (wanted)
		snprintf(folder->path, sizeof(folder->path), "%s", wanted);
	snprintf(folder->threads, sizeof(folder->threads), "%.*s/threads", PATH_MAX - 16,
		 folder->path);
	if (mkdir(folder->threads, 0777) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make the folder '%s': %s",
			       folder->threads, strerror(errno));
	return reserve(folder, err);
}

void folder_remove(const struct folder *folder)
{
	const char *const names[] = { RESERVE, "trace.json" };
	char path[PATH_MAX + 16];

	if (!folder->made)
		return;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		unlink(path);
	}
	rmdir(folder->threads);
	rmdir(folder->path);
}

const char *folder_lost_reason(const struct drain_totals *totals)
{
	if (!totals || (totals->lost == 0 && !totals->full))
		return NULL;
	if (totals->full)
		return "the output folder could not take more";
	if (totals->exhausted)
		return "there was no room for the rings of more threads";
	return "more threads at once than there are rings";
}

static void emit_clock(struct emit *emit, const struct trace_clock *clock)
{
	emit_open(emit, NULL, '[');
	emit_u64(emit, NULL, clock->raw);
	emit_u64(emit, NULL, clock->monotonic_ns);
	emit_u64(emit, NULL, clock->realtime_ns);
	emit_close(emit, ']');
}

static void emit_clocks(struct emit *emit, const struct arena *arena)
{
	const struct trace_clock end = memory_clock(arena);

	emit_open(emit, "clocks", '[');
	emit_clock(emit, &arena->start);
	emit_clock(emit, &end);
	emit_close(emit, ']');
}

static void emit_head(struct emit *emit, const struct folder_facts *facts)
{
	const struct arena *arena = facts->memory->arena;
	const time_t seconds = (time_t)(arena->start.realtime_ns / 1000000000u);
	char uuid[2 * sizeof(arena->uuid) + 1], started[40];
	struct tm utc;

	for (size_t i = 0; i < sizeof(arena->uuid); i++)
		snprintf(uuid + 2 * i, 3, "%02x", arena->uuid[i]);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	emit_string(emit, "schema", "gilscope.trace/1");
	emit_string(emit, "uuid", uuid);
	emit_open(emit, "command", '[');
	for (char *const *word = facts->command; *word; word++)
		emit_string(emit, NULL, *word);
	emit_close(emit, ']');
	emit_string(emit, "started", started);
#if defined(__x86_64__)
	emit_string(emit, "counter", arena->counter == ARENA_RAW ? "tsc" : "monotonic");
#else
	emit_string(emit, "counter", arena->counter == ARENA_RAW ? "cntvct" : "monotonic");
#endif
}

static void emit_totals(struct emit *emit, const struct folder_facts *facts)
{
	const struct drain_totals *totals = facts->totals;

	emit_bool(emit, "finished", totals != NULL);
	if (!totals) {
		emit_null(emit, "status");
		emit_null(emit, "elapsed_ns");
		emit_string(emit, "arena", facts->memory->folder);
		return;
	}
	if (facts->status < 0) {
		emit_null(emit, "status");
		emit_null(emit, "elapsed_ns");
	} else {
		emit_u64(emit, "status", (uint64_t)facts->status);
		emit_u64(emit, "elapsed_ns", facts->elapsed_ns);
	}
	emit_null(emit, "arena");
	emit_u64(emit, "processes", totals->processes);
	emit_u64(emit, "threads", totals->threads);
	emit_u64(emit, "records", totals->records);
	emit_u64(emit, "lost", totals->lost);
	emit_string(emit, "lost_reason", folder_lost_reason(totals));
	emit_u64(emit, "abandoned", totals->abandoned);
	emit_u64(emit, "stalls", totals->stalls);
	emit_u64(emit, "still_running", totals->still_running);
}

static void emit_all(struct emit *emit, const struct folder_facts *facts)
{
	struct machine machine;

	machine_read(&machine);
	emit_open(emit, NULL, '{');
	emit_head(emit, facts);
	emit_totals(emit, facts);
	emit_clocks(emit, facts->memory->arena);
	cost_emit(facts->cost, emit, "cost");
	machine_json(&machine, emit, "machine");
	machine_build_json(emit, "build");
	emit_close(emit, '}');
}

bool folder_describe(const struct folder *folder, const struct folder_facts *facts, struct err *err)
{
	char temporary[PATH_MAX + 16], path[PATH_MAX + 16];
	struct emit emit;
	FILE *to;
	bool ok;

	snprintf(path, sizeof(path), "%s/trace.json", folder->path);
	snprintf(temporary, sizeof(temporary), "%s/" RESERVE, folder->path);
	if (facts->totals) {
		/* The room that was kept, for the last of it; the first does not need it. */
		unlink(temporary);
	}
	snprintf(temporary, sizeof(temporary), "%s/trace.json.new", folder->path);
	to = fopen(temporary, "we");
	if (!to)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s", temporary,
			       strerror(errno));
	emit_start(&emit, to, true);
	emit_all(&emit, facts);
	fputc('\n', to);
	ok = !ferror(to);
	ok = fclose(to) == 0 && ok && rename(temporary, path) == 0;
	if (!ok) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot write '%s': %s", path, strerror(errno));
		unlink(temporary);
	}
	return ok;
}
