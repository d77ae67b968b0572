/* The trace goes to a folder of its own among the temporary files. */
#include "bench/traced.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_LIMIT_NS UINT64_C(60000000000)

static int drop(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	return remove(path);
}

static double number_of(const json_t *gil, const char *name)
{
	const json_t *value = json_object_get(gil, name);

	return json_is_number(value) ? json_number_value(value) : -1;
}

/* The first lock of the report; there is one in a program with one interpreter. */
static bool read_report(const char *text, struct traced *traced, struct err *err)
{
	json_t *report = json_loads(text, 0, NULL);
	const json_t *gil = json_array_get(json_object_get(report, "gils"), 0);

	traced->switches = number_of(gil, "switches");
	traced->drops_forced = number_of(gil, "drops_forced");
	if (traced->switches < 0)
		traced->switches = number_of(gil, "handovers");
	if (traced->drops_forced < 0)
		traced->drops_forced = number_of(gil, "handovers");
	json_decref(report);
	return (gil && traced->switches >= 0) ||
	       err_set(err, EXIT_FAILED, "no lock was found in its trace");
}

static bool report(struct sampler *sampler, char *self, char *folder, struct traced *traced,
		   struct err *err)
{
	char command[] = "report", gil[] = "--gil", json[] = "--json";
	char *const words[] = { self, command, gil, json, folder, NULL };

	if (!process_run(&sampler->process, words, NULL, REPORT_LIMIT_NS, err))
		return false;
	if (sampler->process.interrupted)
		return err_set(err, EXIT_FAILED, "was interrupted");
	return process_judge(&sampler->process, REPORT_LIMIT_NS, err) &&
	       read_report(sampler->process.output, traced, err);
}

static bool trace(struct sampler *sampler, const struct cell *cell, char *folder,
		  struct traced *traced, struct err *err)
{
	char command[] = "trace", quiet[] = "--quiet", output[] = "-o", end[] = "--";
	char self[PATH_MAX] = "";
	char *const words[] = { self, command, quiet, output, folder, end, NULL };
	struct sample sample;
	bool taken;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot find gilscope itself: %s",
			       strerror(errno));
	sampler->before = words;
	taken = sample_take(sampler, cell, &sample, err);
	sampler->before = NULL;
	json_decref(sample.line);
	traced->elapsed_ns = (double)sample.elapsed_ns;
	return taken && report(sampler, self, folder, traced, err);
}

bool traced_take(struct sampler *sampler, const struct cell *cell, struct traced *traced,
		 struct err *err)
{
	const char *place = getenv("TMPDIR");
	char above[PATH_MAX / 2], folder[PATH_MAX];
	bool good;

	*traced = (struct traced){ 0 };
	snprintf(above, sizeof(above), "%s/gilscope-XXXXXX", place ? place : "/tmp");
	if (!mkdtemp(above))
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make a folder '%s': %s", above,
			       strerror(errno));
	snprintf(folder, sizeof(folder), "%s/trace", above);
	good = trace(sampler, cell, folder, traced, err);
	nftw(above, drop, 8, FTW_DEPTH | FTW_PHYS);
	return good;
}
