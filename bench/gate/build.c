/* Finds the workloads of a build, and asks one of them how it was built. */
#include "bench/gate/build.h"

#include "bench/describe.h"
#include "bench/gate/revision.h"
#include "bench/process.h"

#include <dirent.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool join(char to[PATH_MAX], const char *folder, const char *name)
{
	return snprintf(to, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

/* A file that can be run, and no script of the sources: those have a dot in their names. */
static bool is_program(const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat info;

	return !strchr(name, '.') && join(path, folder, name) && stat(path, &info) == 0 &&
	       S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* The first by its name; false when the folder has none, as that of the sources. */
static bool find_program(const char *folder, char path[PATH_MAX])
{
	char first[NAME_MAX + 1] = "";
	DIR *open = opendir(folder);
	struct dirent *entry;

	while (open && (entry = readdir(open))) {
		if (is_program(folder, entry->d_name) &&
		    (!first[0] || strcmp(entry->d_name, first) < 0))
			snprintf(first, sizeof(first), "%s", entry->d_name);
	}
	if (open)
		closedir(open);
	return first[0] && join(path, folder, first);
}

static void keep(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text ? text : "");
}

static void keep_member(char *to, size_t room, const json_t *object, const char *key)
{
	keep(to, room, json_string_value(json_object_get(object, key)));
}

static void keep_bool(char *to, size_t room, const json_t *value)
{
	keep(to, room, json_is_boolean(value) ? json_is_true(value) ? "true" : "false" : NULL);
}

/* Without those that only say how the folder is to be called. */
static void add_arguments(struct gate_side *side, const char *text)
{
	for (const char *word = text; *(word += strspn(word, " ")); word += strcspn(word, " ")) {
		const int length = (int)strcspn(word, " ");
		const size_t used = strlen(side->c_args);

		if (memmem(word, (size_t)length, "-prefix-map=", 12))
			continue;
		snprintf(side->c_args + used, sizeof(side->c_args) - used, "%s%.*s",
			 used ? " " : "", length, word);
	}
}

/* What the workload itself says, which is how it was built, whatever has become of the folder. */
static bool ask_program(struct gate_side *side, char *path)
{
	char flag[] = "--describe";
	char *words[] = { path, flag, NULL };
	json_t *found = describe_workload(words, path, NULL);
	const json_t *build = json_object_get(found, "build");

	keep_member(side->revision, sizeof(side->revision), build, "revision");
	if (strcmp(side->revision, "unknown") == 0)
		side->revision[0] = '\0';
	keep_member(side->compiler, sizeof(side->compiler), build, "compiler");
	keep_member(side->buildtype, sizeof(side->buildtype), build, "buildtype");
	keep_member(side->optimization, sizeof(side->optimization), build, "optimization");
	keep_member(side->sanitize, sizeof(side->sanitize), build, "sanitize");
	keep_bool(side->lto, sizeof(side->lto), json_object_get(build, "lto"));
	keep_bool(side->ndebug, sizeof(side->ndebug), json_object_get(build, "ndebug"));
	if (json_is_string(json_object_get(build, "c_args"))) {
		add_arguments(side, json_string_value(json_object_get(build, "c_args")));
		if (!side->c_args[0])
			keep(side->c_args, sizeof(side->c_args), "none");
	}
	json_decref(found);
	return side->optimization[0];
}

static void keep_arguments(struct gate_side *side, const json_t *list)
{
	const json_t *word;
	size_t i;

	json_array_foreach(list, i, word)
	{
		if (json_is_string(word))
			add_arguments(side, json_string_value(word));
	}
	if (json_is_array(list) && !side->c_args[0])
		keep(side->c_args, sizeof(side->c_args), "none");
}

static void keep_option(struct gate_side *side, const char *name, const json_t *value)
{
	if (strcmp(name, "buildtype") == 0)
		keep(side->buildtype, sizeof(side->buildtype), json_string_value(value));
	else if (strcmp(name, "optimization") == 0)
		keep(side->optimization, sizeof(side->optimization), json_string_value(value));
	else if (strcmp(name, "b_sanitize") == 0)
		keep(side->sanitize, sizeof(side->sanitize), json_string_value(value));
	else if (strcmp(name, "b_lto") == 0)
		keep_bool(side->lto, sizeof(side->lto), value);
	else if (strcmp(name, "b_ndebug") == 0)
		keep(side->ndebug, sizeof(side->ndebug), json_string_value(value));
	else if (strcmp(name, "c_args") == 0)
		keep_arguments(side, value);
}

/* Workloads of earlier revisions do not tell; Meson does, of a build folder. */
static void ask_meson(struct gate_side *side, const char *folder)
{
	char path[PATH_MAX];
	json_t *options = join(path, folder, "meson-info/intro-buildoptions.json") ?
				  json_load_file(path, 0, NULL) :
				  NULL;
	const json_t *option;
	size_t i;

	json_array_foreach(options, i, option)
	{
		const char *name = json_string_value(json_object_get(option, "name"));
		const json_t *value = json_object_get(option, "value");

		if (name)
			keep_option(side, name, value);
	}
	if (strcmp(side->ndebug, "if-release") == 0)
		keep(side->ndebug, sizeof(side->ndebug),
		     strcmp(side->buildtype, "release") == 0 ||
				     strcmp(side->buildtype, "plain") == 0 ?
			     "true" :
			     "false");
	json_decref(options);
}

/* False when there are no workloads in this place. */
static bool find_in(struct gate_side *side, const char *folder, const char *place)
{
	char below[PATH_MAX], program[PATH_MAX];

	if (!join(below, folder, place) || !realpath(below, side->workloads) ||
	    !find_program(side->workloads, program)) {
		side->workloads[0] = '\0';
		return false;
	}
	if (!ask_program(side, program))
		ask_meson(side, folder);
	return true;
}

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool build_find(struct gate_side *side, const char *word, struct err *err)
{
	struct revision revision;
	char folder[PATH_MAX];

	*side = (struct gate_side){ .word = word };
	if (!word[0])
		return err_set(err, EXIT_MISUSE,
			       "a build has no name; give a folder or a revision");
	if (find_in(side, word, "workloads") || find_in(side, word, "libexec/gilscope/workloads"))
		return true;
	if (!revision_find(&revision, word, err)) {
		if (!is_folder(word) || process_stop_signal())
			return false;
		return err_set(err, EXIT_MISUSE,
			       "'%s' has no workloads; give a folder in which gilscope was built, "
			       "the prefix where it is installed, or a revision",
			       word);
	}
	if (!revision_build(&revision, folder, err))
		return false;
	if (!find_in(side, folder, "workloads"))
		return err_set(err, EXIT_IMPOSSIBLE, "revision '%s' has no workloads", word);
	side->made = true;
	if (!side->revision[0])
		keep(side->revision, sizeof(side->revision), revision.name);
	return true;
}

static bool side_is_usable(const struct gate_side *side, char *reason, size_t room)
{
	if (side->sanitize[0] && strcmp(side->sanitize, "none") != 0) {
		snprintf(reason, room,
			 "'%s' is built with sanitizers (%s), whose times say nothing of others",
			 side->word, side->sanitize);
		return false;
	}
	if (!machine_build_optimized(side->optimization)) {
		snprintf(reason, room,
			 "'%s' is built without optimization (%s); configure it with "
			 "-Dbuildtype=debugoptimized",
			 side->word, side->optimization);
		return false;
	}
	return true;
}

/* Adds a clause to what is said already, as far as there is room. */
__attribute__((format(printf, 3, 4))) static void add(char *reason, size_t room, const char *format,
						      ...)
{
	const size_t said = strlen(reason);
	const size_t used =
		said + (size_t)snprintf(reason + said, room - said, "%s", said > 0 ? "; " : "");
	va_list args;

	if (used >= room)
		return;
	va_start(args, format);
	vsnprintf(reason + used, room - used, format, args);
	va_end(args);
}

static void doubt(const struct gate_side *side, char *reason, size_t room)
{
	if (!machine_build_level_known(side->optimization))
		add(reason, room, "how far '%s' was optimized is not known", side->word);
}

/* What to do when one side is made as this gilscope is, and the other one is not. */
static void advise(const struct gate_side *baseline, const struct gate_side *candidate,
		   char *reason, size_t room)
{
	if (baseline->made != candidate->made)
		add(reason, room, "a revision is built as this gilscope is: run that of '%s'",
		    baseline->made ? candidate->word : baseline->word);
}

/* Of those that make other code, as far as both sides tell them. */
static bool same_options(const struct gate_side *baseline, const struct gate_side *candidate,
			 char *reason, size_t room)
{
	const struct {
		const char *name, *was, *is;
	} options[] = { { "b_lto", baseline->lto, candidate->lto },
			{ "b_ndebug", baseline->ndebug, candidate->ndebug },
			{ "c_args", baseline->c_args, candidate->c_args } };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *was = options[i].was, *is = options[i].is;

		if (!was[0] || !is[0] || strcmp(was, is) == 0)
			continue;
		snprintf(reason, room, "'%s' is built with %s=%.80s, '%s' with %.80s",
			 baseline->word, options[i].name, was, candidate->word, is);
		advise(baseline, candidate, reason, room);
		return false;
	}
	return true;
}

bool builds_comparable(const struct gate_side *baseline, const struct gate_side *candidate,
		       char *reason, size_t room)
{
	reason[0] = '\0';
	if (baseline->command || candidate->command)
		return true;
	if (!side_is_usable(baseline, reason, room) || !side_is_usable(candidate, reason, room))
		return false;
	if (machine_build_level_known(baseline->optimization) &&
	    machine_build_level_known(candidate->optimization) &&
	    strcmp(baseline->optimization, candidate->optimization) != 0) {
		snprintf(reason, room, "'%s' is optimized at level %s, '%s' at level %s",
			 baseline->word, baseline->optimization, candidate->word,
			 candidate->optimization);
		advise(baseline, candidate, reason, room);
		return false;
	}
	if (!same_options(baseline, candidate, reason, room))
		return false;
	doubt(baseline, reason, room);
	doubt(candidate, reason, room);
	if (baseline->compiler[0] && candidate->compiler[0] &&
	    strcmp(baseline->compiler, candidate->compiler) != 0)
		add(reason, room, "'%s' is built by %s, '%s' by %s", baseline->word,
		    baseline->compiler, candidate->word, candidate->compiler);
	if (baseline->buildtype[0] && candidate->buildtype[0] &&
	    strcmp(baseline->buildtype, candidate->buildtype) != 0)
		add(reason, room, "'%s' is a %s build, '%s' a %s build", baseline->word,
		    baseline->buildtype, candidate->word, candidate->buildtype);
	return true;
}
