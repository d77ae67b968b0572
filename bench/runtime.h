/* What runs a workload: its C binary, or an interpreter with the script of that name. A runtime is
 * a row of a table, or a command that the user gives a name. Scripts take the options of the
 * binaries and print the same line, so that nothing but this file knows the difference. */
#ifndef BENCH_RUNTIME_H
#define BENCH_RUNTIME_H

#include "base/err.h"
#include "base/param.h"

#include <jansson.h>
#include <limits.h>

#define RUNTIMES_MAX 32
#define RUNTIME_WORDS 24
#define RUNTIME_WORKLOADS 32

/* Interpreters of one language; they run the same scripts. */
struct family {
	const char *folder, *suffix;
};

struct runtime {
	char name[32];                   /* as in ids */
	const struct family *family;     /* null: the C binaries */
	char text[1024];                 /* the memory of the words */
	char *words[RUNTIME_WORDS + 1];  /* the command, null-ended; the first is a path */
	char version[64];                /* "CPython 3.11.2"; empty: not known */
	char reason[400];                /* why it cannot run here; empty: it can */
	json_t *told[RUNTIME_WORKLOADS]; /* what its workloads say of themselves; null: not asked */
};

struct runtimes {
	struct runtime row[RUNTIMES_MAX];
	size_t count;
};

/* The runtimes of '--runtime LIST', which can be given more than once: names of the table, and
 * NAME=COMMAND for any other interpreter. 'folder' is where the workloads are. One of the table
 * that is not here has a reason; a name that nobody knows, and a command that is no interpreter,
 * fail. */
bool runtimes_find(struct runtimes *runtimes, const struct param_value *lists, const char *folder,
		   struct err *err);
/* All of the table, for gilscope list. */
void runtimes_all(struct runtimes *runtimes, const char *folder);
void runtimes_finish(struct runtimes *runtimes);
void runtime_finish(struct runtime *runtime);
/* Is there a workload of that name? Of the C binaries there is every one. */
bool runtime_has(const struct runtime *runtime, const char *folder, const char *workload);
/* The words that start a workload, without its options; 'path' is the memory of one of them.
 * Returns how many. A null runtime is the C binaries. */
size_t runtime_words(const struct runtime *runtime, const char *folder, const char *workload,
		     char path[PATH_MAX], char *words[RUNTIME_WORDS + 2]);
/* What a workload says of itself, asked once. The runtime keeps the object; null with the reason.
 */
const json_t *runtime_describe(struct runtime *runtime, const char *folder, const char *workload,
			       struct err *err);
/* Whether the description has that mode, and the workload can run in it. */
bool runtime_has_mode(const json_t *told, const char *mode);
/* Why the workload cannot run in a mode that there is; null: it can, or there is no such mode. */
const char *runtime_mode_reason(const json_t *told, const char *mode);
/* Whether another value of that parameter is other work. */
bool runtime_is_other_work(const json_t *told, const char *name);
/* Whether it takes that option in that mode: an option of all workloads, a parameter of this one,
 * or of the mode or the lock model. */
bool runtime_takes(const json_t *told, const char *mode, const char *gil, const char *name);

#endif
