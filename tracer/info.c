/* trace.json: what was traced. Written by the launcher, but maybe by another version or cut off by
 * a full disk, so nothing in it is trusted. */
#include "tracer/read.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA "gilscope.trace/1"
/* A pair of clocks every second for a day is 6 MB. */
#define SIZE_MAX_BYTES (64u << 20)

struct reader {
	const char *folder;
	const json_t *root;
	struct err *err;
};

int read_open(const char *path)
{
	struct stat is;
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || (fstat(fd, &is) == 0 && S_ISREG(is.st_mode)))
		return fd;
	close(fd);
	errno = S_ISDIR(is.st_mode) ? EISDIR : EINVAL;
	return -1;
}

int64_t read_at(int fd, void *to, uint64_t size, uint64_t offset)
{
	uint64_t done = 0;

	while (done < size) {
		const ssize_t got =
			pread(fd, (char *)to + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (uint64_t)got;
	}
	return (int64_t)done;
}

static bool wrong(const struct reader *in, const char *name, const char *what)
{
	return err_set(in->err, EXIT_MISUSE, "cannot read '%s/trace.json': '%s' %s", in->folder,
		       name, what);
}

/* The member, or null where it is missing or null. */
static const json_t *member(const struct reader *in, const char *name)
{
	const json_t *value = json_object_get(in->root, name);

	return json_is_null(value) ? NULL : value;
}

static bool read_count(const struct reader *in, const char *name, uint64_t *to)
{
	const json_t *value = member(in, name);

	*to = (uint64_t)json_integer_value(value);
	if (value && (!json_is_integer(value) || json_integer_value(value) < 0))
		return wrong(in, name, "is not a whole number from 0");
	return true;
}

static bool read_text(const struct reader *in, const char *name, char **to)
{
	const json_t *value = member(in, name);

	if (!value)
		return true;
	if (!json_is_string(value))
		return wrong(in, name, "is neither a text nor null");
	*to = strdup(json_string_value(value));
	return *to || err_set(in->err, EXIT_IMPOSSIBLE, "no memory");
}

static bool read_uuid(const struct reader *in, uint8_t uuid[16])
{
	const char *text = json_string_value(member(in, "uuid"));
	const bool right =
		text && strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32;

	for (size_t i = 0; right && i < 16; i++) {
		const char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };

		uuid[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return right || wrong(in, "uuid", "is not 32 hexadecimal digits");
}

static bool read_schema(const struct reader *in)
{
	const char *schema = json_string_value(member(in, "schema"));

	if (schema && strcmp(schema, SCHEMA) == 0)
		return true;
	return err_set(in->err, EXIT_MISUSE,
		       "cannot read '%s/trace.json': its schema is '%s'; this version reads '%s'",
		       in->folder, schema ? schema : "none", SCHEMA);
}

static bool read_command(const struct reader *in, char **to)
{
	const json_t *words = member(in, "command"), *word;
	size_t size = 0, i;
	FILE *text;

	if (words && !json_is_array(words))
		return wrong(in, "command", "is not an array of words");
	text = open_memstream(to, &size);
	if (!text)
		return err_set(in->err, EXIT_IMPOSSIBLE, "no memory");
	json_array_foreach(words, i, word)
	{
		if (!json_is_string(word)) {
			fclose(text);
			return wrong(in, "command", "is not an array of words");
		}
		fprintf(text, "%s%s", i ? " " : "", json_string_value(word));
	}
	return fclose(text) == 0 || err_set(in->err, EXIT_IMPOSSIBLE, "no memory");
}

static bool read_clock(const json_t *from, struct trace_clock *to)
{
	uint64_t *const parts[] = { &to->raw, &to->monotonic_ns, &to->realtime_ns };

	if (json_array_size(from) != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		const json_t *part = json_array_get(from, i);

		if (!json_is_integer(part) || json_integer_value(part) < 0)
			return false;
		*parts[i] = (uint64_t)json_integer_value(part);
	}
	return true;
}

static bool read_clocks(const struct reader *in, struct info_more *more)
{
	const json_t *clocks = member(in, "clocks"), *one;
	struct trace_clock clock;
	size_t i;

	if (clocks && !json_is_array(clocks))
		return wrong(in, "clocks", "is not an array");
	json_array_foreach(clocks, i, one)
	{
		if (!read_clock(one, &clock))
			return wrong(in, "clocks", "has what is not three whole numbers from 0");
		if (i == 0 || clock.raw < more->first.raw)
			more->first = clock;
		if (i == 0 || clock.raw > more->last.raw)
			more->last = clock;
	}
	return true;
}

static bool read_counter(const struct reader *in, bool *is_ns)
{
	const char *name = json_string_value(member(in, "counter"));

	*is_ns = name && strcmp(name, "monotonic") == 0;
	if (*is_ns || (name && (strcmp(name, "tsc") == 0 || strcmp(name, "cntvct") == 0)))
		return true;
	return wrong(in, "counter", "is none of tsc, cntvct and monotonic");
}

static bool read_end(const struct reader *in, struct trace_info *info)
{
	const json_t *finished = member(in, "finished"), *status = member(in, "status");
	uint64_t running;

	info->status = -1;
	if (finished && !json_is_boolean(finished))
		return wrong(in, "finished", "is neither true nor false");
	info->finished = json_is_true(finished);
	if (status) {
		if (!json_is_integer(status) || json_integer_value(status) < 0 ||
		    json_integer_value(status) > 255)
			return wrong(in, "status", "is neither 0 to 255 nor null");
		info->status = (int)json_integer_value(status);
	}
	if (!read_count(in, "still_running", &running))
		return false;
	info->still_running = running > UINT32_MAX ? UINT32_MAX : (unsigned)running;
	return read_count(in, "elapsed_ns", &info->elapsed_ns);
}

static bool read_cost(const struct reader *in, double *record_ns)
{
	const json_t *cost = member(in, "cost"), *value = json_object_get(cost, "record_ns");

	*record_ns = -1;
	if (cost && !json_is_object(cost))
		return wrong(in, "cost", "is not an object");
	if (!value || json_is_null(value))
		return true;
	if (!json_is_number(value) || json_number_value(value) < 0)
		return wrong(in, "cost.record_ns", "is neither a number from 0 nor null");
	*record_ns = json_number_value(value);
	return true;
}

static bool read_members(const struct reader *in, struct trace_info *info, struct info_more *more)
{
	if (!json_is_object(in->root))
		return err_set(in->err, EXIT_MISUSE, "cannot read '%s/trace.json': it is no object",
			       in->folder);
	return read_schema(in) && read_uuid(in, more->uuid) && read_end(in, info) &&
	       read_cost(in, &info->record_ns) && read_counter(in, &more->counter_is_ns) &&
	       read_clocks(in, more) && read_count(in, "lost", &more->lost) &&
	       read_count(in, "stalls", &more->stalls) && read_text(in, "arena", &info->arena) &&
	       read_text(in, "lost_reason", &info->lost_reason) && read_command(in, &info->command);
}

/* The whole file; the caller frees it. */
static char *read_whole(const char *path, size_t *size)
{
	const int fd = read_open(path);
	struct stat is;
	char *text = NULL;
	int64_t got;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &is) == 0 && is.st_size <= SIZE_MAX_BYTES)
		text = malloc((size_t)is.st_size + 1);
	else
		errno = EFBIG;
	got = text ? read_at(fd, text, (uint64_t)is.st_size, 0) : -1;
	close(fd);
	if (got < 0) {
		free(text);
		return NULL;
	}
	*size = (size_t)got;
	return text;
}

bool info_read(struct trace_info *info, struct info_more *more, const char *folder, struct err *err)
{
	struct reader in = { .folder = folder, .err = err };
	json_error_t error;
	char *path, *text;
	size_t size = 0;
	bool right;

	*info = (struct trace_info){ 0 };
	*more = (struct info_more){ 0 };
	if (asprintf(&path, "%s/trace.json", folder) < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory");
	text = read_whole(path, &size);
	if (!text)
		err_set(err, EXIT_MISUSE,
			"cannot read '%s': %m; give the folder that 'gilscope trace' wrote", path);
	free(path);
	if (!text)
		return false;
	in.root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!in.root)
		return err_set(err, EXIT_MISUSE, "cannot read '%s/trace.json': line %d: %s", folder,
			       error.line, error.text);
	right = read_members(&in, info, more);
	json_decref((json_t *)in.root);
	if (!right)
		info_finish(info);
	return right;
}

void info_finish(struct trace_info *info)
{
	free(info->command);
	free(info->arena);
	free(info->lost_reason);
	*info = (struct trace_info){ 0 };
}
