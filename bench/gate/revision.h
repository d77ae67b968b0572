/* A revision of gilscope's sources, and the build of it, which is made once and kept. */
#ifndef BENCH_GATE_REVISION_H
#define BENCH_GATE_REVISION_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

struct revision {
	const char *word;   /* as it was given: "HEAD~1", "main" */
	char commit[72];    /* its full name */
	char name[64];      /* as 'git describe' calls it, which is how builds call themselves */
	char git[PATH_MAX]; /* the folder of its repository */
};

/* Asks git what the word means in the repository of the current folder, which must have gilscope's
 * sources. Fails with the nearest name. 'word' is kept, not copied. */
bool revision_find(struct revision *revision, const char *word, struct err *err);

/* The build folder of a revision, with its workloads and nothing else built, by the compiler and
 * with the options of this gilscope (at level 2 if this one is not optimized). It is made in
 * $XDG_CACHE_HOME/gilscope/builds, or ~/.cache, unless it is there from an earlier time; says to
 * standard error that it builds. Two that want the same one build it once. Fails with what went
 * wrong and where the whole output is; then, or killed, it leaves nothing that could be taken for a
 * build. */
bool revision_build(const struct revision *revision, char folder[PATH_MAX], struct err *err);

#endif
