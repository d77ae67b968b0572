/* The trace goes to a folder of its own among the temporary files. */
#include "bench/traced.h"

#include "bench/guard.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_LIMIT_NS UINT64_C(60000000000)

static int drop(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	return remove(path);
}

/* Leaves what the report says in the sampler's process. */
static bool report(struct sampler *sampler, char *self, char *folder, const char *about,
		   struct err *err)
{
	char command[] = "report", option[32], json[] = "--json";
	char *const words[] = { self, command, option, json, folder, NULL };
	struct process *process = &sampler->process;

	snprintf(option, sizeof(option), "%s", about);
	process->cpus = NULL;
	if (!process_run(process, words, NULL, REPORT_LIMIT_NS, err))
		return false;
	if (process->interrupted)
		return err_set(err, EXIT_FAILED, "was interrupted");
	return process_judge(process, REPORT_LIMIT_NS, err) ||
	       err_set(err, EXIT_FAILED, "gilscope report %s", err->text);
}

static bool find_self(char self[PATH_MAX], struct err *err)
{
	const ssize_t length = readlink("/proc/self/exe", self, PATH_MAX - 1);

	self[length < 0 ? 0 : length] = '\0';
	return length >= 0 ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot find gilscope itself: %s", strerror(errno));
}

static bool trace(struct sampler *sampler, const struct cell *cell, const char *about, char *folder,
		  struct sample *sample, struct err *err)
{
	const bool calls = strcmp(about, "--syscalls") == 0;
	char command[] = "trace", quiet[] = "--quiet", syscalls[32], output[] = "-o", end[] = "--";
	char self[PATH_MAX] = "";
	char *const words[] = { self, command, quiet, syscalls, output, folder, end, NULL };
	bool taken;

	snprintf(syscalls, sizeof(syscalls), "--syscalls=%s", calls ? "auto" : "off");
	if (!find_self(self, err))
		return false;
	sampler->before = words;
	taken = sample_take(sampler, cell, sample, err);
	sampler->before = NULL;
	return taken && report(sampler, self, folder, about, err);
}

/* A folder for one trace, among the temporary files. */
struct place {
	char above[PATH_MAX / 2], folder[PATH_MAX];
};

static bool place_make(struct place *place, struct err *err)
{
	const char *among = getenv("TMPDIR");

	snprintf(place->above, sizeof(place->above), "%s/gilscope-XXXXXX", among ? among : "/tmp");
	if (!mkdtemp(place->above))
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make a folder '%s': %s", place->above,
			       strerror(errno));
	guard_remove(place->above);
	snprintf(place->folder, sizeof(place->folder), "%s/trace", place->above);
	return true;
}

static void place_remove(const struct place *place)
{
	nftw(place->above, drop, 8, FTW_DEPTH | FTW_PHYS);
	guard_remove(NULL);
}

/* 'about' is the option of gilscope report. */
static bool take(struct sampler *sampler, const struct cell *cell, const char *about,
		 struct sample *sample, struct err *err)
{
	struct place place;
	bool good;

	*sample = (struct sample){ 0 };
	if (!place_make(&place, err))
		return false;
	good = trace(sampler, cell, about, place.folder, sample, err);
	place_remove(&place);
	return good;
}

static double number_of(const json_t *gil, const char *name)
{
	const json_t *value = json_object_get(gil, name);

	return json_is_number(value) ? json_number_value(value) : -1;
}

/* The first lock of the report; there is one in a program with one interpreter. */
static bool read_lock(const char *text, struct lock_counts *counts, struct err *err)
{
	json_t *report = json_loads(text, 0, NULL);
	const json_t *gil = json_array_get(json_object_get(report, "gils"), 0);
	const bool found = gil != NULL;

	counts->switches = number_of(gil, "switches");
	counts->drops_forced = number_of(gil, "drops_forced");
	if (counts->switches < 0)
		counts->switches = number_of(gil, "handovers");
	if (counts->drops_forced < 0)
		counts->drops_forced = number_of(gil, "handovers");
	json_decref(report);
	return (found && counts->switches >= 0) ||
	       err_set(err, EXIT_FAILED, "no lock was found in its trace");
}

bool traced_lock(struct sampler *sampler, const struct cell *cell, struct lock_counts *counts,
		 struct err *err)
{
	struct sample sample;
	const bool good = take(sampler, cell, "--gil", &sample, err);

	*counts = (struct lock_counts){ .elapsed_ns = (double)sample.elapsed_ns };
	json_decref(sample.line);
	return good && read_lock(sampler->process.output, counts, err);
}

/* The tracer removes its folder when it could not run the command. */
static bool was_run(const char *folder)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/trace.json", folder);
	return access(path, F_OK) == 0;
}

static bool run_command(struct sampler *sampler, const char *command, char *folder, struct err *err)
{
	char trace[] = "trace", quiet[] = "--quiet", calls[] = "--syscalls=off", output[] = "-o";
	char end[] = "--", shell[] = "/bin/sh", run[] = "-c", self[PATH_MAX];
	char *const words[] = { self, trace, quiet, calls,           output, folder,
				end,  shell, run,   (char *)command, NULL };
	struct process *process = &sampler->process;

	if (!find_self(self, err))
		return false;
	process->cpus = NULL;
	if (!process_run(process, words, NULL, sampler->limit_ns, err))
		return false;
	if (process->interrupted)
		return err_set(err, EXIT_FAILED, "was interrupted");
	if (!process_judge(process, sampler->limit_ns, err))
		return was_run(folder) ?
			       false :
			       err_set(err, EXIT_IMPOSSIBLE, "gilscope trace %s", err->text);
	if (report(sampler, self, folder, "--gil", err))
		return true;
	/* That there is no lock is what it fails for, and what its report says. */
	if (WIFEXITED(process->status) && WEXITSTATUS(process->status) == EXIT_FAILED)
		return true;
	return err_set(err, EXIT_IMPOSSIBLE, "%s", err->text);
}

static bool check_lock_report(const json_t *report, struct err *err)
{
	json_int_t lost;

	if (json_unpack((json_t *)report, "{s:{s:I}}", "truth", "lost", &lost) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "gilscope report does not say what was lost");
	if (lost > 0)
		return err_set(err, EXIT_IMPOSSIBLE, "%lld events of its trace were lost",
			       (long long)lost);
	return json_array_size(json_object_get(report, "gils")) > 0 ||
	       err_set(err, EXIT_IMPOSSIBLE,
		       "no interpreter's lock was found in its trace; leave out --trace if it has "
		       "none");
}

static double known(const json_t *object, const char *name)
{
	const double value = number_of(object, name);

	return value < 0 ? NAN : value;
}

static void read_figures(const json_t *gils, struct lock_figures *figures)
{
	double waited = 0, lived = 0, most = -1;
	const json_t *gil, *thread;
	size_t i, k;

	*figures = (struct lock_figures){ 0 };
	json_array_foreach(gils, i, gil)
	{
		figures->takes += known(gil, "takes");
		figures->contended += known(gil, "contended");
		figures->switches += known(gil, "switches");
		figures->drops_forced += known(gil, "drops_forced");
		waited += known(json_object_get(gil, "wait"), "sum_ns");
		json_array_foreach(json_object_get(gil, "threads"), k, thread) lived +=
			known(thread, "lived_ns");
		if (number_of(gil, "takes") <= most)
			continue;
		most = number_of(gil, "takes");
		figures->hold_p50_ns = known(json_object_get(gil, "hold"), "p50_ns");
		figures->hold_p99_ns = known(json_object_get(gil, "hold"), "p99_ns");
		/* Nobody waited: it took no time. */
		figures->wait_p99_ns = number_of(gil, "contended") == 0 ?
					       0 :
					       known(json_object_get(gil, "wait"), "p99_ns");
	}
	figures->wait_share = waited / lived;
}

bool traced_command(struct sampler *sampler, const char *command, struct lock_figures *figures,
		    struct err *err)
{
	struct place place;
	json_t *report;
	bool good;

	if (!place_make(&place, err))
		return false;
	good = run_command(sampler, command, place.folder, err);
	place_remove(&place);
	if (!good)
		return false;
	*err = (struct err){ 0 };
	report = json_loads(sampler->process.output, 0, NULL);
	good = check_lock_report(report, err);
	if (good)
		read_figures(json_object_get(report, "gils"), figures);
	json_decref(report);
	return good;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Whether all processes were recorded; not known is no. */
static bool check_ways(const json_t *recorded, struct err *err)
{
	const json_t *ways = json_object_get(recorded, "ways"), *way;
	size_t i;

	json_array_foreach((json_t *)ways, i, way)
	{
		const char *mode = text_of(way, "mode"), *reason = text_of(way, "reason");

		if (!mode || strcmp(mode, "off") == 0)
			return err_set(err, EXIT_IMPOSSIBLE, "not recorded: %s",
				       reason ? reason : "the trace does not say why");
	}
	return json_array_size(ways) > 0 ||
	       err_set(err, EXIT_FAILED, "gilscope report does not say how they were recorded");
}

static bool check_whole(const json_t *recorded, struct err *err)
{
	const json_t *troubles = json_object_get(recorded, "troubles");
	const char *trouble = text_of(json_array_get(troubles, 0), "trouble");
	json_int_t lost;

	if (json_unpack((json_t *)recorded, "{s:I}", "lost", &lost) != 0)
		return err_set(err, EXIT_FAILED, "gilscope report does not say what was lost");
	if (lost > 0)
		return err_set(err, EXIT_FAILED, "%lld events of its trace were lost",
			       (long long)lost);
	return !trouble || err_set(err, EXIT_FAILED, "its trace is not whole: %s", trouble);
}

static bool read_report(const json_t *report, struct calls *calls, struct err *err)
{
	const json_t *recorded = json_object_get(report, "recorded");
	const char *reason = text_of(report, "totals_reason");
	json_int_t all, futex;

	if (!check_whole(recorded, err) || !check_ways(recorded, err))
		return false;
	if (json_unpack((json_t *)report, "{s:{s:I, s:I}}", "totals", "calls", &all, "futex",
			&futex) != 0)
		return err_set(err, EXIT_FAILED, "not recorded: %s",
			       reason ? reason : "gilscope report has no totals");
	if (all < 1 || futex < 0 || futex > all)
		return err_set(err, EXIT_FAILED, "gilscope report has totals that cannot be");
	*calls = (struct calls){ .syscalls = (uint64_t)all, .futex = (uint64_t)futex };
	return true;
}

bool traced_read_calls(const char *text, struct calls *calls, struct err *err)
{
	json_error_t where;
	json_t *report = json_loads(text, 0, &where);
	const bool good = report ? read_report(report, calls, err) :
				   err_set(err, EXIT_FAILED, "gilscope report cannot be read: %s",
					   where.text);

	json_decref(report);
	return good;
}

bool traced_calls(struct sampler *sampler, const struct cell *cell, struct sample *sample,
		  struct calls *calls, struct err *err)
{
	return take(sampler, cell, "--syscalls", sample, err) &&
	       traced_read_calls(sampler->process.output, calls, err);
}
