/* Runs git, meson and ninja. Their output goes to a file beside the build. */
#include "bench/gate/revision.h"

#include "base/param.h"
#include "base/path.h"
#include "bench/process.h"
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A build takes a minute or two; one that needs longer hangs. */
#define LIMIT_NS 3600000000000u
#define WORDS_MAX 1000
#define NAMES_MAX 2000

/* Of the build of 'word': the folder under its final name and under that while it is made, and
 * files. */
struct paths {
	const char *word;
	char built[PATH_MAX], part[PATH_MAX], lock[PATH_MAX], log[PATH_MAX];
};

static bool no_tool(const char *name, struct err *err)
{
	return err_set(err, EXIT_IMPOSSIBLE, "building a revision needs %s, which is not installed",
		       name);
}

/* Runs words[0], which is looked for in $PATH; false when it could not be run or was interrupted.
 */
static bool run(struct process *process, const char *const words[], struct err *err)
{
	char path[PATH_MAX], *argv[WORDS_MAX] = { path };

	if (!path_find_program(words[0], path, sizeof(path)))
		return no_tool(words[0], err);
	for (size_t i = 1; words[i]; i++)
		argv[i] = (char *)words[i];
	process->cpus = NULL;
	if (!process_run(process, argv, NULL, LIMIT_NS, err))
		return false;
	return !process->interrupted || err_set(err, EXIT_FAILED, "interrupted");
}

static bool succeeded(const struct process *process)
{
	return process_judge(process, LIMIT_NS, NULL);
}

/* The branch or tag that was meant, if one is near; it stays in the output. */
static const char *nearest_name(struct process *process, const char *word)
{
	const char *const words[] = { "git", "for-each-ref", "--format=%(refname:short)", NULL };
	const char *names[NAMES_MAX];
	size_t count = 0;

	if (!run(process, words, NULL) || !succeeded(process))
		return NULL;
	for (char *name = strtok(process->output, "\n"); name && count < NAMES_MAX;
	     name = strtok(NULL, "\n"))
		names[count++] = name;
	return param_nearest(word, names, count);
}

static void first_line(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%.*s", (int)strcspn(text, "\n"), text);
}

/* As a clone for CI is: then the revision may be one that was not fetched. */
static bool is_shallow(struct process *process)
{
	const char *const words[] = { "git", "rev-parse", "--is-shallow-repository", NULL };

	return run(process, words, NULL) && strcmp(process->output, "true\n") == 0;
}

static bool no_revision(struct process *process, const char *word, struct err *err)
{
	const char *near;
	char words[200];

	first_line(words, sizeof(words), process->error);
	if (strstr(words, "not a git repository"))
		return err_set(err, EXIT_MISUSE,
			       "there is no build '%s', and no repository here that could have "
			       "such a revision",
			       word);
	if (words[0])
		return err_set(err, EXIT_MISUSE,
			       "there is no build '%s', and git cannot tell whether it is a "
			       "revision: %s",
			       word, words);
	if (is_shallow(process))
		return err_set(err, EXIT_MISUSE,
			       "there is no build '%s', and no such revision in this shallow "
			       "clone; it may have to be fetched",
			       word);
	near = nearest_name(process, word);
	return err_set(err, EXIT_MISUSE,
		       "there is no build '%s', neither a folder nor a revision%s%s%s", word,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool ask_git(struct process *process, struct revision *revision, struct err *err)
{
	char commit[PATH_MAX], file[PATH_MAX];
	const char *const resolve[] = { "git",     "rev-parse",        "--verify",
					"--quiet", "--end-of-options", commit,
					NULL };
	const char *const show[] = { "git", "show", file, NULL };
	const char *const folder[] = { "git", "rev-parse", "--absolute-git-dir", NULL };
	const char *const name[] = { "git",         "describe",       "--always",
				     "--abbrev=12", revision->commit, NULL };

	snprintf(commit, sizeof(commit), "%s^{commit}", revision->word);
	if (!run(process, resolve, err))
		return false;
	if (!succeeded(process))
		return no_revision(process, revision->word, err);
	first_line(revision->commit, sizeof(revision->commit), process->output);
	snprintf(file, sizeof(file), "%s:meson.build", revision->commit);
	if (!run(process, show, err))
		return false;
	if (!succeeded(process) || !strstr(process->output, "project('gilscope'"))
		return err_set(err, EXIT_MISUSE,
			       "revision '%s' has not the sources of gilscope; run this in their "
			       "repository, or give a folder in which it was built",
			       revision->word);
	if (!run(process, name, err))
		return false;
	first_line(revision->name, sizeof(revision->name),
		   succeeded(process) ? process->output : revision->commit);
	if (!run(process, folder, err))
		return false;
	first_line(revision->git, sizeof(revision->git), process->output);
	return succeeded(process) ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot find the repository of '%s'", revision->word);
}

bool revision_find(struct revision *revision, const char *word, struct err *err)
{
	struct process *process = calloc(1, sizeof(*process));
	bool good;

	*revision = (struct revision){ .word = word };
	if (!process)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory");
	good = ask_git(process, revision, err);
	free(process);
	return good;
}

/* As this gilscope, unless that is not optimized: then no build of its kind could be judged. */
static const char *buildtype(void)
{
	if (!GILSCOPE_OPTIMIZED)
		return "debugoptimized";
	return GILSCOPE_BUILDTYPE;
}

static const char *optimization(void)
{
	if (!GILSCOPE_OPTIMIZED)
		return "2";
	return GILSCOPE_OPTIMIZATION;
}

#define NDEBUG_OPTION (GILSCOPE_NDEBUG ? "true" : "false")
#define LTO_OPTION (GILSCOPE_LTO ? "true" : "false")

/* FNV-1a, of the options that can be longer than a name. */
static uint64_t hash_options(void)
{
	const char *const texts[] = { LTO_OPTION, NDEBUG_OPTION, GILSCOPE_C_ARGS };
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (const char *c = texts[i]; *c; c++)
			hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	}
	return hash;
}

/* The name has all that makes a difference: "0123...-debugoptimized-2-gcc-12.2.0-89ab...". */
static bool find_paths(struct paths *paths, const struct revision *revision, struct err *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	/* What is no whole path is to be ignored (XDG Base Directory Specification). */
	const bool own = cache && cache[0] == '/';
	char folder[PATH_MAX - 300], name[256];
	int needed;

	paths->word = revision->word;
	if (!own && (!home || !home[0]))
		return err_set(err, EXIT_IMPOSSIBLE,
			       "no place to build '%s': neither XDG_CACHE_HOME nor HOME is set",
			       revision->word);
	snprintf(name, sizeof(name), "%s-%s-%s-%s-%016" PRIx64, revision->commit, buildtype(),
		 optimization(), GILSCOPE_COMPILER, hash_options());
	for (char *blank = name; (blank = strpbrk(blank, " /"));)
		*blank = '-';
	needed = snprintf(folder, sizeof(folder), "%s%s/gilscope/builds", own ? cache : home,
			  own ? "" : "/.cache");
	if (needed < 0 || (size_t)needed >= sizeof(folder))
		return err_set(err, EXIT_IMPOSSIBLE, "the name of the cache folder is too long");
	snprintf(paths->built, PATH_MAX, "%s/%s", folder, name);
	snprintf(paths->part, PATH_MAX, "%s/%s.part", folder, name);
	snprintf(paths->lock, PATH_MAX, "%s/%s.lock", folder, name);
	snprintf(paths->log, PATH_MAX, "%s/%s.log", folder, name);
	return path_make_folder(folder, err);
}

static bool is_built(const struct paths *paths)
{
	return access(paths->built, X_OK) == 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
	(void)info;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_part(const struct paths *paths)
{
	nftw(paths->part, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Fails with the first line that tells of an error, or else the last one. */
static bool complain(const struct paths *paths, struct err *err)
{
	char line[512] = "", told[512] = "";
	FILE *from = fopen(paths->log, "re");
	bool found = false;

	while (from && !found && fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncasecmp(line, "error:", 6) == 0 || strcasestr(line, " error:") ||
			strstr(line, "fatal:");
		if (line[0])
			memcpy(told, line, sizeof(told));
	}
	if (from)
		fclose(from);
	return err_set(err, EXIT_IMPOSSIBLE, "cannot build '%s' (all of it is in %s): %s",
		       paths->word, paths->log, told);
}

/* A step of the build. The words that follow the file are the shell's "$@". */
static bool step(struct process *process, const struct paths *paths, const char *const words[],
		 struct err *err)
{
	const char *whole[WORDS_MAX] = { "sh", "-c", "exec \"$@\" >>\"$0\" 2>&1", paths->log };
	size_t count = 4;

	for (size_t i = 0; words[i] && count < WORDS_MAX - 1; i++)
		whole[count++] = words[i];
	if (!run(process, whole, err))
		return false;
	return succeeded(process) || complain(paths, err);
}

static const char compiler[] = "CC=" GILSCOPE_CC;
static const char arguments[] = "-Dc_args=" GILSCOPE_C_ARGS;

/* Our compiler and options; where libraries are found is left to the environment, as for any build
 * here. A repository around the cache is not the one that the sources are from. */
#define CLEAN \
	"env", "-u", "CFLAGS", "-u", "CPPFLAGS", "-u", "LDFLAGS", "-u", "GIT_DIR", "-u", \
		"GIT_WORK_TREE", compiler, ceiling

static bool configure(struct process *process, const struct paths *paths, const char *ceiling,
		      struct err *err)
{
	char build[PATH_MAX + 8], source[PATH_MAX + 8], type[64], level[64], lto[32], ndebug[32];
	const char *const words[] = { CLEAN,  "meson",   "setup", type,   level, lto,
				      ndebug, arguments, build,   source, NULL };

	snprintf(build, sizeof(build), "%s/build", paths->part);
	snprintf(source, sizeof(source), "%s/source", paths->part);
	snprintf(type, sizeof(type), "-Dbuildtype=%s", buildtype());
	snprintf(level, sizeof(level), "-Doptimization=%s", optimization());
	snprintf(lto, sizeof(lto), "-Db_lto=%s", LTO_OPTION);
	snprintf(ndebug, sizeof(ndebug), "-Db_ndebug=%s", NDEBUG_OPTION);
	return step(process, paths, words, err);
}

/* Adds what is made in the folder of workloads, and below, as ninja calls it: programs, and scripts
 * that are copied. Libraries come with them. The caller drops 'targets' when they have been used.
 */
static void add_targets(const char *words[WORDS_MAX], const json_t *targets, const char *build)
{
	const size_t above = strlen(build) + 1;
	size_t i, count = 0;
	const json_t *target;

	while (words[count])
		count++;
	json_array_foreach(targets, i, target)
	{
		const char *type = json_string_value(json_object_get(target, "type"));
		const char *file =
			json_string_value(json_array_get(json_object_get(target, "filename"), 0));

		if (json_is_true(json_object_get(target, "build_by_default")) && type && file &&
		    (strcmp(type, "executable") == 0 || strcmp(type, "custom") == 0) &&
		    strlen(file) > above && strncmp(file + above, "workloads/", 10) == 0 &&
		    count < WORDS_MAX - 1)
			words[count++] = file + above;
	}
}

static bool compile(struct process *process, const struct paths *paths, const char *ceiling,
		    struct err *err)
{
	char build[PATH_MAX + 8], list[PATH_MAX + 64];
	const char *words[WORDS_MAX] = { CLEAN, "ninja", "-C", build };
	json_t *targets;
	bool good;

	snprintf(build, sizeof(build), "%s/build", paths->part);
	snprintf(list, sizeof(list), "%s/meson-info/intro-targets.json", build);
	targets = json_load_file(list, 0, NULL);
	add_targets(words, targets, build);
	good = step(process, paths, words, err);
	json_decref(targets);
	return good;
}

static bool make(struct process *process, const struct revision *revision,
		 const struct paths *paths, struct err *err)
{
	char ceiling[PATH_MAX + 32], archive[PATH_MAX + 16], source[PATH_MAX + 8];
	/* In a folder of the sources git would pack that folder alone. */
	const char *const pack[] = { "git",         "-C",      revision->git,
				     "--git-dir=.", "archive", "--format=tar",
				     "-o",          archive,   revision->commit,
				     NULL };
	const char *const unpack[] = { "tar", "-xf", archive, "-C", source, NULL };

	remove_part(paths);
	remove(paths->log);
	snprintf(ceiling, sizeof(ceiling), "GIT_CEILING_DIRECTORIES=%s", paths->part);
	snprintf(archive, sizeof(archive), "%s/source.tar", paths->part);
	snprintf(source, sizeof(source), "%s/source", paths->part);
	if (!path_make_folder(source, err) || !step(process, paths, pack, err) ||
	    !step(process, paths, unpack, err) || !configure(process, paths, ceiling, err) ||
	    !compile(process, paths, ceiling, err))
		return false;
	remove(archive);
	if (rename(paths->part, paths->built) == 0)
		return true;
	return err_set(err, EXIT_IMPOSSIBLE, "cannot rename '%s': %s", paths->part,
		       strerror(errno));
}

static bool wait_for_lock(int lock, const struct revision *revision, struct err *err)
{
	const struct timespec moment = { .tv_nsec = 50000000 };
	bool told = false;

	while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot lock the build of '%s': %s",
				       revision->word, strerror(errno));
		if (process_stop_signal())
			return err_set(err, EXIT_FAILED, "interrupted");
		if (!told)
			fprintf(stderr, "gilscope: waiting for another that builds '%s'\n",
				revision->word);
		told = true;
		nanosleep(&moment, NULL);
	}
	return true;
}

/* Those that are not run by themselves, but by env or the shell. */
static bool find_tools(struct err *err)
{
	static const char *const tools[] = { "tar", "env", "meson", "ninja" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (!path_find_program(tools[i], path, sizeof(path)))
			return no_tool(tools[i], err);
	}
	return true;
}

static bool make_locked(const struct revision *revision, const struct paths *paths, struct err *err)
{
	struct process *process = calloc(1, sizeof(*process));
	bool good = false;

	if (!process)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory");
	fprintf(stderr, "gilscope: building '%s' (%s) in %s\n", revision->word, revision->name,
		paths->built);
	good = make(process, revision, paths, err);
	if (!good)
		remove_part(paths);
	free(process);
	return good;
}

bool revision_build(const struct revision *revision, char folder[PATH_MAX], struct err *err)
{
	struct paths paths;
	bool good = true;
	int lock;

	if (!find_paths(&paths, revision, err))
		return false;
	if (!is_built(&paths)) {
		if (!find_tools(err))
			return false;
		/* Kept open across exec: even if we are killed, nobody else builds before our last
		 * compiler has ended. */
		lock = open(paths.lock, O_CREAT | O_RDWR, 0666);
		if (lock < 0)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot open '%s': %s", paths.lock,
				       strerror(errno));
		good = wait_for_lock(lock, revision, err) &&
		       (is_built(&paths) || make_locked(revision, &paths, err));
		close(lock);
	}
	snprintf(folder, PATH_MAX, "%.*s/build", PATH_MAX - 8, paths.built);
	return good;
}
