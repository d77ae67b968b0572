/* Tests of the recogniser run three times: without system calls, with them among the records of a
 * trace, and with them in place of CALL. What the test asserts must be so each time, and the whole
 * report must be the same to the byte. */
#ifndef TESTS_SYSCALLS_BESIDE_H
#define TESTS_SYSCALLS_BESIDE_H

#include "tests/made_trace.h"
#include "tests/test.h"
#include "tracer/gil/show.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum made_syscalls made_modes[MADE_SYSCALLS] = { MADE_NONE, MADE_BESIDE, MADE_INSTEAD };

#define BESIDE(test, mode) \
	((struct CMUnitTest){ #test " (" #mode ")", test, make, drop, &made_modes[mode] })
#define WITH_AND_WITHOUT_SYSCALLS(test) \
	BESIDE(test, MADE_NONE), BESIDE(test, MADE_BESIDE), BESIDE(test, MADE_INSTEAD)

/* Prints to a file of the trace, and returns what was printed behind what is about the trace
 * itself; the caller frees. */
static char *report_of(const struct made_trace *made, struct show *show)
{
	const int saved = dup(1),
		  file = open(made_path(made, "output"), O_CREAT | O_TRUNC | O_RDWR, 0644);
	char *text = calloc(1, 1 << 20);
	ssize_t got;

	assert_non_null(text);
	fflush(stdout);
	dup2(file, 1);
	show_json(show);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	got = pread(file, text, (1 << 20) - 1, 0);
	close(file);
	assert_true(got > 0);
	memmove(text, strstr(text, "\"none_found\""), strlen(strstr(text, "\"none_found\"")) + 1);
	return text;
}

/* To be called when the trace has been read. */
static void assert_same_report(const struct made_trace *made, const struct gils *gils)
{
	static char *without;
	struct show show = { .trace = gils->trace, .to_ns = UINT64_MAX, .gils = *gils };
	char *text;

	show.symbols = symbols_create(&gils->finding.family);
	assert_non_null(show.symbols);
	text = report_of(made, &show);
	symbols_destroy(show.symbols);
	if (made->syscalls == MADE_NONE) {
		free(without);
		without = text;
		return;
	}
	assert_string_equal(text, without);
	free(text);
}

#endif
