/* The table of runtimes: how each is found, and what its workloads say of themselves. */
#include "bench/runtime.h"

#include "base/path.h"
#include "bench/describe.h"
#include "config.h"
#include "workload_list.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct family families[] = {
	{ "python", "py" },
	{ "ruby", "rb" },
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

/* Without a program it is the C binaries; without a family its scripts are yet to be written. */
static const struct row {
	const char *name, *program, *package;
	const struct family *family;
} rows[] = {
	{ "c", NULL, NULL, NULL },
	{ "python3", "python3", "python3", &families[0] },
	{ "pypy3", "pypy3", "pypy3", &families[0] },
	{ "ruby", "ruby", "ruby", &families[1] },
	{ "jython", "jython", "jython", &families[0] },
	{ "ocaml", "ocaml", "ocaml", NULL },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *const workload_names[] = { WORKLOAD_LIST };
#define WORKLOADS (sizeof(workload_names) / sizeof(workload_names[0]))
_Static_assert(WORKLOADS <= RUNTIME_WORKLOADS, "more workloads than a runtime has room for");

static bool is_c(const struct runtime *runtime)
{
	return !runtime || strcmp(runtime->name, "c") == 0;
}

static void script_path(const struct family *family, const char *folder, const char *workload,
			char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/scripts/%s/%s.%s", folder, family->folder, workload,
		 family->suffix);
}

bool runtime_has(const struct runtime *runtime, const char *folder, const char *workload)
{
	char path[PATH_MAX];

	if (is_c(runtime))
		return true;
	script_path(runtime->family, folder, workload, path);
	return access(path, R_OK) == 0;
}

size_t runtime_words(const struct runtime *runtime, const char *folder, const char *workload,
		     char path[PATH_MAX], char *words[RUNTIME_WORDS + 2])
{
	size_t count = 0;

	if (is_c(runtime)) {
		snprintf(path, PATH_MAX, "%s/%s", folder, workload);
	} else {
		for (; runtime->words[count]; count++)
			words[count] = runtime->words[count];
		script_path(runtime->family, folder, workload, path);
	}
	words[count++] = path;
	words[count] = NULL;
	return count;
}

static json_t *ask(const struct runtime *runtime, const char *folder, const char *workload,
		   struct err *err)
{
	char path[PATH_MAX], option[] = "--describe";
	char *words[RUNTIME_WORDS + 3];
	const size_t count = runtime_words(runtime, folder, workload, path, words);

	words[count] = option;
	words[count + 1] = NULL;
	return describe_workload(words, workload, err);
}

const json_t *runtime_describe(struct runtime *runtime, const char *folder, const char *workload,
			       struct err *err)
{
	size_t i = 0;

	while (i < WORKLOADS && strcmp(workload_names[i], workload) != 0)
		i++;
	assert(i < WORKLOADS);
	if (!runtime->told[i])
		runtime->told[i] = ask(runtime, folder, workload, err);
	return runtime->told[i];
}

static const json_t *row_named(const json_t *told, const char *list, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(told, list), i, row)
	{
		const char *have = json_string_value(json_object_get(row, "name"));

		if (have && strcmp(have, name) == 0)
			return row;
	}
	return NULL;
}

bool runtime_has_mode(const json_t *told, const char *mode)
{
	return row_named(told, "modes", mode) && !runtime_mode_reason(told, mode);
}

const char *runtime_mode_reason(const json_t *told, const char *mode)
{
	return json_string_value(json_object_get(row_named(told, "modes", mode), "reason"));
}

bool runtime_is_other_work(const json_t *told, const char *name)
{
	return json_is_true(json_object_get(row_named(told, "params", name), "other_work"));
}

bool runtime_takes(const json_t *told, const char *mode, const char *gil, const char *name)
{
	return row_named(told, "options", name) || row_named(told, "params", name) ||
	       row_named(row_named(told, "gils", gil), "params", name) ||
	       row_named(row_named(told, "modes", mode), "params", name);
}

/* A script says whose it is: that tells an interpreter from whatever else prints JSON. */
static bool meet(struct runtime *runtime, const char *folder, struct err *err)
{
	const json_t *told = runtime_describe(runtime, folder, workload_names[0], err);
	const json_t *own = json_object_get(told, "runtime");
	const char *name = json_string_value(json_object_get(own, "name"));
	const char *version = json_string_value(json_object_get(own, "version"));

	if (!told)
		return false;
	if (!name || !version)
		return err_set(err, EXIT_IMPOSSIBLE, "does not say which interpreter it is");
	snprintf(runtime->version, sizeof(runtime->version), "%s %s", name, version);
	return true;
}

void runtime_finish(struct runtime *runtime)
{
	for (size_t i = 0; i < WORKLOADS; i++) {
		json_decref(runtime->told[i]);
		runtime->told[i] = NULL;
	}
}

/* As a shell finds it. */
static bool find_program(const char *name, char path[PATH_MAX], struct err *err)
{
	if (!strchr(name, '/'))
		return path_find_program(name, path, PATH_MAX) ||
		       err_set(err, EXIT_IMPOSSIBLE, "'%s' is not in $PATH", name);
	snprintf(path, PATH_MAX, "%s", name);
	return access(path, X_OK) == 0 ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot run '%s': %m", name);
}

/* Words are apart by blanks; the path of the first may have some. */
static bool split(struct runtime *runtime, const char *command, struct err *err)
{
	char words[sizeof(runtime->text)], path[PATH_MAX], *rest, *word, *at = runtime->text;
	const char *end = runtime->text + sizeof(runtime->text);
	size_t count = 0;

	if ((size_t)snprintf(words, sizeof(words), "%s", command) >= sizeof(words))
		return err_set(err, EXIT_MISUSE, "the command is too long");
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (count == 0 && !find_program(word, path, err))
			return false;
		runtime->words[count] = at;
		at += snprintf(at, (size_t)(end - at), "%s", count == 0 ? path : word) + 1;
		if (at > end || ++count == RUNTIME_WORDS)
			return err_set(err, EXIT_MISUSE, "the command is too long");
	}
	runtime->words[count] = NULL;
	return count > 0 || err_set(err, EXIT_MISUSE, "there is no command");
}

/* One of the table; what keeps it from running is its reason. */
static void find_row(struct runtime *runtime, const struct row *row, const char *folder)
{
	struct err err = { 0 };

	snprintf(runtime->name, sizeof(runtime->name), "%s", row->name);
	runtime->family = row->family;
	if (!row->program) {
		snprintf(runtime->version, sizeof(runtime->version), "C, %s", GILSCOPE_COMPILER);
	} else if (!row->family) {
		snprintf(runtime->reason, sizeof(runtime->reason),
			 "there are no scripts for it yet");
	} else if (!split(runtime, row->program, &err)) {
		snprintf(runtime->reason, sizeof(runtime->reason),
			 "%.200s; on Debian: apt-get install %s", err.text, row->package);
	} else if (!meet(runtime, folder, &err)) {
		snprintf(runtime->reason, sizeof(runtime->reason), "%s", err.text);
	}
}

/* Any other interpreter: of which family it is turns out by trying. */
static bool find_command(struct runtime *runtime, const char *command, const char *folder,
			 struct err *err)
{
	struct err why = { 0 };

	if (!split(runtime, command, &why))
		return err_set(err, why.code, "--runtime '%s=%s': %s", runtime->name, command,
			       why.text);
	for (size_t i = 0; i < FAMILIES; i++) {
		runtime->family = &families[i];
		if (meet(runtime, folder, &why))
			return true;
		runtime_finish(runtime);
	}
	return err_set(err, EXIT_IMPOSSIBLE,
		       "--runtime '%s=%s' runs none of the scripts of workloads/scripts: %s",
		       runtime->name, command, why.text);
}

static bool check_name(const char *name, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_+";

	if (strcmp(name, "c") == 0)
		return err_set(err, EXIT_MISUSE,
			       "--runtime 'c=...': c is the C workloads; give another name");
	if (name[0] && name[strspn(name, allowed)] == '\0')
		return true;
	return err_set(err, EXIT_MISUSE,
		       "--runtime '%s=...' is no name; give letters, digits, '.', '-', '_', '+'",
		       name);
}

static bool unknown(const char *word, struct err *err)
{
	const char *names[ROWS + 1];

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	names[ROWS] = "NAME=COMMAND";
	return param_unknown("runtime", word, names, ROWS + 1, err);
}

static bool add(struct runtimes *runtimes, const char *word, const char *folder, struct err *err)
{
	const size_t length = strcspn(word, "=");
	struct runtime *runtime;

	if (runtimes->count == RUNTIMES_MAX || length >= sizeof(runtime->name))
		return err_set(err, EXIT_MISUSE, "--runtime '%s' is too long or one too many",
			       word);
	runtime = &runtimes->row[runtimes->count];
	*runtime = (struct runtime){ 0 };
	snprintf(runtime->name, sizeof(runtime->name), "%.*s", (int)length, word);
	for (size_t i = 0; i < runtimes->count; i++) {
		if (strcmp(runtimes->row[i].name, runtime->name) == 0)
			return err_set(err, EXIT_MISUSE, "--runtime '%s' is given twice",
				       runtime->name);
	}
	runtimes->count++;
	if (word[length] == '=')
		return check_name(runtime->name, err) &&
		       find_command(runtime, word + length + 1, folder, err);
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, word) == 0) {
			find_row(runtime, &rows[i], folder);
			return true;
		}
	}
	return unknown(word, err);
}

bool runtimes_find(struct runtimes *runtimes, const struct param_value *lists, const char *folder,
		   struct err *err)
{
	runtimes->count = 0;
	for (size_t i = 0; i < lists->times; i++) {
		const char *list = lists->texts[i];

		while (*list) {
			const size_t length = strcspn(list, ",");
			char word[1024];

			if (length >= sizeof(word))
				return err_set(err, EXIT_MISUSE, "--runtime: the list is too long");
			snprintf(word, sizeof(word), "%.*s", (int)length, list);
			if (!add(runtimes, word, folder, err))
				return false;
			list += length + (list[length] == ',');
		}
	}
	return runtimes->count > 0 || add(runtimes, "c", folder, err);
}

void runtimes_all(struct runtimes *runtimes, const char *folder)
{
	runtimes->count = 0;
	for (size_t i = 0; i < ROWS; i++) {
		runtimes->row[i] = (struct runtime){ 0 };
		find_row(&runtimes->row[runtimes->count++], &rows[i], folder);
	}
}

void runtimes_finish(struct runtimes *runtimes)
{
	for (size_t i = 0; i < runtimes->count; i++)
		runtime_finish(&runtimes->row[i]);
}
