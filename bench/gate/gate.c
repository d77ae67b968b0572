/* gilscope gate: is the candidate worse than the baseline? */
#include "bench/gate/judge.h"
#include "bench/gate/make.h"
#include "bench/gate/noise.h"
#include "bench/gate/selftest.h"
#include "bench/gate/show.h"
#include "command/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const inconclusives[] = { "tell", "pass", "fail", NULL };

static const struct param params[] = {
	{ .name = "baseline",
	  .kind = PARAM_TEXT,
	  .value = "BUILD",
	  .help = "what was: a build folder, a prefix, or a revision of git, which is built" },
	{ .name = "candidate", .kind = PARAM_TEXT, .value = "BUILD", .help = "what is to be" },
	{ .name = "baseline-command",
	  .kind = PARAM_TEXT,
	  .value = "CMD",
	  .help = "any program instead, run by a shell" },
	{ .name = "candidate-command",
	  .kind = PARAM_TEXT,
	  .value = "CMD",
	  .help = "the same, as it is to be" },
	{ .name = "trace",
	  .kind = PARAM_FLAG,
	  .help = "run each sample a second time under the tracer: of commands it watches their "
		  "GIL, of workloads their futex calls" },
	{ .name = "self-test",
	  .kind = PARAM_FLAG,
	  .help = "does the gate go red? The candidate beside itself must pass, made slower or "
		  "made to conflict it must fail" },
	{ .name = "calibrate",
	  .kind = PARAM_FLAG,
	  .help = "this machine's noise: what can be seen in each cell, and which thresholds fit" },
	{ .name = "inject",
	  .kind = PARAM_TEXT,
	  .value = "WHAT",
	  .help = "make the candidate worse on purpose: slowdown=P% or conflicts=N (times)" },
	{ .name = "delta",
	  .kind = PARAM_TEXT,
	  .value = "P%",
	  .help = "how much slower is no regression yet (default 5%)" },
	{ .name = "threshold",
	  .kind = PARAM_TEXT,
	  .value = "METRIC=P%,..",
	  .help = "the same for any metric, or METRIC=off; can be given more than once" },
	{ .name = "budget",
	  .kind = PARAM_TIME,
	  .fallback = "10s",
	  .low = 100000000,
	  .high = 86400000000000,
	  .value = "TIME",
	  .help = "what a cell may take until it is decided; a failure is confirmed beyond that" },
	{ .name = "inconclusive",
	  .kind = PARAM_CHOICE,
	  .fallback = "tell",
	  .choices = inconclusives,
	  .value = "WAY",
	  .help = "what to exit with when nothing could be decided: tell (3), pass (0), fail (1)" },
	{ .name = "seed",
	  .kind = PARAM_NUMBER,
	  .low = 0,
	  .high = UINT64_C(1) << 53, /* readers of JSON have doubles */
	  .value = "N",
	  .help = "of the order of all samples; without it a new one" },
	{ .name = "workload",
	  .kind = PARAM_TEXT,
	  .value = "W,..",
	  .help = "gate these; without it countdown in four modes, and convoy" },
	{ .name = "mode", .kind = PARAM_TEXT, .value = "M,..", .help = "in these modes" },
	{ .name = "gil",
	  .kind = PARAM_TEXT,
	  .value = "G,..",
	  .help = "with these lock models, in mode gil" },
	{ .name = "runtime",
	  .kind = PARAM_TEXT,
	  .value = "R,..",
	  .help = "run by these: c (default), or interpreters with each build's scripts" },
	{ .name = "workers",
	  .kind = PARAM_TEXT,
	  .value = "N,..",
	  .help = "with these numbers of workers" },
	{ .name = "set",
	  .kind = PARAM_TEXT,
	  .value = "NAME=V,..",
	  .help = "options of the workload, the lock model or the mode, as interval=1ms" },
	{ .name = "sweep",
	  .kind = PARAM_TEXT,
	  .value = "NAME=V,..",
	  .help = "a cell per value of an option; can be given more than once" },
	{ .name = "size",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .low = 0,
	  .high = 1000000000000,
	  .value = "N",
	  .help = "the work of a sample; 0: found on the baseline" },
	{ .name = "sample",
	  .kind = PARAM_TIME,
	  .low = 1000000,
	  .high = 60000000000,
	  .value = "TIME",
	  .help = "how long a sample of the baseline should last (default 10 to 50 ms)" },
	{ .name = "pin",
	  .kind = PARAM_TEXT,
	  .fallback = "off",
	  .value = "CPUS",
	  .help = "place workers on these CPUs in turn; auto: on all that are allowed" },
	{ .name = "limit",
	  .kind = PARAM_TIME,
	  .fallback = "30s",
	  .low = 1000000,
	  .high = 86400000000000,
	  .value = "TIME",
	  .help = "a sample that takes longer is killed, and fails" },
	{ .name = "output",
	  .kind = PARAM_TEXT,
	  .value = "DIR",
	  .help = "write verdict.json, junit.xml, summary.md, pairs.tsv, a chart; -o for short" },
	{ .name = "json", .kind = PARAM_FLAG, .help = "print the verdict as JSON" },
	{ 0 },
};

#define OF_CELLS \
	"workload", "mode", "gil", "runtime", "set", "sweep", "size", "sample", "pin", "inject"

/* What means nothing beside another option is refused rather than ignored. */
static const struct odds {
	const char *option; /* the other one */
	const char *names[24];
} odds[] = {
	{ "self-test",
	  { OF_CELLS, "workers", "delta", "calibrate", "trace", "threshold", "baseline-command",
	    "candidate-command", "output", "json" } },
	{ "calibrate", { "inject", "inconclusive", "delta" } },
	{ "baseline-command", { OF_CELLS, "workers", "baseline", "candidate" } },
	{ "candidate-command", { OF_CELLS, "workers", "baseline", "candidate" } },
};

static bool given(const struct param_set *options, const char *name)
{
	const struct param_value *value = param_get(options, name);

	return value->given && (value->row->kind != PARAM_FLAG || value->number);
}

static bool check_odds(const struct param_set *options, const struct odds *with, struct err *err)
{
	for (size_t i = 0; given(options, with->option) && with->names[i]; i++) {
		if (given(options, with->names[i]))
			return err_set(err, EXIT_MISUSE, "--%s has no place beside --%s",
				       with->names[i], with->option);
	}
	return true;
}

/* Two sides, or with --self-test and --calibrate one. */
static bool check_sides(const struct param_set *options, struct err *err)
{
	const bool alone = given(options, "self-test") || given(options, "calibrate");
	const int builds = given(options, "baseline") + given(options, "candidate");
	const int of_commands =
		given(options, "baseline-command") + given(options, "candidate-command");

	if (alone && builds + of_commands != 1)
		return err_set(err, EXIT_MISUSE,
			       "--%s needs one build, as --candidate BUILD, which is run beside "
			       "itself",
			       given(options, "calibrate") ? "calibrate" : "self-test");
	if (alone || builds == 2 || of_commands == 2)
		return true;
	return err_set(err, EXIT_MISUSE,
		       "nothing to compare; give --baseline BUILD and --candidate BUILD, or "
		       "--baseline-command and --candidate-command");
}

/* As from a variable that was not set: a shell runs nothing, and quickly. */
static bool check_commands(const struct param_set *options, struct err *err)
{
	static const char *const names[] = { "baseline-command", "candidate-command" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = param_text(options, names[i]);

		if (text && text[strspn(text, " \t\n")] == '\0')
			return err_set(err, EXIT_MISUSE, "--%s is empty", names[i]);
	}
	return true;
}

static bool check_options(const struct param_set *options, struct err *err)
{
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		if (!check_odds(options, &odds[i], err))
			return false;
	}
	return check_sides(options, err) && check_commands(options, err);
}

/* What an undecided gate exits with. */
static int undecided(const struct param_set *options)
{
	static const int ways[] = { GATE_EXIT_INCONCLUSIVE, GATE_EXIT_PASS, GATE_EXIT_FAIL };

	return ways[param_number(options, "inconclusive")];
}

/* On a runner of GitHub's, for its pages as well; it reads commands on both outputs. */
static bool show(const struct gate *gate, const struct param_set *options, struct err *err)
{
	const char *actions = getenv("GITHUB_ACTIONS"), *summary = getenv("GITHUB_STEP_SUMMARY");
	const bool json = param_number(options, "json");

	if (actions && strcmp(actions, "true") == 0) {
		if (!gate_print_log(gate, json, stdout))
			return err_set(err, EXIT_IMPOSSIBLE, "no memory");
		gate_annotate(gate, json ? stderr : stdout);
	} else if (json) {
		gate_verdict_json(gate, stdout);
	} else {
		gate_print(gate, stdout);
	}
	return !summary || !summary[0] || gate_append_summary(gate, summary, err);
}

/* Without gnuplot there is no chart, and a verdict all the same. */
static void draw(const struct gate *gate, const char *folder, const struct param_set *options)
{
	struct err why = { 0 };

	if (folder && !gate_chart(gate, folder, &why) && !param_number(options, "json"))
		fprintf(stderr, "no chart: %s\n", why.text);
}

/* The files of an earlier gate are not this one's, however this one ends. */
static bool remove_earlier(const char *folder, struct err *err)
{
	for (size_t i = 0; gate_outputs[i].name; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, gate_outputs[i].name);
		if (unlink(path) != 0 && errno != ENOENT)
			return err_set(err, EXIT_IMPOSSIBLE, "cannot remove the earlier '%s': %m",
				       path);
	}
	return gate_remove_chart(folder, err);
}

static struct result_files *open_files(const char *folder, struct err *err)
{
	struct result_files *files = result_open(folder, gate_outputs, err);

	if (!files || remove_earlier(folder, err))
		return files;
	result_abandon(files);
	return NULL;
}

static int run_gate(const struct param_set *options, int argc, char *argv[], struct err *err)
{
	static struct gate gate; /* large */
	static struct plan plan;
	const char *folder = param_text(options, "output");
	struct result_files *files = folder ? open_files(folder, err) : NULL;

	if (folder && !files)
		return GATE_EXIT_ERROR;
	gate = (struct gate){ .argc = argc,
			      .argv = argv,
			      .exit_status = GATE_EXIT_ERROR,
			      .injected = param_text(options, "inject") };
	if (gate_make(&gate, &plan, options, err)) {
		gate.exit_status = judge_exit(&gate, undecided(options));
		if (!files || result_write(files, &gate, err)) {
			show(&gate, options, err);
			/* The verdict does not wait for the chart. */
			if (fflush(stdout) == 0)
				draw(&gate, folder, options);
		}
	} else {
		result_abandon(files);
	}
	plan_finish(&plan, &gate);
	return err->text[0] ? GATE_EXIT_ERROR : gate.exit_status;
}

static int run_one(const struct param_set *options, int argc, char *argv[], struct err *err)
{
	if (param_number(options, "self-test"))
		return self_test(options, undecided(options), err);
	if (param_number(options, "calibrate"))
		return noise_run(options, err);
	return run_gate(options, argc, argv, err);
}

/* The codes of other commands have other meanings here: 3 would be "inconclusive". */
static int translate(int status, struct err *err)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		clearerr(stdout);
		err_set(err, GATE_EXIT_ERROR, "cannot write the output: %m");
	} else if (err->text[0] && err->code != GATE_EXIT_NOT_COMPARABLE) {
		err->code = GATE_EXIT_ERROR;
	}
	return err->text[0] ? err->code : status;
}

static int run(int argc, char *argv[], struct err *err)
{
	struct param_set options = { 0 };
	int next, status;

	param_set_add(&options, params);
	if (!param_set_parse(&options, argc, argv, &next, err))
		return err->code;
	if (next < argc) {
		err_set(err, EXIT_MISUSE, "unexpected word '%s'; gate takes only options",
			argv[next]);
		return err->code;
	}
	if (!check_options(&options, err))
		return err->code;
	process_catch_signals();
	status = run_one(&options, argc, argv, err);
	if (process_stop_signal())
		process_die_of_signal();
	return translate(status, err);
}

const struct command command_gate = {
	.name = "gate",
	.arguments =
		"--baseline BUILD --candidate BUILD | --baseline-command C --candidate-command C | "
		"--self-test|--calibrate --candidate BUILD [OPTION]...",
	.summary = "is the candidate worse? A verdict for CI, by pairs of fresh processes",
	.params = params,
	.run = run,
};
