/* gilscope list: what there is to choose from, and for what cannot run here the reason. A topic is
 * a row; what it lists it tells through put(), which knows how to print and how to write JSON. */
#include "command/command.h"
#include "command/format.h"

#include "base/emit.h"
#include "base/home.h"
#include "base/param.h"
#include "base/path.h"
#include "base/wrap.h"
#include "bench/counters.h"
#include "bench/runtime.h"
#include "config.h"
#include "workload_list.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INDENT 2

static const char *const workload_names[] = { WORKLOAD_LIST };
#define WORKLOADS (sizeof(workload_names) / sizeof(workload_names[0]))

struct list {
	struct emit emit;
	bool as_json;
	struct home home;
	struct runtime c;
	unsigned width; /* of the names of this topic */
};

/* One thing that can be named. Null texts are not there. */
struct row {
	const char *name, *summary;
	const char *kind;   /* a word that sorts it: a counter's source, a format's use */
	const char *reason; /* why it is not better, or not here at all */
	const json_t *params, *size;
};

static void put_json_member(struct emit *emit, const char *name, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	if (text)
		emit_raw(emit, name, text);
	else
		emit_null(emit, name);
	free(text);
}

static void put_json(struct emit *emit, const struct row *row, const char *kind_name)
{
	emit_open(emit, NULL, '{');
	emit_string(emit, "name", row->name);
	if (row->summary)
		emit_string(emit, "summary", row->summary);
	if (kind_name)
		emit_string(emit, kind_name, row->kind);
	if (row->size)
		put_json_member(emit, "size", row->size);
	if (row->params)
		put_json_member(emit, "params", row->params);
	emit_string(emit, "reason", row->reason);
	emit_close(emit, '}');
}

static void put_params(const struct list *list, const json_t *params)
{
	const json_t *param;
	size_t i;

	json_array_foreach(params, i, param)
	{
		const char *value = json_string_value(json_object_get(param, "default"));
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s",
			 json_string_value(json_object_get(param, "name")), value ? " " : "",
			 value ? value : "");
		printf("%*s%-24s ", (int)(INDENT + list->width), "", left);
		wrap_print(stdout, INDENT + list->width + 25,
			   json_string_value(json_object_get(param, "help")));
	}
}

static void put(struct list *list, const struct row *row, const char *kind_name)
{
	char text[512];

	if (list->as_json) {
		put_json(&list->emit, row, kind_name);
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s", row->summary ? row->summary : "",
		 row->summary && row->reason ? "; " : "", row->reason ? row->reason : "");
	printf("%*s%-*s", INDENT, "", (int)list->width, row->name);
	if (kind_name)
		printf(text[0] ? "%-12s" : "%s", row->kind ? row->kind : "-");
	wrap_print(stdout, INDENT + list->width + (kind_name ? 12 : 0), text);
	put_params(list, row->params);
}

/* Why a workload can run in no mode, as its last one has it; null: it can. */
static const char *refusal(const json_t *told)
{
	const char *reason = NULL;
	const json_t *mode;
	size_t i;

	json_array_foreach(json_object_get(told, "modes"), i, mode)
	{
		reason = json_string_value(json_object_get(mode, "reason"));
		if (!reason)
			return NULL;
	}
	return reason;
}

static void put_workloads(struct list *list)
{
	for (size_t i = 0; i < WORKLOADS; i++) {
		struct err err = { 0 };
		const json_t *told =
			runtime_describe(&list->c, list->home.workloads, workload_names[i], &err);

		put(list,
		    &(struct row){
			    .name = workload_names[i],
			    .summary = json_string_value(json_object_get(told, "summary")),
			    .reason = told ? refusal(told) : err.text,
			    .params = json_object_get(told, "params"),
			    .size = json_object_get(told, "size"),
		    },
		    NULL);
	}
}

/* The modes and the lock models are the same in all workloads; the first that answers is asked. */
static void put_of_any(struct list *list, const char *member)
{
	struct err err = { 0 };
	const json_t *told = NULL, *one;
	size_t i;

	for (i = 0; i < WORKLOADS && !told; i++)
		told = runtime_describe(&list->c, list->home.workloads, workload_names[i], &err);
	if (!told)
		put(list, &(struct row){ .name = "unknown", .reason = err.text }, NULL);
	json_array_foreach(json_object_get(told, member), i, one)
	{
		put(list,
		    &(struct row){
			    .name = json_string_value(json_object_get(one, "name")),
			    .summary = json_string_value(json_object_get(one, "summary")),
			    .params = json_object_get(one, "params"),
		    },
		    NULL);
	}
}

static void put_modes(struct list *list)
{
	put_of_any(list, "modes");
}

static void put_gils(struct list *list)
{
	put_of_any(list, "gils");
}

/* The modes that an interpreter has, as a list. */
static void join_modes(const json_t *told, char *to, size_t room)
{
	const json_t *mode;
	size_t i, used = 0;

	to[0] = '\0';
	json_array_foreach(json_object_get(told, "modes"), i, mode)
	{
		if (used < room)
			used += (size_t)snprintf(to + used, room - used, "%s%s", i ? ", " : "",
						 json_string_value(json_object_get(mode, "name")));
	}
}

static void put_runtimes(struct list *list)
{
	static struct runtimes runtimes; /* large */

	runtimes_all(&runtimes, list->home.workloads);
	for (size_t i = 0; i < runtimes.count; i++) {
		struct runtime *runtime = &runtimes.row[i];
		char modes[200], summary[300];

		snprintf(summary, sizeof(summary), "the C workloads, in every mode");
		if (runtime->family && !runtime->reason[0]) {
			join_modes(runtime_describe(runtime, list->home.workloads,
						    workload_names[0], NULL),
				   modes, sizeof(modes));
			snprintf(summary, sizeof(summary), "%s: %s", runtime->version, modes);
		}
		put(list,
		    &(struct row){ .name = runtime->name,
				   .summary = runtime->reason[0] ? NULL : summary,
				   .reason = runtime->reason[0] ? runtime->reason : NULL },
		    NULL);
	}
	runtimes_finish(&runtimes);
	if (!list->as_json)
		wrap_label(stdout, "", INDENT,
			   "others: --runtime NAME=COMMAND, any interpreter of these languages");
}

static void put_counters(struct list *list)
{
	static struct counters counters; /* large */

	if (!counters_find(&counters, NULL, NULL))
		return;
	for (size_t i = 0; i < counters.count; i++) {
		const struct counter *counter = &counters.row[i];

		put(list,
		    &(struct row){
			    .name = counter->name,
			    .kind = counter_source_name(counter->source),
			    .reason = counter->reason[0] ? counter->reason : NULL,
		    },
		    "source");
	}
	counters_finish(&counters);
	if (!list->as_json)
		wrap_label(stdout, "", INDENT, "%stracepoints as category:event",
			   HAVE_PFM ? "others: every event libpfm4 knows for this processor; " :
				      "others: ");
}

static void put_formats(struct list *list)
{
	char path[PATH_MAX];
	const char *missing = path_find_program("gnuplot", path, sizeof(path)) ?
				      NULL :
				      "needs gnuplot, which is not installed";

	put(list, &(struct row){ "json", "result.json: everything", "results", NULL, NULL, NULL },
	    "of");
	for (size_t i = 0; formats[i]; i++)
		put(list,
		    &(struct row){ formats[i]->name, formats[i]->summary, "export", NULL, NULL,
				   NULL },
		    "of");
	put(list,
	    &(struct row){ "tsv", "samples.tsv and cells.tsv: tables for other programs", "results",
			   NULL, NULL, NULL },
	    "of");
	put(list, &(struct row){ "svg", "charts that scale", "charts", missing, NULL, NULL }, "of");
	put(list,
	    &(struct row){ "png", "charts for slides and chats", "charts", missing, NULL, NULL },
	    "of");
}

static const struct topic {
	const char *name;
	void (*put)(struct list *list);
	unsigned width;
	const char *title;
} topics[] = {
	{ "workloads", put_workloads, 12, "workloads (--workload)" },
	{ "modes", put_modes, 17, "modes (--mode)" },
	{ "gils", put_gils, 14, "lock models (--gil)" },
	{ "runtimes", put_runtimes, 12, "runtimes (--runtime)" },
	{ "counters", put_counters, 26, "counters (--counters)" },
	{ "formats", put_formats, 23, "formats (of gilscope export: --format)" },
};
#define TOPICS (sizeof(topics) / sizeof(topics[0]))

static const struct param params[] = {
	{ .name = "json", .kind = PARAM_FLAG, .help = "print one JSON object" },
	{ 0 },
};

static void put_topic(struct list *list, const struct topic *topic, bool alone)
{
	list->width = topic->width;
	if (list->as_json)
		emit_open(&list->emit, topic->name, '[');
	else if (!alone)
		printf("%s%s\n", topic == topics ? "" : "\n", topic->title);
	topic->put(list);
	if (list->as_json)
		emit_close(&list->emit, ']');
}

static bool find_topic(const char *word, const struct topic **topic, struct err *err)
{
	const char *names[TOPICS];

	for (size_t i = 0; i < TOPICS; i++) {
		names[i] = topics[i].name;
		*topic = &topics[i];
		if (strcmp(names[i], word) == 0)
			return true;
	}
	return param_unknown("topic", word, names, TOPICS, err);
}

/* Options may stand on both sides of the topic. */
static bool parse(int argc, char *argv[], struct param_set *set, const char **word, struct err *err)
{
	int next;

	*word = NULL;
	if (!param_set_parse(set, argc, argv, &next, err))
		return false;
	if (next == argc)
		return true;
	*word = argv[next];
	argc -= next;
	argv += next;
	if (!param_set_parse(set, argc, argv, &next, err))
		return false;
	if (next < argc)
		return err_set(err, EXIT_MISUSE, "'%s' is too much; give one topic or none",
			       argv[next]);
	return true;
}

static int run(int argc, char *argv[], struct err *err)
{
	struct param_set set = { .count = 0 };
	struct list list = { .as_json = false, .c = { .name = "c" } };
	const struct topic *only = NULL;
	const char *word;

	param_set_add(&set, params);
	if (!parse(argc, argv, &set, &word, err) || (word && !find_topic(word, &only, err)) ||
	    !home_find(&list.home, err))
		return err->code;
	list.as_json = param_number(&set, "json");
	if (list.as_json) {
		emit_start(&list.emit, stdout, true);
		emit_open(&list.emit, NULL, '{');
	}
	for (size_t i = 0; i < TOPICS; i++) {
		if (!only || only == &topics[i])
			put_topic(&list, &topics[i], only);
	}
	runtime_finish(&list.c);
	if (list.as_json)
		emit_close(&list.emit, '}');
	return EXIT_DONE;
}

const struct command command_list = {
	.name = "list",
	.arguments = "[workloads|modes|gils|runtimes|counters|formats] [--json]",
	.summary = "what there is to choose from, and why some of it cannot run here",
	.params = params,
	.run = run,
};
