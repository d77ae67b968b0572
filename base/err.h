/* A reason a user can read. Libraries return it; only main prints it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* What a command's exit status says. DESIGN: the gate has its own. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,     /* the measured thing failed: a checksum, a crash */
	EXIT_MISUSE = 2,     /* the words were wrong */
	EXIT_IMPOSSIBLE = 3, /* cannot be done here: no memory, no gnuplot, full disk */
};

struct err {
	int code;       /* an exit_code */
	char text[400]; /* one sentence, no newline, no program name */
};

/* Stores the sentence and the code; returns false, so that callers can return it. A null err
 * drops it. A %s argument may point into err->text itself. */
bool err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
