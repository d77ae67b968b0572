/* The main of every workload binary: options in, one result out. The only place of a workload that
 * prints errors and exits. */
#include "base/start.h"
#include "workloads/runtime/describe.h"
#include "workloads/runtime/mode.h"
#include "workloads/runtime/tables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MODE, ROW_GIL, ROW_WORKERS, ROW_SIZE, ROW_TICK_NS, ROW_TICK_SPINS };

/* Not const: the bounds and the default of --size are the workload's. */
static struct param common[] = {
	[ROW_MODE] = { .name = "mode",
		       .kind = PARAM_TEXT,
		       .fallback = "sequential",
		       .value = "MODE",
		       .help = "how the workers run beside each other" },
	[ROW_GIL] = { .name = "gil",
		      .kind = PARAM_TEXT,
		      .value = "MODEL",
		      .help = "the lock model (default cpython3; of subinterpreters cpython313; of "
			      "thread-pool none)" },
	[ROW_WORKERS] = { .name = "workers",
			  .kind = PARAM_NUMBER,
			  .fallback = "2",
			  .low = 1,
			  .high = WORKERS_MAX,
			  .value = "N",
			  .help = "shares of the work" },
	[ROW_SIZE] = { .name = "size", .kind = PARAM_NUMBER, .value = "N" },
	[ROW_TICK_NS] = { .name = "tick-ns",
			  .kind = PARAM_NUMBER,
			  .fallback = "20",
			  .low = 0,
			  .high = 1000000,
			  .value = "NS",
			  .help = "cost of a tick, between CPython 2's and 3's; 0: none" },
	[ROW_TICK_SPINS] = { .name = "tick-spins",
			     .kind = PARAM_NUMBER,
			     .low = 0,
			     .high = 10000000,
			     .value = "N",
			     .help = "the same, as calibrated by an earlier run" },
	{ .name = "pin",
	  .kind = PARAM_TEXT,
	  .value = "CPUS",
	  .help = "place worker i on the i-th of these CPUs: 0,1 or 0-3" },
	{ .name = "cpus",
	  .kind = PARAM_NUMBER,
	  .low = 1,
	  .high = CPU_SETSIZE,
	  .value = "N",
	  .help = "confine all workers to the first N CPUs that are allowed" },
	{ .name = "json", .kind = PARAM_FLAG, .help = "print one JSON object on one line" },
	{ .name = "describe",
	  .kind = PARAM_FLAG,
	  .help = "print what this workload is and takes, as JSON" },
	{ .name = "help", .kind = PARAM_FLAG, .help = "print this" },
	{ 0 },
};

/* The value of an option before options are read: which lock model decides which options exist. The
 * last one counts, as it does for all. */
static const char *look_ahead(int argc, char *const argv[], const char *name)
{
	const size_t length = strlen(name);
	const char *found = NULL;

	for (int i = 1; i < argc && argv[i]; i++) {
		if (strncmp(argv[i], name, length) != 0)
			continue;
		if (argv[i][length] == '=')
			found = argv[i] + length + 1;
		else if (argv[i][length] == '\0' && i + 1 < argc)
			found = argv[i + 1];
	}
	return found;
}

static bool find_mode(struct run *run, const char *name, struct err *err)
{
	const char *names[64];
	size_t count = 0;

	for (; modes[count]; count++) {
		names[count] = modes[count]->name;
		if (strcmp(names[count], name) == 0) {
			run->mode = modes[count];
			return true;
		}
	}
	return param_unknown("mode", name, names, count, err);
}

static bool find_gil(struct run *run, const char *name, struct err *err)
{
	const char *names[64];
	size_t count = 0;

	if (!run->mode->gil)
		return !name || err_set(err, EXIT_MISUSE,
					"--gil '%s' needs --mode gil; --mode %s has no lock", name,
					run->mode->name);
	if (!name)
		name = run->mode->gil;
	if (strcmp(name, GIL_NONE) == 0 && strcmp(run->mode->gil, GIL_NONE) == 0)
		return true;
	for (; gils[count]; count++) {
		names[count] = gils[count]->name;
		if (strcmp(names[count], name) == 0) {
			run->gil = gils[count];
			return true;
		}
	}
	return param_unknown("lock model", name, names, count, err);
}

static bool is_known(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->params.count; i++) {
		if (strcmp(run->params.values[i].row->name, name) == 0)
			return true;
	}
	return false;
}

/* Whether an option was given that the run does not know, but these rows: its name. */
static const char *find_elsewhere(int argc, char *const argv[], const struct run *run,
				  const struct param *row)
{
	char word[80];

	for (; row && row->name; row++) {
		snprintf(word, sizeof(word), "--%s", row->name);
		if (!is_known(run, row->name) && look_ahead(argc, argv, word))
			return row->name;
	}
	return NULL;
}

/* An option of another lock model or mode deserves a better answer than "unknown". */
static bool explain_unknown(int argc, char *const argv[], const struct run *run, struct err *err)
{
	const char *name;

	for (size_t g = 0; gils[g]; g++) {
		name = find_elsewhere(argc, argv, run, gils[g]->params);
		if (name)
			return err_set(err, EXIT_MISUSE,
				       "option '--%s' belongs to --mode gil --gil %s", name,
				       gils[g]->name);
	}
	for (size_t m = 0; modes[m]; m++) {
		name = find_elsewhere(argc, argv, run, modes[m]->params);
		if (name)
			return err_set(err, EXIT_MISUSE, "option '--%s' belongs to --mode %s", name,
				       modes[m]->name);
	}
	return false;
}

/* Reads a CPU's number and moves on; false when there is none. */
static bool read_cpu(const char **at, unsigned long *cpu)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	*cpu = strtoul(*at, &end, 10);
	*at = end;
	return true;
}

/* "0,2-3" to CPUs, in that order; each must be one that this process may use. */
static bool read_pins(struct run *run, const char *text, struct err *err)
{
	const char *at = text;
	unsigned long from, to;

	do {
		if (!read_cpu(&at, &from))
			break;
		to = from;
		if (*at == '-' && (at++, !read_cpu(&at, &to)))
			break;
		for (unsigned long cpu = from; cpu <= to; cpu++) {
			if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &run->cpus))
				return err_set(
					err, EXIT_MISUSE,
					"--pin '%s': CPU %lu is not one this process may use", text,
					cpu);
			if (run->pin_count < CPU_SETSIZE)
				run->pins[run->pin_count++] = (unsigned)cpu;
		}
		if (*at == '\0' && to >= from)
			return true;
	} while (*at++ == ',');
	return err_set(err, EXIT_MISUSE, "--pin '%s' is not a list of CPUs; give 0,1 or 0-3", text);
}

/* Takes all but the first 'count' out of the set; returns how many of these there are not. */
static uint64_t keep_first(cpu_set_t *set, uint64_t count)
{
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, set))
			continue;
		if (count > 0)
			count--;
		else
			CPU_CLR(cpu, set);
	}
	return count;
}

static bool confine(struct run *run, struct err *err)
{
	const struct param_value *cpus = param_get(&run->params, "cpus");
	const char *pin = param_text(&run->params, "pin");

	if (sched_getaffinity(0, sizeof(run->cpus), &run->cpus) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read which CPUs are allowed");
	if (cpus->given) {
		if (keep_first(&run->cpus, cpus->number) > 0)
			return err_set(err, EXIT_MISUSE, "--cpus %s: only %d CPUs are allowed here",
				       cpus->text, CPU_COUNT(&run->cpus));
		sched_setaffinity(0, sizeof(run->cpus), &run->cpus);
	}
	return !pin || read_pins(run, pin, err);
}

static void count_shares(struct run *run)
{
	run->workers = (unsigned)param_number(&run->params, "workers");
	run->parties = run->workers + run->mode->pool;
	run->shares = run->workers;
	if (!run->mode->pool)
		return;
	if (!param_get(&run->params, "tasks")->given)
		param_set_number(&run->params, "tasks", run->workers);
	run->shares = (unsigned)param_number(&run->params, "tasks");
}

static bool read_options(struct run *run, int argc, char *const argv[], struct err *err)
{
	const char *mode = look_ahead(argc, argv, "--mode");
	static char size_help[80];
	int next;

	if (!find_mode(run, mode ? mode : "sequential", err) ||
	    !find_gil(run, look_ahead(argc, argv, "--gil"), err))
		return false;
	snprintf(size_help, sizeof(size_help), "%s in all", run->workload->size_unit);
	common[ROW_SIZE].help = size_help;
	common[ROW_SIZE].fallback = run->workload->size_default;
	common[ROW_SIZE].low = run->workload->size_low;
	common[ROW_SIZE].high = run->workload->size_high;
	if (run->workload->workers_default)
		common[ROW_WORKERS].fallback = run->workload->workers_default;
	param_set_add(&run->params, common);
	param_set_add(&run->params, run->workload->params);
	param_set_add(&run->params, run->mode->params);
	if (run->gil)
		param_set_add(&run->params, run->gil->params);
	if (!param_set_parse(&run->params, argc, argv, &next, err)) {
		explain_unknown(argc, argv, run, err);
		return false;
	}
	if (next < argc)
		return err_set(err, EXIT_MISUSE, "unexpected word '%s'; options start with --",
			       argv[next]);
	count_shares(run);
	return confine(run, err);
}

static bool check_mode(const struct run *run, struct err *err)
{
	const char *reason = run_refusal(run, run->mode);

	return !reason || err_set(err, EXIT_IMPOSSIBLE, "mode '%s' cannot run this: %s",
				  run->mode->name, reason);
}

static void help(const struct run *run)
{
	printf("usage: %s [--mode MODE] [--workers N] [--size N] [--json] ...\n\n%s: %s\n\n",
	       run->workload->name, run->workload->name, run->workload->summary);
	param_help(common, stdout);
	if (run->workload->params)
		printf("\nof this workload:\n");
	param_help(run->workload->params, stdout);
	printf("\nmodes:\n");
	for (size_t i = 0; modes[i]; i++) {
		const char *reason = run_refusal(run, modes[i]);

		printf("  %-24s %s%s\n", modes[i]->name, reason ? "not here: " : "",
		       reason ? reason : modes[i]->summary);
	}
	for (size_t i = 0; modes[i]; i++) {
		if (!modes[i]->params)
			continue;
		printf("\n--mode %s:\n", modes[i]->name);
		param_help(modes[i]->params, stdout);
	}
	for (size_t i = 0; gils[i]; i++) {
		printf("\n--gil %s: %s\n", gils[i]->name, gils[i]->summary);
		param_help(gils[i]->params, stdout);
	}
}

/* A result that did not reach its reader is a failure: a full disk, a closed pipe. */
static int finish_output(const char *name)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fprintf(stderr, "%s: cannot write the result: %m\n", name);
	return EXIT_IMPOSSIBLE;
}

static int fail(const struct run *run, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", run->workload->name, err->text);
	/* Not exit: threads that wait for one that could not be started are still there. */
	fflush(NULL);
	_Exit((int)err->code);
}

int main(int argc, char *argv[])
{
	static struct run run;
	struct err err = { 0 };

	start_safely();
	run.workload = workloads[0];
	if (!read_options(&run, argc, argv, &err))
		return fail(&run, &err);
	if (param_number(&run.params, "help")) {
		help(&run);
		return finish_output(run.workload->name);
	}
	if (param_number(&run.params, "describe")) {
		/* What it can run in must be told where it cannot. */
		if (!run_plan(&run, &err) ||
		    (param_get(&run.params, "mode")->given && !check_mode(&run, &err)))
			return fail(&run, &err);
		describe(&run, common, stdout);
		return finish_output(run.workload->name);
	}
	if (!run_plan(&run, &err) || !check_mode(&run, &err) || !run_workload(&run, &err))
		return fail(&run, &err);
	if (param_number(&run.params, "json"))
		run_print_json(&run, stdout);
	else
		run_print(&run, stdout);
	return finish_output(run.workload->name);
}
